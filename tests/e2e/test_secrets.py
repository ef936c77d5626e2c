"""Secrets planted everywhere, and looked for in everything that is written or shown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.e2e.conftest import LON, World
from tests.e2e.planted import PLANTED, Planted, planted, repeat
from tests.e2e.test_init import WITHOUT_END, servers
from tests.echoes import SPELLINGS, readings
from tests.servers.entra import CLIENT_ID, TENANT
from tests.servers.graph import TOKEN as LOGIN
from tests.servers.lumen import CUSTOMER, INVENTORY, ORDER, QUOTE, TOKEN

EVENTS = "events@contoso.example"
EVERYTHING = (
    ("sync", "-v"),
    ("sync", "-v", "--log-format", "json", "-o", "json"),
    ("plan", "-v", "--unmatched"),
    ("plan", "--cached", "-o", "json"),
    ("status", "-v"),
    ("check", "-v"),
    ("check", "-o", "json"),
    ("explain", "-v", "--event", "All-Hands"),
    ("history", "--all", "-v"),
    ("report", "-v"),
    ("report", "--html", "page.html"),
    ("doctor", "-v"),
    ("doctor", "-o", "json"),
    ("schema",),
    ("hold", "den-a", "1 Gbps", "--for", "1h", "-v", "--sync"),
)
LOOKS = (("sync", "-v"), ("sync", "-v", "--log-format", "json", "-o", "json"), ("doctor", "-v"))


def search(texts: Iterable[tuple[str, str]], made: Planted) -> None:
    """No text, each with the name of its place, may hold any of the secrets."""
    secrets = made.secrets
    for place, text in texts:
        found = sorted(secret for secret in secrets if secret in text)
        assert not found, f"{place} holds {found}: ...{text[max(0, text.find(found[0]) - 300) :][:600]}"


def run(made: Planted, commands: Iterable[tuple[str, ...]], tmp: Path) -> list[tuple[str, str]]:
    """Runs `commands`; all that they show and leave behind, by where it is."""
    texts = []
    for arguments in commands:
        done = made.world.iodcal(*arguments, TMPDIR=str(tmp))
        texts += [(f"stdout of {arguments}", done.out), (f"stderr of {arguments}", done.err)]
        assert "This is a bug" not in done.err, done.err
    texts += [(str(path), text) for path, text in made.kept()]
    return texts + [(str(path), path.read_text()) for path in tmp.rglob("*") if path.is_file()]


@pytest.fixture
def tmp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tmp")


@pytest.mark.parametrize("with_certificate", [False, True], ids=["secret", "certificate"])
def test_where_all_goes_well_no_secret_is_told_kept_or_an_argument(
    world: World, tmp: Path, with_certificate: bool
) -> None:
    commands = EVERYTHING[:2] if with_certificate else (*EVERYTHING, first_configuration(world))
    world.iodcal.forked = False  # what is forked has the command line of what forked it
    lines: set[str] = set()
    folder = world.iodcal.folder
    with planted(world, with_certificate=with_certificate) as made:
        for server in (world.graph, world.lumen):
            server.watch(lambda: lines.update(command_lines(folder)))
        texts = run(made, commands, tmp)
        assert any("sync" in line for line in lines)
        assert {name for name, _ in texts if name.endswith(("history.jsonl", "iodcal.prom"))}
        assert with_certificate or (made.world.iodcal.folder / "made" / "rules.yaml").exists()
        paths = {request.path.split("/")[1] for request in made.requests}
        assert len(paths) >= 4  # a calendar, and three ways of telling
        assert any(request.headers.get("authorization", "").endswith("-77") for request in made.requests)
        search([*texts, *(("a command line", line) for line in lines)], made)


def first_configuration(world: World) -> tuple[str, ...]:
    """The command that makes a configuration in a folder of its own, all answers as options."""
    answers = {
        "--timezone": "America/Denver",
        "--tenant": TENANT,
        "--client": CLIENT_ID,
        "--company": EVENTS,
        "--carrier": "lumen",
        "--customer": CUSTOMER,
        "--contact": "Pat Doe, noc@contoso.example, +13035550100, Contoso",
        "--circuit": f"{LON}=lon-a",
        "--peak": WITHOUT_END,
    }
    given = [part for pair in answers.items() for part in pair]
    return ("init", *given, *servers(world), "--config", "made/rules.yaml")


def command_lines(folder: Path) -> set[str]:
    """What every process that works in `folder` was started with; other tests run beside this one."""
    lines = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if (entry / "cwd").readlink() != folder:
                    continue
                lines.add((entry / "cmdline").read_bytes().decode("utf-8", "replace"))
            except OSError:
                continue
    return lines


@pytest.mark.parametrize(
    ("with_certificate", "statuses"),
    [
        (False, {LOGIN: 401, TOKEN: 401, "calendar": 401, "notices": 401}),
        (True, {LOGIN: 401, INVENTORY: 401, "calendar": 400}),
        (False, {LOGIN: 400, INVENTORY: 403, "calendar": 200, "notices": 500}),
        (False, {EVENTS: 403, QUOTE: 400, "calendar": 403}),
        (False, {EVENTS: 307, ORDER: 400, "calendar": 302, "notices": 307}),
        (False, {EVENTS: 503, ORDER: 503, "calendar": 503}),
        (True, {LOGIN: 302, TOKEN: 302, "calendar": 404, "notices": 429}),
    ],
    ids=str,
)
def test_servers_that_repeat_what_they_were_sent_reveal_nothing(
    world: World, tmp: Path, with_certificate: bool, statuses: dict[str, int]
) -> None:
    with planted(world, with_certificate=with_certificate) as made:
        repeat(made, statuses)
        texts = run(made, LOOKS, tmp)
        assert made.requests
        search(texts, made)


@pytest.mark.parametrize(
    "statuses",
    [{EVENTS: 403, ORDER: 400, "calendar": 403}, {LOGIN: 400, INVENTORY: 403, "calendar": 200}],
    ids=["calendars and orders", "logins and inventory"],
)
@pytest.mark.parametrize(
    "spelling", ["percent twice", "JSON's units", "JSON in JSON", "HTML in decimals", "HTML twice"]
)
def test_no_sink_shows_what_servers_repeat_in_another_spelling(
    world: World, tmp: Path, statuses: dict[str, int], spelling: str
) -> None:
    with planted(world, with_certificate=False) as made:
        made.spell = SPELLINGS[spelling]
        repeat(made, statuses)
        texts = run(made, LOOKS[:1], tmp)
        notices = [("a notice", request.body.decode()) for request in made.requests if request.body]
        assert notices
        for place, text in (*texts, *notices):
            search(((place, reading) for reading in readings(text)), made)


BUG = """\
import requests
from requests.adapters import HTTPAdapter

