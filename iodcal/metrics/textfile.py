"""The file itself: replaced as a whole, readable for everybody, and kept where only a part is new."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from iodcal.metrics.exposition import blocks_of, whole
from iodcal.store.files import sync_folder, write_new

_MODE = 0o644  # node_exporter runs as a user of its own
_MOST_BYTES = 16 * 1024 * 1024
_TRIES = 20


def update(path: Path, make: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
    """Replaces the file at `path` by what `make` makes of its present families. Raises OSError."""
    with _alone(path.parent):
        _replace(path, whole(make(_present(path))))


def _present(path: Path) -> dict[str, str]:
    with suppress(OSError, ValueError), path.open("rb") as file:
        return blocks_of(file.read(_MOST_BYTES).decode("utf-8"))
    return {}


def _replace(path: Path, text: str) -> None:
    # The collector reads *.prom only: it never sees a file that is half written.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_new(temporary, text.encode("utf-8"))
        temporary.chmod(_MODE)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """A run that finds the lock taken, and the run that holds it, must not undo each other's part."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Waits a second at most: a process that was stopped while it wrote must not hold up a run."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(1 / _TRIES)
        else:
            return
