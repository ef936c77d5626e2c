"""Slips that pass: what stands in the configuration and means something else to iodcal than to its writer.

Each yields the place and the words of a doubt, as the checks of `iodcal.config.lint` do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from iodcal.config.build import Builder
from iodcal.config.document import KeyPath
from iodcal.config.plugins import plugin_fault
from iodcal.domain.conditions import Conditions
from iodcal.domain.rules import Mode, Rule
from iodcal.domain.text_match import Keyword

_Doubt: TypeAlias = tuple[KeyPath, str]

_SEPARATOR = re.compile(r"[,;*]")
_BARE_BAR = re.compile(r"(?<!\\)(?:\s\||\|\s)")
_DOLLAR_NAME = re.compile(r"\$[A-Z_][A-Z0-9_]*", re.ASCII)
_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|([a-z0-9-]+\.)+[a-z]{2,}", re.IGNORECASE)
_FIXED = re.compile(r"EST|MST|HST|(Etc/)?GMT[+-]?\d+", re.ASCII)
_CITIES = {
    "EST": "America/New_York",
    "MST": "America/Denver, or America/Phoenix, which has no summer time",
    "HST": "Pacific/Honolulu",
    "Etc/GMT+5": "America/New_York",
    "Etc/GMT+6": "America/Chicago",
    "Etc/GMT+7": "America/Denver",
    "Etc/GMT+8": "America/Los_Angeles",
    "Etc/GMT-1": "Europe/Berlin",
    "Etc/GMT-8": "Asia/Singapore",
    "Etc/GMT-9": "Asia/Tokyo",
}


def check_keywords(_builder: Builder, rules: Iterable[Rule]) -> Iterator[_Doubt]:
    """Several keywords in one text, and patterns of a shell: a keyword is looked for as it stands."""
    for number, rule in enumerate(rules):
        match = rule.conditions
        for name in ("subject", "not_subject", "location"):
            keywords: tuple[Keyword, ...] = getattr(match, name)
            for keyword in keywords:
                found = _SEPARATOR.search(keyword.text)
                if found is not None:
                    yield ("rules", number, "match", name), _of_keyword(keyword.text, found[0])
        if match.subject_regex is not None and _BARE_BAR.search(match.subject_regex.text):
            message = r"an unescaped | parts alternatives, blanks and all: for the sign itself write \|"
            yield ("rules", number, "match", "subject_regex"), message


def _of_keyword(text: str, sign: str) -> str:
    if sign == "*":
        return f'"{text}" is one keyword, and * stands for nothing else: whole words are found without it'
    parts = ", ".join(part.strip() for part in re.split("[,;]", text) if part.strip())
    return f'"{text}" is one keyword, {sign} and all: for each of several write [{parts}]'


def check_everything(_builder: Builder, rules: Iterable[Rule]) -> Iterator[_Doubt]:
    """A rule that takes every event of its calendars: a week of "On call" raises a circuit for a week."""
    for number, rule in enumerate(rules):
        if rule.mode is not Mode.FREEZE and rule.conditions == Conditions():
            message = (
                "every event of its calendars counts, one of a week too: `match: {all_day: false}` or "
                "`{show_as: [busy]}` leaves out what is only noted there"
            )
            yield ("rules", number), message


def check_zones(builder: Builder, _rules: Iterable[Rule]) -> Iterator[_Doubt]:
    """Zones that never change their clocks, though the place that is meant may."""
    named: dict[KeyPath, ZoneInfo | None] = {("timezone",): builder.file.timezone}
    named |= {("sites", name, "timezone"): site.timezone for name, site in builder.file.sites.items()}
    named |= {("circuits", name, "timezone"): one.timezone for name, one in builder.file.circuits.items()}
    for path, zone in named.items():
        if zone is not None and _FIXED.fullmatch(zone.key):
            city = _CITIES.get(zone.key, "a city's, such as America/Denver")
            sign = " (Etc/GMT+7 is seven hours behind UTC)" if zone.key.startswith("Etc/") else ""
            yield path, f"{zone.key} has no summer time{sign}: write the zone that is meant, {city}"


def check_tenant(builder: Builder, _rules: Iterable[Rule]) -> Iterator[_Doubt]:
    """A tenant that is neither an ID nor a domain."""
    settings = builder.file.microsoft365
    tenant = settings.tenant_id if settings is not None else None
    if tenant is not None and not _TENANT.fullmatch(tenant):
        message = f"{tenant!r} is neither a directory ID (a GUID) nor a domain such as contoso.example"
        yield ("microsoft365", "tenant_id"), message


def check_dollars(value: Any, path: KeyPath = ()) -> Iterator[_Doubt]:
    """`$NAME`, which nothing replaces, anywhere in the document's `value`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from check_dollars(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from check_dollars(inner, (*path, number))
    elif isinstance(value, str) and _DOLLAR_NAME.fullmatch(value):
        name = value[1:]
        yield path, f"{value} stands for itself: write {{env: {name}}} for a secret, ${{{name}}} elsewhere"


def check_plugins(builder: Builder, _rules: Iterable[Rule]) -> Iterator[_Doubt]:
    """Plug-ins that do not say what they must: a run serves everything else."""
    for section in ("calendars", "carriers"):
        for name, entry in getattr(builder, section).items():
            if fault := plugin_fault(entry.plugin):
                yield (section, name), f"{fault}; what depends on it is not served"


def check_forbidden(builder: Builder, _rules: Iterable[Rule]) -> Iterator[_Doubt]:
    """A mailbox cannot be one to read and one that must not be readable."""
    settings = builder.file.microsoft365
    forbidden = {address.casefold() for address in settings.must_not_read} if settings is not None else set()
    for name, calendar in builder.calendars.items():
        for address in getattr(calendar.options, "addresses", ()):
            if address.casefold() in forbidden:
                message = f"the calendar {name} reads {address}, which stands here, too"
                yield ("microsoft365", "must_not_read"), message
