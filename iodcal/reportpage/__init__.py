"""The report page as values: circuits as lanes, with what was, what is asked for, and why. Times are UTC."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Circuit
from iodcal.domain.localtime import Interval
from iodcal.domain.standing import Standing
from iodcal.history.entries import Entry
from iodcal.problems.kinds import Severity
from iodcal.result import SourceReport
from iodcal.state import LastRun


class Block(Struct, frozen=True):
    """A level of one lane. `planned` is True right of now: there it is what is asked for, left of it what
    the carrier showed."""

    span: Interval
    level: Bandwidth
    planned: bool


class Bar(Struct, frozen=True):
    """An event above a lane: its own time, and `asks` with lead and trail. `subject` is None where it must
    not be seen; `ready` is what the last look before it found; `row` keeps bars from covering each other."""

    id: str
    event: Interval
    asks: Interval
    rule: str | None
    subject: str | None
    ready: bool | None = None
    row: int = 0


class Trouble(Struct, frozen=True):
    """A problem of one circuit, in the picture: when it began and ended (now, if it lasts)."""

    span: Interval
    message: str


class Lane(Struct, frozen=True):
    """One circuit. `entries` is what happened, `coming` the changes to come, both in order of time;
    `left_out` counts what there was no room for."""

    circuit: Circuit
    standing: Standing
    target: Bandwidth
    blocks: tuple[Block, ...]
    bars: tuple[Bar, ...]
    troubles: tuple[Trouble, ...]
    entries: tuple[Entry, ...]
    coming: tuple[Entry, ...]
    left_out: int = 0

    @property
    def rows(self) -> int:
        """How many rows of bars there are."""
        return max((bar.row + 1 for bar in self.bars), default=0)

    @property
    def now(self) -> Bandwidth | None:
        """The level that the circuit is known to run at."""
        drift = self.standing.drift
        return drift.observed if drift is not None else self.standing.confirmed


class CurrentProblem(Struct, frozen=True):
    """A problem that stands, in words."""

    id: str
    severity: Severity | None
    since: datetime | None
    message: str
    remedy: str


class Page(Struct, frozen=True):
    """All that the page shows. `zone` is that of its axis; `unreadable` counts lost lines of the history."""

    now: datetime
    window: Interval
    zone: ZoneInfo
    lanes: tuple[Lane, ...]
    problems: tuple[CurrentProblem, ...]
    sources: tuple[SourceReport, ...]
    last_run: LastRun | None
    config_digest: str
    test: bool
    unreadable: int
