"""The console that text is shown on."""

from __future__ import annotations

import os
import sys
from typing import IO

from rich.console import Console

from iodcal.output.text import is_plain

_PIPED_WIDTH = 100


def make_console(*, no_color: bool, stderr: bool = False) -> Console:
    """A console that shows foreign text as it is: no markup, no emoji codes, no highlighting.

    Colour is off where it was asked to be (`no_color`, `NO_COLOR`, `TERM=dumb`) and off a terminal, where
    the width is `$COLUMNS`, else 100.
    """
    stream: IO[str] = sys.stderr if stderr else sys.stdout
    terminal = stream.isatty()
    plain = is_plain(stream, no_color=no_color)
    return Console(
        file=stream,
        width=None if terminal else _width(),
        color_system=None if plain else "standard",
        force_terminal=terminal and not plain,
        no_color=plain,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
    )


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return max(40, int(columns)) if columns.isdecimal() else _PIPED_WIDTH
