"""What of a run is news: the run's result in, notices out. The same lines as for cron, with facts beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from iodcal.domain.circuits import Orders
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.problems import Fact, Kind, Problem, Severity
from iodcal.errors import IodcalError
from iodcal.notices import Notice, NoticeKind
from iodcal.output.lines import held_line, order_line
from iodcal.output.text import for_line, with_zone
from iodcal.result import CurtainUp, Report
from iodcal.state import Told
from iodcal.words import Words
from iodcal.words.errors import describe as describe_error
from iodcal.words.problems import describe

if TYPE_CHECKING:
    from iodcal.commands import Synced

_BAD = frozenset({Outcome.FAILED, Outcome.REFUSED, Outcome.LOST, Outcome.OVERDUE, Outcome.UNKNOWN})


def news_of(synced: Synced) -> tuple[Notice, ...]:
    """The notices of a run, problems first."""
    report, telling = synced.report, synced.telling
    return (
        *(_problem(problem, report, "") for problem in telling.new),
        *(_problem(problem, report, "Changed: ") for problem in telling.changed),
        *(_problem(problem, report, "Still: ") for problem in telling.reminded),
        *(_curtain_up(seen, report) for seen in report.curtain_ups),
        *orders_of(report, report.orders),
        *(_held(plan, report) for plan in synced.newly_held if plan.due is not None),
        *(_recovered(gone, report) for gone in telling.cleared),
    )


def orders_of(report: Report, orders: Iterable[Order]) -> Iterator[Notice]:
    """The notices of those of `orders` that are news."""
    by_key = {plan.circuit.key: plan for plan in report.plans}
    for order in orders:
        if order.outcome is not Outcome.PENDING:
            yield Notice(
                NoticeKind.CHANGE,
                f"order:{order.external_id}",
                "warning" if order.outcome in _BAD else "info",
                _title(f"{order.circuit}: {order.direction} to {order.new} {order.outcome}", report),
                order_line(order, by_key.get(order.circuit_key)),
                report.now,
                report.run_id,
                circuits=(order.circuit,),
            )


def failure_of(error: Exception, at: datetime, run_id: str) -> Notice:
    """The notice of a run that `error` ended before it was carried through."""
    code, words = "bug", Words("This is a bug in iodcal", "Run iodcal sync by hand, and report what it says")
    if isinstance(error, IodcalError):
        code, words = error.code, describe_error(error)
    return Notice(
        NoticeKind.PROBLEM,
        f"run:{code}",
        str(Severity.ERROR),
        "The run could not be carried through",
        for_line(words.message),
        at,
        run_id,
        for_line(words.remedy),
    )


def recovery_of(failure: str, at: datetime, run_id: str) -> Notice:
    """The notice that runs are carried through again; `failure` is the id of what kept them from it."""
    title = "Runs are carried through again"
    return Notice(NoticeKind.RECOVERED, failure, "info", title, title, at, run_id)


def _title(text: str, report: Report) -> str:
    return for_line(f"TEST: {text}" if report.test else text)


def _problem(problem: Problem, report: Report, mark: str) -> Notice:
    words = describe(problem)
    name = str(problem.kind).replace("_", " ")
    about = circuits_of(problem.facts)
    place = f" ({', '.join(about)})" if about else ""
    return Notice(
        NoticeKind.PROBLEM,
        problem.id,
        str(problem.severity),
        _title(f"{mark}{name}{place}", report),
        for_line(words.message),
        report.now,
        report.run_id,
        for_line(words.remedy),
        about,
    )


def _recovered(gone: Told, report: Report) -> Notice:
    about = circuits_of(gone.facts)
    name = gone.kind.replace("_", " ")
    place = f" ({', '.join(about)})" if about else ""
    return Notice(
        NoticeKind.RECOVERED,
        f"{gone.kind}:{gone.where}",
        "info",
        _title(f"Recovered: {name}{place}", report),
        for_line(f"It is over: {_words_of(gone)}"),
        report.now,
        report.run_id,
        circuits=about,
    )


def _words_of(gone: Told) -> str:
    try:
        kind = Kind(gone.kind)
    except ValueError:
        return f"{gone.kind} {gone.where}"  # told by another version
    return describe(Problem(kind, gone.where, gone.facts)).message


def _curtain_up(seen: CurtainUp, report: Report) -> Notice:
    name = f'"{seen.subject}"' if seen.subject else f"an event of the rule {seen.rule}"
    state = "is ready" if seen.ready else "is late"
    at = with_zone(seen.start, seen.zone)
    return Notice(
        NoticeKind.READY if seen.ready else NoticeKind.LATE,
        f"curtain_up:{seen.circuit}/{seen.rule}/{seen.start:%Y-%m-%dT%H:%MZ}",
        "info" if seen.ready else str(Severity.ERROR),
        _title(f"{seen.circuit} {state}", report),
        for_line(f"{seen.circuit} {state} for {name}, {at}: it needs {seen.needs} and {_has(seen)}"),
        report.now,
        report.run_id,
        circuits=(seen.circuit,),
    )


def _has(seen: CurtainUp) -> str:
    return f"has {seen.running}" if seen.running is not None else "nobody knows what it has"


def _held(plan: CircuitPlan, report: Report) -> Notice:
    due = plan.due
    assert due is not None  # noqa: S101 - only what is due is held back
    return Notice(
        NoticeKind.CHANGE,
        f"held:{plan.circuit.name}/{due.new.mbps}",
        "info" if plan.circuit.orders is Orders.NONE else "warning",
        _title(f"{plan.circuit.name}: {due.direction} to {due.new} held back", report),
        held_line(plan, due),
        report.now,
        report.run_id,
        circuits=(plan.circuit.name,),
    )


def circuits_of(facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """The circuits that a problem is about, by its facts; none where it is about the whole."""
    named = facts.get("circuit") or facts.get("circuits") or ""
    return tuple(name for name in str(named).split(", ") if name)
