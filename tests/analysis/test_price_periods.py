"""Prices and labels as they were: quotes and labels of the history before those of today."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from iodcal.analysis.cost_reasons import price_periods
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.money import Billing, QuotedPrice, RateSource, Tariff
from iodcal.domain.steps import EVER
from iodcal.domain.structs import replace
from iodcal.messages.results import doubts
from iodcal.store.history import Past, PastOrder
from tests.analysis.past import HIGH, LOW, MIDDLE, at, circuit, order, span, tariff
from tests.analysis.test_lookback import found_in

OLD, NEW = (("cost_center", "4711"),), (("cost_center", "4712"), ("owner", "Pat"))


def quoted(minute: float, price: str, currency: str = "USD", new: Bandwidth = HIGH) -> PastOrder:
    told: dict[str, Any] = {"price_per_hour": Decimal(price), "currency": currency}
    return order(minute, LOW, new, **told)


def labelled(one: PastOrder, *labels: tuple[str, str]) -> PastOrder:
    return replace(one, labels=labels)


def prices(of: Tariff, *orders: PastOrder, tier: Bandwidth = HIGH) -> list[tuple[datetime, str]]:
    found = price_periods(of, (), orders)
    return [(at, str(one.tariff.per_hour(tier))) for at, one in zip(found.starts, found.values, strict=True)]


def test_a_quote_counts_from_when_it_was_told() -> None:
    found = prices(tariff(), quoted(0, "1.00"), quoted(60, "1.00"), quoted(120, "1.20"))
    assert found == [(EVER, "1.06"), (at(0), "1.00"), (at(120), "1.20")]


def test_a_quote_of_todays_rate_is_a_quote_all_the_same() -> None:
    sources = [one.tariff.rate(HIGH) for one in price_periods(tariff(), (), [quoted(0, "1.06")]).values]
    assert [rate.source for rate in sources if rate] == [RateSource.CONFIGURED, RateSource.QUOTED]


def test_without_another_rate_the_first_quote_counts_before_it_too() -> None:
    without = tariff(Billing.MINUTE, HIGH)
    assert prices(without, quoted(0, "1.00"), quoted(60, "1.20")) == [(EVER, "1.00"), (at(60), "1.20")]


def test_another_currency_says_nothing() -> None:
    assert prices(tariff(), quoted(0, "9.00", "EUR")) == [(EVER, "1.06")]
    found = found_in(Past((quoted(0, "9.00", "EUR"),)))
    assert found.total.bills[0].cost.rounded == Decimal("6.36")
    assert [(words.message, words.remedy) for words in doubts(found)] == [
        (
            "den-a: quotes in EUR were left out, for its rates are in another currency",
            "Give currency: EUR and rates in it, of the circuit or its carrier",
        )
    ]


@pytest.mark.parametrize(
    ("billing", "since"), [(Billing.MINUTE, at(90)), (Billing.HOUR, at(60)), (Billing.DAY, at(-720))]
)
def test_prices_change_between_billing_periods(billing: Billing, since: datetime) -> None:
    assert prices(tariff(billing), quoted(90, "1.00"))[-1] == (since, "1.00")


def test_labels_are_those_of_the_orders_and_else_todays() -> None:
    orders = [labelled(order(0, LOW, HIGH), *OLD), order(30, HIGH, LOW), labelled(order(60, LOW, HIGH), *NEW)]
    found = price_periods(tariff(), (("cost_center", "9"), ("site", "den")), orders)
    worn = [dict(one.labels) for one in found.values]
    assert list(zip(found.starts, worn, strict=True)) == [
        (EVER, {"cost_center": "4711", "site": "den"}),
        (at(60), {"cost_center": "4712", "owner": "Pat", "site": "den"}),
    ]
    assert [one.labels for one in price_periods(tariff(), NEW, [order(0, LOW, HIGH)]).values] == [NEW]


def test_only_the_periods_of_a_span_are_looked_at() -> None:
    periods = price_periods(tariff(), (), [quoted(0, "1.00"), quoted(60, "1.20")])
    assert [cut for cut, _ in periods.pieces(span(-30, 30))] == [span(-30, 0), span(0, 30)]
    assert [cut for cut, _ in periods.pieces(span(60, 90))] == [span(60, 90)]


def test_a_price_that_rose_leaves_what_was_paid_before_alone() -> None:
    """Six hours at 1 Gbps: quoted at 1.00, after four of them at 2.00 for an order that was refused."""
    past = Past((quoted(0, "1.00"), quoted(240, "2.00")))
    found = found_in(past)
    assert found.total.bills[0].cost.rounded == Decimal("8.00")
    assert found.total.bills[0].highest.rounded == Decimal("8.00")
    spent = sum(one.cost.amount for one in found.rules)
    assert abs(spent - found.total.bills[0].extra.amount) < Decimal("1e-18")
    assert found.priced_by == {RateSource.QUOTED, RateSource.CONFIGURED}


def test_what_was_quoted_before_the_history_begins_is_in_the_state() -> None:
    remembered = (QuotedPrice(HIGH, Decimal("1.00"), "USD", at(-600)),)
    circuit_state = CircuitState(circuit().key, "den-a", "sandbox", "lab", quotes=remembered)
    found = found_in(Past((order(0, LOW, HIGH),)), circuit_state=circuit_state)
    assert found.total.bills[0].cost.rounded == Decimal("6.00")
    later = replace(circuit_state, quotes=(replace(remembered[0], at=at(360)),))
    assert found_in(Past((order(0, LOW, HIGH),)), circuit_state=later).total.bills[0].cost.rounded == Decimal(
        "6.36"
    )


def test_a_circuit_that_moved_to_another_cost_centre_leaves_its_past_behind() -> None:
    past = Past((labelled(order(0, LOW, HIGH), *OLD), labelled(order(180, HIGH, MIDDLE), *NEW)))
    found = found_in(past, circuit(labels=NEW))
    costs = {label: figures.bills[0].cost.rounded for label, figures in found.labels}
    assert costs == {
        ("cost_center", "4711"): Decimal("3.18"),
        ("cost_center", "4712"): Decimal("2.46"),
        ("owner", "Pat"): Decimal("5.64"),  # nobody had said so before: as it is today
    }
    (one,) = found.circuits
    assert one.labels == NEW


def test_of_rates_alone_nothing_is_quoted() -> None:
    assert found_in(Past((order(0, LOW, HIGH),))).priced_by == {RateSource.CONFIGURED}
    assert found_in(Past((order(0, LOW, HIGH),)), circuit(tariff=Tariff())).priced_by == frozenset()
