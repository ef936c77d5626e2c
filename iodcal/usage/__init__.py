"""How much of the circuits was really used: from a Prometheus server, or from a CSV file.

Only `report` and `advise` ask: no run depends on what is learnt here, nor waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from iodcal.analysis.usage import UsageSeries, UsageTrouble
from iodcal.concurrency import answers, side_by_side
from iodcal.config import Configuration
from iodcal.config.usage import UsageSource
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import Fact
from iodcal.errors import MeasurementError, SecretError
from iodcal.http import Deadline

_SECONDS = 120.0
_AT_ONCE = 4
_OF_SERVER = ("usage_login", "usage_status", "usage_not_prometheus")  # it says so of every circuit


class UsageReading(Struct, frozen=True):
    """What is known of use, by circuit, and why nothing is known of others."""

    series: Mapping[str, UsageSeries]
    troubles: tuple[UsageTrouble, ...]


def read_usage(
    configuration: Configuration,
    names: Iterable[str],
    over: Interval,
    *,
    file: Path | None,
    progress: Callable[[str], None],
) -> UsageReading:
    """The use of the circuits `names` during `over`: from `file` where one is given, else from the servers
    that the configuration names. Raises MeasurementError where `file` cannot be read."""
    wanted = list(names)
    if file is not None:
        from iodcal.usage.csv_file import read_usage_file

        return UsageReading(read_usage_file(file, wanted, over), ())
    sources = {name: source for name in wanted if (source := configuration.usage.get(name)) is not None}
    if not sources:
        return UsageReading({}, ())
    return _ask(configuration.directory, sources, over, progress)


def _ask(
    directory: Path, sources: Mapping[str, UsageSource], over: Interval, progress: Callable[[str], None]
) -> UsageReading:
    from iodcal.usage.prometheus import PrometheusReader

    progress(f"asking how much was used of {len(sources)} circuits" if len(sources) > 1 else "asking for use")
    reader, deadline = PrometheusReader(directory), Deadline.after(_SECONDS)
    lost: dict[str, MeasurementError | SecretError] = {}  # servers that need not be asked again, by URL

    def ask(source: UsageSource) -> UsageSeries | MeasurementError | SecretError:
        if source.url in lost:
            return lost[source.url]
        try:
            return reader.read(source, over, deadline)
        except (MeasurementError, SecretError) as error:
            if not error.code.startswith("usage_") or error.code in _OF_SERVER:
                return lost.setdefault(source.url, error)
            return error

    series: dict[str, UsageSeries] = {}
    failed: dict[tuple[str, tuple[tuple[str, Fact], ...]], list[str]] = {}
    with side_by_side(_AT_ONCE) as pool:
        for name, found in zip(sources, answers(pool, ask, sources.values()), strict=True):
            if isinstance(found, UsageSeries):
                series[name] = found
            else:
                failed.setdefault((found.code, tuple(found.facts.items())), []).append(name)
    troubles = (UsageTrouble(code, dict(facts), tuple(where)) for (code, facts), where in failed.items())
    return UsageReading(series, tuple(troubles))
