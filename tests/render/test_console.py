"""The console: its width, its colour, and no blanks at the ends of lines."""

from __future__ import annotations

import io
import os
import sys

import pytest
from rich.padding import Padding
from rich.text import Text

from iodcal.output.console import make_console


def terminals(monkeypatch: pytest.MonkeyPatch, **columns: int) -> None:
    """Lets the streams of these numbers be terminals so wide."""

    def size(number: int) -> os.terminal_size:
        if f"fd{number}" not in columns:
            raise OSError
        return os.terminal_size((columns[f"fd{number}"], 24))

    monkeypatch.setattr(os, "get_terminal_size", size)


@pytest.mark.parametrize(
    ("streams", "columns", "width"),
    [
        ({}, None, 100),
        ({"fd1": 72}, None, 72),
        ({"fd2": 64}, None, 64),
        ({"fd0": 61}, None, 61),
        ({"fd1": 20}, None, 40),
        ({"fd1": 0}, None, 100),
        ({"fd1": 72}, "132", 132),
        ({}, "wide", 100),
    ],
)
def test_it_is_as_wide_as_whichever_stream_is_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
    streams: dict[str, int],
    columns: str | None,
    width: int,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    terminals(monkeypatch, **streams)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    assert make_console(color=None).width == width


@pytest.mark.parametrize("color", [None, True])
def test_no_line_ends_with_blanks(monkeypatch: pytest.MonkeyPatch, color: bool | None) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    console = make_console(color=color)
    console.print(Padding(Text("text", style="bold"), (0, 0, 1, 2)))
    console.print(Text("dim  ", style="dim"))
    lines = out.getvalue().split("\n")
    assert ("\x1b[" in out.getvalue()) is bool(color)
    plain = [line.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "") for line in lines]
    assert plain == ["  text", "", "dim", ""]
