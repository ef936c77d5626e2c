"""The report page: one HTML file that needs nothing else. No address, nothing but itself.

It has two tabs, *Timeline* and *Costs*. Tabs, views and compact lanes are links, radio buttons and a checkbox
that page.css looks at: they work without the script, which adds where to look first and how old the page is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from iodcal import __version__
from iodcal.output.html.axis import Axis
from iodcal.output.html.changes import draw_calendars, draw_changes, said_window
from iodcal.output.html.costs_tab import draw_costs
from iodcal.output.html.document import (
    Html,
    StyleSheet,
    counted,
    document,
    installation,
    section,
    tag,
    time_tag,
)
from iodcal.output.html.lanes import draw_lanes
from iodcal.output.html.page_data import Page
from iodcal.output.html.summary import draw_banner, draw_summary
from iodcal.output.html.week import draw_weeks
from iodcal.output.json import moment
from iodcal.output.text import relative, with_zone

_COMPACT_FROM = 40  # circuits
_HOUR = timedelta(hours=1)
_VIEWS = ((24, "24 h"), (72, "3 days"), (240, "10 days"))


def page_html(page: Page, *, costs_first: bool = False) -> str:
    """The whole file; with `costs_first` it opens at what circuits cost."""
    sheet = StyleSheet()
    axis = Axis(page.window, page.zone, page.now, sheet)
    timeline = tag(
        "div", draw_summary(page), _board(page, axis), draw_changes(page), draw_calendars(page), id="timeline"
    )
    costs = tag("div", draw_costs(page, sheet), id="costs")
    run = page.last_run.started_at if page.last_run is not None else None
    body = tag(
        "body",
        draw_banner(page),
        tag("p", "TEST environment: no production circuit is changed", class_="test") if page.test else None,
        _header(page),
        tag("main", timeline, costs),
        _foot(page),
        class_=" ".join(_looks(page, costs_first=costs_first)) or None,
        data_run=moment(run) if run is not None and page.live else None,
        data_every=int(page.every.total_seconds()),
    )
    return document(f"{title_of(page)}, {with_zone(page.now, page.zone)}", body, sheet)


def _looks(page: Page, *, costs_first: bool) -> Iterator[str]:
    if page.stopped:
        yield "stale"
    if costs_first:
        yield "costs-first"


def title_of(page: Page) -> str:
    """What the page is called."""
    return f"{installation()}: {counted(len(page.lanes), 'circuit')}"


def _header(page: Page) -> Html:
    run = page.last_run
    last = f", last run {relative(run.started_at, page.now)}" if run is not None else ""
    return tag(
        "header",
        tag("h1", title_of(page)),
        tag("p", "as of ", time_tag(page.now, page.zone, full=True), last, class_="soft"),
        tag(
            "nav",
            tag("a", "Timeline", href="#timeline"),
            tag("a", "Costs", href="#costs"),
            aria_label="Parts of this page",
            class_="tabs",
        ),
    )


def _board(page: Page, axis: Axis) -> Html:
    hours = page.window.length / _HOUR
    notes: list[str | Html] = [f"Nights (22 to 6) and weekends of {page.zone.key} are shaded."]
    if page.unread is not None:
        since = time_tag(page.unread.start, page.zone)
        notes += [
            " Dotted from ",
            since,
            " on: calendars are not read so far ahead, only baselines are known.",
        ]
    sheet_class = axis.sheet.class_of(f"--hours:{hours:.2f}")
    return section(
        "board",
        "Circuits",
        tag(
            "div",
            _tools(page, hours),
            _legend(),
            draw_lanes(page, axis),
            draw_weeks(page, axis),
            tag("p", *notes, class_="soft"),
            class_=f"board {sheet_class}",
        ),
    )


def _tools(page: Page, hours: float) -> Html:
    views = [(str(view), name) for view, name in _VIEWS if view < hours]
    days = round(hours / 24)
    views.append(("all", counted(days, "day") if days >= 2 else f"{hours:.0f} h"))
    views.append(("week", "Week"))
    labels = dict.fromkeys(name for lane in page.lanes for name, _ in lane.circuit.labels)
    sites = ["site"] if any(lane.circuit.site for lane in page.lanes) else []
    groups = [("", "next change"), *((name, name) for name in (*sites, *labels))]
    compact = tag(
        "label",
        tag("input", type="checkbox", id="compact", checked=len(page.lanes) >= _COMPACT_FROM),
        "Compact",
    )
    return tag(
        "div",
        _choice("View", "view", views),
        _choice("Group by", "group", groups, hidden=True) if len(groups) > 1 else None,
        tag("div", compact, class_="choice"),
        class_="tools",
    )


def _choice(legend: str, name: str, choices: list[tuple[str, str]], *, hidden: bool = False) -> Html:
    """Radio buttons of which the first is chosen. The hidden ones are shown by page.js, which serves them."""
    buttons = (
        tag(
            "label",
            tag("input", type="radio", name=name, id=f"{name}-{number if hidden else value}", value=value,
                checked=number == 0),
            text,
        )
        for number, (value, text) in enumerate(choices)
    )  # fmt: skip
    return tag("fieldset", tag("legend", legend), *buttons, class_=f"choice {name}s", hidden=hidden)


def _legend() -> Html:
    keys = [
        (tag("span", class_="key event"), "event"),
        (tag("span", class_="key lead"), "lead and trail"),
        (tag("span", class_="key shade"), "low to high tier"),
        (tag("span", class_="key planned"), "asked for, from now on"),
        (tag("span", class_="key nowline"), "now"),
        (tag("span", class_="key lasted"), "a problem lasted"),
        (tag("b", "▲ ▼"), "up, down: confirmed"),
        (tag("b", "▲…"), "open"),
        (tag("b", "▲✗"), "came to nothing, or late"),
        (tag("b", "△‖"), "held back"),
        (tag("b", "△ ▽"), "to come"),
    ]
    return tag("ul", *(tag("li", key, words) for key, words in keys), class_="legend", aria_hidden="true")


def _foot(page: Page) -> Html:
    lost = f"{counted(page.unreadable, 'line')} of the history could not be read. " if page.unreadable else ""
    made = f" Made by iodcal {__version__} from the last run's readings and the history;"
    runbook = tag("p", "Runbook: ", tag("a", page.runbook, href=page.runbook)) if page.runbook else None
    text = f"{lost}From {said_window(page)}.{made} rules {page.config_digest[:19]}."
    return tag("footer", runbook, tag("p", text))
