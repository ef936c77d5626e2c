"""The whole look back: figures that add up, months, labels, and what is not known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from iodcal.analysis.figures import Lookback
from iodcal.commands.lookback import look_back
from iodcal.domain.changes import Cause
from iodcal.domain.circuit_state import CircuitState, Drift
from iodcal.domain.circuits import Account, Circuit, Orders
from iodcal.domain.localtime import Interval
from iodcal.domain.money import QuotedPrice, RateSource, Tariff
from iodcal.domain.orders import Outcome
from iodcal.domain.structs import replace
from iodcal.messages.results import doubts
from iodcal.store.history import Past
from tests.analysis.past import (
    AFTERNOON,
    HIGH,
    LOW,
    MIDDLE,
    NOON,
    UTC_ZONE,
    at,
    cause,
    circuit,
    late,
    look,
    order,
    reading,
    span,
    tariff,
)

BASELINE = Cause("baseline", "", at(120), at(240))


SIX_HOURS = span(0, 360)


def found_in(
    past: Past,
    *circuits: Circuit,
    over: Interval = SIX_HOURS,
    zone: ZoneInfo = UTC_ZONE,
    circuit_state: CircuitState | None = None,
) -> Lookback:
    circuit_states = {circuit_state.key: circuit_state} if circuit_state is not None else {}
    return look_back(
        past, circuits or (circuit(),), circuit_states=circuit_states, over=over, now=over.end, zone=zone
    )


def one_event() -> Past:
    """An event from 12:30 to 13:30: raised at noon, lowered at 13:45; the baseline's peak from 14:00 to
    16:00, raised early and lowered late."""
    return Past(
        (
            order(0, LOW, HIGH, Outcome.CONFIRMED, cause(30, 90)),
            order(105, HIGH, LOW, Outcome.CONFIRMED, cause(30, 90, ended=True)),
            order(110, LOW, MIDDLE, Outcome.CONFIRMED, BASELINE),
            order(250, MIDDLE, LOW),
        ),
        preflight_checks=(look(30, 90, ready=True),),
    )


def test_a_day_with_an_event_adds_up() -> None:
    found = found_in(one_event(), circuit(baseline=AFTERNOON))
    (bill,) = found.total.bills
    assert found.total.complete
    assert found.total.at_tier == {
        LOW: timedelta(minutes=115),
        MIDDLE: timedelta(minutes=140),
        HIGH: timedelta(minutes=105),
    }
    rates = {tier: tariff().per_hour(tier) or Decimal(0) for tier in (LOW, MIDDLE, HIGH)}
    real = (115 * rates[LOW] + 140 * rates[MIDDLE] + 105 * rates[HIGH]) / 60
    assert bill.cost.rounded == real.quantize(Decimal("0.01"))
    assert bill.highest.rounded == Decimal("6.36")
    assert bill.saved.rounded == (Decimal("6.36") - real).quantize(Decimal("0.01"))
    spent = {one.because.rule or one.because.kind: one.cost.rounded for one in found.rules}
    # The event from 12:00 to 13:45, the baseline ten minutes early and ten minutes late.
    assert spent == {"Calls": Decimal("1.05"), "baseline": Decimal("0.12")}
    assert abs(sum(one.cost.amount for one in found.rules) - bill.extra.amount) < Decimal("1e-18")
    (event,) = found.events
    assert (event.because.subject, event.circuits, event.cost.rounded) == (
        "Calls at 30",
        ("den-a",),
        Decimal("1.05"),
    )
    assert [(day.account, day.used, day.limit) for day in found.quota] == [("lab", 4, 24)]
    assert [(one.ready, one.spare) for one in found.service] == [(True, timedelta(minutes=25))]
    assert list(doubts(found)) == []


def test_months_are_local_and_add_up_to_the_whole() -> None:
    over = Interval(datetime(2026, 10, 15, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC))
    found = found_in(one_event(), over=over, zone=ZoneInfo("America/Denver"))
    starts = [month.start.isoformat() for month, _ in found.months]
    assert [start[:13] for start in starts] == [
        "2026-10-15T00", "2026-11-01T06", "2026-12-01T07", "2027-01-01T07"]  # fmt: skip
    total = sum(figures.bills[0].cost.amount for _, figures in found.months)
    assert total == found.total.bills[0].cost.amount


def test_labels_take_their_circuits_together() -> None:
    other = circuit("den-b", labels=(("cost_center", "4711"), ("owner", "Pat")))
    circuit_state = CircuitState(other.key, "den-b", "sandbox", "lab", confirmed=LOW)
    found = found_in(one_event(), circuit(), other, circuit_state=circuit_state)
    sums = {name: figures.bills[0].cost for name, figures in found.labels}
    assert sums[("cost_center", "4711")] == found.total.bills[0].cost
    assert sums[("owner", "Pat")].rounded == Decimal("2.76")


def test_two_currencies_are_never_added_up() -> None:
    euro = circuit("den-b", tariff=replace(tariff(), currency="EUR"))
    circuit_state = CircuitState(
        euro.key, "den-b", "sandbox", "lab", confirmed=LOW, drift=Drift(HIGH, NOON, NOON)
    )
    found = found_in(one_event(), circuit(), euro, circuit_state=circuit_state)
    euros, dollars = found.total.bills
    assert (euros.currency, euros.cost.rounded, dollars.currency) == ("EUR", Decimal("6.36"), "USD")


@pytest.mark.parametrize(
    ("past", "said"),
    [
        (
            Past((order(60, LOW, HIGH), order(90, MIDDLE, LOW))),
            "the history lacks a change between 24 Nov 13:00",
        ),
        (Past(readings=(reading(60, LOW),)), "den-a: nothing is known of 1.0 h"),
        (Past((order(60, LOW, HIGH),), unreadable=1), "1 line of the history could not be read"),
        (Past((order(60, LOW, HIGH),), unreadable=2), "2 lines of the history could not be read"),
        (Past((order(60, LOW, HIGH, Outcome.UNKNOWN),)), "the history lacks a change between"),
    ],
)
def test_what_is_not_known_is_said(past: Past, said: str) -> None:
    found = found_in(past)
    assert [words.message for words in doubts(found) if said in words.message]
    assert all(words.remedy for words in doubts(found))
    assert not found.total.bills[0].cost.complete
    assert not found.total.bills[0].saved.complete


def test_a_gap_elsewhere_leaves_the_other_months_complete() -> None:
    past = Past((order(-60 * 24 * 40, LOW, HIGH), order(-60 * 24 * 39, MIDDLE, LOW), order(60, LOW, HIGH)))
    assert found_in(past).total.complete


def test_missing_rates_are_said() -> None:
    found = found_in(one_event(), circuit(tariff=tariff().over({}), labels=()))
    assert found.total.complete
    bare = found_in(one_event(), circuit(tariff=Tariff()))
    assert [words.message for words in doubts(bare)] == ["den-a: no rate for 100 Mbps, 500 Mbps, 1 Gbps"]
    assert not bare.total.bills[0].cost.complete
    assert bare.rules == ()


def test_list_prices_are_said_with_their_day() -> None:
    rates = tariff().rates
    listed = tuple((tier, replace(rate, source=RateSource.LIST, as_of=NOON.date())) for tier, rate in rates)
    (words,) = doubts(found_in(one_event(), circuit(tariff=replace(tariff(), rates=listed))))
    assert "public list of 2026-11-24" in words.message


def test_a_circuit_that_left_has_hours_and_the_price_of_its_quotes() -> None:
    gone = circuit("old", account=Account("sandbox", "file:old", "old"))
    quoted: dict[str, Any] = {"price_per_hour": Decimal("2.00"), "currency": "EUR"}
    past = Past(
        (*one_event().orders, order(0, LOW, HIGH, of=gone, **quoted)),
        readings=(replace(reading(0, LOW), key="a|b|c|unseen", circuit="unseen"),),
    )
    found = found_in(past)
    left = {one.name: one for one in found.circuits if one.left}
    assert list(left) == ["old", "unseen"]
    (bill,) = left["old"].figures.bills
    assert (bill.cost.currency, bill.cost.rounded, bill.saved.complete) == ("EUR", Decimal("12.00"), False)
    assert [day.account for day in found.quota] == ["lab", "old"]
    assert any("old has left the configuration" in words.message for words in doubts(found))


def test_of_one_that_left_before_nobody_knows_whether_it_is_still_there() -> None:
    gone = circuit("old")
    before = Past((order(-600, HIGH, LOW, of=gone),), readings=(replace(reading(500, LOW), key="a|b|c|d"),))
    assert [one.name for one in found_in(before).circuits] == ["den-a"]


def test_quotes_tell_the_price() -> None:
    circuit_state = CircuitState(
        circuit().key, "den-a", "sandbox", "lab", quotes=(QuotedPrice(HIGH, Decimal("2.46"), "USD", NOON),)
    )
    found = found_in(one_event(), circuit_state=circuit_state)
    assert {one.because.rule: one.cost.rounded for one in found.rules}["Calls"] == Decimal("3.50")


def test_of_a_circuit_that_is_only_observed_nothing_is_expected() -> None:
    past = replace(one_event(), problems=(late(30),))
    assert found_in(past, circuit(orders=Orders.NONE)).service == ()


def test_what_somebody_did_by_hand_and_what_nobody_can_explain() -> None:
    past = Past((order(0, LOW, MIDDLE),), readings=(reading(60, MIDDLE, by_hand=HIGH),))
    found = found_in(past)
    assert {one.because.kind for one in found.rules} == {"unknown", "by_hand"}
    hold = Cause("hold", "h", at(0), at(60))
    held = found_in(Past((order(0, LOW, MIDDLE, Outcome.CONFIRMED, hold),)), over=span(0, 60))
    assert [(one.because.kind, one.because.rule) for one in held.rules] == [("hold", None)]
