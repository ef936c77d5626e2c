"""Where the metrics file is, for a run that cannot read its configuration: noted by the last that could."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

from iodcal.config import Configuration
from iodcal.config.find import state_folder
from iodcal.store.files import replace_file

_log = logging.getLogger("iodcal.metrics")
_MOST_BYTES = 4096


def keep(path: Path, configuration: Configuration, state: Path | None) -> None:
    """Notes the metrics file of the configuration at `path`. Where that cannot be, a run goes on without."""
    place, named = _place(path, state), configuration.settings.metrics_file
    try:
        if named is None:
            place.unlink(missing_ok=True)
        elif recall(path, state) != named.absolute():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(place, os.fsencode(named.absolute()))
    except OSError as error:
        _log.info("no note of the metrics file at %s: %s", place, error.strerror)


def recall(path: Path, state: Path | None) -> Path | None:
    """The metrics file of the last configuration at `path` that loaded; None where none is noted."""
    place = _place(path, state)
    try:
        about = place.lstat()
        if place.is_symlink() or not place.is_file() or about.st_uid not in (0, os.getuid()):
            return None
        noted = Path(os.fsdecode(place.read_bytes()[:_MOST_BYTES]))
    except (OSError, ValueError):
        return None
    return noted if noted.is_absolute() else None


def _place(path: Path, state: Path | None) -> Path:
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:12]
    return state_folder(path, state) / f"metrics-file-{name}"
