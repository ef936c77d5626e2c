"""A circuit's bandwidth over time: from it come hours per tier, and from these money."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from iodcal.domain import billing
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Tariff

Hours = Mapping[Bandwidth, timedelta]
"""How long a circuit was at each tier."""


class Course(Struct, frozen=True):
    """A level for every instant of `span`: `levels[i]` from `starts[i]` (UTC) until the next start."""

    span: Interval
    starts: tuple[datetime, ...]
    levels: tuple[Bandwidth, ...]

    @classmethod
    def of(cls, span: Interval, opening: Bandwidth, steps: Iterable[tuple[datetime, Bandwidth]]) -> Course:
        """At `opening` from the start of `span`, and from each of `steps`, in order of time, at its level."""
        starts, levels = [span.start], [opening]
        for at, level in steps:
            if at >= span.end:
                break
            if at <= starts[-1]:
                levels[-1] = level
            elif level != levels[-1]:
                starts.append(at)
                levels.append(level)
        return cls(span, tuple(starts), tuple(levels))

    def pieces(self, within: Interval) -> Iterator[tuple[Interval, Bandwidth]]:
        """The levels during `within`, cut to it, in order."""
        index = max(0, bisect_right(self.starts, within.start) - 1)
        ends = (*self.starts[1:], self.span.end)
        while index < len(self.starts) and self.starts[index] < within.end:
            piece = Interval(max(self.starts[index], within.start), min(ends[index], within.end))
            if piece.start < piece.end:
                yield piece, self.levels[index]
            index += 1

    def since(self, at: datetime, least: Bandwidth) -> datetime | None:
        """Since when the level has been `least` or more, without a break until `at`; None where it is not."""
        index = max(0, bisect_right(self.starts, at) - 1)
        if self.levels[index] < least:
            return None
        while index and self.levels[index - 1] >= least:
            index -= 1
        return self.starts[index]

    def hours(self) -> dict[Bandwidth, timedelta]:
        """How long each level lasts, in ascending order of levels."""
        lasting: Counter[Bandwidth] = Counter()
        for piece, level in self.pieces(self.span):
            lasting[level] += int((piece.end - piece.start).total_seconds())
        return {level: timedelta(seconds=lasting[level]) for level in sorted(lasting)}


def above(course: Course, other: Course) -> timedelta:
    """For how long `course` is at a higher level than `other`, over the same span."""
    total = timedelta()
    for piece, level in course.pieces(course.span):
        for part, beside in other.pieces(piece):
            if level > beside:
                total += part.end - part.start
    return total


def cost(course: Course, tariff: Tariff) -> Decimal | None:
    """What `course` costs over its span; None where a tier has no known rate."""
    found = billing.cost(tuple(zip(course.starts, course.levels, strict=True)), course.span, tariff)
    return found.amount if found.complete else None
