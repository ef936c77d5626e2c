"""Was a matching event served in time? One identity and one verdict, for problems, notices, history, page,
report and simulation alike.

What differs among them is the evidence: the readings of a run, the lines of the history, or a simulated
carrier's own record. What follows from it is decided here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.steps import EVER

_MARK_LENGTH = 8  # hexadecimal digits: few events of one rule begin at once


class Readiness(StrEnum):
    """How a circuit stands to an event. Published: it may grow, nothing in it is renamed.

    Before the event begins: `ready` (at its tier), `expected` (an order can be done in time), or `at_risk`.
    `late` once the event began below its tier, or once no order can be done in time.
    """

    READY = "ready"
    EXPECTED = "expected"
    AT_RISK = "at_risk"
    LATE = "late"


class EventOnCircuit(Struct, frozen=True):
    """One matching event on one circuit. `event` is the demand's id, the same from run to run and without
    calendar text; None where a history line of the first versions has none. `start` is UTC."""

    circuit: str
    rule: str
    start: datetime
    event: str | None

    @property
    def id(self) -> str:
        """Names the event, with its rule, on any circuit."""
        return recorded_id(self.event, self.rule, self.start)

    @property
    def place(self) -> str:
        """Names it in problems and notices: events of one rule that begin at once differ in the last part."""
        if self.event is None:
            return self.common_place
        mark = hashlib.sha256(self.event.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK_LENGTH]
        return f"{self.common_place}/{mark}"

    @property
    def common_place(self) -> str:
        """What events of one rule that begin at once on this circuit have in common; the whole place in
        the lines of the first versions."""
        return f"{self.circuit}/{self.rule}/{self.start:%Y-%m-%dT%H:%MZ}"


def recorded_id(event: str | None, rule: str | None, start: datetime) -> str:
    """The id of an event as the history has it; its lines of the first versions have rule and start only."""
    return event or f"{rule}/{start.isoformat()}"


def judge(
    start: datetime,
    now: datetime,
    *,
    at_tier_since: datetime | None,
    cause: str | None = None,
    can_be_done: bool = True,
) -> Readiness:
    """The verdict on an event that begins at `start`, by what is known at `now` (both UTC).

    `at_tier_since` is None where the circuit is below the event's tier, or will be when it begins. `cause` is
    why that cannot be expected to change in time; `can_be_done` is False where no order could be done then.
    """
    if now >= start:
        in_time = at_tier_since is not None and at_tier_since <= start
        return Readiness.READY if in_time else Readiness.LATE
    if cause is not None:
        return Readiness.AT_RISK if can_be_done else Readiness.LATE
    return Readiness.READY if at_tier_since is not None else Readiness.EXPECTED


def came_to_tier(
    levels: Iterable[tuple[Interval, Bandwidth | None]], event: Interval, needs: Bandwidth
) -> datetime | None:
    """Since when the circuit was at `needs` as the event began; where it was below, when it first came there
    before the event ended; None where it did not. `levels` are in order of time, without a gap; None where
    nobody knows: what is known first counts as having been so before."""
    since: datetime | None = None
    known = False
    for span, level in levels:
        if span.start >= event.end or (span.start > event.start and since is not None):
            break
        enough = level is not None and level >= needs
        since = (since or (span.start if known else EVER)) if enough else None
        known = known or level is not None
    return since
