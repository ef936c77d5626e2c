"""A run writes its metrics. Where it cannot, it says so and goes on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from iodcal.config import Configuration
from iodcal.config.find import state_folder
from iodcal.exits import Exit
from iodcal.metrics import pointer
from iodcal.metrics.expiries import expiries
from iodcal.metrics.exposition import Sample, exposition, value_in
from iodcal.metrics.families import SUCCESS
from iodcal.metrics.samples import of_report, of_run
from iodcal.metrics.textfile import update
from iodcal.problems.alerts import REMINDER
from iodcal.result import Report
from iodcal.store.files import TellOnce

_log = logging.getLogger("iodcal.metrics")

_CARRIED_THROUGH = (Exit.OK, Exit.PROBLEM)


def write(
    configuration: Configuration, state: Path, report: Report | None, status: int, started: datetime
) -> None:
    """Brings the metrics file up to date; `state` is the state file. Without a `report`, the run came to
    nothing: what it would have told stays as it was, and the time of the last success with it."""
    path = configuration.settings.metrics_file
    if path is not None:
        _write(path, _told(state.parent), configuration, report, status, started)


def write_without_configuration(configuration: Path, state: Path | None) -> None:
    """Notes a run whose configuration at this path did not load, in the file that the last one which loaded
    named."""
    path = pointer.recall(configuration, state)
    if path is not None:
        told = _told(state_folder(configuration, state))
        _write(path, told, None, None, Exit.CONFIGURATION, datetime.now(UTC))


def _told(folder: Path) -> TellOnce:
    return TellOnce(folder / "metrics.told", REMINDER)


def _write(
    path: Path,
    told: TellOnce,
    configuration: Configuration | None,
    report: Report | None,
    status: int,
    started: datetime,
) -> None:
    ended = datetime.now(UTC)
    seconds = max(0.0, (ended - started).total_seconds())

    def make(present: Mapping[str, str]) -> Mapping[str, str]:
        success = value_in(present.get(SUCCESS.name, "")) or 0.0
        if status in _CARRIED_THROUGH and report is not None:
            success = ended.timestamp()
        fresh: list[Sample] = list(of_run(configuration, status, ended, round(seconds, 3), success))
        if report is None:
            return {**present, **exposition(fresh)}
        known = expiries(configuration) if configuration is not None else {}
        return exposition([*fresh, *of_report(report, known)])

    try:
        update(path, make)
    except OSError as error:
        level = logging.WARNING if told.is_news(str(error), ended) else logging.INFO
        _log.log(
            level,
            "the metrics file %s cannot be written: %s; the run is unharmed. Let the user who runs iodcal "
            "write to its folder, or change settings.metrics_file",
            path,
            error.strerror,
        )
    else:
        told.is_over()
