"""Failures injected into calls: which, when, and for how long each must hold anybody up."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class FaultKind(StrEnum):
    """What can happen to a call: of a calendar, to read a circuit, to get a quote, or to order."""

    CALENDAR_UNREADABLE = "calendar_unreadable"
    CARRIER_UNREADABLE = "carrier_unreadable"
    STALE_READING = "stale_reading"
    NO_QUOTE = "no_quote"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    LOST_BEFORE = "lost_before"
    LOST_AFTER = "lost_after"
    PENDING_LONG = "pending_long"
    VOID = "void"


OF_READINGS = (FaultKind.CARRIER_UNREADABLE, FaultKind.STALE_READING)
OF_ORDERS = (
    FaultKind.REFUSED,
    FaultKind.NOT_SENT,
    FaultKind.LOST_BEFORE,
    FaultKind.LOST_AFTER,
    FaultKind.PENDING_LONG,
    FaultKind.VOID,
)


class FaultPlan(Struct, frozen=True):
    """Each call fails with probability `rate`; the same `seed` makes the same calls fail."""

    rate: float
    seed: int = 0


NO_FAULTS = FaultPlan(0.0)


class Injected(Struct, frozen=True):
    """A failure that was injected. `place` is a service ID, or a source's label. Until `until` (UTC) it keeps
    everybody waiting who neither orders twice nor overtakes an open order."""

    at: datetime
    place: str
    kind: FaultKind
    until: datetime


@dataclass(slots=True)
class FaultInjector:
    """The failures injected at one edge, and a record of them. Every edge has its own, so that what happens
    at one does not depend on which of them is called first."""

    plan: FaultPlan
    edge: str
    injected: list[Injected] = field(default_factory=list)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.plan.seed}/{self.edge}")  # noqa: S311 - luck, not a secret

    def draw(self, kinds: tuple[FaultKind, ...]) -> FaultKind | None:
        """One of `kinds` if this call is to fail; None where it is to go well."""
        if not self.plan.rate or self._random.random() >= self.plan.rate:
            return None
        return self._random.choice(kinds)

    def up_to(self, most: float) -> float:
        """A number from 0 to `most`."""
        return self._random.uniform(0, most)

    def note(self, at: datetime, place: str, kind: FaultKind, until: datetime) -> None:
        self.injected.append(Injected(at, place, kind, until))
