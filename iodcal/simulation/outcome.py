"""Whether each matching event had its bandwidth, by how much it was early or late, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import baseline_tiers
from iodcal.domain.billing import billed_cost
from iodcal.domain.circuits import Circuit
from iodcal.domain.due import steps
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost
from iodcal.domain.service_level import EventOnCircuit, Readiness, came_to_tier, judge
from iodcal.domain.steps import Steps
from iodcal.domain.timeline import Timeline
from iodcal.domain.windows import Window
from iodcal.simulation.carrier import Taken
from iodcal.simulation.environment import Environment
from iodcal.simulation.faults import Injected
from iodcal.simulation.result import CircuitResult, Money, SimulatedEvent, Simulation
from iodcal.simulation.scenario import RunLog, Scenario

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


def judge_all(evidence: Evidence) -> Iterator[SimulatedEvent]:
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
    """The parts of the event in which nothing overrules it, as far as the simulation goes. A raise waits for
    the end of an `exactly` window: by design the circuit is back only so long after it as an order that was
    under way, the next run and the raise take."""
    event = window.demand.event
    within = Interval(event.start, min(event.end, evidence.span.end))
    back = within.start
    for segment in evidence.timeline.over(within):
        if segment.target >= needs:
            start, end = max(segment.span.start, back), min(segment.span.end, within.end)
            if start < end:
                yield Interval(start, end)
        elif segment.pin is not None:
            back = segment.span.end + 2 * evidence.circuit.provisioning + evidence.every


def _judge(
    evidence: Evidence, window: Window, needs: Bandwidth, wanted: Iterable[Interval]
) -> SimulatedEvent:
    demand, running = window.demand, evidence.running
    slow = [piece for part in wanted for piece, level in running.pieces(part) if level < needs]
    levels = running.pieces(Interval(evidence.span.start, demand.event.end))
    since = came_to_tier(levels, demand.event, needs)
    began = judge(demand.event.start, evidence.span.end, at_tier_since=since)
    known = since is not None and since > evidence.span.start and began is Readiness.READY
    told = EventOnCircuit(evidence.circuit.name, demand.rule.name, demand.event.start, demand.id).place
    return SimulatedEvent(
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


def conclude(
    scenario: Scenario, timelines: Mapping[str, Timeline], environment: Environment, log: RunLog
) -> Simulation:
    """The result of `scenario`; `timelines` are what was asked for, known afterwards."""
    configuration, injected = environment.configuration, environment.injected()
    circuits: list[CircuitResult] = []
    served: list[SimulatedEvent] = []
    for name, timeline in timelines.items():
        circuit = timeline.circuit
        carrier = environment.carriers[circuit.carrier]
        taken = [order for order in carrier.taken if order.service_id == circuit.service_id]
        lifted = scenario.configuration.circuits[name].orders is not circuit.orders
        running = _running(timeline, taken, scenario.span)
        circuits.append(_circuit(timeline, taken, scenario, running=running, lifted=lifted))
        own = tuple(one for one in injected if one.place == circuit.service_id)
        served += judge_all(
            Evidence(
                timeline, running, injected=own, causes=log.causes, span=scenario.span, every=scenario.every
            )
        )
    return Simulation(
        rules=configuration.path,
        config_digest=configuration.digest,
        zone=configuration.zone,
        span=scenario.span,
        every=scenario.every,
        runs=log.runs,
        circuits=tuple(circuits),
        served=tuple(sorted(served, key=lambda one: (one.event, one.circuit, one.rule))),
        problems=tuple(log.problems),
        injected=Counter(one.kind for one in injected),
    )


def _running(timeline: Timeline, taken: list[Taken], span: Interval) -> Steps[Bandwidth]:
    opening = timeline.at(span.start).target
    return levels_of(span, opening, ((order.active_at, order.new) for order in taken))


def _circuit(
    timeline: Timeline, taken: list[Taken], scenario: Scenario, *, running: Steps[Bandwidth], lifted: bool
) -> CircuitResult:
    circuit, span = timeline.circuit, scenario.span
    opening, min_gap = timeline.at(span.start).target, scenario.configuration.settings.min_gap
    ordered = levels_of(span, opening, ((order.accepted_at, order.new) for order in taken))
    optimum = best(timeline, opening, span, min_gap)
    highest = Steps((span.start,), (circuit.highest,))  # never lowered
    courses = (ordered, highest, baseline_tiers(circuit, span), optimum)
    used = {tier for course in courses for tier in course.values}
    return CircuitResult(
        name=circuit.name,
        zone=circuit.zone,
        hours=hours_at(ordered, span),
        ups=sum(order.new > order.old for order in taken),
        downs=sum(order.new < order.old for order in taken),
        doubles=sum(order.double for order in taken),
        optimal_orders=sum(1 for _ in pairwise(optimum.values)),
        excess=above(ordered, optimum, span),
        money=Money(*(_amount(billed_cost(course, span, circuit.tariff)) for course in courses)),
        unpriced=tuple(sorted(tier for tier in used if circuit.tariff.rate(tier) is None)),
        tariff=circuit.tariff,
        lifted=lifted,
        running=running,
    )


def best(timeline: Timeline, opening: Bandwidth, span: Interval, min_gap: timedelta) -> Steps[Bandwidth]:
    """The optimum over `span`: the cheapest levels that are never below the timeline's target, and never
    lowered for less than `min_gap`. It knows every event beforehand, orders at the very instant, is never
    refused anything, and pays from the order on: what no program could beat."""
    changes = steps(timeline, opening, after=span.start, until=span.end, min_gap=min_gap)
    return levels_of(span, opening, ((change.at, change.new) for change in changes))


def levels_of(
    span: Interval, opening: Bandwidth, changes: Iterable[tuple[datetime, Bandwidth]]
) -> Steps[Bandwidth]:
    """At `opening` from the start of `span`, and from each of `changes`, in order of time, at its level."""
    return Steps.of([(span.start, opening), *(change for change in changes if change[0] < span.end)])


def hours_at(levels: Steps[Bandwidth], span: Interval) -> dict[Bandwidth, timedelta]:
    """How long each level lasts during `span`, in ascending order of levels."""
    lasting: Counter[Bandwidth] = Counter()
    for piece, level in levels.pieces(span):
        lasting[level] += int(piece.length.total_seconds())
    return {level: timedelta(seconds=lasting[level]) for level in sorted(lasting)}


def above(levels: Steps[Bandwidth], other: Steps[Bandwidth], span: Interval) -> timedelta:
    """For how long `levels` are higher than `other` during `span`."""
    higher = (part.length for part, level, beside in levels.beside(other, span) if level > beside)
    return sum(higher, timedelta())


def _amount(cost: Cost) -> Decimal | None:
    """None where a tier has no known rate."""
    return cost.amount if cost.complete else None
