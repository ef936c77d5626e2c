"""What `check` has to say of a configuration without faults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from iodcal.config import Configuration
from iodcal.errors import Fault
from iodcal.render.text import for_line
from iodcal.render.weight import BOLD, painted


def warning_lines(warnings: Iterable[Fault], *, plain: bool) -> Iterator[str]:
    """A line for each warning."""
    for warning in warnings:
        yield f"{painted('warning: ', BOLD, plain=plain)}{for_line(str(warning))}"


def summary(path: Path, configuration: Configuration, warnings: int) -> str:
    """What the file amounts to, which `path` names as faults do; with the number of its warnings."""
    counts = [
        _count(len(configuration.calendars), "calendar"),
        _count(len(configuration.circuits), "circuit"),
        _count(len(configuration.rules), "rule"),
    ]
    doubts = _count(warnings, "warning") if warnings else "no warnings"
    return f"{for_line(str(path))}: {', '.join(counts)}; no errors, {doubts}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
