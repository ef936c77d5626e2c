"""What `doctor` tries at the edges: calendars, Microsoft 365, carriers and notices."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from iodcal.bounds import load_json
from iodcal.calendars import CalendarContext, CalendarReader, Probing, SpoiledEvent
from iodcal.calendars.graph import Graph, plugin
from iodcal.calendars.graph.mailbox import Mailbox, MailboxReader
from iodcal.concurrency import answers, side_by_side
from iodcal.config import NotifyTarget, Way
from iodcal.doctor import Area, CheckStatus, Diagnosis, DoctorContext
from iodcal.domain.events import Source
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import Fact
from iodcal.errors import CalendarError, SecretError, StateError
from iodcal.http import Deadline, HttpError, ReadingSession
from iodcal.pipeline.attempts import attempt_all
from iodcal.pipeline.fetch import readers_of
from iodcal.problems.kinds import Kind
from iodcal.store.state import State
from iodcal.store.store import store_of

_Trial: TypeAlias = float | CalendarError | SpoiledEvent | None
_GRAPH = "Microsoft Graph"


def examine_calendars(
    patient: DoctorContext, clocks: dict[str, float], *, logged_in: bool
) -> Iterator[Diagnosis]:
    """Each source, several at a time; mailboxes only once `logged_in`. `clocks` learns how far
    servers' clocks are ahead, in seconds."""
    state = state_of(patient)
    readers = [
        reader
        for calendar in patient.configuration.calendars.values()
        for reader in readers_of(calendar, state, patient.now)
    ]
    for reader in readers:
        if isinstance(reader, Probing) and not logged_in:
            yield Diagnosis(Area.CALENDARS, reader.source.label, CheckStatus.INFO, "not_without_login")
    readers = [reader for reader in readers if logged_in or not isinstance(reader, Probing)]
    patient.progress(f"trying {len(readers)} calendars")
    answers = _tried(readers, patient)
    for reader in readers:
        where, answer = reader.source.label, answers[reader.source]
        if isinstance(answer, CalendarError):
            yield Diagnosis.of(
                Area.CALENDARS, where, light=CheckStatus.RED, error=answer, edge=Kind.CALENDAR_UNREADABLE
            )
            continue
        if isinstance(answer, SpoiledEvent):
            facts = {name: getattr(answer, name) for name in ("uid", "line", "property", "found")}
            yield Diagnosis(
                Area.CALENDARS,
                where,
                light=CheckStatus.RED,
                code=answer.code,
                facts=facts,
                edge=Kind.EVENT_UNREADABLE,
            )
            continue
        if answer is not None:
            server = _GRAPH if isinstance(reader, Probing) else where
            clocks[server] = max(clocks.get(server, 0.0), answer, key=abs)
        yield Diagnosis(Area.CALENDARS, where, CheckStatus.GREEN, "calendar_readable")


def _tried(readers: list[CalendarReader], patient: DoctorContext) -> dict[Source, _Trial]:
    """How far the server's clock is ahead, or what is wrong with the source, by source: as a run tries."""
    day = Interval(patient.now, patient.now + timedelta(days=1))

    def probe(reader: CalendarReader, limit: Deadline) -> float | SpoiledEvent | None:
        if isinstance(reader, Probing):
            return reader.probe(day, limit)
        reading = reader.read(day, limit)
        return reading.spoiled[0] if reading.spoiled else reading.clock_error

    return attempt_all(readers, probe, patient.deadline)


def state_of(patient: DoctorContext) -> State:
    """What the state says; that it cannot be read is told elsewhere."""
    try:
        return store_of(patient.configuration, patient.state_path).load(read_only=True)
    except StateError:
        return State()


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


def examine_microsoft(patient: DoctorContext) -> Iterator[Diagnosis]:
    """The login, the token's permissions, and the mailboxes that it must not read."""
    settings = patient.configuration.microsoft365
    if settings is None:
        return
    patient.progress("logging in to Microsoft 365")
    graph = plugin.shared(CalendarContext(patient.configuration.directory, shared=settings))
    try:
        token = graph.login.token(patient.deadline)
    except CalendarError as error:
        yield Diagnosis.of(
            Area.LOGIN, "microsoft365", light=CheckStatus.RED, error=error, edge=Kind.CALENDAR_UNREADABLE
        )
        return
    yield Diagnosis(
        Area.LOGIN,
        "microsoft365",
        light=CheckStatus.GREEN,
        code="login_good",
        facts={"tenant": settings.tenant_id},
    )
    yield from _of_permissions(token)
    for address in settings.must_not_read:
        patient.progress(f"trying to read {address}, which must fail")
        yield _of_forbidden(address, graph, patient)


