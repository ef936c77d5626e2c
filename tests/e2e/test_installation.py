"""Two configurations of two customers that name one state file, with the real command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.test_sandbox import CALENDAR
from tests.servers.hook import Hook

RULES = """\
version: 1
timezone: UTC
settings: {{{name}state: {state}, organizers: ["@contoso.example"], verify_every: 24h}}
calendars: {{local: {{ics: ../calendar.ics}}}}
carriers: {{lab: {{type: sandbox, file: {sandbox}, provisioning: 2m}}}}
circuits:
  {circuit}: {{service_id: "1", carrier: lab, tiers: [100 Mbps, 1 Gbps], baseline: {{off_peak: 100 Mbps}}}}
rules:
  - {{name: Calls, calendars: [local], match: {{subject: All}}, circuits: [{circuit}], bandwidth: highest}}
"""
BEFORE, DURING, AFTER = "2026-11-24T12:00", "2026-11-24T12:35", "2026-11-24T15:00"


def write(
    iodcal: Iodcal, path: str, circuit: str, *, name: str = "", state: str = "../state/state.json"
) -> str:
    """One customer's rules file; where it is."""
    given = f"name: {name}, " if name else ""
    sandbox = iodcal.folder / f"{circuit}.json"
    iodcal.write("calendar.ics", CALENDAR)
    iodcal.write(path, RULES.format(circuit=circuit, name=given, state=state, sandbox=sandbox))
    return path


def files(folder: Path) -> dict[str, bytes]:
    """What lies beside the state, but for the lock and its note."""
    return {one.name: one.read_bytes() for one in folder.iterdir() if ".lock" not in one.name}


def owner(iodcal: Iodcal) -> tuple[str, bool]:
    """Whose the state is, and whether that name was given."""
    of = iodcal.state["installation"]
    return of["name"], of["given"]


@pytest.fixture
def acme(iodcal: Iodcal) -> str:
    """A customer whose circuit is up for an event."""
    path = write(iodcal, "acme/rules.yaml", "den-a")
    assert iodcal("sync", "-c", path, "--now", BEFORE).status == 0
    assert iodcal("sync", "-c", path, "--now", DURING).status == 0
    return path


