"""The JSON of `explain`: why circuits are asked for what they are, and what the rules make of events."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from iodcal.commands.explain import ExplainedCircuits, ExplainedEvents
from iodcal.domain.changes import of_stretch, of_window
from iodcal.domain.events import occurrence_id
from iodcal.domain.explain import CircuitEvaluation, EventEvaluation, Explanation, Part, RuleEvaluation
from iodcal.domain.localtime import Interval
from iodcal.messages.results import OBSTACLES
from iodcal.output.json import ProblemView, ResultView, View, mbps, problem_views
from iodcal.output.plan_view import (
    CauseView,
    ChangeView,
    FreezeView,
    HoldView,
    LeftOutView,
    OrderView,
    PauseView,
    ReportView,
    cause_views,
    change_view,
    left_out_views,
    order_view,
    report_view,
    wishes_views,
)
from iodcal.output.unmatched_view import FindingView, finding_view


class DemandView(CauseView):
    """One window, and the part that it plays."""

    role: str
    bandwidth_mbps: int
    needs_mbps: int
    mode: str
    priority: int
    window: Interval


class BaselineView(CauseView):
    """The baseline, and the part that it plays."""

    role: str
    bandwidth_mbps: int
    needs_mbps: int
    peak: bool


class KeptView(View):
    """Why a circuit stays above what is asked for."""

    level_mbps: int
    looked_until: datetime
    causes: tuple[CauseView, ...]


class ExplanationView(View):
    name: str
    at: datetime
    timezone: str
    target_mbps: int
    since: datetime
    until: datetime
    demands: tuple[DemandView, ...]
    baseline: BaselineView
    level_mbps: int | None
    ordered_mbps: int | None
    open_order: OrderView | None
    kept_up: KeptView | None
    hold: HoldView | None
    pause: PauseView | None
    freezes: tuple[FreezeView, ...]
    changes: tuple[ChangeView, ...]
    left_out: tuple[LeftOutView, ...]


ExplainedCircuitsView: TypeAlias = ReportView[ExplanationView]


class TriedCircuitView(View):
    """What one rule makes of an event on one circuit."""

    circuit: str
    timezone: str
    start: datetime
    end: datetime
    skipped_by_clock: bool
    conditions: tuple[FindingView, ...]
    matched: bool
    bandwidth_mbps: int | None
    window: Interval | None
    gives_way_to: str | None


class TriedRuleView(View):
    """What one rule makes of an event."""

    rule: str
    matched: bool
    conditions: tuple[FindingView, ...]
    names_no_bandwidth: bool
    names_no_circuit: bool
    circuits: tuple[TriedCircuitView, ...]


class TriedEventView(View):
    """What the rules make of an event."""

    calendar: str
    source: str
    subject: str | None
    start: datetime
    end: datetime
    all_day: bool
    counts: bool
    obstacle: str | None
    obstacle_message: str | None
    matched: bool
    id: str
    rules: tuple[TriedRuleView, ...]


class ExplainedEventsView(ResultView):
    """What `explain --event`, `--calendar` and `--subject` print."""

    now: datetime
    window: Interval
    text: str | None
    tried: bool
    searched: int
    hidden: int
    events: tuple[TriedEventView, ...]
    problems: tuple[ProblemView, ...]


def circuits_view(explained: ExplainedCircuits) -> ExplainedCircuitsView:
    """The object that `explain [CIRCUIT]` prints."""
    return ExplainedCircuitsView.of(
        report_view(explained.report),
        command="explain",
        at=explained.at,
        circuits=tuple(map(_explanation, explained.explanations)),
    )


def _explanation(explanation: Explanation) -> ExplanationView:
    plan, kept, circuit_state = explanation.plan, explanation.kept, explanation.plan.circuit_state
    now_known = circuit_state.order is not None and not explanation.past
    hold, pause, freezes = wishes_views(plan, explanation.now)
    return ExplanationView.of(
        explanation,
        name=plan.circuit.name,
        timezone=plan.circuit.zone.key,
        target_mbps=explanation.segment.target.mbps,
        since=explanation.lasts.start,
        until=explanation.lasts.end,
        demands=tuple(map(_demand, explanation.parts)),
        baseline=_baseline(explanation),
        ordered_mbps=None if explanation.past else mbps(circuit_state.ordered),
        open_order=order_view(circuit_state.order) if circuit_state.order is not None and now_known else None,
        kept_up=KeptView.of(kept, looked_until=kept.sight.end, causes=cause_views(kept.causes))
        if kept is not None
        else None,
        hold=hold,
        pause=pause,
        freezes=freezes,
        changes=tuple(change_view(change) for change in explanation.changes),
        left_out=left_out_views(plan),
    )


def _baseline(explanation: Explanation) -> BaselineView:
    ground = explanation.ground
    return BaselineView.of(
        of_stretch(ground.stretch),
        role=ground.role,
        bandwidth_mbps=ground.stretch.bandwidth.mbps,
        needs_mbps=ground.needs.mbps,
        peak=ground.stretch.peak,
    )


def _demand(part: Part) -> DemandView:
    window = part.window
    return DemandView.of(
        of_window(window),
        role=part.role,
        bandwidth_mbps=window.bandwidth.mbps,
        needs_mbps=part.needs.mbps,
        mode=window.demand.rule.mode,
        priority=window.priority,
        window=window.demand.span,
    )


def events_view(explained: ExplainedEvents) -> ExplainedEventsView:
    """The object that `explain --event`, `--calendar` and `--subject` print."""
    return ExplainedEventsView.of(
        explained,
        command="explain",
        events=tuple(map(_event, explained.evaluations)),
        problems=problem_views(explained.problems),
    )


def _event(evaluation: EventEvaluation) -> TriedEventView:
    event, obstacle = evaluation.event, evaluation.obstacle
    return TriedEventView.of(
        evaluation,
        calendar=event.source.calendar,
        source=event.source.label,
        start=event.span.start,
        end=event.span.end,
        all_day=event.all_day,
        id=occurrence_id(event.copy_key),
        counts=obstacle is None,
        obstacle_message=OBSTACLES[obstacle] if obstacle is not None else None,
        rules=tuple(map(_rule, evaluation.rules)),
    )


def _rule(evaluation: RuleEvaluation) -> TriedRuleView:
    return TriedRuleView.of(
        evaluation,
        rule=evaluation.rule.name,
        conditions=tuple(map(finding_view, evaluation.findings)),
        names_no_bandwidth=evaluation.unnamed,
        names_no_circuit=evaluation.nameless,
        circuits=tuple(map(_circuit, evaluation.circuits)),
    )


def _circuit(evaluation: CircuitEvaluation) -> TriedCircuitView:
    window, stronger = evaluation.window, evaluation.yields_to
    return TriedCircuitView.of(
        evaluation,
        timezone=evaluation.zone.key,
        start=evaluation.event.start,
        end=evaluation.event.end,
        skipped_by_clock=evaluation.skipped,
        conditions=tuple(map(finding_view, evaluation.findings)),
        bandwidth_mbps=mbps(window.bandwidth) if window is not None else None,
        window=window.demand.span if window is not None else None,
        gives_way_to=stronger.demand.rule.name if stronger is not None else None,
    )
