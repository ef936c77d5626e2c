"""The options that commands share, and what the shell completes in them.

Imports nothing heavy.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from iodcal.domain.durations import parse_duration
from iodcal.paths import configuration_places, may_be_file


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    ICS = "ics"


class Color(StrEnum):
    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


def runbook_of() -> str | None:
    """The address of the page for people on call, as the rules file that is found names it; None where it
    names none, or cannot be read."""
    place = next(filter(may_be_file, configuration_places()), None)
    try:
        if place is None or b"runbook" not in place.read_bytes():
            return None  # what reads YAML need not be loaded for a help that says nothing of it
    except OSError:
        return None
    settings = _document(None).get("settings")
    runbook = settings.get("runbook") if isinstance(settings, dict) else None
    return runbook if isinstance(runbook, str) else None


def circuit_names(context: typer.Context, incomplete: str) -> list[str]:
    """The circuits that the rules file names and that begin so; none where it cannot be read."""
    return _names_in("circuits", context, incomplete)


def calendar_names(context: typer.Context, incomplete: str) -> list[str]:
    """The calendars that the rules file names and that begin so."""
    return _names_in("calendars", context, incomplete)


def _names_in(section: str, context: typer.Context, incomplete: str) -> list[str]:
    contexts = (one for one in (context, context.parent) if one is not None)
    given = next((one.params["config"] for one in contexts if one.params.get("config")), None)
    names = _document(given).get(section)
    return [name for name in names if name.startswith(incomplete)] if isinstance(names, dict) else []


def _document(given: Any) -> Mapping[str, Any]:
    """What the rules file holds, unchecked; nothing where it cannot be read."""
    from iodcal.config.document import parse_document
    from iodcal.config.find import find_configuration
    from iodcal.errors import ConfigurationError

    try:
        path = find_configuration(Path(given) if given else None)
        return parse_document(path, path.read_bytes(), os.environ).value
    except (ConfigurationError, OSError):
        return {}


ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="The rules file, else $IODCAL_CONFIG."),
]
StateOption = Annotated[Path | None, typer.Option("--state", metavar="FILE", help="The state file.")]
OutputOption = Annotated[
    Output | None, typer.Option("--output", "-o", help="For people, scripts or spreadsheets.")
]
VerboseOption = Annotated[
    bool | None, typer.Option("--verbose", "-v", help="More: files, requests, old problems.")
]
QuietOption = Annotated[
    bool | None, typer.Option("--quiet", "-q", help="Problems only, beside what was asked for.")
]
LogFormatOption = Annotated[
    LogFormat | None, typer.Option("--log-format", help="How log lines on stderr are written.")
]
ColorOption = Annotated[Color | None, typer.Option("--color", help="Else as NO_COLOR or FORCE_COLOR say.")]
NoColorOption = Annotated[bool | None, typer.Option("--no-color", hidden=True, help="As --color never.")]

# Of several commands, though not of all.
CircuitOption = Annotated[
    list[str] | None,
    typer.Option(
        "--circuit",
        metavar="NAME",
        help="Only this circuit, or those of a pattern (lon-*); may repeat.",
        autocompletion=circuit_names,
    ),
]
NowOption = Annotated[
    str | None,
    typer.Option("--now", metavar="TIME", help="As if it were then: an instant, +3h, or a local time."),
]


def duration(text: str) -> timedelta:
    """For typer: a duration such as 1h30m."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def share(text: str) -> float:
    """For typer: a share from 0 to 1, which no number at all (nan) is."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise typer.BadParameter(f"{text!r} is not a share from 0 to 1, such as 0.05")
    return value


@dataclass(frozen=True, slots=True)
class Common:
    """What was given of the common options; None where an option was not."""

    config: Path | None = None
    state: Path | None = None
    output: Output | None = None
    verbose: bool | None = None
    quiet: bool | None = None
    log_format: LogFormat | None = None
    color: Color | None = None
    no_color: bool | None = None

    def over(self, earlier: Common | None) -> Common:
        """These options, and where one was not given here, what stood before the command's name."""
        if earlier is None:
            return self
        given = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        return replace(earlier, **given)

    @property
    def colored(self) -> bool | None:
        """Whether colour was asked for, or refused; None where neither was."""
        if self.no_color or self.color is Color.NEVER:
            return False
        return True if self.color is Color.ALWAYS else None

    @property
    def json(self) -> bool:
        return self.output is Output.JSON

    @property
    def csv(self) -> bool:
        return self.output is Output.CSV

    @property
    def ics(self) -> bool:
        return self.output is Output.ICS


WindowOption = Annotated[
    timedelta | None,
    typer.Option("--window", metavar="TIME", parser=duration, help="Look so far ahead."),
]
UsageOption = Annotated[
    Path | None,
    typer.Option("--usage", metavar="FILE", help="A CSV file of what was used; asks no server."),
]
CachedOption = Annotated[
    bool, typer.Option("--cached", help="From the last run's readings: no secret, no network.")
]
