"""Was an event in time? Problems, notices, history, page and report say the same of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.test_sandbox import CALENDAR, Lab
from tests.servers.hook import Hook

RULES = """\
version: 1
timezone: UTC
settings: {state: state/state.json, organizers: ["@contoso.example"], every: 5m}
calendars: {local: {ics: calendar.ics}}
carriers: {lab: {type: sandbox, file: sandbox.json, provisioning: 10m}}
circuits:
  den-a:
    {carrier: lab, service_id: "77000000001", tiers: [100 Mbps, 1 Gbps], baseline: {off_peak: 100 Mbps}}
rules:
  - {name: Calls, calendars: [local], match: {subject: All-Hands}, circuits: all, bandwidth: highest}
notify:
  noc: {webhook: {env: HOOK}, kinds: [ready, late, problem, recovered]}
"""
REPORT = ("report", "--from", "2026-11-24 10:00", "--now", "2026-11-24T16:00:00Z")


class Office(Lab):
    """A circuit whose orders take ten minutes; nothing is booked yet. Runs are the timer's."""

    def __init__(self, iodcal: Iodcal, hook: Hook) -> None:
        super().__init__(iodcal)
        self.hook = hook
        iodcal.environment["HOOK"] = hook.url
        iodcal.write("rules.yaml", RULES)
        self.book()

    def book(self, *uids: str) -> None:
        """All-Hands from 12:30 to 13:30, as many as there are `uids`."""
        head, _, rest = CALENDAR.partition("BEGIN:VEVENT")
        body = rest.partition("END:VEVENT")[0]
        events = (f"BEGIN:VEVENT{body.replace('UID:1', f'UID:{uid}')}END:VEVENT\n" for uid in uids)
        self.iodcal.write("calendar.ics", f"{head}{''.join(events)}END:VCALENDAR\n")

    def told(self) -> list[tuple[str, str]]:
        """The notices, each as kind and what it is about."""
        return [(body["kind"], body["id"].partition(":")[0]) for body in self.hook.bodies]

    def looks(self) -> list[tuple[str, str]]:
        """The looks in the history, by `history`."""
        entries = self.iodcal("history", "--all", "-o", "json").json["entries"]
        return [(entry["at"][11:16], entry["outcome"]) for entry in entries if entry["kind"] == "curtain_up"]

    def service(self) -> list[Any]:
        return list(self.iodcal(*REPORT, "-o", "json").json["service"]["worst_first"])

    def page(self) -> str:
        return self.iodcal("report", "--html", "-", "--now", "2026-11-24T14:00:00Z").out


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Hook() as hook:
        yield Office(Iodcal(tmp_path), hook)


def test_an_event_booked_ten_minutes_ahead_and_confirmed_in_time_is_late_nowhere(office: Office) -> None:
    office.sync("12:15")
    office.book("1")
    runs = [office.sync(time) for time in ("12:20", "12:25", "12:30", "12:35")]
    assert [(run["exit"], run["problems"]) for run in runs] == [(0, [])] * 4
    assert office.told() == [("ready", "curtain_up")]
    assert office.looks() == [("12:25", "expected"), ("12:30", "ready")]
    (served,) = office.service()
    assert (served["ready"], served["spare_seconds"], served["reason"]) == (True, 0, None)
    page = office.page()
    assert "✓" in page
    assert "✗ late" not in page


def test_an_event_that_turned_late_has_not_recovered_and_is_late_everywhere(office: Office) -> None:
    office.sync("12:20")
    office.book("1")
    runs = [office.sync(time) for time in ("12:25", "12:30", "12:35", "12:40")]
    kinds = [[problem["kind"] for problem in run["problems"]] for run in runs]
    assert kinds == [["event_at_risk"], ["event_late"], [], []]
    assert office.looks() == [("12:25", "late")]
    assert office.told() == [
        ("problem", "event_at_risk"),
        ("late", "curtain_up"),
        ("problem", "event_late"),
        ("recovered", "event_late"),
    ]
    assert all(body["remedy"] for body in office.hook.bodies[:3])
    (served,) = office.service()
    assert (served["ready"], served["spare_seconds"], served["reason"]) == (False, -300, "open_order")
    assert "✗ late" in office.page()


def test_an_event_that_came_to_its_tier_between_start_and_next_run_was_late(office: Office) -> None:
    office.sync("12:20")
    office.book("1")
    for time in ("12:26", "12:37"):
        office.sync(time)
    assert office.looks() == [("12:26", "late")]
    (late,) = (body for body in office.hook.bodies if body["kind"] == "late")
    assert late["remedy"]
    assert [one["ready"] for one in office.service()] == [False]
    assert "✗ late" in office.page()


def test_two_events_of_one_rule_that_begin_at_once_are_each_named(office: Office) -> None:
    office.sync("12:20")
    office.book("1", "2")
    run = office.sync("12:25")
    assert [problem["kind"] for problem in run["problems"]] == ["event_at_risk"] * 2
    ids = {problem["id"] for problem in run["problems"]}
    assert len(ids) == 2
    assert all(id_.startswith("event_at_risk:den-a/Calls/2026-11-24T12:30Z/") for id_ in ids)
    office.sync("12:30")
    notices = [(body["kind"], body["id"]) for body in office.hook.bodies]
    assert len([id_ for kind, id_ in notices if kind == "late"]) == 2
    assert len(set(notices)) == len(notices) == 6
    assert [(one["ready"], one["reason"]) for one in office.service()] == [(False, "open_order")] * 2


def test_what_an_earlier_version_called_late_is_read_as_what_it_can_still_prove(office: Office) -> None:
    office.sync("12:15")
    office.book("1")
    for time in ("12:20", "12:25", "12:30"):
        office.sync(time)
    path = office.iodcal.folder / "state" / "history.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    old = [dict(line, result="late") if line.get("result") == "expected" else line for line in lines]
    old = [line for line in old if line.get("result") != "ready"]
    path.write_text("".join(json.dumps(line) + "\n" for line in old))
    assert office.looks() == [("12:25", "expected")]
    assert [one["ready"] for one in office.service()] == [True]
    assert "✗ late" not in office.page()
