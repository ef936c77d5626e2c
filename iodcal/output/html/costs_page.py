"""A look back as one HTML file that needs nothing else: charts, and a table beside each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from iodcal import __version__
from iodcal.analysis.figures import Bill, Figures, Lookback, Served
from iodcal.domain.money import Cost
from iodcal.messages.results import doubts, event_name, prices, spent_on
from iodcal.output.costs import figure, hours_text, month_name, spare_text
from iodcal.output.html.charts import bills_chart, hours_chart, shade, spending_chart
from iodcal.output.html.document import Html, head, installation, tag
from iodcal.output.html.page_picture import counted
from iodcal.output.json import moment
from iodcal.output.plan import amount
from iodcal.output.text import for_terminal, local, with_zone
from iodcal.problems.messages import why_late

_MOST_BARS, _MOST_ROWS = 40, 200
_MOST_TEXT = 120


def costs_html(found: Lookback) -> str:
    """The whole file."""
    span = f"{with_zone(found.asked.start, found.zone)} to {with_zone(found.asked.end, found.zone)}"
    header = tag("header", tag("h1", f"{installation()}: what circuits cost"), tag("p", span, class_="soft"))
    tiles = tag("ul", *(tag("li", tag("b", one), words) for one, words in _tiles(found)), class_="tiles")
    main = tag("main", _notes(found), _circuits(found), _hours(found), _months(found), _reasons(found),
               _service(found), _quota(found))  # fmt: skip
    made = f"Made by iodcal {__version__} from the history: estimates, not a bill."
    foot = tag("footer", tag("p", " ".join(filter(None, (made, prices(found))))))
    body = tag("body", header, tiles, main, foot)
    page = tag("html", head(f"{installation()}: costs, {span}", "costs.css"), body, lang="en")
    return "<!doctype html>\n" + page.text + "\n"


def _tiles(found: Lookback) -> Iterator[tuple[str, str]]:
    for bill in found.total.bills:
        yield amount(bill.cost), f"for {counted(len(found.circuits), 'circuit')}"
        yield (
            f"{figure(bill.saved)} saved",
            f"against {bill.highest.rounded} at the highest tier all the time",
        )
        yield f"{figure(bill.extra)} beyond", f"the baseline alone, which costs {bill.baseline.rounded}"
    ready = len(found.service) - len(found.late)
    yield f"{ready} of {len(found.service)}", "events at their tier before they began"


def _notes(found: Lookback) -> Html | None:
    items = [tag("li", f"{one.message}. ", tag("em", one.remedy)) for one in doubts(found)]
    if not items:
        return None
    return _section("notes", "To know", tag("ul", *items[:_MOST_ROWS], class_="problems"))


def _section(id_: str, title: str, *parts: Html | None) -> Html:
    return tag("section", tag("h2", title, id=id_), *parts, aria_labelledby=id_)


def _box(chart: Html) -> Html:
    return tag("div", tag("div", chart, class_="padded"), class_="scroll")


def _table(caption: str, headers: Sequence[str], rows: Sequence[Sequence[str | Html]], *, texts: int) -> Html:
    """A table to unfold; the first `texts` columns are words, the others numbers."""

    def cell(name: str, text: str | Html, place: int, **more: str) -> Html:
        return tag(name, text, class_=None if place < texts else "number", **more)

    head_ = tag("tr", *(cell("th", text, place, scope="col") for place, text in enumerate(headers)))
    body = [
        tag("tr", cell("th", row[0], 0, scope="row"), *(cell("td", row[i], i) for i in range(1, len(row))))
        for row in rows[:_MOST_ROWS]
    ]
    left = f"The first {_MOST_ROWS} of {len(rows)}; -o csv has all." if len(rows) > _MOST_ROWS else ""
    told = tag("caption", left) if left else None
    table = tag("table", told, tag("thead", head_), tag("tbody", *body), aria_label=caption)
    summary = tag("summary", tag("h3", caption), tag("span", f" {counted(len(rows), 'row')}", class_="soft"))
    return tag("details", summary, table, open=len(rows) <= _MOST_BARS)


def _bills(caption: str, rows: Sequence[tuple[str, Figures]]) -> tuple[Html, Html]:
    """Chart and table of names and their bills."""
    flat = [(name, bill) for name, figures in rows for bill in figures.bills]
    said = "; ".join(f"{name} {amount(bill.cost)}" for name, bill in flat[:_MOST_BARS])
    headers = ("", "Cost", "Always highest", "Saved", "Baseline alone", "Beyond it")
    cells = [_bill_cells(for_terminal(name, _MOST_TEXT), bill) for name, bill in flat]
    return bills_chart(flat[:_MOST_BARS], f"{caption}: {said}"), _table(caption, headers, cells, texts=1)


def _bill_cells(name: str, bill: Bill) -> list[str | Html]:
    others: list[Cost] = [bill.highest, bill.saved, bill.baseline, bill.extra]
    return [name, amount(bill.cost), *(figure(one) for one in others)]


def _circuits(found: Lookback) -> Html:
    rows = [(one.name, one.figures) for one in found.circuits]
    chart, table = _bills("Cost of each circuit", rows)
    labels = [(f"{name}: {value}", figures) for (name, value), figures in found.labels]
    more = _bills("Cost by label", labels) if labels else ()
    return _section("circuits", "Circuits", _legend(), _box(chart), table, *map(_maybe_box, more))


def _maybe_box(part: Html) -> Html:
    return _box(part) if part.text.startswith("<svg") else part


def _legend() -> Html:
    keys = [
        (tag("span", class_="key", style="background:var(--t3)"), "cost"),
        (tag("span", class_="key most"), "at the highest tier all the time"),
        (tag("span", class_="key base"), "on the baseline alone"),
    ]
    return tag("ul", *(tag("li", key, words) for key, words in keys), class_="legend", aria_hidden="true")


def _hours(found: Lookback) -> Html:
    rows = [(one.name, one.figures) for one in found.circuits]
    tiers = sorted(found.total.at_tier)
    keys = [
        tag("li", tag("span", class_="key", style=f"background:var(--t{shade(tier, tiers)})"), str(tier))
        for tier in tiers
    ]
    headers = ("", *map(str, tiers), "Not known")
    cells = [
        [for_terminal(name, _MOST_TEXT), *(hours_text(figures.at_tier.get(tier)) for tier in tiers),
         hours_text(figures.unknown)]
        for name, figures in rows
    ]  # fmt: skip
    chart = hours_chart(rows[:_MOST_BARS], tiers, "How the time of each circuit was spread over its tiers")
    legend = tag("ul", *keys, class_="legend", aria_hidden="true")
    table = _table("Hours at each tier", headers, cells, texts=1)
    return _section("hours", "Hours at each tier", legend, _box(chart), table)


def _months(found: Lookback) -> Html:
    chart, table = _bills(
        "Cost of each month", [(month_name(m.start, found), one) for m, one in found.months]
    )
    return _section("months", "Months", _box(chart), table)


def _reasons(found: Lookback) -> Html | None:
    if not found.rules:
        return None
    said = "; ".join(f"{spent_on(one.because)} {one.cost.rounded} {one.cost.currency}" for one in found.rules)
    rules = [
        [for_terminal(spent_on(one.because), _MOST_TEXT), f"{one.cost.rounded:+} {one.cost.currency}"]
        for one in found.rules
    ]
    events = [
        [for_terminal(event_name(one.because), _MOST_TEXT), *_start(one.because.start, found),
         ", ".join(one.circuits), f"{one.cost.rounded:+} {one.cost.currency}"]
        for one in found.events
    ]  # fmt: skip
    return _section(
        "reasons",
        "What it was for",
        _box(spending_chart(found.rules[:_MOST_BARS], f"Beyond the baseline: {said}")),
        _table("Rules", ("", "Beyond the baseline"), rules, texts=1),
        _table("Events", ("", "Start", "Circuits", "Beyond the baseline"), events, texts=3),
    )


def _start(at: datetime | None, found: Lookback) -> list[str | Html]:
    return [tag("time", local(at, found.zone), datetime=moment(at)) if at is not None else ""]


def _service(found: Lookback) -> Html:
    rows = [_served(one, found) for one in found.service]
    late = (
        counted(len(found.late), "event was late", "events were late") if found.late else "No event was late"
    )
    headers = ("", "Circuit", "Start", "Why", "To spare")
    caption = f"{late}. The worst first"
    return _section("service", "Service level", _table(caption, headers, rows, texts=4))


def _served(one: Served, found: Lookback) -> list[str | Html]:
    why = for_terminal(why_late(one.reason), _MOST_TEXT) if one.reason else ""
    spare = tag(
        "span", spare_text(one) if one.ready else f"✗ {spare_text(one)}", class_=None if one.ready else "bad"
    )
    return [
        for_terminal(event_name(one.because), _MOST_TEXT),
        one.circuit,
        *_start(one.start, found),
        why,
        spare,
    ]


def _quota(found: Lookback) -> Html | None:
    if not found.quota:
        return None
    rows: list[list[str | Html]] = [
        [for_terminal(day.account, 40), day.day.isoformat(), str(day.used),
         str(day.limit) if day.limit is not None else "no limit"]
        for day in sorted(found.quota, key=lambda day: (-day.used, day.day))
    ]  # fmt: skip
    return _section("quota", "Changes of the quota", _table("Changes by account and UTC day",
                    ("Account", "UTC day", "Changes", "Of"), rows, texts=2))  # fmt: skip
