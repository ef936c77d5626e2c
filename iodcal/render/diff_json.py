"""Two plans beside each other, and the events that no rule took, as JSON."""

from __future__ import annotations

from iodcal.comparing import Comparison
from iodcal.domain.changes import of_window
from iodcal.domain.differing import CircuitDifference
from iodcal.domain.windows import Window
from iodcal.render.json import (
    VERSION,
    Json,
    cause_json,
    change_json,
    freeze_json,
    mbps,
    moment,
    problem_json,
    report_json,
)


def diff_json(comparison: Comparison) -> Json:
    """The object that `plan --diff` prints: what differs, and the other file's plan whole."""
    rules = comparison.rules
    return {
        "version": VERSION,
        "command": "plan",
        "exit": int(comparison.exit),
        "now": moment(comparison.after.now),
        "diff": {
            "file": str(comparison.path),
            "same": comparison.same,
            "rules": {
                "added": list(rules.added),
                "removed": list(rules.removed),
                "changed": list(rules.changed),
                "untried": list(rules.untried),
            },
            "circuits": [_circuit(circuit) for circuit in comparison.circuits],
            "new_problems": [problem_json(problem) for problem in comparison.new_problems],
            "gone_problems": [problem_json(problem) for problem in comparison.gone_problems],
        },
        "before": report_json(comparison.before),
        "after": report_json(comparison.after),
    }


def _circuit(difference: CircuitDifference) -> Json:
    return {
        "name": difference.plan.circuit.name,
        "same": difference.same,
        "in_before": difference.before is not None,
        "in_after": difference.after is not None,
        "settings": list(difference.settings),
        "windows_gained": [_window(window) for window in difference.gained],
        "windows_lost": [_window(window) for window in difference.lost],
        "windows_altered": [
            {"before": _window(old), "after": _window(new)} for old, new in difference.altered
        ],
        "freezes_gained": [freeze_json(freeze) for freeze in difference.freezing],
        "freezes_lost": [freeze_json(freeze) for freeze in difference.thawing],
        "changes_added": [change_json(change) for change in difference.added],
        "changes_dropped": [change_json(change) for change in difference.dropped],
        "targets": [
            {
                "start": moment(stretch.span.start),
                "end": moment(stretch.span.end),
                "before_mbps": mbps(stretch.before),
                "after_mbps": mbps(stretch.after),
            }
            for stretch in difference.targets
        ],
    }


def _window(window: Window) -> Json:
    span = window.demand.span
    return {
        **cause_json(of_window(window)),
        "window": {"start": moment(span.start), "end": moment(span.end)},
        "bandwidth_mbps": window.bandwidth.mbps,
        "mode": str(window.demand.rule.mode),
        "priority": window.priority,
    }
