"""The picture of the report page: one lane per circuit, events above, levels as blocks, changes below.

Nothing in it is read aloud but one sentence per lane; the tables below it hold the rest.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.output import past
from iodcal.output.html.axis import Axis, draw_axis, draw_backdrop
from iodcal.output.html.bars import Bar, in_rows, shared_bars
from iodcal.output.html.document import Html, counted, tag, together
from iodcal.output.html.page_data import Block, Lane, Page, Trouble
from iodcal.output.json import moment
from iodcal.output.text import for_terminal, local_span, with_zone
from iodcal.store.entries import HELD, Entry

SOON = timedelta(hours=24)
_SHADES = 6  # of page.css
_LOWEST = 38  # percent of a lane's height: the lowest tier must hold its name
_TALL = 60  # percent, from which on a block of a compact lane holds its name
_LONG_ENOUGH_FOR_TEXT = timedelta(hours=1)
_TOGETHER = timedelta(minutes=45)  # changes of one circuit within it are one mark
_MOST_TITLE = 80


def draw_lanes(page: Page, axis: Axis) -> Html:
    """The axis, the events of all circuits, and the lanes in groups: what changes soon comes first."""
    groups = (
        together(_group(title, len(lanes)), *(_lane(lane, number, axis) for number, lane in lanes))
        for title, lanes in _groups(page)
    )
    parts = (draw_backdrop(axis, page.unread), draw_axis(axis), _all_events(page, axis), *groups)
    return tag(
        "div",
        tag("div", *parts, class_="picture"),
        class_="scroll lanes",
        tabindex=0,
        role="region",
        aria_label="Timeline of all circuits",
        id="picture",
    )


def _groups(page: Page) -> Iterator[tuple[str, list[tuple[int, Lane]]]]:
    """Circuits that change within a day, the next change first; then the others by their sites."""
    soon: list[tuple[int, Lane]] = []
    sites = defaultdict[str, list[tuple[int, Lane]]](list)
    for number, lane in enumerate(page.lanes, start=1):
        if lane.coming and lane.coming[0].at < page.now + SOON:
            soon.append((number, lane))
        else:
            sites[lane.circuit.site or ""].append((number, lane))
    if soon:
        yield "Changes in the next 24 hours", sorted(soon, key=lambda one: (one[1].coming[0].at, one[0]))
    for site, lanes in sorted(sites.items()):
        rest = "No change in the next 24 hours"
        yield f"{rest}: site {site}" if site else rest, lanes


def _group(title: str, number: int) -> Html:
    return tag("h3", tag("span", for_terminal(title), " ", tag("small", counted(number, "circuit"))))


def _all_events(page: Page, axis: Axis) -> Html:
    """The events by their names, once for all circuits: for compact lanes, which have no room for them."""
    shared = shared_bars((lane.circuit.name, bar) for lane in page.lanes for bar in lane.bars)
    circuits = {one.bar.id: counted(len(one.circuits), "circuit") for one in shared}
    placed, _ = in_rows(one.bar for one in shared)
    named = [
        replace(bar, subject=f"{bar.subject or f'event of {bar.rule}'} ({circuits[bar.id]})")
        for bar in placed
    ]
    events = tag("div", *_events(named, axis), class_=f"events rows{_rows(named)}", aria_hidden="true")
    name = tag("div", tag("b", "Events"), class_="name", aria_hidden="true")
    return tag("div", name, tag("div", events, class_="plot"), class_="lane all")


def _rows(bars: Iterable[Bar]) -> int:
    return max((bar.row + 1 for bar in bars), default=0)


def _lane(lane: Lane, number: int, axis: Axis) -> Html:
    levels = [_block(block, lane, axis) for block in lane.blocks]
    troubles = [_trouble(trouble, axis) for trouble in lane.troubles]
    parts = (
        tag("div", *_events(lane.bars, axis, lane), class_=f"events rows{_rows(lane.bars)}"),
        tag("div", *levels, *troubles, class_="levels"),
        tag("div", *_marks(lane, axis), class_="marks"),
    )
    plot = tag(
        "div", tag("div", *parts, aria_hidden="true"), class_="plot", role="img", aria_label=said(lane)
    )
    names = {"site": lane.circuit.site or "", **dict(lane.circuit.labels)}
    return tag(
        "div",
        _name(lane, number),
        plot,
        class_="lane",
        data_circuit=lane.circuit.name,
        data_groups=json.dumps(names),
    )


def _name(lane: Lane, number: int) -> Html:
    circuit, order = lane.circuit, lane.circuit_state.order
    level = str(lane.now) if lane.now is not None else "not known yet"
    asked = f", asked for {lane.target}" if lane.now != lane.target else ""
    return tag(
        "div",
        tag("a", tag("b", circuit.name), href=f"#circuit-{number}"),
        tag("small", level, tag("span", asked, class_="more"), class_="level"),
        tag("small", f"order {order.outcome}: {order.new}", class_="order") if order else None,
        _tiers(lane),
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


def _block(block: Block, lane: Lane, axis: Axis) -> Html:
    rank, height = _rank(block.level, lane)
    kind = "asked for" if block.planned else "was"
    long = axis.seen(block.span).length >= _LONG_ENOUGH_FOR_TEXT
    place = axis.across(block.span, f";height:{height}%")
    return tag(
        "div",
        tag("span", str(block.level)) if long else None,
        class_=f"block t{rank}{' asked' if block.planned else ''}{' low' if height < _TALL else ''} {place}",
        title=f"{kind} {block.level}, {_said_span(block.span, lane)}",
        data_mbps=block.level.mbps,
        data_start=moment(block.span.start),
    )


def _rank(level: Bandwidth, lane: Lane) -> tuple[int, int]:
    """The shade of a level, and its height in percent: by its place among the circuit's tiers."""
    tiers = sorted({*lane.circuit.tiers, level})
    share = tiers.index(level) / max(1, len(tiers) - 1)
    return round(share * (_SHADES - 1)), round(_LOWEST + share * (100 - _LOWEST))


