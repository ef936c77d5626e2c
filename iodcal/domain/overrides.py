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
    circuit_state: CircuitState, reading: Reading, order_timeouts: OrderTimeouts, boot: BootTime | None = None
) -> CircuitState:
    """`circuit_state` after `reading`: the open order settled, drift found, adopted or gone."""
    before = circuit_state.reading
    circuit_state = replace(circuit_state, reading=reading)
    if circuit_state.order is not None:
        circuit_state = _settle(
            circuit_state, settle_order(circuit_state.order, reading, order_timeouts, boot), reading
        )
    if circuit_state.order is not None or reading.status is not Status.ACTIVE or reading.bandwidth is None:
        return circuit_state
    if contradicts_lately(circuit_state, reading, order_timeouts):
        return circuit_state
    return _compare(circuit_state, reading.bandwidth, reading, before)


def contradicts_lately(circuit_state: CircuitState, reading: Reading, order_timeouts: OrderTimeouts) -> bool:
    """True if `reading` shows what our last order changed, just after another showed it changed. Inventories
    are copies, and copies lag: that is the past rather than somebody's doing. Whoever really undid the order
    is seen once the time is over in which an answer may still surface."""
    last = circuit_state.recent[-1] if circuit_state.recent else None
    if circuit_state.order is not None or last is None or last.outcome is not Outcome.CONFIRMED:
        return False
    lately = last.settled_at is not None and reading.at - last.settled_at < order_timeouts.lost_answer_grace
    return lately and circuit_state.confirmed == last.new and reading.shows(last.old)


def _settle(circuit_state: CircuitState, order: Order, reading: Reading) -> CircuitState:
    if order.outcome.open:
        return replace(circuit_state, order=order)
    recent = (*circuit_state.recent, order)
    if order.outcome is Outcome.CONFIRMED:
        return _confirm(replace(circuit_state, order=None, recent=recent), order)
    if order.outcome is Outcome.FAILED:
        # Where a gateway answered, nothing more came than its answer; a reading only shows so.
        at = order.created_at if order.reason == GATEWAY_ANSWERED else reading.at
        failed = note_failed(circuit_state.failed, order, reading.bandwidth, at)
        return replace(circuit_state, order=None, recent=recent, failed=failed)
    return replace(circuit_state, order=None, recent=recent)


def _confirm(circuit_state: CircuitState, order: Order) -> CircuitState:
    """`circuit_state` once a reading shows what `order` asked for: whatever failed on the way is over."""
    failed = still_failed(circuit_state.failed, order.direction, order.new)
    return replace(circuit_state, confirmed=order.new, failures=0, retry_at=None, failed=failed)


def _compare(
    circuit_state: CircuitState, shown: Bandwidth, reading: Reading, before: Reading | None
) -> CircuitState:
    if circuit_state.confirmed is None:
        return replace(circuit_state, confirmed=shown)  # the first reading is ours by definition
    if shown == circuit_state.confirmed:
        return replace(circuit_state, drift=None)
    own = adoptable(circuit_state.recent, reading)
    if own is not None:
        return _adopt_order(circuit_state, own, reading.at)
    if circuit_state.drift is not None and circuit_state.drift.observed == shown:
        return circuit_state
    agreed_at = (
        circuit_state.drift.agreed_at if circuit_state.drift else _agreed_at(circuit_state, reading, before)
    )
    return replace(circuit_state, drift=Drift(shown, reading.at, agreed_at))


def _adopt_order(circuit_state: CircuitState, own: Order, at: datetime) -> CircuitState:
    adopted = replace(own, outcome=Outcome.CONFIRMED, settled_at=at)
    recent = tuple(adopted if order is own else order for order in circuit_state.recent)
    return _confirm(replace(circuit_state, recent=recent, drift=None), own)


def _agreed_at(circuit_state: CircuitState, reading: Reading, before: Reading | None) -> datetime:
    if before is not None and circuit_state.confirmed is not None and before.shows(circuit_state.confirmed):
        return before.at
    confirmed = [order.settled_at for order in circuit_state.recent if order.outcome is Outcome.CONFIRMED]
    return max((at for at in confirmed if at is not None), default=reading.at)


def adopt_drift(circuit_state: CircuitState) -> CircuitState:
    """A person's change that is just what the target asks for counts as ordered."""
    if circuit_state.drift is None:
        return circuit_state
    return replace(circuit_state, confirmed=circuit_state.drift.observed, drift=None)


def starting_point(circuit_state: CircuitState) -> Bandwidth | None:
    """The bandwidth that changes start from: what was ordered, but on drift what is there. Before the
    first reading at rest it is what any reading shows."""
    if circuit_state.order is None and circuit_state.drift is not None:
        return circuit_state.drift.observed
    if circuit_state.ordered is None and circuit_state.reading is not None:
        return circuit_state.reading.bandwidth
    return circuit_state.ordered


def held_by_person(
    circuit_state: CircuitState,
    change: Change,
    timeline: Timeline,
    now: datetime,
    *,
    enforce: bool,
    parked: Parked | None = None,
) -> Held | None:
    """Holds back a change that would undo what a person did. While everything is `parked`, that is
    whatever was first seen since: what was seen before goes to rest with the others."""
    drift = circuit_state.drift
    if drift is None or circuit_state.confirmed is None:
        return None
    if parked is not None:
        return Held(Reason.PERSON) if drift.seen_at >= parked.since else None
    if change.up:
        # Raised once for this demand and lowered again by hand: that is somebody's wish.
        repaired = drift.observed < circuit_state.confirmed and circuit_state.raised_for == change.demand
        return Held(Reason.PERSON) if repaired else None
    if (
        drift.observed < circuit_state.confirmed
        or enforce
        or _stepped_down_since(circuit_state, drift.agreed_at)
    ):
        return None
    return Held(Reason.PERSON, timeline.next_step_down(now))


def _stepped_down_since(circuit_state: CircuitState, moment: datetime) -> bool:
    return circuit_state.stepped_down_at is not None and circuit_state.stepped_down_at > moment


def note_level(circuit_state: CircuitState, level: Bandwidth, now: datetime) -> CircuitState:
    """Keeps what the timeline asks for now, and when that last fell."""
    fell = circuit_state.level is not None and level < circuit_state.level
    return replace(circuit_state, level=level, stepped_down_at=now if fell else circuit_state.stepped_down_at)


def _fate(order: Order) -> tuple[Outcome, Bandwidth | None]:
    return (order.outcome, order.new if order.outcome is not Outcome.CONFIRMED else None)


def forget_old_orders(circuit_state: CircuitState, now: datetime) -> CircuitState:
    """Drops settled orders that can no longer be adopted, preflight checks of events that are over, and
    what people asked for and is long over.

    Of orders that came to the same end for the same bandwidth only the latest can matter, and of confirmed
    ones the very latest: a carrier that refuses all day long must not fill the state.
    """
    latest = {
        _fate(order): order for order in sorted(circuit_state.recent, key=lambda order: order.created_at)
    }
    recent = tuple(
        order
        for order in circuit_state.recent
        if latest[_fate(order)] is order and now - order.created_at <= ADOPTION_AGE
    )
    preflight_checks = tuple(done for done in circuit_state.preflight_checks if now < done[1])
    hold = still_of_use(circuit_state.hold, now)
    pause = longest_pause((circuit_state.pause,), now)
    return replace(circuit_state, recent=recent, preflight_checks=preflight_checks, hold=hold, pause=pause)
