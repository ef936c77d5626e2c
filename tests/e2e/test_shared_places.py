"""A mailbox, a file or an address in several calendars: read once, and counted in each."""

from __future__ import annotations

import json

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.conftest import World
from tests.e2e.test_sandbox import CALENDAR
from tests.servers.faults import html

SMALL, LARGE = "board-den@contoso.example", "aud1-den@contoso.example"
ROOMS = (
    f"  rooms: {{site: den, mailboxes: [{SMALL}, {LARGE}]}}\n"
    f"  large: {{site: lon, mailbox: {LARGE}, subjects: hide}}\n"
)
RULES = """\
  - {name: Rooms, calendars: [rooms], match: {longer_than: 30m}, circuits: same_site, bandwidth: 500 Mbps}
  - {name: Large rooms, calendars: [large], match: {longer_than: 30m}, circuits: [den-a], bandwidth: 1 Gbps}
"""


@pytest.fixture
def rooms(world: World) -> World:
    """All rooms of Denver ask for 500 Mbps, the large one for 1 Gbps; its titles are hidden there."""
    path = world.iodcal.folder / "rules.yaml"
    path.write_text(path.read_text().replace("calendars:\n", "calendars:\n" + ROOMS, 1) + RULES)
    world.graph.mailboxes.update({SMALL: [], LARGE: []})
    return world


def test_a_mailbox_in_two_calendars_is_read_once_and_counts_in_each(rooms: World) -> None:
    rooms.meeting("Budget", 20, 80, mailbox="aud1-den")
    assert rooms.iodcal("check").status == 0
    report = rooms.iodcal("sync", "-o", "json").json
    assert len([path for path in rooms.graph.paths("/calendarView") if LARGE in path]) == 1
    (den,) = [circuit for circuit in report["circuits"] if circuit["name"] == "den-a"]
    (due, *_) = den["changes"]
    assert due["to_mbps"] == 1000
    assert [(cause["rule"], cause["calendar"], cause["subject"]) for cause in due["causes"]] == [
        ("Large rooms", "large", None)
    ]
    shown = {
        (row["name"], row["events"], row["matched"])
        for row in report["calendars"]
        if "oom" in row["name"] or "large" in row["name"]
    }
    assert {("large", 1, 1), ("rooms", 1, 1), ("rooms", 0, 0)} <= shown


def test_it_is_remembered_for_each(rooms: World) -> None:
    rooms.meeting("Budget", 20, 80, mailbox="aud1-den")
    assert rooms.iodcal("sync").status == 0
    rooms.graph.script(LARGE, [html(503)] * 9)
    done = rooms.iodcal("plan", "-o", "json")
    (den,) = [circuit for circuit in done.json["circuits"] if circuit["name"] == "den-a"]
    assert den["ordered_mbps"] == den["target_mbps"] == 1000
    assert [problem["id"] for problem in done.json["problems"]] == [
        f"calendar_unreadable:rooms/{LARGE}",
        "calendar_unreadable:large",
    ]
    remembered = [row for row in done.json["calendars"] if row["remembered"]]
    assert [(row["name"], row["matched"]) for row in remembered] == [("rooms", 1), ("large", 1)]
    cached = rooms.iodcal("plan", "--cached", "-o", "json").json
    assert [(row["name"], row["matched"]) for row in cached["calendars"] if row["matched"]] == [
        ("rooms", 1),
        ("large", 1),
    ]


def test_a_place_that_comes_into_a_second_calendar_while_it_cannot_be_read_shows_no_title_there(
    rooms: World,
) -> None:
    path = rooms.iodcal.folder / "rules.yaml"
    later = path.read_text()
    path.write_text(later.replace(RULES.splitlines(keepends=True)[1], ""))
    rooms.meeting("Secret merger", 20, 80, mailbox="aud1-den")
    assert rooms.iodcal("sync").status == 0
    path.write_text(later)
    rooms.graph.script(LARGE, [html(503)] * 9)
    done = rooms.iodcal("sync", "-o", "json")
    known = {row["name"]: row["matched"] for row in done.json["calendars"] if row["remembered"]}
    assert known == {"rooms": 1, "large": 1}
    kept = json.loads((rooms.iodcal.folder / "state" / "state.json").read_text())["calendars"]
    titles = {
        known["label"]: [event.get("subject") for event in known.get("events", [])] for known in kept.values()
    }
    assert (titles[f"rooms/{LARGE}"], titles["large"]) == (["Secret merger"], [None])


