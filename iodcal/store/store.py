"""The state file: read strictly, written atomically, never left half done and never followed elsewhere."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from iodcal.bounds import load_json
from iodcal.domain.structs import replace
from iodcal.errors import StateError
from iodcal.paths import is_link
from iodcal.store.codec import VERSION, DamagedError, decode, encode, version_of
from iodcal.store.files import OWNER_ONLY, Access, TellOnce, lock_file, opened, replace_file, write_new
from iodcal.store.lock import Holder, locked
from iodcal.store.log import History
from iodcal.store.state import KeptStore, State

if TYPE_CHECKING:
    from iodcal.config import Configuration
    from iodcal.domain.orders import Order
    from iodcal.store.address import StateAddress

_MOST_BYTES = 64 * 1024 * 1024
_MOST_VALUES = 10_000_000  # more than fit into that with our keys
_Made = TypeVar("_Made")


class StateStore:
    """A `KeptStore`: one state file with its lock and its history, all in one folder. With a `configuration`
    it is loaded as that one's: a stranger's is refused, and one that nobody owns yet is adopted with the next
    save."""

    may_order = True  # whoever holds the lock is alone

    def __init__(
        self,
        path: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        access: Access = OWNER_ONLY,
        configuration: Configuration | None = None,
    ) -> None:
        self.path = path
        self._configuration = configuration
        self.history = History(path.with_name("history.jsonl"), access)
        self.notices = NoticeFile(path.with_name("notices.json"), access)
        self._clock = clock
        self._access = access
        self._written: bytes | None = None

    @property
    def address(self) -> Path:
        return self.path

    def lock(
        self,
        *,
        command: str,
        wait_seconds: float,
        insist: bool = False,  # noqa: ARG002 - a lock is nobody's to break
    ) -> AbstractContextManager[Holder | None]:
        """The lock that a command which writes must hold; who held it last. Raises LockHeldError,
        StateError."""
        self._make_folder()
        return locked(
            self.path.with_name(self.path.name + ".lock"), command=command, wait_seconds=wait_seconds
        )

    def load(self, *, read_only: bool = False) -> State:
        """The state; an empty one where there is no file yet.

        A damaged file is set aside under a dated name and the state rebuilt from the history; with
        `read_only` it is rebuilt all the same, and left where it is. Raises StateError, also for a
        stranger's.
        """
        return owned(self._loaded(read_only=read_only), self._configuration, str(self.path))

    def refuse_stranger(self) -> None:
        """Raises StateError where the state is a stranger's; whatever else is wrong with it, the history can
        be read all the same."""
        refuse_stranger(self)

    def _loaded(self, *, read_only: bool) -> State:
        content = self._read()
        if content is None:
            return State()
        try:
            state, version = read_state(content, str(self.path))
        except DamagedError:
            return self._rebuilt(content, read_only=read_only)
        if version != VERSION and not read_only:
            self._keep_aside(f"v{version}", content)
        self._written = content
        return replace(state, shared=None) if state.shared is not None else state

    def save(self, state: State) -> None:
        """Replaces the file by `state`, on disk when it returns; nothing is written where nothing
        changed. Raises StateError: the file is then as it was."""
        content = encode(state)
        if content == self._written:
            return
        self._make_folder()
        self.refuse_foreign()
        _writing(self.path, lambda: replace_file(self.path, content, self._access))
        self._written = content

    def save_answer(self, state: State, order: Order) -> None:  # noqa: ARG002 - nobody else can have saved
        self.save(state)

    def claim(self) -> None:
        """Does nothing: the lock is claim enough."""

    def probe(self) -> None:
        """Finds out, before any order goes out, whether the state can be written. Raises StateError."""
        self._make_folder()
        self.refuse_foreign()
        trial = self.path.with_name(f".{self.path.name}.probe-{secrets.token_hex(4)}")

        def write_and_remove() -> None:
            try:
                write_new(trial, b"{}\n", self._access)
            finally:
                trial.unlink(missing_ok=True)

        _writing(self.path, write_and_remove)

    def tell_once(self, text: str) -> bool:
        """True if `text` was not told before by a run that could not get the lock: that has no other way to
        remember. Only the last such text is kept."""
        note = self.path.with_name(self.path.name + ".lock.told")
        return TellOnce(note, access=self._access).is_news(text, self._clock())

    def save_elsewhere(self, state: State) -> str | None:
        """Writes `state` to some other place, since its own cannot be written; where to, or None."""
        return save_elsewhere(state, self.path.parent, self._clock())

    def _read(self) -> bytes | None:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise StateError("unreadable", path=str(self.path), reason="not a regular file")
        with os.fdopen(descriptor, "rb") as file:
            return file.read(_MOST_BYTES + 1)

    def _unusable(self, error: OSError) -> StateError:
        if is_link(self.path):  # False where the folder may not be looked into
            return StateError("symlink", path=str(self.path))
        return StateError("unreadable", path=str(self.path), reason=error.strerror)

    def _make_folder(self) -> None:
        try:
            if not self.path.parent.is_dir():
                self.path.parent.mkdir(mode=self._access.folder_mode, parents=True)
                self._access.grant_folder(self.path.parent)
        except OSError as error:
            raise StateError("unwritable", path=str(self.path), reason=error.strerror) from None

    def refuse_foreign(self) -> None:
        """Raises StateError where a run would not write, since the file is another user's, or a link."""
        if is_link(self.path):
            raise StateError("symlink", path=str(self.path))
        try:
            owner = self.path.stat().st_uid
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise self._unusable(error) from None
        if owner not in (os.getuid(), 0):
            raise StateError("foreign_owner", path=str(self.path))

    def _rebuilt(self, content: bytes, *, read_only: bool) -> State:
        from iodcal.store.rebuild import rebuild  # and no damage

        state = rebuild(self.history.read(), self._clock())
        aside = self.path if read_only else self._keep_aside("damaged", content)
        return replace(state, rebuilt_from=str(aside))

    def _keep_aside(self, mark: str, content: bytes) -> Path:
        """Where a copy of `content` lies, which the file itself holds until the next state takes its place: a
        run that dies before that must find it there. One copy, however many runs load it until then."""
        prefix = f"{self.path.name}.{mark}-"
        aside = self.path.with_name(f"{prefix}{self._clock():%Y%m%dT%H%M%S}")

        def find_or_write() -> Path:
            for known in self.path.parent.iterdir():
                if known.name.startswith(prefix) and self._is_copy(known, content):
                    return known
            place = (
                aside.with_name(f"{aside.name}-{secrets.token_hex(2)}") if os.path.lexists(aside) else aside
            )
            if len(content) > _MOST_BYTES:
                os.link(self.path, place, follow_symlinks=False)  # what was read is only its beginning
            else:
                write_new(place, content, self._access)
            return place

        return _writing(aside, find_or_write)

    def _is_copy(self, path: Path, content: bytes) -> bool:
        """True if the file at `path` is seen to hold `content`, or all of a file that is too large. What
        others put there, such as a copy of root's, may not be for us to read: that stops no run."""
        with contextlib.suppress(OSError):
            if len(content) > _MOST_BYTES:
                return path.samefile(self.path)
            return path.is_file() and path.read_bytes() == content
        return False


