"""Ways to spoil a document."""

from __future__ import annotations

import copy
import random
import string
from collections.abc import Callable
from typing import Any

_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 1e308, 10**30, "", " ", "\x00", "\ud83d", "<html>", "a" * 5000),
    *([], {}, [[]], {"": {}}, [None], "0001-01-01T00:00:00", "9999-12-31T23:59:59.9999999Z", "2026-13-45"),
    *("NaN", "Infinity", "1e400", "-5 Mbps", "0 Mbps", "99999999999999 Gbps", "\u202e1 Gbps", "٣ Mbps"),
)


def spoil(document: Any, chance: random.Random) -> Any:
    """A copy of a JSON document with one to four places made odd, lost, doubled or moved."""
    spoiled = copy.deepcopy(document)
    for _ in range(chance.randint(1, 4)):
        holders = list(_holders(spoiled))
        if not holders:
            return copy.deepcopy(chance.choice(_ODD))
        _spoil_one(chance.choice(holders), chance, holders)
    return spoiled if chance.random() < 0.97 else copy.deepcopy(chance.choice(_ODD))


def _holders(document: Any) -> Any:
    if isinstance(document, (dict, list)) and document:
        yield document
    for inner in document.values() if isinstance(document, dict) else document:
        if isinstance(inner, (dict, list)):
            yield from _holders(inner)


def _spoil_one(holder: Any, chance: random.Random, holders: list[Any]) -> None:
    key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    how = chance.randrange(5)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    elif how == 2:
        holder[key] = copy.deepcopy(chance.choice(holders))
    elif how == 3 and isinstance(holder[key], str):
        holder[key] = spoil_text(holder[key], chance)
    else:
        holder[key] = copy.deepcopy(chance.choice(_ODD))  # a later change must not reach into the table


_CHANGES: tuple[Callable[[str, int, random.Random], str], ...] = (
    lambda text, at, chance: text[:at] + text[at + chance.randint(1, 8) :],
    lambda text, at, chance: text[:at] + chance.choice(string.printable) * chance.randint(1, 4) + text[at:],
    lambda text, at, chance: text[:at] + text[max(0, at - 40) : at] * chance.randint(1, 3) + text[at:],
    lambda text, at, chance: text[:at] + chance.choice("éß\u202e\u2028\x00\u2014") + text[at + 1 :],
    lambda text, at, chance: text[:at] + str(chance.choice((0, -1, 10**9, 2**63, 1e99))) + text[at + 3 :],
    lambda text, at, chance: text[:at] if chance.random() < 0.1 else text.swapcase(),
)


def spoil_text(text: str, chance: random.Random) -> str:
    """A text with one to four bits cut, doubled, inserted or exchanged."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(text))
        text = chance.choice(_CHANGES)(text, at, chance)
    return text


def spoil_lines(text: str, chance: random.Random) -> str:
    """As `spoil_text`, or whole lines lost, doubled, moved or indented."""
    if chance.random() < 0.5:
        return spoil_text(text, chance)
    lines = text.split("\n")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        how = chance.randrange(4)
        if how == 0 and len(lines) > 1:
            del lines[at]
        elif how == 1:
            lines.insert(chance.randrange(len(lines)), lines[at])
        elif how == 2:
            lines.insert(at, lines.pop(chance.randrange(len(lines))))
        else:
            lines[at] = " " * chance.randint(1, 4) + lines[at]
    return "\n".join(lines)
