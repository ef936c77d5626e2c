"""Reads the history: an order's lines become one value, a problem's end joins its beginning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from iodcal.domain.values import replace
from iodcal.history import (
    CurtainUp,
    OtherRecord,
    Past,
    PastChange,
    PastOrder,
    PastProblem,
    PastReading,
    PastWish,
    Transition,
)
from iodcal.history.decode import Line, OrderLine, Recovered, decode_line
from iodcal.state.decode import DamagedError
from iodcal.state.history import History


def read_past(history: History, since: datetime | None = None) -> Past:
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
    curtain_ups: list[CurtainUp] = field(default_factory=list)
    readings: list[PastReading] = field(default_factory=list)
    problems: list[PastProblem] = field(default_factory=list)
    standing: dict[str, int] = field(default_factory=dict)  # by problem id, the index in `problems`
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
                self.standing[line.id] = len(self.problems)
                self.problems.append(line)
            case PastChange():
                self.changes.append(line)
            case CurtainUp():
                self.curtain_ups.append(line)
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
            made = PastOrder(line.stamp, line.order, (step,), line.causes, line.labels)
        else:
            made = replace(known, order=line.order, transitions=(*known.transitions, step))
        self.orders[line.order.id] = made

    def _end(self, id_: str, at: datetime) -> None:
        index = self.standing.pop(id_, None)
        if index is not None:
            self.problems[index] = replace(self.problems[index], ended=at)

    def whole(self) -> Past:
        return Past(
            tuple(sorted(self.orders.values(), key=lambda past: past.order.created_at)),
            tuple(self.changes),
            tuple(self.curtain_ups),
            tuple(self.readings),
            tuple(self.problems),
            tuple(self.wishes),
            tuple(self.others),
            self.unreadable,
        )
