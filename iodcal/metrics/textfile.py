"""The file itself: replaced as a whole, readable for everybody, and kept where only a part is new."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from iodcal.metrics.exposition import blocks_of, whole
from iodcal.store.files import lock_file, opened, replace_file

_MODE = 0o644  # node_exporter runs as a user of its own
_MOST_BYTES = 16 * 1024 * 1024


def update(path: Path, make: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
    """Replaces the file at `path` by what `make` makes of its present families. Raises OSError."""
    with _alone(path.parent):
        # The collector reads *.prom only: it never sees a file that is half written.
        replace_file(path, whole(make(_present(path))).encode("utf-8"), mode=_MODE)


def _present(path: Path) -> dict[str, str]:
    with suppress(OSError, ValueError), path.open("rb") as file:
        return blocks_of(file.read(_MOST_BYTES).decode("utf-8"))
    return {}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """A run that finds the lock taken, and the run that holds it, must not undo each other's part. It waits a
    second at most: a process that was stopped while it wrote must not hold up a run."""
    with opened(folder, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
        lock_file(descriptor, wait_seconds=1)
        yield
