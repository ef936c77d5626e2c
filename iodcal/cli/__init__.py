"""The command line."""

from __future__ import annotations

import sys
import warnings


def main() -> None:
    """The `iodcal` command: runs it with the process's arguments and exits with its status."""
    from iodcal.cli.boundary import run_command

    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # what libraries think of a calendar's time zones is no cron mail

    sys.exit(run_command(sys.argv[1:]))
