"""A fleet for people: who is in trouble first, then whose circuits change next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from iodcal.domain.bandwidth import Bandwidth
from iodcal.output.fleet_view import TenantChangeView, TenantView
from iodcal.output.text import for_line, for_terminal, relative

_NAME, _CIRCUIT = 20, 16  # characters
_WIDE = 100  # columns, from which on all is shown
_FAR = datetime.max.replace(tzinfo=UTC)


def print_fleet(tenants: Sequence[TenantView], console: Console, rows: int | None) -> None:
    """A row for each tenant; no more than `rows`, where that is given: the rest is counted."""
    now = datetime.now(UTC)
    ranked = sorted(tenants, key=_rank)
    shown = ranked if rows is None or len(ranked) <= rows else ranked[: max(1, rows - 1)]
    wide = console.width >= _WIDE
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", expand=True)
    cells = [list(_cells(view, now, wide=wide)) for view in shown]
    headers = ("tenant", *(("circuits", "last run") if wide else ()), "next change")
    for number, header in enumerate(headers):
        width = max(len(header), *(row[number].cell_len for row in cells), 0)
        table.add_column(header, no_wrap=True, min_width=width, max_width=width)
    table.add_column("trouble", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in cells:
        table.add_row(*row)
    console.print(table)
    console.print(Text(_sum(ranked, shown), style="dim"))


def _cells(view: TenantView, now: datetime, *, wide: bool) -> Iterator[Text]:
    yield Text(for_terminal(view.installation, _NAME), style="bold")
    if wide:
        yield Text(str(view.circuits))
        yield Text(relative(view.last_run_at, now) if view.last_run_at else "never")
    yield Text(_next(view.next_change, now, wide=wide))
    yield Text(_trouble(view), style="bold" if view.errors else "dim")


def _rank(view: TenantView) -> tuple[bool, int, int, datetime, str]:
    change = view.next_change
    return not view.error, -view.errors, -len(view.problems), change.at if change else _FAR, view.installation


def _next(change: TenantChangeView | None, now: datetime, *, wide: bool) -> str:
    if change is None:
        return "none"
    when = "now" if change.due else relative(change.at, now)
    circuit = f" {for_terminal(change.circuit, _CIRCUIT)}" if wide else ""
    return f"{when}{circuit} to {_bandwidth(change.to_mbps)}"


def _trouble(view: TenantView) -> str:
    told = [*view.error, *(problem.message for problem in view.problems)]
    if not told:
        return "none"
    more = f"{len(told)}: " if len(told) > 1 else ""
    return more + for_line(told[0])


def _sum(tenants: Sequence[TenantView], shown: Sequence[TenantView]) -> str:
    errors = sum(bool(view.errors) for view in tenants)
    hidden = len(tenants) - len(shown)
    left = f"; {hidden} not shown (-v: all)" if hidden else ""
    return f"{len(tenants)} tenants, {errors} in trouble{left}"


def print_changes(tenants: Iterable[TenantView], console: Console, *, due: bool) -> None:
    """A line for each change of each tenant; with `due` only for those that would be ordered now."""
    now, number = datetime.now(UTC), 0
    for view in sorted(tenants, key=_rank):
        for line in (*_faults(view), *_changes(view, now, due=due)):
            number += 1
            console.print(Text.assemble((for_line(view.installation), "bold"), f": {line}"), soft_wrap=True)
    if not number:
        console.print(Text("Nothing is due." if due else "No change is in sight.", style="bold"))


def _faults(view: TenantView) -> Iterator[str]:
    yield from map(for_line, view.error)


def _changes(view: TenantView, now: datetime, *, due: bool) -> Iterator[str]:
    for change in sorted(view.changes, key=lambda one: one.at):
        if change.due or not due:
            held = f" (held: {change.held})" if change.held else ""
            when = "now" if change.due else relative(change.at, now)
            step = f"{_bandwidth(change.from_mbps)} to {_bandwidth(change.to_mbps)}"
            yield f"{for_line(change.circuit)} {step} {when}{held}"


def _bandwidth(mbps: int | None) -> str:
    return str(Bandwidth(mbps)) if mbps is not None else "?"
