"""Advice as JSON."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from iodcal.analysis.advice import AdviceEvidence, DataQuality
from iodcal.exits import Exit
from iodcal.messages.advice import grounds, headline, undecided_words
from iodcal.output.advice import notes
from iodcal.output.json import ResultView, View, seconds
from iodcal.simulation.advise import AdviceReport, PlayedAdvice
from iodcal.simulation.rehearsal import Rehearsal


class EvidenceView(View):
    circuit: str
    asked_mbps: int | None
    highest_mbps: float
    highest_at: datetime
    subject: str | None
    p95_mbps: float
    known_seconds: int | None
    unknown_seconds: int | None
    full_seconds: int | None
    full_on: tuple[datetime, ...]


class RehearsalView(View):
    """The same weeks played by today's rules and with the edit. Money is text."""

    currency: str
    cost_before: str | None
    cost_after: str | None
    monthly_saving: str | None
    events: int
    late_before: int
    late_after: int
    short_seconds_before: int | None
    short_seconds_after: int | None


class AdviceView(View):
    kind: str
    where: str
    old: str
    new: str | None
    message: str
    grounds: str
    events: int
    measured: int
    needed_mbps: float | None
    evidence: tuple[EvidenceView, ...]
    rehearsal: RehearsalView | None
    diff: str | None


class UndecidedView(View):
    where: str
    code: str
    message: str


class DataQualityView(View):
    circuit: str
    known: float
    odd: int
    step_seconds: int | None
    unusual_weeks: tuple[datetime, ...]


class AdviceNoteView(View):
    message: str
    remedy: str


class AdviceReportView(ResultView):
    """What `advise` prints."""

    rules: str
    start: datetime
    end: datetime
    headroom: float
    advice: tuple[AdviceView, ...]
    withheld: tuple[AdviceView, ...]
    undecided: tuple[UndecidedView, ...]
    together: RehearsalView | None
    data: tuple[DataQualityView, ...]
    notes: tuple[AdviceNoteView, ...]


def advice_view(found: AdviceReport) -> AdviceReportView:
    """The object that `advise` prints."""
    return AdviceReportView(
        command="advise",
        exit=int(Exit.OK),
        rules=str(found.rules),
        start=found.span.start,
        end=found.span.end,
        headroom=found.headroom,
        advice=tuple(_advice(one, found) for one in found.advice),
        withheld=tuple(_advice(one, found) for one in found.withheld),
        undecided=tuple(UndecidedView.of(one, message=undecided_words(one)) for one in found.undecided),
        together=_rehearsal(found.together),
        data=tuple(map(_quality, found.quality)),
        notes=tuple(AdviceNoteView.of(words) for words in notes(found)),
    )


def _advice(one: PlayedAdvice, found: AdviceReport) -> AdviceView:
    advice = one.advice
    return AdviceView.of(
        advice,
        message=headline(advice),
        grounds=grounds(advice, found.headroom),
        needed_mbps=round(advice.needed, 3) if advice.needed is not None else None,
        evidence=tuple(map(_evidence, advice.evidence)),
        rehearsal=_rehearsal(one.rehearsal),
        diff=one.diff,
    )


def _evidence(one: AdviceEvidence) -> EvidenceView:
    use = one.use
    return EvidenceView.of(
        one,
        highest_mbps=round(use.highest, 3),
        highest_at=use.highest_at,
        p95_mbps=round(use.p95, 3),
        known_seconds=seconds(use.known),
        unknown_seconds=seconds(use.unknown),
        full_seconds=seconds(use.full),
    )


def _rehearsal(played: Rehearsal | None) -> RehearsalView | None:
    if played is None:
        return None
    return RehearsalView.of(
        played,
        cost_before=_money(played.cost_before),
        cost_after=_money(played.cost_after),
        monthly_saving=_money(played.monthly_saving),
        short_seconds_before=seconds(played.short_before),
        short_seconds_after=seconds(played.short_after),
    )


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _quality(one: DataQuality) -> DataQualityView:
    return DataQualityView.of(
        one, step_seconds=seconds(one.step), unusual_weeks=tuple(at for at, _ in one.unusual)
    )
