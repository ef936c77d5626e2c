"""What `check` warns of where events name circuits: names that titles hold without meaning a circuit."""

from __future__ import annotations

from collections.abc import Iterator

from iodcal.config.build import Builder
from iodcal.config.document import KeyPath
from iodcal.domain.circuits import Circuit
from iodcal.domain.keywords import Keyword, normalise
from iodcal.domain.rules import Rule

_SHORTEST = 2
_LONGEST_NUMBER = 4  # a year, a time, a room
# What stands in many titles, and might be a circuit's or a site's name as well.
_COMMON = frozenset({
    "all", "backup", "board", "call", "circuit", "company", "event", "home", "hq", "internet", "lab", "link",
    "live", "main", "meeting", "network", "office", "primary", "prod", "production", "review", "room",
    "secondary", "site", "stream", "sync", "team", "test", "training", "update", "wan",
})  # fmt: skip


def doubts_about_names(builder: Builder, rules: tuple[Rule, ...]) -> Iterator[tuple[KeyPath, str]]:
    """The names of circuits and sites that an event would name by chance."""
    for number, rule in enumerate(rules):
        if not rule.named_in_event:
            continue
        allowed = dict.fromkeys(name for names in rule.circuits.values() for name in names)
        named = {
            name: path for circuit in allowed for name, path in _names(builder.circuits[circuit]).items()
        }
        for name, path in named.items():
            why = _by_chance(name, rule)
            if why is not None:
                yield path, f"{why}: rules[{number}] takes it for a circuit that the event names"


def _names(circuit: Circuit) -> dict[str, KeyPath]:
    path: KeyPath = ("circuits", circuit.name)
    names = {circuit.name: path, circuit.service_id: (*path, "service_id")}
    return names | ({circuit.site: ("sites", circuit.site)} if circuit.site is not None else {})


def _by_chance(name: str, rule: Rule) -> str | None:
    normal = normalise(name)
    if not normal:
        return None  # nothing to be looked for, so no event names it
    for keyword in rule.conditions.subject:
        if Keyword(name).is_in(keyword.normal):
            return f"every event with {keyword.text!r} in its title has {name!r} in it"
    if len(normal) < _SHORTEST or normal in _COMMON:
        return f"{name!r} stands in many titles"
    if normal.isdecimal() and len(normal) <= _LONGEST_NUMBER:
        return f"{name!r} is a number that stands in many titles, as a year or a room does"
    return None
