"""The history: an append-only file of JSON lines beside the state, for people and for rebuilding."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from iodcal.domain.orders import Order
from iodcal.domain.standing import Drift
from iodcal.errors import StateError
from iodcal.state.encode import encode_drift, encode_order, moment

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class History:
    """Appends to and reads `history.jsonl`. A line torn by a crash is closed before the next one is
    written, and skipped when read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, kind: str, *, at: datetime, run_id: str, **facts: Any) -> None:
        """Writes one line, and has it on disk when it returns. Raises StateError."""
        record = {"at": moment(at), "run_id": run_id, "kind": kind}
        record |= {name: _plain(fact) for name, fact in facts.items()}
        line = json.dumps(record, ensure_ascii=True) + "\n"
        try:
            descriptor = os.open(self.path, _FLAGS, 0o600)
            try:
                os.write(descriptor, (_closing(descriptor) + line).encode("ascii"))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StateError("unwritable", path=str(self.path), reason=error.strerror) from None

    def read(self) -> Iterator[dict[str, Any]]:
        """The records, oldest first; what is no record is skipped. Raises StateError."""
        try:
            with self.path.open("rb") as file:
                for line in file:
                    record = _record(line)
                    if record is not None:
                        yield record
        except FileNotFoundError:
            return
        except OSError as error:
            raise StateError("unreadable", path=str(self.path), reason=error.strerror) from None


def _closing(descriptor: int) -> str:
    """A newline if the last line was torn."""
    size = os.fstat(descriptor).st_size
    return "\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else ""


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _plain(fact: Any) -> Any:
    if isinstance(fact, Order):
        return encode_order(fact)
    if isinstance(fact, Drift):
        return encode_drift(fact)
    if isinstance(fact, datetime):
        return moment(fact)
    return fact
