"""A calendar that is damaged in the middle of an event: the circuit stays up, and it is told."""

from __future__ import annotations

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.test_sandbox import CALENDAR, Lab


@pytest.mark.parametrize(
    ("damaged", "problem"),
    [
        (CALENDAR.replace("DTEND:20261124T133000Z", "DTEND:soon"), "event_unreadable:local"),
        (CALENDAR.replace("END:VEVENT\n", ""), "calendar_unreadable:local"),
    ],
    ids=["an event's end", "an END missing"],
)
def test_a_running_event_that_is_damaged_keeps_its_circuit_up(
    iodcal: Iodcal, damaged: str, problem: str
) -> None:
    lab = Lab(iodcal)
    for time in ("12:00", "12:05"):
        lab.sync(time)
    iodcal.write("calendar.ics", damaged)
    for time in ("12:40", "12:45", "12:50"):
        report = lab.sync(time)
        (circuit,) = report["circuits"]
        assert (circuit["ordered_mbps"], report["orders"], report["exit"]) == (1000, [], 3)
        assert problem in [found["id"] for found in report["problems"]]


def test_while_nobody_knows_whether_it_goes_on_nothing_is_lowered(iodcal: Iodcal) -> None:
    lab = Lab(iodcal)
    for time in ("12:00", "12:05"):
        lab.sync(time)
    iodcal.write("calendar.ics", CALENDAR.replace("DTEND:20261124T133000Z", "DTEND:soon"))
    (circuit,) = lab.sync("13:45")["circuits"]
    (due, *_) = circuit["changes"]
    assert (due["due"], due["held"]["reason"]) == (True, "calendar_unreadable")
    iodcal.write("calendar.ics", CALENDAR)
    assert [order["direction"] for order in lab.sync("13:50")["orders"]] == ["down"]
