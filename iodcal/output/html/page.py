"""The report page: one HTML file that needs nothing else. No script, no address, nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from iodcal import __version__
from iodcal.output import past
from iodcal.output.html.document import Html, head, installation, tag, together
from iodcal.output.html.page_data import CurrentProblem, Lane, Page
from iodcal.output.html.page_picture import counted, glyph_of, picture
from iodcal.output.json import moment
from iodcal.output.text import for_terminal, relative, with_zone
from iodcal.problems.kinds import Kind, Severity
from iodcal.result import SourceReport
from iodcal.store.entries import HELD, Entry

_OPEN_AT_FIRST = 4  # tables, where there are no more circuits than that
_MOST_AT_ONCE = 4  # problems before the picture; the rest unfolds
_MOST_PROBLEMS = 300
_MOST_TEXT = 200


def page_html(page: Page) -> str:
    """The whole file."""
    body = tag(
        "body",
        _head_of(page),
        tag("main", _problems(page), _timeline(page), _tables(page), _calendars(page)),
        _foot(page),
    )
    title = f"{installation()}: {_circuits(page)}, {with_zone(page.now, page.zone)}"
    return "<!doctype html>\n" + tag("html", head(title), body, lang="en").text + "\n"


def _head_of(page: Page) -> Html:
    test = "TEST environment: no production circuit is changed"
    return together(
        tag("p", test, class_="test") if page.test else None,
        tag(
            "header",
            tag("h1", f"{installation()}: {_circuits(page)}"),
            tag("p", "as of ", _time(page.now, page.zone, full=True), class_="soft"),
        ),
        tag(
            "ul",
            *(tag("li", tag("b", figure), words, class_=look) for figure, words, look in _tiles(page)),
            class_="tiles",
        ),
    )


def _circuits(page: Page) -> str:
    return counted(len(page.lanes), "circuit")


def _tiles(page: Page) -> list[tuple[str, str, str | None]]:
    """A figure, what it is of, and the class of one that is not well."""
    errors = sum(problem.severity is Severity.ERROR for problem in page.problems)
    entries = [entry for lane in page.lanes for entry in lane.entries if entry.kind == "order"]
    bad = sum(past.is_bad(entry) for entry in entries)
    open_ = sum(lane.circuit_state.order is not None for lane in page.lanes)
    coming = sorted((entry for lane in page.lanes for entry in lane.coming), key=lambda entry: entry.at)
    next_ = ("none", "changes in sight")
    if coming:
        what = f"{for_terminal(coming[0].circuit or '', 32)}, {past.step(coming[0])}"
        next_ = (f"next {relative(coming[0].at, page.now)}", what)
    run = page.last_run
    last = ("never", "no run yet") if run is None else (relative(run.started_at, page.now), _last_run(page))
    stopped = any(
        one.id.startswith(Kind.LATE_RUN) and one.severity is Severity.ERROR for one in page.problems
    )
    return [
        (counted(errors, "error"), counted(len(page.problems) - errors, "warning"), None),
        (counted(len(entries), "order"), f"{bad} in trouble, {open_} open now", None),
        (*next_, None),
        (*last, "error" if stopped else None),
    ]


def _last_run(page: Page) -> str:
    run = page.last_run
    assert run is not None  # noqa: S101 - its caller looked
    return (
        f"last run: {'all calendars read' if run.good else 'not every calendar read'}, exit status {run.exit}"
    )


def _problems(page: Page) -> Html:
    first, rest = page.problems[:_MOST_AT_ONCE], page.problems[_MOST_AT_ONCE:_MOST_PROBLEMS]
    head = tag("h2", "Problems", id="problems")
    if not first:
        return tag("section", head, tag("p", "None.", class_="soft"), aria_labelledby="problems")
    more = tag("summary", f"and {len(page.problems) - len(first)} more")
    folded = tag("details", more, _list(rest, page)) if rest else None  # the picture must stay in sight
    return tag("section", head, _list(first, page), folded, aria_labelledby="problems")


def _list(problems: Iterable[CurrentProblem], page: Page) -> Html:
    return tag("ul", *(_problem(problem, page) for problem in problems), class_="problems")


def _problem(problem: CurrentProblem, page: Page) -> Html:
    label = str(problem.severity or "problem")
    since = together(" since ", _time(problem.since, page.zone)) if problem.since is not None else None
    return tag(
        "li",
        tag("b", label.capitalize()),
        tag("span", since, class_="soft") if since else None,
        f": {problem.message}. ",
        tag("em", problem.remedy),
        class_=label,
    )


def _timeline(page: Page) -> Html:
    return tag(
        "section",
        tag("h2", "Timeline", id="timeline"),
        _legend(),
        picture(page),
        aria_labelledby="timeline",
    )


def _legend() -> Html:
    event = "background:var(--event)"
    lead = (
        "border:1px solid var(--event);background:repeating-linear-gradient(135deg,transparent 0 3px,"
        "color-mix(in srgb,var(--event) 55%,transparent) 3px 5px)"
    )
    trouble = "height:.3rem;background:repeating-linear-gradient(90deg,var(--bad) 0 4px,transparent 4px 6px)"
    shade = "background:linear-gradient(90deg,var(--t0),var(--t3),var(--t5))"
    keys = [
        (tag("span", class_="key", style=event), "event"),
        (tag("span", class_="key", style=lead), "lead and trail"),
        (tag("span", class_="key", style=shade), "low to high tier"),
        (tag("span", class_="key asked", style="background:var(--t1)"), "asked for, from now on"),
        (tag("span", class_="key nowline"), "now"),
        (tag("span", class_="key", style=trouble), "a problem lasted"),
        (tag("b", "▲ ▼"), "up, down: confirmed"),
        (tag("b", "▲…"), "open"),
        (tag("b", "▲✗"), "came to nothing, or late"),
        (tag("b", "△‖"), "held back"),
        (tag("b", "△ ▽"), "to come"),
        (tag("b", "●"), "other"),
    ]
    return tag("ul", *(tag("li", key, words) for key, words in keys), class_="legend", aria_hidden="true")


def _tables(page: Page) -> Html:
    few = len(page.lanes) <= _OPEN_AT_FIRST
    shown = [_table(lane, number, page, few=few) for number, lane in enumerate(page.lanes, start=1)]
    return tag("section", tag("h2", "Changes", id="changes"), *shown, aria_labelledby="changes")


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
    summary = tag(
        "summary",
        tag("h3", for_terminal(circuit.name, 40)),
        tag("span", f" {circuit.carrier} {circuit.service_id}: {level}; {counts}", class_="soft"),
    )
    nothing = tag("p", f"Nothing between {_said(page)}.", class_="soft", style="padding:0 .9rem .6rem")
    return tag("details", summary, table if rows else nothing, id=f"circuit-{number}", open=few)


def _said(page: Page) -> str:
    return f"{with_zone(page.window.start, page.zone)} and {with_zone(page.window.end, page.zone)}"


def _row(entry: Entry, lane: Lane) -> Html:
    zone = lane.circuit.zone
    coming = entry.kind == "plan"
    settled = past.settled(entry)
    outcome = tag("span", past.came_to(entry), class_=_class(entry))
    at = together(tag("small", "settled ", _time(settled, zone))) if settled is not None else None
    until = together(tag("small", "until ", _time(entry.until, zone))) if entry.until is not None else None
    labels = past.labels_text((*entry.labels, *past.rule_labels(entry.causes)))
    order = entry.order
    ids = (order.external_id, order.carrier_order_id or "") if order is not None else ("", "")
    return tag(
        "tr",
        tag("th", _time(entry.at, zone), scope="row"),
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


def _calendars(page: Page) -> Html:
    headers = ("Calendar", "Last read", "Events matched")
    table = tag(
        "table",
        tag("thead", tag("tr", *(tag("th", header, scope="col") for header in headers))),
        tag("tbody", *(_source(source, page) for source in page.sources)),
    )
    box = tag("div", table, class_="scroll")
    return tag("section", tag("h2", "Calendars", id="calendars"), box, aria_labelledby="calendars")


def _source(source: SourceReport, page: Page) -> Html:
    read = (
        together(_time(source.read_at, page.zone), f", {relative(source.read_at, page.now)}")
        if source.read_at
        else "never"
    )
    return tag(
        "tr",
        tag("th", for_terminal(source.source.label, 80), scope="row"),
        tag("td", read),
        tag("td", source.matched),
    )


def _foot(page: Page) -> Html:
    lost = f"{counted(page.unreadable, 'line')} of the history could not be read. " if page.unreadable else ""
    span = f"From {_said(page)}."
    made = f" Made by iodcal {__version__} from the last run's readings and the history;"
    runbook = tag("p", "Runbook: ", tag("a", page.runbook, href=page.runbook)) if page.runbook else None
    return tag("footer", runbook, tag("p", f"{lost}{span}{made} rules {page.config_digest[:19]}."))


def _time(at: datetime, zone: ZoneInfo, *, full: bool = False) -> Html:
    shown = with_zone(at, zone) if full else f"{at.astimezone(zone):%a %d %b %H:%M}"
    return tag("time", shown, datetime=moment(at))
