"""Loading `rules.yaml`: from a path to the configuration, or to everything that is wrong with it."""

from __future__ import annotations

import hashlib
import os
import stat
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from iodcal.config import Configuration
from iodcal.config.build import Builder, settings_of
from iodcal.config.build_budgets import build_budgets
from iodcal.config.build_notify import build_notify
from iodcal.config.build_rules import build_rules
from iodcal.config.document import Document, read_document
from iodcal.config.faults import Faults
from iodcal.config.schema import File
from iodcal.errors import ConfigurationError, Fault

VERSION = 1


def load(path: Path) -> Configuration:
    """Reads and checks the file at `path`. Resolves no secret and opens no connection.

    Raises ConfigurationError with all that is wrong, in the order of the lines.
    """
    content, trusted = _read(path)
    return _checked(content, path, trusted=trusted, readable=_readable_by_others(path))


def load_copy(content: bytes, path: Path, *, trusted: bool) -> Configuration:
    """The configuration that stood at `path` when it had this `content`, and was `trusted` or not. Raises
    ConfigurationError."""
    return _checked(content, path, trusted=trusted, readable=False)


def _checked(content: bytes, path: Path, *, trusted: bool, readable: bool) -> Configuration:
    document = read_document(path, content, os.environ)
    faults = Faults(document, trusted=trusted)
    _check_version(document, faults)
    known = {key: value for key, value in document.value.items() if not key.startswith("x-")}
    directory = path.absolute().parent
    file = faults.read_file(File, known, version=VERSION, timezone=ZoneInfo("UTC"))
    # What is wrong in itself hides nothing that is wrong with the rest.
    builder = Builder(file, known, faults, directory)
    builder.build_holidays()
    builder.build_calendars()
    builder.build_carriers()
    builder.build_circuits()
    rules = build_rules(builder)
    notify = build_notify(builder)
    budgets = build_budgets(builder)
    faults.raise_if_any()
    builder.check_sources()
    faults.raise_if_any()

    @cache
    def warnings() -> tuple[Fault, ...]:
        from iodcal.config.lint import find_doubts

        return find_doubts(builder, rules, document, readable=readable, trusted=trusted)

    return Configuration(
        path=path.absolute(),
        digest="sha256:" + hashlib.sha256(content).hexdigest(),
        zone=file.timezone,
        settings=settings_of(file.settings, directory),
        calendars=builder.calendars,
        carriers=builder.carriers,
        circuits=builder.circuits,
        rules=rules,
        notify=notify,
        budgets=budgets,
        holidays=builder.holidays,
        trusted=trusted,
        microsoft365=file.microsoft365,
        _warnings=warnings,
    )


def _read(path: Path) -> tuple[bytes, bool]:
    """The file's bytes, and whether only root or the caller can have written them."""
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            content = file.read()
    except OSError as error:
        raise ConfigurationError((Fault("", f"cannot be read: {error.strerror}", path),)) from None
    if about.st_uid not in (0, os.getuid()):
        message = "belongs to another user: whoever writes this file orders bandwidth; chown it"
        raise ConfigurationError((Fault("", message, path),))
    return content, not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _readable_by_others(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _check_version(document: Document, faults: Faults) -> None:
    version = document.value.get("version")
    if version is None:
        faults.add(("version",), "this key is missing: write version: 1")
    elif isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        faults.add(("version",), f"{version} needs a newer iodcal; this one knows version {VERSION}")
    elif version != VERSION or isinstance(version, bool):
        faults.add(("version",), f"the version is {VERSION}")
    faults.raise_if_any()
