"""What survives a run, in memory; `iodcal.store.codec` derives its shape on disk from these structs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from msgspec import Struct, field

from iodcal.domain.circuit_state import CircuitState, SourceMemory
from iodcal.domain.holds import Parked, Pause, Skip
from iodcal.domain.installation import Installation
from iodcal.domain.structs import Fact, Instant


class Quota(Struct, frozen=True, omit_defaults=True):
    """Orders that an account placed on a UTC day: accepted ones and those with an unknown outcome are `used`;
    `refused` ones a carrier may have counted or not."""

    day: date
    used: int
    refused: int = 0


class AlertRecord(Struct, frozen=True, omit_defaults=True):
    """A problem that stands: since when, with which stable facts, and when somebody was last told
    (None while nobody was). `kind`, `where` and `facts` say what to call it once it clears; `over` is True
    where it has, and only the person who looked on knows."""

    kind: str
    where: str
    facts: Mapping[str, Fact]
    stable_facts: tuple[tuple[str, Fact], ...]
    since: Instant
    told_at: Instant | None
    over: bool = False


class LastRun(Struct, frozen=True):
    """The last run that got as far as writing state. `good` is True where every calendar was read."""

    run_id: str
    started_at: Instant
    ended_at: Instant
    good: bool
    exit: int


class State(Struct, frozen=True):
    """All that is kept between runs. `circuits` is keyed by `Circuit.key`, `remembered` as `memories_of`
    has it, `calendar_ids` by `Source.key`, `quotas` by (base URL, account), `told` by problem id.

    `rebuilt_from` names the damaged file this state was rebuilt in place of: nothing is lowered then.
    `pause` and `parked` are what a person asked for all circuits; `skips` are events that do not count.
    How to read: `looked_up_at` says when each of `calendar_ids` was looked up by name, `failed_sources` which
    sources the last run could not read, `page_sizes` which page size worked where the usual one did not, all
    by `Source.key`; `throttled_until` until when each application must not be used. `unknown_since` is when
    state and history were found to be gone: an order may have gone out just before. `installation` is the one
    that the state belongs to, None where it was written before there were any.
    """

    circuits: Mapping[str, CircuitState] = field(default_factory=dict)
    remembered: Mapping[str, SourceMemory] = field(default_factory=dict, name="calendars")
    calendar_ids: Mapping[str, str] = field(default_factory=dict)
    quotas: Mapping[tuple[str, str], Quota] = field(default_factory=dict)
    told: Mapping[str, AlertRecord] = field(default_factory=dict, name="problems")
    last_run: LastRun | None = None
    rebuilt_from: str | None = None
    unknown_since: Instant | None = None
    pause: Pause | None = None
    parked: Parked | None = None
    skips: tuple[Skip, ...] = ()
    looked_up_at: Mapping[str, datetime] = field(default_factory=dict)
    failed_sources: frozenset[str] = frozenset()
    page_sizes: Mapping[str, int] = field(default_factory=dict)
    throttled_until: Mapping[str, datetime] = field(default_factory=dict)
    installation: Installation | None = None


class HistoryLog(Protocol):
    """What a run needs of the history: to append to it, and to have its old months set aside."""

    def append(self, kind: str, *, at: datetime, run_id: str, **facts: Any) -> None:
        """Keeps one record; it survives from when this returns. Raises StateError."""
        ...

    def rotate(self, now: datetime, keep: timedelta) -> None:
        """Sets months that are over aside, and drops what is older than `keep`. Raises StateError."""
        ...


class Store(Protocol):
    """Where a state is kept, with its history: a file, memory at virtual time, or whatever keeps one object
    under a version and takes another only in the place of that version.

    A store knows which version it loaded or saved last; callers never see it. What two processes must not do
    at once is the store's to refuse: the file by its lock, another by that version.
    """

    @property
    def history(self) -> HistoryLog: ...

    def load(self, *, read_only: bool = False) -> State:
        """The state as it is kept now, and from here on the version that `save` replaces; an empty state
        where none is kept. With `read_only` nothing is changed, not even damage set aside. Raises
        StateError."""
        ...

    def save(self, state: State) -> None:
        """Keeps `state` in the place of the version that was loaded or saved last; it survives from when
        this returns. Raises StateError, also where another version has taken that place: the state is then
        kept nowhere."""
        ...

    def save_elsewhere(self, state: State) -> str | None:
        """Keeps `state` in some other place, since its own cannot be written; where that is, or None."""
        ...
