"""What `ics:` names: an address, however it was copied, or a path. An address is secret, and not shown."""

from __future__ import annotations

import re

from msgspec import Struct

from iodcal.errors import CalendarError

MOST_BYTES = 10 * 1024 * 1024

_ASSIGNED = re.compile(r"(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*[=:]\s*(?=[\"'<]|[a-z]+:/)")
_WRAPPED = ('""', "''", "<>", "“”", "«»", "()", "[]", "``")
_SCHEME = re.compile(
    r"(?:(?:feed|url):(?://)?(?=[a-z]+:))?(https?|webcals?|feeds?)://(?=[^\s/])", re.IGNORECASE
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:/|^//|^(?:https?|webcals?|feeds?|mailto|data):", re.IGNORECASE)
_HOST = re.compile(r"(?:[^/@\s]+@)?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?::\d+)?[/?]", re.IGNORECASE)


class IcsPlace(Struct, frozen=True):
    """An http or https `url`, or else a `path`; one that is `doubtful` may be an address without its
    https://, and is not shown."""

    url: str | None = None
    path: str = ""
    doubtful: bool = False


def understand_place(text: str) -> IcsPlace:
    """The place that `text` names: also in quotes or brackets, with `NAME=` before it, as `feed:` or
    `webcal:`. Raises CalendarError (`ics_place_unclear`), which does not show it."""
    text = _bare(_only_line(text))
    found = _SCHEME.match(text)
    if found is not None:
        scheme = "http" if found.group(1).casefold() == "http" else "https"
        rest = text[found.end() :]
        if any(letter.isspace() for letter in rest):
            raise CalendarError("ics_place_unclear")
        return IcsPlace(url=f"{scheme}://{rest}")
    if not text or _ADDRESS.search(text):
        raise CalendarError("ics_place_unclear")
    return IcsPlace(path=text, doubtful=_HOST.match(text) is not None)


def _only_line(text: str) -> str:
    """The one line that is neither empty nor a remark."""
    text = text.removeprefix("\ufeff").strip()
    if "\n" not in text and "\r" not in text:
        return text
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]
    if len(lines) != 1:
        raise CalendarError("ics_place_unclear")
    return lines[0]


def _bare(text: str) -> str:
    """`text` without what it is wrapped in."""
    while True:
        before = text
        text = _ASSIGNED.sub("", text, count=1) if _ASSIGNED.match(text) else text
        text = text.strip().removesuffix(";").strip()
        if len(text) > 1 and text[0] + text[-1] in _WRAPPED:
            text = text[1:-1].strip()
        if text == before:
            return text
