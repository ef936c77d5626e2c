"""S7: a change becomes an order: the intent is on disk first, and every answer has its consequence."""

from __future__ import annotations

from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from iodcal.carriers import OrderRequest
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Quote, Reading, Status
from iodcal.domain.money import Rate, RateSource, Tariff
from iodcal.domain.orders import BootTime, Order, Outcome
from iodcal.domain.structs import replace
from iodcal.errors import PlanChangedError
from iodcal.http import Deadline
from iodcal.pipeline import execute
from tests.machine.world import (
    EVERY,
    HIGH,
    LOW,
    MIDDLE,
    MIN_GAP,
    PROVISIONING,
    QUOTA,
    START,
    Company,
    Line,
    MemoryCarrier,
    minutes,
)
from tests.orders.runs import NEVER, Office, at, held, kinds, minute_of, one_circuit, outcomes, two_accounts


def calling(company: Company | None = None) -> Office:
    """An office whose den-a needs 500 Mbps from minute 0 on, for a call from 30 to 90."""
    office = Office(company or one_circuit())
    office.meets("call", 30, 60)
    return office


def up_for_nothing() -> Office:
    """An office whose den-a is at 1 Gbps of old, although nothing asks for it."""
    office = Office()
    office.in_the_portal(HIGH)
    return office


def test_the_intent_is_on_disk_before_the_order_goes_out_and_the_answer_before_anything_else() -> None:
    office = calling()
    office.run(0)
    assert office.carrier.calls == [
        "read a",
        "quote a 500",
        "note reading",
        "note order",
        "save",
        "order a 500",
        "note order",
        "save",
        "save",
    ]
    assert [round(seconds) if seconds < NEVER.left else None for seconds in office.carrier.patience] == [
        60,
        60,
        None,
    ]
    intent, answer = office.noted("order")
    assert (intent["order"].outcome, answer["order"].outcome) == (Outcome.SENDING, Outcome.ACCEPTED)
    assert (intent["at"], intent["run_id"], intent["iodcal"]) == (at(0), "run-1", "test")


def test_the_record_of_an_order_says_all_that_a_later_run_must_know() -> None:
    office = calling(one_circuit(labels=(("cost_centre", "4711"),)))
    office.carrier.price, office.boot = Decimal("1.50"), BootTime("boot", 60)
    office.run(0)
    order, (intent, _) = office.circuit_state().order, office.noted("order")
    assert order is not None
    (cause,) = intent["causes"]
    assert order == Order(
        id=order.id,
        circuit_key="memory|memory:|1|a",
        circuit="den-a",
        old=Bandwidth(LOW),
        new=Bandwidth(MIDDLE),
        created_at=at(0),
        quote_id="a/500",
        outcome=Outcome.ACCEPTED,
        accepted_at=at(0),
        carrier_order_id="order-1",
        demand=cause.id,
        run_id="run-1",
        boot=office.boot,
        price_per_hour=Decimal("1.50"),
        currency="USD",
        needed_by=at(30),
    )
    assert len(order.id) == 16
    assert (cause.subject, intent["labels"]) == ("call", {"cost_centre": "4711"})
    quote = Quote("a/500", Bandwidth(MIDDLE), at(0), Decimal("1.50"))
    assert office.carrier.requests == [
        OrderRequest("a", order.old, order.new, quote, order.external_id, order.note)
    ]
    (price,) = office.circuit_state().quotes
    assert (price.bandwidth, price.per_hour, price.currency, price.at) == (
        Bandwidth(MIDDLE),
        Decimal("1.50"),
        "USD",
        at(0),
    )


