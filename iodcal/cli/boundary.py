"""The one boundary of the program, with three outcomes: the user can fix it; interrupted; our bug."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.exceptions import TyperException

from iodcal import __version__
from iodcal.cli.app import COMMANDS, application
from iodcal.cli.startup import command_in, drop_output, make_usable
from iodcal.errors import ConfigurationError, IodcalError
from iodcal.exits import Exit, exit_of
from iodcal.signals import Interrupted, ignore, install

if TYPE_CHECKING:
    from iodcal.errors import Fault

# Of a disk, or a quota, that is full; of a device that fails.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def run_command(arguments: Sequence[str]) -> int:
    """Runs the command line and returns its exit status; nothing is raised past here."""
    status = _run_command(arguments)
    try:
        sys.stdout.flush()  # Python would do so at exit, with a status of its own
    except OSError:
        drop_output()
        return status or Exit.FAILED
    return status


def _run_command(arguments: Sequence[str]) -> int:
    make_usable()
    install()
    try:
        return _run(arguments)
    except (Exception, Interrupted, KeyboardInterrupt) as error:  # noqa: BLE001 - the boundary
        ignore()  # the run is over, and is told of once; people press Ctrl-C more than once
        return _end(error, arguments)


def _end(error: BaseException, arguments: Sequence[str]) -> int:
    """Tells of what ended a run; the exit status."""
    match error:
        case IodcalError():
            return _fixable(error, arguments)
        case TyperException():
            return _usage(error, arguments)
        case BrokenPipeError():
            drop_output()  # whoever read our output has closed it
            return Exit.FAILED
        case Interrupted() | KeyboardInterrupt() | typer.Abort():
            return _ended(Exit.INTERRUPTED, "interrupted", arguments)
        case _:  # what arrives here is our bug
            return _unwritten(error) if _output_fails(error) else _bug(error, arguments)


def _run(arguments: Sequence[str]) -> int:
    command = typer.main.get_command(application(arguments))
    status = command.main(args=list(arguments), prog_name="iodcal", standalone_mode=False)
    sys.stdout.flush()
    return int(status or 0)


def _usage(error: TyperException, arguments: Sequence[str]) -> int:
    message = error.format_message().rstrip(".")
    if not arguments:
        sys.stderr.write(message + "\n")
        return Exit.USAGE
    return _ended(Exit.USAGE, "usage", arguments, message=message, command=_where(error))


def _where(error: TyperException) -> str:
    """The command whose command line is wrong, such as `iodcal hold`: its help has the remedy."""
    context: typer.Context | None = getattr(error, "ctx", None)  # typer keeps the class that has it private
    return context.command_path if context is not None else "iodcal"


def _output_fails(error: BaseException) -> bool:
    """True if `error` is that our output cannot be written, such as to a file on a full disk. One on a file
    of ours names it, and is told by whoever wrote that."""
    if not isinstance(error, OSError):
        return False
    if error.errno in _NO_ROOM and error.filename is None:
        return True  # of a long text nothing is left to flush
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _unwritten(error: BaseException) -> int:
    drop_output()
    reason = error.strerror if isinstance(error, OSError) else None
    return _ended(Exit.FAILED, "output", (), reason=str(reason))


def _wants_json(arguments: Sequence[str]) -> bool:
    """True if JSON was asked for: also where the arguments make no sense otherwise."""
    given = [*arguments, ""]
    return any(
        (one in ("-o", "--output") and other == "json") or one in ("-ojson", "--output=json")
        for one, other in pairwise(given)
    )


def _fixable(error: IodcalError, arguments: Sequence[str]) -> int:
    from iodcal.messages.errors import describe

    words = describe(error)
    if isinstance(error, ConfigurationError):
        return _configuration(error, arguments)
    return _fail(
        exit_of(error),
        error.code,
        message=words.message,
        remedy=words.remedy,
        arguments=arguments,
        faults=error.circuit_state_in,
        quiet=error.facts.get("quiet") is True,
    )


def _configuration(error: ConfigurationError, arguments: Sequence[str]) -> int:
    _print_failure(arguments, Exit.CONFIGURATION, faults=error.faults)
    from iodcal.cli.logs import say
    from iodcal.output.text import for_line

    for fault in error.faults:
        say(for_line(str(fault)))
    return Exit.CONFIGURATION


def _ended(status: Exit, code: str, arguments: Sequence[str], **facts: str) -> int:
    from iodcal.messages import fill
    from iodcal.messages.errors import ENDS

    words = fill(ENDS[code], facts)
    return _fail(status, code, message=words.message, remedy=words.remedy, arguments=arguments)


def _fail(
    status: Exit,
    code: str,
    *,
    message: str,
    remedy: str,
    arguments: Sequence[str],
    faults: Sequence[Fault] = (),
    quiet: bool = False,
) -> int:
    from iodcal.cli.logs import say
    from iodcal.output.text import for_line

    _print_failure(arguments, status, code=code, message=message, remedy=remedy, faults=faults)
    if quiet and not (sys.stdout.isatty() or sys.stderr.isatty()):
        return status
    text, stop = f"iodcal: {for_line(message)}", "" if message.endswith("?") else "."
    say(f"{text}{stop} {for_line(remedy)}" if remedy else text)
    return status


def _print_failure(arguments: Sequence[str], status: Exit, **facts: Any) -> None:
    """Shows the object of an exit without a result, where JSON was asked for."""
    if not _wants_json(arguments):
        return
    from iodcal.output.json import dump, failed_view

    told = failed_view(command_in(arguments, COMMANDS) or "iodcal", status, **facts)
    sys.stdout.write(dump(told) + "\n")


def _bug(error: BaseException, arguments: Sequence[str]) -> int:
    told = traceback_of(error)
    path = keep_traceback(told)
    verbose = any(argument in ("-v", "--verbose") for argument in arguments)
    if verbose:
        sys.stderr.write(told)
    where = f"The details are in {path}" if path else "Run again with -v for the details"
    facts = {"version": __version__, "type": type(error).__name__, "where": where}
    return _ended(Exit.FAILED, "bug", arguments, **facts)


def traceback_of(error: BaseException) -> str:
    """The traceback with all that led to it, without local variables and without secrets that went out."""
    import traceback

    from iodcal.redaction import redact_credentials

    return redact_credentials("".join(traceback.format_exception(error)))


def keep_traceback(told: str) -> Path | None:
    """Writes a traceback where only the caller can read it."""
    import tempfile

    try:
        descriptor, name = tempfile.mkstemp(prefix="iodcal-bug-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(told)
    except OSError:
        return None
    return Path(name)
