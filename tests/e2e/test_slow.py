"""Calendars that take their time: what is lost to them, and what is there to see meanwhile."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.conftest import World
from tests.e2e.test_sandbox import CALENDAR, RULES
from tests.http.test_cutting import slow


def test_a_slow_calendar_costs_no_order_of_another_one(iodcal: Iodcal) -> None:
    now = datetime.now(UTC)
    begins, ends = (f"{now + timedelta(minutes=minutes):%Y%m%dT%H%M%SZ}" for minutes in (20, 80))
    text = CALENDAR.replace("20261124T123000Z", begins).replace("20261124T133000Z", ends)
    iodcal.write("calendar.ics", text)
    with slow(b"HTTP/1.1 200 OK\r\nX-Long: ") as server:
        rules = RULES.format(orders="all").replace("settings: {", "settings: {every: 4s, ")
        rules = rules.replace("{local: ", f'{{slow: {{ics: "{server.url}"}}, local: ')
        iodcal.write("rules.yaml", rules.replace("calendars: [local]", "calendars: [local, slow]"))
        done = iodcal("sync", "-o", "json").json
    assert [(one["kind"], one["where"]) for one in done["problems"]] == [("calendar_unreadable", "slow")]
    assert [order["outcome"] for order in done["orders"]] == ["accepted"]


@pytest.mark.parametrize("command", [["plan"], ["explain", "den-a"], ["explain", "--event", "All-Hands"]])
def test_the_first_line_is_there_before_a_calendar_answers(world: World, command: list[str]) -> None:
    world.meeting("All-Hands", 60, 120)
    asked, free, waited = threading.Event(), threading.Event(), []

    def watch() -> None:
        asked.set()
        waited.append(free.wait(60))

    world.graph.watch(watch)
    process = world.iodcal.start(*command)
    assert process.stdout is not None
    first = process.stdout.readline()
    asked.wait(60)
    free.set()
    rest, errors = process.communicate(timeout=120)
    assert first.endswith(", 3 days ahead\n")
    assert all(waited)
    assert (process.returncode, errors) == (0, "")
    assert "1 of 1 event" in rest
