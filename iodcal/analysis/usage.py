"""How much of a circuit was really used: averages over five minutes, and honest figures of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from iodcal.analysis.figures import CostReason
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import Fact, replace

BIN = timedelta(minutes=5)
_FULL = 0.95  # of the tier: protocols' own bytes keep counters a little below what is sold
_IMPOSSIBLE = 1.2  # times the tier: bursts that carriers let through are smaller
_RARE = 0.01  # of all values: more impossible ones are no accident
_IDLE = 0.002  # of the lowest tier: a circuit that people work behind always carries more


class UsageSeries(Struct, frozen=True):
    """`mbps[i]` is what a circuit carried, in the busier direction, on average of the `BIN` that begins at
    `start + i * BIN` (UTC); None where nobody knows. `odd` counts values that no circuit carries (less than
    nothing, no number at all, more than it can): they are gaps. `step` is the length of the averages that it
    was made of, where that is more than a `BIN`."""

    start: datetime
    mbps: Sequence[float | None]
    odd: int = 0
    step: timedelta = BIN

    def at(self, number: int) -> datetime:
        """When bin `number` begins."""
        return self.start + number * BIN

    def numbers(self, span: Interval) -> range:
        """The bins that overlap `span`."""
        first = (span.start - self.start) // BIN
        last = -((self.start - span.end) // BIN)
        return range(max(0, first), max(0, min(last, len(self.mbps))))


def start_of_bin(at: datetime) -> datetime:
    """When the five minutes began that `at` lies in."""
    return at.replace(minute=at.minute - at.minute % 5, second=0, microsecond=0)


def series_of(
    over: Interval, inbound: Mapping[int, float] | None, outbound: Mapping[int, float] | None
) -> UsageSeries:
    """The busier direction during `over`, of averages (Mbps) by the number of their bin. A bin is known where
    each direction that was asked for is; None: it was not."""
    start = start_of_bin(over.start)
    asked = [one for one in (inbound, outbound) if one is not None]
    odd = sum(not _is_honest(value) for one in asked for value in one.values())
    found: list[float | None] = []
    for number in range(-((start - over.end) // BIN)):
        values = [one.get(number) for one in asked]
        honest = [value for value in values if value is not None and _is_honest(value)]
        found.append(max(honest) if honest and len(honest) == len(values) else None)
    return UsageSeries(start, tuple(found), odd)


def _is_honest(value: float) -> bool:
    return math.isfinite(value) and value >= 0


class UnitDoubt(Struct, frozen=True):
    """Why a series cannot be what its circuit carried: `code` is `usage_unit` or `usage_idle`;
    `mbps` is the value that says so, `tier` what it was compared with."""

    code: str
    mbps: float
    tier: Bandwidth

    @property
    def facts(self) -> dict[str, Fact]:
        times = self.mbps / self.tier.mbps
        shown = f"{times:,.0f} times" if times >= 10 else f"{times:.1f} times"
        return {"mbps": rate_text(self.mbps), "tier": str(self.tier), "times": shown}


def plausible(
    series: UsageSeries, lowest: Bandwidth, highest: Bandwidth
) -> tuple[UsageSeries, UnitDoubt | None]:
    """`series` without values that a circuit of these tiers cannot have carried; and why all of it is
    doubtful, if it is: then it is in another unit, or of something else."""
    known = [value for value in series.mbps if value is not None]
    if not known:
        return series, None
    limit = highest.mbps * _IMPOSSIBLE
    impossible = sum(value > limit for value in known)
    if impossible > len(known) * _RARE:
        return series, UnitDoubt("usage_unit", max(known), highest)
    kept = tuple(value if value is not None and value <= limit else None for value in series.mbps)
    series = replace(series, mbps=kept, odd=series.odd + impossible)
    most = max((value for value in kept if value is not None), default=0.0)
    if most < lowest.mbps * _IDLE:
        return series, UnitDoubt("usage_idle", most, lowest)
    return series, None


class UseFigures(Struct, frozen=True):
    """What was used of a circuit during some time, in Mbps: the `highest` five minutes and when they began,
    the 95th percentile; for how long it is `known` and `unknown`, and was `full`: at what was ordered."""

    highest: float
    highest_at: datetime
    p95: float
    known: timedelta
    unknown: timedelta
    full: timedelta

    @property
    def share_known(self) -> float:
        return self.known / (self.known + self.unknown)


def percentile_95(values: Sequence[float]) -> float:
    """By nearest rank, as carriers bill it: the highest value once the top twentieth is left out."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def is_full(mbps: float, level: Bandwidth | None) -> bool:
    """True if a circuit that was ordered at `level` could hardly carry more."""
    return level is not None and mbps >= _FULL * level.mbps


