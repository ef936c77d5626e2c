"""S10 to S12: limits, what people did to a circuit, and what they are told, by whole runs."""

from __future__ import annotations

from typing import Any

import pytest

from iodcal.config import OnDrift
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Orders
from iodcal.domain.holds import Hold
from iodcal.domain.structs import replace
from tests.machine.world import HIGH, LOW, MIDDLE, Company, Line
from tests.orders.runs import Office, at, held, kinds, minute_of, one_circuit, outcomes


def calling(**special: Any) -> Office:
    """An office whose den-a needs 500 Mbps from minute 0 to 100."""
    office = Office(one_circuit(**special))
    office.meets("call", 30, 60)
    return office


# --- S10


@pytest.mark.parametrize(
    ("orders", "up", "down"),
    [
        (Orders.ALL, None, None),
        (Orders.UPS, None, "ups_only"),
        (Orders.NONE, "observe", "observe"),
    ],
)
def test_what_may_be_ordered(orders: Orders, up: str | None, down: str | None) -> None:
    office = calling(orders=orders)
    assert held(office.run(0)) == ({"den-a": up} if up else {})
    assert len(office.carrier.requests) == (0 if up else 1)
    office = Office(one_circuit(orders=orders))
    office.in_the_portal(HIGH)
    assert held(office.run(0)) == ({"den-a": down} if down else {})
    assert len(office.carrier.requests) == (0 if down else 1)


def fleet(count: int) -> Office:
    """An office with so many circuits at 1 Gbps, for which nothing asks."""
    names = {service_id: f"c-{service_id}" for service_id in "abcdef"[:count]}
    office = Office(Company(names=names))
    office.carrier.lines = {service_id: Line(HIGH) for service_id in names}
    return office


@pytest.mark.parametrize(
    ("count", "allow", "lowered"), [(3, 0, 3), (4, 0, 0), (4, 3, 0), (4, 4, 4), (5, 4, 0), (3, 1, 3)]
)
def test_more_lowerings_than_anybody_foresaw_stop_together(count: int, allow: int, lowered: int) -> None:
    office = fleet(count)
    report = office.run(0, allow_downs=allow)
    assert len(outcomes(report)) == lowered
    assert held(report) == ({} if lowered else dict.fromkeys(office.company.names.values(), "limit"))
    assert kinds(report) == (set() if lowered else {"too_many_downs"})


def test_ups_go_on_meanwhile_and_the_stop_clears_by_itself() -> None:
    office = fleet(5)
    office.in_the_portal(LOW)
    office.meets("call", 30, 60)
    report = office.run(0)
    assert (outcomes(report), len(held(report))) == ([("c-a", "accepted")], 4)
    office.in_the_portal(LOW, "b")
    report = office.run(60)
    assert outcomes(report)[1:] == [("c-c", "accepted"), ("c-d", "accepted"), ("c-e", "accepted")]
    assert "too_many_downs" not in kinds(report)


def test_ends_that_were_seen_coming_never_count() -> None:
    office = Office(Company(names={service_id: f"c-{service_id}" for service_id in "abcd"}))
    office.carrier.lines = {service_id: Line() for service_id in "abcd"}
    office.meets("hands", 30, 60, "company")
    for minute in (0, 5, 30):
        office.run(minute)
    assert outcomes(office.run(100)) == [(f"c-{service_id}", "accepted") for service_id in "abcd"]


def test_a_run_for_one_circuit_leaves_the_others_alone() -> None:
    office = Office(Company())
    office.meets("hands", 30, 60, "company")
    assert outcomes(office.run(0, circuits=("lon-a",))) == [("lon-a", "accepted")]
    assert outcomes(office.run(1)) == [("lon-a", "pending"), ("den-a", "accepted")]


# --- S11


def test_a_persons_raise_is_kept_until_the_target_next_steps_down_and_told_with_the_hour() -> None:
    office = calling()
    for minute in (0, 5):
        office.run(minute)
    office.in_the_portal(HIGH)
    found = office.run(26)
    assert (held(found), kinds(found)) == ({"den-a": "person"}, {"drift"})
    (problem,) = (one for one in found.problems if one.kind == "drift")
    assert (problem.facts["observed"], problem.facts["ordered"]) == ("1 Gbps", "500 Mbps")
    assert problem.facts["lowers_at"] == at(100).isoformat()
    assert held(office.run(95)) == {"den-a": "person"}
    assert outcomes(office.run(100)) == [("den-a", "accepted")]
    assert [request.old.mbps for request in office.carrier.requests] == [LOW, HIGH]


