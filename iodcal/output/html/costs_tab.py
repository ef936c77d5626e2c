"""What circuits cost, as the second tab of the report page: tables whose numbers are drawn as bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from iodcal.analysis.figures import Bill, Figures, Lookback, Served
from iodcal.domain.circuits import Account
from iodcal.messages.results import doubts, event_name, prices, spent_on
from iodcal.output.costs import figure, hours_text, month_name, spare_text
from iodcal.output.html.document import Html, StyleSheet, counted, section, tag, time_tag, together
from iodcal.output.html.meters import amount_meter, bill_meter, hours_meter, most_of, shade, used_meter
from iodcal.output.html.page_data import Page
from iodcal.output.html.summary import Tile, draw_tiles
from iodcal.output.plan import amount
from iodcal.output.text import for_terminal, with_zone
from iodcal.problems.messages import why_late

_OPEN_UP_TO, _MOST_ROWS = 40, 200
_MOST_TEXT = 120
_BILL = ("", "Cost", "Always highest", "Saved", "Baseline alone", "Beyond it")

Row: TypeAlias = Sequence[str | Html]


def draw_costs(page: Page, sheet: StyleSheet) -> Html:
    """The whole tab."""
    costs = page.costs
    if costs is None:
        return tag("p", "The month has only just begun: there is nothing to look back on yet.", class_="soft")
    found = costs.found
    span = f"{with_zone(found.asked.start, found.zone)} to {with_zone(found.asked.end, found.zone)}"
    made = " ".join(filter(None, (f"{span}. Estimates from the history, not a bill.", prices(found))))
    return together(
        tag("p", made, class_="soft"),
        draw_tiles(_tiles(page)),
        _notes(found),
        _limits(page, sheet),
        _months(page, sheet),
        _circuits(page, sheet),
        _hours(found, sheet),
        _reasons(found, sheet),
        _service(found),
        _quota(found, sheet),
    )


def _tiles(page: Page) -> Iterator[Tile]:
    assert page.costs is not None  # noqa: S101 - its caller looked
    found, before = page.costs.found, page.costs.last_month_so_far
    earlier = {bill.currency: bill for bill in before.total.bills} if before is not None else {}
    for bill in found.total.bills:
        then = earlier.get(bill.currency)
        beside = f", {_against(bill, then)} last month by this day" if then is not None else ""
        yield Tile("Cost", amount(bill.cost), f"{counted(len(found.circuits), 'circuit')}{beside}")
        yield Tile(
            "Saved", figure(bill.saved), f"against {bill.highest.rounded} at the highest tier all the time"
        )
        yield Tile(
            "Beyond the baseline", figure(bill.extra), f"the baseline alone costs {bill.baseline.rounded}"
        )
    ready = len(found.service) - len(found.late)
    look = "" if not found.service else "bad" if found.late else "good"
    yield Tile("In time", f"{ready} of {len(found.service)}", "events at their tier before they began", look)


def _against(bill: Bill, then: Bill) -> str:
    """How a cost compares with an earlier one: `12 % less than`."""
    if not then.cost.amount:
        return "nothing is known of"
    percent = (bill.cost.amount - then.cost.amount) / then.cost.amount * 100
    if round(percent) == 0:
        return "as much as"
    return f"{abs(percent):.0f} % {'more' if percent > 0 else 'less'} than"


def _notes(found: Lookback) -> Html | None:
    items = [tag("li", f"{one.message}. ", tag("em", one.remedy)) for one in doubts(found)]
    if not items:
        return None
    shown = tag("ul", *items[:_MOST_ROWS], class_="problems")
    few = len(items) <= 3
    body = shown if few else tag("details", tag("summary", counted(len(items), "note")), shown)
    return section("notes", "To know", body)


def _table(caption: str, headers: Sequence[str], rows: Sequence[Row], *, texts: int,
           ids: Sequence[str] = ()) -> Html:  # fmt: skip
    """A table to unfold; the first `texts` columns are words, the others numbers or bars, which have no
    heading. `ids` are the rows' own."""

    def cell(name: str, text: str | Html, place: int, **more: str) -> Html:
        return tag(name, text, class_=None if place < texts else "number", **more)

    first, *others = headers
    head = tag("tr", cell("th", first, 0, scope="col"), *(
        cell("th", text, place, scope="col") if text else tag("td", class_="meters")
        for place, text in enumerate(others, start=1)
    ))  # fmt: skip
    body = [
        tag("tr", cell("th", row[0], 0, scope="row"), *(cell("td", row[i], i) for i in range(1, len(row))),
            id=ids[number] if number < len(ids) else None)
        for number, row in enumerate(rows[:_MOST_ROWS])
    ]  # fmt: skip
    left = f"The first {_MOST_ROWS} of {len(rows)}; -o csv has all." if len(rows) > _MOST_ROWS else ""
    told = tag("caption", left) if left else None
    table = tag("table", told, tag("thead", head), tag("tbody", *body), aria_label=caption)
    summary = tag("summary", tag("h3", caption), tag("span", f" {counted(len(rows), 'row')}", class_="soft"))
    box = tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=f"{caption}: table")
    return tag("details", summary, box, open=len(rows) <= _OPEN_UP_TO)


