"""Changes as values: a step of the ordered bandwidth, due or to come, with its causes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import Stretch
from iodcal.domain.circuits import Labels
from iodcal.domain.holds import Hold
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Direction
from iodcal.domain.structs import Instant
from iodcal.domain.timeline import Segment, Timeline, is_heard
from iodcal.domain.windows import Window


class CauseKind(StrEnum):
    EVENT = "event"
    BASELINE = "baseline"
    HOLD = "hold"


class Cause(Struct, frozen=True):
    """Why a level is asked for. Times (UTC) are the event's own, the baseline stretch's, or the hold's.

    `kind` is a CauseKind, or what a later version wrote into a history. `id` stays the same from run to run
    and holds no foreign text; `ended` marks what no longer asks. `who` and `note` are a hold's, `asks` is the
    span with lead and trail, `labels` are the rule's.
    """

    kind: str
    id: str
    start: Instant
    end: Instant
    rule: str | None = None
    calendar: str | None = None
    subject: str | None = None
    remembered_since: Instant | None = None
    ended: bool = False
    who: str | None = None
    note: str | None = None
    asks: Interval | None = None
    labels: Labels = ()


class Reason(StrEnum):
    """Why a change is held back. The published list: it may grow, nothing in it is renamed."""

    OBSERVE = "observe"
    UPS_ONLY = "ups_only"
    PENDING = "pending"
    UNKNOWN_ORDER = "unknown_order"
    QUOTA = "quota"
    LIMIT = "limit"
    CALENDAR_UNREADABLE = "calendar_unreadable"
    CLOCK = "clock"
    PERSON = "person"
    STATUS_UNKNOWN = "status_unknown"
    CARRIER_UNREADABLE = "carrier_unreadable"
    STATE_REBUILT = "state_rebuilt"
    BACKOFF = "backoff"
    PAUSE = "pause"
    FREEZE = "freeze"
    PRICE = "price"
    NOT_NOW = "not_now"
    REFUSED = "refused"
    OTHER_BANDWIDTH = "other_bandwidth"


class Held(Struct, frozen=True):
    """Held back, why, and until when (UTC) where that is known."""

    reason: Reason
    until: datetime | None = None


class Change(Struct, frozen=True):
    """`at` is when the timeline asks for it: before now where it is overdue. Times are UTC."""

    circuit: str
    at: datetime
    due: bool
    old: Bandwidth
    new: Bandwidth
    causes: tuple[Cause, ...] = ()
    held: Held | None = None

    @property
    def direction(self) -> Direction:
        return Direction.UP if self.up else Direction.DOWN

    @property
    def up(self) -> bool:
        return self.new.mbps > self.old.mbps  # asked half a million times in a simulated month

    @property
    def needed_by(self) -> datetime | None:
        """When the first event begins that an up is for (UTC); None where it is for no event."""
        return min(self.event_starts, default=None) if self.up else None

    @property
    def event_starts(self) -> Iterator[datetime]:
        """When the events begin that ask for it (UTC)."""
        return (cause.start for cause in self.causes if cause.kind == CauseKind.EVENT and not cause.ended)

    @property
    def demand(self) -> str:
        """Names what the change is for: the same as long as the same causes ask for it."""
        return "+".join(sorted(cause.id for cause in self.causes if not cause.ended))


def causes_of_up(timeline: Timeline, level: Bandwidth, within: Interval) -> tuple[Cause, ...]:
    """All that asks for `level` during `within`, in order of start."""
    return _sorted(_asking(timeline, level, within))


def causes_of_down(timeline: Timeline, level: Bandwidth, at: datetime, within: Interval) -> tuple[Cause, ...]:
    """What holds the lower `level` during `within`, and what asked for more until `at`, as ended."""
    return _sorted([*_asking(timeline, level, within), *_ended(timeline, level, at)])


def _asking(timeline: Timeline, level: Bandwidth, within: Interval) -> Iterable[Cause]:
    sold = timeline.circuit.sold
    for segment in timeline.over(within):
        if segment.target != level:
            continue
        for window in timeline.covering(segment.span):
            if counts(window, segment) and sold(window.bandwidth).mbps >= level.mbps:
                yield of_window(window)
        if segment.pin is None and sold(segment.baseline) == level:
            yield of_stretch(timeline.baseline_at(max(segment.span.start, within.start)))


def counts(window: Window, segment: Segment) -> bool:
    """True unless an `exactly` window overrules `window` throughout `segment`."""
    return window is segment.pin or (not window.exact and is_heard(window.priority, segment.pin))


def _ended(timeline: Timeline, level: Bandwidth, at: datetime) -> Iterable[Cause]:
    sold = timeline.circuit.sold
    for window in timeline.windows:
        if window.demand.span.end == at and sold(window.bandwidth) > level:
            yield of_window(window, ended=True)
    for stretch in timeline.schedule.values:
        if stretch.span.end == at and sold(stretch.bandwidth) > level:
            yield of_stretch(stretch, ended=True)


def of_window(window: Window, *, ended: bool = False) -> Cause:
    demand = window.demand
    if demand.hold is not None:
        return _of_hold(demand.id, demand.hold, ended=ended)
    return Cause(
        CauseKind.EVENT,
        demand.id,
        demand.event.start,
        demand.event.end,
        rule=demand.rule.name,
        calendar=demand.calendar,
        subject=demand.subject,
        remembered_since=demand.remembered_since,
        ended=ended,
        asks=demand.span,
        labels=demand.rule.labels,
    )


def _of_hold(id_: str, hold: Hold, *, ended: bool) -> Cause:
    return Cause(
        CauseKind.HOLD,
        id_,
        hold.since,
        hold.until,
        ended=ended,
        who=hold.who,
        note=hold.note or None,
        asks=hold.span,
    )


def of_stretch(stretch: Stretch, *, ended: bool = False) -> Cause:
    # An off-peak stretch may reach back to where the timeline begins, which moves with every run.
    id_ = f"peak/{stretch.span.start.isoformat()}" if stretch.peak else "off-peak"
    return Cause(CauseKind.BASELINE, id_, stretch.begins, stretch.span.end, ended=ended)


def _sorted(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    found = tuple(causes)
    if len(found) < 2:
        return found  # the usual case, and the quick one
    return tuple(sorted(set(found), key=lambda cause: (cause.start, cause.ended, cause.id)))
