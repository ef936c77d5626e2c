"""The events above a lane: those of the timeline, and those that the history tells of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from iodcal.domain.localtime import Interval
from iodcal.domain.service_level import Readiness, recorded_id
from iodcal.domain.timeline import Timeline
from iodcal.domain.values import replace
from iodcal.history import CurtainUp, Past, PastCause
from iodcal.history.conceal import Hidden
from iodcal.lookback.course import confirmed
from iodcal.lookback.service import verdict
from iodcal.reportpage import Bar

MOST_ROWS = 4


def bars_of(past: Past, timeline: Timeline, over: Interval, hidden: Hidden, *, now: datetime) -> list[Bar]:
    """One bar for each event and rule that asked this circuit for something during `over`, by start; those
    that were looked at with what is known of them at `now`."""
    circuit = timeline.circuit.name
    looks = [look for look in past.curtain_ups if look.circuit == circuit]
    found: dict[str, Bar] = {}
    for bar in (*_of_looks(looks), *_of_history(past, circuit), *_of_timeline(timeline, hidden)):
        found[bar.id] = bar  # a look knows no lead and trail; what today's calendars say counts most
    results = _results(past, timeline.circuit.key, looks, now)
    shown = (replace(bar, ready=results.get(bar.id)) for bar in found.values() if bar.asks.overlaps(over))
    return sorted(shown, key=lambda bar: (bar.asks.start, bar.id))


def _results(past: Past, circuit: str, looks: Iterable[CurtainUp], now: datetime) -> dict[str, bool]:
    """Whether events were in time, by id; not where that cannot be known yet."""
    orders = [one for one in past.orders if one.order.circuit_key == circuit]
    shown = confirmed(orders, [one for one in past.readings if one.key == circuit])
    last = {look.about.id: verdict(look, shown, now)[0] for look in looks}
    told = {Readiness.READY: True, Readiness.LATE: False}
    return {id_: told[found] for id_, found in last.items() if found in told}


def in_rows(bars: Iterable[Bar]) -> tuple[list[Bar], int]:
    """Bars, each in the first row where it covers no other; and how many found no row."""
    ends: list[Interval] = []
    placed: list[Bar] = []
    left_out = 0
    for bar in bars:
        row = next((number for number, last in enumerate(ends) if last.end <= bar.asks.start), len(ends))
        if row == MOST_ROWS:
            left_out += 1
            continue
        ends[row : row + 1] = [bar.asks]
        placed.append(replace(bar, row=row))
    return placed, left_out


def _of_history(past: Past, circuit: str) -> Iterator[Bar]:
    for order in past.orders:
        if order.order.circuit == circuit:
            yield from _of_causes(order.causes)
    for change in past.changes:
        if change.circuit == circuit:
            yield from _of_causes(change.causes)


def _of_causes(causes: Iterable[PastCause]) -> Iterator[Bar]:
    for cause in causes:
        if cause.kind == "event":
            span = Interval(cause.start, cause.end)
            yield Bar(
                recorded_id(cause.id, cause.rule, cause.start),
                span,
                cause.asks or span,
                cause.rule,
                cause.subject,
            )


def _of_looks(looks: Iterable[CurtainUp]) -> Iterator[Bar]:
    for look in looks:
        if look.end is not None:
            span = Interval(look.start, look.end)
            yield Bar(look.about.id, span, span, look.rule, look.subject)


def _of_timeline(timeline: Timeline, hidden: Hidden) -> Iterator[Bar]:
    for window in timeline.windows:
        demand = window.demand
        subject = None if hidden.covers(demand.calendar, demand.rule.name) else demand.subject
        yield Bar(demand.id, demand.event, demand.span, demand.rule.name, subject)
