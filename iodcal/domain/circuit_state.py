"""What is known of a circuit from one run to the next."""

from __future__ import annotations

from msgspec import Struct, field

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Reading
from iodcal.domain.events import MatchedEvent
from iodcal.domain.failed_orders import FailedOrders
from iodcal.domain.holds import Hold, Pause
from iodcal.domain.localtime import Interval
from iodcal.domain.money import QuotedPrice
from iodcal.domain.orders import Order
from iodcal.domain.structs import Instant, replace


class Drift(Struct, frozen=True):
    """A reading that no order of ours explains. `agreed_at` is the last reading that still agreed, or the
    time at which ours was confirmed; `raised_for` names the demand we have raised the circuit for since."""

    observed: Bandwidth = field(name="observed_mbps")
    seen_at: Instant
    agreed_at: Instant


def running(drift: Drift | None, confirmed: Bandwidth | None) -> Bandwidth | None:
    """The bandwidth that a circuit is known to run at."""
    return drift.observed if drift is not None else confirmed


class Foreseen(Struct, frozen=True):
    """A lowering that a good run saw coming."""

    at: Instant
    new: Bandwidth = field(name="to_mbps")


class CircuitState(Struct, frozen=True):
    """One circuit, keyed by `Circuit.key`. Times are UTC.

    `confirmed` is the bandwidth ordered by us and shown by a reading (or the first reading, ours by
    definition); `order` the open order; `recent` the orders settled in the last 24 hours, oldest first.
    `level` is what the timeline asked for at the last run, `stepped_down_at` when it last fell.
    `raised_for` is the demand for which a drift downwards was already repaired. `preflight_checks` are the
    events whose preflight check was made (copy key and start) with their end. `retry_at` is the
    time before which a failed lowering is not tried again. `held_told` names the held change that the
    history knows of already. `hold` and `pause` are what a person asked for this circuit, over or not.
    `quotes` are the last prices that the carrier quoted, one for each tier and currency; `unpriced` is the
    tier whose last quote told none that compares with the known rates. `failed` are the orders that came to
    nothing, for as long as they are needed: one entry for each bandwidth and direction. `changed_at` are the
    orders that count against the circuit's own limits, oldest first; `not_before` is when the carrier may be
    asked again that said "not now"; `refused_for` names the change that it refused for good.
    """

    key: str
    name: str
    carrier_type: str
    account: str
    off_peak: Bandwidth | None = field(default=None, name="off_peak_mbps")
    confirmed: Bandwidth | None = field(default=None, name="confirmed_mbps")
    reading: Reading | None = None
    order: Order | None = None
    recent: tuple[Order, ...] = ()
    drift: Drift | None = None
    raised_for: str | None = None
    level: Bandwidth | None = field(default=None, name="level_mbps")
    stepped_down_at: Instant | None = None
    foreseen: tuple[Foreseen, ...] = ()
    preflight_checks: tuple[tuple[str, Instant], ...] = field(default=(), name="curtain_ups")
    failures: int = 0
    retry_at: Instant | None = None
    held_told: str | None = None
    hold: Hold | None = None
    pause: Pause | None = None
    quotes: tuple[QuotedPrice, ...] = ()
    changed_at: tuple[Instant, ...] = ()
    not_before: Instant | None = None
    refused_for: str | None = None
    unpriced: Bandwidth | None = field(default=None, name="unpriced_mbps")
    failed: tuple[FailedOrders, ...] = ()

    @property
    def all_orders(self) -> tuple[Order, ...]:
        """The settled orders of the last 24 hours, oldest first, then the open one."""
        return (*self.recent, self.order) if self.order is not None else self.recent

    def with_quote(self, quote: QuotedPrice) -> CircuitState:
        """This state with `quote` in the place of the last one for the same tier and currency."""
        others = [
            known
            for known in self.quotes
            if (known.bandwidth, known.currency) != (quote.bandwidth, quote.currency)
        ]
        kept = sorted([*others, quote], key=lambda known: (known.bandwidth, known.currency))
        return replace(self, quotes=tuple(kept))

    @property
    def running(self) -> Bandwidth | None:
        """What the circuit runs at, as far as readings showed: on drift what is there."""
        return running(self.drift, self.confirmed)

    @property
    def ordered(self) -> Bandwidth | None:
        """The open order's bandwidth, else the last confirmed one."""
        return self.order.new if self.order is not None else self.confirmed


class SourceMemory(Struct, frozen=True):
    """The last good reading of a source: when, what it covered, and the events of it that rules took.

    `asked` names the rules that were asked; None where that is not on record, and none is known to be new.
    """

    source_key: str
    label: str
    read_at: Instant
    covers: Interval
    events: tuple[MatchedEvent, ...] = ()
    asked: frozenset[str] | None = None

    def knows(self, rule: str) -> bool:
        """True if the events that `rule` takes are among those remembered."""
        return self.asked is None or rule in self.asked
