"""Puts the page where it is wanted: whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from iodcal.errors import OutputError
from iodcal.store.files import sync_folder, write_all

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_page(path: Path, text: str) -> int:
    """Replaces the file at `path`, so that whoever looks sees the old page or the new one; its size in bytes.

    A file that is there keeps its mode, a new one has that of the process's umask. A symbolic link of another
    user's is not followed. Raises OutputError.
    """
    content = text.encode("utf-8", errors="replace")
    try:
        if path.is_symlink() and path.lstat().st_uid not in (0, os.getuid()):
            raise OutputError("page_unwritable", path=str(path), reason="a symbolic link of another user's")
        if path.exists() and not path.is_file():
            path.write_bytes(content)  # a device or a pipe is no file to be replaced
        else:
            _replace(path.resolve(), content)
    except OSError as error:
        raise OutputError("page_unwritable", path=str(path), reason=error.strerror) from None
    return len(content)


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, _NEW, 0o666)
        try:
            if path.exists():
                os.fchmod(descriptor, path.stat().st_mode & 0o777)
            write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
