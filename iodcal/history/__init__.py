"""What happened: the history's lines as values, an order's lines in one piece. Times are UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from iodcal.author import Author
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.labels import Labels
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.service_level import EventOnCircuit, Readiness
from iodcal.domain.standing import Drift
from iodcal.problems.kinds import Fact


class Stamp(Struct, frozen=True):
    """What every line has: when, by which run, on whose behalf, with which version of iodcal and which rules
    (a digest). Lines of the first versions lack the last three."""

    at: datetime
    run_id: str
    by: Author | None = None
    version: str | None = None
    rules: str | None = None


class PastCause(Struct, frozen=True):
    """Why a level was asked for. `asks` is the span with lead and trail, `labels` are the rule's; `subject`
    is None where it must not be seen; `who` and `note` are a hold's."""

    kind: str
    start: datetime
    end: datetime
    id: str | None = None
    rule: str | None = None
    calendar: str | None = None
    subject: str | None = None
    asks: Interval | None = None
    ended: bool = False
    labels: Labels = ()
    who: str | None = None
    note: str | None = None


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
    causes: tuple[PastCause, ...] = ()
    labels: Labels = ()


class PastChange(Struct, frozen=True):
    """A change that was due and held back: under `orders: none`, what would have been ordered. It stands in
    the history once for as long as it is held. `reason` is one of the published list, or a later one's."""

    stamp: Stamp
    circuit: str
    old: Bandwidth
    new: Bandwidth
    reason: str
    until: datetime | None = None
    causes: tuple[PastCause, ...] = ()
    labels: Labels = ()


class CurtainUp(Struct, frozen=True):
    """A look at a circuit just before an event began, or after: `result` is a Readiness, or a later
    version's word. Of several looks for one event the last counts."""

    stamp: Stamp
    circuit: str
    rule: str
    start: datetime
    result: str
    end: datetime | None = None
    event: str | None = None
    calendar: str | None = None
    subject: str | None = None
    needs: Bandwidth | None = None
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
    confirmed: Bandwidth | None
    off_peak: Bandwidth | None
    drift: Drift | None


class PastProblem(Struct, frozen=True):
    """A problem that began, or changed, and when it was gone: None while it lasts, or where nothing tells."""

    stamp: Stamp
    id: str
    where: str
    facts: Mapping[str, Fact]
    severity: str | None = None
    ended: datetime | None = None

    @property
    def kind(self) -> str:
        return self.id.partition(":")[0]


class PastWish(Struct, frozen=True):
    """What a person asked for: `kind` is the command, `circuit` None where it was for all. `note` is that
    person's own words, `account` the one that the command ran under. `bandwidth` and `exactly` are a
    hold's."""

    stamp: Stamp
    kind: str
    circuit: str | None
    who: str | None
    note: str | None = None
    until: datetime | None = None
    bandwidth: Bandwidth | None = None
    exactly: bool = False
    account: str | None = None


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
    curtain_ups: tuple[CurtainUp, ...] = ()
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
        names |= {past.circuit for past in self.curtain_ups}
        names |= {past.circuit for past in self.readings}
        names |= {past.circuit for past in self.wishes}
        names |= {past.circuit for past in self.others}
        return frozenset(name for name in names if name is not None)
