"""What one invocation is about: what was asked, and what it works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from iodcal.config import Configuration
from iodcal.domain.planning import Policy
from iodcal.http import Deadline
from iodcal.observing import Carriers
from iodcal.state import State


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a run. `circuit` limits it to one circuit, `allow_downs` lets that many unplanned
    lowerings through, `cached` makes the last run's readings do, `now` is the instant to judge by (UTC)."""

    command: str
    now: datetime
    window: timedelta
    run_id: str
    circuit: str | None = None
    allow_downs: int = 0
    cached: bool = False
    detailed_exitcode: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run needs of the world: the clock (UTC), its deadline and that of the calendars, and whom to
    tell its progress."""

    clock: Callable[[], datetime]
    deadline: Deadline
    calendar_deadline: Deadline
    progress: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """One run's inputs, and what it opens on the way."""

    configuration: Configuration
    state: State
    request: Request
    around: Surroundings
    policy: Policy
    carriers: Carriers
