"""The top of the report page: what is wrong, what is up, what comes next, and how old all that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from iodcal.output import past
from iodcal.output.html.document import Html, counted, section, tag, time_tag, together
from iodcal.output.html.lanes import SOON, glyph_of
from iodcal.output.html.page_data import CurrentProblem, Page
from iodcal.output.json import moment
from iodcal.output.text import for_terminal, relative, rough
from iodcal.problems.kinds import Severity
from iodcal.store.entries import Entry

_MOST_AT_ONCE = 4  # problems before the picture; the rest unfolds
_MOST_PROBLEMS = 300
_MOST_ROWS = 5  # of what comes next; the rest unfolds
_MOST_NAMES = 3
_MOST_TEXT = 120


class Tile(Struct, frozen=True):
    """`figure` is what is to be seen from afar, of what `label` says; `look` is `bad`, `warn` or `good`, or
    nothing of them."""

    label: str
    figure: str
    words: str
    look: str = ""


_SIGNS = {"bad": "✗ ", "warn": "! ", "good": "✓ ", "": ""}


def draw_tiles(tiles: Iterable[Tile]) -> Html:
    """Tiles side by side."""
    shown = (
        tag(
            "li",
            tag("span", tile.label, class_="label"),
            tag("b", _SIGNS[tile.look], tile.figure),
            tag("span", tile.words, class_="words"),
            class_=tile.look or None,
        )
        for tile in tiles
    )
    return tag("ul", *shown, class_="tiles")


def draw_summary(page: Page) -> Html:
    """The tiles, the problems, and the changes of the next 24 hours."""
    tiles = draw_tiles((_wrong(page), _up(page), _next(page), _last_run(page)))
    return together(tiles, tag("div", _problems(page), _coming(page), class_="first"))


def _wrong(page: Page) -> Tile:
    errors = [problem for problem in page.problems if problem.severity is Severity.ERROR]
    if not page.problems:
        return Tile("Wrong now", "Nothing", "no error and no warning", "good")
    words = for_terminal(page.problems[0].message, _MOST_TEXT)
    warnings = counted(len(page.problems) - len(errors), "warning")
    if errors:
        return Tile("Wrong now", f"{counted(len(errors), 'error')}, {warnings}", words, "bad")
    return Tile("Wrong now", warnings, words, "warn")


def _up(page: Page) -> Tile:
    up = [lane for lane in page.lanes if lane.is_up]
    unknown = sum(lane.now is None for lane in page.lanes)
    doubt = f"; {unknown} not known yet" if unknown else ""
    if not up:
        return Tile("Up now", f"0 of {len(page.lanes)}", f"no circuit is above its baseline{doubt}")
    running = {
        bar.subject or f"event of {bar.rule}": None
        for lane in up
        for bar in lane.bars
        if page.now in bar.asks
    }
    names = _names([lane.circuit.name for lane in up])
    why = f": {', '.join(list(running)[:2])}" if running else ""
    return Tile("Up now", f"{len(up)} of {len(page.lanes)}", for_terminal(f"{names}{why}{doubt}", _MOST_TEXT))


def _next(page: Page) -> Tile:
    rows = _rows(page)
    if not rows:
        return Tile("Next", "None", "no change in the next 24 hours")
    first = rows[0]
    when = relative(first.entry.at, page.now)
    at = f"{first.entry.at.astimezone(page.zone):%a %H:%M}"
    words = f"{_names(first.circuits)} {past.step(first.entry)}: {first.why}"
    return Tile("Next", "due now" if when == "now" else f"{when}, {at}", for_terminal(words, _MOST_TEXT))


def _last_run(page: Page) -> Tile:
    run = page.last_run
    if run is None:
        return Tile("Last run", "never", "no run yet", "warn")
    open_ = sum(lane.circuit_state.order is not None for lane in page.lanes)
    read = "all calendars read" if run.good else "not every calendar read"
    orders = f"{counted(open_, 'order')} open" if open_ else "no order open"
    look = "bad" if page.stopped else "" if run.good else "warn"
    return Tile("Last run", relative(run.started_at, page.now), f"{read}, {orders}", look)


def draw_banner(page: Page) -> Html:
    """Says that what stands here is old. page.js shows it too, where nobody writes the page any more."""
    run = page.last_run
    age = rough(page.now - run.started_at) if run is not None else ""
    text = f"Old data: the last run was {age} ago. No change is ordered meanwhile; look at the timer."
    return tag(
        "p", text if page.stopped else "", class_="banner", id="stale", role="alert", hidden=not page.stopped
    )


def _problems(page: Page) -> Html:
    first, rest = page.problems[:_MOST_AT_ONCE], page.problems[_MOST_AT_ONCE:_MOST_PROBLEMS]
    if not first:
        return section("problems", "Problems", tag("p", "None.", class_="soft"))
    more = tag("summary", f"and {len(page.problems) - len(first)} more")
    folded = tag("details", more, _list(rest, page)) if rest else None  # the picture must stay in sight
    return section("problems", "Problems", _list(first, page), folded)


def _list(problems: Iterable[CurrentProblem], page: Page) -> Html:
    return tag("ul", *(_problem(problem, page) for problem in problems), class_="problems")


def _problem(problem: CurrentProblem, page: Page) -> Html:
    label = str(problem.severity or "problem")
    since = together(" since ", time_tag(problem.since, page.zone)) if problem.since is not None else None
    return tag(
        "li",
        tag("b", label.capitalize()),
        tag("span", since, class_="soft") if since else None,
        f": {problem.message}. ",
        tag("em", problem.remedy),
        class_=label,
    )


class ComingChange(Struct, frozen=True):
    """A change to come that several circuits share: `entry` is that of the first of `circuits`."""

    entry: Entry
    why: str
    circuits: Sequence[str]


def _rows(page: Page) -> list[ComingChange]:
    """The changes of the next 24 hours: those at one instant, for one reason and between the same tiers are
    one row."""
    found = defaultdict[tuple[object, ...], list[str]](list)
    entries: dict[tuple[object, ...], Entry] = {}
    for lane in page.lanes:
        for entry in lane.coming:
            if entry.at < page.now + SOON:
                why = past.why(entry, page.zone)
                key = (entry.at, past.step(entry), past.came_to(entry), why)
                entries.setdefault(key, entry)
                found[key].append(lane.circuit.name)
    rows = [ComingChange(entries[key], str(key[3]), names) for key, names in found.items()]
    return sorted(rows, key=lambda row: row.entry.at)


def _coming(page: Page) -> Html:
    rows = _rows(page)
    if not rows:
        return section("next", "Next 24 hours", tag("p", "No change.", class_="soft"))
    first, rest = rows[:_MOST_ROWS], rows[_MOST_ROWS:]
    more = tag("summary", f"and {len(rest)} more")
    folded = tag("details", more, _table(rest, page, "Later changes of the next 24 hours")) if rest else None
    return section("next", "Next 24 hours", _table(first, page, "Changes of the next 24 hours"), folded)


def _table(rows: Iterable[ComingChange], page: Page, said: str) -> Html:
    headers = ("When", "Circuits", "Change", "Why")
    head = tag("thead", tag("tr", *(tag("th", header, scope="col") for header in headers)))
    body = tag("tbody", *(_row(row, page) for row in rows))
    table = tag("table", head, body, aria_label=said, class_="coming")
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=said)


def _row(row: ComingChange, page: Page) -> Html:
    glyph, class_ = glyph_of(row.entry)
    told, at = past.came_to(row.entry), row.entry.at
    when = tag("time", f"{at.astimezone(page.zone):%a %H:%M}", datetime=moment(at))
    return tag(
        "tr",
        tag("th", when, tag("small", relative(at, page.now)), scope="row"),
        tag("td", _names(row.circuits), title=", ".join(row.circuits[:40])),
        tag(
            "td",
            tag("span", glyph, aria_hidden="true"),
            f" {past.step(row.entry)}",
            tag("small", told, class_="held") if class_ == "held" else None,
            class_="nowrap",
        ),
        tag("td", for_terminal(row.why, _MOST_TEXT), class_="text"),
    )


def _names(circuits: Sequence[str]) -> str:
    """`den-a, lon-a and 24 more`."""
    more = len(circuits) - _MOST_NAMES
    shown = ", ".join(for_terminal(name, 40) for name in circuits[:_MOST_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown
