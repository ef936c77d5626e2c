"""From what somebody types to an answer. Each raises ValueError with what is wanted."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from iodcal.carriers.lumen.plugin import Contact
from iodcal.config.fields import suggest_nearest
from iodcal.config.microsoft365 import parse_mailbox, secure_url
from iodcal.config.parse import section_of
from iodcal.domain.bandwidth import Bandwidth
from iodcal.init import Answers, Choice, InitQuestion

_NAME = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?", re.IGNORECASE)
_PEAK = re.compile(r"(?P<days>\S+)\s+(?P<start>\d?\d:\d\d)\s*-\s*(?P<end>\d?\d:\d\d)\s+(?P<rate>.+)")
_REFERENCES = ("env", "file", "credential", "command")
_SERVERS = ("authority", "graph", "carrier", "login")


def parse_text_answer(typed: str) -> str:
    if not typed.strip():
        raise ValueError("this must not be empty")
    if not typed.isprintable():
        raise ValueError("a text without control characters is wanted")
    return typed.strip()


def parse_choice(words: Iterable[str]) -> Callable[[str], str]:
    """The parser of one of `words`."""
    known = tuple(words)

    def parse(typed: str) -> str:
        word = typed.strip().casefold()
        if word not in known:
            raise ValueError(f"{typed!r} is not one of {', '.join(known)}{suggest_nearest(word, known)}")
        return word

    return parse


def parse_zone(typed: str) -> str:
    try:
        ZoneInfo(typed.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{typed!r} is not a time zone such as America/Denver") from None
    return typed.strip()


def parse_reference(typed: str) -> dict[str, str]:
    """Where a secret is; never the secret itself, since what is typed ends in the file."""
    kind, _, name = parse_text_answer(typed).partition(":")
    if kind not in _REFERENCES or not name:
        wanted = "env:NAME, file:PATH, credential:NAME or command:COMMAND"
        raise ValueError(f"write where the secret is, not the secret: {wanted}")
    return {kind: name}


def parse_address(typed: str) -> str:
    return parse_mailbox(parse_text_answer(typed))


def parse_organizer(typed: str) -> str:
    entry = parse_text_answer(typed)
    if not re.fullmatch(r"[^@\s]*@[^@\s]+", entry):
        raise ValueError(f"{entry!r} is neither an address nor a @domain")
    return entry


def parse_room(typed: str) -> tuple[str, str]:
    """Site and mailbox."""
    site, equals, box = typed.partition("=")
    if not equals:
        raise ValueError(f"{typed!r} is not a site and a mailbox such as den=board-den@contoso.example")
    return _name(site), parse_address(box)


def parse_site(typed: str) -> tuple[str, str]:
    """Site and zone."""
    name, equals, its_zone = typed.partition("=")
    if not equals:
        raise ValueError(f"{typed!r} is not a site and its time zone such as den=America/Denver")
    return _name(name), parse_zone(its_zone)


def parse_circuit(typed: str) -> Choice:
    service_id, equals, rest = typed.partition("=")
    name, _, its_site = rest.partition("@")
    if not equals:
        raise ValueError(f"{typed!r} is not a service ID and a name such as 77000000001=den-a@den")
    if name.strip() in ("all", "same_site"):
        raise ValueError(f"{name.strip()} already means something in a rule: choose another name")
    return Choice(parse_text_answer(service_id), _name(name), _name(its_site) if its_site else None)


def parse_contact(typed: str) -> dict[str, str]:
    parts = [part.strip() for part in parse_text_answer(typed).split(",")]
    keys = ("name", "email", "phone", "organization")
    if len(parts) != len(keys):
        raise ValueError("four parts are wanted: first and last name, e-mail, US phone number, company")
    given = dict(zip(keys, parts, strict=True))
    section_of(Contact, given)
    return given


def parse_rate_answer(typed: str) -> Bandwidth:
    return Bandwidth.parse(typed)


def parse_peak(typed: str) -> dict[str, Any] | None:
    """Peak hours and their bandwidth; None where there are none."""
    if typed.strip().casefold() == "none":
        return None
    found = _PEAK.fullmatch(parse_text_answer(typed))
    if found is None:
        raise ValueError(f"{typed!r} is neither none nor such as mon-fri 07:30-18:30 500 Mbps")
    return {
        "days": found["days"],
        "from": found["start"],
        "to": found["end"],
        "bandwidth": Bandwidth.parse(found["rate"]),
    }


def parse_server(typed: str) -> tuple[str, str]:
    which, _, url = parse_text_answer(typed).partition("=")
    if which not in _SERVERS:
        raise ValueError(f"{typed!r} is not one of {', '.join(_SERVERS)} with its address")
    return which, secure_url(url)


def _name(typed: str) -> str:
    if not _NAME.fullmatch(typed.strip()):
        raise ValueError(f"{typed.strip()!r} is no name: use letters, digits, - and _")
    return typed.strip()


CREDENTIALS = ("secret", "certificate", "managed-identity")


class CarrierChoice(Struct, frozen=True):
    """A carrier as it is chosen: the `type` and `environment` of its section, and how the variables with its
    key and secret are usually called."""

    type: str
    environment: str = ""
    variables: str = ""


CARRIERS = {
    "lumen": CarrierChoice("lumen", "production", "LUMEN"),
    "lumen-test": CarrierChoice("lumen", "test", "LUMEN"),
    "lumen-efc": CarrierChoice("lumen-efc", "production", "LUMEN"),
    "lumen-efc-test": CarrierChoice("lumen-efc", "test", "LUMEN"),
    "megaport": CarrierChoice("megaport", "production", "MEGAPORT"),
    "megaport-staging": CarrierChoice("megaport", "staging", "MEGAPORT"),
    "sandbox": CarrierChoice("sandbox"),
}
CLOUDS = ("global", "us-gov", "us-dod", "china")
_TYPICAL_PEAK = "mon-fri 07:30-18:30"


def _always(_sheet: Answers) -> bool:
    return True


def _with_credential(sheet: Answers) -> bool:
    return str(sheet.get("credential")) != "managed-identity"


def _may_be_the_machines(sheet: Answers) -> str | None:
    """A managed identity needs neither tenant nor client; a client names the one that is meant."""
    return None if _with_credential(sheet) else ""


def chosen_carrier(sheet: Answers) -> CarrierChoice:
    """The carrier that was chosen; one that needs nothing before that is known."""
    return CARRIERS.get(str(sheet.get("carrier")), CARRIERS["sandbox"])


def _at_lumen(sheet: Answers) -> bool:
    return chosen_carrier(sheet).type in ("lumen", "lumen-efc")


def _has_key(sheet: Answers) -> bool:
    return bool(chosen_carrier(sheet).variables)


def _wants_contact(sheet: Answers) -> bool:
    return chosen_carrier(sheet).type == "lumen"


def _variable(end: str) -> Callable[[Answers], str]:
    return lambda sheet: f"env:{chosen_carrier(sheet).variables}_{end}"


def _fixed(text: str | None) -> Callable[[Answers], str | None]:
    return lambda _sheet: text


def _zone_here(_sheet: Answers) -> str:
    """This system's zone, as far as it says so."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if not named:
        _, _, named = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")
    try:
        return parse_zone(named)
    except ValueError:
        return "UTC"


