"""A copy of the last configuration that loaded, so that a slip of the keyboard does not cost an event.

Where it lies must not depend on what the configuration says: that is what cannot be read when it is needed.
"""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

from iodcal.config import Configuration
from iodcal.config.find import state_folder
from iodcal.config.load import load_copy
from iodcal.domain.circuits import Orders
from iodcal.domain.values import replace
from iodcal.errors import ConfigurationError
from iodcal.store.files import replace_file

_log = logging.getLogger("iodcal.config")


def keep(path: Path, configuration: Configuration, state: Path | None) -> None:
    """Keeps a copy of the file at `path`, which loaded. Where it cannot be kept, a run goes on without."""
    place, other = _places(path, state)
    if not configuration.trusted:
        place, other = other, place
    try:
        content = path.read_bytes()
        if "sha256:" + hashlib.sha256(content).hexdigest() != configuration.digest:
            return  # edited since: the next run keeps what it then loads
        if not (place.is_file() and place.read_bytes() == content):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(place, content)
        other.unlink(missing_ok=True)
    except OSError as error:
        _log.info("no copy of the configuration at %s: %s", place, error.strerror)


def recall(path: Path, state: Path | None) -> Configuration | None:
    """The last configuration that loaded from `path`, with nothing but ups allowed; None if there is none
    that loads."""
    ours, doubtful = _places(path, state)
    place = doubtful if os.path.lexists(doubtful) else ours
    try:
        about = place.lstat()
        if not place.is_file() or place.is_symlink() or about.st_uid not in (0, os.getuid()):
            return None
        configuration = load_copy(place.read_bytes(), path, trusted=place == ours)
    except (OSError, ConfigurationError):
        return None
    circuits = {
        name: circuit if circuit.orders is Orders.NONE else replace(circuit, orders=Orders.UPS)
        for name, circuit in configuration.circuits.items()
    }
    return replace(configuration, circuits=circuits)


def _places(path: Path, state: Path | None) -> tuple[Path, Path]:
    """Where the copy lies of a file that only we could write, and of one that others could write, too: its
    commands are not run, neither from the file nor from the copy."""
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:12]
    folder = state_folder(path, state)
    return folder / f"last-good-{name}.yaml", folder / f"last-good-{name}-writable.yaml"
