"""What is known without asking anybody, as tables."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from iodcal.domain.planning import CircuitPlan
from iodcal.render.plan import print_problems, print_sources
from iodcal.render.text import for_line, for_terminal
from iodcal.render.when import local_named, relative, rough
from iodcal.render.wishes import wishes_of
from iodcal.result import Report, TargetReport


def print_status(report: Report, console: Console, errors: Console) -> None:
    """Shows circuits, calendars and the last run on `console`, and what is not well on `errors`."""
    print_sources(report, console)
    console.print()
    console.print(_circuits(report))
    for plan in report.plans:
        for line in wishes_of(plan, report.now):
            foreign = plan.circuit.zone.key != report.zone.key
            whose = f" (times of {plan.circuit.zone.key})" if foreign else ""
            name = (for_terminal(plan.circuit.name, 32), "bold")
            console.print(Text.assemble(name, (whose, "dim"), f": {line}"))
    console.print()
    console.print(_last_run(report))
    for target in report.notices:
        if target.failing_since is not None:
            console.print(_failing(target, report))
    print_problems(report, errors)


def _circuits(report: Report) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for header in ("circuit", "ordered", "read", "asked for", "next change", "order"):
        table.add_column(header, overflow="fold")
    for plan in report.plans:
        table.add_row(
            Text(for_terminal(plan.circuit.name, 32), style="bold"),
            Text(str(plan.standing.ordered or "nothing yet")),
            _reading(plan, report),
            Text(str(plan.target)),
            _next(plan, report),
            _order(plan, report),
        )
    return table


def _reading(plan: CircuitPlan, report: Report) -> Text:
    reading = plan.standing.reading
    if reading is None:
        return Text("never")
    shown = str(reading.bandwidth or for_terminal(reading.status_text, 24))
    text = Text(f"{shown} {relative(reading.at, report.now)}")
    if plan.standing.drift is not None:
        text.append(" drift", "bold")
    return text


def _next(plan: CircuitPlan, report: Report) -> Text:
    upcoming = next(iter(plan.changes), None)
    if upcoming is None:
        known = plan.standing.ordered is not None or plan.standing.reading is not None
        return Text("none in sight" if known else "not known", style="dim")
    when = "due now" if upcoming.due else local_named(upcoming.at, plan.circuit.zone, report.zone)
    held = f" (held: {upcoming.held.reason})" if upcoming.held else ""
    return Text(f"{when} {'up' if upcoming.up else 'down'} to {upcoming.new}{held}")


def _order(plan: CircuitPlan, report: Report) -> Text:
    order = plan.standing.order
    if order is None:
        return Text("none open", style="dim")
    age = rough(report.now - order.created_at)
    return Text(f"{order.outcome} to {order.new}, {age} old", style="bold")


def _last_run(report: Report) -> Text:
    run = report.last_run
    if run is None:
        return Text("no run yet: iodcal sync makes the first")
    result = "all calendars read" if run.good else "not every calendar could be read"
    return Text(f"last run {relative(run.started_at, report.now)}: {result}, exit status {run.exit}")


def _failing(target: TargetReport, report: Report) -> Text:
    since = target.failing_since or report.now
    waiting = f" ({target.waiting} wait)" if target.waiting else ""
    return Text.assemble(
        "notices to ",
        (for_terminal(target.target, 32), "bold"),
        f" have failed for {rough(report.now - since)}{waiting}: {for_line(target.fault)}",
    )
