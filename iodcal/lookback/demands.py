"""Who asked for what, when: from the causes of changes, and from the looks before events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.service_level import recorded_id
from iodcal.domain.values import replace
from iodcal.history import CurtainUp, PastCause, PastChange, PastOrder
from iodcal.lookback import BASELINE, Because
from iodcal.lookback.paid import Demand

_ASKS = ("event", "hold")


def demands_of(
    orders: Iterable[PastOrder], changes: Iterable[PastChange], looks: Iterable[CurtainUp]
) -> tuple[Demand, ...]:
    """The demands on one circuit, by start. A look knows no lead and trail, so a cause counts more; of
    several causes of one event the last: it may have moved, or come to need more."""
    found: dict[str, Demand] = {}
    for look in looks:
        if look.needs is not None and look.end is not None and look.start < look.end:
            because = because_of_look(look)
            found[because.id] = Demand(because, Interval(look.start, look.end), look.needs)
    for demand in _of_causes(orders, changes):
        known = found.get(demand.because.id)
        needs = max(demand.needs, known.needs) if known is not None else demand.needs
        found[demand.because.id] = replace(demand, needs=needs)
    return tuple(sorted(found.values(), key=lambda one: (one.span, one.because.id)))


def because_of(cause: PastCause) -> Because | None:
    """The reason that a cause is; None for one that asks for nothing that could be paid for."""
    if cause.kind == "baseline":
        return BASELINE
    if cause.kind not in _ASKS:
        return None
    id_ = recorded_id(cause.id, cause.rule, cause.start)
    rule = cause.rule if cause.kind == "event" else None
    return Because(cause.kind, id_, rule, cause.subject, cause.start, cause.end)


def because_of_look(look: CurtainUp) -> Because:
    """The event that a look was for."""
    return Because("event", look.about.id, look.rule, look.subject, look.start, look.end)


def _of_causes(orders: Iterable[PastOrder], changes: Iterable[PastChange]) -> Iterator[Demand]:
    for one in orders:
        yield from _demands(one.causes, one.order.old, one.order.new)
    for change in changes:
        yield from _demands(change.causes, change.old, change.new)


def _demands(causes: Iterable[PastCause], old: Bandwidth, new: Bandwidth) -> Iterator[Demand]:
    """What has ended asked for the old level, what goes on asks for the new one."""
    for cause in causes:
        because = because_of(cause)
        span = cause.asks or Interval(cause.start, cause.end)
        if because is not None and because.kind in _ASKS and span.start < span.end:
            yield Demand(because, span, old if cause.ended else new)
