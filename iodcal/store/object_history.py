"""The history in an object store: each record is an object that is created once; a month that is over is put
together into one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from iodcal.domain.orders import Order, Outcome
from iodcal.errors import StateError
from iodcal.store.codec import DamagedError
from iodcal.store.log import month_end, record_of
from iodcal.store.objects import ObjectFolder, WriteRefusedError
from iodcal.store.records import decode_order, encode_line

_FOLDER = "history/"
_MONTH = re.compile(r"history/(\d{4}-(?:0[1-9]|1[0-2]))/?")
_RECORD = re.compile(r"history/[^/]+/\d{8}T\d{6}\.\d{6}Z-[^/]+-\d{4,}\.json", re.ASCII)
_WHOLE = re.compile(r"history-(\d{4}-(?:0[1-9]|1[0-2]))(?:-(\d{1,4}))?\.jsonl", re.ASCII)
_NO_ANSWER = (Outcome.SENDING, Outcome.UNKNOWN)


class ObjectHistory:
    """A `KeptHistory`. `before_append` is called before a record is added; `last_run` is when the last run
    before this one began (UTC), where that is known."""

    def __init__(self, folder: ObjectFolder, before_append: Callable[[], None]) -> None:
        self._folder = folder
        self._before_append = before_append
        self._number = 0
        self.last_run: datetime | None = None

    def append(self, kind: str, *, at: datetime, run_id: str, **facts: Any) -> None:
        """Stores one record; it is stored when this returns. Raises StateError, LockHeldError."""
        self._before_append()
        self._create(at, run_id, encode_line(kind, at=at, run_id=run_id, facts=facts))

    def note_takeover(self, at: datetime, run_id: str, facts: Mapping[str, Any]) -> str:
        """Says that a run which never ended is over; the name of the object. Raises StateError."""
        return self._create(at, run_id, encode_line("takeover", at=at, run_id=run_id, facts=facts))

    def _create(self, at: datetime, run_id: str, record: Mapping[str, Any]) -> str:
        self._number += 1
        name = f"{_FOLDER}{at:%Y-%m}/{at:%Y%m%dT%H%M%S.%fZ}-{run_id}-{self._number:04d}.json"
        line = json.dumps(record, ensure_ascii=True) + "\n"
        try:
            self._folder.put(name, line.encode("ascii"), None)
        except WriteRefusedError:
            raise StateError(
                "unwritable", path=f"{self._folder.url}{name}", reason="the name is taken"
            ) from None
        return name

    def read(self) -> Iterator[dict[str, Any]]:
        return (record for record in self.lines() if record is not None)

    def lines(self, since: datetime | None = None) -> Iterator[dict[str, Any] | None]:
        """Month by month; a record that stands in its own object and in that of its month counts once."""
        wholes, months = self._months()
        for month in sorted({*wholes, *months}):
            if since is None or month_end(month) > since:
                yield from map(record_of, self._lines_of(month, wholes.get(month, [])))

    def answers(self, orders: frozenset[str], since: datetime) -> Iterator[Order]:
        """What the history has of these orders, by id, that were sent at `since` (UTC) or later: the answer
        to each that has one."""
        found: dict[str, Order] = {}
        for record in self.read_since(since):
            try:
                order = decode_order(record["order"]) if record.get("kind") == "order" else None
            except (DamagedError, KeyError):
                continue
            if order is not None and order.id in orders and order.outcome not in _NO_ANSWER:
                found[order.id] = order
        yield from found.values()

    def read_since(self, since: datetime) -> Iterator[dict[str, Any]]:
        """The records from `since` (UTC) on, those of the months before left out and only objects that are
        young enough read."""
        youngest = f"{since - timedelta(minutes=1):%Y%m%dT%H%M%S}"
        wholes, months = self._months()
        for month in sorted({*wholes, *months}):
            if month_end(month) <= since:
                continue
            young = self._records(month, youngest)
            for line in self._texts([*wholes.get(month, []), *young]):
                if (record := record_of(line)) is not None:
                    yield record

    def rotate(self, now: datetime, keep: timedelta) -> None:
        """The first run of a month puts those that are over together, and deletes what is older than `keep`;
        any other asks the store for nothing. Raises StateError."""
        if self.last_run is not None and f"{self.last_run:%Y-%m}" == f"{now:%Y-%m}":
            return
        wholes, months = self._months()
        for month in months:
            if month < f"{now:%Y-%m}":
                self._put_together(month, wholes.get(month, []))
        old = [name for month, names in wholes.items() if month_end(month) + keep < now for name in names]
        if old:
            self._folder.delete(old)

    def _put_together(self, month: str, wholes: list[str]) -> None:
        """One object of all the records of a month that have an object each; those go once it is stored."""
        names = self._records(month)
        known = set(self._texts(wholes))
        lines = list(dict.fromkeys(line for line in self._texts(names) if line not in known))
        if lines:
            again = f"-{len(wholes) + 1}" if wholes else ""
            try:
                self._folder.put(f"history-{month}{again}.jsonl", b"".join(lines), None)
            except WriteRefusedError:
                return  # another run is about it
        self._folder.delete(names)

    def _lines_of(self, month: str, wholes: list[str]) -> Iterator[bytes]:
        yield from dict.fromkeys(self._texts([*wholes, *self._records(month)]))

    def _records(self, month: str, after: str = "") -> list[str]:
        """The names of the objects of single records of `month`, those that sort up to `after` left out. What
        others keep among them is neither read nor deleted."""
        names = self._folder.names(f"{_FOLDER}{month}/", after=after)
        return [name for name in names if _RECORD.fullmatch(name)]

    def _texts(self, names: list[str]) -> Iterator[bytes]:
        for _, content in self._folder.read_all(names):
            yield from content.splitlines(keepends=True)

    def _months(self) -> tuple[dict[str, list[str]], list[str]]:
        """The objects of whole months, by month, and the months that have objects of single records."""
        objects, folders = self._folder.level()
        wholes: dict[str, list[str]] = {}
        parts = (found for name in objects if (found := _WHOLE.fullmatch(name)))
        for found in sorted(parts, key=lambda part: int(part[2] or 1)):
            wholes.setdefault(found[1], []).append(found[0])
        if f"{_FOLDER.removesuffix('/')}" not in (folder.removesuffix("/") for folder in folders):
            return wholes, []
        _, inner = self._folder.level(_FOLDER)
        return wholes, sorted(found[1] for name in inner if (found := _MONTH.fullmatch(name)))
