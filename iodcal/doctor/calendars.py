"""Whether each source of events can be read: a mailbox by one event of a day, others as a run does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TypeAlias

from iodcal.calendars import CalendarReader, Probing, SpoiledEvent
from iodcal.doctor import Area, Finding, Light, Patient
from iodcal.doctor.circuits import state_of
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError
from iodcal.http import Deadline
from iodcal.pipeline.attempts import attempt_all
from iodcal.pipeline.fetch import readers_of
from iodcal.problems.kinds import Kind

_Trial: TypeAlias = float | CalendarError | SpoiledEvent | None
_GRAPH = "Microsoft Graph"


def of_calendars(patient: Patient, clocks: dict[str, float], *, logged_in: bool) -> Iterator[Finding]:
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
            yield Finding(Area.CALENDARS, reader.source.label, Light.INFO, "not_without_login")
    readers = [reader for reader in readers if logged_in or not isinstance(reader, Probing)]
    patient.progress(f"trying {len(readers)} calendars")
    answers = _tried(readers, patient)
    for reader in readers:
        where, answer = reader.source.label, answers[reader.source.key]
        if isinstance(answer, CalendarError):
            yield Finding.of(Area.CALENDARS, where, Light.RED, answer, Kind.CALENDAR_UNREADABLE)
            continue
        if isinstance(answer, SpoiledEvent):
            facts = {name: getattr(answer, name) for name in ("uid", "line", "property", "found")}
            yield Finding(Area.CALENDARS, where, Light.RED, answer.code, facts, Kind.EVENT_UNREADABLE)
            continue
        if answer is not None:
            server = _GRAPH if isinstance(reader, Probing) else where
            clocks[server] = max(clocks.get(server, 0.0), answer, key=abs)
        yield Finding(Area.CALENDARS, where, Light.GREEN, "calendar_readable")


def _tried(readers: list[CalendarReader], patient: Patient) -> dict[str, _Trial]:
    """How far the server's clock is ahead, or what is wrong with the source, by source: as a run tries."""
    day = Interval(patient.now, patient.now + timedelta(days=1))

    def probe(reader: CalendarReader, limit: Deadline) -> float | SpoiledEvent | None:
        if isinstance(reader, Probing):
            return reader.probe(day, limit)
        reading = reader.read(day, limit)
        return reading.spoiled[0] if reading.spoiled else reading.clock_error

    return attempt_all(readers, probe, patient.deadline)
