"""One tenant of a fleet: what became of its run, as one line of JSON and as a row of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from msgspec import field

from iodcal.domain.circuits import Labels
from iodcal.domain.planning import CircuitPlan
from iodcal.output.json import ProblemView, ResultView, View, mbps, problem_views
from iodcal.output.text import for_line
from iodcal.problems.kinds import Severity
from iodcal.result import Report
from iodcal.tenant import run_label


class TenantChangeView(View):
    """A change of one of its circuits; `held` is the reason for which it is held back."""

    circuit: str
    at: datetime
    due: bool
    from_mbps: int | None
    to_mbps: int | None
    held: str | None


class TenantView(ResultView):
    """`error` is what ended the run, in words; `news` what a sync did."""

    installation: str
    file: str
    run_id: str
    code: str | None = None
    error: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    circuits: int = 0
    changes: tuple[TenantChangeView, ...] = ()
    problems: tuple[ProblemView, ...] = ()
    last_run_at: datetime | None = None
    last_run_exit: int | None = None
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        """How many problems are errors; a run that could not be carried through is one more."""
        return sum(one.severity == Severity.ERROR for one in self.problems) + bool(self.error)

    @property
    def next_change(self) -> TenantChangeView | None:
        return min(self.changes, key=lambda change: change.at, default=None)


def tenant_view(path: Path, report: Report, *, news: Iterable[str] = (), labels: Labels = ()) -> TenantView:
    """What became of the tenant whose rules stand at `path`."""
    run = report.last_run
    return TenantView(
        command="fleet",
        installation=for_line(run_label().installation or ""),
        file=str(path),
        run_id=report.run_id,
        exit=int(report.exit),
        news=tuple(news),
        circuits=len(report.plans),
        changes=tuple(one for plan in report.plans for one in _changes(plan)),
        problems=problem_views(report.problems),
        last_run_at=run.started_at if run is not None else None,
        last_run_exit=run.exit if run is not None else None,
        labels=dict(labels),
    )


def tenant_failed(path: Path, status: int, code: str, told: Iterable[str]) -> TenantView:
    """A tenant whose run `told` ended."""
    label = run_label()
    name = for_line(label.installation or path.stem)
    return TenantView(
        command="fleet",
        installation=name,
        file=str(path),
        run_id=label.run_id,
        exit=int(status),
        code=code,
        error=tuple(told),
    )


def _changes(plan: CircuitPlan) -> Iterator[TenantChangeView]:
    for change in plan.changes:
        yield TenantChangeView(
            circuit=plan.circuit.name,
            at=change.at,
            due=change.due,
            from_mbps=mbps(change.old),
            to_mbps=mbps(change.new),
            held=str(change.held.reason) if change.held is not None else None,
        )
