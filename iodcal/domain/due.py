"""What is due now, and what is to come, on one circuit.

An *up* is due as soon as the target rises above the ordered bandwidth before the next run can come; a
*down* only if nothing asks for more during the billing hour ahead, nor before a billing period has passed
that it makes cheaper. What lies before now does not matter:
the ordered bandwidth stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.billing import saving_from
from iodcal.domain.changes import Change, causes_of_down, causes_of_up
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Billing
from iodcal.domain.timeline import Timeline


class Timing(Struct, frozen=True):
    """`every` is the longest time between two runs, `provisioning` what the carrier takes for a change,
    `min_gap` the shortest time worth being lowered for."""

    every: timedelta
    provisioning: timedelta
    min_gap: timedelta

    @property
    def up_sight(self) -> timedelta:
        """How far ahead an up looks for its level, so that a small step never blocks a bigger one."""
        return self.every + self.provisioning

    @property
    def down_sight(self) -> timedelta:
        """How far ahead nothing may ask for more before a circuit is lowered."""
        return max(self.min_gap, self.up_sight)


class DueChange(Struct, frozen=True):
    """What is due now. `change` is None where nothing is; `too_late` is a level that is asked for now but
    whose demand ends before an order could be carried out, with the time it ends."""

    change: Change | None
    too_late: tuple[Bandwidth, datetime] | None = None


def due_change(timeline: Timeline, ordered: Bandwidth, now: datetime, timing: Timing) -> DueChange:
    """The change due at `now` (UTC) on a circuit ordered at `ordered`."""
    soon = scan(timeline, now, timing.every)
    too_late = None
    if maximum(timeline, soon) > ordered:
        change = _due_up(timeline, ordered, now, timing)
        too_late = _out_of_reach(timeline, change.new if change else ordered, now, timing)
        if change:
            return DueChange(change, too_late)
    return DueChange(_due_down(timeline, ordered, now, timing), too_late)


def scan(timeline: Timeline, now: datetime, length: timedelta) -> Interval:
    """The stretch of time that a look ahead from `now` covers: at most `length`, but never past the
    instant where an `exactly` window comes to govern, or where the one that governs now ends."""
    end = now + length
    pin = timeline.at(now).pin
    for segment in timeline.over(Interval(now, end)):
        if segment.pin is not pin:
            return Interval(now, segment.span.start)
    return Interval(now, end)


def maximum(timeline: Timeline, within: Interval) -> Bandwidth:
    """The highest target during `within`."""
    return max(segment.target for segment in timeline.over(within))


def _due_up(timeline: Timeline, ordered: Bandwidth, now: datetime, timing: Timing) -> Change | None:
    sight = scan(timeline, now, timing.up_sight)
    wanted = [
        segment
        for segment in timeline.over(sight)
        if segment.target > ordered and timeline.lasts_until(segment) >= now + timing.provisioning
    ]
    if not wanted:
        return None
    level = max(segment.target for segment in wanted)
    at = _first_above(timeline, ordered, sight)
    return Change(
        timeline.circuit.name,
        at,
        due=True,
        old=ordered,
        new=level,
        causes=causes_of_up(timeline, level, sight),
    )


def _first_above(timeline: Timeline, ordered: Bandwidth, sight: Interval) -> datetime:
    first = next(segment for segment in timeline.over(sight) if segment.target > ordered)
    if sight.start in first.span:
        return timeline.level_since(sight.start)
    return first.span.start


def _out_of_reach(
    timeline: Timeline, reached: Bandwidth, now: datetime, timing: Timing
) -> tuple[Bandwidth, datetime] | None:
    sight = scan(timeline, now, timing.every)
    missed = [segment for segment in timeline.over(sight) if segment.target > reached]
    if not missed:
        return None
    return max(segment.target for segment in missed), max(timeline.lasts_until(segment) for segment in missed)


def needed_ahead(timeline: Timeline, at: datetime, length: timedelta) -> tuple[Bandwidth, Interval]:
    """The level that a circuit must not be lowered below at `at`, and the look ahead in which it is asked
    for: of at most `length`, or until lowering saves anything by the circuit's billing."""
    billing = timeline.circuit.tariff.billing
    if billing is not Billing.MINUTE:
        length = max(length, saving_from(at, billing) - at)
    sight = scan(timeline, at, length)
    if sight.start >= sight.end:
        return timeline.at(at).target, sight
    return maximum(timeline, sight), sight


def _due_down(timeline: Timeline, ordered: Bandwidth, now: datetime, timing: Timing) -> Change | None:
    level, sight = needed_ahead(timeline, now, timing.down_sight)
    if level >= ordered:
        return None
    return _down(timeline, ordered, new=level, at=timeline.level_since(now), sight=sight, due=True)


def _down(
    timeline: Timeline, old: Bandwidth, new: Bandwidth, at: datetime, sight: Interval, *, due: bool
) -> Change:
    return Change(
        timeline.circuit.name, at, due=due, old=old, new=new, causes=causes_of_down(timeline, new, at, sight)
    )


class PlanStep(Struct, frozen=True):
    """A change to come, without its causes, which lie `within` that stretch of time."""

    at: datetime
    old: Bandwidth
    new: Bandwidth
    within: Interval


def coming_changes(
    timeline: Timeline, level: Bandwidth, after: datetime, until: datetime, min_gap: timedelta
) -> Iterator[Change]:
    """The changes after `after` and before `until`, on a circuit ordered at `level` by then: what the same
    rule would do if runs came continuously and orders took no time."""
    for step in steps(timeline, level, after=after, until=until, min_gap=min_gap):
        if step.new > step.old:
            causes = causes_of_up(timeline, step.new, step.within)
            yield Change(timeline.circuit.name, step.at, due=False, old=step.old, new=step.new, causes=causes)
        else:
            yield _down(timeline, step.old, new=step.new, at=step.at, sight=step.within, due=False)


def steps(
    timeline: Timeline, level: Bandwidth, after: datetime, until: datetime, min_gap: timedelta
) -> Iterator[PlanStep]:
    """As `coming`, where nobody asks why."""
    for segment in timeline.over(Interval(after, until)):
        at = segment.span.start
        if at <= after:
            continue
        if segment.target > level:
            yield PlanStep(at, level, segment.target, Interval(at, segment.span.end))
            level = segment.target
        elif segment.target < level:
            highest, sight = needed_ahead(timeline, at, min_gap)
            if highest < level:
                yield PlanStep(at, level, highest, sight)
                level = highest
