"""The command line."""

from __future__ import annotations

import sys


def main() -> None:
    """The `iodcal` command: runs it with the process's arguments and exits with its status."""
    from iodcal.cli.boundary import run_command

    sys.exit(run_command(sys.argv[1:]))
