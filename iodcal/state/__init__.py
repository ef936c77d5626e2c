"""What survives a run: one JSON file, its lock, and an append-only history. The shape in memory is here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from msgspec import Struct, field

from iodcal.domain.standing import Remembered, Standing
from iodcal.domain.wishes import Parked, Pause
from iodcal.problems.kinds import Fact


class Quota(Struct, frozen=True):
    """Orders that an account placed on a UTC day: accepted ones and those with an unknown outcome."""

    day: date
    used: int


class Told(Struct, frozen=True):
    """A problem that stands: since when, with which stable facts, and when somebody was last told
    (None while nobody was). `kind`, `where` and `facts` say what to call it once it clears; `over` is True
    where it has, and only the person who looked on knows."""

    kind: str
    where: str
    facts: Mapping[str, Fact]
    stable_facts: tuple[tuple[str, Fact], ...]
    since: datetime
    told_at: datetime | None
    over: bool = False


class LastRun(Struct, frozen=True):
    """The last run that got as far as writing state. `good` is True where every calendar was read."""

    run_id: str
    started_at: datetime
    ended_at: datetime
    good: bool
    exit: int


class State(Struct, frozen=True):
    """All that is kept between runs. `circuits` is keyed by `Circuit.key`, `remembered` and
    `calendar_ids` by `Source.key`, `quotas` by (base URL, account), `told` by problem id.

    `rebuilt_from` names the damaged file this state was rebuilt in place of: nothing is lowered then.
    `pause` and `parked` are what a person asked for all circuits.
    `unknown_since` is when state and history were found to be gone: an order may have gone out just before.
    """

    circuits: Mapping[str, Standing] = field(default_factory=dict)
    remembered: Mapping[str, Remembered] = field(default_factory=dict)
    calendar_ids: Mapping[str, str] = field(default_factory=dict)
    quotas: Mapping[tuple[str, str], Quota] = field(default_factory=dict)
    told: Mapping[str, Told] = field(default_factory=dict)
    last_run: LastRun | None = None
    rebuilt_from: str | None = None
    unknown_since: datetime | None = None
    pause: Pause | None = None
    parked: Parked | None = None


class HistoryLog(Protocol):
    """What a run needs of the history: to append to it, and to have its old months set aside."""

    def append(self, kind: str, *, at: datetime, run_id: str, **facts: Any) -> None:
        """Keeps one record; it survives from when this returns. Raises StateError."""
        ...

    def rotate(self, now: datetime, keep: timedelta) -> None:
        """Sets months that are over aside, and drops what is older than `keep`. Raises StateError."""
        ...


class Store(Protocol):
    """What a run needs of the place where its state is kept: the file, or memory at virtual time."""

    @property
    def history(self) -> HistoryLog: ...

    def save(self, state: State) -> None:
        """Keeps `state`; it survives from when this returns. Raises StateError."""
        ...

    def save_elsewhere(self, state: State) -> str | None:
        """Keeps `state` in some other place, since its own cannot be written; where that is, or None."""
        ...
