"""From the history of a circuit to its figures: hours per tier, bills by month, and what each reason cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from msgspec import Struct

from iodcal.analysis.cost_reasons import PaidDemand, PricePeriod, reasons_of, shares
from iodcal.analysis.figures import Bill, CircuitCosts, CostReason, Figures
from iodcal.analysis.past import OrderedPast
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import baseline_tiers
from iodcal.domain.billing import billed_cost, billed_pieces
from iodcal.domain.circuits import Circuit, Labels
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost, RateSource, Tariff
from iodcal.domain.steps import Steps


class Subject(Struct, frozen=True):
    """A circuit to look back on, with its prices and labels over time; `labels` are today's, `quoted_in` the
    currencies of its quotes, `former` its earlier names that no circuit has today. `circuit` is None where
    the configuration no longer has it: then its baseline and highest tier are not known."""

    name: str
    key: str
    labels: Labels
    prices: Steps[PricePeriod]
    known: OrderedPast
    demands: tuple[PaidDemand, ...]
    circuit: Circuit | None = None
    quoted_in: frozenset[str] = frozenset()
    former: frozenset[str] = frozenset()

    @property
    def tariff(self) -> Tariff:
        """The latest."""
        return self.prices.values[-1].tariff


class Accounted(Struct, frozen=True):
    """What a circuit cost, what each reason cost on it beyond its baseline, and the part of each label."""

    past: CircuitCosts
    spent: Mapping[CostReason, Decimal]
    of_label: Mapping[tuple[str, str], Figures]


def account(subject: Subject, months: Sequence[Interval], *, lost: bool = False) -> Accounted:
    """The figures of one circuit for each of `months` and together. With `lost`, lines of the history could
    not be read: something may be missing anywhere."""
    figures: list[Figures] = []
    spent: defaultdict[CostReason, Decimal] = defaultdict(Decimal)
    of_label: defaultdict[tuple[str, str], Figures] = defaultdict(Figures)
    priced_by: set[RateSource] = set()
    for month in months:
        parts = [
            (_figures(subject, prices, span, spent), prices) for span, prices in subject.prices.pieces(month)
        ]
        unknown = any(part.unknown for part, _ in parts)
        if lost or unknown or any(gap.overlaps(month) for gap in subject.known.gaps):
            parts = [(part.doubtful(), prices) for part, prices in parts]
        figures.append(sum((part for part, _ in parts), Figures()))
        for part, prices in parts:
            priced_by.update(_sources(subject, prices, part))
            for label in prices.labels:
                of_label[label] += part
    total = sum(figures, Figures())
    over = Interval(months[0].start, months[-1].end)
    past = CircuitCosts(
        subject.name,
        subject.key,
        labels=subject.labels,
        figures=total,
        months=tuple(zip(months, figures, strict=True)),
        gaps=tuple(gap for gap in subject.known.gaps if gap.overlaps(over)),
        left=subject.circuit is None,
        unpriced=tuple(tier for tier in total.at_tier if subject.tariff.rate(tier) is None),
        priced_by=frozenset(priced_by),
        uncounted=tuple(sorted(subject.quoted_in - {subject.tariff.currency})),
    )
    return Accounted(past, spent, of_label)


def _sources(subject: Subject, prices: PricePeriod, figures: Figures) -> Iterator[RateSource]:
    """Where the prices that make up `figures` come from."""
    tiers = set(figures.at_tier)
    if tiers and subject.circuit is not None:
        baseline, sold = subject.circuit.baseline, subject.circuit.sold
        levels = (baseline.off_peak, *(peak.bandwidth for peak in baseline.peaks))
        tiers |= {subject.circuit.highest, *map(sold, levels)}
    rates = (prices.tariff.rate(tier) for tier in tiers)
    yield from (rate.source for rate in rates if rate is not None)


def _figures(
    subject: Subject, prices: PricePeriod, over: Interval, spent: defaultdict[CostReason, Decimal]
) -> Figures:
    """What there was during `over`, all of it at `prices`; what it cost is added to `spent`."""
    at_tier: defaultdict[Bandwidth, timedelta] = defaultdict(timedelta)
    unknown, bill = timedelta(), Bill.nothing(subject.tariff.currency)
    pieces = ((span, past.level) for span, past in subject.known.levels.pieces(over))
    for known, run in groupby(pieces, key=lambda piece: piece[1] is not None):
        parts = list(run)
        span = Interval(parts[0][0].start, parts[-1][0].end)
        if not known:
            unknown += span.length
            continue
        # A step by hand to the same level stays one: from there on somebody else is behind it.
        starts = tuple(part.start for part, _ in parts)
        levels = Steps(starts, tuple(level for _, level in parts if level is not None))
        for part, tier in levels.pieces(span):
            at_tier[tier] += part.length
        bill += _bill(subject.circuit, prices.tariff, levels, span)
        for because, amount in _shares(subject, prices.tariff, levels, span):
            spent[because] += amount
    return Figures(dict(sorted(at_tier.items())), unknown, (bill,))


def _bill(circuit: Circuit | None, tariff: Tariff, levels: Steps[Bandwidth], span: Interval) -> Bill:
    real = billed_cost(levels, span, tariff)
    if circuit is None:
        nothing = Cost(Decimal(0), tariff.currency, complete=False)
        return Bill(real, nothing, baseline=nothing, saved=nothing, extra=nothing)
    highest = billed_cost(Steps((span.start,), (circuit.highest,)), span, tariff)
    baseline = billed_cost(baseline_tiers(circuit, span), span, tariff)
    return Bill(real, highest, baseline=baseline, saved=highest - real, extra=real - baseline)


def _shares(
    subject: Subject, tariff: Tariff, levels: Steps[Bandwidth], span: Interval
) -> Iterator[tuple[CostReason, Decimal]]:
    if subject.circuit is None:
        return
    actual = billed_pieces(levels, span, tariff.billing)
    base = billed_pieces(baseline_tiers(subject.circuit, span), span, tariff.billing)
    demands = [demand for demand in subject.demands if demand.span.overlaps(span)]

    def behind(at: datetime) -> Sequence[CostReason]:
        return reasons_of(subject.known.levels.at(at))

    yield from shares(actual, base, demands=demands, behind=behind, tariff=tariff)
