"""The report page's weeks, as a wall calendar has them: a column for each day, hours downwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import count

from msgspec import Struct

from iodcal.domain.localtime import Interval, midnight
from iodcal.output.html.axis import Axis, is_weekend, nights_of, within
from iodcal.output.html.bars import SharedBar, shared_bars
from iodcal.output.html.document import Html, counted, tag
from iodcal.output.html.page_data import Page
from iodcal.output.text import for_terminal, local_span

_MOST_WEEKS = 2
_SHORTEST = timedelta(minutes=75)  # a shorter event takes as much room, so that its name fits
_LONG = timedelta(hours=3)  # from then on a title may take several lines
_MOST_TITLE = 80
_DAYS = 7


class DayBox(Struct, frozen=True):
    """An event on one day: `column` of `columns` that share the day's width."""

    event: SharedBar
    span: Interval
    column: int
    columns: int


def draw_weeks(page: Page, axis: Axis) -> Html:
    """The week of now, and the next one where the page reaches into it."""
    events = shared_bars((lane.circuit.name, bar) for lane in page.lanes for bar in lane.bars)
    today = page.now.astimezone(page.zone).date()
    monday = today - timedelta(days=today.weekday())
    last = axis.window.end.astimezone(page.zone).date()
    weeks = [
        _week(start, events, page, axis)
        for start in (monday + timedelta(days=_DAYS * number) for number in range(_MOST_WEEKS))
        if start <= last
    ]
    return tag("div", *weeks, class_="weeks")


def _week(monday: date, events: Sequence[SharedBar], page: Page, axis: Axis) -> Html:
    days = [monday + timedelta(days=number) for number in range(_DAYS)]
    hours = tag("div", *(tag("span", f"{hour:02}:00") for hour in range(0, 24, 3)), class_="hours")
    columns = (_day(day, events, page, axis) for day in days)
    title = f"Week of {monday:%d %b %Y}"
    box = tag("div", tag("div", hours, *columns, class_="week"), class_="scroll", tabindex=0, role="region",
              aria_label=f"Calendar: {title}")  # fmt: skip
    return tag("div", tag("h3", title), box)


def _day(day: date, events: Sequence[SharedBar], page: Page, axis: Axis) -> Html:
    whole = Interval(midnight(day, page.zone), midnight(day + timedelta(days=1), page.zone))
    boxes = [_box(box, whole, page, axis) for box in boxes_of(events, whole)]
    shades = [tag("div", class_=f"night {_down(night, whole, axis)}") for night in nights_of(day, page.zone)]
    now = tag("div", class_=f"now {_down(Interval(page.now, page.now), whole, axis)}")
    seen = whole.overlaps(page.window)
    nothing = tag("p", "not on this page", class_="soft") if not seen else None
    list_ = tag("ul", *boxes) if boxes else nothing
    return tag(
        "div",
        tag("h4", f"{day:%a %d %b}", tag("span", " today", class_="soft") if page.now in whole else None),
        tag("div", *shades, list_, now if page.now in whole else None, class_="hours-of-day"),
        class_="weekday" + (" weekend" if is_weekend(day) else "") + ("" if seen else " unread"),
    )


def boxes_of(events: Sequence[SharedBar], day: Interval) -> list[DayBox]:
    """The events of a day side by side, so that none covers another."""
    boxes: list[DayBox] = []
    group: list[tuple[SharedBar, Interval, int]] = []
    ends: list[Interval] = []
    shown = sorted(
        ((one, within(one.bar.event, day)) for one in events if one.bar.event.overlaps(day)),
        key=lambda pair: pair[1],
    )
    for event, span in shown:
        room = Interval(span.start, max(span.end, span.start + _SHORTEST))
        if ends and all(end.end <= room.start for end in ends):
            boxes += _closed(group, len(ends))
            group, ends = [], []
        column = next(n for n in count() if n == len(ends) or ends[n].end <= room.start)
        ends[column : column + 1] = [room]
        group.append((event, span, column))
    return [*boxes, *_closed(group, len(ends))]


def _closed(group: Sequence[tuple[SharedBar, Interval, int]], columns: int) -> Iterator[DayBox]:
    for event, span, column in group:
        yield DayBox(event, span, column, columns)


def _box(box: DayBox, day: Interval, page: Page, axis: Axis) -> Html:
    bar, circuits = box.event.bar, box.event.circuits
    result = {True: " ✓", False: " ✗ late", None: ""}[bar.ready]
    name = for_terminal(bar.subject or f"event of {bar.rule}", _MOST_TITLE) + result
    who = circuits[0] if len(circuits) == 1 else counted(len(circuits), "circuit")
    times = local_span(bar.event.start, bar.event.end, page.zone)
    left, width = box.column / box.columns * 100, 100 / box.columns
    place = _down(box.span, day, axis, f";left:{left:.1f}%;width:{width:.1f}%")
    return tag(
        "li",
        tag("b", name),
        tag("small", f"{times}, {for_terminal(who, 40)}"),
        class_=" ".join(
            filter(None, ("late" * (bar.ready is False), "long" * (box.span.length >= _LONG), place))
        ),
        title=f"{name}, {times}, {', '.join(circuits[:12])}",
    )


def _down(span: Interval, day: Interval, axis: Axis, more: str = "") -> str:
    """The class of what reaches from the start of `span` down to its end, within `day`."""
    top = (span.start - day.start) / day.length * 100
    return axis.sheet.class_of(f"top:{top:.2f}%;height:{span.length / day.length * 100:.2f}%{more}")
