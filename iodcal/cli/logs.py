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
import threading
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TextIO

from iodcal.cli.options import LogFormat
from iodcal.output.text import for_line
from iodcal.redaction import redact_credentials

NOTICE = 25  # between INFO and WARNING, as in syslog: what is good to know, such as a recovery
logging.addLevelName(NOTICE, "NOTICE")

_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (NOTICE, 5), (logging.INFO, 6))


class _Json(logging.Formatter):
    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name, "run_id": self._run_id}
        return json.dumps({**line, "message": redact_credentials(record.getMessage())})


class _Text(logging.Formatter):
    """What `say` tells people needs no label; the rest says where it is from."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"%(levelname)s %(name)s [{run_id}]: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return redact_credentials(record.getMessage() if record.name == _TOLD else super().format(record))


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to stderr as it is now, with priorities where the journal reads them."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if not journal_reads(sys.stderr):
            return line
        return "\n".join(f"<{_priority(record.levelno)}>{part}" for part in line.split("\n"))


_TOLD = "iodcal.told"


def configure(*, verbose: bool, log_format: LogFormat, run_id: str = "") -> None:
    """Sends iodcal's own log to stderr: warnings always, the rest with `verbose`; every line of JSON, and
    every labelled one of text, holds `run_id`."""
    handler = _Stderr(sys.stderr)
    handler.setFormatter(_Json(run_id) if log_format is LogFormat.JSON else _Text(run_id))
    logger = logging.getLogger("iodcal")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)
    logger.propagate = False
    logging.getLogger(_TOLD).setLevel(logging.DEBUG)


def say(line: str, level: int = logging.ERROR) -> None:
    """Tells a line on stderr, in the form and with the priority that log lines have there."""
    if not logging.getLogger("iodcal").handlers:
        configure(verbose=False, log_format=LogFormat.TEXT)  # nothing is known of the options yet
    logging.getLogger(_TOLD).log(level, "%s", line)


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


_PATIENCE = 1.0  # seconds
_CLEAR_LINE = "\r\x1b[2K"


class Progress:
    """Shows what is being done on stderr, one line that goes away again; silent off a terminal."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._text = ""
        self._visible = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(_PATIENCE, self._appear)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        if self._shown:
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._visible:
                self._write(_CLEAR_LINE)
            self._shown = False

    def __call__(self, text: str) -> None:
        """From now on `text` is what is being done."""
        with self._lock:
            self._text = for_line(text)
            if self._visible:
                self._write(f"{_CLEAR_LINE}{self._text} ...")

    def _appear(self) -> None:
        with self._lock:
            if self._shown:
                self._visible = True
                self._write(f"{self._text} ...")

    def _write(self, text: str) -> None:
        with suppress(OSError):  # the terminal is gone; what is being done goes on
            sys.stderr.write(text)
            sys.stderr.flush()
