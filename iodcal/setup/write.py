"""The files that `init` makes: checked before they are shown, and never over something that is there."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from iodcal.config.json_schema import configuration_schema
from iodcal.config.load import load_copy
from iodcal.errors import SetupError, UsageError
from iodcal.setup import Sheet
from iodcal.setup.rules_file import SCHEMA_NAME, rules_text
from iodcal.store.files import umasked, write_new


def refuse_existing(path: Path) -> None:
    """Raises UsageError where there is something at `path` already, SetupError where one may not look."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise SetupError("init_unwritable", path=str(path), reason=error.strerror) from None
    raise UsageError("init_exists", path=str(path))


def checked_text(sheet: Sheet, path: Path) -> str:
    """The text of the rules file. Raises ConfigurationError where it would not load."""
    text = rules_text(sheet)
    load_copy(text.encode(), path, trusted=True)
    return text


def write_files(path: Path, text: str) -> tuple[Path, ...]:
    """Writes the rules file and, unless there is one, the schema beside it; what was written.

    Raises UsageError where the rules file has appeared meanwhile, SetupError where it cannot be written.
    """
    schema = path.with_name(SCHEMA_NAME)
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        _write_rules(path, text)
    except OSError as error:
        raise SetupError("init_unwritable", path=str(path), reason=error.strerror) from None
    written = [path]
    with contextlib.suppress(OSError):  # a convenience: an editor does without
        _write_new(schema, json.dumps(configuration_schema(), indent=2) + "\n")
        written.append(schema)
    return tuple(written)


def _write_rules(path: Path, text: str) -> None:
    try:
        _write_new(path, text)
    except FileExistsError:
        raise UsageError("init_exists", path=str(path)) from None


def _write_new(path: Path, text: str) -> None:
    """Whoever runs the timer must read it, and only the caller may change it. Raises OSError."""
    write_new(path, text.encode("utf-8"), mode=umasked(0o644))
