"""From the history of a circuit to its figures: hours per tier, bills by month, and what each reason cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import lay_out
from iodcal.domain.billing import Course, cost
from iodcal.domain.circuits import Circuit
from iodcal.domain.labels import Labels
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost, RateSource, Tariff
from iodcal.lookback import BY_HAND, UNKNOWN, Because, Bill, CircuitPast, Figures
from iodcal.lookback.course import Known, Step
from iodcal.lookback.demands import because_of
from iodcal.lookback.eras import Era, within
from iodcal.lookback.paid import Demand, Stay, paid, shares


class Subject(Struct, frozen=True):
    """A circuit to look back on, with the eras of its prices and labels; `labels` are today's, `quoted_in`
    the currencies of its quotes. `circuit` is None where the configuration no longer has it: then its
    baseline and highest tier are not known."""

    name: str
    key: str
    labels: Labels
    eras: tuple[Era, ...]
    known: Known
    demands: tuple[Demand, ...]
    circuit: Circuit | None = None
    quoted_in: frozenset[str] = frozenset()

    @property
    def tariff(self) -> Tariff:
        """That of the last era."""
        return self.eras[-1].tariff


class Accounted(Struct, frozen=True):
    """A circuit's past, what each reason cost on it beyond its baseline, and the part of each label."""

    past: CircuitPast
    spent: Mapping[Because, Decimal]
    of_label: Mapping[tuple[str, str], Figures]


def account(subject: Subject, months: Sequence[Interval], *, lost: bool = False) -> Accounted:
    """The figures of one circuit for each of `months` and together. With `lost`, lines of the history could
    not be read: something may be missing anywhere."""
    figures: list[Figures] = []
    spent: defaultdict[Because, Decimal] = defaultdict(Decimal)
    of_label: defaultdict[tuple[str, str], Figures] = defaultdict(Figures)
    priced_by: set[RateSource] = set()
    for month in months:
        parts = [(_figures(subject, era, span, spent), era) for span, era in within(subject.eras, month)]
        unknown = any(part.unknown for part, _ in parts)
        if lost or unknown or any(gap.overlaps(month) for gap in subject.known.gaps):
            parts = [(part.doubtful(), era) for part, era in parts]
        figures.append(sum((part for part, _ in parts), Figures()))
        for part, era in parts:
            priced_by.update(_sources(subject, era, part))
            for label in era.labels:
                of_label[label] += part
    total = sum(figures, Figures())
    over = Interval(months[0].start, months[-1].end)
    past = CircuitPast(
        subject.name,
        subject.key,
        subject.labels,
        total,
        tuple(zip(months, figures, strict=True)),
        tuple(gap for gap in subject.known.gaps if gap.overlaps(over)),
        subject.circuit is None,
        tuple(tier for tier in total.at_tier if subject.tariff.rate(tier) is None),
        frozenset(priced_by),
        tuple(sorted(subject.quoted_in - {subject.tariff.currency})),
    )
    return Accounted(past, spent, of_label)


def _sources(subject: Subject, era: Era, figures: Figures) -> Iterator[RateSource]:
    """Where the prices that make up `figures` come from."""
    tiers = set(figures.at_tier)
    if tiers and subject.circuit is not None:
        baseline, sold = subject.circuit.baseline, subject.circuit.sold
        levels = (baseline.off_peak, *(peak.bandwidth for peak in baseline.peaks))
        tiers |= {subject.circuit.highest, *map(sold, levels)}
    rates = (era.tariff.rate(tier) for tier in tiers)
    yield from (rate.source for rate in rates if rate is not None)


def _figures(subject: Subject, era: Era, over: Interval, spent: defaultdict[Because, Decimal]) -> Figures:
    """What there was during `over`, all of it in `era`; what it cost is added to `spent`."""
    at_tier: defaultdict[Bandwidth, timedelta] = defaultdict(timedelta)
    unknown, bill = timedelta(), Bill.nothing(subject.tariff.currency)
    for known, run in groupby(subject.known.over(over), key=lambda part: part[1].level is not None):
        parts = list(run)
        if not known:
            unknown += sum((span.end - span.start for span, _ in parts), timedelta())
            continue
        stays = [Stay(span, step.level) for span, step in parts if step.level is not None]
        for stay in stays:
            at_tier[stay.level] += stay.span.end - stay.span.start
        bill += _bill(subject.circuit, era.tariff, stays)
        for because, amount in _shares(subject, era.tariff, stays, [step for _, step in parts]):
            spent[because] += amount
    return Figures(dict(sorted(at_tier.items())), unknown, (bill,))


def _bill(circuit: Circuit | None, tariff: Tariff, stays: Sequence[Stay]) -> Bill:
    span = Interval(stays[0].span.start, stays[-1].span.end)
    real = cost(_course(stays), span, tariff)
    if circuit is None:
        nothing = Cost(Decimal(0), tariff.currency, complete=False)
        return Bill(real, nothing, nothing, nothing, nothing)
    highest = cost([(span.start, circuit.highest)], span, tariff)
    baseline = cost(_course(baseline_stays(circuit, span)), span, tariff)
    return Bill(real, highest, baseline, highest - real, real - baseline)


def _course(stays: Sequence[Stay]) -> Course:
    return [(stay.span.start, stay.level) for stay in stays]


def baseline_stays(circuit: Circuit, span: Interval) -> list[Stay]:
    """The tiers that the baseline alone asks for during `span`."""
    stretches = lay_out(circuit.baseline, circuit.zone, span, circuit.holidays)
    return [Stay(stretch.span, circuit.sold(stretch.bandwidth)) for stretch in stretches]


def _shares(
    subject: Subject, tariff: Tariff, stays: Sequence[Stay], steps: Sequence[Step]
) -> Iterator[tuple[Because, Decimal]]:
    if subject.circuit is None:
        return
    span = Interval(stays[0].span.start, stays[-1].span.end)
    base = paid(baseline_stays(subject.circuit, span), tariff.billing)
    demands = [demand for demand in subject.demands if demand.span.overlaps(span)]
    starts = {stay.span.start: step for stay, step in zip(stays, steps, strict=True)}

    def behind(at: datetime) -> Sequence[Because]:
        return reasons_of(starts[max(start for start in starts if start <= at)])

    yield from shares(paid(stays, tariff.billing), base, demands, behind, tariff)


def reasons_of(step: Step) -> Sequence[Because]:
    """What a level was for when it was ordered: events and holds before the baseline."""
    if step.by_hand:
        return (BY_HAND,)
    found = [because for cause in step.causes if (because := because_of(cause)) is not None]
    asked = [because for because in found if because.id]
    return tuple(dict.fromkeys(asked or found)) or (UNKNOWN,)


def months_of(over: Interval, begins: Sequence[datetime]) -> tuple[Interval, ...]:
    """`over`, cut where months begin."""
    edges = [over.start, *(at for at in begins if over.start < at < over.end), over.end]
    return tuple(Interval(start, end) for start, end in pairwise(edges))
