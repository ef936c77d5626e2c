"""S7: what becomes of an order, run by run, until it is confirmed, failed, given up or adopted."""

from __future__ import annotations

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.orders import BootTime, Outcome
from iodcal.domain.structs import replace
from tests.machine.world import GRACE, LOW, MIDDLE, TIMEOUT, minutes
from tests.orders.runs import Office, at, held, kinds, minute_of, outcomes


def calling(fault: str = "fine") -> Office:
    """An office whose den-a needs 500 Mbps from minute 0 to 250; its first order meets `fault`."""
    office = Office()
    office.meets("call", 30, 210)
    office.carrier.next_order = fault
    return office


@pytest.mark.parametrize(
    ("fault", "fates"),
    [
        pytest.param("fine", {0: "accepted", 2: "pending", 4: "confirmed"}, id="carried out"),
        pytest.param("lagging", {0: "accepted", 5: "accepted", 13: "confirmed"}, id="shown late"),
        pytest.param(
            "stuck", {0: "accepted", 5: "pending", 19: "pending", 20: "overdue", 90: "overdue"}, id="stuck"
        ),
        pytest.param("fails", {0: "accepted", 2: "pending", 4: "failed"}, id="given up"),
        pytest.param("fails", {0: "accepted", 20: "failed"}, id="given up, and never seen under way"),
        pytest.param("lost_after", {0: "unknown", 2: "pending", 4: "confirmed"}, id="answer lost, and done"),
        pytest.param(
            "lost_after_lagging", {0: "unknown", 12: "unknown", 13: "confirmed"}, id="answer lost, shown late"
        ),
        pytest.param("lost_before", {0: "unknown", 14: "unknown", 15: "lost"}, id="lost, never arrived"),
    ],
)
def test_the_fate_of_an_order_by_the_minute_in_state_in_report_and_in_the_history(
    fault: str, fates: dict[float, str]
) -> None:
    office = calling(fault)
    before, history = "", ["sending"]
    for minute, fate in fates.items():
        report = office.run(minute)
        order, *_ = office.circuit_state().all_orders
        assert (minute, str(order.outcome)) == (minute, fate)
        assert outcomes(report)[:1] == ([("den-a", fate)] if fate != before else [])
        history += [fate] if fate != before else []
        told = [str(line["order"].outcome) for line in office.noted("order") if line["order"].id == order.id]
        assert told == history
        before = fate


@pytest.mark.parametrize(
    ("fault", "minute", "told", "held_for"),
    [
        pytest.param("stuck", 19, set(), "pending", id="within its time"),
        pytest.param("stuck", 20, {"order_overdue"}, "pending", id="overdue"),
        pytest.param("lost_before", 14, {"order_unknown"}, "unknown_order", id="within the grace"),
    ],
)
def test_an_order_in_trouble_is_told_and_blocks_for_as_long_as_it_may_still_act(
    fault: str, minute: float, told: set[str], held_for: str
) -> None:
    office = calling(fault)
    office.run(0)
    office.meets("hands", 30, 60, "company")
    report = office.run(minute)
    assert {kind for kind in kinds(report) if kind.startswith("order_")} == told
    assert (held(report), len(office.carrier.requests)) == ({"den-a": held_for}, 1)


@pytest.mark.parametrize(("fault", "minute"), [("fails", TIMEOUT), ("lost_before", GRACE)])
def test_an_order_that_came_to_nothing_is_ordered_anew_in_the_same_run(fault: str, minute: float) -> None:
    office = calling(fault)
    office.run(0)
    assert outcomes(office.run(minute))[1:] == [("den-a", "accepted")]
    assert len({request.external_id for request in office.carrier.requests}) == 2


@pytest.mark.parametrize(
    ("fault", "minute", "told"), [("fails", TIMEOUT, "order_failed"), ("lost_before", GRACE, "order_lost")]
)
def test_where_it_cannot_be_ordered_anew_that_is_told(fault: str, minute: float, told: str) -> None:
    office = calling(fault)
    office.run(0)
    office.carrier.next_order = "no_quote"
    assert told in kinds(office.run(minute))


def test_an_overdue_order_that_is_done_after_all_is_confirmed() -> None:
    office = calling("stuck")
    for minute in (0, 20, 60):
        office.run(minute)
    office.carrier.lines["a"].done_at = at(70)
    assert outcomes(office.run(70)) == [("den-a", "confirmed")]
    assert office.circuit_state().confirmed == Bandwidth(MIDDLE)


def test_without_a_reading_the_clock_alone_makes_an_order_overdue_and_a_reading_alone_ends_it() -> None:
    office = calling("fails")
    office.run(0)
    office.carrier.unreadable = True
    assert outcomes(office.run(19)) == []
    report = office.run(TIMEOUT)
    assert outcomes(report) == [("den-a", "overdue")]
    assert {"order_overdue", "carrier_unreadable"} <= kinds(report)
    office.carrier.unreadable = False
    assert outcomes(office.run(25)) == [("den-a", "failed"), ("den-a", "accepted")]


def test_a_lost_order_is_sent_again_twice_with_a_fresh_quote_and_then_given_up() -> None:
    office = calling("lost_before")
    office.run(0)
    sent = []
    for minute in (15, 30):
        office.carrier.next_order = "lost_before"
        assert outcomes(office.run(minute)) == [("den-a", "lost"), ("den-a", "unknown")]
        order = office.circuit_state().order
        assert order is not None
        sent.append(order.resends)
    last = office.run(45)
    assert (sent, outcomes(last), held(last)) == ([1, 2], [("den-a", "lost")], {"den-a": "unknown_order"})
    assert "order_lost" in kinds(last)
    requests = office.carrier.requests
    assert len({request.external_id for request in requests}) == len(requests) == 3
    assert office.carrier.calls.count("quote a 500") == 3
    assert office.used() == {"1": 3}
    assert outcomes(office.run(50)) == []