def test_doctor_tries_it_once_and_tells_of_each(rooms: World) -> None:
    done = rooms.iodcal("doctor", "-o", "json")
    told = [row["where"] for row in done.json["findings"] if row["area"] == "calendars"]
    assert {"large", f"rooms/{LARGE}", f"rooms/{SMALL}"} <= set(told)
    assert len([path for path in rooms.graph.paths("/calendarView") if LARGE in path]) == 1


FILES = """\
version: 1
timezone: UTC
settings: {state: state/state.json, organizers: ["@contoso.example"]}
calendars:
  local: {ics: calendar.ics}
  again: {ics: calendar.ics}
  berlin: {ics: calendar.ics, zones: {Customized: Europe/Berlin}}
  tokyo: {ics: calendar.ics, zones: {Customized: Asia/Tokyo}}
carriers: {lab: {type: sandbox, file: sandbox.json, provisioning: 2m}}
circuits:
  den-a: {carrier: lab, service_id: "77", tiers: [100 Mbps, 1 Gbps], baseline: {off_peak: 100 Mbps}}
rules:
  - {name: Calls, calendars: [local, again, berlin], match: {subject: All-Hands}, circuits: all,
     bandwidth: highest}
  - {name: Far, calendars: [tokyo], match: {subject: All-Hands}, circuits: all, bandwidth: highest}
"""


def test_a_file_in_several_calendars_is_read_by_each_ones_zones(iodcal: Iodcal) -> None:
    iodcal.write("rules.yaml", FILES)
    local = CALENDAR.replace("DTSTART:20261124T123000Z", "DTSTART;TZID=Customized:20261124T123000")
    iodcal.write(
        "calendar.ics", local.replace("DTEND:20261124T133000Z", "DTEND;TZID=Customized:20261124T133000")
    )
    planned = iodcal("plan", "--now", "2026-11-24T01:00:00Z", "-o", "json").json
    raises = [
        (cause["calendar"], cause["start"])
        for change in planned["circuits"][0]["changes"]
        if change["direction"] == "up"
        for cause in change["causes"]
    ]
    assert raises == [("tokyo", "2026-11-24T03:30:00Z"), ("berlin", "2026-11-24T11:30:00Z")]
    assert [problem["id"] for problem in planned["problems"]] == [
        "event_unreadable:local",
        "event_unreadable:again",
    ]


def test_one_file_in_two_calendars_of_one_rule_is_one_event(iodcal: Iodcal) -> None:
    iodcal.write("rules.yaml", FILES)
    iodcal.write("calendar.ics", CALENDAR)
    report = iodcal("sync", "--now", "2026-11-24T12:00:00Z", "-o", "json").json
    (due, *_) = report["circuits"][0]["changes"]
    assert [(cause["rule"], cause["calendar"]) for cause in due["causes"]] == [
        ("Calls", "again"),
        ("Far", "tokyo"),
    ]
    assert [row["name"] for row in report["calendars"]] == ["local", "again", "berlin", "tokyo"]
    (iodcal.folder / "calendar.ics").unlink()
    later = iodcal("sync", "--now", "2026-11-24T12:40:00Z", "-o", "json").json
    assert [(row["name"], row["matched"], row["remembered"]) for row in later["calendars"]] == [
        (name, 1, True) for name in ("local", "again", "berlin", "tokyo")
    ]
    assert iodcal("plan", "--unmatched", "--now", "2026-11-24T12:40:00Z").status == 3
