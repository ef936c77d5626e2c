"""What each target was last told, and what still waits for it: `notices.json` beside the state.

A file of its own: it is written after the run's state is safe, and its loss costs a notice, not an order.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from msgspec import Struct, ValidationError, convert, field, to_builtins

from iodcal.bounds import load_json
from iodcal.config import Configuration
from iodcal.domain.structs import Instant, replace
from iodcal.errors import StateError
from iodcal.notify import Notice
from iodcal.pipeline.alerts import REMINDER
from iodcal.result import TargetReport
from iodcal.store.state import NoticeBox

_log = logging.getLogger("iodcal.notices")

MOST_WAITING = 50
_MOST_TRIES = 3
_KEPT = timedelta(hours=24)


class Memory(Struct, frozen=True):
    """One target: when a message last arrived, since when none does and why (`fault`, in words), what waits,
    the local day of the last daily summary, which failure of a run it was told of when, and when the log last
    warned that it is not reached."""

    delivered_at: Instant | None = None
    failing_since: Instant | None = None
    fault: str = ""
    waiting: tuple[Notice, ...] = ()
    daily_on: date | None = None
    failure_told: str = ""
    failure_told_at: Instant | None = None
    warned_at: Instant | None = None

    def due(self, now: datetime) -> tuple[Notice, ...]:
        """What still waits and is neither too old nor tried too often."""
        young = (n for n in self.waiting if now - n.at < _KEPT and n.tries < _MOST_TRIES)
        return tuple(young)

    def after(self, waiting: tuple[Notice, ...], fault: str, now: datetime, *, delivered: bool) -> Memory:
        """This memory after a round that left `waiting`; `fault` is empty where all went well."""
        kept = tuple(notice for notice in waiting if notice.stored)[-MOST_WAITING:]
        told = self.faulty(fault, now)
        return replace(told, delivered_at=now if delivered else self.delivered_at, waiting=kept)

    def faulty(self, fault: str, now: datetime) -> Memory:
        """This memory after a try that went wrong with `fault`, or, where that is empty, well."""
        if not fault:
            return replace(self, failing_since=None, fault="", warned_at=None)
        warned = self.warned_at
        if warned is None or now - warned >= REMINDER:
            warned = now
        return replace(self, failing_since=self.failing_since or now, fault=fault, warned_at=warned)


class Outbox(Struct, frozen=True):
    """The memories of all targets, by name, and where they are kept."""

    box: NoticeBox
    targets: Mapping[str, Memory] = field(default_factory=dict)

    def of(self, name: str) -> Memory:
        return self.targets.get(name, Memory())

    def save(self) -> bool:
        """Writes them down; False, and a line in the log, where that fails."""
        document = {"version": 1, "targets": to_builtins(self.targets)}
        try:
            self.box.write((json.dumps(document, indent=1) + "\n").encode("ascii"))
        except StateError as error:
            reason = error.facts.get("reason")
            _log.warning("%s cannot be written: %s; notices may come again", self.box.place, reason)
            return False
        return True


def load(box: NoticeBox) -> Outbox:
    """The outbox that `box` holds; an empty one where there is none that can be read."""
    try:
        content = box.read()
        document = load_json(content) if content is not None else {"targets": {}}
        targets = convert(document["targets"], dict[str, Memory])
    except (StateError, ValueError, KeyError, TypeError, ValidationError):
        _log.warning("%s cannot be understood: what waited in it is lost", box.place)
        return Outbox(box)
    return Outbox(box, targets)


def known_targets(configuration: Configuration, box: NoticeBox) -> tuple[TargetReport, ...]:
    """Every configured target, as the last runs left it in `box`."""
    if not configuration.notify:
        return ()
    outbox = load(box)
    return tuple(target_report(name, outbox.of(name)) for name in configuration.notify)


def target_report(name: str, memory: Memory, sent: int = 0) -> TargetReport:
    """One target's line of a report."""
    waiting = len(memory.waiting)
    return TargetReport(
        name,
        sent,
        waiting=waiting,
        delivered_at=memory.delivered_at,
        failing_since=memory.failing_since,
        fault=memory.fault,
    )
