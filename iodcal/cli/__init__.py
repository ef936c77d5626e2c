"""The command line."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from contextlib import suppress
from typing import NoReturn

# Starting up makes a hundred thousand objects that all stay: looking through them again and again for
# garbage, as Python does after every 700, is a tenth of a short run.
OBJECTS_BETWEEN_COLLECTIONS = 200_000


def main() -> NoReturn:
    """The `iodcal` command: runs it with the process's arguments and exits with its status."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    from iodcal.cli.boundary import run_command

    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # what libraries think of a calendar's time zones is no cron mail

    _leave(run_command(sys.argv[1:]))


def _leave(status: int) -> NoReturn:
    """Ends the process at once: everything is on disk and written out by now, and taking every object apart
    one by one, only for the kernel to free it all anyway, is another tenth of a short run."""
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(status)
