"""One line per order, change or problem: for cron's mail and for logs. Needs no rich."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from iodcal.domain.changes import Cause, CauseKind, Change
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.planning import CircuitPlan
from iodcal.messages import Words
from iodcal.messages.files import WAITED_OUT, lost
from iodcal.output.overrides import by_whom
from iodcal.output.text import for_line, span_with_zone, with_zone
from iodcal.pipeline.alerts import AlertDecision, orders_to_tell
from iodcal.problems.kinds import Problem, Severity
from iodcal.problems.messages import describe_together
from iodcal.result import Report

if TYPE_CHECKING:
    from iodcal.commands.sync import Synced

_NAMED = 3  # causes in one line
NOTICE = 25  # a log level between INFO and WARNING: what is good to know


def order_line(order: Order, plan: CircuitPlan | None) -> str:
    """`den-a: up 100 Mbps to 1 Gbps accepted (io...) for "All-Hands" 09:00-10:00 MST`. The zone
    is named since no heading goes before it in a mail or a log."""
    ids = (
        f"{order.external_id}, order {order.carrier_order_id}"
        if order.carrier_order_id
        else order.external_id
    )
    line = f"{order.circuit}: {order.direction} {order.old} to {order.new} {order.outcome} ({ids})"
    due = plan.due if plan is not None else None
    if plan is None or due is None or due.new != order.new or order.outcome is Outcome.CONFIRMED:
        return for_line(line)
    why = [cause_in_line(cause, plan) for cause in due.causes if cause.ended != due.up]
    relation = "for" if due.up else "after"
    return for_line(f"{line} {relation} {', '.join(why[:_NAMED])}" if why else line)


def sync_lines(synced: Synced) -> Iterator[tuple[str, Order | None]]:
    """A line per order that is news, with the order, and per change that is held back since this run; none
    otherwise."""
    report = synced.report
    by_key = {plan.circuit.key: plan for plan in report.plans}
    told = orders_to_tell(report, synced.telling, report.orders)
    news = [order for order in told if _is_news(order, by_key.get(order.circuit_key), report.run_id)]
    lines: list[tuple[str, Order | None]] = [
        (order_line(order, by_key.get(order.circuit_key)), order) for order in news
    ]
    lines += [(held_line(plan, plan.due), None) for plan in synced.newly_held if plan.due is not None]
    if lines and report.test:
        yield "TEST environment", None
    yield from lines


def _is_news(order: Order, plan: CircuitPlan | None, run_id: str) -> bool:
    """A change is told once, when it is ordered; and again when it is done only where it took longer than it
    should, or where nobody knew whether it would come."""
    if order.outcome is not Outcome.CONFIRMED or order.run_id == run_id:
        return True
    took = (order.settled_at or order.created_at) - order.created_at
    return order.accepted_at is None or plan is None or took > plan.circuit.provisioning


def held_line(plan: CircuitPlan, change: Change) -> str:
    """`den-a: up 100 Mbps to 1 Gbps held back (observe)`."""
    reason = change.held.reason if change.held else ""
    return for_line(
        f"{plan.circuit.name}: {change.direction} {change.old} to {change.new} held back ({reason})"
    )


def problem_line(problem: Problem, words: Words, state: str = "") -> str:
    """`error: den-a will not be at 1 Gbps ... Remedy`, with `state` such as `changed` behind its label."""
    mark = f" ({state})" if state else ""
    return for_line(f"{problem.severity}{mark}: {words.message}. {words.remedy}")


def problem_lines(report: Report, telling: AlertDecision, *, everything: bool) -> Iterator[tuple[int, str]]:
    """The problems that are to be told now, or with `everything` all there are; each with its log level."""
    if everything:
        yield from _levelled(report.problems)
    else:
        yield from _levelled(telling.new)
        yield from _levelled(telling.changed, "changed")
        yield from _levelled(telling.reminded, "still")
    for gone in telling.cleared:
        yield NOTICE, for_line(f"recovered: {gone.kind} {gone.where}")


def waited_lines(report: Report) -> Iterator[str]:
    """Of a wait that ran out: what is open, since when, and what comes next."""
    if not report.waited_out:
        return
    zones = {plan.circuit.key: plan.circuit.zone for plan in report.plans}
    for order in report.orders:
        if order.outcome.open:
            since = with_zone(order.created_at, zones.get(order.circuit_key, report.zone))
            yield for_line(f"still open: {order_line(order, None)}, since {since}")
    yield WAITED_OUT


def late_lines(report: Report, telling: AlertDecision, *, everything: bool) -> Iterator[tuple[int, str]]:
    """What is known only once `problem_lines` were said: where a state went that could not be saved, and with
    `everything` the problems that waiting for orders found."""
    if everything:
        yield from _levelled(problem for problem in report.problems if problem.id not in telling.told)
    yield from ((logging.ERROR, line) for line in waited_lines(report))
    yield from ((logging.ERROR, f"error: {lost_state_text(place)}") for place in report.lost_state)


def _levelled(problems: Iterable[Problem], state: str = "") -> Iterator[tuple[int, str]]:
    for problem, words in describe_together(problems):
        level = logging.ERROR if problem.severity is Severity.ERROR else logging.WARNING
        yield level, problem_line(problem, words, state)


def lost_state_text(place: str) -> str:
    """What to do where the state could not be saved in its own place after an order was taken."""
    words = lost(place)
    return for_line(f"{words.message}. {words.remedy}")


def cause_in_line(cause: Cause, plan: CircuitPlan) -> str:
    """A cause for a line that stands by itself: `"All-Hands" 09:00-10:00 MST`."""
    if cause.kind == CauseKind.BASELINE:
        return "the baseline"
    if cause.kind == CauseKind.HOLD:
        return f"a hold {by_whom(cause.who or '', cause.note or '')}"
    name = f'"{cause.subject}"' if cause.subject else f"the rule {cause.rule}"
    return f"{name} {span_with_zone(cause.start, cause.end, plan.circuit.zone)}"
