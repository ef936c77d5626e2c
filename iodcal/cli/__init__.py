"""The command line."""

from __future__ import annotations

import sys
from typing import NoReturn

from iodcal import __version__
from iodcal.cli import startup


def main() -> NoReturn:
    """The `iodcal` command: runs it with the process's arguments and exits with its status."""
    startup.begin()
    if sys.argv[1:] == ["--version"] and startup.say(f"iodcal {__version__}"):
        startup.leave(0)
    from iodcal.cli.boundary import run_command

    startup.leave(run_command(sys.argv[1:]))
