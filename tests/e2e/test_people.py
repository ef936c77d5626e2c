"""Holds, pauses, parking and freezes with the real command, on the sandbox carrier."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.command import Done, Iodcal

RULES = """\
version: 1
timezone: UTC
settings:
  {state: state/state.json, organizers: ["@contoso.example"], verify_every: 24h, max_unplanned_downs: 0}
calendars: {local: {ics: calendar.ics}}
carriers: {lab: {type: sandbox, file: sandbox.json, provisioning: 2m}}
defaults:
  circuit: {carrier: lab, tiers: [100 Mbps, 500 Mbps, 1 Gbps], baseline: {off_peak: 100 Mbps}}
circuits:
  den-a: {service_id: "1"}
  lon-a: {service_id: "2"}
rules:
  - {name: Calls, calendars: [local], match: {subject: All-Hands}, circuits: [den-a], bandwidth: highest}
  - name: Freezes
    calendars: [local]
    match: {subject: Freeze, organizer: "@contoso.example"}
    circuits: [lon-a]
    mode: freeze
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
BEGIN:VEVENT
UID:2
DTSTART:20261124T120000Z
DTEND:20261124T140000Z
ORGANIZER:mailto:noc@contoso.example
SUMMARY:Freeze of the quarter
END:VEVENT
END:VCALENDAR
"""
HOSTILE = "\x1b[31mDR\x1b[0m\nerror: \u202efake " + "x" * 100


class Lab:
    """An All-Hands on den-a from 12:30 to 13:30, lead 30, trail 10 minutes; on lon-a a freeze, 12 to 14."""

    def __init__(self, iodcal: Iodcal) -> None:
        self.iodcal = iodcal
        iodcal.write("calendar.ics", CALENDAR)
        iodcal.write("rules.yaml", RULES)
        self.sync("10:00")

    def run(self, time: str, *arguments: str) -> Done:
        return self.iodcal(*arguments, "--now", f"2026-11-24T{time}:00Z", SUDO_USER="pat")

    def sync(self, time: str, *arguments: str) -> Any:
        return self.run(time, "sync", "-o", "json", *arguments).json

    def orders(self, time: str) -> list[tuple[str, str, int]]:
        return [(o["circuit"], o["outcome"], o["to_mbps"]) for o in self.sync(time)["orders"]]

    def plan(self, time: str) -> Any:
        return self.run(time, "plan", "-o", "json").json


@pytest.fixture
def lab(iodcal: Iodcal) -> Lab:
    return Lab(iodcal)


def circuit(report: Any, name: str) -> Any:
    return next(row for row in report["circuits"] if row["name"] == name)


def test_a_hold_from_its_order_to_its_end(lab: Lab) -> None:
    held = lab.run("10:01", "hold", "lon-a", "500", "Mbps", "--for", "90m", "--note", "DR rehearsal")
    assert (held.status, held.err) == (0, "")
    assert held.out.splitlines() == [
        "lon-a is held at 500 Mbps or more until Tue 24 Nov 2026 11:31 UTC (in 90 min), by pat: DR rehearsal",
        "The next run acts on it; with --sync it is done at once",
    ]
    planned = circuit(lab.plan("10:02"), "lon-a")
    assert planned["hold"] == {
        "bandwidth_mbps": 500,
        "exactly": False,
        "since": "2026-11-24T10:01:00Z",
        "until": "2026-11-24T11:31:00Z",
        "who": "pat",
        "note": "DR rehearsal",
    }
    due, down = planned["changes"]
    assert [(cause["kind"], cause["who"], cause["note"]) for cause in due["causes"]] == [
        ("hold", "pat", "DR rehearsal")
    ]
    assert (down["at"], down["direction"]) == ("2026-11-24T11:31:00Z", "down")
    assert lab.orders("10:05") == [("lon-a", "accepted", 500)]
    assert lab.orders("10:10") == [("lon-a", "confirmed", 500)]
    assert lab.orders("11:30") == []
    assert lab.orders("11:31") == [("lon-a", "accepted", 100)]
    assert lab.orders("11:35") == [("lon-a", "confirmed", 100)]
    ordered = [record for record in lab.iodcal.history if record["kind"] == "order" and "causes" in record]
    assert [(cause["who"], cause["ended"]) for cause in ordered[0]["causes"]] == [("pat", False)]
    assert ("pat", True) in [(cause["who"], cause["ended"]) for cause in ordered[1]["causes"]]


def test_at_once_with_sync_for_that_circuit_only(lab: Lab) -> None:
    done = lab.run("12:00", "hold", "lon-a", "1Gbps", "--until", "15:00", "--sync")
    first, ordered = done.out.splitlines()
    assert first.startswith(
        "lon-a is held at 1 Gbps or more until Tue 24 Nov 2026 15:00 UTC (in 3 h), by pat"
    )
    assert ordered.startswith("lon-a: up 100 Mbps to 1 Gbps accepted (")
    assert ordered.endswith(" for a hold by pat")
    released = lab.run("12:01", "release", "lon-a", "--sync", "-o", "json").json
    assert (released["command"], released["circuit"], released["changed"]) == ("release", "lon-a", True)
    (row,) = released["sync"]["circuits"]
    assert (row["name"], row["hold"]) == ("lon-a", None)
    assert row["changes"][0]["held"]["reason"] == "freeze"
    assert released["exit"] == released["sync"]["exit"]


def test_many_releases_at_once_wait_for_a_person_to_let_them_through(lab: Lab) -> None:
    for name in ("den-a", "lon-a"):
        lab.run("10:05", "hold", name, "1Gbps", "--for", "90m", "--sync")
    lab.sync("10:10")
    for name in ("den-a", "lon-a"):
        assert lab.run("10:15", "release", name).status == 0
    stopped = lab.sync("10:15")
    assert stopped["orders"] == []
    (problem,) = [one for one in stopped["problems"] if one["kind"] == "too_many_downs"]
    assert problem["remedy"].endswith("iodcal sync --allow-downs 2")
    through = lab.sync("10:16", "--allow-downs", "2")
    assert [(order["circuit"], order["to_mbps"]) for order in through["orders"]] == [
        ("den-a", 100),
        ("lon-a", 100),
    ]


def test_the_history_tells_who_asked_for_what(lab: Lab) -> None:
    lab.run("10:05", "hold", "lon-a", "1Gbps", "--for", "30m", "--note", "DR rehearsal", "--sync")
    lab.run("10:10", "pause", "--all", "--for", "5m", "--note", HOSTILE)
    found = lab.iodcal("history", "--circuit", "lon-a", "-o", "json").json["entries"]
    hold, order, pause = found
    assert [one["kind"] for one in found] == ["hold", "order", "pause"]
    assert (hold["who"], hold["note"], hold["to_mbps"]) == ("pat", "DR rehearsal", 1000)
    assert hold["until"] == "2026-11-24T10:35:00Z"
    assert (pause["circuit"], pause["who"], pause["note"]) == (None, "pat", HOSTILE.strip())
    (cause,) = order["causes"]
    assert (cause["kind"], cause["who"], cause["note"]) == ("hold", "pat", "DR rehearsal")
    shown = lab.iodcal("history", COLUMNS="120").out
    assert "until Tue 24 Nov 10:35, by pat: DR rehearsal" in shown
    assert "hold by pat: DR rehearsal" in shown
    assert "\x1b" not in shown


def test_problems_stand_in_the_history_once(lab: Lab) -> None:
    lab.run("11:00", "pause", "--all", "--for", "3h")
    for minute in (56, 57, 58):
        lab.sync(f"11:{minute}")
    lab.run("11:59", "resume", "--all", "--sync")
    lab.sync("12:02")
    noted = [one for one in lab.iodcal.history if one["kind"] in ("problem", "recovered")]
    ids = [(one["kind"], one["id"].partition("/")[0]) for one in noted if "event_at_risk" in one["id"]]
    assert ids == [("problem", "event_at_risk:den-a"), ("recovered", "event_at_risk:den-a")]


def test_held_exactly_an_event_is_told_to_be_short(lab: Lab) -> None:
    lab.run("11:00", "hold", "den-a", "100Mbps", "--exactly", "--for", "2h", "--note", "the carrier works")
    report = lab.sync("11:05")
    kinds = {problem["kind"]: problem for problem in report["problems"]}
    assert report["exit"] == 3
    assert "a hold by pat keeps it below the 1 Gbps" in kinds["overruled"]["message"]
    assert "iodcal release den-a" in kinds["event_at_risk"]["remedy"]
    assert lab.orders("11:56") == []
    assert lab.orders("13:00") == [("den-a", "accepted", 1000)]


def test_a_pause_orders_nothing_and_tells_what_is_missed(lab: Lab) -> None:
    paused = lab.run("11:00", "pause", "den-a", "--until", "12:40", "--note", "carrier portal maintenance")
    assert paused.out == (
        "den-a is paused until Tue 24 Nov 2026 12:40 UTC (in 100 min), by pat: carrier portal maintenance; "
        "nothing is ordered until then\n"
    )
    report = lab.sync("11:56")
    held = circuit(report, "den-a")["changes"][0]["held"]
    assert held == {"reason": "pause", "until": "2026-11-24T12:40:00Z"}
    assert circuit(report, "den-a")["pause"]["who"] == "pat"
    (missed,) = [problem for problem in report["problems"] if problem["kind"] == "event_at_risk"]
    assert "orders are paused" in missed["message"]
    assert lab.orders("12:35") == []
    assert lab.orders("12:40") == [("den-a", "accepted", 1000)]
    (kept,) = [known for key, known in lab.iodcal.circuit_states.items() if key.endswith("||1")]
    assert "pause" not in kept


def test_everything_paused_and_resumed(lab: Lab) -> None:
    lab.run("11:00", "pause", "--all", "--for", "3h")
    report = lab.sync("11:56")
    assert (report["orders"], report["pause"]["until"]) == ([], "2026-11-24T14:00:00Z")
    assert lab.run("11:57", "resume", "den-a").status == 2
    resumed = lab.run("11:57", "resume", "--all", "--sync")
    assert "Every circuit is no longer paused; it was paused until Tue 24 14:00, by pat" in resumed.out
    assert "den-a: up 100 Mbps to 1 Gbps accepted" in resumed.out
    assert "nothing to do" in lab.run("11:58", "resume", "--all").out


def test_parked_circuits_come_to_rest_and_stay_there(lab: Lab) -> None:
    lab.orders("11:56")
    lab.orders("12:00")
    parked = lab.run("12:01", "park", "--note", "moving to den2", "--sync")
    assert "Parked: every circuit goes to its off-peak tier" in parked.out
    assert "den-a: down 1 Gbps to 100 Mbps accepted" in parked.out  # though max_unplanned_downs is 0
    assert parked.status == 3
    assert "error: den-a will not be at 1 Gbps" in parked.err
    assert "everything is parked" in parked.err
    report = lab.sync("12:05")
    assert report["parked"]["note"] == "moving to den2"
    assert [(o["circuit"], o["outcome"], o["to_mbps"]) for o in report["orders"]] == [
        ("den-a", "confirmed", 100)
    ]
    assert lab.orders("12:35") == []
    shown = lab.run("12:36", "plan").out
    assert "PARKED since Tue 24 Nov 2026 12:01 UTC, by pat: moving to den2" in " ".join(shown.split())
    assert lab.run("12:36", "hold", "den-a", "1Gbps", "--for", "1h").status == 2
    assert "No longer parked" in lab.run("12:40", "resume", "--all").out
    assert lab.orders("12:40") == [("den-a", "accepted", 1000)]


def test_a_freeze_holds_back_a_lowering_until_it_is_over(lab: Lab) -> None:
    lab.run("10:05", "hold", "lon-a", "1Gbps", "--until", "12:30", "--sync")
    lab.orders("10:10")
    planned = circuit(lab.plan("12:10"), "lon-a")
    assert [(freeze["rule"], freeze["subject"], freeze["allow"]) for freeze in planned["freezes"]] == [
        ("Freezes", "Freeze of the quarter", "ups")
    ]
    for time in ("12:25", "12:30", "13:59"):
        assert ("lon-a", "accepted", 100) not in lab.orders(time)
    held = circuit(lab.plan("13:59"), "lon-a")["changes"][0]
    assert (held["at"], held["held"]) == (
        "2026-11-24T12:30:00Z",
        {"reason": "freeze", "until": "2026-11-24T14:00:00Z"},
    )
    assert "change freeze" in lab.run("13:59", "plan").out
    assert ("lon-a", "accepted", 100) in lab.orders("14:00")


def test_a_freeze_that_is_gone_from_the_calendar_ends_with_the_second_reading(lab: Lab) -> None:
    lab.run("10:05", "hold", "lon-a", "1Gbps", "--until", "12:30", "--sync")
    lab.orders("10:10")
    lab.sync("12:30")
    without = CALENDAR.replace("Freeze of the quarter", "Lunch")
    lab.iodcal.write("calendar.ics", without.replace("UID:2", "UID:3").replace("120000Z", "110000Z"))
    held = circuit(lab.sync("12:35"), "lon-a")["changes"][0]["held"]
    assert held == {"reason": "freeze", "until": "2026-11-24T14:00:00Z"}
    assert ("lon-a", "accepted", 100) in lab.orders("12:40")


def test_an_event_in_a_total_freeze_is_told_when_first_seen(lab: Lab) -> None:
    total = RULES.replace("mode: freeze", "mode: freeze\n    allow: none").replace("[lon-a]", "all")
    lab.iodcal.write("rules.yaml", total)
    report = lab.sync("10:05")
    (told,) = report["problems"]
    assert (told["kind"], "a change freeze allows no order" in told["message"]) == ("event_at_risk", True)
    assert circuit(report, "den-a")["changes"][0]["held"] == {
        "reason": "freeze",
        "until": "2026-11-24T14:00:00Z",
    }
    # A run may come just before the freeze, and then looks ahead; that cannot be counted on.
    assert lab.orders("11:56") == [("den-a", "accepted", 1000)]
    assert lab.orders("12:10") == [("den-a", "confirmed", 1000)]
    assert {problem["kind"] for problem in lab.sync("12:35")["problems"]} == {"late_run"}
    assert ("den-a", "accepted", 100) not in lab.orders("13:45")


def test_what_left_is_a_problem_until_it_is_forgotten(lab: Lab) -> None:
    lab.run("10:05", "hold", "lon-a", "1Gbps", "--for", "5h", "--sync")
    lab.orders("10:10")
    assert lab.iodcal("forget", "lon-a").status == 2
    lab.iodcal.write(
        "rules.yaml", RULES.replace('  lon-a: {service_id: "2"}\n', "").replace("[lon-a]", "all")
    )
    (left,) = [p for p in lab.sync("10:15")["problems"] if p["kind"] == "left_up"]
    assert "iodcal forget lon-a" in left["remedy"]
    forgotten = lab.iodcal("forget", "lon-a", SUDO_USER="pat")
    assert forgotten.out.splitlines()[0] == "lon-a is forgotten"
    assert "It was last at 1 Gbps" in forgotten.out
    assert [p for p in lab.sync("10:20")["problems"] if p["kind"] == "left_up"] == []
    assert [record["who"] for record in lab.iodcal.history if record["kind"] == "forget"] == ["pat"]


def test_a_hold_outlives_the_loss_of_the_state(lab: Lab) -> None:
    lab.run("10:05", "hold", "lon-a", "1Gbps", "--for", "5h", "--note", "why", "--sync")
    lab.orders("10:10")
    (lab.iodcal.folder / "state" / "state.json").write_text("{")
    refused = lab.run("10:11", "pause", "--all", "--for", "1h")
    assert (refused.status, "Run iodcal sync first" in refused.err) == (1, True)
    report = lab.sync("10:15")
    assert "state_rebuilt" in {problem["kind"] for problem in report["problems"]}
    assert circuit(report, "lon-a")["hold"]["note"] == "why"
    assert circuit(lab.sync("10:20"), "lon-a")["changes"][0]["direction"] == "down"
    assert lab.orders("15:04") == []


def test_a_note_plays_no_tricks(lab: Lab) -> None:
    held = lab.run("10:05", "hold", "lon-a", "1Gbps", "--for", "5h", "--note", HOSTILE, "--sync")
    outputs = [held.out, *(lab.run("10:06", *command).out for command in (["plan"], ["sync"]))]
    outputs += [lab.iodcal("status").out, lab.run("10:07", "release", "lon-a").out]
    for output in outputs:
        assert "\x1b" not in output
        assert "\u202e" not in output
        assert not any(line.startswith("error: fake") for line in output.splitlines())
        assert "x" * 61 not in output
    document = lab.run("10:08", "hold", "lon-a", "1Gbps", "--for", "5h", "--note", HOSTILE, "-o", "json")
    assert document.out.isascii()
    assert document.json["hold"]["note"] == HOSTILE.strip()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hold", "den-b", "1Gbps", "--for", "1h"], "Did you mean den-a?"),
        (["hold", "den-a", "2Gbps", "--for", "1h"], "1 Gbps is the highest"),
        (["hold", "den-a", "50Mbps", "--for", "1h"], "changes nothing"),
        (["hold", "den-a", "1Gbps", "--until", "09:00"], "is not ahead: it is 10:00 UTC now"),
        (["hold", "den-a", "1Gbps", "--until", "09:00"], "such as --until '2026-11-25 09:00'"),
        (["hold", "den-a", "1Gbps", "--until", "25:00"], "is not a time such as 2026-11-22, '2026"),
        (["hold", "den-a", "1Gbps", "--for", "two"], "is not a duration such as"),
        (["hold", "den-a", "1Gbps"], "Give one of --for 2h and --until TIME"),
        (["pause", "--all"], "It must end"),
        (["pause", "--for", "1h"], "Say for which circuit"),
        (["resume"], "Name one, or give --all"),
        (["resume", "den-a", "--all"], "den-a and --all exclude each other. Leave one out"),
        (["pause", "den-a", "--all", "--for", "2h"], "den-a and --all exclude each other. Leave one out"),
    ],
)
def test_bad_input_is_refused_and_the_run_unharmed(lab: Lab, arguments: list[str], message: str) -> None:
    before = lab.iodcal.state
    done = lab.run("10:00", *arguments)
    assert done.status == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    assert lab.iodcal.state == before
    assert lab.sync("10:01")["exit"] == 0


def test_quiet_says_nothing_and_json_is_one_object(lab: Lab) -> None:
    assert lab.run("10:00", "pause", "den-a", "--for", "1h", "-q").out == ""
    document = lab.run("10:01", "park", "-o", "json").json
    assert (document["command"], document["exit"], document["who"]) == ("park", 0, "pat")
    assert (document["paused"], document["parked"]["since"]) == (["den-a"], "2026-11-24T10:01:00Z")
    again = lab.run("10:02", "park").out
    assert again == "Parked already, since Tue 24 Nov 2026 10:01 UTC, by pat\n"
