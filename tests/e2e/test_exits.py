"""Every exit has its status, its words, and with -o json its one object. Nothing tells a secret."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.command import ROOT, Done, Iodcal
from tests.e2e.conftest import World
from tests.servers.entra import SECRET as ENTRA_SECRET
from tests.servers.faults import html
from tests.servers.lumen import ORDER, SECRET, lost_after
from tests.servers.tls import Reply, Request


def both(iodcal: Iodcal, *arguments: str, **more: str) -> tuple[Done, Done]:
    """The same command for people and for scripts."""
    return iodcal(*arguments, **more), iodcal(*arguments, "-o", "json", **more)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["plan", "--nonsense"], "--nonsense"),
        (["nonsense"], "nonsense"),
        (["plan", "--window", "soon"], "soon"),
        (["sync", "--allow-downs", "-1"], "--allow-downs"),
    ],
)
def test_a_wrong_command_line(iodcal: Iodcal, arguments: list[str], word: str) -> None:
    for done in both(iodcal, *arguments):
        assert done.status == 2
        assert word in done.err
        assert "Traceback" not in done.err
    assert done.json["exit"] == 2
    assert done.json["error"]["code"] == "usage"


@pytest.mark.parametrize(
    ("arguments", "ends"),
    [
        (["plann"], "Did you mean 'plan', 'explain'? See iodcal --help"),
        (["--nonsense", "plan"], "No such option: --nonsense. See iodcal --help"),
        (["hold", "den-a", "--unitl", "8"], "--quiet, --until). See iodcal hold --help"),
        (["hold"], "Missing argument 'CIRCUIT... BANDWIDTH'. See iodcal hold --help"),
        (["-v", "plan", "--window", "soon"], "See iodcal plan --help"),
    ],
)
def test_a_wrong_command_line_points_to_the_help_that_has_the_right_one(
    iodcal: Iodcal, arguments: list[str], ends: str
) -> None:
    assert iodcal(*arguments).err.rstrip("\n").endswith(ends)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["plan", "--circuit", "den-x"], "no_such_circuit"),
        (["plan", "--now", "noonish"], "bad_time"),
        (["sync", "--now", "+1h"], "now_needs_sandbox"),
        (["sync", "--now", "+1h", "--wait", "1m"], "now_and_wait"),
        (["sync", "--dry-run", "--wait", "1m"], "dry_run_mixed"),
        (["report", "--circuit", "den-x"], "no_such_circuit"),
        (["report", "--html", "page.html", "--circuit", "den-x"], "no_such_circuit"),
        (["simulate", "--from", "-1d", "--to", "+1d", "--every", "1s"], "simulate_every"),
        (["simulate", "--from", "-365d", "--to", "+3000d"], "simulate_too_long"),
        (["explain", "den-x"], "no_such_circuit"),
        (["history", "--circuit", "den-x"], "no_such_circuit"),
    ],
)
def test_what_cannot_be_asked_for(world: World, arguments: list[str], code: str) -> None:
    text, done = both(world.iodcal, *arguments)
    assert (text.status, done.status, done.json["error"]["code"]) == (2, 2, code)
    assert text.out == ""  # not even a heading
    assert text.err.startswith("iodcal: ")


def test_check_names_the_file_in_one_way_whether_all_is_well_or_not(iodcal: Iodcal) -> None:
    good = "version: 1\ntimezone: UTC\nsettings: {organizers: ['@contoso.example']}\n"
    path = iodcal.write("rules.yaml", good)
    for named, given in (("rules.yaml", ()), (str(path), ("-c", str(path)))):
        path.write_text(good, encoding="utf-8")
        well = iodcal("check", *given)
        assert (well.status, well.out.startswith(f"{named}: 0 calendars")) == (0, True), well
        path.write_text(good.replace("UTC", "Mars"), encoding="utf-8")
        wrong = iodcal("check", *given)
        assert (wrong.status, wrong.err.startswith(f"{named}:2: timezone")) == (78, True), wrong


def test_a_wrong_configuration_names_every_fault(iodcal: Iodcal) -> None:
    iodcal.write("rules.yaml", "version: 1\ntimezone: Mars/Base\nsettings: {evry: 5m}\n")
    for command in ("plan", "sync", "status", "check"):
        text, done = both(iodcal, command)
        assert (text.status, done.status) == (78, 78)
        assert [line.split(":")[1] for line in text.err.splitlines()] == ["2", "3"]
        assert "did you mean every?" in text.err
        assert [fault["line"] for fault in done.json["faults"]] == [2, 3]
        assert done.json["command"] == command
        assert "iodcal check" in done.json["error"]["remedy"]


def test_no_configuration_names_the_places_tried(iodcal: Iodcal) -> None:
    done = iodcal("plan")
    assert done.status == 78
    assert "rules.yaml" in done.err
    assert "/etc/iodcal/rules.yaml" in done.err


HOLD = """
import sys
from pathlib import Path
from iodcal.store.lock import locked
with locked(Path(sys.argv[1]), command="sync", wait_seconds=0):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_held_lock_is_told_with_its_holder(world: World) -> None:
    lock = world.iodcal.folder / "state" / "state.json.lock"
    lock.parent.mkdir()
    command = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        text, done = both(world.iodcal, "sync")
        assert (text.status, done.status) == (75, 75)
        assert f"process {holder.pid}" in text.err
        assert world.iodcal("plan").status == 0
        holder.kill()
    assert world.iodcal("sync").status == 0


