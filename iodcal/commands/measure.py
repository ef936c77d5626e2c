"""How much of the circuits was used, beside what was ordered: what `report` and `advise` have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from iodcal.analysis.usage import UsageSeries, UsageTrouble, levels_by_bin, plausible
from iodcal.config import Configuration
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Circuit
from iodcal.domain.localtime import Interval
from iodcal.domain.steps import Steps
from iodcal.errors import UsageError
from iodcal.usage import read_usage

Levels = Sequence[Bandwidth | None]


class MeasuredUse(Struct, frozen=True):
    """The series that are believed, what was ordered meanwhile, bin by bin, both by circuit; and why others
    are missing."""

    series: Mapping[str, UsageSeries]
    levels: Mapping[str, Levels]
    troubles: tuple[UsageTrouble, ...]


def check_measured(configuration: Configuration, file: Path | None) -> None:
    """Raises UsageError where nothing could tell how much was used."""
    if file is None and not configuration.usage:
        raise UsageError("no_usage")


def measure_use(
    configuration: Configuration,
    ordered: Mapping[str, Steps[Bandwidth | None]],
    over: Interval,
    *,
    file: Path | None,
    progress: Callable[[str], None],
) -> MeasuredUse:
    """The use of the circuits that `ordered` names, during `over`; `ordered` is what each was ordered at.

    Raises MeasurementError where `file` cannot be read.
    """
    reading = read_usage(configuration, ordered, over, file=file, progress=progress)
    series: dict[str, UsageSeries] = {}
    levels: dict[str, Levels] = {}
    troubles = list(reading.troubles)
    silent: list[str] = []
    for name, read in reading.series.items():
        circuit, steps = configuration.circuits[name], ordered[name]
        found, doubt = plausible(read, *_bounds(circuit, steps.values))
        if all(value is None for value in found.mbps):
            silent.append(name)
        elif doubt is not None:
            troubles.append(UsageTrouble(doubt.code, doubt.facts, (name,)))
        else:
            series[name], levels[name] = found, levels_by_bin(found, steps.pieces(over))
    if silent:
        troubles.append(UsageTrouble("usage_none", {}, tuple(silent)))
    return MeasuredUse(series, levels, tuple(troubles))


def _bounds(circuit: Circuit, ordered: Iterable[Bandwidth | None]) -> tuple[Bandwidth, Bandwidth]:
    """The lowest and the highest that the circuit can be at, or was."""
    tiers = [*circuit.tiers, *(level for level in ordered if level is not None)]
    return min(tiers), max(tiers)
