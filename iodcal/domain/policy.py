"""What planning goes by: the settings, and how far this run's view of the world can be relied on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

from iodcal.domain.circuits import Circuit
from iodcal.domain.due import Timing
from iodcal.domain.holds import Parked, Pause
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import OrderTimeouts
from iodcal.domain.structs import replace


class Policy(Struct, frozen=True):
    """The settings that planning goes by. `allow_downs` is what a person let through for this run; `pause`
    and `parked` are what people asked for all circuits."""

    window: timedelta
    every: timedelta
    min_gap: timedelta
    order_timeouts: OrderTimeouts
    enforce: bool = False
    max_unplanned_downs: int = 3
    allow_downs: int = 0
    quota_reserve: int = 4
    pause: Pause | None = None
    parked: Parked | None = None

    def timeouts(self, circuit: Circuit) -> OrderTimeouts:
        """How long this circuit's orders may take."""
        return replace(self.order_timeouts, idempotent=circuit.idempotent)

    def timing(self, circuit: Circuit) -> Timing:
        return Timing(self.every, circuit.provisioning, self.min_gap)


class SafetyFlags(Struct, frozen=True):
    """How far this run's view of the world can be relied on. Whatever is doubtful keeps circuits up.

    `blind_after` names circuits and the time (UTC) after which one of their calendars is unknown;
    `unreadable` the circuits whose carrier did not answer, `clock_wrong` that the servers' clock and ours
    differ, `rebuilt` that the state had to be rebuilt, `unanswered_until` the time (UTC) until which an
    order may surface of which nothing is left on record; `earliest_now` is what the time (UTC) may be where
    another clock says that it is earlier, so that no pause ends by a clock that is wrong. `doubtful` names
    circuits and the times (UTC) that an event could touch which nobody could understand.
    """

    blind_after: Mapping[str, datetime] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    clock_wrong: bool = False
    rebuilt: bool = False
    unanswered_until: datetime | None = None
    doubtful: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)
    earliest_now: datetime | None = None
