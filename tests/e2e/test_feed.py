"""The calendar of planned changes: valid, stable, private, written by each run, and never its own food."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import icalendar
import pytest

from tests.e2e.command import ROOT, Iodcal

NOW, NEXT, LATER = (
    ("--now", f"2026-11-24T{clock}:00Z") for clock in ("10:00", "10:05", "12:05")
)  # before, and while All-Hands' lead runs

EVERYTHING = "rules:\n  - {name: Everything, calendars: [own], circuits: [den-a], bandwidth: highest}\n"


@pytest.fixture
def company(tmp_path: Path) -> Iodcal:
    folder = tmp_path / "company"
    shutil.copytree(ROOT / "tests" / "e2e" / "corpus", folder)
    iodcal = Iodcal(folder)
    edit(iodcal, "  every: 5m\n", "  every: 5m\n  feed_file: planned.ics\n")
    return iodcal


def edit(iodcal: Iodcal, old: str, new: str, name: str = "rules.yaml") -> None:
    text = (iodcal.folder / name).read_text(encoding="utf-8")
    assert old in text
    iodcal.write(name, text.replace(old, new))


def events(iodcal: Iodcal) -> dict[str, Any]:
    """The events of the feed by what they are called, as the `icalendar` package reads them."""
    calendar = icalendar.Calendar.from_ical((iodcal.folder / "planned.ics").read_bytes())
    assert calendar.errors == []
    found = calendar.walk("VEVENT")
    assert all(event.errors == [] for event in found)
    assert len({str(event["UID"]) for event in found}) == len(found)
    return {str(event["SUMMARY"]): event for event in found}


def test_each_raise_is_an_event_with_its_reason(company: Iodcal) -> None:
    company("sync", "-q", *NOW)
    found = events(company)["den-a at 1 Gbps: All-Hands"]
    assert found["DTSTART"].dt.isoformat() == "2026-11-24T12:00:00+00:00"
    assert found["DTEND"].dt.isoformat() == "2026-11-24T13:40:00+00:00"
    assert str(found["DESCRIPTION"]) == 'For "All-Hands" 05:30-06:30 MST.'
    assert (str(found["TRANSP"]), str(found["STATUS"]), int(found["SEQUENCE"])) == (
        "TRANSPARENT",
        "CONFIRMED",
        0,
    )
    held = events(company)["held back: lon-a at 500 Mbps: All-Hands"]
    assert str(held["STATUS"]) == "TENTATIVE"


def test_lines_are_as_the_standard_has_them(company: Iodcal) -> None:
    company("sync", "-q", *NOW)
    content = (company.folder / "planned.ics").read_bytes()
    lines = content.split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR"
    assert lines[-2:] == [b"END:VCALENDAR", b""]
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, lines)) <= 75
    for secret in (b"sandbox.json", b"77000000001", str(company.folder).encode()):
        assert secret not in content


def test_hidden_titles_stay_hidden(company: Iodcal) -> None:
    text = (company.folder / "board.ics").read_text(encoding="utf-8")
    title = next(line for line in text.splitlines() if line.startswith("SUMMARY:")).removeprefix("SUMMARY:")
    company("sync", "-q", *NOW)
    assert title
    assert title not in (company.folder / "planned.ics").read_text(encoding="utf-8")
    assert any("event of Board room" in name for name in events(company))


def test_nothing_new_writes_nothing_and_a_change_raises_the_sequence(company: Iodcal) -> None:
    company("sync", "-q", *NOW)
    path = company.folder / "planned.ics"
    before, content = events(company), path.read_bytes()
    company("sync", "-q", *NEXT)
    assert path.read_bytes() == content
    edit(
        company,
        "longer_than: 30m}\n    circuits: [den-a, lon-a]",
        "longer_than: 30m}\n    trail: 40m\n    circuits: [den-a, lon-a]",
    )
    company("sync", "-q", *NEXT)
    after = events(company)
    name = "den-a at 1 Gbps: All-Hands"
    assert after[name]["UID"] == before[name]["UID"]
    assert after[name]["DTEND"].dt > before[name]["DTEND"].dt
    assert (int(before[name]["SEQUENCE"]), int(after[name]["SEQUENCE"])) == (0, 1)
    assert after[name]["DTSTAMP"].dt > before[name]["DTSTAMP"].dt
    untouched = "den-a at 500 Mbps: DR Test"
    assert after[untouched] == before[untouched]


def test_while_a_circuit_is_up_its_event_stays_the_same(company: Iodcal) -> None:
    company("sync", "-q", *NOW)
    name = "den-a at 1 Gbps: All-Hands"
    before = events(company)[name]
    company("sync", "-q", "--now", "2026-11-24T12:00:00Z")
    company("sync", "-q", *LATER)
    assert events(company)[name] == before


def test_a_plan_shows_the_feed_that_a_run_would_write(company: Iodcal) -> None:
    shown = company("plan", "-o", "ics", *NOW)
    company("sync", "-q", *NOW)
    assert shown.out.encode() == (company.folder / "planned.ics").read_bytes().replace(b"\r\n", b"\n")
    assert company("status", "-o", "ics").status == 2
    assert company("plan", "-o", "ics", "--diff", "rules.yaml").status == 2


def test_a_feed_never_feeds_itself(company: Iodcal) -> None:
    company("sync", "-q", *NOW)
    edit(company, "calendars:\n  company", "calendars:\n  own: {ics: copy.ics}\n  company")
    edit(company, "rules:\n", EVERYTHING)
    shutil.copy(company.folder / "planned.ics", company.folder / "copy.ics")
    plan = company("plan", "-o", "json", *NOW).json
    (own,) = [one for one in plan["calendars"] if one["name"] == "own"]
    assert own["events"] > 3
    assert own["matched"] == 0
    told = company("explain", "--calendar", "own", "-o", "json", *NOW).json["events"]
    assert {one["obstacle"] for one in told} == {"own_change"}
    assert "from iodcal's own feed" in company("explain", "--calendar", "own", *NOW).out


def test_a_copy_in_a_mailbox_is_known_by_its_category(company: Iodcal) -> None:
    def event(number: int, categories: list[str]) -> dict[str, Any]:
        return {
            "id": f"AAMk{number}",
            "iCalUId": f"040000008200E00074C5B7101A82E008{number:08}",
            "subject": "den-a at 1 Gbps: All-Hands",
            "categories": categories,
            "start": {"dateTime": "2026-11-24T15:00:00.0000000", "timeZone": "UTC"},
            "end": {"dateTime": "2026-11-24T16:00:00.0000000", "timeZone": "UTC"},
            "organizer": {"emailAddress": {"name": "Pat", "address": "pat@contoso.example"}},
        }

    values = [event(1, ["IODCAL Planned Change"]), event(2, ["Orange"])]
    company.write("graph.json", json.dumps({"value": values}))
    edit(company, "calendars:\n  company", "calendars:\n  own: {graph_json: graph.json}\n  company")
    edit(company, "rules:\n", EVERYTHING)
    plan = company("plan", "-o", "json", *NOW).json
    (own,) = [one for one in plan["calendars"] if one["name"] == "own"]
    assert (own["events"], own["matched"]) == (2, 1)


def test_a_feed_that_cannot_be_written_is_told_once_and_harms_no_run(company: Iodcal) -> None:
    edit(company, "feed_file: planned.ics", "feed_file: nowhere/planned.ics")
    first = company("sync", *NOW)
    assert first.err.count("the feed") == 1
    assert "nowhere/planned.ics cannot be written: No such file or directory" in first.err
    second = company("sync", *NEXT)
    assert "the feed" not in second.err
    (company.folder / "nowhere").mkdir()
    company("sync", *NEXT)
    assert (company.folder / "nowhere" / "planned.ics").exists()
    assert (company.folder / "nowhere" / "planned.ics").stat().st_mode & 0o777 == 0o644
    assert first.status == company("sync", "-o", "json", *NEXT).status


def test_a_run_over_some_circuits_leaves_the_feed_alone(company: Iodcal) -> None:
    company("sync", "-q", *NOW)
    content = (company.folder / "planned.ics").read_bytes()
    company("sync", "-q", "--circuit", "den-b", "--now", "2026-11-24T12:10:00Z")
    assert (company.folder / "planned.ics").read_bytes() == content
