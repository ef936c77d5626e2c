"""A look back as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from iodcal.analysis.figures import Bill, Figures, Lookback, QuotaDay, Served, Spending
from iodcal.domain.billing import hours
from iodcal.domain.money import Cost
from iodcal.messages.results import doubts, event_name, prices, spent_on
from iodcal.output.plan import amount
from iodcal.output.text import for_line, for_terminal, local
from iodcal.output.use import use_tables
from iodcal.problems.messages import why_late

_MOST = 10  # rows of a table that has no end
_BILL = ("cost", "always highest", "saved", "baseline", "beyond it")


def print_lookback(found: Lookback, console: Console, *, everything: bool) -> None:
    """Shows all tables; with `everything` all events, too."""
    if found.nothing_beside is None:
        _print_tables(found, console, most=None if everything else _MOST)
    else:
        console.print(Text("Nothing on record."))
    for words in doubts(found):
        console.print(Text(for_line(f"Note: {words.message}. {words.remedy}."), style="dim"))


def _print_tables(found: Lookback, console: Console, *, most: int | None) -> None:
    for line in total_lines(found):
        console.print(Text(line, style="bold"))
    if (rates := prices(found)) is not None:
        console.print(Text(rates, style="dim"))
    circuits = [(one.name, one.figures) for one in found.circuits]
    _bills(console, "Circuits", circuits)
    _hours(console, [*circuits, ("together", found.total)] if len(circuits) > 1 else circuits)
    _bills(console, "Labels", [(f"{name} {value}", figures) for (name, value), figures in found.labels])
    _bills(console, "Months", [(month_name(month.start, found), one) for month, one in found.months])
    _rules(console, found.rules)
    _events(console, found, most)
    _quota(console, found.quota, most)
    _service(console, found, most)
    _use(console, found, most)
    if not found.total.complete:
        console.print(Text("≥ at least, ~ about: something is not known, see below", style="dim"))


def month_name(at: datetime, found: Lookback) -> str:
    """`Nov 2026`."""
    return f"{at.astimezone(found.zone):%b %Y}"


def total_lines(found: Lookback) -> Iterable[str]:
    """What all of it cost, in a sentence for each currency."""
    for bill in found.total.bills:
        yield (
            f"{amount(bill.cost)}: {figure(bill.saved)} saved{_share(bill)} against the highest tier all the "
            f"time, {figure(bill.extra)} beyond the baseline alone"
        )


def _share(bill: Bill) -> str:
    if not bill.saved.complete or not bill.highest.amount:
        return ""
    return f" ({bill.saved.amount / bill.highest.amount * 100:.0f} %)"


def figure(cost: Cost) -> str:
    """An amount without its currency; `about` where something is missing, which may count either way."""
    return f"{'' if cost.complete else 'about '}{cost.rounded}"


def _cell(cost: Cost) -> Text:
    if not cost.complete and not cost.amount:
        return Text("?")
    return Text(f"{'' if cost.complete else '~'}{cost.rounded}")


def _cost_cell(cost: Cost) -> Text:
    return Text(f"{'' if cost.complete else '≥ '}{cost.rounded} {cost.currency}")


def _table(columns: Sequence[str], *, texts: int = 1) -> Table:
    """The first `texts` columns are words, the others numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        if number < texts:
            table.add_column(column, overflow="fold")
        else:
            table.add_column(column, justify="right", no_wrap=True)
    return table


def _show(console: Console, title: str, table: Table) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def _bills(console: Console, title: str, rows: Sequence[tuple[str, Figures]]) -> None:
    if not rows:
        return
    table = _table(("", *_BILL))
    for name, figures in rows:
        for bill in figures.bills:
            others = (bill.highest, bill.saved, bill.baseline, bill.extra)
            table.add_row(Text(for_line(name)), _cost_cell(bill.cost), *map(_cell, others))
    _show(console, title, table)


def _hours(console: Console, rows: Sequence[tuple[str, Figures]]) -> None:
    tiers = sorted({tier for _, figures in rows for tier in figures.at_tier})
    doubt = any(figures.unknown for _, figures in rows)
    table = _table(("", *map(str, tiers), *(["not known"] if doubt else [])))
    for name, figures in rows:
        cells = [hours_text(figures.at_tier.get(tier)) for tier in tiers]
        cells += [hours_text(figures.unknown or None)] if doubt else []
        table.add_row(Text(for_line(name)), *cells)
    _show(console, "Hours at each tier", table)


def hours_text(length: timedelta | None) -> str:
    """A length of time as a cell: `1.5`."""
    return f"{hours(length):.1f}" if length is not None else ""


def _rules(console: Console, rows: Sequence[Spending]) -> None:
    table = _table(("", "beyond the baseline", "circuits"))
    for one in rows:
        name = Text(for_line(spent_on(one.because)))
        table.add_row(name, _cost_cell_signed(one.cost), str(len(one.circuits)))
    if rows:
        _show(console, "What it was for", table)


def _events(console: Console, found: Lookback, most: int | None) -> None:
    rows = found.events[:most]
    table = _table(("", "start", "beyond the baseline"), texts=2)
    for one in rows:
        start = local(one.because.start, found.zone) if one.because.start is not None else ""
        table.add_row(Text(for_terminal(event_name(one.because), 40)), start, _cost_cell_signed(one.cost))
    if rows:
        _show(console, _title("Dearest events", len(rows), len(found.events)), table)


def _cost_cell_signed(cost: Cost) -> Text:
    return Text(f"{'' if cost.complete else '~'}{cost.rounded:+} {cost.currency}")


def _quota(console: Console, days: Sequence[QuotaDay], most: int | None) -> None:
    rows = sorted(days, key=lambda day: -day.used)[:most]
    table = _table(("account", "UTC day", "changes", "of"), texts=2)
    for day in rows:
        limit = str(day.limit) if day.limit is not None else "no limit"
        table.add_row(Text(for_terminal(day.account, 40)), day.day.isoformat(), str(day.used), limit)
    if rows:
        _show(console, _title("Changes of the quota", len(rows), len(days)), table)


def _service(console: Console, found: Lookback, most: int | None) -> None:
    if not found.service:
        return
    ready = len(found.service) - len(found.late)
    share = f"{ready} of {len(found.service)} events at their tier before they began"
    rows = found.service[:most]
    table = _table(("", "circuit", "start", "to spare"), texts=4)
    if found.late:
        table.add_column("why")
    for one in rows:
        why = [Text(for_terminal(why_late(one.reason), 60) if one.reason else "")] if found.late else []
        table.add_row(
            Text(for_terminal(event_name(one.because), 22)),
            Text(for_line(one.circuit)),
            local(one.start, found.zone),
            Text(spare_text(one), style="" if one.ready else "bold red"),
            *why,
        )
    _show(console, f"Service level: {share}", table)


def _use(console: Console, found: Lookback, most: int | None) -> None:
    if found.usage is not None:
        for title, table in use_tables(found.usage, found.zone, most=most, plain_table=_table):
            _show(console, title, table)


def spare_text(one: Served) -> str:
    """`1795 s`, `late by 300 s`, `never`."""
    if one.spare is None:
        return "all along" if one.ready else "never in time"
    seconds = int(one.spare.total_seconds())
    return f"{seconds} s" if one.ready else f"late by {-seconds} s"


def _title(name: str, shown: int, there: int) -> str:
    return name if shown == there else f"{name}: {shown} of {there}, all with -v"
