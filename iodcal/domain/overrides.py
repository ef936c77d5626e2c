"""What a reading makes of a circuit's state: orders settle, people's changes show.

iodcal never fights a person. A reading that no order of ours explains is drift: it is told, it is what
changes start from, and a raise made by hand stays until the target next steps down.
"""

from __future__ import annotations

from datetime import datetime

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.circuit_state import CircuitState, Drift
from iodcal.domain.circuits import Reading, Status
from iodcal.domain.failed_orders import note_failed, still_failed
from iodcal.domain.holds import Parked, longest_pause, still_of_use
from iodcal.domain.orders import (
    ADOPTION_AGE,
    GATEWAY_ANSWERED,
    BootTime,
    Order,
    OrderTimeouts,
    Outcome,
    adoptable,
    settle_order,
)
from iodcal.domain.structs import replace
from iodcal.domain.timeline import Timeline


def apply_manual_change(
    standing: CircuitState, reading: Reading, order_timeouts: OrderTimeouts, boot: BootTime | None = None
) -> CircuitState:
    """`standing` after `reading`: the open order settled, drift found, adopted or gone."""
    before = standing.reading
    standing = replace(standing, reading=reading)
    if standing.order is not None:
        standing = _settle(standing, settle_order(standing.order, reading, order_timeouts, boot), reading)
    if standing.order is not None or reading.status is not Status.ACTIVE or reading.bandwidth is None:
        return standing
    if contradicts_lately(standing, reading, order_timeouts):
        return standing
    return _compare(standing, reading.bandwidth, reading, before)


def contradicts_lately(standing: CircuitState, reading: Reading, order_timeouts: OrderTimeouts) -> bool:
    """True if `reading` shows what our last order changed, just after another showed it changed. Inventories
    are copies, and copies lag: that is the past rather than somebody's doing. Whoever really undid the order
    is seen once the time is over in which an answer may still surface."""
    last = standing.recent[-1] if standing.recent else None
    if standing.order is not None or last is None or last.outcome is not Outcome.CONFIRMED:
        return False
    lately = last.settled_at is not None and reading.at - last.settled_at < order_timeouts.lost_answer_grace
    return lately and standing.confirmed == last.new and reading.shows(last.old)


def _settle(standing: CircuitState, order: Order, reading: Reading) -> CircuitState:
    if order.outcome.open:
        return replace(standing, order=order)
    recent = (*standing.recent, order)
    if order.outcome is Outcome.CONFIRMED:
        return _confirm(replace(standing, order=None, recent=recent), order)
    if order.outcome is Outcome.FAILED:
        # Where a gateway answered, nothing more came than its answer; a reading only shows so.
        at = order.created_at if order.reason == GATEWAY_ANSWERED else reading.at
        failed = note_failed(standing.failed, order, reading.bandwidth, at)
        return replace(standing, order=None, recent=recent, failed=failed)
    return replace(standing, order=None, recent=recent)


def _confirm(standing: CircuitState, order: Order) -> CircuitState:
    """`standing` once a reading shows what `order` asked for: whatever failed on the way there is over."""
    failed = still_failed(standing.failed, order.direction, order.new)
    return replace(standing, confirmed=order.new, failures=0, retry_at=None, failed=failed)


def _compare(
    standing: CircuitState, shown: Bandwidth, reading: Reading, before: Reading | None
) -> CircuitState:
    if standing.confirmed is None:
        return replace(standing, confirmed=shown)  # the first reading is ours by definition
    if shown == standing.confirmed:
        return replace(standing, drift=None)
    own = adoptable(standing.recent, reading)
    if own is not None:
        return _adopt_order(standing, own, reading.at)
    if standing.drift is not None and standing.drift.observed == shown:
        return standing
    agreed_at = standing.drift.agreed_at if standing.drift else _agreed_at(standing, reading, before)
    return replace(standing, drift=Drift(shown, reading.at, agreed_at))


def _adopt_order(standing: CircuitState, own: Order, at: datetime) -> CircuitState:
    adopted = replace(own, outcome=Outcome.CONFIRMED, settled_at=at)
    recent = tuple(adopted if order is own else order for order in standing.recent)
    return _confirm(replace(standing, recent=recent, drift=None), own)


def _agreed_at(standing: CircuitState, reading: Reading, before: Reading | None) -> datetime:
    if before is not None and standing.confirmed is not None and before.shows(standing.confirmed):
        return before.at
    confirmed = [order.settled_at for order in standing.recent if order.outcome is Outcome.CONFIRMED]
    return max((at for at in confirmed if at is not None), default=reading.at)


def adopt_drift(standing: CircuitState) -> CircuitState:
    """A person's change that is just what the target asks for counts as ordered."""
    if standing.drift is None:
        return standing
    return replace(standing, confirmed=standing.drift.observed, drift=None)


def starting_point(standing: CircuitState) -> Bandwidth | None:
    """The bandwidth that changes start from: what was ordered, but on drift what is there. Before the
    first reading at rest it is what any reading shows."""
    if standing.order is None and standing.drift is not None:
        return standing.drift.observed
    if standing.ordered is None and standing.reading is not None:
        return standing.reading.bandwidth
    return standing.ordered


def held_by_person(
    standing: CircuitState,
    change: Change,
    timeline: Timeline,
    now: datetime,
    *,
    enforce: bool,
    parked: Parked | None = None,
) -> Held | None:
    """Holds back a change that would undo what a person did. While everything is `parked`, that is
    whatever was first seen since: what was seen before goes to rest with the others."""
    drift = standing.drift
    if drift is None or standing.confirmed is None:
        return None
    if parked is not None:
        return Held(Reason.PERSON) if drift.seen_at >= parked.since else None
    if change.up:
        # Raised once for this demand and lowered again by hand: that is somebody's wish.
        repaired = drift.observed < standing.confirmed and standing.raised_for == change.demand
        return Held(Reason.PERSON) if repaired else None
    if drift.observed < standing.confirmed or enforce or _stepped_down_since(standing, drift.agreed_at):
        return None
    return Held(Reason.PERSON, timeline.next_step_down(now))


def _stepped_down_since(standing: CircuitState, moment: datetime) -> bool:
    return standing.stepped_down_at is not None and standing.stepped_down_at > moment


def note_level(standing: CircuitState, level: Bandwidth, now: datetime) -> CircuitState:
    """Keeps what the timeline asks for now, and when that last fell."""
    fell = standing.level is not None and level < standing.level
    return replace(standing, level=level, stepped_down_at=now if fell else standing.stepped_down_at)


def _fate(order: Order) -> tuple[Outcome, Bandwidth | None]:
    return (order.outcome, order.new if order.outcome is not Outcome.CONFIRMED else None)


def forget_old_orders(standing: CircuitState, now: datetime) -> CircuitState:
    """Drops settled orders that can no longer be adopted, preflight checks of events that are over, and
    what people asked for and is long over.

    Of orders that came to the same end for the same bandwidth only the latest can matter, and of confirmed
    ones the very latest: a carrier that refuses all day long must not fill the state.
    """
    latest = {_fate(order): order for order in sorted(standing.recent, key=lambda order: order.created_at)}
    recent = tuple(
        order
        for order in standing.recent
        if latest[_fate(order)] is order and now - order.created_at <= ADOPTION_AGE
    )
    curtain_ups = tuple(done for done in standing.curtain_ups if now < done[1])
    hold = still_of_use(standing.hold, now)
    pause = longest_pause((standing.pause,), now)
    return replace(standing, recent=recent, curtain_ups=curtain_ups, hold=hold, pause=pause)
