"""A state that several hosts share: one document in an object store, and what keeps their runs apart.

There is no lock. Each write is conditional on the version that was seen last, so that of two only one gets
through; the other is fenced, and orders nothing more. A run that is about to order, or to say anything, first
claims the state until a time; before then no other run begins, and after it this one sends no order.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from iodcal.clock import seconds_since_boot
from iodcal.config.find import local_folder
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.structs import replace
from iodcal.errors import FencedError, LockHeldError, StateError
from iodcal.store.address import StoreUrl
from iodcal.store.codec import VERSION, DamagedError, encode
from iodcal.store.files import TellOnce
from iodcal.store.object_history import ObjectHistory
from iodcal.store.objects import (
    NOTICES,
    NoticeObject,
    ObjectFolder,
    ObjectVersion,
    StoredObject,
    WriteRefusedError,
    open_folder,
)
from iodcal.store.rebuild import rebuild
from iodcal.store.state import Claim, Shared, State, put_answer
from iodcal.store.store import owned, read_state, refuse_stranger, save_elsewhere

if TYPE_CHECKING:
    from iodcal.config import Configuration

_log = logging.getLogger("iodcal.state")

STATE = "state.json"
_MARK = "in-use.json"
SHARE_OF_EVERY = 0.9
"""How much of `every` a claim lasts: a run has 0.8 of it."""
_TRIES = 5  # of a person's command: it meets runs, and must win
_BETWEEN_TRIES = 0.5  # seconds, doubled with each
_ANSWER_TRIES = 3
_BETWEEN_LOOKS = 2.0  # seconds, while another's claim is waited for
_CLOCK_TOLERANCE = timedelta(minutes=1)
_REQUEST_SECONDS = 10.0
_SHARE_OF_A_REQUEST = 0.05  # of `every`


class _Writer(Struct):
    """What a command that writes works with. `boot_until` is `until` on the clock since boot, which neither
    stands still in suspend nor is ever set."""

    command: str
    token: str
    since: datetime
    until: datetime
    boot_until: float
    patience_until: float
    insist: bool
    claimed: bool = False
    fenced: bool = False
    writes: int = 0


class SharedStateStore:
    """A `KeptStore` in an object store."""

    def __init__(
        self,
        folder: ObjectFolder,
        *,
        lasts: timedelta,
        local: Path,
        configuration: Configuration | None = None,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        boot: Callable[[], float] = seconds_since_boot,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = folder.url
        self.history = ObjectHistory(folder, self.claim)
        self.notices = NoticeObject(folder)
        self._folder = folder
        self._lasts = lasts
        self._local = local
        self._configuration = configuration
        self._wall = wall
        self._boot = boot
        self._sleep = sleep
        self._writer: _Writer | None = None
        self._version: ObjectVersion | None = None
        self._base = State()  # as it was read or written last
        self._stored = False  # whether it stands under that version as it is
        self._probed = ""

    def load(self, *, read_only: bool = False) -> State:
        """The state, with the answers to open orders that only the history has; an empty one where there is
        neither state nor history. For a command that writes, once no other run is at work. Raises StateError,
        LockHeldError."""
        writer = self._writer if not read_only else None
        state = self._loaded(read_only=read_only)
        if writer is not None:
            state = self._when_free(state, writer)
            self._refuse_unsafe()
            if writer.insist:
                state = self._claimed_by_person(state, writer)
        return self._with_answers(state)

    def _loaded(self, *, read_only: bool) -> State:
        found = self._folder.read(STATE)
        self._version = found.version if found is not None else None
        self._stored = found is not None
        if found is None and not read_only:
            self._refuse_unsafe()
        state = self._decoded(found, read_only=read_only)
        if state.shared is not None:
            self._probed = state.shared.probed
        self.history.last_run = state.last_run.started_at if state.last_run is not None else None
        self._base = owned(state, self._configuration, self._place)
        return self._base

    def _decoded(self, found: StoredObject | None, *, read_only: bool) -> State:
        if found is None:
            return self._without_state()
        try:
            state, version = read_state(found.content, self._place)
        except DamagedError:
            self._stored = False
            aside = self._place if read_only else self._keep_aside("damaged", found.content)
            return replace(rebuild(self.history.read(), self._wall()), rebuilt_from=aside)
        if version != VERSION and not read_only:
            self._keep_aside(f"v{version}", found.content)
        return state

    def _without_state(self) -> State:
        """New is only what has no history either, nor anything else that runs leave behind."""
        objects, folders = self._folder.level()
        if not any(name.startswith("history") or name in (NOTICES, _MARK) for name in objects + folders):
            return State()
        _log.warning("%s is gone, though runs have been here: it is rebuilt from the history", self._place)
        return replace(rebuild(self.history.read(), self._wall()), rebuilt_from=self._place)

    def _with_answers(self, state: State) -> State:
        """`state` with the answers that came in when their run could not write the state any more."""
        lacking = {
            state_of.order.id: state_of.order.created_at
            for state_of in state.circuits.values()
            if state_of.order is not None and state_of.order.outcome in (Outcome.SENDING, Outcome.UNKNOWN)
        }
        if lacking:
            for order in self.history.answers(frozenset(lacking), min(lacking.values())):
                state = put_answer(state, order) or state
        return state

    def refuse_stranger(self) -> None:
        refuse_stranger(self)

    def refuse_foreign(self) -> None:
        """Nothing: who may write is the store's to say."""

    @contextmanager
    def lock(self, *, command: str, wait_seconds: float, insist: bool = False) -> Iterator[None]:
        """Gives nobody: a state that hosts share is used by other hosts all the time."""
        now, boot = self._wall(), self._boot()
        self._writer = _Writer(
            command,
            secrets.token_hex(6),
            since=now,
            until=now + self._lasts,
            boot_until=boot + self._lasts.total_seconds(),
            patience_until=boot + wait_seconds,
            insist=insist,
        )
        try:
            yield None
        finally:
            self._release(self._writer)
            self._writer = None

    def probe(self) -> None:
        """Nothing: the first write comes before any order."""

    def probe_store(self) -> None:
        """Raises StateError where the store lets two hosts write at once."""
        self._folder.probe()

    def save(self, state: State) -> None:
        """Raises StateError: FencedError where another command has written since."""
        writer = self._of_writer()
        if writer.fenced:
            raise FencedError(self._place, quiet=not writer.claimed)
        if not self._stored or replace(state, shared=self._base.shared) != self._base:
            self._put(state, writer, self._own_claim(writer))

    def save_answer(self, state: State, order: Order) -> None:
        """Where this run is fenced, the answer gets into the newer state if the order is the open one there;
        else the history has it, and whoever loads the state looks there."""
        try:
            self.save(state)
        except FencedError:
            for _ in range(_ANSWER_TRIES):
                if self._put_into_newer(order):
                    return

    def _put_into_newer(self, order: Order) -> bool:
        """True if there is no need to try again."""
        found = self._folder.read(STATE)
        try:
            newer = read_state(found.content, self._place)[0] if found is not None else State()
        except (DamagedError, StateError):
            return True
        merged = put_answer(newer, order)
        if merged is None or found is None:
            return True
        stamped = replace(newer.shared or Shared(), stamp=self._stamp(self._of_writer()))
        try:
            self._folder.put(STATE, encode(replace(merged, shared=stamped)), found.version)
        except WriteRefusedError:
            return False
        return True

    def save_elsewhere(self, state: State) -> str | None:
        """On this host."""
        return save_elsewhere(state, self._local, self._wall())

    def tell_once(self, text: str) -> bool:
        return TellOnce(self._local / "state.lock.told").is_news(text, self._wall())

    @property
    def may_order(self) -> bool:
        writer = self._writer
        return (
            writer is not None
            and writer.claimed
            and not writer.fenced
            and self._wall() < writer.until
            and self._boot() < writer.boot_until
        )

    def claim(self) -> None:
        """Says in the state that this run is at work, unless it says so already. Raises LockHeldError where
        another was first, StateError."""
        writer = self._of_writer()
        if writer.claimed:
            return
        if writer.fenced:
            raise FencedError(self._place, quiet=True)
        left_behind = self._base.shared.claim if self._base.shared is not None else None
        checked = left_behind is not None and self._take_over(left_behind, writer)
        try:
            self._put(self._base, writer, self._own_claim(writer, claimed=True))
        except FencedError:
            self._refuse_claimed(self._loaded(read_only=True))
            raise
        writer.claimed = True
        if not checked:
            self._check_clock(STATE)

    def _take_over(self, claim: Claim, writer: _Writer) -> bool:
        """Looks at the clock before a claim that is over is taken over; False where it is not over. Its run
        did not say that it ended: it died, or this host's clock is wrong. The store's clock tells."""
        if claim.until > writer.since:
            return False  # a person's command comes before it all the same
        told = {"from": claim.host, "command": claim.command, "until": claim.until}
        name = self.history.note_takeover(writer.since, writer.token, told)
        self._check_clock(name)
        return True

    def _check_clock(self, name: str) -> None:
        """Raises StateError where this host's clock and the store's differ: claims are told by the clock."""
        ahead = self._wall() - self._folder.written_at(name)
        if abs(ahead) > _CLOCK_TOLERANCE:
            minutes, direction = (
                round(abs(ahead) / timedelta(minutes=1)),
                "ahead of" if ahead > timedelta() else "behind",
            )
            raise StateError("state_clock", path=str(self.address), minutes=minutes, direction=direction)

    def _when_free(self, state: State, writer: _Writer) -> State:
        """The state once no other run claims it. Raises LockHeldError."""
        while not writer.insist:
            try:
                self._refuse_claimed(state)
            except LockHeldError:
                if self._boot() >= writer.patience_until:
                    raise
            else:
                return state
            self._sleep(_BETWEEN_LOOKS)
            state = self._loaded(read_only=False)
        return state

    def _refuse_claimed(self, state: State) -> None:
        claim = state.shared.claim if state.shared is not None else None
        if claim is not None and claim.until > self._wall():
            raise LockHeldError(
                pid=claim.pid, host=claim.host, command=claim.command, since=claim.since, until=claim.until
            )

    def _claimed_by_person(self, state: State, writer: _Writer) -> State:
        """The state, claimed. A run at work gets some seconds to end by itself; then the person comes first,
        and that run orders nothing more. Raises LockHeldError, StateError."""
        for number in range(1, _TRIES + 1):
            try:
                if number < _TRIES:
                    self._refuse_claimed(state)
                self.claim()
            except (LockHeldError, FencedError):
                if number == _TRIES:
                    raise
            else:
                return state
            self._sleep(_BETWEEN_TRIES * 2 ** (number - 1))
            writer.fenced = False
            state = self._loaded(read_only=False)
        raise AssertionError("the last try returns or raises")  # pragma: no cover

    def _release(self, writer: _Writer) -> None:
        """Ends the claim. Where that cannot be said, it ends by itself."""
        if writer.claimed and not writer.fenced:
            with contextlib.suppress(StateError):
                self._put(self._base, writer, None)

    def _put(self, state: State, writer: _Writer, claim: Claim | None) -> None:
        """Raises FencedError where another command has written since, StateError."""
        shared = Shared(claim, self._probed, self._stamp(writer))
        state, created = replace(state, shared=shared), self._version is None
        try:
            self._version = self._folder.put(STATE, encode(state), self._version)
        except WriteRefusedError:
            writer.fenced = True
            raise FencedError(self._place, quiet=not writer.claimed) from None
        if created:  # what tells a state that was deleted, history and all, from one that never was
            with contextlib.suppress(StateError, WriteRefusedError):
                self._folder.put(_MARK, f"{self._stamp(writer)}\n".encode(), None)
        self._base, self._stored = state, True

    def _stamp(self, writer: _Writer) -> str:
        writer.writes += 1
        return f"{writer.token}-{writer.writes}"

    def _own_claim(self, writer: _Writer, *, claimed: bool = False) -> Claim | None:
        if not (claimed or writer.claimed):
            return None
        host = socket.gethostname()
        return Claim(writer.token, writer.command, os.getpid(), host, since=writer.since, until=writer.until)

    def _of_writer(self) -> _Writer:
        assert self._writer is not None, "only a command that holds the lock writes"  # noqa: S101 - our own slip
        return self._writer

    @property
    def _place(self) -> str:
        return f"{self.address}{STATE}"

    def _keep_aside(self, mark: str, content: bytes) -> str:
        """Where a copy of `content` lies, before the next state takes its place. One, however many runs load
        it until then."""
        from hashlib import sha256

        name = f"{STATE}.{mark}-{sha256(content).hexdigest()[:12]}"
        with contextlib.suppress(WriteRefusedError):
            self._folder.put(name, content, None)
        return f"{self.address}{name}"

    def _refuse_unsafe(self) -> None:
        """Probes a store that no run has probed yet."""
        if self._probed != str(self.address):
            self._folder.probe()
            self._probed = str(self.address)


def open_shared(configuration: Configuration, url: StoreUrl, *, of_any: bool) -> SharedStateStore:
    """The shared state of `configuration` at `url`; with `of_any` it may be a stranger's. Raises StateError,
    ConfigurationError."""
    from iodcal.config.state_store import StateStoreSection

    every = configuration.settings.every
    seconds = min(_REQUEST_SECONDS, every.total_seconds() * _SHARE_OF_A_REQUEST)
    section = configuration.settings.state_store or StateStoreSection()
    return SharedStateStore(
        open_folder(url, section, configuration.directory, seconds),
        lasts=every * SHARE_OF_EVERY,
        local=local_folder(configuration, url),
        configuration=configuration if not of_any else None,
    )
