"""The three standard streams, made fit for use: cron, systemd and pipes may hand over odd ones."""

from __future__ import annotations

import io
import os
import sys


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
