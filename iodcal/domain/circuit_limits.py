"""How often a carrier lets one circuit be changed, and what it said of its next change.

The account's quota is of the day, and shared (`iodcal.domain.quota`). These limits are the circuit's own,
over any period. They are kept so that a raise that is needed never finds them used up by a lowering.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import ChangeLimit
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Order
from iodcal.domain.structs import replace
from iodcal.domain.timeline import Timeline

_SHORT = timedelta(days=1)
LONGEST_LIMIT = timedelta(days=366)  # of a period that a limit is for
MOST_CHANGES = 1000  # of a circuit that are kept, for its limits


def name_change(change: Change) -> str:
    """Names a change, for as long as the same demand asks for it."""
    return f"{change.new.mbps}/{change.demand}"


def held_by_carrier(
    change: Change, timeline: Timeline, circuit_state: CircuitState, now: datetime
) -> Held | None:
    """Holds back what the carrier, by its answers or by its limits, does not allow at `now` (UTC)."""
    return held_by_answer(circuit_state, change, now) or held_by_limits(
        change, timeline, _changes(circuit_state), now
    )


def hold_coming(
    changes: Iterable[Change], timeline: Timeline, circuit_state: CircuitState, ordered: Sequence[datetime]
) -> Iterator[Change]:
    """`changes` to come, in order, those held back that the circuit's limits will have no room for after what
    was and is `ordered` (UTC), and what comes before them: an event that this makes late is known at once."""
    changed = [*_changes(circuit_state), *ordered]
    for change in changes:
        held = change.held or held_by_limits(change, timeline, changed, change.at)
        if held is None:
            changed.append(change.at)
        yield replace(change, held=held) if change.held is None else change


def held_by_answer(circuit_state: CircuitState, change: Change, now: datetime) -> Held | None:
    """Holds back what the carrier said must wait, or will never be."""
    if circuit_state.not_before is not None and now < circuit_state.not_before:
        return Held(Reason.NOT_NOW, circuit_state.not_before)
    return Held(Reason.REFUSED) if circuit_state.refused_for == name_change(change) else None


def count_change(circuit_state: CircuitState, limits: Sequence[ChangeLimit], order: Order) -> CircuitState:
    """`circuit_state` with `order`, if the carrier may have counted it: whatever it may have got, refused or
    not; what is too old to count is dropped."""
    if not limits or order.outcome.never_left:
        return circuit_state
    oldest = order.created_at - max(limit.length for limit in limits)
    kept = [at for at in circuit_state.changed_at if at > oldest]
    return replace(circuit_state, changed_at=(*kept, order.created_at)[-MOST_CHANGES:])


def allowed_at(limits: Iterable[ChangeLimit], changed: Sequence[datetime], at: datetime) -> datetime:
    """The first instant from `at` on at which one more change is within all `limits`, after those `changed`
    (both UTC)."""
    limits, earlier = tuple(limits), None
    while earlier != at:
        earlier = at
        for limit in limits:
            at = max(at, _within(limit, changed, at))
    return at


def _within(limit: ChangeLimit, changed: Sequence[datetime], at: datetime) -> datetime:
    if limit.period is None:
        day = at.astimezone(UTC)
        month = [one for one in changed if _month(one) == _month(at)]
        following = (day.replace(day=1) + timedelta(days=31)).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        return following if len(month) >= limit.count else at
    counted = sorted(one for one in changed if at - limit.period < one)
    return counted[-limit.count] + limit.period if len(counted) >= limit.count else at


def _month(at: datetime) -> tuple[int, int]:
    day = at.astimezone(UTC)
    return day.year, day.month


def held_by_limits(
    change: Change, timeline: Timeline, changed: Sequence[datetime], now: datetime
) -> Held | None:
    """Holds back what the circuit's own limits have no room for at `now`, after what was `changed`: a change;
    and a lowering that would leave none for the raise that follows on it, as far as that can be seen, or for
    any raise in the rest of a month."""
    limits = timeline.circuit.limits
    if not limits:
        return None
    until = allowed_at(limits, changed, now)
    if until > now:
        return Held(Reason.NOT_NOW, until)
    if change.up:
        return None
    after = (*changed, now)
    lasting = [limit for limit in limits if limit.count > 1 and limit.length > _SHORT]
    spare = allowed_at(lasting, after, now)
    if spare > now:
        return Held(Reason.NOT_NOW, spare)
    raised_at = _raised_at(change, timeline, now)
    if raised_at is not None and (needed := allowed_at(limits, after, raised_at)) > raised_at:
        return Held(Reason.NOT_NOW, needed)
    return None


def _changes(circuit_state: CircuitState) -> tuple[datetime, ...]:
    """When orders went out, oldest first; a run may have been killed before it counted its last."""
    sent = {order.created_at for order in circuit_state.all_orders if not order.outcome.never_left}
    return tuple(sorted({*circuit_state.changed_at, *sent}))


def _raised_at(change: Change, timeline: Timeline, now: datetime) -> datetime | None:
    """When more than what `change` lowers to is asked for next."""
    if now >= timeline.span.end:
        return None
    ahead = timeline.over(Interval(now, timeline.span.end))
    return next((max(now, one.span.start) for one in ahead if one.target > change.new), None)
