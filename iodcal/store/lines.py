"""Reads the history: a line becomes a value, an order's lines one value, a problem's end joins its beginning.

Lines of every version are read. What makes no sense is counted and passed over, never half a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import Struct, field

from iodcal.domain.changes import Cause
from iodcal.domain.circuits import Labels
from iodcal.domain.orders import Order
from iodcal.domain.structs import replace
from iodcal.store.codec import DamagedError, from_json
from iodcal.store.history import (
    CurtainUp,
    OtherRecord,
    Past,
    PastChange,
    PastOrder,
    PastProblem,
    PastReading,
    PastWish,
    Stamp,
    Transition,
)
from iodcal.store.records import decode_causes, decode_labels, decode_order
from iodcal.store.state import KeptHistory

WISHES = (
    "hold",
    "release",
    "pause",
    "resume",
    "park",
    "skip",
    "unskip",
    "forget",
    "adopt",
)  # what people ask for
_OF_THE_STAMP = frozenset({"at", "run_id", "kind", "by", "iodcal", "rules"})


class OrderLine(Struct, frozen=True):
    """One line of an order; several make a PastOrder."""

    stamp: Stamp
    order: Order
    causes: tuple[Cause, ...] = ()
    labels: Labels = ()


class Recovered(Struct, frozen=True):
    """A problem is gone."""

    stamp: Stamp
    id: str


Line: TypeAlias = (
    OrderLine | PastChange | CurtainUp | PastReading | PastProblem | Recovered | PastWish | OtherRecord
)


# The union of all lines, told apart by their `kind`.
_TYPES: Mapping[str, type[Line]] = {
    "order": OrderLine,
    "change": PastChange,
    "curtain_up": CurtainUp,
    "reading": PastReading,
    "problem": PastProblem,
    "recovered": Recovered,
    **dict.fromkeys(WISHES, PastWish),
}


class _Kind(Struct, frozen=True):
    kind: str


def decode_line(record: Mapping[str, Any]) -> Line:
    """The value of one record. Raises DamagedError."""
    kind, stamp = from_json(record, _Kind).kind, from_json(record, Stamp)
    if kind not in _TYPES:
        return _other(kind, stamp, record)
    # A null says as much as a key that is left out, but in a reading, where all that may change is said.
    said = {name: value for name, value in record.items() if value is not None or kind == "reading"}
    shaped = {name: shape(said[name]) for name, shape in _SHAPES.items() if name in said}
    if kind == "problem":
        where = said.get("where", "")
        shaped["where"] = where if where != "" else str(said.get("id")).partition(":")[2]
    return from_json({**said, **shaped, "stamp": stamp}, _TYPES[kind])


def _other(kind: str, stamp: Stamp, record: Mapping[str, Any]) -> OtherRecord:
    facts = {name: fact for name, fact in record.items() if name not in _OF_THE_STAMP}
    circuit = facts.pop("circuit", None)
    return OtherRecord(stamp, kind, circuit if isinstance(circuit, str) else None, facts)


def _decode_facts(facts: object) -> object:
    """Those that a problem may have."""
    if not isinstance(facts, dict):
        return facts
    return {name: fact for name, fact in facts.items() if fact is None or isinstance(fact, (str, int, float))}


# What is of another shape in memory.
_SHAPES: Mapping[str, Callable[[object], object]] = {
    "order": decode_order,
    "causes": decode_causes,
    "labels": decode_labels,
    "facts": _decode_facts,
    "note": lambda note: note if note != "" else None,
}


def read_past(history: KeptHistory, since: datetime | None = None) -> Past:
    """What `history` tells; months that were over before `since` (UTC) may be left out.

    Lines that cannot be read are counted and passed over. Raises StateError where the files cannot be read.
    """
    return gather(history.lines(since))


def gather(records: Iterable[Mapping[str, Any] | None]) -> Past:
    """What `records`, oldest first, tell; None stands for a line that is no record."""
    past = _Gathered()
    for record in records:
        past.take(record)
    return past.whole()


class _Gathered(Struct):
    orders: dict[str, PastOrder] = field(default_factory=dict)
    changes: list[PastChange] = field(default_factory=list)
    preflight_checks: list[CurtainUp] = field(default_factory=list)
    readings: list[PastReading] = field(default_factory=list)
    problems: list[PastProblem] = field(default_factory=list)
    circuit_state: dict[str, int] = field(default_factory=dict)  # by problem id, the index in `problems`
    wishes: list[PastWish] = field(default_factory=list)
    others: list[OtherRecord] = field(default_factory=list)
    unreadable: int = 0

    def take(self, record: Mapping[str, Any] | None) -> None:
        try:
            line = decode_line(record) if record is not None else None
        except DamagedError:
            line = None
        if line is None:
            self.unreadable += 1
        else:
            self._put(line)

    def _put(self, line: Line) -> None:
        match line:
            case OrderLine():
                self._order(line)
            case Recovered():
                self._end(line.id, line.stamp.at)
            case PastProblem():
                self._end(line.id, line.stamp.at)  # it changed: the one before it is over
                self.circuit_state[line.id] = len(self.problems)
                self.problems.append(line)
            case PastChange():
                self.changes.append(line)
            case CurtainUp():
                self.preflight_checks.append(line)
            case PastReading():
                self.readings.append(line)
            case PastWish():
                self.wishes.append(line)
            case OtherRecord():
                self.others.append(line)

    def _order(self, line: OrderLine) -> None:
        """Where the state could not be saved, the next run finds again what is in the history already: an
        order's end is when it was seen first."""
        step = Transition(line.stamp, line.order.outcome)
        known = self.orders.get(line.order.id)
        if known is not None and known.order.outcome == step.outcome and not step.outcome.open:
            return
        if known is None:
            made = PastOrder(
                line.stamp, line.order, transitions=(step,), causes=line.causes, labels=line.labels
            )
        else:
            made = replace(known, order=line.order, transitions=(*known.transitions, step))
        self.orders[line.order.id] = made

    def _end(self, id_: str, at: datetime) -> None:
        index = self.circuit_state.pop(id_, None)
        if index is not None:
            self.problems[index] = replace(self.problems[index], ended=at)

    def whole(self) -> Past:
        return Past(
            tuple(sorted(self.orders.values(), key=lambda past: past.order.created_at)),
            tuple(self.changes),
            preflight_checks=tuple(self.preflight_checks),
            readings=tuple(self.readings),
            problems=tuple(self.problems),
            wishes=tuple(self.wishes),
            others=tuple(self.others),
            unreadable=self.unreadable,
        )
