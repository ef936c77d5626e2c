"""What a look back finds, as values: figures, bills, reasons. Times are UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from msgspec.structs import astuple

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Labels
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost, RateSource
from iodcal.domain.structs import replace

if TYPE_CHECKING:
    from iodcal.analysis.usage import UsageReport


class CostReason(Struct, frozen=True):
    """What a circuit's level was for. `kind` is `event` or `hold`, with the rule and the event's own time;
    `baseline`, for what its early raises and late lowerings cost; `by_hand`, or `unknown`. `id` names one
    event and rule; `subject` is None where it must not be seen."""

    kind: str
    id: str = ""
    rule: str | None = None
    subject: str | None = None
    start: datetime | None = None
    end: datetime | None = None


BASELINE, BY_HAND, UNKNOWN = CostReason("baseline"), CostReason("by_hand"), CostReason("unknown")


class Bill(Struct, frozen=True):
    """What something cost, in one currency: as it was ordered, had it stood at its highest tier all the time,
    on its baseline alone; what was saved against the highest tier, and spent beyond the baseline."""

    cost: Cost
    highest: Cost
    baseline: Cost
    saved: Cost
    extra: Cost

    @classmethod
    def nothing(cls, currency: str) -> Bill:
        return cls(*(Cost(Decimal(0), currency) for _ in range(5)))

    @property
    def currency(self) -> str:
        return self.cost.currency

    def __add__(self, other: Bill) -> Bill:
        return Bill(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    def doubtful(self) -> Bill:
        """The same amounts, of which something is missing."""
        return Bill(*(replace(one, complete=False) for one in astuple(self)))


class Figures(Struct, frozen=True):
    """One circuit, or several together: how long at which tier, how long nothing is known, and a bill for
    each currency, in the order of their names."""

    at_tier: Mapping[Bandwidth, timedelta] = field(default_factory=dict)
    unknown: timedelta = timedelta()
    bills: tuple[Bill, ...] = ()

    @property
    def complete(self) -> bool:
        return not self.unknown and all(bill.cost.complete for bill in self.bills)

    def doubtful(self) -> Figures:
        """The same, of which something is missing."""
        return replace(self, bills=tuple(bill.doubtful() for bill in self.bills))

    def __add__(self, other: Figures) -> Figures:
        tiers = sorted({*self.at_tier, *other.at_tier})
        none = timedelta()
        bills = {bill.currency: bill for bill in self.bills}
        for bill in other.bills:
            bills[bill.currency] = bills[bill.currency] + bill if bill.currency in bills else bill
        return Figures(
            {tier: self.at_tier.get(tier, none) + other.at_tier.get(tier, none) for tier in tiers},
            self.unknown + other.unknown,
            tuple(bills[currency] for currency in sorted(bills)),
        )


class CircuitCosts(Struct, frozen=True):
    """One circuit, together and by month; `gaps` are the times in which the history has lost something,
    `left` is True where the configuration no longer has it, `unpriced` are tiers in use without a rate,
    `priced_by` says where the prices of the others come from; `uncounted` are the currencies of quotes that
    are not the circuit's own. `labels` are today's."""

    name: str
    key: str
    labels: Labels
    figures: Figures
    months: tuple[tuple[Interval, Figures], ...]
    gaps: tuple[Interval, ...] = ()
    left: bool = False
    unpriced: tuple[Bandwidth, ...] = ()
    priced_by: frozenset[RateSource] = frozenset()
    uncounted: tuple[str, ...] = ()


class Spending(Struct, frozen=True):
    """What a reason cost beyond the baseline, less than nothing where it saved, on these circuits."""

    because: CostReason
    cost: Cost
    circuits: tuple[str, ...]


class QuotaDay(Struct, frozen=True):
    """The orders of an account on a UTC day that count against its quota, of `limit` (None: no limit)."""

    account: str
    day: date
    used: int
    limit: int | None


class Served(Struct, frozen=True):
    """A matching event on one circuit: `ready` says whether the circuit was at `needs` before it began.
    `spare` is for how long it had been so, less than nothing for how late it was; None where that is not
    known, or it never came. `reason` is a stable code, for those that were late."""

    circuit: str
    because: CostReason
    needs: Bandwidth | None
    ready: bool
    spare: timedelta | None = None
    reason: str | None = None

    @property
    def start(self) -> datetime:
        assert self.because.start is not None  # noqa: S101 - an event has a start
        return self.because.start


class Lookback(Struct, frozen=True):
    """All that `iodcal report --from --to` shows. `asked` is the span, which ends at `now` at the latest;
    `zone` is that of its days and months; `unreadable` counts lost lines of the history, `nothing_beside` is
    the state file without any history beside it; `usage` is what was really used, None where nobody asked."""

    now: datetime
    asked: Interval
    zone: ZoneInfo
    total: Figures
    circuits: tuple[CircuitCosts, ...]
    labels: tuple[tuple[tuple[str, str], Figures], ...]
    months: tuple[tuple[Interval, Figures], ...]
    rules: tuple[Spending, ...]
    events: tuple[Spending, ...]
    quota: tuple[QuotaDay, ...]
    service: tuple[Served, ...]
    unreadable: int = 0
    priced_at: date | None = None
    nothing_beside: str | None = None
    usage: UsageReport | None = None

    @property
    def priced_by(self) -> frozenset[RateSource]:
        """Where its prices come from: from quotes of that time, else from what is known today."""
        return frozenset[RateSource]().union(*(one.priced_by for one in self.circuits))

    @property
    def late(self) -> tuple[Served, ...]:
        return tuple(one for one in self.service if not one.ready)
