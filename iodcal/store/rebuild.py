"""A new state in place of a damaged one, from the history; the carrier tells the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

from iodcal.domain.circuits import account_in, parts_of
from iodcal.domain.orders import ADOPTION_AGE, Order, Outcome
from iodcal.domain.standing import Standing
from iodcal.domain.values import replace
from iodcal.domain.wishes import Parked, Pause, longest_pause
from iodcal.state.decode import (
    DamagedError,
    Node,
    decode_drift,
    decode_hold,
    decode_order,
    decode_parked,
    decode_pause,
)
from iodcal.store.state import Quota, State


class _Found(Struct):
    """What the records read so far come to. `orders` is keyed by order id, `standings` by circuit key."""

    orders: dict[str, Order] = field(default_factory=dict)
    standings: dict[str, Standing] = field(default_factory=dict)
    pause: Pause | None = None
    parked: Parked | None = None

    def standing(self, key: str, name: str) -> Standing:
        return self.standings.get(key) or _standing(key, name)


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
            _replay(Node.of(record, "record"), found)
        except DamagedError:
            continue
        read_any = True
    standings = found.standings
    for order in _without_abandoned(found.orders.values()):
        if order.circuit_key in standings:  # else it was forgotten since, and only counts
            standings[order.circuit_key] = _with_order(standings[order.circuit_key], order, now)
    return State(
        circuits=standings,
        quotas=_quotas(found.orders.values(), now),
        unknown_since=None if read_any else now,
        pause=longest_pause((found.pause,), now),
        parked=found.parked,
    )


def _replay(node: Node, found: _Found) -> None:
    kind = node.text("kind")
    if kind == "order":
        _replay_order(decode_order(node.node("order")), found)
    elif kind == "reading":
        key = node.text("key")
        found.standings[key] = replace(
            found.standing(key, node.text("circuit")),
            confirmed=node.maybe("confirmed_mbps", node.bandwidth),
            off_peak=node.maybe("off_peak_mbps", node.bandwidth),
            drift=node.maybe("drift", lambda name: decode_drift(node.node(name))),
        )
    elif kind == "park":
        found.parked = decode_parked(node)
    elif kind in ("hold", "release", "pause", "resume", "forget"):
        _replay_wish(kind, node, found)


def _replay_order(order: Order, found: _Found) -> None:
    found.orders[order.id] = order
    standing = found.standing(order.circuit_key, order.circuit)
    if order.outcome is Outcome.CONFIRMED:
        standing = replace(standing, confirmed=order.new, drift=None)
    found.standings[order.circuit_key] = standing


def _replay_wish(kind: str, node: Node, found: _Found) -> None:
    key = node.maybe("key", node.text)
    if key is None:
        _replay_for_all(kind, node, found)
        return
    standing = found.standing(key, node.text("circuit"))
    match kind:
        case "hold":
            standing = replace(standing, hold=decode_hold(node))
        case "release":
            standing = replace(standing, hold=None)
        case "pause":
            standing = replace(standing, pause=decode_pause(node))
        case "resume":
            standing = replace(standing, pause=None)
    found.standings[key] = standing
    if kind == "forget":
        del found.standings[key]


def _replay_for_all(kind: str, node: Node, found: _Found) -> None:
    if kind == "pause":
        found.pause = decode_pause(node)
    elif kind == "resume":
        found.pause = found.parked = None
        for key, standing in found.standings.items():
            found.standings[key] = replace(standing, pause=None)


def _without_abandoned(orders: Iterable[Order]) -> Iterator[Order]:
    """`orders` but for those that another one followed though they stand as open. A circuit has at most one
    open order: these were intents that never got into the state, and so were never sent."""
    orders = list(orders)
    last = {order.circuit_key: order.id for order in orders}
    return (order for order in orders if not order.outcome.open or last[order.circuit_key] == order.id)


def _with_order(standing: Standing, order: Order, now: datetime) -> Standing:
    if order.outcome is Outcome.SENDING:
        order = replace(order, outcome=Outcome.UNKNOWN)
    if order.outcome.open:
        return replace(standing, order=order)
    if now - order.created_at <= ADOPTION_AGE:
        return replace(standing, recent=(*standing.recent, order))
    return standing


def _standing(key: str, name: str) -> Standing:
    carrier_type, account = account_in(key)
    return Standing(key, name, carrier_type, account)


def _quotas(orders: Iterable[Order], now: datetime) -> dict[tuple[str, str], Quota]:
    today = now.astimezone(UTC).date()
    used: dict[tuple[str, str], int] = {}
    for order in orders:
        if order.created_at.astimezone(UTC).date() == today and order.outcome.counts_against_quota:
            _, url, account, _ = parts_of(order.circuit_key)
            used[url, account] = used.get((url, account), 0) + 1
    return {key: Quota(today, count) for key, count in used.items()}