def _limits(page: Page, sheet: StyleSheet) -> Html | None:
    """Budgets of money, and the changes of this day."""
    assert page.costs is not None  # noqa: S101 - its caller looked
    budgets: list[Row] = [
        [for_terminal(use.name, _MOST_TEXT), used_meter(use.spent.amount, use.monthly, sheet),
         amount(use.spent), f"{use.monthly}", f"{use.spent.amount * 100 / use.monthly:.0f} %"]
        for use in page.costs.budgets
    ]  # fmt: skip
    names = _account_names(page)
    changes: list[Row] = [
        [names.get(account, account.number), used_meter(Decimal(used), Decimal(limit), sheet), str(used),
         str(limit), str(max(0, limit - used))]
        for account, (used, limit) in sorted(page.quotas.items())
    ]  # fmt: skip
    if not budgets and not changes:
        return None
    money = _table("Budgets of this month", ("Budget", "", "Spent", "Of", "Used"), budgets, texts=1)
    day = _table("Changes of this UTC day", ("Account", "", "Used", "Of", "Left"), changes, texts=1)
    return section("budgets", "Budgets", money if budgets else None, day if changes else None)


def _account_names(page: Page) -> Mapping[Account, str]:
    return {
        lane.circuit.account: lane.circuit.carrier
        if lane.circuit.account.number in ("", lane.circuit.carrier)
        else f"{lane.circuit.carrier} {lane.circuit.account.number}"
        for lane in page.lanes
    }


def _bills(caption: str, rows: Sequence[tuple[str, Figures]], sheet: StyleSheet, first: str = "") -> Html:
    """A table of names and their bills, each drawn beside the highest and the baseline."""
    flat = [(name, bill) for name, figures in rows for bill in figures.bills]
    most = most_of(bill for _, bill in flat)
    cells = [_bill_cells(for_terminal(name, _MOST_TEXT), bill, most, sheet) for name, bill in flat]
    return _table(caption, (first, *_BILL), cells, texts=1)


def _bill_cells(name: str | Html, bill: Bill, most: Decimal, sheet: StyleSheet) -> list[str | Html]:
    others = (bill.highest, bill.saved, bill.baseline, bill.extra)
    return [name, bill_meter(bill, most, sheet), amount(bill.cost), *(figure(one) for one in others)]


def _months(page: Page, sheet: StyleSheet) -> Html:
    """This month beside the last one; of another span each of its months."""
    assert page.costs is not None  # noqa: S101 - its caller looked
    costs = page.costs
    rows = [(month_name(month.start, costs.found), one) for month, one in costs.found.months]
    if costs.last_month is not None and costs.last_month_so_far is not None:
        name = month_name(costs.last_month.asked.start, costs.found)
        rows = [
            (f"{rows[0][0]} so far", rows[0][1]),
            (f"{name} by the same day", costs.last_month_so_far.total),
            (f"{name}, the whole month", costs.last_month.total),
        ]
    return section("months", "Months", _meter_legend(), _bills("Cost of each month", rows, sheet, "Month"))


def _meter_legend() -> Html:
    keys = [
        ("cost", "cost"),
        ("outline", "at the highest tier all the time"),
        ("stroke", "on the baseline alone"),
    ]
    shown = (tag("li", tag("span", class_=f"key {name}"), words) for name, words in keys)
    return tag("ul", *shown, class_="legend", aria_hidden="true")


def _circuits(page: Page, sheet: StyleSheet) -> Html:
    """The dearest circuits first, each beside last month, with a link to its changes."""
    assert page.costs is not None  # noqa: S101 - its caller looked
    found, before = page.costs.found, page.costs.last_month_so_far
    numbers = {lane.circuit.name: number for number, lane in enumerate(page.lanes, start=1)}
    earlier = {(one.key, bill.currency): bill for one in before.circuits for bill in one.figures.bills
               } if before is not None else {}  # fmt: skip
    flat = [(one, bill) for one in found.circuits for bill in one.figures.bills]
    flat.sort(key=lambda pair: -pair[1].cost.amount)
    most = most_of(bill for _, bill in flat)
    rows, ids = list[Row](), list[str]()
    for one, bill in flat:
        number = numbers.get(one.name) if not one.left else None
        name = tag("a", one.name, href=f"#circuit-{number}") if number else one.name
        then = earlier.get((one.key, bill.currency))
        cells = _bill_cells(name, bill, most, sheet)
        rows.append([*cells, _changed(bill, then)] if before is not None else cells)
        ids.append(f"cost-{number}" if number and f"cost-{number}" not in ids else "")
    headers = ("Circuit", *_BILL, *(["Last month by this day"] if before is not None else []))
    table = _table(
        "Cost of each circuit",
        headers,
        rows,
        texts=1,
        ids=[one or f"cost-of-{n}" for n, one in enumerate(ids)],
    )
    labels = [(f"{name}: {value}", figures) for (name, value), figures in found.labels]
    by_label = _bills("Cost by label", labels, sheet, "Label") if labels else None
    return section("circuits", "What each circuit costs", table, by_label)


