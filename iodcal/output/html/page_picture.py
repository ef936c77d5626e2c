"""The picture of the report page: one lane per circuit, events above, levels as blocks, changes below.

Nothing in it is read aloud but one sentence per lane; the tables below it hold the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval, midnight
from iodcal.output import past
from iodcal.output.html.document import Html, tag, together
from iodcal.output.html.page_data import Bar, Block, Lane, Page, Trouble
from iodcal.output.json import moment
from iodcal.output.text import for_terminal, local_span, with_zone
from iodcal.store.entries import HELD, Entry

_SHADES = 6  # of page.css
_LOWEST = 30  # percent of a lane's height: the lowest tier must hold its name
_ROOM_FOR_TEXT = 0.08  # of the width
_LAST_TICK = 0.96  # of the width: no label beyond it
_SHORTEST_TITLE = 0.025  # of the width
_MOST_TITLE = 80


def picture(page: Page) -> Html:
    """The axis and all lanes."""
    lanes = [_lane(lane, number, page) for number, lane in enumerate(page.lanes, start=1)]
    inside = tag("div", _axis(page), *lanes, class_="picture")
    return tag(
        "div",
        inside,
        class_="scroll",
        tabindex=0,
        role="group",
        aria_label="Timeline of all circuits",
        id="picture",
    )


def _axis(page: Page) -> Html:
    last = page.window.start + page.window.length * _LAST_TICK
    ticks = [_tick(at, page) for at in _ticks(page) if at < last]
    plot = tag("div", *ticks, _now(page), class_="plot")
    name = tag("div", tag("small", page.zone.key), class_="name")
    return tag("div", name, plot, class_="axis", aria_hidden="true")


def _tick(at: datetime, page: Page) -> Html:
    shown = at.astimezone(page.zone)
    midnight_ = shown.hour == 0
    return tag(
        "div",
        f"{shown:%a %d %b}" if midnight_ else f"{shown:%H:%M}",
        class_="tick day" if midnight_ else "tick",
        style=f"left:{_at(at, page.window)}",
    )


def _ticks(page: Page) -> Iterator[datetime]:
    """Local midnights, and within few days some hours between them."""
    days = page.window.length / timedelta(days=1)
    hours = (0, 6, 12, 18) if days <= 4 else (0, 12) if days <= 9 else (0,)
    for day in _days(page):
        for hour in hours:
            at = datetime(day.year, day.month, day.day, hour, tzinfo=page.zone).astimezone(UTC)
            if at in page.window:
                yield at


def _days(page: Page) -> Iterator[datetime]:
    day = page.window.start.astimezone(page.zone)
    while midnight(day.date(), page.zone) < page.window.end:
        yield day
        day += timedelta(days=1)


def _lane(lane: Lane, number: int, page: Page) -> Html:
    lines = (tag("div", class_="grid", style=f"left:{_at(at, page.window)}") for at in _ticks(page))
    events = [_bar(bar, lane, page) for bar in lane.bars]
    levels = [_block(block, lane, page.window) for block in lane.blocks]
    changes = [_mark(entry, lane, page) for entry in (*lane.entries, *lane.coming)]
    parts = (
        *lines,
        tag("div", *events, class_="events", style=f"--rows:{lane.rows}"),
        tag("div", *levels, *(_trouble(one, page) for one in lane.troubles), class_="levels"),
        tag("div", *changes, class_="marks"),
        _now(page),
    )
    plot = tag(
        "div", tag("div", *parts, aria_hidden="true"), class_="plot", role="img", aria_label=said(lane)
    )
    return tag("div", _name(lane, number), plot, class_="lane", data_circuit=lane.circuit.name)


def _name(lane: Lane, number: int) -> Html:
    circuit = lane.circuit
    level = str(lane.now) if lane.now is not None else "not known yet"
    open_ = (
        f"order {lane.circuit_state.order.outcome}: {lane.circuit_state.order.new}"
        if lane.circuit_state.order
        else None
    )
    return tag(
        "div",
        tag("a", tag("b", for_terminal(circuit.name, 40)), href=f"#circuit-{number}"),
        tag("small", f"{level}, asked for {lane.target}"),
        tag("small", open_) if open_ else None,
        _tiers(lane),
        tag("small", for_terminal(past.labels_text(circuit.labels), _MOST_TITLE)) if circuit.labels else None,
        class_="name",
    )


def _tiers(lane: Lane) -> Html:
    """The levels that occur, each in its shade."""
    levels = sorted({block.level for block in lane.blocks})
    return tag(
        "div",
        *(tag("span", str(level), class_=f"t{_rank(level, lane)[0]}") for level in levels),
        class_="tiers",
    )


def said(lane: Lane) -> str:
    """The lane in one sentence, for those who do not see it."""
    level = f"is at {lane.now}" if lane.now is not None else "was never read"
    coming = lane.coming[0] if lane.coming else None
    zone = lane.circuit.zone
    next_ = f"; next: {past.step(coming)}, {with_zone(coming.at, zone)}" if coming else "; no change in sight"
    counts = (
        f"{counted(len(lane.bars), 'event')}, {counted(len(lane.entries), 'entry', 'entries')} in its table"
    )
    return f"{lane.circuit.name} {level}{next_}; {counts}"


def counted(number: int, noun: str, nouns: str = "") -> str:
    """`1 event`, `2 events`."""
    return f"{number} {noun}" if number == 1 else f"{number} {nouns or noun + 's'}"


def _block(block: Block, lane: Lane, window: Interval) -> Html:
    rank, height = _rank(block.level, lane)
    wide = block.span.length / window.length >= _ROOM_FOR_TEXT
    kind = "asked for" if block.planned else "was"
    return tag(
        "div",
        str(block.level) if wide else None,
        class_=f"block t{rank}{' asked' if block.planned else ''}",
        style=f"{_across(block.span, window)};height:{height}%",
        title=f"{kind} {block.level}, {_said_span(block.span, lane)}",
        data_mbps=block.level.mbps,
        data_start=moment(block.span.start),
        data_end=moment(block.span.end),
    )


def _rank(level: Bandwidth, lane: Lane) -> tuple[int, int]:
    """The shade of a level, and its height in percent: by its place among the circuit's tiers."""
    tiers = sorted({*lane.circuit.tiers, level})
    share = tiers.index(level) / max(1, len(tiers) - 1)
    return round(share * (_SHADES - 1)), round(_LOWEST + share * (100 - _LOWEST))


