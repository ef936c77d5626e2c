"""The history: an append-only file of JSON lines beside the state, for people and for rebuilding."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from iodcal.bounds import load_json
from iodcal.errors import StateError
from iodcal.store.files import OWNER_ONLY, Access, opened, sync_folder, write_all
from iodcal.store.records import encode_line

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])-")
_PART = re.compile(r"-(\d{4}-(?:0[1-9]|1[0-2]))(?:-(\d{1,4}))?\.jsonl", re.ASCII)


class History:
    """Appends to and reads `history.jsonl`. A line torn by a crash is closed before the next one is
    written, and skipped when read."""

    def __init__(self, path: Path, access: Access = OWNER_ONLY) -> None:
        self.path = path
        self._access = access

    def append(self, kind: str, *, at: datetime, run_id: str, **facts: Any) -> None:
        """Writes one line, and has it on disk when it returns. Raises StateError."""
        record = encode_line(kind, at=at, run_id=run_id, facts=facts)
        line = json.dumps(record, ensure_ascii=True) + "\n"
        try:
            with opened(self.path, _FLAGS) as descriptor:
                self._access.grant(descriptor)
                write_all(descriptor, (_closing(descriptor) + line).encode("ascii"))
                os.fsync(descriptor)
        except OSError as error:
            raise StateError("unwritable", path=str(self.path), reason=error.strerror) from None

    def read(self) -> Iterator[dict[str, Any]]:
        """The records, oldest first, of the months gone by too; what is no record is skipped. Raises
        StateError."""
        return (record for record in self.lines() if record is not None)

    def lines(self, since: datetime | None = None) -> Iterator[dict[str, Any] | None]:
        """As `read`, with None for each line that is no record; months that were over before `since` (UTC)
        are left out. Raises StateError."""
        for month, _, path in self._parts():
            if since is None or month_end(month) > since:
                yield from _lines(path)
        yield from _lines(self.path)

    def rotate(self, now: datetime, keep: timedelta) -> None:
        """Sets a month that is over aside as `history-YYYY-MM.jsonl`, and deletes what is older than `keep`.
        Raises StateError."""
        month = self._month()
        try:
            if month is not None and month < f"{now:%Y-%m}":
                self.path.rename(self._free_name(month))
                sync_folder(self.path.parent)
            for name, _, path in self._parts():
                if month_end(name) + keep < now:
                    path.unlink()
        except OSError as error:
            raise StateError("unwritable", path=str(self.path), reason=error.strerror) from None

    def _free_name(self, month: str) -> Path:
        """Where `month` may lie: a clock that was set back has had its month set aside before."""
        taken = [number for name, number, _ in self._parts() if name == month]
        again = f"-{max(taken) + 1}" if taken else ""
        return self.path.with_name(f"{self.path.stem}-{month}{again}.jsonl")

    def _parts(self) -> list[tuple[str, int, Path]]:
        """What was set aside, oldest first: the month, which file of that month it is, and where it lies."""
        return sorted(
            (found[1], int(found[2] or 1), path)
            for path in self.path.parent.glob(f"{self.path.stem}-*.jsonl")
            if (found := _PART.fullmatch(path.name.removeprefix(self.path.stem)))
        )

    def _month(self) -> str | None:
        """The month that the file began in, as `2026-11`; None where that cannot be told."""
        for record in _lines(self.path):
            at = str(record.get("at", "")) if record is not None else ""
            if _MONTH.match(at):
                return at[:7]
        return None


def month_end(month: str) -> datetime:
    year, number = int(month[:4]), int(month[5:])
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _lines(path: Path) -> Iterator[dict[str, Any] | None]:
    try:
        with path.open("rb") as file:
            for line in file:
                yield record_of(line)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StateError("unreadable", path=str(path), reason=error.strerror) from None


def _closing(descriptor: int) -> str:
    """A newline if the last line was torn."""
    size = os.fstat(descriptor).st_size
    return "\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else ""


def record_of(line: bytes) -> dict[str, Any] | None:
    try:
        record = load_json(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
