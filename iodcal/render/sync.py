"""What a sync did: a summary on a terminal, and one line per change or problem without one."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from iodcal.domain.changes import Change
from iodcal.domain.orders import Order
from iodcal.domain.planning import CircuitPlan
from iodcal.render.lines import order_line
from iodcal.render.plan import cause_text, print_problems, print_sources, step
from iodcal.render.text import for_terminal
from iodcal.render.when import local_named, relative
from iodcal.result import Report
from iodcal.words.held import HELD


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
        console.print(_next(plan, report))
    print_problems(report, errors)


def _ordered(order: Order, report: Report) -> Text:
    plan = next((plan for plan in report.plans if plan.circuit.key == order.circuit_key), None)
    return Text(order_line(order, plan), style="bold")


def _held(report: Report) -> Iterator[Text]:
    for plan in report.plans:
        due = plan.due
        if due is not None and due.held is not None:
            line = Text.assemble((for_terminal(plan.circuit.name, 32), "bold"), ": ", step(due))
            yield line.append(f" is held back: {HELD[due.held.reason]}")


def _next(plan: CircuitPlan, report: Report) -> Text:
    upcoming = next((change for change in plan.changes if not change.due), None)
    name = for_terminal(plan.circuit.name, 32)
    line = Text.assemble((name, "bold"), f": ordered {plan.standing.ordered or 'nothing yet'}")
    if upcoming is None:
        return line.append("; nothing to come in this window")
    return line.append(f"; next {_coming(upcoming, plan, report)}")


def _coming(change: Change, plan: CircuitPlan, report: Report) -> str:
    at = f"{local_named(change.at, plan.circuit.zone, report.zone)}, {relative(change.at, report.now)}"
    why = [cause_text(cause, plan) for cause in change.causes if cause.ended != change.up]
    reason = f" ({why[0]})" if why else ""
    return f"{'up' if change.up else 'down'} to {change.new} {at}{reason}"
