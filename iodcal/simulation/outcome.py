"""What came of the runs: orders, hours, money, and how every event fared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import baseline_tiers
from iodcal.domain.billing import cost
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost
from iodcal.domain.plan import steps
from iodcal.domain.steps import Steps
from iodcal.domain.timeline import Timeline
from iodcal.simulation.carrier import Taken
from iodcal.simulation.environment import Environment
from iodcal.simulation.result import CircuitResult, Money, Served, Simulation
from iodcal.simulation.scenario import RunLog, Scenario
from iodcal.simulation.service import Evidence, judge_all


def conclude(
    scenario: Scenario, timelines: Mapping[str, Timeline], environment: Environment, log: RunLog
) -> Simulation:
    """The result of `scenario`; `timelines` are what was asked for, known afterwards."""
    configuration, injected = environment.configuration, environment.injected()
    circuits: list[CircuitResult] = []
    served: list[Served] = []
    for name, timeline in timelines.items():
        circuit = timeline.circuit
        carrier = environment.carriers[circuit.carrier]
        taken = [order for order in carrier.taken if order.service_id == circuit.service_id]
        lifted = scenario.configuration.circuits[name].orders is not circuit.orders
        circuits.append(_circuit(timeline, taken, scenario, lifted=lifted))
        running = _running(timeline, taken, scenario.span)
        own = tuple(one for one in injected if one.place == circuit.service_id)
        served += judge_all(Evidence(timeline, running, own, log.causes, scenario.span, scenario.every))
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


def _circuit(timeline: Timeline, taken: list[Taken], scenario: Scenario, *, lifted: bool) -> CircuitResult:
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
        money=Money(*(_amount(cost(course, span, circuit.tariff)) for course in courses)),
        unpriced=tuple(sorted(tier for tier in used if circuit.tariff.rate(tier) is None)),
        tariff=circuit.tariff,
        lifted=lifted,
    )


def best(timeline: Timeline, opening: Bandwidth, span: Interval, min_gap: timedelta) -> Steps[Bandwidth]:
    """The optimum over `span`: the cheapest levels that are never below the timeline's target, and never
    lowered for less than `min_gap`. It knows every event beforehand, orders at the very instant, is never
    refused anything, and pays from the order on: what no program could beat."""
    changes = steps(timeline, opening, span.start, span.end, min_gap)
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
