"""Files: replaced atomically, locked, and readable only for those who may."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from iodcal.bounds import read_json

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Access(Struct, frozen=True):
    """Who may look: the owner alone, or with `group` (a group ID) its members, too."""

    group: int | None = None

    @property
    def file_mode(self) -> int:
        return 0o600 if self.group is None else 0o640

    @property
    def folder_mode(self) -> int:
        return 0o700 if self.group is None else 0o750

    def grant(self, descriptor: int) -> None:
        """Gives an open file to the group. Raises OSError."""
        if self.group is not None:
            _hand_over(descriptor, self.group, self.file_mode)

    def grant_folder(self, folder: Path) -> None:
        """Gives a folder to the group. Raises OSError."""
        if self.group is not None:
            with opened(folder, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
                _hand_over(descriptor, self.group, self.folder_mode)


def _hand_over(descriptor: int, group: int, mode: int) -> None:
    about = os.fstat(descriptor)
    if about.st_gid != group:
        os.fchown(descriptor, -1, group)
    if about.st_mode & 0o777 != mode:
        os.fchmod(descriptor, mode)


OWNER_ONLY = Access()


def replace_file(path: Path, content: bytes, access: Access = OWNER_ONLY, *, mode: int | None = None) -> None:
    """The atomic replace: write, fsync, rename, fsync the folder. After any crash the old file or the new one
    is there. With `mode` (as `0o644`) that is the file's mode, whatever `access` or the umask say.

    Raises OSError; the old file is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_new(temporary, content, access, mode=mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_new(path: Path, content: bytes, access: Access = OWNER_ONLY, *, mode: int | None = None) -> None:
    """Writes a file that must not exist yet; it is on disk on return. Raises OSError, then leaving none."""
    descriptor = os.open(path, _NEW, 0o600)
    try:
        access.grant(descriptor)
        if mode is not None:
            os.fchmod(descriptor, mode)
        write_all(descriptor, content)
        os.fsync(descriptor)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def umasked(mode: int) -> int:
    """`mode` as the process's umask leaves it to a new file."""
    with _READING_UMASK:  # two threads at once would each put back what the other had set
        umask = os.umask(0o077)
        os.umask(umask)
    return mode & ~umask


_READING_UMASK = threading.Lock()


def write_all(descriptor: int, content: bytes) -> None:
    """Writes all of `content`, however many calls that takes. Raises OSError."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def sync_folder(folder: Path) -> None:
    """What the folder holds is on disk on return. Raises OSError."""
    with opened(folder, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
        os.fsync(descriptor)


@contextlib.contextmanager
def opened(path: Path, flags: int = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW) -> Iterator[int]:
    """The descriptor of the file at `path`; no child inherits it, nor a lock on it. Raises OSError."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def lock_file(
    descriptor: int,
    *,
    wait_seconds: float = 0.0,
    between_tries: float = 0.05,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Locks an open file until it is closed; False where another process held the lock for `wait_seconds`
    by the monotonic clock. The kernel frees the lock when its process ends, so none is ever stale.
    Raises OSError where the file system knows no locks.
    """
    until = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            sleep(between_tries)
        else:
            return True


class TellOnce(Struct, frozen=True):
    """Remembers in the file at `path` which text was told when; it is news again after `again_after`, or
    only when it changes."""

    path: Path
    again_after: timedelta | None = None
    access: Access = OWNER_ONLY

    def is_news(self, text: str, now: datetime) -> bool:
        """True if `text` was not told lately (`now` in UTC), or if nobody can remember."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            note = read_json(self.path)
            lately = self.again_after is None or now - datetime.fromisoformat(note["at"]) < self.again_after
            if note["text"] == text and lately:
                return False
        with contextlib.suppress(OSError):
            note = json.dumps({"at": now.isoformat(), "text": text})
            replace_file(self.path, note.encode("ascii"), self.access)
        return True

    def is_over(self) -> None:
        """Forgets what was told: it would be news again."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
