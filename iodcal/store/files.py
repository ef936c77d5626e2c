"""Files that are whole or not there, and that only those can read who may."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from msgspec import Struct

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
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                _hand_over(descriptor, self.group, self.folder_mode)
            finally:
                os.close(descriptor)


def _hand_over(descriptor: int, group: int, mode: int) -> None:
    about = os.fstat(descriptor)
    if about.st_gid != group:
        os.fchown(descriptor, -1, group)
    if about.st_mode & 0o777 != mode:
        os.fchmod(descriptor, mode)


OWNER_ONLY = Access()


def replace_file(path: Path, content: bytes, access: Access = OWNER_ONLY) -> None:
    """Write, fsync, rename, fsync the folder: after any crash the old file or the new one is there.

    Raises OSError; the old file is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_new(temporary, content, access)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_new(path: Path, content: bytes, access: Access = OWNER_ONLY) -> None:
    """Writes a file that must not exist yet; it is on disk on return. Raises OSError, then leaving none."""
    descriptor = os.open(path, _NEW, 0o600)
    try:
        access.grant(descriptor)
        write_all(descriptor, content)
        os.fsync(descriptor)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
    """Writes all of `content`, however many calls that takes. Raises OSError."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def sync_folder(folder: Path) -> None:
    """What the folder holds is on disk on return. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