COMMANDS = (
    ("sync", "--now", AFTER),
    ("sync", "--dry-run", "--now", AFTER),
    ("plan", "--now", AFTER),
    ("plan", "--cached"),
    ("status",),
    ("history",),
    ("explain", "lon-a"),
    ("report", "--html", "page.html"),
    ("report", "--from", "2026-11", "--now", AFTER),
    ("hold", "lon-a", "1 Gbps", "--for", "2h"),
    ("park",),
    ("forget", "den-a"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_second_customer_is_refused_and_the_first_ones_circuits_stay(
    iodcal: Iodcal, acme: str, command: tuple[str, ...]
) -> None:
    beta = write(iodcal, "beta/rules.yaml", "lon-a")
    before, ordered = files(iodcal.folder / "state"), (iodcal.folder / "den-a.json").read_bytes()
    done = iodcal(*command, "-c", beta)
    assert done.status == 1
    told = done.err.splitlines()[-1]
    assert f"belongs to the installation acme ({iodcal.folder / acme})" in told
    assert f"not to beta ({iodcal.folder / beta})" in told
    assert str(iodcal.folder) in told
    assert "state/state.json" in told
    assert told.endswith("it is the same installation under a new name: iodcal adopt 'acme'")
    assert "den-a" not in done.out
    assert files(iodcal.folder / "state") == before
    assert (iodcal.folder / "den-a.json").read_bytes() == ordered
    assert not (iodcal.folder / "lon-a.json").exists()
    assert not (iodcal.folder / "page.html").exists()
    write(iodcal, "beta/rules.yaml", "lon-a", state="state.json")
    assert iodcal("sync", "-c", beta, "--now", AFTER).status == 0


def test_scripts_are_told_by_a_code_and_doctor_says_it(iodcal: Iodcal, acme: str) -> None:
    beta = write(iodcal, "beta/rules.yaml", "lon-a")
    done = iodcal("sync", "-c", beta, "-o", "json")
    assert (done.status, done.json["error"]["code"]) == (1, "stranger")
    found = iodcal("doctor", "-c", beta, "-o", "json")
    lights = {one["code"]: one["light"] for one in found.json["findings"]}
    assert (found.status, lights["state_stranger"]) == (3, "red")
    assert iodcal("sync", "-c", acme, "--now", DURING).status == 0


def test_a_customer_may_move_his_file_and_name_it_for_the_first_time(iodcal: Iodcal, acme: str) -> None:
    (iodcal.folder / acme).unlink()
    moved = write(iodcal, "moved/other.yaml", "den-a")
    assert "error" not in iodcal("status", "-c", moved, "-o", "json").json
    assert owner(iodcal) == ("acme", False)  # whoever only looks renames nothing
    assert iodcal("sync", "-c", moved, "--now", DURING).status == 0
    assert owner(iodcal) == ("other", False)
    write(iodcal, moved, "den-a", name="acme-west")
    assert iodcal("sync", "-c", moved, "--now", DURING).status == 0
    assert (iodcal.state["installation"]["name"], iodcal.state["installation"]["given"]) == (
        "acme-west",
        True,
    )


def test_a_name_that_was_given_is_changed_by_a_command(iodcal: Iodcal, acme: str) -> None:
    write(iodcal, acme, "den-a", name="acme")
    assert iodcal("sync", "-c", acme, "--now", DURING).status == 0
    write(iodcal, acme, "den-a", name="acme west")
    assert iodcal("sync", "-c", acme, "--now", DURING).status == 1
    wrong = iodcal("adopt", "beta", "-c", acme)
    assert (wrong.status, wrong.err) == (
        2,
        f"iodcal: The state file {iodcal.folder}/acme/../state/state.json is not that of beta. "
        "It belongs to: acme\n",
    )
    assert iodcal("adopt", "acme", "-c", acme, "--note", "new owner").out.startswith("The state of acme is ")
    line = iodcal.history[-1]
    assert (line["kind"], line["note"]) == ("adopt", "new owner")
    assert (line["from"], line["to"]) == ("acme", "acme west")
    assert "adopt acme as acme west" in iodcal("history", "-c", acme).out
    again = iodcal("adopt", "acme west", "-c", acme, "-o", "json")
    assert (again.status, again.json["changed"], again.json["adopted_from"]) == (0, False, "acme west")
    assert iodcal("sync", "-c", acme, "--now", AFTER).status == 0
    assert {one["confirmed_mbps"] for one in iodcal.circuit_states.values()} == {1000}


def test_a_state_of_before_there_were_names_is_adopted_once(iodcal: Iodcal, acme: str) -> None:
    state = iodcal.folder / "state" / "state.json"
    document = json.loads(state.read_text())
    del document["installation"]
    state.write_text(json.dumps(document))
    assert iodcal("sync", "-c", acme, "--now", DURING).status == 0
    assert iodcal.state["installation"] == {
        "name": "acme",
        "given": False,
        "rules": str(iodcal.folder / acme),
    }
    beta = write(iodcal, "beta/rules.yaml", "lon-a")
    assert iodcal("sync", "-c", beta, "--now", DURING).status == 1


def test_a_refused_run_tells_its_own_people_once_and_nothing_of_the_first_customer(iodcal: Iodcal) -> None:
    notify = "notify: {noc: {webhook: {env: HOOK}}}\n"
    acme, beta = write(iodcal, "acme/rules.yaml", "den-a"), write(iodcal, "beta/rules.yaml", "lon-a")
    for path in (acme, beta):
        iodcal.write(path, (iodcal.folder / path).read_text() + notify)
    nobody = "http://127.0.0.1:9/"
    assert iodcal("sync", "-c", acme, "--now", BEFORE, HOOK=nobody).status == 0
    waiting = (iodcal.folder / "state" / "notices.json").read_bytes()
    assert b"den-a" in waiting
    with Hook() as hook:
        for _ in range(2):
            assert iodcal("sync", "-c", beta, "--now", AFTER, HOOK=hook.url).status == 1
    assert hook.kinds == ["problem"]
    assert "belongs to the installation acme" in hook.bodies[0]["text"]
    assert (iodcal.folder / "state" / "notices.json").read_bytes() == waiting


SHARED = Path(__file__).parent / "shared_state"  # by version 0.1.0, of acme's den-a and beta's lon-a
UNNAMED = "home/.local/state/iodcal"


def without_state(iodcal: Iodcal, path: str, circuit: str, *, name: str = "") -> str:
    """One customer's rules file that names no state."""
    write(iodcal, path, circuit, name=name, state="X")
    iodcal.write(path, (iodcal.folder / path).read_text().replace("state: X, ", ""))
    return path


def leave_shared_state(iodcal: Iodcal) -> None:
    """What two customers' runs of 0.1.0 left at the default place that both had."""
    for part in ("state.json", "history.jsonl"):
        text = (SHARED / part).read_text(encoding="utf-8").replace("FOLDER", str(iodcal.folder))
        iodcal.write(f"{UNNAMED}/{part}", text)


def known_in(iodcal: Iodcal, path: str) -> set[str]:
    """The circuits that a state file knows."""
    document = json.loads((iodcal.folder / UNNAMED / path).read_text(encoding="utf-8"))
    return {known["name"] for own in document["circuits"].values() for known in own.values()}


def test_each_of_two_customers_takes_its_circuits_out_of_the_state_that_0_1_0_shared(iodcal: Iodcal) -> None:
    leave_shared_state(iodcal)
    acme = without_state(iodcal, "acme/rules.yaml", "den-a")
    beta = without_state(iodcal, "beta/rules.yaml", "lon-a")
    carrier: dict[str, Any] = {"circuits": {"1": {}}}
    iodcal.write("lon-a.json", json.dumps(carrier))
    looked = iodcal("status", "-c", acme, "-o", "json").json
    assert looked["circuits"][0]["ordered_mbps"] == 1000
    assert not (iodcal.folder / UNNAMED / "acme").exists()  # whoever only looks moves nothing
    for path, circuit, name in ((acme, "den-a", "acme"), (beta, "lon-a", "beta")):
        first = iodcal("sync", "-c", path, "--now", DURING)
        assert f"The state of {name} and its history were taken from" in first.err
        assert "left_up" not in first.err
        assert "its carrier's address" not in first.err
        assert first.status == 0, first
        assert known_in(iodcal, f"{name}/state.json") == {circuit}
        history = (iodcal.folder / UNNAMED / name / "history.jsonl").read_text()
        assert history.count('"outcome": "confirmed"') == 1
        assert ('"circuit": "den-a"' in history) == (circuit == "den-a")
        again = iodcal("sync", "-c", path, "--now", DURING)
        assert (again.status, again.out, again.err) == (0, "", "")
    later = iodcal("sync", "-c", acme, "--now", AFTER)
    assert "lon-a" not in later.out + later.err
    assert json.loads((iodcal.folder / "lon-a.json").read_text()) == carrier


def test_a_state_of_one_customer_moves_as_a_whole(iodcal: Iodcal) -> None:
    path = without_state(iodcal, "acme/rules.yaml", "den-a")
    old = f"{UNNAMED}/state.json"
    assert iodcal("sync", "-c", path, "--state", old, "--now", BEFORE).status == 0
    before = (iodcal.folder / UNNAMED / "history.jsonl").read_bytes()
    held = iodcal("hold", "den-a", "1 Gbps", "--for", "1h", "-c", path, "--now", DURING)
    assert "were taken from" in held.err
    moved = iodcal.folder / UNNAMED / "acme"
    assert not (iodcal.folder / old).exists()
    assert (moved / "history.jsonl").read_bytes().startswith(before)
    assert iodcal("sync", "-c", path, "--now", DURING).status == 0


def test_a_new_name_is_a_new_place_and_a_command_takes_the_state_there(iodcal: Iodcal) -> None:
    path = without_state(iodcal, "acme/rules.yaml", "den-a", name="acme")
    assert iodcal("sync", "-c", path, "--now", BEFORE).status == 0
    without_state(iodcal, path, "den-a", name="../acme west")
    for command in ("plan", "sync", "status"):
        refused = iodcal(command, "-c", path)
        assert refused.status == 1
        assert "belongs to the installation acme" in refused.err
        assert refused.err.endswith("iodcal adopt 'acme'\n")
    assert iodcal("adopt", "acme", "-c", path).status == 0
    assert known_in(iodcal, "%2E.%2Facme west/state.json") == {"den-a"}
    assert iodcal("sync", "-c", path, "--now", DURING).status == 0


def test_one_name_is_everywhere(iodcal: Iodcal) -> None:
    notify = "notify: {noc: {webhook: {env: HOOK}, kinds: [change]}}\n"
    path = without_state(iodcal, "rules/acme.yaml", "den-a")
    iodcal.write(path, (iodcal.folder / path).read_text() + notify)
    with Hook() as hook:
        done = iodcal(
            "sync", "-v", "-o", "json", "--log-format", "json", "-c", path, "--now", BEFORE, HOOK=hook.url
        )
    assert list(done.json)[:3] == ["version", "installation", "command"]
    assert done.json["installation"] == "acme"
    logged = [json.loads(line) for line in done.err.splitlines() if "configuration:" not in line]
    assert {line["installation"] for line in logged} == {"acme"}
    assert hook.bodies[0]["installation"] == "acme"
    assert hook.bodies[0]["title"] == "acme: den-a: up to 1 Gbps accepted"
    assert "last run of acme " in iodcal("status", "-c", path).out
    for page in (("--html", "page.html"), ("--html", "costs.html", "--from", "2026-11", "--now", AFTER)):
        assert iodcal("report", *page, "-c", path).status == 0
        assert "<title>acme: " in (iodcal.folder / page[1]).read_text()
    assert iodcal("hold", "nobody", "1 Gbps", "-o", "json", "-c", path).json["installation"] == "acme"
