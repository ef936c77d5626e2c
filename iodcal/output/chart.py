"""A circuit's timeline as a picture of characters: tiers upwards, time to the right.

What an event asks for, its lead and trail, and the recurring baseline have a glyph each, so that the
picture reads without colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec import Struct
from rich.text import Text

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Change
from iodcal.domain.localtime import Interval, midnight
from iodcal.domain.timeline import Timeline
from iodcal.output.text import for_terminal

_LABEL = 9  # columns for the tier's name
_STEPS = (1, 2, 3, 6, 12, 24, 48, 96, 168)  # hours between two marks of the axis
_MARK_WIDTH = 8


class Glyphs(Struct, frozen=True):
    """The characters of a chart."""

    event: str = "█"
    around: str = "▒"
    baseline: str = "░"
    withheld: str = "·"
    axis: str = "─"
    tick: str = "┬"
    now: str = "┃"
    up: str = "▲"
    down: str = "▼"
    held: str = "△"


UP, DOWN, HELD_BACK = "bold green", "bold magenta", "bold yellow"
UNICODE = Glyphs()
ASCII = Glyphs("#", "+", baseline=":", withheld=".", axis="-", tick="+", now="|", up="^", down="v", held="o")


class Chart(Struct, frozen=True):
    """A window of a timeline, `width` columns wide."""

    timeline: Timeline
    window: Interval
    now: datetime
    width: int
    glyphs: Glyphs = UNICODE

    def rows(self, changes: Iterable[Change]) -> Iterator[Text]:
        """The picture's lines, from the highest tier down to the axis and what stands below it."""
        columns = [self._column(span) for span in self._spans()]
        yield from self._titles()
        for level in self._levels():
            line = Text(f"{level!s:>{_LABEL - 1}} ", style="dim")
            for column in columns:
                line.append(*self._cell(column, level))
            yield line
        yield self._axis()
        yield self._marks(changes)

    @property
    def _plot(self) -> int:
        return max(20, self.width - _LABEL)

    def _spans(self) -> Iterator[Interval]:
        length = (self.window.end - self.window.start) / self._plot
        edges = [self.window.start + length * number for number in range(self._plot + 1)]
        for start, end in pairwise(edges):
            yield Interval(start, end)

    def _levels(self) -> list[Bandwidth]:
        """The tiers that occur, highest first."""
        sold = self.timeline.circuit.sold
        levels = {segment.target for segment in self.timeline.over(self.window)}
        levels |= {sold(segment.baseline) for segment in self.timeline.over(self.window)}
        return sorted(levels, reverse=True)

    def _column(self, span: Interval) -> tuple[Bandwidth, Bandwidth, bool]:
        """The highest target and baseline within one column, and whether an event runs in it."""
        segments = list(self.timeline.over(span))
        sold = self.timeline.circuit.sold
        target = max(segment.target for segment in segments)
        baseline = max(sold(segment.baseline) for segment in segments)
        running = any(
            window.demand.event.overlaps(span) and sold(window.bandwidth) >= target
            for window in self.timeline.covering(span)
        )
        return target, baseline, running

    def _cell(self, column: tuple[Bandwidth, Bandwidth, bool], level: Bandwidth) -> tuple[str, str]:
        target, baseline, running = column
        if level <= min(target, baseline):
            return self.glyphs.baseline, "dim"
        if level <= target:
            return (self.glyphs.event, "cyan") if running else (self.glyphs.around, "cyan")
        return (self.glyphs.withheld, "dim") if level <= baseline else (" ", "")

    def _titles(self) -> Iterator[Text]:
        """The events' names above the picture, where there is room, on at most two lines, and how many there
        is no room for."""
        lines = [Text(" " * _LABEL), Text(" " * _LABEL)]
        named: set[str] = set()
        left_out = 0
        for window in self.timeline.covering(self.window):
            demand = window.demand
            if demand.id in named or demand.event.end <= self.window.start:
                continue
            named.add(demand.id)
            start = _LABEL + self._at(max(demand.event.start, self.window.start))
            title = for_terminal(demand.subject or demand.rule.name, 22)
            for line in lines:
                if line.cell_len <= start and start + Text(title).cell_len <= self.width:
                    line.append(" " * (start - line.cell_len) + title + " ")
                    break
            else:
                left_out += 1
        if left_out:
            _append_right(lines, f"+{left_out} more", self.width)
        yield from (line for line in reversed(lines) if line.plain.strip())

    def _axis(self) -> Text:
        cells = [self.glyphs.axis] * self._plot
        for _, position in self._ticks():
            cells[position] = self.glyphs.tick
        line = Text(" " * _LABEL)
        for position, cell in enumerate(cells):
            here = position == self._at(self.now)
            line.append(self.glyphs.now if here else cell, "bold" if here else "dim")
        return line

    def _marks(self, changes: Iterable[Change]) -> Text:
        """The hours below the axis; a change's arrow stands where its hour would."""
        cells = [" "] * self._plot
        for label, position in self._ticks():
            if position + len(label) <= self._plot:
                cells[position : position + len(label)] = label
        line = Text(" " * _LABEL + "".join(cells).rstrip(), style="dim")
        arrows = {
            self._at(max(change.at, self.now)): self._arrow(change)
            for change in changes
            if self.window.start <= max(change.at, self.now) < self.window.end
        }
        if not arrows:
            return line
        marks = Text(" " * _LABEL)
        for position in range(max(arrows) + 1):
            marks.append(*arrows.get(position, (" ", "")))
        return Text("\n").join([marks, line])

    def _arrow(self, change: Change) -> tuple[str, str]:
        if change.held is not None:
            return self.glyphs.held, HELD_BACK
        return (self.glyphs.up, UP) if change.up else (self.glyphs.down, DOWN)

    def _ticks(self) -> Iterator[tuple[str, int]]:
        zone = self.timeline.circuit.zone
        hours = (self.window.end - self.window.start) / timedelta(hours=1)
        fitting = (step for step in _STEPS if hours / step * _MARK_WIDTH <= self._plot)
        for at in _hours(self.window, zone, next(fitting, _STEPS[-1])):
            shown = at.astimezone(zone)
            yield shown.strftime("%a %d" if shown.hour == 0 else "%H:%M"), self._at(at)

    def _at(self, instant: datetime) -> int:
        share = (instant - self.window.start) / (self.window.end - self.window.start)
        return min(self._plot - 1, max(0, int(share * self._plot)))


def _append_right(lines: list[Text], note: str, width: int) -> None:
    """Puts `note` at the right of the uppermost line that has room, or on one of its own."""
    for line in reversed(lines):
        if line.cell_len + len(note) <= width:
            break
    else:
        line = Text()
        lines.append(line)
    line.append(" " * (width - len(note) - line.cell_len)).append(note, "dim")


def _hours(window: Interval, zone: ZoneInfo, step: int) -> Iterator[datetime]:
    """The instants within `window` at which the local clock shows a multiple of `step` hours."""
    day = window.start.astimezone(zone).date()
    while midnight(day, zone) < window.end:
        for hour in range(0, 24, step) if step <= 24 or day.toordinal() % (step // 24) == 0 else ():
            at = (datetime(day.year, day.month, day.day, hour, tzinfo=zone)).astimezone(UTC)
            if at in window:
                yield at
        day += timedelta(days=1)
