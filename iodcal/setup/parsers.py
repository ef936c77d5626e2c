"""From what somebody types to an answer. Each raises ValueError with what is wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from iodcal.carriers.lumen.plugin import Contact
from iodcal.config.fields import nearest
from iodcal.config.microsoft365 import mailbox, secure_url
from iodcal.config.reading import section_of
from iodcal.domain.bandwidth import Bandwidth
from iodcal.setup import Picked

_NAME = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?", re.IGNORECASE)
_PEAK = re.compile(r"(?P<days>\S+)\s+(?P<start>\d?\d:\d\d)\s*-\s*(?P<end>\d?\d:\d\d)\s+(?P<rate>.+)")
_REFERENCES = ("env", "file", "credential", "command")
_SERVERS = ("authority", "graph", "carrier")


def text(typed: str) -> str:
    if not typed.strip():
        raise ValueError("this must not be empty")
    if not typed.isprintable():
        raise ValueError("a text without control characters is wanted")
    return typed.strip()


def choice(words: Iterable[str]) -> Callable[[str], str]:
    """The parser of one of `words`."""
    known = tuple(words)

    def parse(typed: str) -> str:
        word = typed.strip().casefold()
        if word not in known:
            raise ValueError(f"{typed!r} is not one of {', '.join(known)}{nearest(word, known)}")
        return word

    return parse


def zone(typed: str) -> str:
    try:
        ZoneInfo(typed.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{typed!r} is not a time zone such as America/Denver") from None
    return typed.strip()


def reference(typed: str) -> dict[str, str]:
    """Where a secret is; never the secret itself, since what is typed ends in the file."""
    kind, _, name = text(typed).partition(":")
    if kind not in _REFERENCES or not name:
        wanted = "env:NAME, file:PATH, credential:NAME or command:COMMAND"
        raise ValueError(f"write where the secret is, not the secret: {wanted}")
    return {kind: name}


def address(typed: str) -> str:
    return mailbox(text(typed))


def organizer(typed: str) -> str:
    entry = text(typed)
    if not re.fullmatch(r"[^@\s]*@[^@\s]+", entry):
        raise ValueError(f"{entry!r} is neither an address nor a @domain")
    return entry


def room(typed: str) -> tuple[str, str]:
    """Site and mailbox."""
    site, equals, box = typed.partition("=")
    if not equals:
        raise ValueError(f"{typed!r} is not a site and a mailbox such as den=board-den@contoso.example")
    return _name(site), address(box)


def site(typed: str) -> tuple[str, str]:
    """Site and zone."""
    name, equals, its_zone = typed.partition("=")
    if not equals:
        raise ValueError(f"{typed!r} is not a site and its time zone such as den=America/Denver")
    return _name(name), zone(its_zone)


def circuit(typed: str) -> Picked:
    service_id, equals, rest = typed.partition("=")
    name, _, its_site = rest.partition("@")
    if not equals:
        raise ValueError(f"{typed!r} is not a service ID and a name such as 77000000001=den-a@den")
    if name.strip() in ("all", "same_site"):
        raise ValueError(f"{name.strip()} already means something in a rule: choose another name")
    return Picked(text(service_id), _name(name), _name(its_site) if its_site else None)


def contact(typed: str) -> dict[str, str]:
    parts = [part.strip() for part in text(typed).split(",")]
    keys = ("name", "email", "phone", "organization")
    if len(parts) != len(keys):
        raise ValueError("four parts are wanted: first and last name, e-mail, US phone number, company")
    given = dict(zip(keys, parts, strict=True))
    section_of(Contact, given)
    return given


def rate(typed: str) -> Bandwidth:
    return Bandwidth.parse(typed)


def peak(typed: str) -> dict[str, Any] | None:
    """Peak hours and their bandwidth; None where there are none."""
    if typed.strip().casefold() == "none":
        return None
    found = _PEAK.fullmatch(text(typed))
    if found is None:
        raise ValueError(f"{typed!r} is neither none nor such as mon-fri 07:30-18:30 500 Mbps")
    return {
        "days": found["days"],
        "from": found["start"],
        "to": found["end"],
        "bandwidth": Bandwidth.parse(found["rate"]),
    }


def server(typed: str) -> tuple[str, str]:
    which, _, url = text(typed).partition("=")
    if which not in _SERVERS:
        raise ValueError(f"{typed!r} is not one of {', '.join(_SERVERS)} with its address")
    return which, secure_url(url)


def _name(typed: str) -> str:
    if not _NAME.fullmatch(typed.strip()):
        raise ValueError(f"{typed.strip()!r} is no name: use letters, digits, - and _")
    return typed.strip()