MOST_BYTES = 64 * 1024 * 1024  # of a state that is read


def test_a_state_that_is_too_large_is_damage_and_kept_whole(world: World) -> None:
    """Its first 64 MiB would be a good state; all of it, a sparse TiB, fits into no memory."""
    assert world.iodcal("sync").status == 0
    state = world.iodcal.folder / "state" / "state.json"
    with state.open("ab") as file:
        file.write(b" " * (MOST_BYTES - state.stat().st_size))
        file.truncate(2**40)
    done = world.iodcal("sync", "-o", "json")
    assert "state_rebuilt" in [problem["kind"] for problem in done.json["problems"]]
    assert state.stat().st_size < MOST_BYTES
    (aside,) = state.parent.glob("state.json.damaged-*")
    assert aside.stat().st_size == 2**40


def signed(world: World, **changes: object) -> None:
    """Somebody else's signature in the lock file."""
    lock = world.iodcal.folder / "state" / "state.json.lock"
    lock.parent.mkdir(exist_ok=True)
    since = datetime.now(UTC).isoformat()
    lock.write_text(json.dumps({"pid": 1, "host": "other", "command": "sync", "since": since, **changes}))


def test_a_lock_that_is_held_for_too_long_is_a_problem_told_once(world: World) -> None:
    lock = world.iodcal.folder / "state" / "state.json.lock"
    lock.parent.mkdir()
    command = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        signed(world, pid=holder.pid, since=(datetime.now(UTC) - timedelta(minutes=16)).isoformat())
        first, again = world.iodcal("sync"), world.iodcal("sync")
        assert (first.status, again.status) == (75, 75)
        assert f"for too long: sync (process {holder.pid}" in first.err
        assert f"kill {holder.pid}" in first.err
        assert "for too long" not in again.err
        holder.kill()


def test_two_hosts_with_one_state_are_told(world: World) -> None:
    signed(world)
    shared = world.iodcal("sync", "-o", "json").json
    assert (shared["exit"], [one["id"] for one in shared["problems"]]) == (3, ["state_shared:state"])
    assert "host other" in shared["problems"][0]["message"]
    assert world.iodcal("sync", "-o", "json").json["problems"] == []
    signed(world, since=(datetime.now(UTC) - timedelta(hours=1)).isoformat())  # moved an hour ago
    assert world.iodcal("sync", "-o", "json").json["problems"] == []


