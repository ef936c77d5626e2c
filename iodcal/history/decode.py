"""From one line of the history to a value. What makes no sense is a DamagedError, never half a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from iodcal.author import Author, By
from iodcal.domain.labels import Labels, labels_of
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Order
from iodcal.history import (
    CurtainUp,
    OtherRecord,
    PastCause,
    PastChange,
    PastProblem,
    PastReading,
    PastWish,
    Stamp,
)
from iodcal.state.decode import DamagedError, Node, decode_drift, decode_order

WISHES = ("hold", "release", "pause", "resume", "park", "forget")  # what people ask for
_OF_THE_STAMP = frozenset({"at", "run_id", "kind", "by", "iodcal", "rules"})


class OrderLine(Struct, frozen=True):
    """One line of an order; several make a PastOrder."""

    stamp: Stamp
    order: Order
    causes: tuple[PastCause, ...]
    labels: Labels


class Recovered(Struct, frozen=True):
    """A problem is gone."""

    stamp: Stamp
    id: str


Line: TypeAlias = (
    OrderLine | PastChange | CurtainUp | PastReading | PastProblem | Recovered | PastWish | OtherRecord
)


def decode_line(record: Mapping[str, Any]) -> Line:
    """The value of one record. Raises DamagedError."""
    node = Node.of(record, "record")
    stamp = _stamp(node)
    return _READERS.get(node.text("kind"), _other)(node, stamp)


def _stamp(node: Node) -> Stamp:
    return Stamp(
        node.time("at"),
        node.text("run_id"),
        node.added("by", lambda name: _author(node.node(name))),
        node.added("iodcal", node.text),
        node.added("rules", node.text),
    )


def _author(node: Node) -> Author:
    return Author(node.word("kind", By), node.added("user", node.text), node.added("uid", node.number))


def _order(node: Node, stamp: Stamp) -> OrderLine:
    return OrderLine(stamp, decode_order(node.node("order")), _causes(node), _labels(node))


def _recovered(node: Node, stamp: Stamp) -> Recovered:
    return Recovered(stamp, node.text("id"))


def _change(node: Node, stamp: Stamp) -> PastChange:
    return PastChange(
        stamp,
        node.text("circuit"),
        node.bandwidth("from_mbps"),
        node.bandwidth("to_mbps"),
        node.text("held"),
        node.added("until", node.time),
        _causes(node),
        _labels(node),
    )


def _curtain_up(node: Node, stamp: Stamp) -> CurtainUp:
    return CurtainUp(
        stamp,
        node.text("circuit"),
        node.text("rule"),
        node.time("start"),
        node.text("result"),
        node.added("end", node.time),
        node.added("event", node.text),
        node.added("calendar", node.text),
        node.added("subject", node.text),
        node.added("needs_mbps", node.bandwidth),
        _labels(node),
    )


def _reading(node: Node, stamp: Stamp) -> PastReading:
    return PastReading(
        stamp,
        node.text("circuit"),
        node.text("key"),
        node.maybe("confirmed_mbps", node.bandwidth),
        node.maybe("off_peak_mbps", node.bandwidth),
        node.maybe("drift", lambda name: decode_drift(node.node(name))),
    )


def _problem(node: Node, stamp: Stamp) -> PastProblem:
    id_, facts = node.text("id"), node.node("facts").values
    plain = {
        name: fact for name, fact in facts.items() if fact is None or isinstance(fact, (str, int, float))
    }
    where = node.added("where", node.text) or id_.partition(":")[2]
    return PastProblem(stamp, id_, where, plain, node.added("severity", node.text))


def _wish(node: Node, stamp: Stamp) -> PastWish:
    """What somebody asked for: each command has who, and what it needs of the rest."""
    return PastWish(
        stamp,
        node.text("kind"),
        node.added("circuit", node.text),
        node.added("who", node.text),
        node.added("note", node.text) or None,
        node.added("until", node.time),
        node.added("mbps", node.bandwidth),
        bool(node.added("exactly", node.flag)),
        node.added("account", node.text),
    )


def _other(node: Node, stamp: Stamp) -> OtherRecord:
    facts = {name: fact for name, fact in node.values.items() if name not in _OF_THE_STAMP}
    circuit = facts.pop("circuit", None)
    named = circuit if isinstance(circuit, str) else None
    return OtherRecord(stamp, node.text("kind"), named, facts)


def _causes(node: Node) -> tuple[PastCause, ...]:
    return tuple(_cause(cause) for cause in node.nodes("causes")) if node.values.get("causes") else ()


def _cause(node: Node) -> PastCause:
    asks_from, until = node.added("from", node.time), node.added("until", node.time)
    return PastCause(
        node.text("kind"),
        node.time("start"),
        node.time("end"),
        node.added("id", node.text),
        node.added("rule", node.text),
        node.added("calendar", node.text),
        node.added("subject", node.text),
        Interval(asks_from, until) if asks_from is not None and until is not None else None,
        node.flag("ended"),
        _labels(node),
        node.added("who", node.text),
        node.added("note", node.text),
    )


def _labels(node: Node) -> Labels:
    labels = node.values.get("labels")
    if labels is None:
        return ()
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise DamagedError(f"{node.place}.labels is not as expected")
    return labels_of(labels)


_READERS: Mapping[str, Callable[[Node, Stamp], Line]] = {
    "order": _order,
    "change": _change,
    "curtain_up": _curtain_up,
    "reading": _reading,
    "problem": _problem,
    "recovered": _recovered,
    **dict.fromkeys(WISHES, _wish),
}
