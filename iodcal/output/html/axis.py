"""The axis of time that all lanes share: where an instant stands, hours and days, nights and weekends.

Places are percent of the whole window. A view (a day, three days, all) is the same picture, drawn wider: see
page.css.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.localtime import Interval, instant, midnight
from iodcal.output.html.document import Html, StyleSheet, tag, together

_DAY = timedelta(days=1)
_NIGHT_BEGINS, _NIGHT_ENDS = time(22), time(6)
_SATURDAY, _MONDAY = 5, 0
# Days of a window up to which every hour has its line, and up to which every sixth has.
_HOURLY, _SIX_HOURLY = 16, 40


class Axis(Struct, frozen=True):
    """The `window` (UTC) that a page shows, in the days and hours of `zone`."""

    window: Interval
    zone: ZoneInfo
    now: datetime
    sheet: StyleSheet

    def at(self, at: datetime) -> str:
        """The class of what stands at an instant."""
        return self.sheet.class_of(f"left:{self._percent(at)}")

    def across(self, span: Interval, more: str = "") -> str:
        """The class of what reaches from the start of `span` to its end, as far as the window does."""
        seen = self.seen(span)
        width = seen.length / self.window.length * 100
        return self.sheet.class_of(f"left:{self._percent(seen.start)};width:{width:.3f}%{more}")

    def seen(self, span: Interval) -> Interval:
        """The part of `span` within the window."""
        return within(span, self.window)

    def days(self) -> Iterator[tuple[date, Interval]]:
        """The local days that the window touches."""
        yield from days_of(self.window, self.zone)

    def _percent(self, at: datetime) -> str:
        return f"{(at - self.window.start) / self.window.length * 100:.3f}%"


def within(span: Interval, over: Interval) -> Interval:
    """The part of `span` within `over`; where there is none, it has no length."""
    start = min(max(span.start, over.start), over.end)
    return Interval(start, max(start, min(span.end, over.end)))


def days_of(over: Interval, zone: ZoneInfo) -> Iterator[tuple[date, Interval]]:
    """The local days that `over` touches, from midnight to midnight."""
    day = over.start.astimezone(zone).date()
    while (begins := midnight(day, zone)) < over.end:
        following = day + _DAY
        yield day, Interval(begins, midnight(following, zone))
        day = following


def nights_of(day: date, zone: ZoneInfo) -> tuple[Interval, Interval]:
    """The two parts of a local day that are night."""
    begins, ends = midnight(day, zone), midnight(day + _DAY, zone)
    morning = instant(datetime.combine(day, _NIGHT_ENDS), zone)
    return Interval(begins, morning), Interval(instant(datetime.combine(day, _NIGHT_BEGINS), zone), ends)


def is_weekend(day: date) -> bool:
    """True on Saturday and Sunday."""
    return day.weekday() >= _SATURDAY


def draw_axis(axis: Axis) -> Html:
    """Days, and below them hours."""
    days = (
        tag("div", tag("span", f"{day:%a %d %b}"), class_=f"day {axis.across(span)}")
        for day, span in axis.days()
    )
    hours = (tag("div", text, class_=f"hour {step} {axis.at(at)}") for at, text, step in _hours(axis) if text)
    now = tag("div", class_=f"now {axis.at(axis.now)}")
    plot = tag("div", *days, *hours, now, class_="plot")
    return tag("div", tag("div", axis.zone.key, class_="name"), plot, class_="axis", aria_hidden="true")


def draw_backdrop(axis: Axis, unread: Interval | None) -> Html:
    """What lies behind all lanes: nights and weekends, the lines of the hours, now, and `unread`, the time
    for which no calendar was read."""
    shades: list[Html | None] = []
    for day, span in axis.days():
        if is_weekend(day):
            shades.append(_shade("weekend", span, axis))
        shades += (_shade("night", night, axis) for night in nights_of(day, axis.zone))
        if span.start in axis.window:
            shades.append(tag("div", class_=f"line midnight {axis.at(span.start)}"))
    lines = (tag("div", class_=f"line {step} {axis.at(at)}") for at, _, step in _hours(axis))
    beyond = _shade("unread", unread, axis) if unread is not None else None
    now = tag("div", class_=f"now {axis.at(axis.now)}")
    return tag("div", together(*shades), *lines, beyond, now, class_="backdrop plot", aria_hidden="true")


def _shade(kind: str, span: Interval, axis: Axis) -> Html | None:
    return tag("div", class_=f"{kind} {axis.across(span)}") if span.overlaps(axis.window) else None


def _hours(axis: Axis) -> Iterator[tuple[datetime, str, str]]:
    """Instants with their texts, none for the odd ones, and with the class that says how often they come."""
    days = axis.window.length / _DAY
    steps = 1 if days <= _HOURLY else 6 if days <= _SIX_HOURLY else 24
    for day, _ in axis.days():
        for hour in range(steps, 24, steps):
            at = datetime(day.year, day.month, day.day, hour, tzinfo=axis.zone).astimezone(UTC)
            if at in axis.window:
                step = "six" if hour % 6 == 0 else "two" if hour % 2 == 0 else "one"
                yield at, f"{hour:02}:00" if step != "one" else "", step