def _bar(bar: Bar, lane: Lane, page: Page) -> Html:
    seen = Interval(max(bar.asks.start, page.window.start), min(bar.asks.end, page.window.end))
    result = {True: " ✓", False: " ✗ late", None: ""}[bar.ready]
    name = for_terminal(bar.subject or f"event of {bar.rule}", _MOST_TITLE) + result
    core = Interval(max(bar.event.start, seen.start), min(bar.event.end, seen.end))
    inside = tag("div", class_="core", style=_across(core, seen)) if core.start < core.end else None
    wide = seen.length / page.window.length >= _ROOM_FOR_TEXT
    title = tag("span", name, class_="title", style="max-width:100%") if wide else None
    beside = None if wide else _beside(name, bar, lane, page)
    return together(
        tag(
            "div",
            inside,
            title,
            class_="bar",
            style=f"{_across(seen, page.window)};--row:{bar.row}",
            title=f"{name}, {_said_span(bar.event, lane)}, rule {bar.rule}",
            data_start=moment(bar.asks.start),
            data_end=moment(bar.asks.end),
        ),
        beside,
    )


def _beside(name: str, bar: Bar, lane: Lane, page: Page) -> Html | None:
    """A title that its bar has no room for, right of it, up to the next bar of its row."""
    following = [
        other.asks.start for other in lane.bars if other.row == bar.row and other.asks.start >= bar.asks.end
    ]
    until = min([*following, page.window.end])
    span = Interval(min(bar.asks.end, until), until)
    if span.length / page.window.length < _SHORTEST_TITLE:
        return None
    return tag(
        "span", name, class_="title out", style=f"{_across(span, page.window)};top:calc({bar.row} * 1.45rem)"
    )


def _trouble(trouble: Trouble, page: Page) -> Html:
    span = Interval(max(trouble.span.start, page.window.start), min(trouble.span.end, page.window.end))
    return tag(
        "div", class_="trouble", style=_across(span, page.window), title=for_terminal(trouble.message, 200)
    )


def _mark(entry: Entry, lane: Lane, page: Page) -> Html | None:
    if entry.at not in page.window:
        return None
    glyph, class_ = glyph_of(entry)
    said_ = f"{past.step(entry)}: {past.came_to(entry)}, {with_zone(entry.at, lane.circuit.zone)}"
    return tag(
        "div",
        glyph,
        class_=f"mark {class_}".rstrip(),
        style=f"left:{_at(entry.at, page.window)}",
        title=for_terminal(said_, 160),
        data_at=moment(entry.at),
    )


def glyph_of(entry: Entry) -> tuple[str, str]:
    """The sign of an entry, and its class: a shape for each, so that colour is never the only difference."""
    if entry.old is None or entry.new is None:
        return "●", ""
    up = entry.new > entry.old
    if past.is_bad(entry):
        return ("▲✗" if up else "▼✗"), "bad"
    if entry.outcome == HELD:
        return ("△‖" if up else "▽‖"), "held"
    if entry.kind == "plan":
        return ("△" if up else "▽"), "next"
    return ("▲" if up else "▼") + ("" if past.settled(entry) else "…"), ""


def _now(page: Page) -> Html:
    return tag("div", class_="now", style=f"left:{_at(page.now, page.window)}")


def _said_span(span: Interval, lane: Lane) -> str:
    zone = lane.circuit.zone
    return f"{span.start.astimezone(zone):%a %d %b} {local_span(span.start, span.end, zone)}"


def _across(span: Interval, window: Interval) -> str:
    width = span.length / window.length * 100
    return f"left:{_at(span.start, window)};width:{width:.3f}%"


def _at(instant: datetime, window: Interval) -> str:
    return f"{(instant - window.start) / window.length * 100:.3f}%"