@pytest.mark.parametrize(
    ("fault", "outcome", "reason", "settled", "used", "told", "next_time"),
    [
        pytest.param("fine", "accepted", "", None, 1, set(), [("den-a", "confirmed")], id="accepted"),
        pytest.param("refused", "refused", "refused", 0, 0, {"order_refused"}, "again", id="refused"),
        pytest.param("not_sent", "not_sent", "not_sent", 0, 0, {"order_refused"}, "again", id="not sent"),
        pytest.param("pending", "refused", "change_pending", 0, 0, set(), "again", id="a change is pending"),
        pytest.param(
            "lost_before", "unknown", "answer_lost", None, 1, {"order_unknown"}, [], id="lost on the way"
        ),
        pytest.param(
            "lost_after",
            "unknown",
            "answer_lost",
            None,
            1,
            {"order_unknown"},
            [("den-a", "confirmed")],
            id="lost on the way back",
        ),
    ],
)
def test_what_an_answer_leads_to(
    fault: str,
    outcome: str,
    reason: str,
    settled: float | None,
    used: int,
    told: set[str],
    next_time: str | list[tuple[str, str]],
) -> None:
    office = calling()
    office.carrier.next_order = fault
    report = office.run(0)
    assert outcomes(report) == [("den-a", outcome)]
    (order,) = report.orders
    assert (order.reason, minute_of(order.settled_at)) == (reason, settled)
    assert office.circuit_state().all_orders == (order,)
    assert (office.circuit_state().order is None) == (settled is not None)
    assert (office.used(), kinds(report) - {"event_at_risk"}) == ({"1": used}, told)
    expected = [("den-a", "accepted")] if next_time == "again" else next_time
    assert outcomes(office.run(5)) == expected


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("refused", "order_refused"),
        ("not_sent", "order_refused"),
        ("no_quote", "order_refused"),
        ("pending", "open_order"),
    ],
)
def test_an_event_is_at_risk_once_the_next_try_would_come_too_late(fault: str, cause: str) -> None:
    """In the first run that can see it: not once it has begun."""
    told: list[list[object]] = []
    for minute in (30 - EVERY - PROVISIONING, 30 - EVERY - PROVISIONING + 1):
        office = calling()
        office.carrier.next_order = fault
        found = office.run(minute).problems
        told.append([problem.facts["cause"] for problem in found if problem.kind == "event_at_risk"])
    assert told == [[], [cause]]


def test_an_event_before_the_carriers_day_ends_is_at_risk_once_that_is_used_up() -> None:
    office = calling()
    office.carrier.arrived[START.date()] = QUOTA
    found = office.run(0).problems
    assert [problem.facts["cause"] for problem in found if problem.kind == "event_at_risk"] == ["quota"]


def test_without_a_quote_there_is_no_order_and_nothing_counts() -> None:
    office = calling()
    office.carrier.next_order = "no_quote"
    report = office.run(0)
    assert (report.orders, office.used(), office.circuit_state().all_orders) == ((), {}, ())
    assert kinds(report) == {"order_refused"}
    assert outcomes(office.run(5)) == [("den-a", "accepted")]


def test_told_that_a_change_is_pending_the_circuit_counts_as_pending() -> None:
    office = calling()
    office.carrier.next_order = "pending"
    office.run(0)
    assert office.circuit_state().reading == Reading(at(0), Status.PENDING, Bandwidth(LOW), "change pending")


# --- which goes first, and who must not wait for whom


def test_ups_go_before_downs() -> None:
    office = Office(Company(names={"a": "zrh-a", "b": "ams-b"}))
    office.in_the_portal(HIGH, "b")
    office.meets("call", 30, 60)
    assert outcomes(office.run(0)) == [("zrh-a", "accepted"), ("ams-b", "accepted")]


@pytest.mark.parametrize("fault", ["refused", "not_sent", "lost_before", "lost_after", "no_quote", "pending"])
def test_one_circuits_failure_never_stops_anothers(fault: str) -> None:
    office = Office(Company())
    office.meets("hands", 30, 60, "company")
    office.carrier.next_order = fault
    report = office.run(0)
    assert outcomes(report)[-1] == ("lon-a", "accepted")
    assert office.carrier.lines["b"].target == HIGH


def test_a_carrier_that_cannot_be_read_stops_its_own_circuits_only() -> None:
    office = Office(two_accounts())
    office.meets("hands", 30, 60, "company")
    office.carrier.unreadable = True
    report = office.run(0)
    assert outcomes(report) == [("ams-a", "accepted")]
    assert held(report) == {}
    assert {plan.circuit.name for plan in report.plans if plan.circuit_state.reading is None} == {
        "den-a",
        "lon-a",
    }


