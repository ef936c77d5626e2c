"""What the shell completes beyond commands and options. Imports nothing heavy, and never fails."""

from __future__ import annotations

import os
from pathlib import Path

import typer


def circuit_names(context: typer.Context, incomplete: str) -> list[str]:
    """The circuits that the rules file names and that begin so; none where it cannot be read."""
    from iodcal.config.document import read_document
    from iodcal.config.find import find
    from iodcal.errors import ConfigurationError

    given = context.params.get("config")
    try:
        path = find(Path(given) if given else None)
        circuits = read_document(path, path.read_bytes(), os.environ).value.get("circuits")
    except (ConfigurationError, OSError):
        return []
    names = circuits if isinstance(circuits, dict) else {}
    return [name for name in names if name.startswith(incomplete)]
