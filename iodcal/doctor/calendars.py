"""Whether each source of events can be read: a mailbox by one event of a day, others as a run does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from iodcal.calendars import CalendarReader, Probing
from iodcal.doctor import Area, Finding, Light, Patient
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError
from iodcal.problems.kinds import Kind
from iodcal.threads import answers, side_by_side

_AT_ONCE = 8
_GRAPH = "Microsoft Graph"


def of_calendars(patient: Patient, clocks: dict[str, float], *, logged_in: bool) -> Iterator[Finding]:
    """Each source, several at a time; mailboxes only once `logged_in`. `clocks` learns how far
    servers' clocks are ahead, in seconds."""
    readers = [
        reader
        for name, calendar in patient.configuration.calendars.items()
        for reader in calendar.plugin.readers(name, calendar.options, calendar.context)
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
        if answer is not None:
            server = _GRAPH if isinstance(reader, Probing) else where
            clocks[server] = max(clocks.get(server, 0.0), answer, key=abs)
        yield Finding(Area.CALENDARS, where, Light.GREEN, "calendar_readable")


def _tried(readers: list[CalendarReader], patient: Patient) -> dict[str, float | CalendarError | None]:
    """What each said, by source: groups side by side, the readers of one in turn."""
    groups: defaultdict[str, list[CalendarReader]] = defaultdict(list)
    for reader in readers:
        groups[reader.group].append(reader)

    def in_turn(group: list[CalendarReader]) -> dict[str, float | CalendarError | None]:
        return {reader.source.key: _try(reader, patient) for reader in group}

    with side_by_side(_AT_ONCE) as pool:
        return {
            key: answer for said in answers(pool, in_turn, groups.values()) for key, answer in said.items()
        }


def _try(reader: CalendarReader, patient: Patient) -> float | CalendarError | None:
    day = Interval(patient.now, patient.now + timedelta(days=1))
    try:
        if isinstance(reader, Probing):
            return reader.probe(day, patient.deadline)
        return reader.read(day, patient.deadline).clock_error
    except CalendarError as error:
        return error
