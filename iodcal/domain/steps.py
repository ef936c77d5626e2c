"""A value that changes at instants, and stays the same between them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct

from iodcal.domain.localtime import Interval

EVER = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
ALWAYS = Interval(EVER, NEVER)

T = TypeVar("T")
U = TypeVar("U")


class Steps(Struct, Generic[T], frozen=True):
    """`values[i]` from `starts[i]` (UTC, ascending) until the next start, the last one for ever."""

    starts: tuple[datetime, ...]
    values: tuple[T, ...]

    @classmethod
    def of(cls, changes: Iterable[tuple[datetime, T]]) -> Steps[T]:
        """The value after each of `changes`. One overrides those before it that begin no earlier; one that
        changes nothing is no step."""
        starts: list[datetime] = []
        values: list[T] = []
        for at, value in changes:
            while starts and starts[-1] >= at:
                starts.pop()
                values.pop()
            if not values or values[-1] != value:
                starts.append(at)
                values.append(value)
        return Steps(tuple(starts), tuple(values))

    def index(self, instant: datetime) -> int:
        """Which step `instant` lies in; the first one for what lies before."""
        return max(0, bisect_right(self.starts, instant) - 1)

    def at(self, instant: datetime) -> T:
        """The value at `instant`; before the first step that of the first."""
        return self.values[max(0, bisect_right(self.starts, instant) - 1)]

    def since(self, instant: datetime, holds: Callable[[T], Any]) -> datetime | None:
        """When the steps began, without a break until `instant`, whose value `holds`; None if it does not."""
        index = self.index(instant)
        if not holds(self.values[index]):
            return None
        while index and holds(self.values[index - 1]):
            index -= 1
        return self.starts[index]

    def pieces(self, span: Interval) -> Iterator[tuple[Interval, T]]:
        """The steps that lie in `span`, each cut to it, in order. Nothing lies before the first step."""
        last = bisect_left(self.starts, span.end)
        for index in range(self.index(span.start), last):
            end = self.starts[index + 1] if index + 1 < last else span.end
            start = max(self.starts[index], span.start)
            if start < end:
                yield Interval(start, end), self.values[index]

    def beside(self, other: Steps[U], span: Interval) -> Iterator[tuple[Interval, T, U]]:
        """Both values during `span`, cut wherever one of them changes."""
        for piece, value in self.pieces(span):
            for part, beside in other.pieces(piece):
                yield part, value, beside