def _of_permissions(token: str) -> Iterator[Diagnosis]:
    """A token is not ours to understand, so what cannot be seen in it is no fault."""
    area, where = Area.PERMISSIONS, "microsoft365"
    claims = _claims(token)
    roles = claims.get("roles") if claims is not None else None
    if not isinstance(roles, list):
        code = "roles_missing" if claims is not None else "token_opaque"
        yield Diagnosis(area, where, CheckStatus.INFO, code)
        return
    names = sorted(str(role) for role in roles)
    spare = [name for name in names if name.casefold() not in _NEEDED]
    if spare:
        facts = {"roles": ", ".join(_printable(name) for name in spare)}
        yield Diagnosis(area, where, light=CheckStatus.YELLOW, code="roles_more_than_needed", facts=facts)
    else:
        facts = {"roles": ", ".join(_printable(name) for name in names) or "none"}
        yield Diagnosis(area, where, light=CheckStatus.GREEN, code="roles_just_right", facts=facts)
    if not any(name.casefold() in _DIRECTORY for name in names):
        yield Diagnosis(area, where, CheckStatus.INFO, "directory_closed")


def _claims(token: str) -> dict[str, Any] | None:
    """What a token says of itself, unproved: its signature is Graph's to check."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = load_json(base64.urlsafe_b64decode(padded))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None


def _printable(name: str) -> str:
    return "".join(character for character in name[:60] if character.isprintable())


def _of_forbidden(address: str, graph: Graph, patient: DoctorContext) -> Diagnosis:
    source = Source(f"forbidden:{address}", "must_not_read", address)
    reader = MailboxReader(Mailbox(source, address), graph.client)
    day = Interval(patient.now, patient.now + timedelta(days=1))
    tried = attempt_all([reader], lambda _reader, limit: reader.probe(day, limit), patient.deadline)
    answer = tried[source]
    if isinstance(answer, CalendarError):
        if answer.code == "access_denied":
            return Diagnosis(Area.PERMISSIONS, address, CheckStatus.GREEN, "forbidden_is_closed")
        return Diagnosis.of(
            Area.PERMISSIONS, address, light=CheckStatus.YELLOW, error=answer, edge=Kind.CALENDAR_UNREADABLE
        )
    return Diagnosis(Area.PERMISSIONS, address, CheckStatus.RED, "forbidden_is_open")


_TARGETS_AT_ONCE = 8
_MOST_BYTES = 64 * 1024
# Whoever answers so is there: what the front page holds is no matter.
_ANSWERED = frozenset({"redirect", "too_large", "truncated"})


def examine_notices(patient: DoctorContext) -> Iterator[Diagnosis]:
    """One finding for each target, several at a time."""
    targets = patient.configuration.notify
    if not targets:
        return
    patient.progress(f"trying the hosts of {len(targets)} targets of notices")
    with side_by_side(_TARGETS_AT_ONCE) as pool:
        yield from answers(pool, partial(_of_target, patient=patient), targets.values())


def _of_target(target: NotifyTarget, patient: DoctorContext) -> Diagnosis:
    where = f"notify.{target.name}"
    try:
        address = target.address.resolve(patient.configuration.directory).reveal().strip()
    except SecretError:  # which is told under the secrets
        return Diagnosis(Area.NOTICES, where, CheckStatus.INFO, "notice_not_without_secret")
    if target.way is Way.APPRISE:
        light, code, facts = _of_apprise(address)
    else:
        light, code, facts = _of_host(address, patient)
    return Diagnosis(Area.NOTICES, where, light=light, code=code, facts=facts)


def _of_apprise(addresses: str) -> tuple[CheckStatus, str, dict[str, Fact]]:
    """That Apprise understands every address; who is behind them only Apprise knows."""
    from iodcal.notify.channels import apprise_of

    known = apprise_of(addresses)
    if known is None:
        return CheckStatus.RED, "notice_apprise_address", {}
    return CheckStatus.GREEN, "notice_apprise", {"count": len(known)}


def _of_host(address: str, patient: DoctorContext) -> tuple[CheckStatus, str, dict[str, Fact]]:
    """That whoever is named in `address` can be reached as a run would: by proxy, over TLS, in time."""
    session = ReadingSession(max_bytes=_MOST_BYTES, secret_urls=True)
    patience = patient.configuration.settings.notify_within.total_seconds()
    deadline = Deadline.after(min(patience, patient.deadline.left))
    try:
        parts = urlsplit(address)
        front_page = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "/", "", ""))
        session.get(front_page, deadline=deadline)
    except HttpError as error:
        if patient.deadline.passed:
            return CheckStatus.YELLOW, "not_tried", {}
        if error.code not in _ANSWERED:
            code = "timeout" if error.code == "deadline" else error.code
            return CheckStatus.RED, f"notice_{code}", dict(error.facts)
    except ValueError:  # not an address at all
        return CheckStatus.RED, "notice_insecure_url", {}
    finally:
        session.close()
    return CheckStatus.GREEN, "notice_host_answers", {"host": parts.hostname}