def figures_of(
    series: UsageSeries, spans: Iterable[Interval], levels: Sequence[Bandwidth | None]
) -> UseFigures | None:
    """The figures of `spans` together, each bin once; None where nothing is known. `levels` are what was
    ordered, bin by bin."""
    numbers = {number for span in spans for number in series.numbers(span)}
    full = [n for n in numbers if (value := series.mbps[n]) is not None and is_full(value, levels[n])]
    return figures_of_bins(series, numbers, full=len(full))


def figures_of_bins(series: UsageSeries, numbers: Collection[int], *, full: int) -> UseFigures | None:
    """As `figures_of`, of the bins `numbers`, of which so many were `full`."""
    known = [(value, number) for number in numbers if (value := series.mbps[number]) is not None]
    if not known:
        return None
    highest, number = max(known, key=lambda one: (one[0], -one[1]))
    return UseFigures(
        highest,
        series.at(number),
        p95=percentile_95([value for value, _ in known]),
        known=len(known) * BIN,
        unknown=(len(numbers) - len(known)) * BIN,
        full=full * BIN,
    )


def levels_by_bin(
    series: UsageSeries, pieces: Iterable[tuple[Interval, Bandwidth | None]]
) -> list[Bandwidth | None]:
    """What was ordered, bin by bin: the highest of what held in each; None where nobody knows."""
    found: list[Bandwidth | None] = [None] * len(series.mbps)
    for span, level in pieces:
        for number in series.numbers(span):
            before = found[number]
            if before is None or (level is not None and level > before):
                found[number] = level
    return found


def rate_text(mbps: float) -> str:
    """A rate as people read it: `312 Mbps`, `1.24 Gbps`, `0.8 Mbps`."""
    if mbps >= 1000:
        return f"{mbps / 1000:,.2f} Gbps"
    return f"{mbps:.0f} Mbps" if mbps >= 10 else f"{mbps:.1f} Mbps"


class UseRow(Struct, frozen=True):
    """The use of one circuit: in all, or during the events of a rule, or during one of them. `ordered` is the
    highest that was ordered meanwhile, `events` of how many events these are the figures."""

    circuit: str
    ordered: Bandwidth | None
    use: UseFigures
    because: CostReason | None = None
    events: int = 0


class UsageTrouble(Struct, frozen=True):
    """Why the use of `circuits` is not known, or not believed. What a server says of several is one."""

    code: str
    facts: Mapping[str, Fact]
    circuits: tuple[str, ...]


class UsageReport(Struct, frozen=True):
    """What `report` shows of use. `series` and `levels`, by circuit, are what a page draws."""

    circuits: tuple[UseRow, ...] = ()
    rules: tuple[UseRow, ...] = ()
    events: tuple[UseRow, ...] = ()
    troubles: tuple[UsageTrouble, ...] = ()
    series: Mapping[str, UsageSeries] = field(default_factory=dict)
    levels: Mapping[str, Sequence[Bandwidth | None]] = field(default_factory=dict)


def use_rows(
    circuit: str,
    series: UsageSeries,
    levels: Sequence[Bandwidth | None],
    *,
    over: Interval,
    asked: Iterable[tuple[CostReason, Interval]],
) -> Iterator[UseRow]:
    """The rows of one circuit: in all, then for each rule, then for each event; `asked` are the reasons of
    rules and when their events were."""
    whole = _row(circuit, series, levels, [over])
    if whole is not None:
        yield whole
    of_rule: dict[str, list[Interval]] = {}
    events = [(because, span) for because, span in asked if span.overlaps(over)]
    for because, span in events:
        of_rule.setdefault(because.rule or "", []).append(span)
    for rule, spans in of_rule.items():
        if (row := _row(circuit, series, levels, spans)) is not None:
            yield replace(row, because=CostReason("event", rule, rule), events=len(spans))
    for because, span in events:
        if (row := _row(circuit, series, levels, [span])) is not None:
            yield replace(row, because=because, events=1)


def _row(
    circuit: str, series: UsageSeries, levels: Sequence[Bandwidth | None], spans: Sequence[Interval]
) -> UseRow | None:
    use = figures_of(series, spans, levels)
    held = [levels[number] for span in spans for number in series.numbers(span)]
    ordered = max((level for level in held if level is not None), default=None)
    return UseRow(circuit, ordered, use) if use is not None else None
