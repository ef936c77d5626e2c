"""Why a circuit is asked for the bandwidth that it is asked for, at one instant.

Nothing is decided here: the timeline, the plan and their own rules are asked again, and each part is named.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import Stretch
from iodcal.domain.changes import Cause, Change, causes_of_up, counts
from iodcal.domain.localtime import Interval
from iodcal.domain.people import starting_point
from iodcal.domain.plan import Pace, needed_ahead
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.timeline import Segment
from iodcal.domain.windows import Window


class Role(StrEnum):
    """What a part of the timeline has to do with the target."""

    GOVERNS = "governs"  # the `exactly` window that sets the level
    DECIDES = "decides"  # it asks for the target
    EXCEEDED = "exceeded"  # something else asks for more
    OVERRULED = "overruled"  # an `exactly` window keeps it from counting


class Part(Struct, frozen=True):
    """A window that covers the instant; `needs` is the tier that its bandwidth comes to on this circuit."""

    window: Window
    needs: Bandwidth
    role: Role


class Ground(Struct, frozen=True):
    """The baseline's part, as `Part`."""

    stretch: Stretch
    needs: Bandwidth
    role: Role


class Kept(Struct, frozen=True):
    """What keeps a circuit up beyond its target: `level` is asked for within `sight`, so near ahead that
    lowering it in between would save nothing."""

    level: Bandwidth
    sight: Interval
    causes: tuple[Cause, ...]


class Explanation(Struct, frozen=True):
    """One circuit at one instant. `parts` are the windows that cover it, the deciding ones first; `lasts`
    is until when all of this stays the same. `level` is what is ordered then: by now, or by plan where `at`
    is to come; None where nothing is known, or `at` is past. `changes` are those still to come at `at`.
    """

    plan: CircuitPlan
    at: datetime
    now: datetime
    segment: Segment
    parts: tuple[Part, ...]
    ground: Ground
    level: Bandwidth | None
    kept: Kept | None
    changes: tuple[Change, ...]

    @property
    def past(self) -> bool:
        """True if `at` is over: what was ordered then is history's to tell."""
        return self.at < self.now

    @property
    def lasts(self) -> Interval:
        """The time during which the same parts ask for the same target."""
        starts = [self.segment.span.start, self.ground.stretch.span.start]
        ends = [self.segment.span.end, self.ground.stretch.span.end]
        for window in self.plan.timeline.covering(self.segment.span):
            span = window.demand.span
            starts += [edge for edge in (span.start, span.end) if edge <= self.at]
            ends += [edge for edge in (span.start, span.end) if edge > self.at]
        return Interval(max(starts), min(ends))


def explain(plan: CircuitPlan, at: datetime, now: datetime, pace: Pace) -> Explanation:
    """Why the circuit of `plan`, which was made at `now`, is asked for what it is asked for at `at` (UTC)."""
    timeline = plan.timeline
    segment = timeline.at(at)
    covering = [window for window in timeline.windows if at in window.demand.span]
    parts = sorted((_part(window, segment, plan) for window in covering), key=_by_weight)
    level = None if at < now else _level(plan, at, now)
    return Explanation(
        plan,
        at,
        now,
        segment,
        tuple(parts),
        _ground(segment, plan, at),
        level,
        None if level is None else _kept(plan, level, at, now, pace),
        tuple(change for change in plan.changes if change.due or change.at > at) if at >= now else (),
    )


def _part(window: Window, segment: Segment, plan: CircuitPlan) -> Part:
    needs = plan.circuit.sold(window.bandwidth)
    if window is segment.pin:
        role = Role.GOVERNS
    elif not counts(window, segment):
        role = Role.OVERRULED
    else:
        role = Role.DECIDES if needs >= segment.target else Role.EXCEEDED
    return Part(window, needs, role)


def _by_weight(part: Part) -> tuple[int, datetime, str]:
    return list(Role).index(part.role), part.window.demand.span.start, part.window.demand.id


def _ground(segment: Segment, plan: CircuitPlan, at: datetime) -> Ground:
    needs = plan.circuit.sold(segment.baseline)
    if segment.pin is not None:
        role = Role.OVERRULED
    else:
        role = Role.DECIDES if needs >= segment.target else Role.EXCEEDED
    return Ground(plan.timeline.baseline_at(at), needs, role)


def _level(plan: CircuitPlan, at: datetime, now: datetime) -> Bandwidth | None:
    """What is ordered at `at`, as far as the plan goes; now that is what is ordered already."""
    level = starting_point(plan.standing)
    if at <= now:
        return level
    for change in plan.changes:
        if change.due or change.at <= at:
            level = change.new
    return level


def _kept(plan: CircuitPlan, level: Bandwidth, at: datetime, now: datetime, pace: Pace) -> Kept | None:
    segment = plan.timeline.at(at)
    # The changes to come are planned as if runs came continuously, so only the billing hour counts there.
    length = pace.down_sight if segment.span.start <= now else pace.min_gap
    needed, sight = needed_ahead(plan.timeline, at, length)
    if not segment.target < needed <= level:
        return None
    return Kept(needed, sight, causes_of_up(plan.timeline, needed, sight))
