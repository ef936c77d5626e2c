"""What of a run is news: the run's result in, notices out. The same lines as for cron, with facts beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from iodcal.config import NotifyTarget
from iodcal.domain.changes import Change
from iodcal.domain.circuits import Orders
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.service_level import Readiness
from iodcal.domain.structs import Fact
from iodcal.errors import IodcalError
from iodcal.messages import Words, counted
from iodcal.messages.errors import describe as describe_error
from iodcal.notify import Notice, NoticeKind
from iodcal.output.lines import held_line, order_line
from iodcal.output.text import for_line, for_terminal, local, with_zone
from iodcal.pipeline.alerts import orders_to_tell
from iodcal.problems.at_risk import PreflightCheck
from iodcal.problems.kinds import Kind, Problem, Severity
from iodcal.problems.messages import describe, late_words
from iodcal.result import Report
from iodcal.store.state import AlertRecord

if TYPE_CHECKING:
    from iodcal.commands.sync import Synced


# While an order is expected, or at risk, the last word is to come; `event_at_risk` tells of the latter.
_CHECKED = {Readiness.READY: NoticeKind.READY, Readiness.LATE: NoticeKind.LATE}
_BAD = frozenset({Outcome.FAILED, Outcome.REFUSED, Outcome.LOST, Outcome.OVERDUE, Outcome.UNKNOWN})


def news_of(synced: Synced) -> tuple[Notice, ...]:
    """The notices of a run, problems first."""
    report, telling = synced.report, synced.telling
    return (
        *(_problem(problem, report, "") for problem in telling.new),
        *(_problem(problem, report, "Changed: ") for problem in telling.changed),
        *(_problem(problem, report, "Still: ") for problem in telling.reminded),
        *(_check(seen, report) for seen in report.preflight_checks if seen.readiness in _CHECKED),
        *orders_of(report, orders_to_tell(report, telling, report.orders)),
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
                severity="warning" if order.outcome in _BAD else "info",
                title=_title(f"{order.circuit}: {order.direction} to {order.new} {order.outcome}", report),
                text=order_line(order, by_key.get(order.circuit_key)),
                at=report.now,
                run_id=report.run_id,
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
        severity=str(Severity.ERROR),
        title="The run could not be carried through",
        text=for_line(words.message),
        at=at,
        run_id=run_id,
        remedy=for_line(words.remedy),
    )


def recovery_of(failure: str, at: datetime, run_id: str) -> Notice:
    """The notice that runs are carried through again; `failure` is the id of what kept them from it."""
    title = "Runs are carried through again"
    return Notice(
        NoticeKind.RECOVERED, failure, severity="info", title=title, text=title, at=at, run_id=run_id
    )


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
        severity=str(problem.severity),
        title=_title(f"{mark}{name}{place}", report),
        text=for_line(words.message),
        at=report.now,
        run_id=report.run_id,
        remedy=for_line(words.remedy),
        circuits=about,
    )


def _recovered(gone: AlertRecord, report: Report) -> Notice:
    about = circuits_of(gone.facts)
    name = gone.kind.replace("_", " ")
    place = f" ({', '.join(about)})" if about else ""
    return Notice(
        NoticeKind.RECOVERED,
        f"{gone.kind}:{gone.where}",
        severity="info",
        title=_title(f"Recovered: {name}{place}", report),
        text=for_line(f"It is over: {_words_of(gone)}"),
        at=report.now,
        run_id=report.run_id,
        circuits=about,
    )


def _words_of(gone: AlertRecord) -> str:
    try:
        kind = Kind(gone.kind)
    except ValueError:
        return f"{gone.kind} {gone.where}"  # told by another version
    return describe(Problem(kind, gone.where, gone.facts)).message


def _check(check: PreflightCheck, report: Report) -> Notice:
    circuit = check.event.circuit
    name = f'"{check.subject}"' if check.subject else f"an event of the rule {check.event.rule}"
    late = check.readiness is Readiness.LATE
    text = f"{circuit} is {check.readiness} for {name}, {with_zone(check.event.start, check.zone)}: it needs "
    words = late_words(check.cause, circuit)
    return Notice(
        _CHECKED[check.readiness],
        f"curtain_up:{check.event.place}",
        severity=str(Severity.ERROR) if late else "info",
        title=_title(f"{circuit} is {check.readiness}", report),
        text=for_line(f"{text}{check.needs} and {_has(check)}" + (f" ({words.message})" if late else "")),
        at=report.now,
        run_id=report.run_id,
        remedy=for_line(words.remedy) if late else "",
        circuits=(circuit,),
    )


def _has(check: PreflightCheck) -> str:
    return f"has {check.running}" if check.running is not None else "nobody knows what it has"


def _held(plan: CircuitPlan, report: Report) -> Notice:
    due = plan.due
    assert due is not None  # noqa: S101 - only what is due is held back
    return Notice(
        NoticeKind.CHANGE,
        f"held:{plan.circuit.name}/{due.new.mbps}",
        severity="info" if plan.circuit.orders is Orders.NONE else "warning",
        title=_title(f"{plan.circuit.name}: {due.direction} to {due.new} held back", report),
        text=held_line(plan, due),
        at=report.now,
        run_id=report.run_id,
        circuits=(plan.circuit.name,),
    )


def circuits_of(facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """The circuits that a problem is about, by its facts; none where it is about the whole."""
    named = facts.get("circuit") or facts.get("circuits") or ""
    return tuple(name for name in str(named).split(", ") if name)


_AHEAD = timedelta(hours=24)
_MOST_TITLES = 20
_LONGEST_TITLE = 80


def day_due(last: date | None, at: time, now: datetime, zone: ZoneInfo) -> date | None:
    """The local day whose summary is due at `now`; None where it went out, or its time has not come."""
    here = now.astimezone(zone)
    if here.time().replace(tzinfo=None) < at or (last is not None and last >= here.date()):
        return None
    return here.date()


def summary(report: Report, target: NotifyTarget, day: date) -> Notice:
    """What `target` is told of the circuits that it selects."""
    plans = [p for p in report.plans if target.circuits is None or p.circuit.name in target.circuits]
    problems = len(report.problems)
    severity = "warning" if problems else "info"
    return Notice(
        NoticeKind.DAILY,
        f"daily:{day.isoformat()}",
        severity=severity,
        title=f"{'TEST: ' if report.test else ''}iodcal on {day:%A}: {_count(problems, 'problem')}",
        text=for_line("; ".join([*_circuits(plans, report), *_untaken(report)])),
        at=report.now,
        run_id=report.run_id,
        circuits=tuple(plan.circuit.name for plan in plans),
    )


def _circuits(plans: list[CircuitPlan], report: Report) -> Iterator[str]:
    for plan in plans:
        coming = [change for change in plan.changes if change.at < report.now + _AHEAD]
        steps = ", ".join(_step(change, plan) for change in coming) or "no change"
        whose = f" ({plan.circuit.zone.key})" if any(not change.due for change in coming) else ""
        level = plan.circuit_state.ordered or "nothing yet"
        yield f"{plan.circuit.name} is ordered at {level}, next day{whose}: {steps}"


def _step(change: Change, plan: CircuitPlan) -> str:
    when = "now" if change.due else local(change.at, plan.circuit.zone)
    return f"{when} {change.direction} to {change.new}"


def _untaken(report: Report) -> Iterator[str]:
    titles = [f'"{for_terminal(title, _LONGEST_TITLE)}"' for title in report.untaken]
    if titles:
        more = f" and {len(titles) - _MOST_TITLES} more" if len(titles) > _MOST_TITLES else ""
        yield f"no rule took {', '.join(titles[:_MOST_TITLES])}{more}"


def _count(number: int, what: str) -> str:
    return f"no {what}" if number == 0 else counted(number, what)
