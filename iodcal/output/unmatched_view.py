"""The JSON of the events that no rule took, and of one condition's finding."""

from __future__ import annotations

from datetime import datetime

from iodcal.domain.judges import Finding
from iodcal.domain.unmatched import Unmatched, Untaken
from iodcal.output.json import View


class FindingView(View):
    """One condition: whether it held, what it found and what it wanted; `found` is null where hidden."""

    condition: str
    holds: bool
    found: str | None
    wanted: str
    message: str | None


class TitleView(View):
    """Events of one title that no rule took, and the rule that they look meant for."""

    subject: str | None
    calendar: str
    source: str
    start: datetime
    end: datetime
    count: int
    keyword: str | None
    likeness: float
    rule: str | None
    failed: tuple[FindingView, ...]


class HiddenView(View):
    """How many events of a calendar have titles that must not be seen."""

    calendar: str
    events: int


class UnmatchedView(View):
    """The key `unmatched` of `plan --unmatched`."""

    titles: tuple[TitleView, ...]
    hidden: tuple[HiddenView, ...]
    compared: bool


def unmatched_view(found: Unmatched) -> UnmatchedView:
    """The events that no rule took."""
    hidden = (HiddenView(calendar=name, events=count) for name, count in found.hidden.items())
    return UnmatchedView.of(found, titles=tuple(map(_title, found.titles)), hidden=tuple(hidden))


def _title(untaken: Untaken) -> TitleView:
    event, evaluation = untaken.event, untaken.evaluation
    failed = []
    if evaluation is not None:
        local = (finding for circuit in evaluation.circuits for finding in circuit.findings)
        failed = [finding for finding in dict.fromkeys((*evaluation.findings, *local)) if not finding.holds]
    return TitleView.of(
        event.span,
        subject=event.subject,
        calendar=event.source.calendar,
        source=event.source.label,
        count=untaken.count,
        keyword=untaken.keyword.text if untaken.keyword is not None else None,
        likeness=round(untaken.likeness, 2),
        rule=evaluation.rule.name if evaluation is not None else None,
        failed=tuple(map(finding_view, failed)),
    )


def finding_view(finding: Finding) -> FindingView:
    """What one condition found."""
    from iodcal.messages.results import condition_words  # a plan that shows no finding need not load it

    message = None if finding.holds else condition_words(finding)
    return FindingView.of(finding, condition=finding.key, message=message)
