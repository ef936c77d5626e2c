"""From a plan of the last readings and the history to the page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from iodcal.domain.changes import Cause, Change
from iodcal.domain.localtime import Interval
from iodcal.domain.planning import CircuitPlan
from iodcal.history import Past, PastCause, Stamp
from iodcal.history.conceal import Hidden
from iodcal.history.entries import HELD, Entry, entries_of
from iodcal.problems.kinds import Kind, Problem, Severity
from iodcal.problems.messages import describe, describe_recorded
from iodcal.reportpage import CurrentProblem, Lane, Page, Trouble
from iodcal.reportpage.bars import bars_of, in_rows
from iodcal.reportpage.levels import asked, was
from iodcal.result import Report
from iodcal.state import State

# What a page may hold in all, so that it opens at once for fifty circuits too; shared among the lanes.
_MOST_BARS, _MOST_ENTRIES, _MOST_TROUBLES = 3000, 1500, 1000
_FEW = 12  # what every lane may hold, however many there are
PLANNED, DUE = "to come", "due now"


def page_of(report: Report, past: Past, state: State, hidden: Hidden, back: timedelta) -> Page:
    """The page: `back` to the left of now, the plan's window to the right."""
    window = Interval(report.now - back, report.window.end)
    lanes = tuple(_lane(plan, past, window, report, hidden) for plan in report.plans)
    zones = [plan.circuit.zone for plan in report.plans]
    return Page(
        report.now,
        window,
        max(zones, key=zones.count),
        lanes,
        tuple(_problems(report, state, hidden)),
        report.sources,
        report.last_run,
        report.config_digest,
        report.test,
        past.unreadable,
    )


def _lane(plan: CircuitPlan, past: Past, window: Interval, report: Report, hidden: Hidden) -> Lane:
    circuits = len(report.plans)
    bars, left_out = in_rows(bars_of(past, plan.timeline, window, hidden, now=report.now))
    troubles = [*_troubles(plan, past, window, report.now)]
    happened = [entry for entry in entries_of(past, everything=False) if _belongs(entry, plan, window)]
    most = _share(_MOST_ENTRIES, circuits)
    shown = _share(_MOST_BARS, circuits)
    left_out += max(0, len(bars) - shown) + max(0, len(happened) - most)
    return Lane(
        plan.circuit,
        plan.standing,
        plan.target,
        (
            *was(past, plan.standing, Interval(window.start, report.now)),
            *asked(plan.timeline, Interval(report.now, window.end)),
        ),
        tuple(bars[-shown:]),
        tuple(troubles[-_share(_MOST_TROUBLES, circuits) :]),
        tuple(happened[-most:]),
        tuple(_coming(change, report.now, hidden) for change in plan.changes[:most]),
        left_out,
    )


def _share(most: int, circuits: int) -> int:
    return max(_FEW, most // circuits)


def _belongs(entry: Entry, plan: CircuitPlan, window: Interval) -> bool:
    return entry.concerns(plan.circuit.name) and entry.at in window


def _coming(change: Change, now: datetime, hidden: Hidden) -> Entry:
    """A change to come, in the shape of those that were; one that is due is due now."""
    return Entry(
        "plan",
        max(change.at, now),
        Stamp(now, ""),
        change.circuit,
        change.old,
        change.new,
        HELD if change.held is not None else DUE if change.due else PLANNED,
        str(change.held.reason) if change.held is not None else None,
        change.held.until if change.held is not None else None,
        causes=tuple(_past_cause(cause, hidden) for cause in change.causes),
    )


def _past_cause(cause: Cause, hidden: Hidden) -> PastCause:
    secret = hidden.covers(cause.calendar, cause.rule)
    return PastCause(
        str(cause.kind),
        cause.start,
        cause.end,
        cause.id,
        cause.rule,
        cause.calendar,
        None if secret else cause.subject,
        cause.asks,
        cause.ended,
        cause.labels,
        cause.who,
        cause.note,
    )


def _troubles(plan: CircuitPlan, past: Past, window: Interval, now: datetime) -> Iterator[Trouble]:
    for problem in past.problems:
        if problem.facts.get("circuit") != plan.circuit.name:
            continue
        span = Interval(problem.stamp.at, problem.ended or now)
        if span.start < now and span.overlaps(window):
            yield Trouble(span, describe_recorded(problem.id, problem.facts).message)


def _problems(report: Report, state: State, hidden: Hidden) -> Iterator[CurrentProblem]:
    """What stood when the last run ended, and what the readings of then mean by now; errors first."""
    standing: dict[str, CurrentProblem] = {}
    for key, told in state.told.items():
        if told.over:
            continue
        words = describe_recorded(key, hidden.facts(told.facts))
        standing[key] = CurrentProblem(key, _severity(key), told.since, words.message, words.remedy)
    for problem in report.problems:
        words = describe(Problem(problem.kind, problem.where, hidden.facts(problem.facts)))
        standing[problem.id] = CurrentProblem(
            problem.id, problem.severity, problem.since, words.message, words.remedy
        )
    yield from sorted(standing.values(), key=lambda one: (one.severity is not Severity.ERROR, one.id))


def _severity(id_: str) -> Severity | None:
    try:
        return Problem(Kind(id_.partition(":")[0]), "").severity
    except ValueError:
        return None
