"""What came of the runs: orders, hours, money, and how every event fared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

from iodcal.domain.localtime import Interval
from iodcal.domain.timeline import Timeline
from iodcal.simulation.carrier import Taken
from iodcal.simulation.course import Course, above, cost
from iodcal.simulation.optimum import at_highest, best, on_baseline
from iodcal.simulation.plot import Heard, Plot
from iodcal.simulation.result import CircuitResult, Money, Served, Simulation
from iodcal.simulation.service import Evidence, judge_all
from iodcal.simulation.world import World


def conclude(plot: Plot, timelines: Mapping[str, Timeline], world: World, heard: Heard) -> Simulation:
    """The result of `plot`, played in `world`; `timelines` are what was asked for, known afterwards."""
    configuration, injected = world.configuration, world.injected()
    circuits: list[CircuitResult] = []
    served: list[Served] = []
    for name, timeline in timelines.items():
        circuit = timeline.circuit
        carrier = world.carriers[circuit.carrier]
        taken = [order for order in carrier.taken if order.service_id == circuit.service_id]
        lifted = plot.configuration.circuits[name].orders is not circuit.orders
        circuits.append(_circuit(timeline, taken, plot, lifted=lifted))
        running = _running(timeline, taken, plot.span)
        own = tuple(one for one in injected if one.place == circuit.service_id)
        served += judge_all(Evidence(timeline, running, own, heard.causes, plot.span, plot.every))
    return Simulation(
        rules=configuration.path,
        config_digest=configuration.digest,
        zone=configuration.zone,
        span=plot.span,
        every=plot.every,
        runs=heard.runs,
        circuits=tuple(circuits),
        served=tuple(sorted(served, key=lambda one: (one.event, one.circuit, one.rule))),
        problems=tuple(heard.problems),
        injected=Counter(one.kind for one in injected),
    )


def _running(timeline: Timeline, taken: list[Taken], span: Interval) -> Course:
    opening = timeline.at(span.start).target
    return Course.of(span, opening, ((order.active_at, order.new) for order in taken))


def _circuit(timeline: Timeline, taken: list[Taken], plot: Plot, *, lifted: bool) -> CircuitResult:
    circuit, span = timeline.circuit, plot.span
    opening, min_gap = timeline.at(span.start).target, plot.configuration.settings.min_gap
    ordered = Course.of(span, opening, ((order.accepted_at, order.new) for order in taken))
    optimum = best(timeline, opening, span, min_gap)
    courses = (ordered, at_highest(circuit, span), on_baseline(circuit, span), optimum)
    used = {tier for course in courses for tier in course.levels}
    return CircuitResult(
        name=circuit.name,
        zone=circuit.zone,
        hours=ordered.hours(),
        ups=sum(order.new > order.old for order in taken),
        downs=sum(order.new < order.old for order in taken),
        doubles=sum(order.double for order in taken),
        optimal_orders=sum(1 for _ in pairwise(optimum.levels)),
        excess=above(ordered, optimum),
        money=Money(*(cost(course, circuit.tariff) for course in courses)),
        unpriced=tuple(sorted(tier for tier in used if circuit.tariff.rate(tier) is None)),
        tariff=circuit.tariff,
        lifted=lifted,
    )