def test_a_known_circuit_that_cannot_be_read_now_waits() -> None:
    office = calling()
    office.run(-5)
    office.carrier.unreadable = True
    report = office.run(0)
    assert (held(report), report.orders) == ({"den-a": "carrier_unreadable"}, ())
    office.carrier.unreadable = False
    assert outcomes(office.run(5)) == [("den-a", "accepted")]


class Together(MemoryCarrier):
    """A carrier that tells a price only while another is being asked, too."""

    barrier = Barrier(2)

    def quote(self, service_id: str, bandwidth: Bandwidth, deadline: Deadline) -> Quote:
        self.barrier.wait(timeout=10)
        return super().quote(service_id, bandwidth, deadline)


def test_accounts_are_ordered_from_side_by_side_each_circuit_of_one_in_turn() -> None:
    company = two_accounts()
    assert company.second is not None
    company.carrier = Together(lines={"a": Line()})
    company.second = Together(lines=company.second.lines, account=company.second.account)
    del company.names["b"]
    office = Office(company)
    office.meets("hands", 30, 60, "company")
    assert outcomes(office.run(0)) == [("den-a", "accepted"), ("ams-a", "accepted")]
    assert office.used() == {"1": 1, "2": 1}


def test_what_nobody_waits_for_any_more_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    office = calling()
    monkeypatch.setattr(execute, "stop_wanted", lambda: True)
    assert office.run(0).orders == ()
    assert office.carrier.calls[:1] == ["read a"]
    assert "quote a 500" not in office.carrier.calls


# --- prices


def test_a_raise_that_is_too_dear_is_asked_for_again_and_ordered_once_it_is_not() -> None:
    office = calling(one_circuit(max_price_per_hour=Decimal(5)))
    office.carrier.price = Decimal(9)
    dear = office.run(0)
    assert (dear.orders, held(dear), kinds(dear)) == ((), {"den-a": "price"}, {"price", "event_at_risk"})
    assert [quote.per_hour for quote in office.circuit_state().quotes] == [Decimal(9)]
    assert outcomes(office.run(5)) == []
    office.carrier.price = Decimal(5)
    assert outcomes(office.run(10)) == [("den-a", "accepted")]
    assert office.carrier.calls.count("quote a 500") == 3


def test_a_price_in_another_currency_compares_with_nothing_and_that_is_told() -> None:
    office = calling(one_circuit(max_price_per_hour=Decimal(5), tariff=Tariff(currency="EUR")))
    office.carrier.price = Decimal(9)
    report = office.run(0)
    assert (outcomes(report), held(report)) == ([], {"den-a": "price"})
    assert kinds(report) == {"price_missing", "price_unknown", "event_at_risk"}


def rated(price: str | None, limit: str = "5") -> dict[str, Any]:
    rates = ((Bandwidth(MIDDLE), Rate(Decimal(price), RateSource.CONFIGURED)),) if price is not None else ()
    return {"max_price_per_hour": Decimal(limit), "tariff": Tariff(rates=rates)}


@pytest.mark.parametrize(
    ("rate", "told"), [("9", "price"), (None, "price_missing")], ids=["the known rate counts", "nobody knows"]
)
def test_a_quote_that_tells_no_price_does_not_lift_a_limit(rate: str | None, told: str) -> None:
    office = calling(one_circuit(**rated(rate)))
    office.carrier.price = None
    for minute in (0, 5, 10):
        report = office.run(minute)
        assert (report.orders, held(report)) == ((), {"den-a": "price"})
        assert kinds(report) == {told, "event_at_risk"}
        assert held(office.plan(minute + 1)) == {"den-a": "price"}, "a preview tells the same"
    office.carrier.price = Decimal(5)
    assert outcomes(office.run(15)) == [("den-a", "accepted")]


def test_a_quote_that_tells_no_price_is_as_dear_as_the_known_rate() -> None:
    office = calling(one_circuit(**rated("4")))
    office.carrier.price = None
    assert outcomes(office.run(0)) == [("den-a", "accepted")]


def test_without_a_limit_a_quote_need_not_tell_a_price() -> None:
    office = calling()
    office.carrier.price = None
    assert outcomes(office.run(0)) == [("den-a", "accepted")]


