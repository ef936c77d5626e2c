"""The daily summary: what is ordered, what comes, what is wrong, and the titles that no rule took."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from iodcal.config import NotifyTarget
from iodcal.domain.changes import Change
from iodcal.domain.planning import CircuitPlan
from iodcal.notices import Notice, NoticeKind
from iodcal.output.text import for_line, for_terminal, local
from iodcal.result import Report

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
        severity,
        f"{'TEST: ' if report.test else ''}iodcal on {day:%A}: {_count(problems, 'problem')}",
        for_line("; ".join([*_circuits(plans, report), *_untaken(report)])),
        report.now,
        report.run_id,
        circuits=tuple(plan.circuit.name for plan in plans),
    )


def _circuits(plans: list[CircuitPlan], report: Report) -> Iterator[str]:
    for plan in plans:
        coming = [change for change in plan.changes if change.at < report.now + _AHEAD]
        steps = ", ".join(_step(change, plan) for change in coming) or "no change"
        whose = f" ({plan.circuit.zone.key})" if any(not change.due for change in coming) else ""
        level = plan.standing.ordered or "nothing yet"
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
    return f"no {what}" if number == 0 else f"{number} {what}" if number == 1 else f"{number} {what}s"
