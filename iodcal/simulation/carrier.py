"""A carrier in memory: the sandbox at virtual time, with a record of every order that it took."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field

from iodcal.carriers import CarrierContext, OrderRequest
from iodcal.carriers.sandbox.book import BookLine, SandboxBook, SandboxFaults
from iodcal.carriers.sandbox.client import Sandbox
from iodcal.config.forms import Section
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Account, Quote, Reading, Status
from iodcal.domain.orders import OrderTimeouts
from iodcal.domain.structs import replace
from iodcal.errors import CarrierError, OrderNotSentError
from iodcal.http import Deadline
from iodcal.simulation.faults import OF_ORDERS, OF_READINGS, FaultInjector, FaultKind

_REFUSAL = "injected by the simulation"
_LONGEST_PENDING = 10  # times the usual provisioning
_FAULTS = {
    FaultKind.REFUSED: SandboxFaults(refuse=_REFUSAL),
    FaultKind.LOST_BEFORE: SandboxFaults(lose_before=1),
    FaultKind.LOST_AFTER: SandboxFaults(lose_after=1),
    FaultKind.VOID: SandboxFaults(fail=True),
}


class MemoryShelf:
    """A sandbox's book in memory; circuits of one account stand in one book, as at a carrier."""

    def __init__(self, circuits: Mapping[str, Bandwidth]) -> None:
        self._book = SandboxBook({service_id: BookLine(level) for service_id, level in circuits.items()})

    def read(self) -> SandboxBook:
        return self._book

    def write(self, book: SandboxBook) -> None:
        self._book = book


class Taken(Struct, frozen=True):
    """An order that the carrier took and carried out: from `accepted_at` it is billed, from `active_at` the
    circuit runs at it (UTC). `double` marks one for what was already so."""

    accepted_at: datetime
    active_at: datetime
    service_id: str
    old: Bandwidth
    new: Bandwidth
    double: bool


class VirtualCarrier(Struct):
    """A `Carrier` around a `sandbox`, whose calls fail as `chance` has it. `order_timeouts` says for how long
    a fault of each kind must hold everybody up; readings are stale by less than that."""

    sandbox: Sandbox
    chance: FaultInjector
    order_timeouts: OrderTimeouts
    taken: list[Taken] = field(default_factory=list)
    clock_error: float | None = None
    _opening: dict[str, Bandwidth] = field(default_factory=dict)
    _of: dict[str, list[Taken]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lines = self.sandbox.shelf.read().circuits
        self._opening = {service_id: line.bandwidth for service_id, line in lines.items()}
        self._of = {service_id: [] for service_id in lines}

    @property
    def account(self) -> Account:
        return self.sandbox.account

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        kind, now = self.chance.draw(OF_READINGS), self.sandbox.clock()
        if kind is FaultKind.CARRIER_UNREADABLE:
            self.chance.note(now, service_id, kind, now)
            raise CarrierError("unreachable", host="the carrier", reason=_REFUSAL)
        if kind is FaultKind.STALE_READING:
            age = timedelta(
                seconds=int(self.chance.up_to(self.order_timeouts.lost_answer_grace.total_seconds()))
            )
            self.chance.note(now, service_id, kind, now)
            return self._as_of(service_id, now - age, now)
        return self.sandbox.read(service_id, deadline)

    def quote(self, service_id: str, bandwidth: Bandwidth, deadline: Deadline) -> Quote:
        if kind := self.chance.draw((FaultKind.NO_QUOTE,)):
            now = self.sandbox.clock()
            self.chance.note(now, service_id, kind, now)
            raise CarrierError("unreachable", host="the carrier", reason=_REFUSAL)
        return self.sandbox.quote(service_id, bandwidth, deadline)

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:
        kind, now = self.chance.draw(OF_ORDERS), self.sandbox.clock()
        usual, before = self.sandbox.provisioning, self.sandbox.shelf.read()
        if kind is FaultKind.PENDING_LONG:
            self.sandbox.provisioning = usual * (1 + self.chance.up_to(_LONGEST_PENDING))
        if kind is not None:
            self.chance.note(now, request.service_id, kind, now + self._held_up(kind, usual))
            self._switch(_FAULTS.get(kind, SandboxFaults()))
        try:
            if kind is FaultKind.NOT_SENT:
                raise OrderNotSentError("not_sent", host="the carrier", reason=_REFUSAL)
            return self.sandbox.order(request, deadline)
        finally:
            self._record(request.service_id, before)
            self._switch(SandboxFaults())
            self.sandbox.provisioning = usual

    def _switch(self, faults: SandboxFaults) -> None:
        shelf = self.sandbox.shelf
        shelf.write(replace(shelf.read(), faults=faults))

    def _held_up(self, kind: FaultKind, usual: timedelta) -> timedelta:
        if kind is FaultKind.PENDING_LONG:
            return self.sandbox.provisioning - usual
        if kind is FaultKind.LOST_BEFORE:
            return self.order_timeouts.lost_answer_grace
        return self.order_timeouts.order_timeout if kind is FaultKind.VOID else timedelta()

    def _record(self, service_id: str, before: SandboxBook) -> None:
        """Keeps the order that has come into the book by this call, if one has."""
        pending = self.sandbox.shelf.read().circuits[service_id].pending
        if pending is None or pending is before.circuits[service_id].pending:
            return
        history = self._of[service_id]
        old = history[-1].new if history else self._opening[service_id]
        order = Taken(
            pending.accepted_at,
            pending.active_at,
            service_id=service_id,
            old=old,
            new=pending.to,
            double=pending.to == old,
        )
        history.append(order)
        self.taken.append(order)

    def _as_of(self, service_id: str, then: datetime, now: datetime) -> Reading:
        """What a reading showed at `then`, served as if it were of `now`."""
        earlier = [order for order in self._of[service_id] if order.accepted_at <= then]
        if not earlier:
            return Reading(now, Status.ACTIVE, self._opening[service_id], "Active")
        last = earlier[-1]
        if then < last.active_at:
            return Reading(now, Status.PENDING, last.old, "Change pending")
        return Reading(now, Status.ACTIVE, last.new, "Active")


class VirtualCarrierPlugin(Struct):
    """A `CarrierPlugin` that hands out the `carrier` that is there."""

    carrier: VirtualCarrier
    Options: type[Section] = field(default=Section)
    virtual: bool = True
    default_provisioning: timedelta = timedelta()
    default_changes_per_day: int | None = None

    def is_test(self, options: Any) -> bool:  # noqa: ARG002 - the protocol's
        return False

    def account(self, options: Any, context: CarrierContext) -> Account:  # noqa: ARG002 - the protocol's
        return self.carrier.account

    def create(self, options: Any, context: CarrierContext) -> VirtualCarrier:  # noqa: ARG002 - the protocol's
        return self.carrier


def virtual_carrier(
    account: Account,
    shelf: MemoryShelf,
    *,
    clock: Callable[[], datetime],
    provisioning: timedelta,
    changes_per_day: int | None,
    chance: FaultInjector,
    order_timeouts: OrderTimeouts,
) -> VirtualCarrier:
    """A carrier whose circuits stand as in `shelf`."""
    sandbox = Sandbox(
        account,
        shelf,
        clock=clock,
        provisioning=provisioning,
        changes_per_day=changes_per_day,
        starts_at=Bandwidth(1),
        tiers=frozenset(),
        unknown=frozenset(),
    )
    return VirtualCarrier(sandbox, chance, order_timeouts)
