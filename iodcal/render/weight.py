"""Weight and colour without rich, for what is shown before rich is loaded, or needs no more."""

from __future__ import annotations

import os
from typing import IO

BOLD, DIM, LOUD = "1", "2", "1;7"


def is_plain(stream: IO[str], *, no_color: bool) -> bool:
    """True where text on `stream` has no colour and no weight: where that was asked for (`no_color`,
    `NO_COLOR`, `TERM=dumb`), and off a terminal."""
    asked_for = no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return asked_for or not stream.isatty()


def painted(text: str, code: str, *, plain: bool) -> str:
    """`text` with the weight of `code`, one of those above, unless it is to be `plain`."""
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"
