"""Rows as CSV: for spreadsheets, and for whatever reads RFC 4180."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from iodcal.render.text import for_csv


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, str | int | None]]) -> str:
    """A header and a line for each of `rows`; None is an empty cell. Lines end with a plain newline."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return out.getvalue()


def _cell(value: str | int | None) -> str | int:
    if value is None:
        return ""
    return for_csv(value) if isinstance(value, str) else value