def given_up() -> Office:
    """The third of three lost orders was given up at minute 45."""
    office = calling()
    for minute in (0, 15, 30):
        office.carrier.next_order = "lost_before"
        office.run(minute)
    office.run(45)
    return office


def test_what_was_given_up_may_be_ordered_for_another_demand() -> None:
    office = given_up()
    office.meets("another", 80, 210)
    report = office.run(50)
    assert outcomes(report) == [("den-a", "accepted")]
    assert [order.resends for order in report.orders] == [0]


@pytest.mark.parametrize(
    ("last", "resends"),
    [
        pytest.param({}, 1, id="the same demand"),
        pytest.param({"resends": 1}, 2, id="for the second time"),
        pytest.param({"demand": "another"}, 0, id="another demand"),
        pytest.param({"outcome": Outcome.FAILED}, 0, id="taken, and not carried out"),
    ],
)
def test_the_budget_of_resends_is_that_of_the_demand(last: dict[str, object], resends: int) -> None:
    office = calling("lost_before")
    office.run(0)
    office.run(10)
    (order,) = office.circuit_state().all_orders
    lost = replace(order, outcome=Outcome.LOST, settled_at=at(10))
    office.change(order=None, recent=(replace(lost, **last),))  # type: ignore[arg-type]  # fields by name
    (again,) = office.run(15).orders
    assert again.resends == resends


def test_for_another_level_the_budget_is_a_new_one() -> None:
    office = calling("lost_before")
    office.run(0)
    office.meets("hands", 40, 60, "company")
    office.run(14)
    assert [order.resends for order in office.run(15).orders if order.outcome is Outcome.ACCEPTED] == [0]


@pytest.mark.parametrize(
    ("boot", "fate"),
    [
        pytest.param(BootTime("one", 60 + 14 * 60), "unknown", id="the clock was set forward"),
        pytest.param(BootTime("one", 60 + 15 * 60), "lost", id="as long by both clocks"),
        pytest.param(BootTime("two", 1), "lost", id="the machine was started anew"),
        pytest.param(None, "lost", id="no such clock"),
    ],
)
def test_the_grace_has_passed_by_both_clocks_before_an_order_is_sent_again(
    boot: BootTime | None, fate: str
) -> None:
    office = calling("lost_before")
    office.boot = BootTime("one", 60)
    office.run(0)
    office.boot = boot
    office.run(200)
    assert office.circuit_state().all_orders[0].outcome == fate
    assert len(office.carrier.requests) == (2 if fate == "lost" else 1)


@pytest.mark.parametrize(("seconds", "fate"), [(60 + 19 * 60, "pending"), (60 + 20 * 60, "overdue")])
@pytest.mark.parametrize("unreadable", [False, True])
def test_the_time_out_has_passed_by_both_clocks_before_an_order_is_overdue(
    seconds: float, fate: str, unreadable: bool
) -> None:
    office = calling("stuck")
    office.boot = BootTime("one", 60)
    office.run(0)
    office.run(5)
    office.boot, office.carrier.unreadable = BootTime("one", seconds), unreadable
    office.run(200)
    assert office.circuit_state().all_orders[0].outcome == fate


def test_what_surfaces_late_is_adopted_and_is_no_drift() -> None:
    office = given_up()
    office.in_the_portal(MIDDLE)
    report = office.run(50)
    assert outcomes(report) == [("den-a", "confirmed")]
    assert kinds(report) & {"drift", "order_lost", "event_late"} == set()
    circuit_state = office.circuit_state()
    assert (circuit_state.confirmed, circuit_state.drift) == (Bandwidth(MIDDLE), None)
    assert minute_of(circuit_state.recent[-1].settled_at) == 50
    assert (held(office.run(55)), len(office.carrier.requests)) == ({}, 3)


def test_after_a_day_it_is_no_longer_known_as_ours() -> None:
    office = Office()
    office.meets("call", 30, 60)
    office.carrier.next_order = "lost_before"
    office.run(0)
    office.company.calendars["noc"].events.clear()
    for minute in (100, 24 * 60, 24 * 60 + 1):
        office.run(minute)
    assert office.circuit_state().recent == ()
    office.in_the_portal(MIDDLE)
    assert "drift" in kinds(office.run(24 * 60 + 70))


def test_an_order_that_a_crash_left_behind_is_looked_for_and_settled_by_what_is_there() -> None:
    office = calling()
    office.disk.refuses = range(3, 99)  # the intent is written; nothing after it is
    office.run(0)
    office.disk.refuses = ()
    order = office.circuit_state().order
    assert order is not None
    assert order.outcome is Outcome.SENDING
    assert outcomes(office.run(2)) == [("den-a", "pending")]
    assert outcomes(office.run(5)) == [("den-a", "confirmed")]
    assert len(office.carrier.requests) == 1


def test_the_circuit_goes_back_once_its_event_and_its_trail_are_over() -> None:
    office = calling()
    for minute in (0, 5, 200):
        office.run(minute)
    assert outcomes(office.run(249)) == []
    assert outcomes(office.run(250)) == [("den-a", "accepted")]
    assert outcomes(office.run(255)) == [("den-a", "confirmed")]
    assert office.carrier.lines["a"].bandwidth == LOW
    assert office.carrier.taken == [
        (at(0), "a", LOW, MIDDLE),
        (at(0) + minutes(250), "a", MIDDLE, LOW),
    ]
