"""Reading a calendar's file: whole, within a limit, and never waiting for it."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from iodcal.errors import CalendarError

_ADDRESS = re.compile(r"\b(?:https?|webcals?|feeds?):/", re.IGNORECASE)


def read_file(path: Path, most_bytes: int, *, shown: str | None = None) -> bytes:
    """The content of `path`, which errors call `shown`. Raises CalendarError (`file_unreadable`,
    `file_too_large`, `file_is_address`).

    A pipe is refused: opening it waits for somebody to write into it, past every deadline, with the lock
    held.
    """
    if _ADDRESS.search(str(path)):
        raise CalendarError("file_is_address")
    name = shown or str(path)
    try:
        with open(path, "rb", opener=_at_once) as file:
            if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
                raise CalendarError("file_unreadable", file=name, reason="not a file but a pipe")
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise CalendarError("file_unreadable", file=name, reason=error.strerror) from None
    if len(content) > most_bytes:
        raise CalendarError("file_too_large", file=name, limit=most_bytes)
    return content


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