def test_as_reviewed_means_that_what_a_price_held_back_stays_so() -> None:
    office = calling(one_circuit(max_price_per_hour=Decimal(5)))
    office.carrier.price = Decimal(9)
    office.run(0)
    office.carrier.price = Decimal(4)
    reviewed = office.plan(5)
    assert office.run(5, expect=reviewed.digest).orders == ()
    assert office.carrier.calls.count("quote a 500") == 1
    assert outcomes(office.run(5)) == [("den-a", "accepted")]


def test_a_price_held_back_keeps_the_changes_to_come() -> None:
    office = calling(one_circuit(max_price_per_hour=Decimal(5)))
    office.carrier.price = Decimal(9)
    (plan,) = office.run(0).plans
    assert [(change.new.mbps, change.due) for change in plan.changes] == [(MIDDLE, True), (LOW, False)]


def test_what_was_reviewed_and_is_not_what_is_due_is_not_ordered() -> None:
    office = calling()
    with pytest.raises(PlanChangedError):
        office.run(0, expect="sha256:other")
    assert office.carrier.requests == []
    office.run(0, expect=office.plan(0).digest)
    assert len(office.carrier.requests) == 1


# --- trying again


@pytest.mark.parametrize("fault", ["refused", "not_sent", "no_quote", "lost_before"])
def test_a_lowering_that_fails_waits_twice_as_long_each_time_but_never_beyond_the_billing_hour(
    fault: str,
) -> None:
    office = up_for_nothing()
    minute, waits = 0.0, []
    for failures in range(1, 6):
        office.carrier.next_order = fault
        office.run(minute)
        circuit_state = office.circuit_state()
        assert (circuit_state.failures, circuit_state.retry_at is not None) == (failures, True)
        waits.append((minute_of(circuit_state.retry_at) or 0) - minute)
        office.change(order=None, recent=())
        assert held(office.run(minute + 1)) == {"den-a": "backoff"}
        minute += waits[-1]
    assert waits == [10, 20, 40, MIN_GAP, MIN_GAP]
    office.run(minute)
    office.run(minute + 5)
    assert (office.circuit_state().failures, office.circuit_state().retry_at) == (0, None)


def test_however_often_a_lowering_failed_the_wait_can_be_told() -> None:
    office = up_for_nothing()
    office.company.settings = replace(office.company.settings, min_gap=minutes(10**7))
    office.carrier.next_order = "refused"
    office.run(0)
    office.change(failures=5000, retry_at=None)
    office.carrier.next_order = "refused"
    office.run(1)
    assert office.circuit_state().retry_at == at(1) + minutes(5 * 2**10)


@pytest.mark.parametrize("fault", ["not_sent", "no_quote"])
def test_a_raise_that_fails_is_tried_with_every_run(fault: str) -> None:
    office = calling()
    for minute in range(0, 30, 5):
        office.carrier.next_order = fault
        office.run(minute)
        assert (office.circuit_state().failures, office.circuit_state().retry_at) == (0, None)
    assert outcomes(office.run(30)) == [("den-a", "accepted")]


# --- an order at work beside others


class Hasty(MemoryCarrier):
    """A carrier that carries out an order while it answers."""

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:
        acceptance = super().order(request, deadline)
        self.lines[request.service_id].done_at = self.now
        return acceptance


def test_nothing_is_confirmed_but_by_a_reading() -> None:
    company = one_circuit()
    company.carrier = Hasty()
    office = calling(company)
    assert outcomes(office.run(0)) == [("den-a", "accepted")]
    assert outcomes(office.run(1)) == [("den-a", "confirmed")]


def test_while_an_order_is_open_the_newest_target_waits_and_goes_out_once_it_is_settled() -> None:
    office = calling()
    office.run(0)
    office.meets("hands", 31, 60, "company")
    moved = office.run(2)
    assert (outcomes(moved), held(moved)) == ([("den-a", "pending")], {"den-a": "pending"})
    assert outcomes(office.run(5)) == [("den-a", "confirmed"), ("den-a", "accepted")]
    assert [request.new.mbps for request in office.carrier.requests] == [MIDDLE, HIGH]
