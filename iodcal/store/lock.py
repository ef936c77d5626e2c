"""One run at a time: a kernel lock beside the state. It is freed by death, so it is never stale."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from iodcal.clock import boot_id
from iodcal.errors import LockHeldError, StateError

_BETWEEN_TRIES = 0.2  # seconds
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Holder(Struct, frozen=True):
    """Who holds, or held, the lock, and since when (UTC)."""

    pid: int
    host: str
    command: str
    since: datetime
    boot_id: str | None = None

    @property
    def elsewhere(self) -> bool:
        """True where that was another host. Containers have many names, but a kernel that was booted once."""
        same_boot = self.boot_id is not None and self.boot_id == boot_id()
        return self.host != socket.gethostname() and not same_boot


@contextmanager
def locked(
    path: Path, *, command: str, wait_seconds: float, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Holder | None]:
    """Holds the lock at `path`; the file says who does. Gives who held it last, as far as that is known.
    Raises LockHeldError after `wait_seconds`, and StateError where the file cannot be made."""
    try:
        descriptor = os.open(path, _FLAGS, 0o600)
    except OSError as error:
        raise StateError("unwritable", path=str(path), reason=error.strerror) from None
    try:
        before = _take(path, descriptor, command, wait_seconds, sleep)
        yield before
    finally:
        os.close(descriptor)


def _take(
    path: Path, descriptor: int, command: str, wait_seconds: float, sleep: Callable[[float], None]
) -> Holder | None:
    try:
        _acquire(descriptor, wait_seconds, sleep)
        before = _signature(descriptor)
        _sign(descriptor, command)
    except OSError as error:  # a full disk, or a file system that knows no locks
        raise StateError("unwritable", path=str(path), reason=error.strerror) from None
    return before


def held_now(path: Path) -> LockHeldError | None:
    """Who holds the lock at `path` now, as the error that another run would meet; None where nobody does.

    Changes nothing, but for an instant it shares the lock: a run that begins just then gives way.
    Raises OSError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _held_by(descriptor)
    finally:
        os.close(descriptor)
    return None


def _acquire(descriptor: int, wait_seconds: float, sleep: Callable[[float], None]) -> None:
    until = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise _held_by(descriptor) from None
            sleep(_BETWEEN_TRIES)
        else:
            return


def _sign(descriptor: int, command: str) -> None:
    signature = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "boot_id": boot_id(),
        "command": command,
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(signature).encode(), 0)


def _held_by(descriptor: int) -> LockHeldError:
    holder = _signature(descriptor)
    if holder is None:
        return LockHeldError(pid=None, host=None, command=None, since=None)
    return LockHeldError(pid=holder.pid, host=holder.host, command=holder.command, since=holder.since)


def _signature(descriptor: int) -> Holder | None:
    try:
        signature = json.loads(os.pread(descriptor, 4096, 0))
        return Holder(
            pid=int(signature["pid"]),
            host=str(signature["host"]),
            command=str(signature["command"]),
            since=datetime.fromisoformat(signature["since"]),
            boot_id=signature.get("boot_id"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
