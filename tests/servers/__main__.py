"""`python -m tests.servers FOLDER`: local servers for a trial by hand, until Ctrl-C."""

from __future__ import annotations

import contextlib
import sys
import threading
from pathlib import Path

_USAGE = """\
Usage: python -m tests.servers FOLDER

  Start a Microsoft login, Microsoft Graph and Lumen's API on this machine, for
  a trial. FOLDER gets a rules.yaml that leads to them, and a file env to read
  into the shell. Ctrl-C ends them.

  Example: python -m tests.servers trial
"""
_READY = """\
The local servers run until Ctrl-C. In another terminal:

  . {folder}/env
  iodcal plan
"""


def main(arguments: list[str]) -> int:
    """Serves until it is interrupted; returns the exit status."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(_USAGE)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    try:
        from tests.servers.trial import trial
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error.name} is missing: pip install --editable '.[test]'\n")
        return 1
    with contextlib.suppress(KeyboardInterrupt), trial(Path(arguments[0])):
        sys.stdout.write(_READY.format(folder=arguments[0]))
        sys.stdout.flush()
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
