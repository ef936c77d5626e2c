"""What `check` has to say of a configuration without faults."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from iodcal.config import Configuration
from iodcal.errors import Fault
from iodcal.render.text import for_line


def print_check(path: Path, configuration: Configuration, console: Console, errors: Console) -> None:
    """Shows the warnings on `errors` and, on `console`, what the file amounts to; both name it by `path`, as
    faults do."""
    for warning in configuration.warnings:
        errors.print(Text.assemble(("warning: ", "bold"), _shown(warning)), soft_wrap=True)
    counts = [
        _count(len(configuration.calendars), "calendar"),
        _count(len(configuration.circuits), "circuit"),
        _count(len(configuration.rules), "rule"),
    ]
    doubts = _count(len(configuration.warnings), "warning") if configuration.warnings else "no warnings"
    console.print(Text(f"{for_line(str(path))}: {', '.join(counts)}; no errors, {doubts}"))


def _shown(fault: Fault) -> str:
    return for_line(str(fault))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
