"""Files and JSON that others wrote, within bounds: what they may cost is known before anything is built."""

from __future__ import annotations

import errno
import json
import os
import re
import select
import stat
import time
from pathlib import Path
from typing import Any

MOST_LEVELS = 100
MOST_VALUES = 2_000_000
"""The largest honest answer, 250 events with 500 attendees each, has half as many."""
_MOST_BYTES = 64 * 1024 * 1024
_NOT_STRUCTURE = bytes(sorted(set(range(256)) - set(b'[]{}"')))
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"')


class JsonBoundsError(ValueError):
    """JSON of more than `limit` values or levels (`what`)."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"more than {limit} {what}")
        self.what = what
        self.limit = limit


def load_json(content: bytes, *, most_values: int = MOST_VALUES) -> Any:
    """The document that `content` holds. Raises JsonBoundsError, and ValueError where it is no JSON."""
    if b"\0" in content[:4]:  # UTF-16 or UTF-32, of which the bytes say nothing
        content = content.decode(json.detect_encoding(content)).encode()
    if sum(map(content.count, (b",", b"[", b"{"))) >= most_values:  # those within texts, too: a bound
        raise JsonBoundsError("values", most_values)
    if content.count(b"[") + content.count(b"{") > MOST_LEVELS and _is_deep(content):
        raise JsonBoundsError("levels", MOST_LEVELS)
    return json.loads(content)


def read_json(path: Path) -> Any:
    """The document in the file at `path`. Raises OSError, and ValueError as `load_json` does."""
    content = read_bytes(path, _MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise JsonBoundsError("bytes", _MOST_BYTES)
    return load_json(content)


def read_bytes(path: Path, most_bytes: int, *, pipe_seconds: float = 0.0) -> bytes:
    """The first `most_bytes` of the file at `path`. Raises OSError.

    Opening a pipe waits for somebody to write into it, past every deadline, with the lock held: one is
    refused, or waited for no longer than `pipe_seconds`.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        if not stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
            return file.read(most_bytes)
        if not pipe_seconds:
            raise OSError(errno.ESPIPE, "not a file but a pipe")
        return _read_pipe(file.fileno(), most_bytes, pipe_seconds)


def _read_pipe(descriptor: int, most_bytes: int, seconds: float) -> bytes:
    end, content = time.monotonic() + seconds, b""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    while len(content) < most_bytes:
        if not waiting.poll(max(0.0, end - time.monotonic()) * 1000):
            raise OSError(errno.ETIMEDOUT, "a pipe to which nobody writes to the end")
        part = os.read(descriptor, most_bytes - len(content))
        if not part:
            break
        content += part
    return content


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _is_deep(content: bytes) -> bool:
    """True if brackets stand in one another beyond MOST_LEVELS: each step takes the innermost away."""
    if b"\\" in content:
        content = _ESCAPE.sub(b"", content)
    brackets = content.translate(None, _NOT_STRUCTURE).replace(b'""', b"")  # most texts hold no bracket
    if b'"' in brackets:
        brackets = _STRING.sub(b"", brackets)
    for _ in range(MOST_LEVELS):
        inner = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not inner:
            return False
        if inner == brackets:  # they do not match one another
            return len(brackets) > MOST_LEVELS
        brackets = inner
    return bool(brackets)
