"""What one invocation is about: what was asked, and what it works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

from iodcal.clock import boot_time
from iodcal.config import Configuration
from iodcal.domain.circuits import Account
from iodcal.domain.orders import BootTime
from iodcal.domain.policy import Policy
from iodcal.errors import Fault
from iodcal.http import Deadline
from iodcal.memo import Memo
from iodcal.pipeline.attempts import read_all
from iodcal.pipeline.fetch import ReadCalendars
from iodcal.pipeline.poll import Carriers
from iodcal.store.state import State


class Request(Struct, frozen=True):
    """What is asked of a run, to be judged at `now` (UTC). `circuit` limits it to one circuit, `allow_downs`
    lets that many unplanned lowerings through, `expect` is the digest of the only changes that may be
    ordered, `shared_with` a host that used the same state just before, `faults` what is wrong with a
    configuration that an earlier one stands in for, `cached` makes the last run's readings
    do, `unmatched` asks for the events that no rule took."""

    command: str
    now: datetime
    window: timedelta
    run_id: str
    circuit: str | None = None
    allow_downs: int = 0
    expect: str | None = None
    shared_with: str | None = None
    faults: tuple[Fault, ...] = ()
    cached: bool = False
    detailed_exitcode: bool = False
    unmatched: bool = False


class RunContext(Struct, frozen=True):
    """What a run needs of the world: the clock (UTC), its deadline and that of the calendars, whom to tell
    its progress, the monotonic clock (None under a virtual time), how calendars are read, and what
    runs before this one in the same process computed."""

    clock: Callable[[], datetime]
    deadline: Deadline
    calendar_deadline: Deadline
    progress: Callable[[str], None]
    boot: Callable[[], BootTime | None] = boot_time
    read_calendars: ReadCalendars = read_all
    memo: Memo = field(default_factory=Memo)


class Run(Struct, frozen=True):
    """One run's inputs, and what it opens on the way. `used` counts the orders of this UTC day before the
    run, by account, `refused` those that were refused."""

    configuration: Configuration
    state: State
    request: Request
    context: RunContext
    policy: Policy
    carriers: Carriers
    used: Mapping[Account, int]
    refused: Mapping[Account, int]
