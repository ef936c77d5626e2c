"""The console that text is shown on."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import IO, Any

from rich.console import Console

from iodcal.output.text import is_plain

_PIPED_WIDTH = 100
_LEAST_WIDTH = 40
_TRAILING_BLANKS = re.compile(r" +((?:\x1b\[[0-9;]*m)*)(?=\n)")


class _Trimmed:
    """A stream that gets no blanks at the ends of lines, with which rich fills its tables."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(_TRAILING_BLANKS.sub(r"\1", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def make_console(*, color: bool | None, stderr: bool = False) -> Console:
    """A console that shows foreign text as it is: no markup, no emoji codes, no highlighting.

    `color` is what the command line says of colour, None for nothing. The width is `$COLUMNS`, else that of
    whichever stream is a terminal (that of `iodcal plan | less` too), else 100.
    """
    stream: IO[str] = sys.stderr if stderr else sys.stdout
    plain = is_plain(stream, color=color)
    trimmed: Any = _Trimmed(stream)
    return Console(
        file=trimmed,
        width=_width(),
        color_system=None if plain else "standard",
        force_terminal=stream.isatty() and not plain,
        no_color=plain,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
    )


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal():
        return max(_LEAST_WIDTH, int(columns))
    for number in (1, 2, 0):
        with suppress(OSError):  # no terminal, or one that is closed
            return max(_LEAST_WIDTH, os.get_terminal_size(number).columns or _PIPED_WIDTH)
    return _PIPED_WIDTH
