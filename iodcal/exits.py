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


def exit_of(error: BaseException) -> Exit:
    """The exit status of a command that `error` ended."""
    from iodcal.errors import ConfigurationError, FencedError, IodcalError, LockHeldError, UsageError

    if isinstance(error, ConfigurationError) or (isinstance(error, IodcalError) and error.circuit_state_in):
        return Exit.CONFIGURATION
    if isinstance(error, LockHeldError | FencedError):
        return Exit.LOCKED
    if isinstance(error, UsageError):
        return Exit.USAGE
    return Exit.FAILED if isinstance(error, Exception) else Exit.INTERRUPTED
