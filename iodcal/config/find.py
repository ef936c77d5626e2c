"""Where the configuration and the state are found."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from urllib.parse import quote

from iodcal.config import Configuration
from iodcal.errors import ConfigurationError, Fault
from iodcal.paths import configuration_places, may_be_file, user_folder
from iodcal.store.address import StateAddress

_log = logging.getLogger("iodcal.config")
_LONGEST = 200  # bytes of a folder's name
_URL = re.compile("[a-z0-9]+:/", re.IGNORECASE)  # a path has one slash of two


def find_configuration(given: Path | None) -> Path:
    """The rules file: `given`, or the first there is. Raises ConfigurationError naming all places tried."""
    if given is not None:
        _log.info("configuration: %s", given)
        return given
    place = _first()
    if place is not None:
        _log.info("configuration: %s", place)
        return place
    tried = ", ".join(map(str, configuration_places()))
    message = f"no configuration found; looked for {tried}: name one with --config"
    raise ConfigurationError((Fault("", message),))


def is_configuration_found(path: Path) -> bool:
    """True if the rules file at `path` is the one that is found where none is named."""
    place = _first()
    return place is not None and place.absolute() == path.absolute()


def _first() -> Path | None:
    return next(filter(may_be_file, configuration_places()), None)


def state_path(configuration: Configuration, given: Path | None) -> StateAddress:
    """Where the state is: the first place that is named wins, whether there is a state or not. Raises
    ConfigurationError."""
    place = named_state(configuration, given) or usual_state(configuration)
    _log.info("state: %s", place)
    return place.absolute() if isinstance(place, Path) else place


def local_folder(configuration: Configuration, state: StateAddress) -> Path:
    """The folder for what stays on this host, whose state is at `state`. Raises ConfigurationError."""
    return state.parent if isinstance(state, Path) else usual_state(configuration).parent


def named_state(configuration: Configuration, given: Path | None) -> StateAddress | None:
    """Where somebody said that the state is; None where nobody did."""
    return _named_state(given) or configuration.settings.state


def usual_state(configuration: Configuration) -> Path:
    """The state file of a configuration for which nobody named one: its folder is called as the installation,
    so that no two share it. Raises ConfigurationError."""
    name = quote(configuration.name, safe=" @+,=()")[:_LONGEST].strip()
    if name[:1] in ("", "."):
        name = f"%2E{name[1:]}"
    return _usual_folder(configuration.path).absolute() / name / "state.json"


def state_folder(configuration: Path, given: Path | None) -> Path:
    """The folder for what must be found without reading the configuration that stands at a path."""
    named = _named_state(given)
    return named.absolute().parent if named is not None else _usual_folder(configuration.absolute())


def _named_state(given: Path | None) -> Path | None:
    environment = os.environ.get("IODCAL_STATE")
    named = given or (Path(environment) if environment else None)
    if named is not None and _URL.match(str(named)):
        message = "--state and $IODCAL_STATE name a file: a state in an object store stands in settings.state"
        raise ConfigurationError((Fault("settings.state", message),))
    return named


def _usual_folder(configuration: Path) -> Path:
    folder = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if folder:
        return Path(folder)
    if Path("/etc") in configuration.parents:
        return Path("/var/lib/iodcal")
    own = user_folder("XDG_STATE_HOME", ".local/state")
    if own is None:
        message = "is missing, and this user has no home folder: name a file here, or with --state"
        raise ConfigurationError((Fault("settings.state", message),))
    return own / "iodcal"
