"""What `doctor` tries at the edges: calendars, Microsoft 365, carriers and notices."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from iodcal.calendars import CalendarContext, CalendarReader, Probing, SpoiledEvent
from iodcal.calendars.graph import Graph, plugin
from iodcal.calendars.graph.mailbox import Mailbox, MailboxReader
from iodcal.carriers import Advising, Carrier, Listing, Offering
from iodcal.concurrency import answers, side_by_side
from iodcal.config import NotifyTarget, Way
from iodcal.doctor import Area, CheckStatus, Diagnosis, DoctorContext
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Circuit, Reading, Status
from iodcal.domain.events import Source
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import Fact
from iodcal.errors import CalendarError, CarrierError, SecretError, StateError
from iodcal.http import Deadline, HttpError, ReadingSession, printable
from iodcal.pipeline.attempts import attempt_all
from iodcal.pipeline.fetch import readers_of
from iodcal.pipeline.poll import Carriers
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


_EDGE = Kind.CARRIER_UNREADABLE
# What holds for every request to a carrier, so that its circuits need not be tried.
_ALL = frozenset({"deadline", "insecure_url", "login_refused", "redirect", "timeout", "tls", "unreachable"})


def examine_circuits(patient: DoctorContext, clocks: dict[str, float]) -> Iterator[Diagnosis]:
    """Each carrier's list, then each circuit. `clocks` learns how far carriers' clocks are ahead."""
    carriers = Carriers(patient.configuration, lambda: datetime.now(UTC))
    state = state_of(patient)
    for name in patient.configuration.carriers:
        circuits = [one for one in patient.configuration.circuits.values() if one.carrier == name]
        if not circuits:
            yield Diagnosis(Area.CIRCUITS, name, CheckStatus.INFO, "carrier_unused")
            continue
        patient.progress(f"asking {name}")
        carrier = carriers.of(circuits[0])
        yield from _of_carrier(name, carrier, circuits=circuits, patient=patient, state=state)
        if carrier.clock_error is not None:
            clocks[name] = carrier.clock_error


def _of_carrier(
    name: str, carrier: Carrier, circuits: list[Circuit], patient: DoctorContext, state: State
) -> Iterator[Diagnosis]:
    listed: frozenset[str] | None = None
    if isinstance(carrier, Listing):
        try:
            listed = frozenset(one.service_id for one in carrier.circuits(patient.deadline))
        except CarrierError as error:
            if error.code.startswith("secret_"):  # which is told under the secrets
                yield Diagnosis(Area.CIRCUITS, name, CheckStatus.INFO, "not_without_login")
                return
            fatal = error.code in _ALL
            yield Diagnosis.of(
                Area.CIRCUITS,
                name,
                light=CheckStatus.RED if fatal else CheckStatus.YELLOW,
                error=error,
                edge=_EDGE,
            )
            if fatal:
                return
        else:
            yield Diagnosis(
                Area.CIRCUITS,
                name,
                light=CheckStatus.GREEN,
                code="inventory_listed",
                facts={"count": len(listed)},
            )
    for circuit in circuits:
        standing = state.circuits.get(circuit.key)
        yield from _of_circuit(circuit, carrier, standing=standing, listed=listed, patient=patient)


def _of_circuit(
    circuit: Circuit,
    carrier: Carrier,
    standing: CircuitState | None,
    listed: frozenset[str] | None,
    patient: DoctorContext,
) -> Iterator[Diagnosis]:
    try:
        reading = carrier.read(circuit.service_id, patient.deadline)
    except CarrierError as error:
        yield Diagnosis.of(Area.CIRCUITS, circuit.name, light=CheckStatus.RED, error=error, edge=_EDGE)
        return
    yield _of_reading(circuit, reading, standing)
    # A sandbox lists a circuit only once it was ordered there.
    if listed and circuit.service_id not in listed:
        facts = {"service_id": circuit.service_id}
        yield Diagnosis(
            Area.CIRCUITS, circuit.name, light=CheckStatus.YELLOW, code="circuit_not_listed", facts=facts
        )
    if isinstance(carrier, Offering):
        yield _of_offer(circuit, carrier, patient)
    if isinstance(carrier, Advising):
        yield from _of_warnings(circuit, carrier, patient)


def _of_warnings(circuit: Circuit, carrier: Advising, patient: DoctorContext) -> Iterator[Diagnosis]:
    """What the carrier's module itself warns of: terms, billing, a test environment."""
    try:
        warnings = carrier.warnings(circuit.service_id, patient.deadline)
    except CarrierError as error:
        yield Diagnosis.of(Area.CIRCUITS, circuit.name, light=CheckStatus.YELLOW, error=error, edge=_EDGE)
        return
    for warning in warnings:
        facts: dict[str, Fact] = {"warning": printable(str(warning), 300)}
        yield Diagnosis(
            Area.CIRCUITS, circuit.name, light=CheckStatus.YELLOW, code="carrier_warns", facts=facts
        )