send = HTTPAdapter.send

def fail(self, request, **more):
    if {part!r} not in request.url:
        return send(self, request, **more)
    try:
        raise KeyError(request.url, dict(request.headers))
    except KeyError as error:
        raise RuntimeError(f"a bug of ours: {{request.url}} {{request.headers}} {{request.body}}") from error

HTTPAdapter.send = fail
from iodcal.cli import main
main()
"""


@pytest.mark.parametrize(
    "part",
    ["/oauth2/v2.0/token", "calendarView", "/calendar/", "/oauth/v2/token", "orderRequest", "planted-addr"],
)
def test_a_bug_of_ours_reveals_nothing_though_all_its_exceptions_do(
    world: World, tmp: Path, part: str
) -> None:
    with planted(world, with_certificate=False) as made:
        broken = made.world.iodcal.write("broken.py", BUG.format(part=part))
        done = subprocess.run(
            [sys.executable, str(broken), "sync", "-v"],
            cwd=world.iodcal.folder,
            env=world.iodcal.around(TMPDIR=str(tmp)),
            capture_output=True,
            text=True,
            check=False,
        )
        kept = [(str(path), path.read_text()) for path in tmp.glob("iodcal-bug-*")]
        if part in (
            "/oauth/v2/token",
            "orderRequest",
        ):  # a carrier's client: its circuits', not the run's, failure
            assert done.returncode == 3, done.stderr
            assert "lumen" in done.stderr
        elif part != "planted-addr":
            assert "This is a bug" in done.stderr
            ((_, report),) = kept
            assert "a bug of ours" in report
            assert "KeyError" in report
            assert {oct(path.stat().st_mode & 0o777) for path in tmp.glob("iodcal-bug-*")} == {"0o600"}
        texts = [("stdout", done.stdout), ("stderr", done.stderr), *kept]
        search([*texts, *((str(path), text) for path, text in made.kept())], made)


@pytest.mark.parametrize(
    "written",
    [
        'client_secret: "planted-password-123',
        "client_secrets: planted-password-123",
        "client_secret: {env: A, planted: planted-password-123}",
        "client_secret: [planted-password-123, {planted-password-123: x}]",
        "client_secret: &a planted-password-123\n  client_id: planted: planted-password-123",
        "client_secret: {file: planted.txt, command: planted-password-123}",
    ],
)
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_slip_beside_a_literal_secret_does_not_show_it(world: World, written: str, output: str) -> None:
    rules = (world.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
    world.iodcal.write("rules.yaml", rules.replace("client_secret: {env: IODCAL_CLIENT_SECRET}", written, 1))
    done = world.iodcal("check", "-v", "-o", output)
    assert done.status == 78
    assert not [secret for secret in PLANTED if secret in done.out + done.err], done.out + done.err


def test_a_secret_typed_where_its_place_is_asked_for_is_not_repeated(world: World) -> None:
    (world.iodcal.folder / "rules.yaml").unlink()
    done = world.iodcal(
        "init", "--secret", "planted-password-123", "--carrier-secret", "env:planted-password-123"
    )
    assert done.status == 2
    assert "planted-password-123" not in done.err
