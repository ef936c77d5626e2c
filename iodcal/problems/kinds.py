"""Problems as values: what is wrong, where, how bad. Words are found at the edge, in `iodcal.words`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field

Fact: TypeAlias = str | int | float | None


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Kind(StrEnum):
    """The published list: it may grow, nothing in it is renamed."""

    BUDGET = "budget"
    CALENDAR_UNREADABLE = "calendar_unreadable"
    CARRIER_UNREADABLE = "carrier_unreadable"
    CIRCUIT_UNKNOWN = "circuit_unknown"
    CLOCK = "clock"
    CONFIGURATION = "configuration"
    DRIFT = "drift"
    EVENT_AT_RISK = "event_at_risk"
    EVENT_INVALID = "event_invalid"
    EVENT_LATE = "event_late"
    EVENT_REFUSED = "event_refused"
    LATE_RUN = "late_run"
    LEFT_UP = "left_up"
    NO_BANDWIDTH = "no_bandwidth"
    NO_CIRCUIT = "no_circuit"
    ORDER_FAILED = "order_failed"
    ORDER_LOST = "order_lost"
    ORDER_OVERDUE = "order_overdue"
    ORDER_REFUSED = "order_refused"
    ORDER_UNKNOWN = "order_unknown"
    OVERRULED = "overruled"
    PATTERN_SLOW = "pattern_slow"
    PRICE = "price"
    PRICE_UNKNOWN = "price_unknown"
    QUOTA = "quota"
    QUOTA_PLANNED = "quota_planned"
    QUOTA_SHORT = "quota_short"
    STATE_REBUILT = "state_rebuilt"
    STATE_SHARED = "state_shared"
    STATUS_UNKNOWN = "status_unknown"
    TOO_LATE = "too_late"
    TOO_MANY_DOWNS = "too_many_downs"


class _Nature(Struct, frozen=True):
    severity: Severity
    stable: frozenset[str]


def _error(*stable: str) -> _Nature:
    return _Nature(Severity.ERROR, frozenset(stable))


def _warning(*stable: str) -> _Nature:
    return _Nature(Severity.WARNING, frozenset(stable))


# For each kind how bad it is, and which facts make it another problem when they change. Never a time, an
# id or a count: a problem that lasts must not be told anew with every run.
_NATURES: Mapping[Kind, _Nature] = {
    Kind.BUDGET: _warning("level", "month"),
    Kind.CALENDAR_UNREADABLE: _error("code"),
    Kind.CARRIER_UNREADABLE: _error("code"),
    Kind.CIRCUIT_UNKNOWN: _error(),
    Kind.CLOCK: _error(),
    Kind.CONFIGURATION: _error("first"),
    Kind.DRIFT: _warning("observed", "ordered"),
    Kind.EVENT_AT_RISK: _error("cause"),
    Kind.EVENT_INVALID: _warning(),
    Kind.EVENT_LATE: _error("cause"),
    Kind.EVENT_REFUSED: _warning(),
    Kind.LATE_RUN: _warning(),
    Kind.LEFT_UP: _error("bandwidth", "changed"),
    Kind.NO_BANDWIDTH: _error("found"),
    Kind.NO_CIRCUIT: _warning("named"),
    Kind.ORDER_FAILED: _error("direction", "to"),
    Kind.ORDER_LOST: _error("direction", "to"),
    Kind.ORDER_OVERDUE: _error("direction", "to"),
    Kind.ORDER_REFUSED: _error("code", "direction", "to"),
    Kind.ORDER_UNKNOWN: _warning("direction", "to"),
    Kind.OVERRULED: _warning("by", "who"),
    Kind.PATTERN_SLOW: _error(),
    Kind.PRICE: _error("to"),
    Kind.PRICE_UNKNOWN: _warning("currency"),
    Kind.QUOTA: _error(),
    Kind.QUOTA_PLANNED: _warning(),
    Kind.QUOTA_SHORT: _warning(),
    Kind.STATE_REBUILT: _error(),
    Kind.STATE_SHARED: _error("host"),
    Kind.STATUS_UNKNOWN: _error("status"),
    Kind.TOO_LATE: _error(),
    Kind.TOO_MANY_DOWNS: _error(),
}


class Problem(Struct, frozen=True):
    """Something a person should know. Its identity is (kind, where); `facts` feed the words."""

    kind: Kind
    where: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    since: datetime | None = None

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.where}"

    @property
    def severity(self) -> Severity:
        return _NATURES[self.kind].severity

    @property
    def stable_facts(self) -> tuple[tuple[str, Fact], ...]:
        """What must change for this to count as a changed problem."""
        stable = _NATURES[self.kind].stable
        return tuple(sorted((name, fact) for name, fact in self.facts.items() if name in stable))
