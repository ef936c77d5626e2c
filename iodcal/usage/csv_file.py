"""Use from a CSV file, for whoever has no Prometheus, or none that can be reached from here."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

from iodcal.analysis.usage import BIN, UsageSeries, series_of, start_of_bin
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.errors import MeasurementError

COLUMNS = ("circuit", "time", "in_bps", "out_bps")
_MOST_BYTES = 256 * 1024 * 1024
_COARSEST = timedelta(hours=1)  # longer averages say nothing of five minutes

_Row = tuple[int, list[float | None]]


def read_usage_file(path: Path, circuits: Iterable[str], over: Interval) -> Mapping[str, UsageSeries]:
    """What the file at `path` says of `circuits` during `over`, by name; those that it does not name are not
    in it. `time` is when an average begins: ISO 8601 with an offset, or seconds since 1970. Of several in
    five minutes the mean counts; one of up to an hour counts for all of it. Raises MeasurementError."""
    wanted = set(circuits)
    rows: defaultdict[str, list[_Row]] = defaultdict(list)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise MeasurementError("usage_file_large", file=str(path), limit=_MOST_BYTES)
        with path.open(encoding="utf-8-sig", newline="") as file:
            for name, at, values in _rows(path, csv.DictReader(file)):
                if name in wanted:
                    rows[name].append((at, values))
    except OSError as error:
        raise MeasurementError("usage_file", file=str(path), reason=error.strerror) from None
    except UnicodeDecodeError:
        raise MeasurementError("usage_file", file=str(path), reason="it is no UTF-8 text") from None
    except csv.Error as error:
        raise MeasurementError("usage_file", file=str(path), reason=f"it is no CSV: {error}") from None
    return {name: _series(found, over) for name, found in rows.items()}


def _rows(path: Path, reader: csv.DictReader[str]) -> Iterator[tuple[str, int, list[float | None]]]:
    missing = {"circuit", "time"} - set(reader.fieldnames or ())
    directions = [name for name in ("in_bps", "out_bps") if name in (reader.fieldnames or ())]
    if missing or not directions:
        lacks = ", ".join(sorted(missing)) or "in_bps or out_bps"
        raise MeasurementError("usage_file_columns", file=str(path), missing=lacks)
    for row in reader:
        try:
            values = [_number(row[name]) for name in directions]
            yield row["circuit"], _seconds(row["time"]), values
        except (ValueError, TypeError, OverflowError):
            raise MeasurementError("usage_file_line", file=str(path), line=reader.line_num) from None


def _seconds(text: str) -> int:
    if text.strip().isdigit():
        return int(text)
    at = datetime.fromisoformat(text.strip())
    if at.tzinfo is None:
        raise ValueError
    return int(at.astimezone(UTC).timestamp())


def _number(text: str) -> float | None:
    """None for an empty cell: a gap. What is no rate at all counts as odd later."""
    return float(text) if text.strip() else None


def _series(rows: list[_Row], over: Interval) -> UsageSeries:
    rows.sort(key=lambda row: row[0])
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(rows) if later > earlier]
    step = timedelta(seconds=min(median(gaps) if gaps else 0, _COARSEST.total_seconds()))
    start = int(start_of_bin(over.start).timestamp())
    length = int(BIN.total_seconds())
    wide = max(1, math.ceil(step / BIN))
    found: list[defaultdict[int, list[float]]] = [defaultdict(list) for _ in rows[0][1]]
    for at, values in rows:
        first = (at - start) // length
        for direction, value in zip(found, values, strict=True):
            for number in range(first, first + wide) if value is not None else ():
                direction[number].append(value if value is not None else 0.0)
    means = [{number: sum(one) / len(one) / 1e6 for number, one in of.items()} for of in found]
    inbound, outbound = means[0], means[1] if len(means) > 1 else None
    return replace(series_of(over, inbound, outbound), step=max(step, BIN))
