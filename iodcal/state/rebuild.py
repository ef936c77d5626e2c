"""A new state in place of a damaged one, from the history; the carrier tells the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from iodcal.domain.orders import ADOPTION_AGE, Order, Outcome
from iodcal.domain.standing import Standing
from iodcal.state import Quota, State
from iodcal.state.decode import DamagedError, Node, decode_drift, decode_order


def rebuild(records: Iterable[Mapping[str, Any]], now: datetime) -> State:
    """What `records`, oldest first, still tell at `now` (UTC): the last bandwidth that was confirmed, open
    orders (unknown where no answer stands), the orders of the last 24 hours, today's quota, drift.

    Records that make no sense are passed over.
    """
    orders: dict[str, Order] = {}
    state = State()
    for record in records:
        try:
            state = _replay(Node.of(record, "record"), orders, state)
        except DamagedError:
            continue
    for order in orders.values():
        state = _with_order(state, order, now)
    return replace(state, quotas=_quotas(orders.values(), now))


def _replay(node: Node, orders: dict[str, Order], state: State) -> State:
    kind = node.text("kind")
    if kind == "order":
        order = decode_order(node.node("order"))
        orders[order.id] = order
    elif kind == "reading" and "drift" in node.values:
        standing = _standing(state, node.text("key"), node.text("circuit"))
        return _put(state, replace(standing, drift=decode_drift(node.node("drift"))))
    return state


def _with_order(state: State, order: Order, now: datetime) -> State:
    standing = _standing(state, order.circuit_key, order.circuit)
    if order.outcome.open:
        answered = order.outcome is not Outcome.SENDING
        return _put(
            state, replace(standing, order=order if answered else replace(order, outcome=Outcome.UNKNOWN))
        )
    if order.outcome is Outcome.CONFIRMED:
        standing = replace(standing, confirmed=order.new, order=None)
    if now - order.created_at <= ADOPTION_AGE:
        standing = replace(standing, recent=(*standing.recent, order))
    return _put(state, standing)


def _standing(state: State, key: str, name: str) -> Standing:
    carrier_type, _, rest = key.partition("|")
    account = rest.split("|")[1] if rest.count("|") >= 1 else ""
    return state.circuits.get(key) or Standing(key, name, carrier_type, account)


def _put(state: State, standing: Standing) -> State:
    return replace(state, circuits={**state.circuits, standing.key: standing})


def _quotas(orders: Iterable[Order], now: datetime) -> dict[tuple[str, str], Quota]:
    today = now.astimezone(UTC).date()
    used: dict[tuple[str, str], int] = {}
    for order in orders:
        if order.created_at.astimezone(UTC).date() == today and order.outcome.counts_against_quota:
            _, url, account, *_ = (*order.circuit_key.split("|"), "", "", "")
            used[url, account] = used.get((url, account), 0) + 1
    return {key: Quota(today, count) for key, count in used.items()}
