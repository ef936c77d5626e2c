"""The sample configuration and the sandbox carrier, whose time can be moved."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any, Self

import pytest

from tests.e2e.command import ROOT, Iodcal

NOON = "2026-11-24T12:00:00Z"
RULES = """\
version: 1
timezone: UTC
settings: {{state: state/state.json, organizers: ["@contoso.example"], orders: {orders}}}
calendars: {{local: {{ics: calendar.ics}}}}
carriers: {{lab: {{type: sandbox, file: sandbox.json, provisioning: 2m}}}}
circuits:
  den-a:
    carrier: lab
    service_id: "77000000001"
    tiers: [100 Mbps, 1 Gbps]
    baseline: {{off_peak: 100 Mbps}}
rules:
  - {{name: Calls, calendars: [local], match: {{subject: All-Hands}}, circuits: all, bandwidth: highest}}
"""
CALENDAR = """\
BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1
DTSTART:20261124T123000Z
DTEND:20261124T133000Z
SUMMARY:All-Hands
END:VEVENT
END:VCALENDAR
"""


class Lab:
    """A circuit with an All-Hands from 12:30 to 13:30; lead 30, trail 10 minutes."""

    def __init__(self, iodcal: Iodcal) -> None:
        self.iodcal = iodcal
        iodcal.write("calendar.ics", CALENDAR)
        self.configure()

    def copied_to(self, folder: Path) -> Self:
        """The same in `folder`, with all that happened so far."""
        made = copy.copy(self)
        made.iodcal = self.iodcal.copied_to(folder)
        return made

    def configure(self, orders: str = "all") -> None:
        self.iodcal.write("rules.yaml", RULES.format(orders=orders))

    def sync(self, time: str, *arguments: str) -> Any:
        done = self.iodcal("sync", "--now", f"2026-11-24T{time}:00Z", "-o", "json", *arguments)
        return done.json

    def outcomes(self, time: str) -> list[str]:
        return [order["outcome"] for order in self.sync(time)["orders"]]

    def switch(self, **faults: Any) -> None:
        path = self.iodcal.folder / "sandbox.json"
        document = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**document, "faults": faults}))


@pytest.fixture
def lab(iodcal: Iodcal) -> Lab:
    return Lab(iodcal)


def test_a_day_in_the_life_of_a_circuit(lab: Lab) -> None:
    assert lab.outcomes("11:50") == []
    assert lab.outcomes("11:56") == ["accepted"]
    assert lab.outcomes("11:57") == ["pending"]
    assert lab.outcomes("11:58") == ["confirmed"]
    assert lab.outcomes("12:40") == []
    assert lab.outcomes("13:39") == []
    lowered = lab.sync("13:40")
    assert [(order["direction"], order["outcome"]) for order in lowered["orders"]] == [("down", "accepted")]
    assert [cause["ended"] for cause in lowered["circuits"][0]["changes"][0]["causes"]] == [False, True]
    assert lab.outcomes("13:45") == ["confirmed"]
    assert lab.sync("13:50")["circuits"][0]["ordered_mbps"] == 100
    (looked,) = [record for record in lab.iodcal.history if record["kind"] == "curtain_up"]
    assert (looked["result"], looked["at"]) == ("ready", "2026-11-24T12:40:00Z")  # none came before the start


def test_an_answer_lost_after_effect_is_found_and_never_sent_again(lab: Lab) -> None:
    lab.switch(lose_after=1)
    assert lab.outcomes("11:56") == ["unknown"]
    held = lab.sync("11:57")
    assert [order["outcome"] for order in held["orders"]] == ["pending"]
    assert lab.outcomes("11:59") == ["confirmed"]
    assert json.loads((lab.iodcal.folder / "sandbox.json").read_text())["orders"] == {"2026-11-24": 1}


def test_an_order_that_never_arrived_is_sent_again_after_the_grace(lab: Lab) -> None:
    lab.switch(lose_before=1)
    first = lab.sync("11:56")["orders"][0]
    assert first["outcome"] == "unknown"
    waiting = lab.sync("12:05")
    assert waiting["orders"] == []
    assert waiting["exit"] == 0
    again = lab.sync("12:12")
    assert [order["outcome"] for order in again["orders"]] == ["lost", "accepted"]
    assert again["orders"][1]["external_id"] != first["external_id"]
    assert lab.outcomes("12:15") == ["confirmed"]


def test_a_lost_order_is_sent_again_twice_and_then_given_up(lab: Lab) -> None:
    lab.switch(lose_before=9)
    assert lab.outcomes("11:56") == ["unknown"]
    assert lab.outcomes("12:12") == ["lost", "unknown"]
    assert lab.outcomes("12:28") == ["lost", "unknown"]
    given_up = lab.sync("12:44")
    assert [order["outcome"] for order in given_up["orders"]] == ["lost"]
    assert given_up["circuits"][0]["changes"][0]["held"]["reason"] == "unknown_order"
    assert given_up["exit"] == 3


def test_an_order_that_fails_is_tried_again_while_the_event_lasts(lab: Lab) -> None:
    lab.switch(fail=True)
    assert lab.outcomes("11:56") == ["accepted"]
    assert lab.outcomes("12:15") == []
    assert lab.outcomes("12:16") == ["failed", "accepted"]


def test_a_stuck_order_is_overdue_and_stays_open(lab: Lab) -> None:
    lab.switch(stuck=True)
    assert lab.outcomes("11:56") == ["accepted"]
    overdue = lab.sync("12:17")
    assert [order["outcome"] for order in overdue["orders"]] == ["overdue"]
    kinds = {problem["kind"] for problem in overdue["problems"]}
    assert kinds == {"order_overdue", "event_at_risk", "late_run"}
    assert lab.outcomes("12:50") == []


def test_a_refusal_is_told_with_the_carriers_words(lab: Lab) -> None:
    lab.switch(refuse="no \x1b[31mred\x1b[0m text")
    refused = lab.sync("11:56")
    assert [order["outcome"] for order in refused["orders"]] == ["refused"]
    (problem,) = [one for one in refused["problems"] if one["kind"] == "order_refused"]
    assert "red" in problem["message"]
    text = lab.iodcal("plan", "--now", NOON)
    assert "\x1b" not in text.out + text.err


def test_a_strange_status_orders_nothing(lab: Lab) -> None:
    lab.switch(status="Suspended")
    strange = lab.sync("11:56")
    assert strange["orders"] == []
    assert strange["circuits"][0]["changes"][0]["held"]["reason"] == "status_unknown"
    assert "status_unknown:den-a" in [problem["id"] for problem in strange["problems"]]


def test_a_raise_by_hand_is_told_and_kept_until_the_demand_falls(lab: Lab) -> None:
    assert lab.outcomes("10:00") == []
    path = lab.iodcal.folder / "sandbox.json"
    path.write_text(json.dumps({"circuits": {"77000000001": {"bandwidth": "1 Gbps"}}}))
    found = lab.sync("11:01")
    assert found["orders"] == []
    assert "drift" not in [problem["kind"] for problem in found["problems"]]  # it is just what was asked for
    assert lab.sync("13:41")["orders"][0]["direction"] == "down"


def test_drift_is_a_warning_with_the_hour_at_which_it_ends(lab: Lab) -> None:
    assert lab.outcomes("09:00") == []
    path = lab.iodcal.folder / "sandbox.json"
    path.write_text(json.dumps({"circuits": {"77000000001": {"bandwidth": "1 Gbps"}}}))
    found = lab.sync("10:01")
    late, drift = sorted(found["problems"], key=lambda problem: problem["kind"], reverse=True)
    assert (late["kind"], late["severity"]) == ("late_run", "warning")
    assert (drift["kind"], drift["severity"], found["exit"]) == ("drift", "warning", 0)
    held = found["circuits"][0]["changes"][0]["held"]
    assert held == {"reason": "person", "until": "2026-11-24T13:40:00Z"}


def test_only_observed_is_recorded_and_told_once(lab: Lab) -> None:
    lab.configure(orders="none")
    first = lab.iodcal("sync", "--now", NOON)
    assert first.out == "den-a: up 100 Mbps to 1 Gbps held back (observe)\n"
    again = lab.iodcal("sync", "--now", "2026-11-24T12:05:00Z")
    assert (again.out, again.err, again.status) == ("", "", 0)
    (change,) = [record for record in lab.iodcal.history if record["kind"] == "change"]
    assert change["held"] == "observe"


def test_a_vanished_event_counts_until_the_second_reading_without_it(lab: Lab) -> None:
    assert lab.outcomes("11:56") == ["accepted"]
    assert lab.outcomes("11:58") == ["confirmed"]
    lab.iodcal.write("calendar.ics", "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n")
    assert lab.outcomes("12:10") == []
    assert lab.outcomes("12:15") == ["accepted"]


def test_a_calendar_that_cannot_be_read_lowers_nothing_it_does_not_know(lab: Lab) -> None:
    assert lab.outcomes("11:56") == ["accepted"]
    assert lab.outcomes("11:58") == ["confirmed"]
    (lab.iodcal.folder / "calendar.ics").unlink()
    remembered = lab.sync("12:40")
    assert (remembered["exit"], remembered["orders"]) == (3, [])
    assert remembered["calendars"][0]["remembered"] is True
    assert remembered["circuits"][0]["changes"][0]["causes"][-1]["remembered_since"] is not None
    assert lab.outcomes("13:41") == ["accepted"]  # a remembered event ends normally


def test_what_only_a_reading_can_show_to_be_over_does_not_clear_without_one(lab: Lab) -> None:
    backwards = CALENDAR.replace("DTEND:20261124T1330", "DTEND:20261124T1130")
    lab.iodcal.write("calendar.ics", backwards)
    assert "ends before it starts" in lab.iodcal("sync", "--now", "2026-11-24T11:00:00Z").err
    (lab.iodcal.folder / "calendar.ics").unlink()
    assert "recovered" not in lab.iodcal("sync", "--now", "2026-11-24T11:05:00Z").err
    lab.iodcal.write("calendar.ics", CALENDAR)
    assert "recovered: event_invalid" in lab.iodcal("sync", "--now", "2026-11-24T11:10:00Z").err


def test_a_circuit_that_was_not_looked_at_has_not_recovered(lab: Lab) -> None:
    lab.outcomes("11:50")
    lab.switch(unreadable=True)
    assert "carrier" in lab.iodcal("sync", "--now", "2026-11-24T11:56:00Z").err
    lab.iodcal.write("calendar.ics", CALENDAR.replace("All-Hands", "Nothing at all"))
    quiet = lab.iodcal("sync", "--now", "2026-11-24T11:58:00Z")  # nothing is due any more: nobody is asked
    assert "recovered: carrier_unreadable" not in quiet.err
    lab.switch()
    looked = lab.iodcal("sync", "--now", "2026-11-24T12:55:00Z")
    assert "recovered: carrier_unreadable" in looked.err


def test_a_calendar_never_read_keeps_its_circuits_up(lab: Lab) -> None:
    (lab.iodcal.folder / "calendar.ics").unlink()
    path = lab.iodcal.folder / "sandbox.json"
    path.write_text(json.dumps({"circuits": {"77000000001": {"bandwidth": "1 Gbps"}}}))
    blind = lab.sync("12:00")
    assert blind["orders"] == []
    assert blind["circuits"][0]["changes"][0]["held"]["reason"] == "calendar_unreadable"


def test_a_rule_renamed_while_its_calendar_cannot_be_read_keeps_its_circuits_up(lab: Lab) -> None:
    assert lab.outcomes("11:56") == ["accepted"]
    assert lab.outcomes("11:58") == ["confirmed"]
    calendar = lab.iodcal.folder / "calendar.ics"
    content = calendar.read_text()
    calendar.unlink()
    lab.iodcal.write("rules.yaml", RULES.format(orders="all").replace("name: Calls", "name: Big calls"))
    blind = lab.sync("12:40")  # nobody knows which events the new name takes: it was never asked
    assert blind["orders"] == []
    assert blind["circuits"][0]["changes"][0]["held"]["reason"] == "calendar_unreadable"
    lab.iodcal.write("calendar.ics", content)
    assert lab.sync("12:45")["circuits"][0]["target_mbps"] == 1000
    calendar.unlink()
    assert lab.outcomes("13:41") == ["accepted"]


def test_a_preview_touches_nothing_and_needs_no_lock(lab: Lab) -> None:
    before = sorted(path.name for path in lab.iodcal.folder.iterdir())
    planned = lab.iodcal("plan", "--now", NOON, "--detailed-exitcode", "-o", "json")
    assert planned.status == 4
    assert planned.json["circuits"][0]["changes"][0]["due"] is True
    assert sorted(path.name for path in lab.iodcal.folder.iterdir()) == before


def test_after_a_preview_a_sync_still_has_everything_to_do(lab: Lab) -> None:
    dry = lab.iodcal("sync", "--dry-run", "--now", NOON, "-o", "json").json
    assert (dry["command"], dry["orders"]) == ("plan", [])
    real = lab.sync("12:00")
    assert (real["digest"], len(real["orders"])) == (dry["digest"], 1)


def test_a_dry_run_refuses_what_makes_sense_only_where_something_is_ordered(lab: Lab) -> None:
    both = lab.iodcal("sync", "--dry-run", "--now", NOON, "--expect", "sha256:0", "--wait", "5m")
    assert (both.status, both.out) == (2, "")
    assert both.err == (
        "iodcal: --dry-run orders nothing, so --expect and --wait cannot go with it. "
        "Leave it out, or --dry-run\n"
    )
    one = lab.iodcal("sync", "--dry-run", "--now", NOON, "--expect", "sha256:0")
    assert (one.status, "so --expect cannot" in one.err) == (2, True)


def test_the_last_readings_serve_without_the_calendar(lab: Lab) -> None:
    lab.sync("11:50")
    (lab.iodcal.folder / "calendar.ics").unlink()
    cached = lab.iodcal("plan", "--cached", "--now", NOON, "-o", "json")
    assert cached.status == 0
    assert cached.json["circuits"][0]["changes"][0]["causes"][0]["subject"] == "All-Hands"
    status = lab.iodcal("status", "-o", "json").json
    assert (status["command"], status["circuits"][0]["observed_mbps"]) == ("status", 100)
    assert status["last_run"]["good"] is True


def test_a_damaged_state_lowers_nothing_once(lab: Lab) -> None:
    assert lab.outcomes("11:56") == ["accepted"]
    (lab.iodcal.folder / "state" / "state.json").write_text("{")
    rebuilt = lab.sync("12:10")
    assert [problem["kind"] for problem in rebuilt["problems"]] == ["state_rebuilt"]
    assert [order["outcome"] for order in rebuilt["orders"]] == ["confirmed"]
    assert lab.sync("12:15")["problems"] == []


def test_the_sample_configuration_shows_something_at_any_hour(iodcal: Iodcal) -> None:
    shutil.copytree(ROOT / "examples", iodcal.folder / "examples")
    shutil.copy(ROOT / "rules.yaml", iodcal.folder / "rules.yaml")
    checked = iodcal("check", "--strict")
    assert (checked.status, checked.err) == (0, "")
    for hour in range(0, 24, 3):
        planned = iodcal("plan", "--now", f"2027-03-13T{hour:02}:10:00Z", "--window", "6h", "-o", "json")
        assert planned.status == 0
        assert planned.json["circuits"][0]["changes"], f"nothing to see at {hour}:10"


def test_the_folder_of_the_state_holds_what_belongs_there(lab: Lab) -> None:
    lab.sync("11:56")
    names = {path.name for path in Path(lab.iodcal.folder, "state").iterdir()}
    assert names == {"state.json", "state.json.lock", "history.jsonl"}


@pytest.mark.parametrize(
    ("lead", "ordered_at"),
    [("", "07:50"), (", lead: 0m", "08:00"), (", lead: 30m", "07:30")],
    ids=["as long as the carrier takes", "none", "its own"],
)
def test_a_peak_is_there_as_it_begins(iodcal: Iodcal, lead: str, ordered_at: str) -> None:
    rules = RULES.format(orders="all").replace("provisioning: 2m", "provisioning: 10m")
    peak = f"{{days: tue, from: '08:00', to: '18:00', bandwidth: 1 Gbps{lead}}}"
    iodcal.write("calendar.ics", CALENDAR)
    iodcal.write(
        "rules.yaml", rules.replace("{off_peak: 100 Mbps}", f"{{off_peak: 100 Mbps, peaks: [{peak}]}}")
    )
    runs = {
        at: iodcal("sync", "--now", f"2026-11-24T{at}:00Z", "-o", "json").json
        for at in ("07:25", "07:30", "07:45", "07:50", "07:55", "08:00", "08:10")
    }
    assert [at for at, run in runs.items() if any(o["outcome"] == "accepted" for o in run["orders"])] == [
        ordered_at
    ]
    (circuit,) = runs["08:10" if ordered_at == "08:00" else "08:00"]["circuits"]
    assert circuit["observed_mbps"] == 1000
    planned = next(
        change for change in runs["07:25"]["circuits"][0]["changes"] if change["direction"] == "up"
    )
    assert planned["at"] == f"2026-11-24T{ordered_at}:00Z"
    assert planned["causes"][0]["start"] == "2026-11-24T08:00:00Z"
