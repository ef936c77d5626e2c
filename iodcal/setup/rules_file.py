"""The text of `rules.yaml`: sections in the order in which people read them, each with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from iodcal.setup import Sheet, document

SCHEMA_NAME = "rules.schema.json"
# What YAML takes for a text without quotes: a word, an address, a UUID, a rate, a length of time.
_PLAIN = re.compile(
    r"[A-Za-z_]([A-Za-z0-9_./@ -]*[A-Za-z0-9_./@-])?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|[0-9]+ [MG]bps|[0-9]+m"
)
_NOT_PLAIN = frozenset({"true", "false", "null"})


def rules_text(sheet: Sheet) -> str:
    """The whole file. No secret is in it: the answers hold references only."""
    return "\n".join(_lines(sheet)) + "\n"


def _lines(sheet: Sheet) -> Iterator[str]:
    name, carrier = document.carrier(sheet)
    yield f"# yaml-language-server: $schema={SCHEMA_NAME}"
    yield "# Which calendars to read, which circuits to raise, by which rules. No secret stands here."
    yield "version: 1"
    yield f"timezone: {_flow(sheet.get('timezone'))}"
    yield ""
    yield "settings:"
    yield "  orders: none                    # observe only; after some weeks `ups`, then `all`"
    yield "  every: 5m                       # the longest time between two runs of the timer"
    yield "  lead: 45m                       # circuits are at tier so long before an event begins"
    yield f"  organizers: {_flow(list(sheet.get('organizer')))}   # only their events count"
    yield from _block("microsoft365", document.microsoft365(sheet))
    yield from _block("sites", document.sites(sheet))
    yield from _block("calendars", document.calendars(sheet))
    yield ""
    yield "carriers:"
    yield f"  {name}:"
    yield from (f"    {_flow(key)}: {_flow(value)}" for key, value in carrier.items())
    yield from _baseline(sheet)
    tiers = [str(tier) for tier in sorted(set(sheet.get("tiers")))]
    defaults = {"circuit": {"carrier": name, "tiers": tiers, "baseline": "office"}}
    yield from _block("defaults", defaults)
    yield from _block("circuits", document.circuits(sheet))
    yield ""
    yield "rules:"
    for rule in document.rules(sheet):
        if rule["circuits"] == "same_site":
            yield "  # a room shows its organizer's name as the subject: match no keyword"
        first, *others = rule.items()
        yield f"  - {first[0]}: {_flow(first[1])}"
        yield from (f"    {key}: {_flow(value)}" for key, value in others)


def _baseline(sheet: Sheet) -> Iterator[str]:
    section = document.baseline(sheet)
    yield ""
    yield "baselines:"
    yield "  office:                         # the ordinary week needs no calendar"
    yield f"    off_peak: {_flow(section['off_peak'])}"
    if "peaks" in section:
        yield "    peaks:"
        yield from (f"      - {_flow(peak)}" for peak in section["peaks"])


def _block(key: str, section: dict[str, Any]) -> Iterator[str]:
    if section:
        yield ""
        yield f"{key}:"
        yield from (f"  {_flow(name)}: {_flow(value)}" for name, value in section.items())


def _flow(value: Any) -> str:
    """`value` in one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if _PLAIN.fullmatch(text) and text.casefold() not in _NOT_PLAIN:
        return text
    # JSON's texts are YAML's; `${` would be filled in from the environment.
    return json.dumps(text.replace("${", "$${"), ensure_ascii=False)