def _changed(bill: Bill, then: Bill | None) -> str:
    if then is None or not then.cost.amount:
        return ""
    percent = (bill.cost.amount - then.cost.amount) / then.cost.amount * 100
    return f"{figure(then.cost)} ({percent:+.0f} %)"


def _hours(found: Lookback, sheet: StyleSheet) -> Html:
    tiers = sorted(found.total.at_tier)
    keys = [tag("li", tag("span", class_=f"key t{shade(tier, tiers)}"), str(tier)) for tier in tiers]
    headers = ("Circuit", "", *map(str, tiers), "Not known")
    rows: list[Row] = [
        [for_terminal(one.name, _MOST_TEXT), hours_meter(one.figures, tiers, sheet),
         *(hours_text(one.figures.at_tier.get(tier)) for tier in tiers), hours_text(one.figures.unknown)]
        for one in found.circuits
    ]  # fmt: skip
    legend = tag("ul", *keys, class_="legend", aria_hidden="true")
    return section(
        "hours", "Hours at each tier", legend, _table("Hours of each circuit", headers, rows, texts=1)
    )


def _reasons(found: Lookback, sheet: StyleSheet) -> Html | None:
    if not found.rules:
        return None
    most = max((abs(one.cost.amount) for one in (*found.rules, *found.events)), default=Decimal(0))
    rules: list[Row] = [
        [for_terminal(spent_on(one.because), _MOST_TEXT), amount_meter(one.cost.amount, most, sheet),
         f"{one.cost.rounded:+} {one.cost.currency}"]
        for one in found.rules
    ]  # fmt: skip
    events: list[Row] = [
        [for_terminal(event_name(one.because), _MOST_TEXT), _start(one.because.start, found),
         for_terminal(", ".join(one.circuits), _MOST_TEXT), amount_meter(one.cost.amount, most, sheet),
         f"{one.cost.rounded:+} {one.cost.currency}"]
        for one in found.events
    ]  # fmt: skip
    return section(
        "reasons",
        "What it was for",
        _table("Rules", ("Rule", "", "Beyond the baseline"), rows=rules, texts=1),
        _table("Events", ("Event", "Start", "Circuits", "", "Beyond the baseline"), events, texts=3),
    )


def _start(at: datetime | None, found: Lookback) -> str | Html:
    return time_tag(at, found.zone) if at is not None else ""


def _service(found: Lookback) -> Html:
    rows = [_served(one, found) for one in found.service]
    late = (
        counted(len(found.late), "event was late", "events were late") if found.late else "No event was late"
    )
    headers = ("Event", "Circuit", "Start", "Why", "To spare")
    return section("service", "Service level", _table(f"{late}. The worst first", headers, rows, texts=4))


def _served(one: Served, found: Lookback) -> Row:
    why = for_terminal(why_late(one.reason), _MOST_TEXT) if one.reason else ""
    spare = tag("span", spare_text(one) if one.ready else f"✗ {spare_text(one)}",
                class_=None if one.ready else "bad")  # fmt: skip
    return [
        for_terminal(event_name(one.because), _MOST_TEXT),
        one.circuit,
        _start(one.start, found),
        why,
        spare,
    ]


def _quota(found: Lookback, sheet: StyleSheet) -> Html | None:
    if not found.quota:
        return None
    most = max(Decimal(max(day.used, day.limit or 0)) for day in found.quota)
    rows: list[Row] = [
        [for_terminal(day.account, 40), day.day.isoformat(), amount_meter(Decimal(day.used), most, sheet),
         str(day.used), str(day.limit) if day.limit is not None else "no limit"]
        for day in sorted(found.quota, key=lambda day: (-day.used, day.day))
    ]  # fmt: skip
    headers = ("Account", "UTC day", "", "Changes", "Of")
    table = _table("Changes by account and UTC day", headers, rows, texts=2)
    return section("quota", "Changes of the quota", table)
