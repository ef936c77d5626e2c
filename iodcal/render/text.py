"""Foreign text made harmless, one function per sink. JSON has its own escapes; HTML is made in `render.html`.

Titles, names and carriers' messages are written by anybody: they may hold control characters that move
a terminal's cursor, or bidirectional marks that turn a line round.
"""

from __future__ import annotations

import unicodedata

_SPACE_LIKE = {"\n": " ", "\r": " ", "\t": " ", "\v": " ", "\f": " ", "\u2028": " ", "\u2029": " "}
# Cc control, Cf format (bidirectional marks among them), Cs surrogates, Co private use, Cn unassigned.
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# What makes a spreadsheet take a cell for a formula; the full-width forms count as well.
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_JOINERS = frozenset("\u200c\u200d\ufe0f")  # needed inside words and emoji of honest titles


def for_line(text: str) -> str:
    """`text` for one line of a log or a mail from cron."""
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
