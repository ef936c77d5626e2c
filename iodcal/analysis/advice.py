"""What past weeks teach about tiers, leads, peaks and missing rules: advice, its evidence, and the edit of
the rules file that would follow. Values in, values out; nothing is ever applied here.

Two bounds hold for all of it. Nothing is advised below what was used and `headroom` above that. To ask for
more, one event at its limit is enough; to ask for less, all of them must be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from statistics import median
from typing import TypeAlias

from msgspec import Struct, field

from iodcal.analysis.usage import BIN, UsageSeries, UseFigures, is_full
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Circuit
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import Fact

KeyPath: TypeAlias = tuple[str | int, ...]

USUAL_HEADROOM = 0.25
FEWEST_EVENTS = 3
"""Measured events before a rule is lowered: fewer say nothing of the next one."""
FEWEST_EVENTS_AROUND = 5
"""... and before its lead or trail is cut."""
FEWEST_WEEKS = 4
"""Weeks before a baseline is lowered or cut: a month has its own rhythm."""
FEWEST_DAYS = 3
"""Days on which a baseline must have been full, before it is raised."""
FULL_BINS = 2
"""Averages at the limit, before that counts: one may be a burst."""
MOSTLY_KNOWN = 0.8
"""Of an event's time, and of a rule's events."""
_STANDS_OUT = 1.5


class AdviceKind(StrEnum):
    """Published: it may grow, nothing in it is renamed."""

    TIER_AT_LIMIT = "tier_at_limit"
    RULE_MISSING = "rule_missing"
    BASELINE_TOO_LOW = "baseline_too_low"
    PEAK_HOURS = "peak_hours"
    TIER_NOT_NEEDED = "tier_not_needed"
    BASELINE_TOO_HIGH = "baseline_too_high"
    LEAD_TOO_LONG = "lead_too_long"
    TRAIL_TOO_LONG = "trail_too_long"


class SetKey(Struct, frozen=True):
    """The key at `path` of the rules file gets `value`, as it stands in YAML; it may not be there yet."""

    path: KeyPath
    value: str


class AddRule(Struct, frozen=True):
    """A rule behind the last one."""

    name: str
    calendar: str
    subject: str
    circuits: tuple[str, ...]
    bandwidth: Bandwidth


Edit: TypeAlias = SetKey | AddRule


class Occurrence(Struct, frozen=True):
    """One event of a rule on a circuit: `span` with lead and trail, `needs` the tier that it asks for.
    `subject` is None where it must not be seen."""

    rule: str
    subject: str | None
    event: Interval
    span: Interval
    needs: Bandwidth


class LooseEvent(Struct, frozen=True):
    """An event that no rule took, with a title that may be seen."""

    calendar: str
    title: str
    span: Interval


class CircuitWeeks(Struct, frozen=True, dict=True):
    """All that is known of a circuit: what it carried and was ordered at, bin by bin, and the events of rules
    on it. `place` is where its baseline stands in the rules file. `series` is None where nothing is known."""

    circuit: Circuit
    place: KeyPath
    occurrences: tuple[Occurrence, ...]
    series: UsageSeries | None = None
    levels: Sequence[Bandwidth | None] = ()

    @cached_property
    def in_window(self) -> frozenset[int]:
        """The bins in which some rule asks for something."""
        series = self.series
        if series is None:
            return frozenset()
        return frozenset(n for one in self.occurrences for n in series.numbers(one.span))

    @cached_property
    def full(self) -> frozenset[int]:
        """The bins in which the circuit was at the limit of what was ordered."""
        if self.series is None:
            return frozenset()
        pairs = enumerate(zip(self.series.mbps, self.levels, strict=True))
        return frozenset(n for n, (mbps, level) in pairs if mbps is not None and is_full(mbps, level))

    def values(self, numbers: Iterable[int]) -> list[float]:
        """What is known of these bins."""
        mbps = self.series.mbps if self.series is not None else ()
        return [value for n in numbers if (value := mbps[n]) is not None]


class AdviceEvidence(Struct, frozen=True):
    """What a circuit shows for an advice: the figures of the time that it is about, the tier that it was
    `asked` for, and the event of the highest five minutes, None where there is none or it must not be seen.
    `full_on` are the days or events at the limit."""

    circuit: str
    asked: Bandwidth
    use: UseFigures
    subject: str | None = None
    full_on: tuple[datetime, ...] = ()


class Advice(Struct, frozen=True):
    """`where` is the rule, baseline or title that it is about; `old` and `new` are in the file's words.

    `new` is None where no edit can help. `needed` is the least (Mbps) that carries, with headroom, what was
    used; None where that was more than could be seen. `events` counts events or days, `measured` those of
    them whose use is known."""

    kind: AdviceKind
    where: str
    old: str
    new: str | None
    edits: tuple[Edit, ...]
    evidence: tuple[AdviceEvidence, ...]
    needed: float | None
    events: int
    measured: int
    facts: dict[str, Fact] = field(default_factory=dict)

    @property
    def circuits(self) -> tuple[str, ...]:
        return tuple(one.circuit for one in self.evidence)

    @property
    def raises(self) -> bool:
        """True where it asks for more."""
        return self.kind in _RAISING


_RAISING = (AdviceKind.TIER_AT_LIMIT, AdviceKind.RULE_MISSING, AdviceKind.BASELINE_TOO_LOW)


class Undecided(Struct, frozen=True):
    """Why nothing is said of `where`: a stable `code`, and its facts."""

    where: str
    code: str
    facts: dict[str, Fact] = field(default_factory=dict)


Finding: TypeAlias = Advice | Undecided


class DataQuality(Struct, frozen=True):
    """How far the use of one circuit can be trusted. `unusual` are weeks whose highest five minutes stand
    out; they count as all others do."""

    circuit: str
    known: float
    odd: int
    step: timedelta
    unusual: tuple[tuple[datetime, float], ...] = ()


def quality_of(name: str, series: UsageSeries) -> DataQuality:
    """What there is to say of `series` before anybody believes it."""
    week = timedelta(days=7) // BIN
    highs: list[tuple[datetime, float]] = []
    for first in range(0, len(series.mbps), week):
        known = [value for value in series.mbps[first : first + week] if value is not None]
        if known:
            highs.append((series.at(first), max(known)))
    usual = median(high for _, high in highs) if highs else 0.0
    unusual = tuple(one for one in highs if len(highs) > 2 and one[1] > usual * _STANDS_OUT)
    known_bins = sum(value is not None for value in series.mbps)
    return DataQuality(
        name, known_bins / max(1, len(series.mbps)), odd=series.odd, step=series.step, unusual=unusual
    )


def least_tier(circuit: Circuit, needed: float) -> Bandwidth | None:
    """The lowest tier that carries `needed` Mbps; None where none that is allowed does."""
    return next((tier for tier in circuit.allowed if tier.mbps >= needed), None)


def next_tier(circuit: Circuit, above: Bandwidth) -> Bandwidth | None:
    """The next tier above; None where none is sold, or allowed."""
    return next((tier for tier in circuit.allowed if tier > above), None)