class NoticeFile:
    """A `NoticeBox`: a file, with a lock beside it."""

    def __init__(self, path: Path, access: Access) -> None:
        self.path = path
        self._access = access

    @property
    def place(self) -> str:
        return str(self.path)

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        with contextlib.ExitStack() as held:
            try:
                descriptor = held.enter_context(opened(self.path.with_name(f"{self.path.name}.lock")))
            except OSError:
                yield True  # nothing can be written here: there is nothing to keep apart
                return
            try:
                first = lock_file(descriptor)
            except OSError:  # a file system that knows no locks
                first = False
            yield first

    def read(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError("unreadable", path=str(self.path), reason=error.strerror) from None

    def write(self, content: bytes) -> None:
        _writing(self.path, lambda: replace_file(self.path, content, self._access))


def store_of(
    configuration: Configuration,
    address: StateAddress,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    of_any: bool = False,
) -> KeptStore:
    """The state of `configuration`, at `address`; with `of_any` it may be a stranger's. Raises StateError,
    ConfigurationError."""
    owner = configuration if not of_any else None
    if isinstance(address, Path):
        return StateStore(address, clock, Access(configuration.settings.group), owner)
    from iodcal.store.shared import open_shared  # brings the client of object stores

    return open_shared(configuration, address, of_any=of_any)


def read_state(content: bytes, place: str) -> tuple[State, int]:
    """The state that `content`, read at `place`, holds, and the version that it was written in. Raises
    DamagedError; StateError for one that is too new."""
    try:
        if len(content) > _MOST_BYTES:
            raise DamagedError("Expected at most 64 MiB")
        document = load_json(content, most_values=_MOST_VALUES)
        version = version_of(document)
        if version != VERSION:
            from iodcal.store.legacy import migrate  # most runs find a state of their own version

            document = migrate(document, place)
        return decode(document), version
    except ValueError as error:
        raise DamagedError(str(error)) from None


def owned(state: State, configuration: Configuration | None, place: str) -> State:
    """`state` as that of `configuration`, if there is one. Raises StateError where it is a stranger's."""
    if configuration is None:
        return state
    owner, ours = state.installation, configuration.installation
    circuits = {circuit.key for circuit in configuration.circuits.values()}
    if owner is not None and not ours.may_use(owner, state.circuits, circuits):
        raise StateError(
            "stranger",
            path=place,
            owner=owner.name,
            owner_rules=owner.rules,
            name=ours.name,
            rules=ours.rules,
        )
    return replace(state, installation=ours)


def refuse_stranger(store: KeptStore) -> None:
    """Raises StateError where the state in `store` is a stranger's, but for nothing else."""
    try:
        store.load(read_only=True)
    except StateError as error:
        if error.code == "stranger":
            raise


def save_elsewhere(state: State, first: Path, now: datetime) -> str | None:
    """Writes `state` to a new file in the folder `first`, or another of this host; where to, or None."""
    name = f"iodcal-state-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.json"
    for folder in _folders(first):
        with contextlib.suppress(OSError):
            write_new(folder / name, encode(state))
            return str(folder / name)
    return None


def _folders(first: Path) -> Iterator[Path]:
    yield first
    for find in (tempfile.gettempdir, Path.home, Path.cwd):
        # Each of them fails where there is none: a full disk, a user without an entry, a folder removed.
        with contextlib.suppress(OSError, RuntimeError):
            yield Path(find())


def _writing(path: Path, write: Callable[[], _Made]) -> _Made:
    try:
        return write()
    except OSError as error:
        raise StateError("unwritable", path=str(path), reason=error.strerror) from None
