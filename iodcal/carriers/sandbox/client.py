"""The sandbox carrier: orders are accepted, pending for a while, then active; like a real one it may fail."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from iodcal.carriers import ListedCircuit, OrderRequest
from iodcal.carriers.sandbox.book import (
    BookLine,
    PendingChange,
    SandboxBook,
    SandboxFaults,
    read_book,
    write_book,
)
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Account, Quote, Reading, Status
from iodcal.domain.structs import replace
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    OrderNotSentError,
    OrderRefusedError,
    QuotaExceededError,
)
from iodcal.http import Deadline

_STUCK = timedelta(days=36500)


class BookStore(Protocol):
    """Where a sandbox's book is kept."""

    def read(self) -> SandboxBook:
        """The book as it was written last. Raises CarrierError."""
        ...

    def write(self, book: SandboxBook) -> None:
        """Replaces the book. Raises OSError."""
        ...


class BookFile(Struct, frozen=True):
    """A book in a file."""

    path: Path

    def read(self) -> SandboxBook:
        return read_book(self.path)

    def write(self, book: SandboxBook) -> None:
        write_book(self.path, book)


class Sandbox(Struct):
    """A `Carrier` whose book is on `shelf`. A reading never writes it, so that a preview touches nothing."""

    account: Account
    shelf: BookStore
    clock: Callable[[], datetime]
    provisioning: timedelta
    changes_per_day: int | None
    starts_at: Bandwidth
    tiers: frozenset[Bandwidth]
    unknown: frozenset[str]
    clock_error: float | None = None

    def read(self, service_id: str, deadline: Deadline) -> Reading:  # noqa: ARG002 - a file answers at once
        book, now = self._book(service_id), self.clock()
        faults = book.faults_of(service_id)
        if faults.unreadable:
            raise CarrierError("unreachable", host="the sandbox", reason="switched on in its file")
        line = self._line(book, service_id)
        if faults.status is not None:
            return Reading(now, Status.UNKNOWN, line.bandwidth, faults.status)
        return _shown(line, faults, now)

    def circuits(self, deadline: Deadline) -> Sequence[ListedCircuit]:  # noqa: ARG002 - as in read
        """See `Listing.circuits`: those that the file has met."""
        book, now = self.shelf.read(), self.clock()
        shown = {name: _shown(line, book.faults_of(name), now) for name, line in book.circuits.items()}
        return [ListedCircuit(name, shown[name].bandwidth, shown[name].status_text) for name in sorted(shown)]

    def offered(self, service_id: str, deadline: Deadline) -> frozenset[Bandwidth] | None:  # noqa: ARG002 - as in read
        """See `Offering.offered`."""
        self._book(service_id)
        return self.tiers or None

    def quote(self, service_id: str, bandwidth: Bandwidth, deadline: Deadline) -> Quote:  # noqa: ARG002 - as in read
        self._book(service_id)
        if self.tiers and bandwidth not in self.tiers:
            raise OrderRefusedError("tier_not_sold", service_id=service_id, bandwidth=str(bandwidth))
        digest = hashlib.sha256(f"{service_id}/{bandwidth.mbps}".encode()).hexdigest()
        return Quote(f"sandbox-{digest[:8]}", bandwidth, self.clock())

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:  # noqa: ARG002 - as in read
        book, now = self._book(request.service_id), self.clock()
        faults = book.faults_of(request.service_id)
        line = self._line(book, request.service_id)
        if faults.lose_before:
            self._write(
                book.with_faults(request.service_id, replace(faults, lose_before=faults.lose_before - 1))
            )
            raise AnswerLostError("answer_lost", reason="switched on in the sandbox's file")
        self._refuse(request, book, line=line, faults=faults, now=now)
        book, acceptance = self._taken(request, book, line=line, faults=faults, now=now)
        if faults.lose_after:
            faults = replace(faults, lose_after=faults.lose_after - 1)
            self._write(book.with_faults(request.service_id, faults))
            raise AnswerLostError("answer_lost", reason="switched on in the sandbox's file")
        self._write(book)
        return acceptance

    def _refuse(
        self, request: OrderRequest, book: SandboxBook, line: BookLine, faults: SandboxFaults, now: datetime
    ) -> None:
        if faults.refuse is not None:
            raise OrderRefusedError("refused", service_id=request.service_id, message=faults.refuse)
        if faults.status is not None:
            raise OrderRefusedError(
                "refused", service_id=request.service_id, message=f"status {faults.status}"
            )
        if _settled(line, faults, now).pending is not None:
            raise ChangePendingError("change_pending", service_id=request.service_id)
        if self.changes_per_day is not None and book.orders.get(_day(now), 0) >= self.changes_per_day:
            raise QuotaExceededError(
                "quota_exceeded", account=self.account.number, limit=self.changes_per_day
            )

    def _taken(
        self, request: OrderRequest, book: SandboxBook, line: BookLine, faults: SandboxFaults, now: datetime
    ) -> tuple[SandboxBook, Acceptance]:
        order_id = f"sandbox-{request.external_id}"
        book = book.counted(_day(now))
        line = _settled(line, faults, now)
        if not faults.fail:
            active_at = now + (_STUCK if faults.stuck else self.provisioning)
            pending = PendingChange(
                request.quote.bandwidth,
                now,
                active_at=active_at,
                external_id=request.external_id,
                order_id=order_id,
                note=request.note,
            )
            line = replace(line, pending=pending)
        return book.with_line(request.service_id, line), Acceptance(now, order_id)

    def _book(self, service_id: str) -> SandboxBook:
        if service_id in self.unknown:
            raise CarrierError("circuit_unknown", service_id=service_id)
        return self.shelf.read()

    def _line(self, book: SandboxBook, service_id: str) -> BookLine:
        return book.circuits.get(service_id) or BookLine(self.starts_at)

    def _write(self, book: SandboxBook) -> None:
        try:
            self.shelf.write(book)
        except OSError as error:
            raise OrderNotSentError("not_sent", host="the sandbox", reason=error.strerror) from None


def _settled(line: BookLine, faults: SandboxFaults, now: datetime) -> BookLine:
    """`line` with a change that is done by `now` taken over."""
    if line.pending is None or faults.stuck or now < line.pending.active_at:
        return line
    return replace(line, bandwidth=line.pending.to, pending=None)


def _shown(line: BookLine, faults: SandboxFaults, now: datetime) -> Reading:
    line = _settled(line, faults, now)
    late = timedelta(minutes=faults.lag_minutes)
    if line.pending is not None and now >= line.pending.accepted_at + late:
        return Reading(now, Status.PENDING, line.bandwidth, "Change pending")
    return Reading(now, Status.ACTIVE, line.bandwidth, "Active")


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()
