"""Whether a run could replace the metrics file, as far as that can be told without writing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from iodcal.doctor import Area, Finding, Light, Patient
from iodcal.paths import is_folder
from iodcal.problems.kinds import Fact


def of_metrics(patient: Patient) -> Iterator[Finding]:
    """Nothing where no metrics file is configured."""
    path = patient.configuration.settings.metrics_file
    if path is None:
        return
    light, code = _judged(path)
    facts: dict[str, Fact] = {"path": str(path), "folder": str(path.parent)}
    yield Finding(Area.METRICS, path.name, light, code, facts)


def _judged(path: Path) -> tuple[Light, str]:
    if not is_folder(path.parent):
        return Light.RED, "metrics_no_folder"
    if is_folder(path):
        return Light.RED, "metrics_is_folder"
    # A run writes a new file beside it and renames it: what counts is the folder, not the file.
    if not os.access(path.parent, os.R_OK | os.W_OK | os.X_OK):
        return Light.RED, "metrics_not_writable"
    if path.suffix != ".prom":
        return Light.YELLOW, "metrics_not_prom"
    return Light.GREEN, "metrics_writable"
