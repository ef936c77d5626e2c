"""A new state in place of a damaged one, from the history; the carrier tells the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import account_in, parts_of
from iodcal.domain.holds import Hold, Parked, Pause, Skip, longest_pause
from iodcal.domain.orders import ADOPTION_AGE, Order, Outcome
from iodcal.domain.structs import replace
from iodcal.store.codec import DamagedError, from_json
from iodcal.store.history import PastReading, Stamp
from iodcal.store.records import decode_order
from iodcal.store.state import Quota, State


class _OfCircuit(Struct, frozen=True):
    """What names a circuit in a line."""

    circuit: str
    key: str


class _Found(Struct):
    """What the records read so far come to: `orders` by order id, `circuit_states` by circuit key."""

    orders: dict[str, Order] = field(default_factory=dict)
    circuit_states: dict[str, CircuitState] = field(default_factory=dict)
    pause: Pause | None = None
    parked: Parked | None = None
    skips: dict[tuple[str, str, str], Skip] = field(default_factory=dict)

    def circuit_state(self, key: str, name: str) -> CircuitState:
        return self.circuit_states.get(key) or _circuit_state(key, name)


def rebuild(records: Iterable[Mapping[str, Any]], now: datetime) -> State:
    """What `records`, oldest first, still tell at `now` (UTC): the last bandwidth that was confirmed, open
    orders (unknown where no answer stands), the orders of the last 24 hours, today's quota, drift, and what
    people asked for.

    Records that make no sense are passed over. Where none is left, nobody knows of an order that may have
    gone out just now: `unknown_since` says so.
    """
    found = _Found()
    read_any = False
    for record in records:
        try:
            _replay(record, found)
        except DamagedError:
            continue
        read_any = True
    circuit_states = found.circuit_states
    for order in _without_abandoned(found.orders.values()):
        if order.circuit_key in circuit_states:  # else it was forgotten since, and only counts
            circuit_states[order.circuit_key] = _with_order(circuit_states[order.circuit_key], order, now)
    return State(
        circuits=circuit_states,
        quotas=_quotas(found.orders.values(), now),
        unknown_since=None if read_any else now,
        pause=longest_pause((found.pause,), now),
        parked=found.parked,
        skips=tuple(skip for skip in found.skips.values() if now < skip.until),
    )


def _replay(record: Mapping[str, Any], found: _Found) -> None:
    match record.get("kind"):
        case "order":
            _replay_order(decode_order(record.get("order")), found)
        case "reading":
            of = from_json(record, _OfCircuit)
            read = from_json({**record, "stamp": from_json(record, Stamp)}, PastReading)
            found.circuit_states[of.key] = replace(
                found.circuit_state(of.key, of.circuit),
                confirmed=read.confirmed,
                off_peak=read.off_peak,
                drift=read.drift,
            )
        case "park":
            found.parked = from_json(record, Parked)
        case "hold" | "release" | "pause" | "resume" | "forget" as kind if record.get("key") is not None:
            _replay_wish(kind, from_json(record, _OfCircuit), record, found)
        case "skip":
            skip = from_json(record, Skip)
            found.skips[skip.event] = skip
        case "unskip":
            found.skips.pop(from_json(record, Skip).event, None)
        case "pause":
            found.pause = from_json(record, Pause)
        case "resume":
            found.pause = found.parked = None
            for key, circuit_state in found.circuit_states.items():
                found.circuit_states[key] = replace(circuit_state, pause=None)


def _replay_order(order: Order, found: _Found) -> None:
    found.orders[order.id] = order
    circuit_state = found.circuit_state(order.circuit_key, order.circuit)
    if order.outcome is Outcome.CONFIRMED:
        circuit_state = replace(circuit_state, confirmed=order.new, drift=None)
    found.circuit_states[order.circuit_key] = circuit_state


def _replay_wish(kind: str, of: _OfCircuit, record: Mapping[str, Any], found: _Found) -> None:
    circuit_state = found.circuit_state(of.key, of.circuit)
    match kind:
        case "hold":
            circuit_state = replace(circuit_state, hold=from_json(record, Hold))
        case "release":
            circuit_state = replace(circuit_state, hold=None)
        case "pause":
            circuit_state = replace(circuit_state, pause=from_json(record, Pause))
        case "resume":
            circuit_state = replace(circuit_state, pause=None)
    found.circuit_states[of.key] = circuit_state
    if kind == "forget":
        del found.circuit_states[of.key]


def _without_abandoned(orders: Iterable[Order]) -> Iterator[Order]:
    """`orders` but for those that another one followed though they stand as open. A circuit has at most one
    open order: these were intents that never got into the state, and so were never sent."""
    orders = list(orders)
    last = {order.circuit_key: order.id for order in orders}
    return (order for order in orders if not order.outcome.open or last[order.circuit_key] == order.id)


def _with_order(circuit_state: CircuitState, order: Order, now: datetime) -> CircuitState:
    if order.outcome is Outcome.SENDING:
        order = replace(order, outcome=Outcome.UNKNOWN)
    if order.outcome.open:
        return replace(circuit_state, order=order)
    if now - order.created_at <= ADOPTION_AGE:
        return replace(circuit_state, recent=(*circuit_state.recent, order))
    return circuit_state


def _circuit_state(key: str, name: str) -> CircuitState:
    carrier_type, account = account_in(key)
    return CircuitState(key, name, carrier_type, account)


def _quotas(orders: Iterable[Order], now: datetime) -> dict[tuple[str, str], Quota]:
    today = now.astimezone(UTC).date()
    quotas: dict[tuple[str, str], Quota] = {}
    for order in orders:
        used, refused = int(order.outcome.counts_against_quota), int(order.outcome is Outcome.REFUSED)
        if order.created_at.astimezone(UTC).date() == today and used + refused:
            _, url, account, _ = parts_of(order.circuit_key)
            known = quotas.get((url, account), Quota(today, 0))
            counted = replace(known, used=known.used + used, refused=known.refused + refused)
            quotas[url, account] = counted
    return quotas
