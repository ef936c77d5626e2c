"""Histories made by hand: one circuit at noon of 24 November 2026, minutes from there."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Cause
from iodcal.domain.circuit_state import Drift
from iodcal.domain.circuits import Account, Baseline, Circuit, Peak
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Billing, Rate, RateSource, Tariff
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.steps import Steps
from iodcal.store.history import CurtainUp, PastOrder, PastProblem, PastReading, Stamp, Transition

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LOW, MIDDLE, HIGH = Bandwidth(100), Bandwidth(500), Bandwidth(1000)
PRICES = {LOW: "0.46", MIDDLE: "0.82", HIGH: "1.06"}
UTC_ZONE = ZoneInfo("UTC")


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def span(start: float, end: float) -> Interval:
    return Interval(at(start), at(end))


def tariff(billing: Billing = Billing.MINUTE, *without: Bandwidth) -> Tariff:
    rates = {
        tier: Rate(Decimal(price), RateSource.CONFIGURED)
        for tier, price in PRICES.items()
        if tier not in without
    }
    return Tariff("USD", billing).over(rates)


def circuit(name: str = "den-a", **more: Any) -> Circuit:
    given: dict[str, Any] = {
        "service_id": name,
        "carrier": "lab",
        "account": Account("sandbox", "file:lab", "lab"),
        "zone": UTC_ZONE,
        "tiers": (LOW, MIDDLE, HIGH),
        "baseline": Baseline(LOW),
        "tariff": tariff(),
        "changes_per_day": 24,
        "labels": (("cost_center", "4711"),),
    }
    return Circuit(name, **{**given, **more})


AFTERNOON = Baseline(LOW, (Peak(frozenset(range(7)), time(14), time(16), MIDDLE),))


def stamp(minute: float) -> Stamp:
    return Stamp(at(minute), "r")


def order(
    minute: float,
    old: Bandwidth,
    new: Bandwidth,
    outcome: Outcome = Outcome.CONFIRMED,
    *causes: Cause,
    settled: float | None = None,
    of: Circuit | None = None,
    **more: Any,
) -> PastOrder:
    """Taken at once; settled five minutes later unless `settled` says when."""
    of = of or circuit()
    taken = outcome not in (Outcome.SENDING, Outcome.UNKNOWN, Outcome.REFUSED, Outcome.LOST)
    given: dict[str, Any] = {
        "accepted_at": at(minute) if taken else None,
        "settled_at": None if outcome.open else at(minute + 5 if settled is None else settled),
    }
    made = Order(f"{minute}", of.key, of.name, old, new, at(minute), outcome, **{**given, **more})
    return PastOrder(stamp(minute), made, (Transition(stamp(minute), outcome),), causes)


def reading(minute: float, level: Bandwidth | None, by_hand: Bandwidth | None = None) -> PastReading:
    drift = Drift(by_hand, at(minute), at(minute - 5)) if by_hand is not None else None
    return PastReading(stamp(minute), "den-a", circuit().key, level, LOW, drift)


def cause(start: float, end: float, rule: str = "Calls", *, ended: bool = False, lead: float = 30) -> Cause:
    return Cause(
        "event", f"{rule}/{start}", at(start), at(end), rule, "noc", f"{rule} at {start}",
        asks=span(start - lead, end + 10), ended=ended,
    )  # fmt: skip


def look(
    start: float, end: float, *, ready: bool, seen: float | None = None, needs: Bandwidth | None = HIGH,
    rule: str = "Calls",
) -> CurtainUp:  # fmt: skip
    return CurtainUp(
        stamp(start - 3 if seen is None else seen), "den-a", rule, at(start), "ready" if ready else "late",
        at(end), f"{rule}/{start}", "noc", f"{rule} at {start}", needs,
    )  # fmt: skip


def late(start: float, why: str = "quota", rule: str = "Calls", **facts: Any) -> PastProblem:
    place = f"den-a/{rule}/{at(start):%Y-%m-%dT%H:%MZ}"
    given = {
        "circuit": "den-a",
        "rule": rule,
        "subject": None,
        "start": at(start).isoformat(),
        "needs": "1 Gbps",
    }
    return PastProblem(stamp(start), f"event_late:{place}", place, {**given, "cause": why, **facts}, "error")


def levels(*steps: tuple[float, Bandwidth]) -> Steps[Bandwidth]:
    return Steps.of((at(minute), level) for minute, level in steps)
