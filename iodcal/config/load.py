"""Loading `rules.yaml`: from a path to the configuration, or to everything that is wrong with it."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from iodcal.config import Configuration
from iodcal.config.build import Builder, settings_of
from iodcal.config.build_rules import build_budgets, build_notify, build_rules
from iodcal.config.document import Document, parse_document
from iodcal.config.extends import extended_file, faults_of_common, merge
from iodcal.config.find import state_folder
from iodcal.config.parse import FaultList
from iodcal.config.schema import File
from iodcal.config.usage import build_usage
from iodcal.domain.circuits import Orders
from iodcal.domain.structs import replace
from iodcal.errors import ConfigurationError, Fault
from iodcal.store.files import replace_file

VERSION = 1
_EXTENDS = b"\n--- # the file that it extends\n"  # no single document holds such a line, in no block either


def load_configuration(path: Path) -> Configuration:
    """Reads and checks the file at `path`. Resolves no secret and opens no connection.

    Raises ConfigurationError with all that is wrong, in the order of the lines.
    """
    content, trusted = _read(path)
    return _checked(content, path, trusted=trusted, readable=_readable_by_others(path))


def load_configuration_copy(content: bytes, path: Path, *, trusted: bool) -> Configuration:
    """The configuration that stood at `path` when it had this `content`, with the file that it extends behind
    it, and was `trusted` or not. Raises ConfigurationError."""
    own, extended, common = content.partition(_EXTENDS)
    return _checked(own, path, trusted=trusted, readable=False, common=common if extended else None)


def _checked(
    content: bytes, path: Path, *, trusted: bool, readable: bool, common: bytes | None = None
) -> Configuration:
    """The configuration of a file's `content`; `common` is that of the file it extends where that is not to
    be read."""
    document = parse_document(path, content, os.environ)
    _check_version(document, FaultList(document, trusted=trusted))
    extended = extended_file(document)
    if extended is not None:
        if common is None:
            common, trusted_too = _read(extended)
            trusted, readable = trusted and trusted_too, readable or _readable_by_others(extended)
        document = merge(document, _common(extended, common))
        content += _EXTENDS + common
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return _built(document, digest, extended, trusted=trusted, readable=readable)


def _built(
    document: Document, digest: str, extended: Path | None, *, trusted: bool, readable: bool
) -> Configuration:
    path = document.file
    faults = FaultList(document, trusted=trusted)
    known = {key: value for key, value in document.value.items() if not key.startswith("x-")}
    directory = path.absolute().parent
    file = faults.read_file(File, known, version=VERSION, timezone=ZoneInfo("UTC"))
    # What is wrong in itself hides nothing that is wrong with the rest.
    builder = Builder(file, known, faults, directory)
    builder.check_state()
    builder.build_holidays()
    builder.build_calendars()
    builder.build_carriers()
    builder.build_circuits()
    rules = build_rules(builder)
    notify = build_notify(builder)
    budgets = build_budgets(builder)
    usage = build_usage(builder)
    faults.raise_if_any()
    builder.check_sources()
    faults.raise_if_any()

    @cache
    def warnings() -> tuple[Fault, ...]:
        from iodcal.config.lint import find_doubts

        return find_doubts(builder, rules, document, readable=readable, trusted=trusted)

    return Configuration(
        path=path.absolute(),
        extends=extended,
        digest=digest,
        zone=file.timezone,
        settings=settings_of(file.settings, directory),
        calendars=builder.calendars,
        carriers=builder.carriers,
        circuits=builder.circuits,
        rules=rules,
        notify=notify,
        budgets=budgets,
        holidays=builder.holidays,
        usage=usage,
        trusted=trusted,
        microsoft365=file.microsoft365,
        _warnings=warnings,
    )


def _common(path: Path, content: bytes) -> Document:
    """The document that others extend. Raises ConfigurationError."""
    document = parse_document(path, content, os.environ)
    _check_version(document, FaultList(document, trusted=True))
    wrong = tuple(faults_of_common(document))
    if wrong:
        raise ConfigurationError(wrong)
    return document


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


def _check_version(document: Document, faults: FaultList) -> None:
    version = document.value.get("version")
    if version is None:
        faults.add(("version",), "this key is missing: write version: 1")
    elif isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        faults.add(("version",), f"{version} needs a newer iodcal; this one knows version {VERSION}")
    elif version != VERSION or isinstance(version, bool):
        faults.add(("version",), f"the version is {VERSION}")
    faults.raise_if_any()


_log = logging.getLogger("iodcal.config")


def keep_last_good(path: Path, configuration: Configuration, state: Path | None) -> None:
    """Keeps a copy of the file at `path`, which loaded. Where it cannot be kept, a run goes on without."""
    place, other = _places(path, state)
    if not configuration.trusted:
        place, other = other, place
    try:
        content = path.read_bytes()
        if configuration.extends is not None:
            content += _EXTENDS + configuration.extends.read_bytes()
        if "sha256:" + hashlib.sha256(content).hexdigest() != configuration.digest:
            return  # edited since: the next run keeps what it then loads
        if not (place.is_file() and place.read_bytes() == content):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(place, content)
        other.unlink(missing_ok=True)
    except OSError as error:
        _log.info("no copy of the configuration at %s: %s", place, error.strerror)


def recall_last_good(path: Path, state: Path | None) -> Configuration | None:
    """The last configuration that loaded from `path`, with nothing but ups allowed; None if there is none
    that loads."""
    ours, doubtful = _places(path, state)
    place = doubtful if os.path.lexists(doubtful) else ours
    try:
        about = place.lstat()
        if not place.is_file() or place.is_symlink() or about.st_uid not in (0, os.getuid()):
            return None
        configuration = load_configuration_copy(place.read_bytes(), path, trusted=place == ours)
    except (OSError, ConfigurationError):
        return None
    circuits = {
        name: circuit if circuit.orders is Orders.NONE else replace(circuit, orders=Orders.UPS)
        for name, circuit in configuration.circuits.items()
    }
    return replace(configuration, circuits=circuits)


def _places(path: Path, state: Path | None) -> tuple[Path, Path]:
    """Where the copy lies of a file that only we could write, and of one that others could write, too: its
    commands are not run, neither from the file nor from the copy."""
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:12]
    folder = state_folder(path, state)
    return folder / f"last-good-{name}.yaml", folder / f"last-good-{name}-writable.yaml"
