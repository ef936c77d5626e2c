"""What makes a start quick, and its streams fit for use. No other module need look as if it were in haste.

Besides this, what a command needs is imported when it runs: `--help` and the first line do not wait for it.
"""

from __future__ import annotations

import gc
import io
import os
import re
import sys
import warnings
from collections.abc import Container, Sequence
from contextlib import suppress
from typing import NoReturn

# Starting up makes a hundred thousand objects that all stay: looking through them again and again for
# garbage, as Python does after every 700, is a tenth of a short run.
OBJECTS_BETWEEN_COLLECTIONS = 200_000

_LONG_WITH_VALUE = frozenset({"--config", "--state", "--output", "--log-format", "--color"})
_SHORT = re.compile("-([^co]*)([co]?)(.*)", re.DOTALL)  # flags, an option that has a value, the value


def command_in(arguments: Sequence[str], known: Container[str]) -> str | None:
    """The command among those `known` that `arguments` ask for: behind the options of every command, whose
    values may well look like one. None where there is none, where it is unknown, or where all are to be
    explained."""
    rest = iter(arguments)
    for argument in rest:
        if argument == "--" or not argument.startswith("-") or argument == "-":
            word = next(rest, "") if argument == "--" else argument
            return word if word in known else None
        asks_for_help, has_value_behind = _read(argument)
        if asks_for_help:
            return None
        if has_value_behind:
            next(rest, None)
    return None


def _read(option: str) -> tuple[bool, bool]:
    """Whether it asks for help, and whether the next argument is its value."""
    short = _SHORT.fullmatch(option) if not option.startswith("--") else None
    if short is None:
        return option == "--help", option in _LONG_WITH_VALUE
    flags, with_value, value = short.groups()
    return "h" in flags, bool(with_value) and not value


def begin() -> None:
    """Before anything is loaded."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # what libraries think of a calendar's time zones is no cron mail


def say(text: str) -> bool:
    """Prints `text`, all that was asked for, before typer is loaded. False if it cannot be printed: why is
    told at the boundary."""
    try:
        make_usable()
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError:
        return False
    return True


def leave(status: int) -> NoReturn:
    """Ends the process at once: everything is on disk and written out by now, and taking every object apart
    one by one, only for the kernel to free it all anyway, is another tenth of a short run."""
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(status)


def make_usable() -> None:
    """Opens what the caller closed, so that no file of ours takes the place of a stream and gets its text;
    and lets no letter that a stream's encoding lacks stop a run."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as we
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def drop_output() -> None:
    """What is still to be written goes nowhere; Python would try once more at exit, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
