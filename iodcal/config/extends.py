"""A rules file that extends another: what installations have in common stands in one file, once.

An installation's own keys win. Sections are merged key by key, and where a section has named entries, such as
carriers, those by their keys; any other value, a list or a secret above all, is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from iodcal.config.document import Document, KeyPath
from iodcal.errors import Fault
from iodcal.paths import expanded

KEY = "extends"
# How many levels below the key mappings are merged.
_MERGED = {"settings": 1, "microsoft365": 1} | dict.fromkeys(
    ("sites", "holidays", "calendars", "carriers", "baselines", "defaults", "notify"), 2
)


def extended_file(document: Document) -> Path | None:
    """The file that `document` extends; None where it extends none, or says so in no sensible way."""
    named = document.value.get(KEY)
    if not isinstance(named, str) or not named:
        return None
    return (document.file.absolute().parent / expanded(named)).resolve()


def faults_of_common(common: Document) -> Iterator[Fault]:
    """What must not stand in a file that others extend."""
    settings = common.value.get("settings")
    if KEY in common.value:
        yield common.fault((KEY,), "a file that is extended extends no other: one level is all there is")
    if "circuits" in common.value:
        yield common.fault(("circuits",), "circuits are an installation's own: they stand in its own file")
    if isinstance(settings, dict) and "name" in settings:
        yield common.fault(("settings", "name"), "a name is an installation's own: it stands in its own file")


def merge(own: Document, common: Document) -> Document:
    """What `own` says, over what `common` says; faults name the file and line of whichever said it."""
    merged = Document(own.file, {}, dict(own.lines), dict(own.elsewhere))

    def take(path: KeyPath) -> None:
        for known, line in common.lines.items():
            if known[: len(path)] == path:
                merged.lines[known] = line
                merged.elsewhere[known] = common.file

    def over(
        mine: Mapping[str, Any], theirs: Mapping[str, Any], path: KeyPath, levels: int
    ) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in theirs.items():
            place = (*path, key)
            if key not in mine:
                made[key] = value
                take(place)
            elif levels and isinstance(value, dict) and isinstance(mine[key], dict):
                made[key] = over(mine[key], value, place, levels - 1)
        return {**made, **{key: made.get(key, value) for key, value in mine.items()}}

    merged.value = dict(own.value)
    for key, value in common.value.items():
        if key == "version" or key.startswith("x-"):
            continue
        mine = own.value.get(key)
        if key not in own.value:
            merged.value[key] = value
            take((key,))
        elif key in _MERGED and isinstance(mine, dict) and isinstance(value, dict):
            merged.value[key] = over(mine, value, (key,), _MERGED[key] - 1)
    return merged
