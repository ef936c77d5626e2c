"""The Microsoft login, what it may do, and what it must not."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from iodcal.calendars import CalendarContext
from iodcal.calendars.graph import Graph, plugin
from iodcal.calendars.graph.mailbox import Mailbox, MailboxReader
from iodcal.doctor import Area, Finding, Light, Patient
from iodcal.domain.events import Source
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError
from iodcal.pipeline.attempts import attempt_all
from iodcal.problems.kinds import Kind

_NEEDED = frozenset(
    {
        "calendars.read",
        "calendars.readbasic",
        "calendars.readbasic.all",
        "user.read.all",
        "user.readbasic.all",
    }
)
_DIRECTORY = frozenset({"user.read.all", "user.readbasic.all", "directory.read.all"})


def of_microsoft(patient: Patient) -> Iterator[Finding]:
    """The login, the token's permissions, and the mailboxes that it must not read."""
    settings = patient.configuration.microsoft365
    if settings is None:
        return
    patient.progress("logging in to Microsoft 365")
    graph = plugin.shared(CalendarContext(patient.configuration.directory, shared=settings))
    try:
        token = graph.login.token(patient.deadline)
    except CalendarError as error:
        yield Finding.of(Area.LOGIN, "microsoft365", Light.RED, error, Kind.CALENDAR_UNREADABLE)
        return
    yield Finding(Area.LOGIN, "microsoft365", Light.GREEN, "login_good", {"tenant": settings.tenant_id})
    yield from _of_permissions(token)
    for address in settings.must_not_read:
        patient.progress(f"trying to read {address}, which must fail")
        yield _of_forbidden(address, graph, patient)


def _of_permissions(token: str) -> Iterator[Finding]:
    """A token is not ours to understand, so what cannot be seen in it is no fault."""
    area, where = Area.PERMISSIONS, "microsoft365"
    claims = _claims(token)
    roles = claims.get("roles") if claims is not None else None
    if not isinstance(roles, list):
        code = "roles_missing" if claims is not None else "token_opaque"
        yield Finding(area, where, Light.INFO, code)
        return
    names = sorted(str(role) for role in roles)
    spare = [name for name in names if name.casefold() not in _NEEDED]
    if spare:
        facts = {"roles": ", ".join(_printable(name) for name in spare)}
        yield Finding(area, where, Light.YELLOW, "roles_more_than_needed", facts)
    else:
        facts = {"roles": ", ".join(_printable(name) for name in names) or "none"}
        yield Finding(area, where, Light.GREEN, "roles_just_right", facts)
    if not any(name.casefold() in _DIRECTORY for name in names):
        yield Finding(area, where, Light.INFO, "directory_closed")


def _claims(token: str) -> dict[str, Any] | None:
    """What a token says of itself, unproved: its signature is Graph's to check."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _printable(name: str) -> str:
    return "".join(character for character in name[:60] if character.isprintable())


def _of_forbidden(address: str, graph: Graph, patient: Patient) -> Finding:
    source = Source(f"forbidden:{address}", "must_not_read", address)
    reader = MailboxReader(Mailbox(source, address), graph.client)
    day = Interval(patient.now, patient.now + timedelta(days=1))
    tried = attempt_all([reader], lambda _reader, limit: reader.probe(day, limit), patient.deadline)
    answer = tried[source.key]
    if isinstance(answer, CalendarError):
        if answer.code == "access_denied":
            return Finding(Area.PERMISSIONS, address, Light.GREEN, "forbidden_is_closed")
        return Finding.of(Area.PERMISSIONS, address, Light.YELLOW, answer, Kind.CALENDAR_UNREADABLE)
    return Finding(Area.PERMISSIONS, address, Light.RED, "forbidden_is_open")