def _of_reading(circuit: Circuit, reading: Reading, standing: CircuitState | None) -> Diagnosis:
    ordered = standing.ordered if standing is not None else None
    facts: dict[str, Fact] = {
        "circuit": circuit.name,
        "status": reading.status_text[:60],
        "bandwidth": str(reading.bandwidth or "no bandwidth"),
        "ordered": str(ordered or "nothing"),
    }
    light, code = _judged(
        circuit, reading, ordered, pending=standing is not None and standing.order is not None
    )
    return Diagnosis(Area.CIRCUITS, circuit.name, light=light, code=code, facts=facts)


def _judged(
    circuit: Circuit, reading: Reading, ordered: Bandwidth | None, *, pending: bool
) -> tuple[CheckStatus, str]:
    if reading.status is Status.UNKNOWN:
        return CheckStatus.RED, "status_unknown"
    if reading.bandwidth is None:
        return CheckStatus.RED, "bandwidth_missing"
    if pending or reading.status is Status.PENDING:
        return CheckStatus.INFO, "circuit_changing"
    if reading.bandwidth not in circuit.tiers:
        return CheckStatus.YELLOW, "bandwidth_no_tier"
    if ordered is not None and ordered != reading.bandwidth:
        return CheckStatus.YELLOW, "circuit_drifted"
    return CheckStatus.GREEN, "circuit_first_seen" if ordered is None else "circuit_as_ordered"


def _of_offer(circuit: Circuit, carrier: Offering, patient: DoctorContext) -> Diagnosis:
    """Never red: a run needs no offer, and the carrier's answer is wrong at times."""
    try:
        offered = carrier.offered(circuit.service_id, patient.deadline)
    except CarrierError as error:
        light = CheckStatus.YELLOW if error.code == "deadline" else CheckStatus.INFO
        facts = {**error.facts, "why": error.code}
        if error.code == "deadline":
            return Diagnosis.of(Area.CIRCUITS, circuit.name, light=light, error=error, edge=_EDGE)
        return Diagnosis(Area.CIRCUITS, circuit.name, light=light, code="offers_unknown", facts=facts)
    unsold = [tier for tier in circuit.tiers if offered is not None and tier not in offered]
    if unsold:
        facts = {
            "unsold": ", ".join(map(str, unsold)),
            "offered": ", ".join(str(one) for one in sorted(offered or ())) or "nothing",
        }
        return Diagnosis(
            Area.CIRCUITS, circuit.name, light=CheckStatus.YELLOW, code="tiers_unsold", facts=facts
        )
    facts = {"tiers": ", ".join(map(str, circuit.tiers))}
    return Diagnosis(Area.CIRCUITS, circuit.name, light=CheckStatus.GREEN, code="tiers_sold", facts=facts)


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
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error, RecursionError):
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
