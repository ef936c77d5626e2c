"""Progress on a terminal, for what takes longer than a second."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from iodcal.output.text import for_line

_PATIENCE = 1.0  # seconds
_CLEAR_LINE = "\r\x1b[2K"


class Progress:
    """Shows what is being done on stderr, one line that goes away again; silent off a terminal."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._text = ""
        self._visible = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(_PATIENCE, self._appear)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        if self._shown:
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._visible:
                self._write(_CLEAR_LINE)
            self._shown = False

    def __call__(self, text: str) -> None:
        """From now on `text` is what is being done."""
        with self._lock:
            self._text = for_line(text)
            if self._visible:
                self._write(f"{_CLEAR_LINE}{self._text} ...")

    def _appear(self) -> None:
        with self._lock:
            if self._shown:
                self._visible = True
                self._write(f"{self._text} ...")

    def _write(self, text: str) -> None:
        with suppress(OSError):  # the terminal is gone; what is being done goes on
            sys.stderr.write(text)
            sys.stderr.flush()
