"""Log lines on stderr: ours only, so that no library's log can show what must not be seen.

Under systemd each line begins with its priority, `<3>`: the journal takes that off and files the line under
it, with the identifier and the unit of the stream. The journal's own socket would do the same with more code,
and would lose the unit's name of a process that ends as quickly as a quiet run does.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from iodcal.cli.options import LogFormat
from iodcal.output.text import for_line
from iodcal.tenant import run_label

NOTICE = 25  # between INFO and WARNING, as in syslog: what is good to know, such as a recovery
logging.addLevelName(NOTICE, "NOTICE")

_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (NOTICE, 5), (logging.INFO, 6))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        from iodcal.redaction import redact_credentials  # a run that has nothing to say does not wait for it

        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name, **_labels()}
        order = getattr(record, "order", None)
        told = {**line, "message": redact_credentials(record.getMessage())}
        return json.dumps(told | {"order": order} if order else told)


class _Text(logging.Formatter):
    """What `say` tells people needs no label, unless there are several installations to be told of; the rest
    says where it is from."""

    def __init__(self, *, several: bool) -> None:
        super().__init__()
        self._several = several

    def format(self, record: logging.LogRecord) -> str:
        from iodcal.redaction import redact_credentials

        return redact_credentials(self._label(record) + super().format(record))

    def _label(self, record: logging.LogRecord) -> str:
        labels = _labels()
        if record.name != _TOLD:
            return f"{record.levelname} {record.name} [{' '.join(map(for_line, labels.values()))}]: "
        named = labels.get("installation") if self._several else None
        return f"{for_line(named)}: " if named else ""


def _labels() -> dict[str, str]:
    """The run that this thread works for, and its installation where that is known."""
    label = run_label()
    named = {"installation": label.installation} if label.installation else {}
    return {"run_id": label.run_id, **named}


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to stderr as it is now, with priorities where the journal reads them."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if not journal_reads(sys.stderr):
            return line
        return "\n".join(f"<{_priority(record.levelno)}>{part}" for part in line.split("\n"))


_TOLD = "iodcal.told"


def configure(*, verbose: bool, log_format: LogFormat, several: bool = False) -> None:
    """Sends iodcal's own log to stderr: warnings always, the rest with `verbose`; every line of JSON, and
    every labelled one of text, holds the ID of its thread's run and the name of the installation. With
    `several` installations every line for people begins with that name."""
    handler = _Stderr(sys.stderr)
    handler.setFormatter(_Json() if log_format is LogFormat.JSON else _Text(several=several))
    logger = logging.getLogger("iodcal")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)
    logger.propagate = False
    logging.getLogger(_TOLD).setLevel(logging.DEBUG)


def say(line: str, level: int = logging.ERROR, *, order: Mapping[str, Any] | None = None) -> None:
    """Tells a line on stderr, in the form and with the priority that log lines have there; in JSON, with the
    fields of the `order` that it is about."""
    if not logging.getLogger("iodcal").handlers:
        configure(verbose=False, log_format=LogFormat.TEXT)  # nothing is known of the options yet
    logging.getLogger(_TOLD).log(level, "%s", line, extra={"order": order})


def journal_reads(stream: TextIO) -> bool:
    """True if systemd has connected `stream` to the journal: it says so by device and inode, so that a
    stream that was pointed elsewhere since is not taken for it."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        about = os.fstat(stream.fileno())
        return (about.st_dev, about.st_ino) == (int(device), int(inode))
    except (OSError, ValueError):
        return False


def _priority(level: int) -> int:
    return next((priority for least, priority in _PRIORITIES if level >= least), 7)
