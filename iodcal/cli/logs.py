"""Log lines on stderr: ours only, so that no library's log can show what must not be seen."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from iodcal.cli.options import LogFormat


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        return json.dumps({**line, "message": record.getMessage()})


def configure(*, verbose: bool, log_format: LogFormat) -> None:
    """Sends iodcal's own log to stderr: warnings always, the rest with `verbose`."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_Json() if log_format is LogFormat.JSON else plain)
    logger = logging.getLogger("iodcal")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)
    logger.propagate = False
