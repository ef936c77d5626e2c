"""Exit statuses. Alone in a module, since every invocation needs them and little else."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit statuses, as the README and the documentation list them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PROBLEM = 3
    CHANGES_DUE = 4
    LOCKED = 75
    CONFIGURATION = 78
    INTERRUPTED = 130
