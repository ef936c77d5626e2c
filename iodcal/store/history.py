"""What happened: the history's lines as values, an order's lines in one piece. Times are UTC.

`field(name=...)` is what a field is called in a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from iodcal.actor import Author
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Cause
from iodcal.domain.circuit_state import Drift
from iodcal.domain.circuits import Labels
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.service_level import EventOnCircuit, Readiness
from iodcal.domain.structs import Fact, Instant


class Stamp(Struct, frozen=True):
    """What every line has: when, by which run, on whose behalf, with which version of iodcal and which rules
    (a digest). Lines of the first versions lack the last three."""

    at: Instant
    run_id: str
    by: Author | None = None
    version: str | None = field(default=None, name="iodcal")
    rules: str | None = None


class Transition(Struct, frozen=True):
    """An order came to `outcome`; the stamp says when that was seen, and by which run."""

    stamp: Stamp
    outcome: Outcome


class PastOrder(Struct, frozen=True):
    """One order: as its last line has it, and how it came there. `stamp`, `causes` and `labels` (the
    circuit's) are those of its first line."""

    stamp: Stamp
    order: Order
    transitions: tuple[Transition, ...]
    causes: tuple[Cause, ...] = ()
    labels: Labels = ()


class PastChange(Struct, frozen=True):
    """A change that was due and held back: under `orders: none`, what would have been ordered. It stands in
    the history once for as long as it is held. `reason` is one of the published list, or a later one's."""

    stamp: Stamp
    circuit: str
    old: Bandwidth = field(name="from_mbps")
    new: Bandwidth = field(name="to_mbps")
    reason: str = field(name="held")
    until: Instant | None = None
    causes: tuple[Cause, ...] = ()
    labels: Labels = ()


class CurtainUp(Struct, frozen=True):
    """A look at a circuit just before an event began, or after: `result` is a Readiness, or a later
    version's word. Of several looks for one event the last counts."""

    stamp: Stamp
    circuit: str
    rule: str
    start: Instant
    result: str
    end: Instant | None = None
    event: str | None = None
    calendar: str | None = None
    subject: str | None = None
    needs: Bandwidth | None = field(default=None, name="needs_mbps")
    labels: Labels = ()

    @property
    def ready(self) -> bool:
        return self.result == Readiness.READY

    @property
    def about(self) -> EventOnCircuit:
        """Which event on which circuit."""
        return EventOnCircuit(self.circuit, self.rule, self.start, self.event)


class PastReading(Struct, frozen=True):
    """A reading that changed what counts as ordered, as off-peak, or as drift."""

    stamp: Stamp
    circuit: str
    key: str
    confirmed: Bandwidth | None = field(name="confirmed_mbps")
    off_peak: Bandwidth | None = field(name="off_peak_mbps")
    drift: Drift | None


class PastProblem(Struct, frozen=True):
    """A problem that began, or changed, and when it was gone: None while it lasts, or where nothing tells."""

    stamp: Stamp
    id: str
    where: str
    facts: Mapping[str, Fact]
    severity: str | None = None
    ended: Instant | None = None

    @property
    def kind(self) -> str:
        return self.id.partition(":")[0]


class PastWish(Struct, frozen=True):
    """What a person asked for: `kind` is the command, `circuit` None where it was for all. `note` is that
    person's own words, `account` the one that the command ran under. `bandwidth` and `exactly` are a
    hold's; `before` and `name` are what an installation was and is called that adopted the state; `calendar`,
    `subject` and `start` are those of an event that was skipped."""

    stamp: Stamp
    kind: str
    circuit: str | None = None
    who: str | None = None
    note: str | None = None
    until: Instant | None = None
    bandwidth: Bandwidth | None = field(default=None, name="mbps")
    exactly: bool = False
    account: str | None = None
    before: str | None = field(default=None, name="from")
    name: str | None = field(default=None, name="to")
    calendar: str | None = None
    subject: str | None = None
    start: Instant | None = None


class OtherRecord(Struct, frozen=True):
    """A line of a kind that nothing here knows: whatever later versions write."""

    stamp: Stamp
    kind: str
    circuit: str | None
    facts: Mapping[str, Any]


class Past(Struct, frozen=True):
    """All that the history tells, each part in order of time; `unreadable` counts the lines that tell
    nothing."""

    orders: tuple[PastOrder, ...] = ()
    changes: tuple[PastChange, ...] = ()
    preflight_checks: tuple[CurtainUp, ...] = ()
    readings: tuple[PastReading, ...] = ()
    problems: tuple[PastProblem, ...] = ()
    wishes: tuple[PastWish, ...] = ()
    others: tuple[OtherRecord, ...] = ()
    unreadable: int = 0

    @property
    def circuits(self) -> frozenset[str]:
        """The names of all circuits that something is told of."""
        names: set[str | None] = {past.order.circuit for past in self.orders}
        names |= {past.circuit for past in self.changes}
        names |= {past.circuit for past in self.preflight_checks}
        names |= {past.circuit for past in self.readings}
        names |= {past.circuit for past in self.wishes}
        names |= {past.circuit for past in self.others}
        return frozenset(name for name in names if name is not None)
