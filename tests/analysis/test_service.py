"""The service level: at tier before the start or not, how long before, and why not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iodcal.analysis.figures import Served
from iodcal.analysis.past import CircuitPast
from iodcal.analysis.service_level import served, worst_first
from iodcal.domain.orders import Outcome
from iodcal.domain.structs import replace
from iodcal.store.history import CurtainUp, PastOrder, PastProblem
from tests.analysis.past import HIGH, LOW, late, look, order, reading, span


def of(
    looks: list[CurtainUp], orders: list[PastOrder], problems: list[PastProblem] | None = None
) -> list[Served]:
    return list(
        served("den-a", looks, shown=CircuitPast("", orders).shown(), late=problems or [], over=span(0, 240))
    )


def told(one: Served) -> tuple[bool, float | None, str | None]:
    return one.ready, one.spare.total_seconds() if one.spare is not None else None, one.reason


@pytest.mark.parametrize(
    ("orders", "ready", "expected"),
    [
        ([order(0, LOW, HIGH)], True, (True, 1500, None)),  # confirmed at minute 5
        # confirmed after the last look, and still in time
        ([order(20, LOW, HIGH, settled=29.5)], False, (True, 30, None)),
        ([order(28, LOW, HIGH)], False, (False, -180, "late_run")),
        ([order(0, LOW, HIGH), order(10, HIGH, LOW)], False, (False, None, "late_run")),  # lowered again
        ([order(85, LOW, HIGH)], False, (False, None, "late_run")),  # when it was over
        ([order(0, LOW, HIGH, Outcome.REFUSED)], False, (False, None, "late_run")),
        ([order(-500, HIGH, LOW), order(-400, LOW, HIGH)], True, (True, 25500, None)),
        ([order(100, HIGH, LOW)], True, (True, None, None)),  # for as long as anybody knows
        ([], True, (True, None, None)),
    ],
)
def test_an_event_that_was_looked_at(
    orders: list[PastOrder], ready: bool, expected: tuple[bool, float | None, str | None]
) -> None:
    (one,) = of([look(30, 90, ready=ready)], orders, [late(30, "late_run"), late(30, "open_order")])
    assert told(one) == expected


def test_a_look_that_came_after_the_start_does_not_say_when() -> None:
    (one,) = of([look(30, 90, ready=True, seen=40)], [order(28, LOW, HIGH)])
    assert told(one) == (False, -180, "unknown")


def test_an_old_look_does_not_say_what_was_needed() -> None:
    (one,) = of([look(30, 90, ready=False, needs=None)], [order(0, LOW, HIGH)])
    assert told(one) == (False, None, "unknown")


def test_only_the_span_counts_and_of_one_event_the_last_look() -> None:
    looks = [look(-30, 10, ready=True), look(30, 90, ready=False, seen=20), look(30, 90, ready=True)]
    assert [told(one)[0] for one in of(looks, [])] == [True]


@pytest.mark.parametrize(
    ("facts", "count"),
    [({}, 1), ({"start": "soon"}, 0), ({"start": "2026-11-24T12:30:00"}, 0), ({"needs": "much"}, 0),
     ({"circuit": "other"}, 0), ({"start": "2026-12-24T12:30:00+00:00"}, 0)],
)  # fmt: skip
def test_an_event_that_nobody_looked_at_is_late_by_its_problem(facts: dict[str, str], count: int) -> None:
    found = of(
        [],
        [],
        [replace(late(30), facts={**late(30).facts, **facts}), late(30, rule="Other", circuit="other")],
    )
    assert [told(one) for one in found] == [(False, None, "quota")] * count


def test_the_worst_come_first() -> None:
    orders = [
        order(0, LOW, HIGH),
        order(100, HIGH, LOW),
        order(119, LOW, HIGH, settled=125),
        order(200, HIGH, LOW),
    ]
    looks = [
        look(30, 90, ready=True),
        look(120, 180, ready=False),
        look(210, 230, ready=False),
        look(6, 8, ready=True),
    ]
    found = worst_first(of(looks, orders))
    assert [one.spare for one in found] == [
        None,
        timedelta(minutes=-5),
        timedelta(minutes=1),
        timedelta(minutes=25),
    ]


def test_a_circuit_lowered_by_hand_was_not_there() -> None:
    shown = CircuitPast("", [order(0, LOW, HIGH)], [reading(20, HIGH, by_hand=LOW)]).shown()
    (one,) = served(
        "den-a", [look(30, 90, ready=False)], shown=shown, late=[late(30, "person")], over=span(0, 240)
    )
    assert told(one) == (False, None, "person")
