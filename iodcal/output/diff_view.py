"""The JSON of `plan --diff`: two plans beside each other."""

from __future__ import annotations

from datetime import datetime

from iodcal.commands.diff import RuleDifferences, RulesComparison
from iodcal.domain.changes import of_window
from iodcal.domain.diff import CircuitDifference
from iodcal.domain.localtime import Interval
from iodcal.domain.windows import Window
from iodcal.output.json import ProblemView, ResultView, View, mbps, problem_views
from iodcal.output.plan_view import (
    CauseView,
    ChangeView,
    FreezeView,
    PlanView,
    change_view,
    freeze_view,
    report_view,
)


class WindowView(CauseView):
    """One window, and what it asks for."""

    window: Interval
    bandwidth_mbps: int
    mode: str
    priority: int


class AlteredView(View):
    before: WindowView
    after: WindowView


class TargetSpanView(View):
    """A span in which both rules ask for another bandwidth."""

    start: datetime
    end: datetime
    before_mbps: int | None
    after_mbps: int | None


class CircuitDifferenceView(View):
    name: str
    same: bool
    in_before: bool
    in_after: bool
    settings: tuple[str, ...]
    windows_gained: tuple[WindowView, ...]
    windows_lost: tuple[WindowView, ...]
    windows_altered: tuple[AlteredView, ...]
    freezes_gained: tuple[FreezeView, ...]
    freezes_lost: tuple[FreezeView, ...]
    changes_added: tuple[ChangeView, ...]
    changes_dropped: tuple[ChangeView, ...]
    targets: tuple[TargetSpanView, ...]


class DifferenceView(View):
    """What differs."""

    file: str
    same: bool
    rules: RuleDifferences
    circuits: tuple[CircuitDifferenceView, ...]
    new_problems: tuple[ProblemView, ...]
    gone_problems: tuple[ProblemView, ...]


class DiffView(ResultView):
    """What `plan --diff` prints: what differs, and both plans whole."""

    now: datetime
    diff: DifferenceView
    before: PlanView
    after: PlanView


def diff_view(comparison: RulesComparison) -> DiffView:
    """The object that `plan --diff` prints."""
    difference = DifferenceView.of(
        comparison,
        file=str(comparison.path),
        circuits=tuple(map(_circuit, comparison.circuits)),
        new_problems=problem_views(comparison.new_problems),
        gone_problems=problem_views(comparison.gone_problems),
    )
    return DiffView.of(
        comparison,
        command="plan",
        now=comparison.after.now,
        diff=difference,
        before=report_view(comparison.before),
        after=report_view(comparison.after),
    )


def _circuit(difference: CircuitDifference) -> CircuitDifferenceView:
    return CircuitDifferenceView.of(
        difference,
        name=difference.plan.circuit.name,
        in_before=difference.before is not None,
        in_after=difference.after is not None,
        windows_gained=tuple(map(_window, difference.gained)),
        windows_lost=tuple(map(_window, difference.lost)),
        windows_altered=tuple(
            AlteredView(before=_window(old), after=_window(new)) for old, new in difference.altered
        ),
        freezes_gained=tuple(map(freeze_view, difference.freezing)),
        freezes_lost=tuple(map(freeze_view, difference.thawing)),
        changes_added=tuple(map(change_view, difference.added)),
        changes_dropped=tuple(map(change_view, difference.dropped)),
        targets=tuple(
            TargetSpanView.of(one.span, before_mbps=mbps(one.before), after_mbps=mbps(one.after))
            for one in difference.targets
        ),
    )


def _window(window: Window) -> WindowView:
    return WindowView.of(
        of_window(window),
        window=window.demand.span,
        bandwidth_mbps=window.bandwidth.mbps,
        mode=window.demand.rule.mode,
        priority=window.priority,
    )