def test_a_state_that_cannot_be_used_stops_before_any_order(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    world.iodcal.write("state", "a file where a folder should be")
    text, done = both(world.iodcal, "sync")
    assert (text.status, done.status, done.json["error"]["code"]) == (1, 1, "unwritable")
    assert world.lumen.calls[ORDER] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run(world: World, number: signal.Signals) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def wait(reply: Reply, _request: Request) -> Reply:
        arrived.set()
        go_on.wait(30)
        return reply

    world.graph.script("noc@contoso.example", [wait])
    process = world.iodcal.start("sync", "-o", "json")
    assert arrived.wait(60)
    process.send_signal(number)
    go_on.set()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert '"code": "interrupted"' in out
    assert "Traceback" not in err


def test_a_refused_login_is_told_with_its_remedy_and_lowers_nothing(world: World) -> None:
    world.den.bandwidth = "1 Gbps"
    result = world.iodcal("sync", "-o", "json", IODCAL_CLIENT_SECRET="wrong-secret-0815")
    assert result.status == 3
    kinds = {problem["id"]: problem["remedy"] for problem in result.json["problems"]}
    assert set(kinds) == {"calendar_unreadable:noc", "calendar_unreadable:company"}
    assert all(kinds.values())
    assert result.json["orders"] == []
    assert result.json["circuits"][0]["changes"][0]["held"]["reason"] == "calendar_unreadable"
    assert "0815" not in result.out + result.err


def test_a_missing_secret_is_named_by_its_reference(world: World) -> None:
    del world.iodcal.environment["IODCAL_CLIENT_SECRET"]
    done = world.iodcal("plan")
    assert done.status == 3
    assert "env IODCAL_CLIENT_SECRET" in done.err


def test_no_secret_is_written_anywhere(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    world.lumen.script(ORDER, lost_after)
    world.graph.script("noc@contoso.example", [html(503)] * 4)
    texts = []
    for arguments in (["sync", "-v"], ["plan", "-v", "--log-format", "json"], ["sync", "-o", "json"]):
        done = world.iodcal(*arguments)
        texts += [done.out, done.err]
    texts += [path.read_text() for path in Path(world.iodcal.folder, "state").iterdir()]
    tokens = [request.headers.get("authorization", "Bearer none") for request in world.lumen.requests]
    planted = {SECRET, ENTRA_SECRET, *(token.split()[1] for token in tokens)}
    assert len(planted) > 3
    for text in texts:
        assert not [secret for secret in planted if secret in text]
    assert "GET" in texts[1]


def test_the_first_line_says_test_where_the_carrier_is_one(world: World) -> None:
    rules = (world.iodcal.folder / "rules.yaml").read_text()
    world.iodcal.write("rules.yaml", rules.replace("environment: production", "environment: test"))
    world.meeting("All-Hands", 20, 60)
    assert world.iodcal("plan").out.startswith("TEST environment")
    assert world.iodcal("sync").out.startswith("TEST environment\n")
    assert world.iodcal("plan", "-o", "json").json["test"] is True


def test_a_plan_looks_a_year_ahead_and_no_farther(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    done = world.iodcal("plan", "--window", "366d")
    assert (done.status, done.err) == (0, "")
    assert "366 days ahead" in done.out
    done = world.iodcal("plan", "--window", "367d")
    assert (done.status, done.out) == (2, "")
    assert "more than 366 days" in done.err


def test_the_status_shows_what_the_last_run_found(world: World) -> None:
    world.graph.script("noc@contoso.example", [html(503)] * 6)
    assert world.iodcal("sync").status == 3
    shown, document = world.iodcal("status"), world.iodcal("status", "-o", "json")
    assert (shown.status, document.status) == (3, 3)
    assert "calendar noc cannot be read" in shown.err
    assert [problem["id"] for problem in document.json["problems"]] == ["calendar_unreadable:noc"]
    assert document.json["problems"][0]["since"]
    rules = (world.iodcal.folder / "rules.yaml").read_text()
    without = re.sub(r"(?m)^  noc: .*\n", "", rules).replace("[company, noc]", "[company]")
    world.iodcal.write("other.yaml", without.replace("calendars: [noc]", "calendars: [company]"))
    assert (world.iodcal("status", "-c", "other.yaml").status, world.iodcal("status").status) == (0, 3)
    assert world.iodcal("sync").status == 0
    shown = world.iodcal("status")
    assert (shown.status, shown.err) == (0, "")


def test_what_was_told_once_is_not_told_again(world: World) -> None:
    world.graph.script("noc@contoso.example", [html(503)] * 12)
    first, again = world.iodcal("sync"), world.iodcal("sync")
    assert (first.status, again.status) == (3, 3)
    assert "calendar noc cannot be read" in first.err
    assert again.err == ""
    assert "calendar noc cannot be read" in world.iodcal("sync", "-v").err
    recovered = world.iodcal("sync")
    assert (recovered.status, recovered.err) == (0, "recovered: calendar_unreadable noc\n")


def test_one_wrong_secret_is_told_once_for_all_mailboxes(world: World) -> None:
    wrong = {"IODCAL_CLIENT_SECRET": "wrong"}
    for command in ("plan", "sync"):
        done = world.iodcal(command, **wrong)
        (line,) = [one for one in done.err.splitlines() if "cannot be read" in one]
        assert line.startswith(
            "error: The calendars noc and company cannot be read: the Microsoft login refuses"
        )
        found = world.iodcal(command, "-o", "json", **wrong).json["problems"]
        assert {one["id"] for one in found} >= {"calendar_unreadable:noc", "calendar_unreadable:company"}


_HEAVY = re.compile(r"\b(msal|msgspec|requests|icalendar|pydantic|yaml|rich)$", re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--help"], {}),
        (["--version"], {}),
        (["sync", "--help"], {}),
        (
            [],
            {
                "_IODCAL_COMPLETE": "complete_bash",
                "COMP_WORDS": "iodcal plan --win",
                "COMP_CWORD": "2",
                "_TYPER_COMPLETE_ARGS": "iodcal plan --win",
            },
        ),
    ],
)
def test_help_and_completion_import_nothing_heavy(arguments: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "iodcal", *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    assert ("typer" in done.stderr) is (arguments != ["--version"])
    assert ("--window" in done.stdout) is bool(environment)
    assert _HEAVY.findall(done.stderr) == []


def test_a_closed_pipe_is_no_bug(world: World) -> None:
    process = world.iodcal.start("plan")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert "bug" not in err
