"""What `explain` found, as JSON."""

from __future__ import annotations

from datetime import datetime

from iodcal.domain.changes import of_stretch, of_window
from iodcal.domain.explaining import Explanation, Part
from iodcal.domain.judges import Finding
from iodcal.domain.localtime import Interval
from iodcal.domain.trials import CircuitTrial, EventTrial, RuleTrial
from iodcal.explaining import ExplainedCircuits, ExplainedEvents
from iodcal.render.json import (
    VERSION,
    Json,
    cause_json,
    change_json,
    left_out_json,
    mbps,
    moment,
    order_json,
    problem_json,
    report_json,
    wishes_json,
)
from iodcal.words.explain import OBSTACLES, condition_words


def circuits_json(explained: ExplainedCircuits) -> Json:
    """The object that `explain [CIRCUIT]` prints: the plan's, without its circuits, and the explanations."""
    document = report_json(explained.report)
    document |= {"command": "explain", "at": moment(explained.at)}
    document["circuits"] = [_explanation(explanation) for explanation in explained.explanations]
    return document


def _explanation(explanation: Explanation) -> Json:
    plan, ground = explanation.plan, explanation.ground
    standing, kept = plan.standing, explanation.kept
    past = explanation.past
    return {
        "name": plan.circuit.name,
        "at": moment(explanation.at),
        "timezone": plan.circuit.zone.key,
        "target_mbps": explanation.segment.target.mbps,
        "since": moment(explanation.lasts.start),
        "until": moment(explanation.lasts.end),
        "demands": [_part(part) for part in explanation.parts],
        "baseline": {
            **cause_json(of_stretch(ground.stretch)),
            "role": str(ground.role),
            "bandwidth_mbps": ground.stretch.bandwidth.mbps,
            "needs_mbps": ground.needs.mbps,
            "peak": ground.stretch.peak,
        },
        "level_mbps": mbps(explanation.level),
        "ordered_mbps": None if past else mbps(standing.ordered),
        "open_order": order_json(standing.order) if standing.order is not None and not past else None,
        "kept_up": None
        if kept is None
        else {
            "level_mbps": kept.level.mbps,
            "looked_until": moment(kept.sight.end),
            "causes": [cause_json(cause) for cause in kept.causes],
        },
        **wishes_json(plan, explanation.now),
        "changes": [change_json(change) for change in explanation.changes],
        "left_out": left_out_json(plan),
    }


def _part(part: Part) -> Json:
    window = part.window
    return {
        **cause_json(of_window(window)),
        "role": str(part.role),
        "bandwidth_mbps": window.bandwidth.mbps,
        "needs_mbps": part.needs.mbps,
        "mode": str(window.demand.rule.mode),
        "priority": window.priority,
        "window": _interval(window.demand.span),
    }


def events_json(explained: ExplainedEvents) -> Json:
    """The object that `explain --event`, `--calendar` and `--subject` print."""
    return {
        "version": VERSION,
        "command": "explain",
        "exit": int(explained.exit),
        "now": moment(explained.now),
        "window": _interval(explained.window),
        "text": explained.text,
        "tried": explained.tried,
        "searched": explained.searched,
        "hidden": explained.hidden,
        "events": [_event(trial) for trial in explained.trials],
        "problems": [problem_json(problem) for problem in explained.problems],
    }


def _event(trial: EventTrial) -> Json:
    event = trial.event
    obstacle = trial.obstacle
    return {
        "calendar": event.source.calendar,
        "source": event.source.label,
        "subject": trial.subject,
        "start": local_or_utc(event.span.start),
        "end": local_or_utc(event.span.end),
        "all_day": event.all_day,
        "counts": obstacle is None,
        "obstacle": str(obstacle) if obstacle is not None else None,
        "obstacle_message": OBSTACLES[obstacle] if obstacle is not None else None,
        "matched": trial.matched,
        "rules": [_rule(rule) for rule in trial.rules],
    }


def _rule(trial: RuleTrial) -> Json:
    return {
        "rule": trial.rule.name,
        "matched": trial.matched,
        "conditions": [finding_json(finding) for finding in trial.findings],
        "names_no_bandwidth": trial.unnamed,
        "names_no_circuit": trial.nameless,
        "circuits": [_circuit(circuit) for circuit in trial.circuits],
    }


def _circuit(trial: CircuitTrial) -> Json:
    window, stronger = trial.window, trial.yields_to
    return {
        "circuit": trial.circuit,
        "timezone": trial.zone.key,
        "start": moment(trial.event.start),
        "end": moment(trial.event.end),
        "skipped_by_clock": trial.skipped,
        "conditions": [finding_json(finding) for finding in trial.findings],
        "matched": trial.matched,
        "bandwidth_mbps": window.bandwidth.mbps if window is not None else None,
        "window": _interval(window.demand.span) if window is not None else None,
        "gives_way_to": stronger.demand.rule.name if stronger is not None else None,
    }


def finding_json(finding: Finding) -> Json:
    """One condition: whether it held, what it found and what it wanted; `found` is null where hidden."""
    return {
        "condition": finding.key,
        "holds": finding.holds,
        "found": finding.found,
        "wanted": finding.wanted,
        "message": None if finding.holds else condition_words(finding),
    }


def local_or_utc(at: datetime) -> str | None:
    """An instant in UTC; or the local time of an event that begins at another instant in each zone."""
    return moment(at) if at.tzinfo is not None else at.isoformat(timespec="seconds")


def _interval(span: Interval) -> Json:
    return {"start": moment(span.start), "end": moment(span.end)}
