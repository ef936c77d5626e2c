"""Writes the feed of planned changes at the end of a run. What goes wrong is told once and harms no run."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from iodcal.bounds import read_bytes
from iodcal.config import Configuration
from iodcal.config.find import local_folder
from iodcal.output.feed import feed_text
from iodcal.pipeline.alerts import REMINDER
from iodcal.result import Report
from iodcal.store.address import StateAddress
from iodcal.store.files import TellOnce, replace_file

_MODE = 0o644  # a web server runs as a user of its own
_MOST_BYTES = 16 * 1024 * 1024

_log = logging.getLogger("iodcal.feed")


def read_feed(path: Path | None) -> str:
    """The feed that is there; nothing where there is none, or where it cannot be read."""
    if path is None:
        return ""
    try:
        return read_bytes(path, _MOST_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""


def write_feed(configuration: Configuration, state_path: StateAddress, report: Report) -> None:
    """Replaces `settings.feed_file` atomically by the feed after `report`, unless it is as it was. Where that
    cannot be done it is a warning, once and every six hours."""
    path = configuration.settings.feed_file
    if path is None:
        return
    told = TellOnce(local_folder(configuration, state_path) / "feed.told", REMINDER)
    try:
        earlier = read_feed(path)
        text = feed_text(report, configuration.name, earlier)
        if text != earlier:
            replace_file(path, text.encode("utf-8"), mode=_MODE)
        told.is_over()
    except OSError as error:
        message = f"the feed {path} cannot be written: {error.strerror}"
        if told.is_news(message, datetime.now(UTC)):
            _log.warning("%s; people see an old plan until it can be", message)