def test_under_enforce_it_is_lowered_at_once() -> None:
    office = Office()
    office.company.settings = replace(office.company.settings, on_drift=OnDrift.ENFORCE)
    office.run(0)
    office.in_the_portal(HIGH)
    assert outcomes(office.run(60)) == [("den-a", "accepted")]


def test_a_hold_keeps_what_a_person_did() -> None:
    office = Office()
    office.run(0)
    office.in_the_portal(HIGH)
    office.change(hold=Hold(Bandwidth(HIGH), at(50), at(300), "pat"))
    report = office.run(60)
    assert (held(report), report.orders, office.circuit_state().drift) == ({}, (), None)
    assert office.circuit_state().confirmed == Bandwidth(HIGH)
    assert outcomes(office.run(300)) == [("den-a", "accepted")]


def test_what_a_person_ordered_that_is_just_what_is_asked_for_counts_as_ordered() -> None:
    office = calling()
    office.run(-30)
    office.in_the_portal(MIDDLE)
    report = office.run(0)
    assert (report.orders, kinds(report)) == ((), set())
    assert (office.circuit_state().confirmed, office.circuit_state().drift) == (Bandwidth(MIDDLE), None)


def test_lowered_by_hand_it_is_raised_once_for_its_demand_and_then_only_told() -> None:
    office = calling()
    for minute in (0, 5):
        office.run(minute)
    office.in_the_portal(LOW)
    again = office.run(25)
    assert (outcomes(again), "drift" in kinds(again)) == ([("den-a", "accepted")], True)
    order = office.circuit_state().order
    assert order is not None
    assert office.circuit_state().raised_for == order.demand
    office.run(30)
    office.in_the_portal(LOW)
    office.change(reading=None)
    fought = office.run(50)
    assert (fought.orders, held(fought)) == ((), {"den-a": "person"})
    assert "drift" in kinds(fought)
    office.meets("hands", 55, 30, "company")
    assert outcomes(office.run(51)) == [("den-a", "accepted")]


def test_an_ordinary_raise_is_no_repair() -> None:
    office = calling()
    office.run(0)
    assert office.circuit_state().raised_for is None


@pytest.mark.parametrize("fault", ["refused", "lost_before"])
def test_a_repair_that_did_not_go_out_may_be_tried_again(fault: str) -> None:
    office = calling()
    for minute in (0, 5):
        office.run(minute)
    office.in_the_portal(LOW)
    office.carrier.next_order = fault
    office.run(25)
    assert office.circuit_state().raised_for is None


def test_a_lowering_below_what_a_person_lowered_is_no_repair_either() -> None:
    office = Office()
    office.in_the_portal(HIGH)
    office.company.special["a"] = {"floor": Bandwidth(HIGH)}
    office.run(0)
    office.in_the_portal(MIDDLE)
    office.company.special["a"] = {}
    assert outcomes(office.run(60)) == [("den-a", "accepted")]
    assert (office.circuit_state().raised_for, office.circuit_state().failures) == (None, 0)


# --- S12


def test_a_problem_is_told_when_it_begins_every_six_hours_and_when_it_clears() -> None:
    office = Office()
    office.run(0)
    office.carrier.unreadable = True
    news: dict[float, tuple[int, int, int]] = {}
    for minute in (60, 65, 419, 420, 425):
        office.run(minute)
        told = office.telling
        assert told is not None
        by_name = [
            [one for one in group if one.kind == "carrier_unreadable"] for group in (told.new, told.reminded)
        ]
        gone = [one for one in told.cleared if one.kind == "carrier_unreadable"]
        news[minute] = (len(by_name[0]), len(by_name[1]), len(gone))
    assert news == {60: (1, 0, 0), 65: (0, 0, 0), 419: (0, 0, 0), 420: (0, 1, 0), 425: (0, 0, 0)}
    office.carrier.unreadable = False
    office.run(430)
    assert office.telling is not None
    assert [one.kind for one in office.telling.cleared] == ["carrier_unreadable"]
    assert [minute_of(one.since) for one in office.telling.cleared] == [60]
