"""One run at a time: a kernel lock beside the state. It is freed by death, so it is never stale."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from iodcal.bounds import load_json
from iodcal.clock import boot_id
from iodcal.errors import LockHeldError, StateError
from iodcal.store.files import lock_file, opened

_BETWEEN_TRIES = 0.2  # seconds


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


@contextlib.contextmanager
def locked(
    path: Path, *, command: str, wait_seconds: float, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Holder | None]:
    """Holds the lock at `path`; the file says who does. Gives who held it last, as far as that is known.
    Raises LockHeldError after `wait_seconds`, and StateError where the file cannot be made."""
    with contextlib.ExitStack() as held:
        try:
            descriptor = held.enter_context(opened(path))
            taken = lock_file(
                descriptor, wait_seconds=wait_seconds, between_tries=_BETWEEN_TRIES, sleep=sleep
            )
            before = _signature(descriptor)
            if taken:
                _sign(descriptor, command)
        except OSError as error:  # a full disk, or a file system that knows no locks
            raise StateError("unwritable", path=str(path), reason=error.strerror) from None
        if not taken:
            raise _held_by(before)
        yield before


def held_now(path: Path) -> LockHeldError | None:
    """Who holds the lock at `path` now, as the error that another run would meet; None where nobody does.

    Changes nothing, but for an instant it shares the lock: a run that begins just then gives way.
    Raises OSError.
    """
    try:
        with opened(path, os.O_RDONLY | os.O_NOFOLLOW) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _held_by(_signature(descriptor))
    except FileNotFoundError:
        pass
    return None


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


def _held_by(holder: Holder | None) -> LockHeldError:
    if holder is None:
        return LockHeldError(pid=None, host=None, command=None, since=None)
    return LockHeldError(pid=holder.pid, host=holder.host, command=holder.command, since=holder.since)


def _signature(descriptor: int) -> Holder | None:
    try:
        signature = load_json(os.pread(descriptor, 4096, 0))
        return Holder(
            pid=int(signature["pid"]),
            host=str(signature["host"]),
            command=str(signature["command"]),
            since=datetime.fromisoformat(signature["since"]),
            boot_id=signature.get("boot_id"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