def _secret_place(sheet: Answers) -> str:
    return "file:app.pem" if sheet.get("credential") == "certificate" else "env:IODCAL_CLIENT_SECRET"


def _domains(sheet: Answers) -> str | None:
    domains = dict.fromkeys(f"@{box.partition('@')[2]}" for box in sheet.mailboxes if "@" in box)
    return ", ".join(domains) or None


def _zones(sheet: Answers) -> str:
    return ", ".join(f"{site}={sheet.get('timezone')}" for site in sheet.sites)


def _tiers(sheet: Answers) -> str | None:
    return ", ".join(map(str, sheet.offered)) or None


def _ordinary(sheet: Answers) -> str:
    """What the circuits run at today, the highest where they differ: none is to become slower by default.
    The lowest tier where that is none of the tiers."""
    tiers = sheet.get("tiers")
    return str(max((level for level in sheet.running if level in tiers), default=min(tiers)))


def _peak(sheet: Answers) -> str:
    above = sorted(tier for tier in sheet.get("tiers") if tier > sheet.get("off-peak"))
    return f"{_TYPICAL_PEAK} {above[0]}" if above else "none"


TENANT = (
    InitQuestion("timezone", parse_zone, _zone_here, _always),
    InitQuestion("credential", parse_choice(CREDENTIALS), _fixed("secret"), _always),
    InitQuestion("tenant", parse_text_answer, _may_be_the_machines, _always),
    InitQuestion("client", parse_text_answer, _may_be_the_machines, _always),
    InitQuestion("secret", parse_reference, _secret_place, _with_credential),
    InitQuestion("cloud", parse_choice(CLOUDS), _fixed("global"), _always),
)
MAILBOXES = (
    InitQuestion("company", parse_address, _fixed(""), _always),
    InitQuestion("noc", parse_address, _fixed(""), _always),
    InitQuestion("room", parse_room, _fixed(""), _always, many=True),
    InitQuestion("organizer", parse_organizer, _domains, _always, many=True),
)
CARRIER = (
    InitQuestion("carrier", parse_choice(CARRIERS), _fixed(None), _always),
    InitQuestion("customer", parse_text_answer, _fixed(None), _at_lumen),
    InitQuestion("carrier-id", parse_reference, _variable("CLIENT_ID"), _has_key),
    InitQuestion("carrier-secret", parse_reference, _variable("CLIENT_SECRET"), _has_key),
    InitQuestion("contact", parse_contact, _fixed(None), _wants_contact),
)
CIRCUITS = (InitQuestion("circuit", parse_circuit, _fixed(None), _always, many=True),)
LEVELS = (
    InitQuestion("site", parse_site, _zones, lambda sheet: bool(sheet.sites), many=True),
    InitQuestion("tiers", parse_rate_answer, _tiers, _always, many=True),
    InitQuestion("off-peak", parse_rate_answer, _ordinary, _always),
    InitQuestion("peak", parse_peak, _peak, _always),
)
EVERY = (*TENANT, *MAILBOXES, *CARRIER, *CIRCUITS, *LEVELS)
