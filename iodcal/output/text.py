"""Text made fit for people: foreign text made harmless, times as they are read, and weight without rich.

One function per sink; JSON has its own escapes, HTML is made in `output.html`. Titles, names and carriers'
messages are written by anybody: they may hold control characters that move a terminal's cursor, or
bidirectional marks that turn a line round.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_SPACE_LIKE = {"\n": " ", "\r": " ", "\t": " ", "\v": " ", "\f": " ", "\u2028": " ", "\u2029": " "}
# Cc control, Cf format (bidirectional marks among them), Cs surrogates, Co private use, Cn unassigned.
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# What makes a spreadsheet take a cell for a formula; the full-width forms count as well.
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_JOINERS = frozenset("\u200c\u200d\ufe0f")  # needed inside words and emoji of honest titles


def for_line(text: str) -> str:
    """`text` for one line of a log or a mail from cron."""
    from iodcal.redaction import redact_text  # help and version show no text of others

    text = redact_text(text)
    if text.isascii() and text.isprintable():  # nearly all are, and letter by letter takes long
        return " ".join(text.split())
    shown = "".join(_SPACE_LIKE.get(character) or _visible(character) for character in text)
    return " ".join(shown.split())


def for_terminal(text: str, limit: int = 48) -> str:
    """`text` for a terminal, cut with an ellipsis after `limit` characters."""
    shown = for_line(text)
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def for_csv(text: str) -> str:
    """`text` for one cell of a CSV file that a spreadsheet may open: never a formula there."""
    shown = for_line(text)
    return f"'{shown}" if shown[:1] in _FORMULA else shown


def for_label(text: str) -> str:
    """`text` for the value of a metric's label: letter by letter, so that names which differ still do."""
    return "".join(
        _SPACE_LIKE.get(letter) or _visible(letter) or "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _visible(character: str) -> str:
    if character in _JOINERS or unicodedata.category(character) not in _HARMFUL:
        return character
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) != "Cf" else ""


def local(at: datetime, zone: ZoneInfo) -> str:
    """`Tue 24 07:55` in `zone`."""
    return at.astimezone(zone).strftime("%a %d %H:%M")


def local_named(at: datetime, zone: ZoneInfo, home: ZoneInfo) -> str:
    """`Tue 24 07:55` where `zone` is `home`, which a heading names, else `Tue 24 14:55 GMT`. Where both have
    one abbreviation for different times, as Chicago and China have, the distance from UTC stands for it."""
    here, there = at.astimezone(zone), at.astimezone(home)
    if zone.key == home.key:
        return local(at, zone)
    alike = here.tzname() == there.tzname() and here.utcoffset() != there.utcoffset()
    return f"{local(at, zone)} {here:UTC%z}" if alike else f"{local(at, zone)} {here:%Z}"


def local_span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`07:40-08:20`, with the day where it ends on another one."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    pattern = "%H:%M" if first.date() == last.date() else "%a %d %H:%M"
    return f"{first:%H:%M}-{last.strftime(pattern)}"


def span_with_zone(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`07:40-08:20 MST`, for lines that stand by themselves."""
    first, last = f"{start.astimezone(zone):%Z}", f"{end.astimezone(zone):%Z}"
    name = last if first == last else f"{first}/{last}"
    return f"{local_span(start, end, zone)} {name}"


def with_zone(at: datetime, zone: ZoneInfo) -> str:
    """`Tue 24 Nov 2026 07:55 MST`."""
    return at.astimezone(zone).strftime("%a %d %b %Y %H:%M %Z")


def relative(at: datetime, now: datetime) -> str:
    """`now`, `in 12 min`, `3 h ago`."""
    distance = at - now
    if abs(distance) < timedelta(minutes=1):
        return "now"
    text = rough(abs(distance))
    return f"in {text}" if distance > timedelta() else f"{text} ago"


def rough(length: timedelta) -> str:
    """A length in the unit that fits it."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 1:
        return f"{int(length.total_seconds())} s"
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"


BOLD, DIM, LOUD = "1", "2", "1;7"


def is_plain(stream: IO[str], *, color: bool | None) -> bool:
    """True where text on `stream` has no colour and no weight. The first of these decides: what the command
    line says (`color`, None for nothing), `NO_COLOR`, `FORCE_COLOR`, `TERM=dumb`, and whether it is a
    terminal."""
    if color is not None:
        return not color
    if os.environ.get("NO_COLOR"):
        return True
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return False
    return os.environ.get("TERM") == "dumb" or not stream.isatty()


def painted(text: str, code: str, *, plain: bool) -> str:
    """`text` with the weight of `code`, one of those above, unless it is to be `plain`."""
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, str | int | None]]) -> str:
    """A header and a line for each of `rows`; None is an empty cell. Lines end with a plain newline."""
    import csv
    import io

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
