"""The report page's tables: what happened on each circuit and is to come, and when calendars were read."""

from __future__ import annotations

from iodcal.output import past
from iodcal.output.html.document import Html, section, tag, time_tag, together
from iodcal.output.html.lanes import glyph_of
from iodcal.output.html.page_data import Lane, Page
from iodcal.output.text import for_terminal, relative, with_zone
from iodcal.result import SourceReport
from iodcal.store.entries import HELD, Entry

_OPEN_AT_FIRST = 4  # tables, where there are no more circuits than that
_MOST_TEXT = 200


def draw_changes(page: Page) -> Html:
    """A table for each circuit, to unfold."""
    few = len(page.lanes) <= _OPEN_AT_FIRST
    tables = (_table(lane, number, page, few=few) for number, lane in enumerate(page.lanes, start=1))
    return section("changes", "Changes", *tables)


def _table(lane: Lane, number: int, page: Page, *, few: bool) -> Html:
    circuit = lane.circuit
    headers = ("When", "Change", "Outcome", "Why", "By", "Order")
    rows = [_row(entry, lane) for entry in (*lane.entries, *lane.coming)]
    more = f" {lane.left_out} more are not shown: see iodcal history." if lane.left_out else ""
    caption = f"What happened and what is to come, in {circuit.zone.key}.{more}"
    table = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *(tag("th", header, scope="col") for header in headers))),
        tag("tbody", *rows),
    )
    level = str(lane.now) if lane.now is not None else "not known yet"
    counts = f"{len(lane.entries)} past, {len(lane.coming)} to come"
    labels = f"; {past.labels_text(circuit.labels)}" if circuit.labels else ""
    about = f" {circuit.carrier} {circuit.service_id}: {level}; {counts}{labels}"
    summary = tag("summary", tag("h3", circuit.name), tag("span", about, class_="soft"))
    costs = tag("p", tag("a", "What it costs", href=f"#cost-{number}"), class_="inside")
    nothing = tag("p", f"Nothing between {said_window(page)}.", class_="soft inside")
    box = tag(
        "div", table, class_="scroll", tabindex=0, role="region", aria_label=f"Changes of {circuit.name}"
    )
    return tag("details", summary, costs if page.costs else None, box if rows else nothing,
               id=f"circuit-{number}", open=few)  # fmt: skip


def said_window(page: Page) -> str:
    """What the page shows, in its zone."""
    return f"{with_zone(page.window.start, page.zone)} and {with_zone(page.window.end, page.zone)}"


def _row(entry: Entry, lane: Lane) -> Html:
    zone = lane.circuit.zone
    coming = entry.kind == "plan"
    settled = past.settled(entry)
    outcome = tag("span", past.came_to(entry), class_=_class(entry))
    at = together(tag("small", "settled ", time_tag(settled, zone))) if settled is not None else None
    until = together(tag("small", "until ", time_tag(entry.until, zone))) if entry.until is not None else None
    labels = past.labels_text((*entry.labels, *past.rule_labels(entry.causes)))
    order = entry.order
    ids = (order.external_id, order.carrier_order_id or "") if order is not None else ("", "")
    return tag(
        "tr",
        tag("th", time_tag(entry.at, zone), scope="row"),
        tag(
            "td", tag("span", glyph_of(entry)[0], aria_hidden="true"), f" {past.step(entry)}", class_="nowrap"
        ),
        tag("td", outcome, at, until, class_="nowrap"),
        tag("td", for_terminal(past.why(entry, zone), _MOST_TEXT), *_small(labels), class_="text"),
        tag("td", "" if coming else past.who(entry.stamp.by), class_="nowrap"),
        tag("td", ids[0], *_small(for_terminal(ids[1], 40)), class_="id"),
        class_="next" if coming else None,
    )


def _small(text: str) -> list[Html]:
    return [tag("small", text)] if text else []


def _class(entry: Entry) -> str | None:
    if past.is_bad(entry):
        return "bad"
    return "held" if entry.outcome == HELD else "good" if past.settled(entry) else None


def draw_calendars(page: Page) -> Html:
    """When each calendar was read, and how many events were matched."""
    headers = ("Calendar", "Last read", "Events matched")
    table = tag(
        "table",
        tag("thead", tag("tr", *(tag("th", header, scope="col") for header in headers))),
        tag("tbody", *(_source(source, page) for source in page.sources)),
    )
    box = tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Calendars")
    return section("calendars", "Calendars", box)


def _source(source: SourceReport, page: Page) -> Html:
    read = (
        together(time_tag(source.read_at, page.zone), f", {relative(source.read_at, page.now)}")
        if source.read_at
        else "never"
    )
    return tag(
        "tr",
        tag("th", for_terminal(source.source.label, 80), scope="row"),
        tag("td", read),
        tag("td", source.matched),
    )
