"""Whether each matching event had its bandwidth, by how much it was early or late, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Circuit
from iodcal.domain.localtime import Interval
from iodcal.domain.service_level import EventOnCircuit, Readiness, came_to_tier, judge
from iodcal.domain.steps import Steps
from iodcal.domain.timeline import Timeline
from iodcal.domain.windows import Window
from iodcal.simulation.faults import Injected
from iodcal.simulation.result import Served

Causes = Mapping[str, str]
"""Why an event was late or at risk, as the runs told it, by the place of the event on its circuit."""


class Evidence(Struct, frozen=True):
    """All that is known of one circuit afterwards: what was asked for (`timeline`), what the circuit ran at,
    what was injected into its calls, and the times between two runs from the beginning of `span` on."""

    timeline: Timeline
    running: Steps[Bandwidth]
    injected: tuple[Injected, ...]
    causes: Causes
    span: Interval
    every: timedelta

    @property
    def circuit(self) -> Circuit:
        return self.timeline.circuit


def judge_all(evidence: Evidence) -> Iterator[Served]:
    """How every event that begins within the span fared, in order of start. An event that an `exactly` rule
    or the circuit's ceiling keeps short all along is not a matter of time, and left out."""
    for window in evidence.timeline.windows:
        if window.exact or window.demand.event.start not in evidence.span:
            continue
        needs = evidence.circuit.sold(window.bandwidth)
        wanted = list(_wanted(evidence, window, needs))
        if wanted:
            yield _judge(evidence, window, needs, wanted)


def _wanted(evidence: Evidence, window: Window, needs: Bandwidth) -> Iterator[Interval]:
    """The parts of the event in which nothing overrules it, as far as the simulation goes."""
    event = window.demand.event
    within = Interval(event.start, min(event.end, evidence.span.end))
    for segment in evidence.timeline.over(within):
        if segment.target >= needs:
            yield Interval(max(segment.span.start, within.start), min(segment.span.end, within.end))


def _judge(evidence: Evidence, window: Window, needs: Bandwidth, wanted: Iterable[Interval]) -> Served:
    demand, running = window.demand, evidence.running
    slow = [piece for part in wanted for piece, level in running.pieces(part) if level < needs]
    levels = running.pieces(Interval(evidence.span.start, demand.event.end))
    since = came_to_tier(levels, demand.event, needs)
    began = judge(demand.event.start, evidence.span.end, at_tier_since=since)
    known = since is not None and since > evidence.span.start and began is Readiness.READY
    told = EventOnCircuit(evidence.circuit.name, demand.rule.name, demand.event.start, demand.id).place
    return Served(
        circuit=evidence.circuit.name,
        zone=evidence.circuit.zone,
        rule=demand.rule.name,
        calendar=demand.calendar,
        subject=demand.subject,
        event=demand.event,
        needs=needs,
        spare=demand.event.start - since if since is not None and known else None,
        late=slow[-1].end - demand.event.start if slow else None,
        short=sum((piece.end - piece.start for piece in slow), timedelta()),
        reason=evidence.causes.get(told, "late_run") if slow else None,
        avoidable=bool(slow) and could_be_in_time(evidence, window),
    )


def could_be_in_time(evidence: Evidence, window: Window) -> bool:
    """True if what was injected left time enough: from the first run that must order until the event's
    start, less what every fault in between costs at least, the carrier could have carried an order out."""
    demand, start = window.demand, evidence.span.start
    if demand.span.start < start:
        return False
    ordering = start + (demand.span.start - start) // evidence.every * evidence.every
    time = Interval(ordering, demand.event.start)
    lost = sum((_lost(one, time, evidence.every) for one in evidence.injected), timedelta())
    return ordering + evidence.circuit.provisioning + lost <= demand.event.start


def _lost(injected: Injected, time: Interval, every: timedelta) -> timedelta:
    """What a fault costs of `time`: until it is over, and then until the next run."""
    over: datetime = injected.until + every
    return max(timedelta(), min(over, time.end) - max(injected.at, time.start))
