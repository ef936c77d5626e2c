"""Two plans of one circuit beside each other."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Baseline, Circuit, Orders
from iodcal.domain.diff import CircuitDifference, circuit_differences
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Billing, Tariff
from iodcal.domain.structs import replace
from tests.domain.minutes import CIRCUIT, Ask, at, minute_of, minutes, plan_of
from tests.domain.test_properties import mixed

WITHIN = Interval(at(0), at(600))
HANDS = Ask(100, 160, name="hands")


def between(before: list[Ask], after: list[Ask], circuit: Circuit = CIRCUIT) -> CircuitDifference:
    old, new = plan_of(*before), plan_of(*after, circuit=circuit)
    (found,) = circuit_differences([old], [new], WITHIN)
    return found


def test_what_is_the_same_differs_in_nothing() -> None:
    found = between([HANDS], [HANDS])
    assert found.same
    assert found.plan.circuit is CIRCUIT
    assert between([Ask(-90, -50)], []).same  # what is over is not compared


def test_a_window_that_is_gained_or_lost_with_its_changes() -> None:
    gained = between([], [HANDS])
    assert [window.demand.rule.name for window in gained.gained] == ["hands"]
    assert [(change.up, change.new.mbps) for change in gained.added] == [(True, 1000), (False, 100)]
    assert (gained.lost, gained.dropped, gained.altered, gained.same) == ((), (), (), False)
    lost = between([HANDS], [])
    assert [window.demand.rule.name for window in lost.lost] == ["hands"]
    assert [(change.up, change.new.mbps) for change in lost.dropped] == [(True, 1000), (False, 100)]
    assert (lost.gained, lost.added) == ((), ())


def test_a_window_that_asks_otherwise() -> None:
    for other in (
        replace(HANDS, mbps=500),
        replace(HANDS, lead=30),
        replace(HANDS, exactly=True),
        replace(HANDS, priority=3),
    ):
        found = between([HANDS], [other])
        ((old, new),) = found.altered
        assert old.demand.id == new.demand.id
        assert (found.gained, found.lost, found.same) == ((), (), False)


def test_where_the_target_differs_and_for_how_long() -> None:
    found = between([HANDS], [replace(HANDS, mbps=500, lead=30)])
    assert [
        (minute_of(part.span.start), minute_of(part.span.end), part.before, part.after)
        for part in found.targets
    ] == [
        (70, 100, Bandwidth(100), Bandwidth(500)),
        (100, 160, Bandwidth(1000), Bandwidth(500)),
    ]
    assert (found.differs_for(higher=True), found.differs_for(higher=False)) == (minutes(30), minutes(60))


def test_a_time_through_which_the_target_differs_alike_is_one() -> None:
    works = [Ask(start, start + 10, 500, exactly=True) for start in (100, 110, 120)]
    (part,) = between([], works).targets
    assert (minute_of(part.span.start), minute_of(part.span.end)) == (100, 130)


def test_what_the_circuit_says_otherwise() -> None:
    other = replace(CIRCUIT, name="den-1", ceiling=Bandwidth(500), zone=ZoneInfo("America/Phoenix"))
    assert between([], [], other).settings == ("name", "zone", "ceiling")
    held = between([Ask(2, 60)], [Ask(2, 60)], replace(CIRCUIT, orders=Orders.NONE))
    assert held.settings == ("orders",)
    assert held.added[0].held is not None


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"tariff": Tariff("EUR", Billing.HOUR)}, ("currency", "billing")),
        ({"max_price_per_hour": Decimal("0.90")}, ("max_price_per_hour",)),
        ({"labels": (("cost_center", "4712"),)}, ("labels",)),
        ({"holidays": frozenset({date(2026, 12, 25)})}, ("holidays",)),
    ],
)
def test_what_is_paid_told_and_kept_free_is_reviewed_too(
    changed: dict[str, Any], named: tuple[str, ...]
) -> None:
    found = between([HANDS], [HANDS], replace(CIRCUIT, **changed))
    assert (found.settings, found.same) == (named, False)


def test_a_freeze_that_comes_goes_or_lasts_otherwise() -> None:
    freeze = Ask(60, 120, name="freeze", freeze="ups")
    came, went = between([], [freeze]), between([freeze], [])
    assert [one.demand.rule.name for one in came.freezing] == ["freeze"]
    assert (came.thawing, went.freezing, went.thawing) == ((), (), came.freezing)
    assert not came.same
    longer = between([freeze], [replace(freeze, end=150)])
    assert ([len(longer.freezing), len(longer.thawing)], longer.same) == ([1, 1], False)
    stricter = between([freeze], [replace(freeze, freeze="none")])
    assert [one.total for one in (*stricter.thawing, *stricter.freezing)] == [False, True]
    assert between([freeze], [freeze]).same
    assert between([], [Ask(-90, -50, freeze="ups")]).same  # what is over is not compared


def test_a_circuit_that_comes_or_goes() -> None:
    new = plan_of(HANDS, circuit=replace(CIRCUIT, service_id="2", name="new"))
    old = plan_of(HANDS)
    came, went = circuit_differences([old], [new], WITHIN)
    assert (came.before, came.plan, went.after, went.plan) == (None, new, None, old)
    assert not came.same
    assert not went.same
    assert [part.before for part in came.targets] == [None, None, None]
    assert went.differs_for(higher=False) == minutes(600)
    assert came.differs_for(higher=True) == minutes(600)
    assert (len(came.gained), len(went.lost), came.settings) == (1, 1, ())


def test_the_slowest_circuit_that_comes_is_more_than_none() -> None:
    slow = replace(CIRCUIT, tiers=(Bandwidth(1),), baseline=Baseline(Bandwidth(1)))
    (came,) = circuit_differences([], [plan_of(circuit=slow)], WITHIN)
    assert (came.differs_for(higher=True), came.differs_for(higher=False)) == (minutes(600), minutes(0))


@given(mixed, mixed)
def test_what_one_gains_the_other_loses(one: list[Ask], other: list[Ask]) -> None:
    forth, back = between(one, other), between(other, one)
    assert (forth.gained, forth.lost) == (back.lost, back.gained)
    assert {change.at for change in forth.added} == {change.at for change in back.dropped}
    assert forth.same is back.same
    assert between(one, one).same
    for part in forth.targets:
        assert part.before != part.after
    assert forth.differs_for(higher=True) == back.differs_for(higher=False)
