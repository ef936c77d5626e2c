"""The events that no rule took, as JSON."""

from __future__ import annotations

from iodcal.domain.unmatched import Unmatched, Untaken
from iodcal.render.explain_json import finding_json, local_or_utc
from iodcal.render.json import Json


def unmatched_json(found: Unmatched) -> Json:
    """The key `unmatched` of `plan --unmatched`."""
    return {
        "titles": [_title(untaken) for untaken in found.titles],
        "hidden": [{"calendar": calendar, "events": count} for calendar, count in found.hidden.items()],
        "compared": found.compared,
    }


def _title(untaken: Untaken) -> Json:
    event, trial = untaken.event, untaken.trial
    failed = []
    if trial is not None:
        local = (finding for circuit in trial.circuits for finding in circuit.findings)
        failed = [finding for finding in dict.fromkeys((*trial.findings, *local)) if not finding.holds]
    return {
        "subject": event.subject,
        "calendar": event.source.calendar,
        "source": event.source.label,
        "start": local_or_utc(event.span.start),
        "end": local_or_utc(event.span.end),
        "count": untaken.count,
        "keyword": untaken.keyword.text if untaken.keyword is not None else None,
        "likeness": round(untaken.likeness, 2),
        "rule": trial.rule.name if trial is not None else None,
        "failed": [finding_json(finding) for finding in failed],
    }
