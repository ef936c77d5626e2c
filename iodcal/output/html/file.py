"""Writes the page by an atomic replace."""

from __future__ import annotations

import os
from pathlib import Path

from iodcal.errors import OutputError
from iodcal.store.files import replace_file, umasked


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
    mode = path.stat().st_mode & 0o777 if path.exists() else umasked(0o666)
    replace_file(path, content, mode=mode)
