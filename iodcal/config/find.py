"""Where the configuration and the state are found."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from iodcal.config import Configuration
from iodcal.errors import ConfigurationError, Fault

_log = logging.getLogger("iodcal.config")


def find(given: Path | None) -> Path:
    """The rules file: `given`, or the first there is. Raises ConfigurationError naming all places tried."""
    if given is not None:
        _log.info("configuration: %s", given)
        return given
    tried = list(_places())
    for place in tried:
        if place.is_file():
            _log.info("configuration: %s", place)
            return place
    message = f"no configuration found; looked for {', '.join(map(str, tried))}: name one with --config"
    raise ConfigurationError((Fault("", message),))


def state_path(configuration: Configuration, given: Path | None) -> Path:
    """The state file: the first that is named wins, whether it exists or not."""
    environment = os.environ.get("IODCAL_STATE")
    folder = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given is not None:
        path = given
    elif environment:
        path = Path(environment)
    elif configuration.settings.state is not None:
        path = configuration.settings.state
    elif folder:
        path = Path(folder) / "state.json"
    elif Path("/etc") in configuration.path.parents:
        path = Path("/var/lib/iodcal/state.json")
    else:
        path = _xdg("XDG_STATE_HOME", ".local/state") / "iodcal" / "state.json"
    _log.info("state: %s", path)
    return path.absolute()


def _places() -> Iterator[Path]:
    named = os.environ.get("IODCAL_CONFIG")
    if named:
        yield Path(named)
        return
    yield Path("rules.yaml")
    yield _xdg("XDG_CONFIG_HOME", ".config") / "iodcal" / "rules.yaml"
    yield Path("/etc/iodcal/rules.yaml")


def _xdg(variable: str, default: str) -> Path:
    named = os.environ.get(variable)
    return Path(named) if named and Path(named).is_absolute() else Path.home() / default
