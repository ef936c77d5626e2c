"""What the same circuits would have cost otherwise: at their highest tier, on the baseline alone, at best.

The optimum is the cheapest course that is at every instant at least at the timeline's target, and that is
never lowered for less than `min_gap`. It knows every event beforehand, orders at the very instant, is never
refused anything, and pays from the order on: what no program could beat.
"""

from __future__ import annotations

from datetime import timedelta

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import lay_out
from iodcal.domain.circuits import Circuit
from iodcal.domain.localtime import Interval
from iodcal.domain.plan import steps
from iodcal.domain.timeline import Timeline
from iodcal.simulation.course import Course


def at_highest(circuit: Circuit, span: Interval) -> Course:
    """Never lowered."""
    return Course.of(span, circuit.highest, ())


def on_baseline(circuit: Circuit, span: Interval) -> Course:
    """Raised and lowered by the recurring schedule only."""
    first, *later = lay_out(circuit.baseline, circuit.zone, span, circuit.holidays)
    return Course.of(
        span,
        circuit.sold(first.bandwidth),
        ((stretch.span.start, circuit.sold(stretch.bandwidth)) for stretch in later),
    )


def best(timeline: Timeline, opening: Bandwidth, span: Interval, min_gap: timedelta) -> Course:
    """The optimum over `span`."""
    changes = steps(timeline, opening, span.start, span.end, min_gap)
    return Course.of(span, opening, ((change.at, change.new) for change in changes))
