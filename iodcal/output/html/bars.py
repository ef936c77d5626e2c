"""The events above a lane of the report page, as bars in rows. Times are UTC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from iodcal.analysis.cost_reasons import cause_id
from iodcal.analysis.past import CircuitPast
from iodcal.analysis.service_level import verdict
from iodcal.domain.changes import Cause
from iodcal.domain.localtime import Interval
from iodcal.domain.service_level import Readiness
from iodcal.domain.structs import replace
from iodcal.domain.timeline import Timeline
from iodcal.store.entries import Hidden
from iodcal.store.history import CurtainUp, Past

MOST_ROWS = 4


class Bar(Struct, frozen=True):
    """An event above a lane: its own time, and `asks` with lead and trail. `subject` is None where it must
    not be seen; `ready` is what the last look before it found; `row` keeps bars from covering each other."""

    id: str
    event: Interval
    asks: Interval
    rule: str | None
    subject: str | None
    ready: bool | None = None
    row: int = 0


def bars_of(past: Past, timeline: Timeline, over: Interval, hidden: Hidden, *, now: datetime) -> list[Bar]:
    """One bar for each event and rule that asked this circuit for something during `over`, by start; those
    that were looked at with what is known of them at `now`."""
    circuit = timeline.circuit.name
    looks = [look for look in past.preflight_checks if look.circuit == circuit]
    found: dict[str, Bar] = {}
    for bar in (*_of_looks(looks), *_of_history(past, circuit), *_of_timeline(timeline, hidden)):
        found[bar.id] = bar  # a look knows no lead and trail; what today's calendars say counts most
    results = _results(past, timeline.circuit.key, looks, now)
    shown = (replace(bar, ready=results.get(bar.id)) for bar in found.values() if bar.asks.overlaps(over))
    return sorted(shown, key=lambda bar: (bar.asks.start, bar.id))


def _results(past: Past, circuit: str, looks: Iterable[CurtainUp], now: datetime) -> dict[str, bool]:
    """Whether events were in time, by id; not where that cannot be known yet."""
    orders = [one for one in past.orders if one.order.circuit_key == circuit]
    readings = [one for one in past.readings if one.key == circuit]
    shown = CircuitPast(circuit, orders, readings).shown()
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


def _of_causes(causes: Iterable[Cause]) -> Iterator[Bar]:
    for cause in causes:
        if cause.kind == "event":
            span = Interval(cause.start, cause.end)
            yield Bar(cause_id(cause), span, asks=cause.asks or span, rule=cause.rule, subject=cause.subject)


def _of_looks(looks: Iterable[CurtainUp]) -> Iterator[Bar]:
    for look in looks:
        if look.end is not None:
            span = Interval(look.start, look.end)
            yield Bar(look.about.id, span, asks=span, rule=look.rule, subject=look.subject)


def _of_timeline(timeline: Timeline, hidden: Hidden) -> Iterator[Bar]:
    for window in timeline.windows:
        demand = window.demand
        subject = None if hidden.covers(demand.calendar, demand.rule.name) else demand.subject
        yield Bar(demand.id, demand.event, asks=demand.span, rule=demand.rule.name, subject=subject)


class SharedBar(Struct, frozen=True):
    """An event that several circuits, by their names, are raised or lowered for."""

    bar: Bar
    circuits: tuple[str, ...]


def shared_bars(bars: Iterable[tuple[str, Bar]]) -> list[SharedBar]:
    """Of the bars of all circuits, each with the circuit's name, one for each event and rule, by start. It
    asks from the first lead to the last trail, and is late where it was so on any of its circuits."""
    found: dict[str, SharedBar] = {}
    for circuit, bar in bars:
        known = found.get(bar.id)
        if known is None:
            found[bar.id] = SharedBar(bar, (circuit,))
            continue
        one = known.bar
        asks = Interval(min(one.asks.start, bar.asks.start), max(one.asks.end, bar.asks.end))
        ready = min((state for state in (one.ready, bar.ready) if state is not None), default=None)
        joined = replace(one, asks=asks, ready=ready, subject=one.subject or bar.subject)
        found[bar.id] = SharedBar(joined, (*known.circuits, circuit))
    return sorted(found.values(), key=lambda one: (one.bar.asks.start, one.bar.id))
