"""What is known without asking anybody, and what a sync did, as tables and lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from iodcal.domain.changes import Change
from iodcal.domain.orders import Order
from iodcal.domain.planning import CircuitPlan
from iodcal.messages.carriers import HELD
from iodcal.output.lines import order_line, waited_lines
from iodcal.output.overrides import own_wishes
from iodcal.output.overview import overview_lines
from iodcal.output.plan import cause_text, print_problems, print_sources, step
from iodcal.output.text import for_line, for_terminal, local_named, relative, rough
from iodcal.result import Report, TargetReport
from iodcal.tenant import run_label


def print_status(report: Report, console: Console, errors: Console) -> None:
    """Shows circuits, calendars and the last run on `console`, and what is not well on `errors`."""
    for glance in overview_lines(report):
        console.print(glance)
    print_sources(report, console)
    console.print()
    console.print(_circuits(report))
    for plan in report.plans:
        for line in own_wishes(plan, report):
            foreign = plan.circuit.zone.key != report.zone.key
            whose = f" (times of {plan.circuit.zone.key})" if foreign else ""
            name = (for_line(plan.circuit.name), "bold")
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
            Text(for_line(plan.circuit.name), style="bold"),
            Text(str(plan.circuit_state.ordered or "nothing yet")),
            _reading(plan, report),
            Text(str(plan.target)),
            _next(plan, report),
            _order(plan, report),
        )
    return table


def _reading(plan: CircuitPlan, report: Report) -> Text:
    reading = plan.circuit_state.reading
    if reading is None:
        return Text("never")
    shown = str(reading.bandwidth or for_terminal(reading.status_text, 24))
    text = Text(f"{shown} {relative(reading.at, report.now)}")
    if plan.circuit_state.drift is not None:
        text.append(" drift", "bold")
    return text


def _next(plan: CircuitPlan, report: Report) -> Text:
    upcoming = next(iter(plan.changes), None)
    if upcoming is None:
        known = plan.circuit_state.ordered is not None or plan.circuit_state.reading is not None
        return Text("none in sight" if known else "not known", style="dim")
    when = "due now" if upcoming.due else local_named(upcoming.at, plan.circuit.zone, report.zone)
    held = f" (held: {upcoming.held.reason})" if upcoming.held else ""
    return Text(f"{when} {'up' if upcoming.up else 'down'} to {upcoming.new}{held}")


def _order(plan: CircuitPlan, report: Report) -> Text:
    order = plan.circuit_state.order
    if order is None:
        return Text("none open", style="dim")
    age = rough(report.now - order.created_at)
    return Text(f"{order.outcome} to {order.new}, {age} old", style="bold")


def _last_run(report: Report) -> Text:
    run = report.last_run
    if run is None:
        return Text(f"no run yet of {_installation()}: iodcal sync makes the first")
    result = "all calendars read" if run.good else "not every calendar could be read"
    when = relative(run.started_at, report.now)
    return Text(f"last run of {_installation()} {when}: {result}, exit status {run.exit}")


def _installation() -> str:
    return for_terminal(run_label().installation or "iodcal", 32)


def _failing(target: TargetReport, report: Report) -> Text:
    since = target.failing_since or report.now
    waiting = f" ({target.waiting} wait)" if target.waiting else ""
    return Text.assemble(
        "notices to ",
        (for_line(target.target), "bold"),
        f" have failed for {rough(report.now - since)}{waiting}: {for_line(target.fault)}",
    )


def print_sync(report: Report, console: Console, errors: Console) -> None:
    """Shows what was done, what waits, and what comes next."""
    print_sources(report, console)
    console.print()
    for order in report.orders:
        console.print(_ordered(order, report))
    for line in _held(report):
        console.print(line)
    if not any(plan.due for plan in report.plans):
        console.print(Text("Nothing to do: every circuit is ordered as it should be.", style="bold"))
    for plan in report.plans:
        console.print(_to_come(plan, report))
    print_problems(report, errors)
    for still in waited_lines(report):
        errors.print(Text(still, style="bold"))


def _ordered(order: Order, report: Report) -> Text:
    plan = next((plan for plan in report.plans if plan.circuit.key == order.circuit_key), None)
    return Text(order_line(order, plan), style="bold")


def _held(report: Report) -> Iterator[Text]:
    for plan in report.plans:
        due = plan.due
        if due is not None and due.held is not None:
            line = Text.assemble((for_line(plan.circuit.name), "bold"), ": ", step(due))
            yield line.append(f" is held back: {HELD[due.held.reason]}")


def _to_come(plan: CircuitPlan, report: Report) -> Text:
    upcoming = next((change for change in plan.changes if not change.due), None)
    name = for_line(plan.circuit.name)
    line = Text.assemble((name, "bold"), f": ordered {plan.circuit_state.ordered or 'nothing yet'}")
    if upcoming is None:
        return line.append("; nothing to come in this window")
    return line.append(f"; next {_coming(upcoming, plan, report)}")


def _coming(change: Change, plan: CircuitPlan, report: Report) -> str:
    at = f"{local_named(change.at, plan.circuit.zone, report.zone)}, {relative(change.at, report.now)}"
    why = [cause_text(cause, plan) for cause in change.causes if cause.ended != change.up]
    reason = f" ({why[0]})" if why else ""
    return f"{'up' if change.up else 'down'} to {change.new} {at}{reason}"
