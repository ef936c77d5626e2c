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

    Records that make no sense are passed over. Where none is left, nobody knows of an order that may have
    gone out just now: `unknown_since` says so.
    """
    orders: dict[str, Order] = {}
    standings: dict[str, Standing] = {}
    read_any = False
    for record in records:
        try:
            _replay(Node.of(record, "record"), orders, standings)
        except DamagedError:
            continue
        read_any = True
    for order in orders.values():
        standings[order.circuit_key] = _with_order(standings[order.circuit_key], order, now)
    return State(
        circuits=standings,
        quotas=_quotas(orders.values(), now),
        unknown_since=None if read_any else now,
    )


def _replay(node: Node, orders: dict[str, Order], standings: dict[str, Standing]) -> None:
    kind = node.text("kind")
    if kind == "order":
        order = decode_order(node.node("order"))
        orders[order.id] = order
        standing = standings.get(order.circuit_key) or _standing(order.circuit_key, order.circuit)
        if order.outcome is Outcome.CONFIRMED:
            standing = replace(standing, confirmed=order.new, drift=None)
        standings[order.circuit_key] = standing
    elif kind == "reading":
        key = node.text("key")
        standings[key] = replace(
            standings.get(key) or _standing(key, node.text("circuit")),
            confirmed=node.maybe("confirmed_mbps", node.bandwidth),
            off_peak=node.maybe("off_peak_mbps", node.bandwidth),
            drift=node.maybe("drift", lambda name: decode_drift(node.node(name))),
        )


def _with_order(standing: Standing, order: Order, now: datetime) -> Standing:
    if order.outcome is Outcome.SENDING:
        order = replace(order, outcome=Outcome.UNKNOWN)
    if order.outcome.open:
        return replace(standing, order=order)
    if now - order.created_at <= ADOPTION_AGE:
        return replace(standing, recent=(*standing.recent, order))
    return standing


def _standing(key: str, name: str) -> Standing:
    carrier_type, _, rest = key.partition("|")
    account = rest.split("|")[1] if rest.count("|") >= 1 else ""
    return Standing(key, name, carrier_type, account)


def _quotas(orders: Iterable[Order], now: datetime) -> dict[tuple[str, str], Quota]:
    today = now.astimezone(UTC).date()
    used: dict[tuple[str, str], int] = {}
    for order in orders:
        if order.created_at.astimezone(UTC).date() == today and order.outcome.counts_against_quota:
            _, url, account, *_ = (*order.circuit_key.split("|"), "", "", "")
            used[url, account] = used.get((url, account), 0) + 1
    return {key: Quota(today, count) for key, count in used.items()}
