"""What survives a run, in memory; `iodcal.store.codec` derives its shape on disk from these structs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field

from iodcal.domain.circuit_state import CircuitState, SourceMemory
from iodcal.domain.circuits import parts_of
from iodcal.domain.holds import Parked, Pause, Skip
from iodcal.domain.installation import Installation
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.structs import Fact, Instant, replace

if TYPE_CHECKING:
    from iodcal.store.address import StateAddress
    from iodcal.store.lock import Holder


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


class Claim(Struct, frozen=True):
    """A run is at work, and nobody else may order before `until`; `token` is its own, whatever its process is
    called."""

    token: str
    command: str
    pid: int
    host: str
    since: Instant
    until: Instant


class Shared(Struct, frozen=True, omit_defaults=True):
    """What only a state in an object store has: the run at work, the store that was found to refuse what it
    must refuse (`probed`), and what tells one write from every other (`stamp`)."""

    claim: Claim | None = None
    probed: str = ""
    stamp: str = ""


class State(Struct, frozen=True):
    """All that is kept between runs. `circuits` is keyed by `Circuit.key`, `remembered` as `memories_of`
    has it, `calendar_ids` by `Source.key`, `quotas` by (base URL, account), `told` by problem id.

    `rebuilt_from` names the damaged file this state was rebuilt in place of: nothing is lowered then.
    `pause` and `parked` are what a person asked for all circuits; `skips` are events that do not count.
    How to read: `looked_up_at` says when each of `calendar_ids` was looked up by name, `failed_sources` which
    sources the last run could not read, `page_sizes` which page size worked where the usual one did not, all
    by `Source.key`; `throttled_until` until when each application must not be used. `unknown_since` is when
    state and history were found to be gone: an order may have gone out just before. `installation` is the one
    that the state belongs to, None where it was written before there were any. `shared` is None in a file.
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
    shared: Shared | None = None


def count_orders(
    state: State, account: tuple[str, str], at: datetime, number: int, *, refused: int = 0
) -> State:
    """`state` with so many more orders of `account` (base URL, number) on the UTC day of `at`."""
    day = at.astimezone(UTC).date()
    known = state.quotas.get(account)
    if known is None or known.day != day:
        known = Quota(day, 0)
    counted = replace(known, used=known.used + number, refused=known.refused + refused)
    return replace(state, quotas={**state.quotas, account: counted})


def put_answer(state: State, order: Order) -> State | None:
    """`state` with what `order` has become, where that order is still the open one of its circuit; else
    None."""
    known = state.circuits.get(order.circuit_key)
    if known is None or known.order is None or known.order.id != order.id:
        return None
    if order.outcome.open:
        known = replace(known, order=order)
    else:
        known = replace(known, order=None, recent=(*known.recent, order))
    state = replace(state, circuits={**state.circuits, known.key: known})
    if order.outcome.counts_against_quota:
        return state
    _, url, account, _ = parts_of(order.circuit_key)
    refused = int(order.outcome is Outcome.REFUSED)
    return count_orders(state, (url, account), order.created_at, -1, refused=refused)


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

    def save_answer(self, state: State, order: Order) -> None:
        """As `save`, for a state that says what `order` has become: where another version has taken the
        place, the answer gets into that one as far as it is still wanted there. Raises StateError."""
        ...

    def save_elsewhere(self, state: State) -> str | None:
        """Keeps `state` in some other place, since its own cannot be written; where that is, or None."""
        ...

    def claim(self) -> None:
        """Makes sure, before what cannot be taken back, that no other run is at work, nor will be. Raises
        LockHeldError, StateError."""
        ...

    @property
    def may_order(self) -> bool:
        """False where an order must not leave any more, since another run may be at work."""
        ...


class KeptHistory(HistoryLog, Protocol):
    """A history that can be read again."""

    def read(self) -> Iterator[dict[str, Any]]:
        """The records, oldest first; what is no record is skipped. Raises StateError."""
        ...

    def lines(self, since: datetime | None = None) -> Iterator[dict[str, Any] | None]:
        """As `read`, with None for each line that is no record; months that were over before `since` (UTC)
        are left out. Raises StateError."""
        ...


class NoticeBox(Protocol):
    """Where the notices that wait are kept, beside the state; `place` is for people."""

    @property
    def place(self) -> str: ...

    def alone(self) -> AbstractContextManager[bool]:
        """True while no other run sends what waits; it is not waited for."""
        ...

    def read(self) -> bytes | None:
        """What is kept; None where nothing is. Raises StateError."""
        ...

    def write(self, content: bytes) -> None:
        """Keeps `content` in the place of what was read or written last. Raises StateError."""
        ...


class KeptStore(Store, Protocol):
    """A `Store` that outlives the process, as commands use it."""

    @property
    def address(self) -> StateAddress: ...

    @property
    def history(self) -> KeptHistory: ...

    @property
    def notices(self) -> NoticeBox: ...

    def lock(
        self, *, command: str, wait_seconds: float, insist: bool = False
    ) -> AbstractContextManager[Holder | None]:
        """What a command that writes must hold while it loads and saves; who held it last, where that is
        known. With `insist` it is a person's, which comes before a run where that is possible. Raises
        LockHeldError, here or from `load`, and StateError."""
        ...

    def probe(self) -> None:
        """Finds out, before any order goes out, whether the state can be written. Raises StateError."""
        ...

    def refuse_foreign(self) -> None:
        """Raises StateError where a run would not write, since it is another user's."""
        ...

    def refuse_stranger(self) -> None:
        """Raises StateError where the state is a stranger's; whatever else is wrong with it, the history can
        be read all the same."""
        ...

    def tell_once(self, text: str) -> bool:
        """True if `text` was not told before by a run that could not get the lock."""
        ...