def _events(bars: Sequence[Bar], axis: Axis, lane: Lane | None = None) -> Iterator[Html]:
    """Each event with its lead and trail, and its title from there up to the next event of its row."""
    starts = defaultdict[int, list[datetime]](list)
    for bar in bars:
        starts[bar.row].append(axis.seen(bar.asks).start)
    for bar in bars:
        seen, row = axis.seen(bar.asks), f"row{bar.row}"
        result = {True: " ✓", False: " ✗ late", None: ""}[bar.ready]
        name = for_terminal(bar.subject or f"event of {bar.rule}", _MOST_TITLE) + result
        until = min([at for at in starts[bar.row] if at > seen.start], default=axis.window.end)
        span = f", {_said_span(bar.event, lane)}, rule {bar.rule}" if lane is not None else ""
        yield tag("div", class_=f"bar {row} {axis.across(seen)}", title=f"{name}{span}")
        if bar.event.overlaps(axis.window):
            yield tag("div", class_=f"core {row} {axis.across(bar.event)}")
        late = " late" if bar.ready is False else ""
        room = axis.across(Interval(seen.start, until))
        yield tag("div", tag("span", name), class_=f"title{late} {row} {room}")


def _trouble(trouble: Trouble, axis: Axis) -> Html:
    title = for_terminal(trouble.message, 200)
    return tag("div", class_=f"trouble {axis.across(trouble.span)}", title=title)


def _marks(lane: Lane, axis: Axis) -> Iterator[Html]:
    """A sign for each change; those that lie close together share that of the worst."""
    shown = [entry for entry in (*lane.entries, *lane.coming) if entry.at in axis.window]
    for near in _near(shown):
        glyph, class_ = max((glyph_of(entry) for entry in near), key=lambda one: _URGENCY.index(one[1]))
        told = "; ".join(
            f"{past.step(entry)}: {past.came_to(entry)}, {with_zone(entry.at, lane.circuit.zone)}"
            for entry in near[:3]
        )
        more = f"; and {len(near) - 3} more" if len(near) > 3 else ""
        yield tag(
            "div",
            glyph,
            class_=f"mark {class_} {axis.at(near[0].at)}",
            title=for_terminal(told, 300) + more,
            data_at=moment(near[0].at),
        )


def _near(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    near: list[Entry] = []
    for entry in entries:
        if near and entry.at - near[0].at >= _TOGETHER:
            yield near
            near = []
        near.append(entry)
    if near:
        yield near


_URGENCY = ("other", "next", "done", "open", "held", "bad")


def glyph_of(entry: Entry) -> tuple[str, str]:
    """The sign of an entry, and its class: a shape for each, so that colour is never the only difference."""
    if entry.old is None or entry.new is None:
        return "●", "other"
    up = entry.new > entry.old
    if past.is_bad(entry):
        return ("▲✗" if up else "▼✗"), "bad"
    if entry.outcome == HELD:
        return ("△‖" if up else "▽‖"), "held"
    if entry.kind == "plan":
        return ("△" if up else "▽"), "next"
    if past.settled(entry):
        return ("▲" if up else "▼"), "done"
    return ("▲…" if up else "▼…"), "open"


def _said_span(span: Interval, lane: Lane) -> str:
    zone = lane.circuit.zone
    return f"{span.start.astimezone(zone):%a %d %b} {local_span(span.start, span.end, zone)}"
