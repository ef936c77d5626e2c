"""The file itself: replaced as a whole, readable for everybody, and kept where only a part is new."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from iodcal.bounds import read_bytes
from iodcal.config import Configuration, usual_name
from iodcal.config.find import state_folder
from iodcal.config.forms import secrets_in
from iodcal.config.secrets import Reference, Secret
from iodcal.errors import SecretError
from iodcal.exits import Exit
from iodcal.metrics.families import (
    BUILD,
    SUCCESS,
    Sample,
    blocks_of,
    exposition,
    installation_in,
    report_samples,
    run_samples,
    value_in,
    whole_text,
)
from iodcal.pipeline.alerts import REMINDER
from iodcal.result import Report
from iodcal.store.files import TellOnce, lock_file, opened, replace_file

_MODE = 0o644  # node_exporter runs as a user of its own
_MOST_BYTES = 16 * 1024 * 1024


def update_textfile(path: Path, make: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
    """Replaces the file at `path` by what `make` makes of its present families. Raises OSError."""
    with _alone(path.parent):
        # The collector reads *.prom only: it never sees a file that is half written.
        replace_file(path, whole_text(make(_present(path))).encode("utf-8"), mode=_MODE)


def _present(path: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        return blocks_of(read_bytes(path, _MOST_BYTES).decode("utf-8"))
    return {}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """A run that finds the lock taken, and the run that holds it, must not undo each other's part. It waits a
    second at most: a process that was stopped while it wrote must not hold up a run."""
    with opened(folder, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
        lock_file(descriptor, wait_seconds=1)
        yield


_log = logging.getLogger("iodcal.metrics")
_MOST_POINTER_BYTES = 4096


def remember_metrics_file(path: Path, configuration: Configuration, state: Path | None) -> None:
    """Notes the metrics file of the configuration at `path`. Where that cannot be, a run goes on without."""
    place, named = _place(path, state), configuration.settings.metrics_file
    try:
        if named is None:
            place.unlink(missing_ok=True)
        elif recall_metrics_file(path, state) != named.absolute():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(place, os.fsencode(named.absolute()))
    except OSError as error:
        _log.info("no note of the metrics file at %s: %s", place, error.strerror)


def recall_metrics_file(path: Path, state: Path | None) -> Path | None:
    """The metrics file of the last configuration at `path` that loaded; None where none is noted."""
    place = _place(path, state)
    try:
        about = place.lstat()
        if place.is_symlink() or not place.is_file() or about.st_uid not in (0, os.getuid()):
            return None
        noted = Path(os.fsdecode(place.read_bytes()[:_MOST_POINTER_BYTES]))
    except (OSError, ValueError):
        return None
    return noted if noted.is_absolute() else None


def _place(path: Path, state: Path | None) -> Path:
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:12]
    return state_folder(path, state) / f"metrics-file-{name}"


_ONE_DAY = timedelta(days=1)


def expiries(configuration: Configuration) -> dict[str, datetime]:
    """The time (UTC) by the reference in words, of each reference that has an `expires`, and of the
    certificate of the Microsoft login."""
    found: dict[str, datetime] = {}
    for secret in _secrets(configuration):
        for reference in secret.references:
            if reference.expires is not None:  # the last day on which it is good
                found[reference.shown] = datetime.combine(reference.expires + _ONE_DAY, time(), UTC)
    settings = configuration.microsoft365
    if settings is not None and settings.certificate is not None:
        for reference in settings.certificate.references:
            end = _end_of_certificate(reference, settings.certificate, configuration)
            if end is not None:
                found.setdefault(reference.shown, end)
    return found


def _end_of_certificate(
    reference: Reference, secret: Secret, configuration: Configuration
) -> datetime | None:
    """The end of the certificate that is sent; None where it cannot be had. No command is run for it."""
    if reference.kind == "command":
        return None
    from iodcal.calendars.login.tokens import certificate_in

    try:
        text = reference.resolve(configuration.directory, trusted=secret.trusted).reveal()
        return certificate_in(text).not_valid_after_utc
    except (SecretError, ValueError):
        return None


def _secrets(configuration: Configuration) -> Iterator[Secret]:
    holders: list[object] = [carrier.options for carrier in configuration.carriers.values()]
    holders += [calendar.options for calendar in configuration.calendars.values()]
    holders += [calendar.context.shared for calendar in configuration.calendars.values()]
    holders.append(configuration.settings.state_store)
    for holder in holders:
        yield from (secret for _, secret in secrets_in(holder))
    for target in configuration.notify.values():
        yield from (s for s in (target.address, target.authorization) if s is not None)
    for source in configuration.usage.values():
        yield from (s for s in (source.token, source.password) if s is not None)


_log = logging.getLogger("iodcal.metrics")

_CARRIED_THROUGH = (Exit.OK, Exit.PROBLEM)


def write_metrics(
    configuration: Configuration, folder: Path, report: Report | None, status: int, started: datetime
) -> None:
    """Brings the metrics file up to date; `folder` is where this host keeps what it was told. Without a
    `report`, the run came to nothing: what it would have told stays as it was, and the time of the last
    success with it."""
    path = configuration.settings.metrics_file
    if path is not None:
        _write(
            path,
            _told(folder),
            called=configuration.name,
            configuration=configuration,
            report=report,
            status=status,
            started=started,
        )


def write_metrics_without_configuration(configuration: Path, state: Path | None) -> None:
    """Notes a run whose configuration at this path did not load, in the file that the last one which loaded
    named."""
    path = recall_metrics_file(configuration, state)
    if path is not None:
        told = _told(state_folder(configuration, state))
        _write(
            path,
            told,
            called=usual_name(configuration),
            configuration=None,
            report=None,
            status=Exit.CONFIGURATION,
            started=datetime.now(UTC),
        )


def _told(folder: Path) -> TellOnce:
    return TellOnce(folder / "metrics.told", REMINDER)


def _write(
    path: Path,
    told: TellOnce,
    *,
    called: str,
    configuration: Configuration | None,
    report: Report | None,
    status: int,
    started: datetime,
) -> None:
    ended = datetime.now(UTC)
    seconds = max(0.0, (ended - started).total_seconds())

    def make(present: Mapping[str, str]) -> Mapping[str, str]:
        name = called
        if configuration is None:  # whoever wrote the file last knew what its rules call it
            name = installation_in(present.get(BUILD.name, "")) or called
        success = value_in(present.get(SUCCESS.name, "")) or 0.0
        if status in _CARRIED_THROUGH and report is not None:
            success = ended.timestamp()
        fresh: list[Sample] = list(
            run_samples(configuration, status, ended=ended, seconds=round(seconds, 3), success=success)
        )
        if report is None:
            return {**present, **exposition(fresh, name)}
        known = expiries(configuration) if configuration is not None else {}
        return exposition([*fresh, *report_samples(report, known)], name)

    try:
        update_textfile(path, make)
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
