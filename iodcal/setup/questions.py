"""What `init` asks, in its order. How it is asked stands in `iodcal.words.setup`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from iodcal.setup import Question, Sheet, parsers

CREDENTIALS = ("secret", "certificate", "managed-identity")
CARRIERS = ("lumen", "lumen-test", "sandbox")
CLOUDS = ("global", "us-gov", "us-dod", "china")
_TYPICAL_PEAK = "mon-fri 07:30-18:30"


def _always(_sheet: Sheet) -> bool:
    return True


def _with_credential(sheet: Sheet) -> bool:
    return str(sheet.get("credential")) != "managed-identity"


def _may_be_the_machines(sheet: Sheet) -> str | None:
    """A managed identity needs neither tenant nor client; a client names the one that is meant."""
    return None if _with_credential(sheet) else ""


def _at_lumen(sheet: Sheet) -> bool:
    return str(sheet.get("carrier")).startswith("lumen")


def _fixed(text: str | None) -> Callable[[Sheet], str | None]:
    return lambda _sheet: text


def _zone_here(_sheet: Sheet) -> str:
    """This system's zone, as far as it says so."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if not named:
        _, _, named = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")
    try:
        return parsers.zone(named)
    except ValueError:
        return "UTC"


def _secret_place(sheet: Sheet) -> str:
    return "file:app.pem" if sheet.get("credential") == "certificate" else "env:IODCAL_CLIENT_SECRET"


def _domains(sheet: Sheet) -> str | None:
    domains = dict.fromkeys(f"@{box.partition('@')[2]}" for box in sheet.mailboxes if "@" in box)
    return ", ".join(domains) or None


def _zones(sheet: Sheet) -> str:
    return ", ".join(f"{site}={sheet.get('timezone')}" for site in sheet.sites)


def _tiers(sheet: Sheet) -> str | None:
    return ", ".join(map(str, sheet.offered)) or None


def _lowest(sheet: Sheet) -> str:
    return str(min(sheet.get("tiers")))


def _peak(sheet: Sheet) -> str:
    above = sorted(tier for tier in sheet.get("tiers") if tier > sheet.get("off-peak"))
    return f"{_TYPICAL_PEAK} {above[0]}" if above else "none"


TENANT = (
    Question("timezone", parsers.zone, _zone_here, _always),
    Question("credential", parsers.choice(CREDENTIALS), _fixed("secret"), _always),
    Question("tenant", parsers.text, _may_be_the_machines, _always),
    Question("client", parsers.text, _may_be_the_machines, _always),
    Question("secret", parsers.reference, _secret_place, _with_credential),
    Question("cloud", parsers.choice(CLOUDS), _fixed("global"), _always),
)
MAILBOXES = (
    Question("company", parsers.address, _fixed(""), _always),
    Question("noc", parsers.address, _fixed(""), _always),
    Question("room", parsers.room, _fixed(""), _always, many=True),
    Question("organizer", parsers.organizer, _domains, _always, many=True),
)
CARRIER = (
    Question("carrier", parsers.choice(CARRIERS), _fixed(None), _always),
    Question("customer", parsers.text, _fixed(None), _at_lumen),
    Question("carrier-id", parsers.reference, _fixed("env:LUMEN_CLIENT_ID"), _at_lumen),
    Question("carrier-secret", parsers.reference, _fixed("env:LUMEN_CLIENT_SECRET"), _at_lumen),
    Question("contact", parsers.contact, _fixed(None), _at_lumen),
)
CIRCUITS = (Question("circuit", parsers.circuit, _fixed(None), _always, many=True),)
LEVELS = (
    Question("site", parsers.site, _zones, lambda sheet: bool(sheet.sites), many=True),
    Question("tiers", parsers.rate, _tiers, _always, many=True),
    Question("off-peak", parsers.rate, _lowest, _always),
    Question("peak", parsers.peak, _peak, _always),
)
EVERY = (*TENANT, *MAILBOXES, *CARRIER, *CIRCUITS, *LEVELS)
