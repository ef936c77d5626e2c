"""The sandbox's file: its circuits, the orders of the day, and the faults that are switched on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from iodcal.bounds import read_json
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.structs import replace
from iodcal.domain.time import instant_of
from iodcal.errors import CarrierError
from iodcal.store.files import replace_file


class SandboxFaults(Struct, frozen=True):
    """What goes wrong, as somebody wrote it into the file; for all circuits, or for one.

    `refuse` is the text of a refusal, `status` a status to show, `unreadable` makes readings fail, `stuck`
    keeps changes pending, `fail` lets accepted orders come to nothing, `lag_minutes` is how long a change
    shows late; `lose_before` and `lose_after` count answers still to be lost, before or after effect.
    """

    refuse: str | None = None
    status: str | None = None
    unreadable: bool = False
    stuck: bool = False
    fail: bool = False
    lag_minutes: int = 0
    lose_before: int = 0
    lose_after: int = 0


class PendingChange(Struct, frozen=True):
    """A change under way. Times are UTC."""

    to: Bandwidth
    accepted_at: datetime
    active_at: datetime
    external_id: str
    order_id: str
    note: str = ""


class BookLine(Struct, frozen=True):
    """One circuit as the file has it: its bandwidth, and the last change of it."""

    bandwidth: Bandwidth
    pending: PendingChange | None = None
    faults: SandboxFaults | None = None


class SandboxBook(Struct, frozen=True):
    """The whole file."""

    circuits: Mapping[str, BookLine] = field(default_factory=dict)
    orders: Mapping[str, int] = field(default_factory=dict)
    faults: SandboxFaults = SandboxFaults()

    def faults_of(self, service_id: str) -> SandboxFaults:
        """The circuit's own faults, else those of all."""
        line = self.circuits.get(service_id)
        return line.faults if line is not None and line.faults is not None else self.faults

    def with_line(self, service_id: str, line: BookLine) -> SandboxBook:
        return replace(self, circuits={**self.circuits, service_id: line})

    def with_faults(self, service_id: str, faults: SandboxFaults) -> SandboxBook:
        line = self.circuits.get(service_id)
        if line is not None and line.faults is not None:
            return self.with_line(service_id, replace(line, faults=faults))
        return replace(self, faults=faults)

    def counted(self, day: str) -> SandboxBook:
        """One more order on `day`; earlier days are forgotten."""
        return replace(self, orders={day: self.orders.get(day, 0) + 1})


def read_book(path: Path) -> SandboxBook:
    """The book at `path`, an empty one where there is none. Raises CarrierError."""
    try:
        document = read_json(path)
        return _decode(document)
    except FileNotFoundError:
        return SandboxBook()
    except OSError as error:
        raise CarrierError("sandbox_unreadable", file=str(path), reason=error.strerror) from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise CarrierError("sandbox_damaged", file=str(path)) from None


def write_book(path: Path, book: SandboxBook) -> None:
    """Replaces the file at once and as a whole. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, (json.dumps(_encode(book), indent=2) + "\n").encode("ascii"))


def _decode(document: dict[str, Any]) -> SandboxBook:
    return SandboxBook(
        {service_id: _decode_line(line) for service_id, line in document.get("circuits", {}).items()},
        {str(day): int(count) for day, count in document.get("orders", {}).items()},
        _decode_faults(document.get("faults", {})),
    )


def _decode_line(line: dict[str, Any]) -> BookLine:
    pending, faults = line.get("pending"), line.get("faults")
    return BookLine(
        Bandwidth.parse(line["bandwidth"]),
        _decode_pending(pending) if pending is not None else None,
        _decode_faults(faults) if faults is not None else None,
    )


def _decode_pending(pending: dict[str, Any]) -> PendingChange:
    return PendingChange(
        Bandwidth.parse(pending["to"]),
        instant_of(pending["accepted_at"]),
        active_at=instant_of(pending["active_at"]),
        external_id=str(pending["external_id"]),
        order_id=str(pending["order_id"]),
        note=str(pending.get("note", "")),
    )


def _decode_faults(faults: dict[str, Any]) -> SandboxFaults:
    """Raises TypeError for a fault that there is not."""
    return SandboxFaults(**faults)


def _encode(book: SandboxBook) -> dict[str, Any]:
    return {
        "circuits": {service_id: _encode_line(line) for service_id, line in book.circuits.items()},
        "orders": dict(book.orders),
        "faults": _encode_faults(book.faults),
    }


def _encode_line(line: BookLine) -> dict[str, Any]:
    encoded: dict[str, Any] = {"bandwidth": str(line.bandwidth), "pending": None}
    if line.pending is not None:
        encoded["pending"] = {
            "to": str(line.pending.to),
            "accepted_at": line.pending.accepted_at.isoformat(),
            "active_at": line.pending.active_at.isoformat(),
            "external_id": line.pending.external_id,
            "order_id": line.pending.order_id,
            "note": line.pending.note,
        }
    if line.faults is not None:
        encoded["faults"] = _encode_faults(line.faults)
    return encoded


def _encode_faults(faults: SandboxFaults) -> dict[str, Any]:
    """Only what is switched on."""
    none = SandboxFaults()
    names = SandboxFaults.__struct_fields__
    return {name: getattr(faults, name) for name in names if getattr(faults, name) != getattr(none, name)}
