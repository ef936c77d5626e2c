"""Questions about places in the file system that somebody else may have closed: never an exception for an
answer. Where something is then opened, that says what is wrong."""

from __future__ import annotations

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
