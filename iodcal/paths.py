"""Questions about places in the file system that somebody else may have closed: never an exception for an
answer. Where something is then opened, that says what is wrong."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path


def expanded(text: str | Path) -> Path:
    """The path with `~` replaced; as it is where that stands for nobody."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def exists(path: Path) -> bool:
    """True if there is something at `path`, as far as one may look."""
    try:
        return path.exists()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """True if `path` is a folder, as far as one may look."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_link(path: Path) -> bool:
    """True if `path` is a symbolic link, as far as one may look."""
    try:
        return path.is_symlink()
    except OSError:
        return False


def configuration_places() -> Iterator[Path]:
    """Where a rules file is looked for that nobody named, in that order."""
    named = os.environ.get("IODCAL_CONFIG")
    if named:
        yield Path(named)
        return
    yield Path("rules.yaml")
    own = user_folder("XDG_CONFIG_HOME", ".config")
    if own is not None:
        yield own / "iodcal" / "rules.yaml"
    yield Path("/etc/iodcal/rules.yaml")


def may_be_file(place: Path) -> bool:
    """True if a file is at `place`, also where one may not look: another file would not be the one that is
    meant, and to load this one says why it cannot be read."""
    try:
        return stat.S_ISREG(place.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def user_folder(variable: str, default: str) -> Path | None:
    """The folder that `variable` names, else `default` in the home folder; None for a user who has none."""
    named = os.environ.get(variable)
    if named and Path(named).is_absolute():
        return Path(named)
    try:
        return Path.home() / default
    except RuntimeError:
        return None
