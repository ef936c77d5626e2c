"""One mailbox, or one named calendar in it, read from Microsoft Graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from msgspec import Struct

from iodcal.calendars.graph_client import GraphClient
from iodcal.calendars.graph_errors import MAILBOX_FAULTS
from iodcal.calendars.graph_events import PROPERTIES, next_page, parse_page
from iodcal.calendars.json_values import JsonObject
from iodcal.calendars.overlap import divided
from iodcal.domain.events import CalendarReading, Event, Source
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError
from iodcal.http import Deadline
from iodcal.http.answers import printable
from iodcal.problems.kinds import Fact

# The server chooses all-day events by the instants of their creator's zone, which may be a day off ours.
_WIDER = timedelta(hours=26)

# Large pages have made servers fail with a 500 or a 504; smaller ones then went through.
_PAGE_SIZES = (250, 125, 62)
_TOO_MUCH = (500, 504)

_CALENDARS_PER_PAGE = 100
_MOST_NAMES_TOLD = 5


class Mailbox(Struct, frozen=True):
    """What to read: `address` is a UPN or an object id, `calendar` the name of a calendar in it, None for
    the default one, `known_id` the id that name was found under in an earlier run."""

    source: Source
    address: str
    calendar: str | None = None
    known_id: str | None = None
    attendees: bool = False


class MailboxReader:
    """A CalendarReader. `client` makes the client or hands out the one that exists, at the first reading."""

    def __init__(self, mailbox: Mailbox, client: Callable[[], GraphClient]) -> None:
        self._mailbox = mailbox
        self._client = client

    @property
    def source(self) -> Source:
        return self._mailbox.source

    @property
    def group(self) -> str:
        return f"mailbox:{self._mailbox.address.casefold()}"

    def read(self, window: Interval, deadline: Deadline) -> CalendarReading:
        """As `CalendarReader.read`. One request per page; to look up a named calendar costs one more."""
        client = self._client()
        try:
            return self._read(client, window, deadline)
        except CalendarError as error:
            failure = self._explained(error, client, deadline)
        raise failure

    def probe(self, day: Interval, deadline: Deadline) -> float | None:
        """As `Probing.probe`."""
        client = self._client()
        try:
            name = self._mailbox.calendar
            calendar_id = self._look_up(client, name, deadline) if name is not None else None
            query = {
                "startDateTime": _utc(day.start),
                "endDateTime": _utc(day.end),
                "$select": ",".join(PROPERTIES),
                "$top": "1",
            }
            parse = partial(parse_page, self.source)
            return next(iter(client.pages(self._path(calendar_id), query, parse, deadline))).clock_error
        except CalendarError as error:
            failure = self._explained(error, client, deadline)
        raise failure

    def _read(self, client: GraphClient, window: Interval, deadline: Deadline) -> CalendarReading:
        name, known_id = self._mailbox.calendar, self._mailbox.known_id
        if name is None:
            return self._read_calendar(client, None, window, deadline)
        if known_id is not None:
            try:
                return self._read_calendar(client, known_id, window, deadline)
            except CalendarError as error:
                if error.code != "calendar_gone":
                    raise
        found_id = self._look_up(client, name, deadline)
        return self._read_calendar(client, found_id, window, deadline)

    def _read_calendar(
        self, client: GraphClient, calendar_id: str | None, window: Interval, deadline: Deadline
    ) -> CalendarReading:
        *sizes, smallest = _PAGE_SIZES
        for size in sizes:
            try:
                return self._read_pages(client, calendar_id, window, size, deadline)
            except CalendarError as error:
                if error.code != "server_fault" or error.facts.get("status") not in _TOO_MUCH:
                    raise
        return self._read_pages(client, calendar_id, window, smallest, deadline)

    def _read_pages(
        self,
        client: GraphClient,
        calendar_id: str | None,
        window: Interval,
        page_size: int,
        deadline: Deadline,
    ) -> CalendarReading:
        read_at = datetime.now(UTC)
        clock_error: float | None = None
        events: dict[str, Event] = {}
        # Pages are no snapshot: an event that moves meanwhile may come twice, and its last state counts.
        parse = partial(parse_page, self.source)
        for page in client.pages(self._path(calendar_id), self._query(window, page_size), parse, deadline):
            clock_error = page.clock_error
            events.update((event.id, event) for event in page.items)
        kept, elsewhere = divided(events.values(), window)
        return CalendarReading(self.source, window, read_at, kept, clock_error, calendar_id, elsewhere)

    def _path(self, calendar_id: str | None) -> tuple[str, ...]:
        calendar = () if calendar_id is None else ("calendars", calendar_id)
        return ("users", self._mailbox.address, *calendar, "calendarView")

    def _query(self, window: Interval, page_size: int) -> Mapping[str, str]:
        attendees = ("attendees",) if self._mailbox.attendees else ()
        return {
            "startDateTime": _utc(window.start - _WIDER),
            "endDateTime": _utc(window.end + _WIDER),
            "$select": ",".join((*PROPERTIES, *attendees)),
            "$top": str(page_size),
        }

    def _look_up(self, client: GraphClient, name: str, deadline: Deadline) -> str:
        """The id of the calendar that is called `name`, whatever the case. Raises CalendarError."""
        path = ("users", self._mailbox.address, "calendars")
        query = {"$select": "id,name", "$top": str(_CALENDARS_PER_PAGE)}
        pages = client.pages(path, query, _parse_calendars, deadline)
        calendars = {id_: called for page in pages for id_, called in page.items}
        wanted = name.strip().casefold()
        found = [id_ for id_, called in calendars.items() if called.strip().casefold() == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise CalendarError("calendar_ambiguous", count=len(found))
        there = [printable(called, 60) for called in calendars.values()]
        told = ", ".join(there[:_MOST_NAMES_TOLD]) + (", ..." if len(there) > _MOST_NAMES_TOLD else "")
        raise CalendarError("calendar_not_found", there=told or "none")

    def _explained(self, error: CalendarError, client: GraphClient, deadline: Deadline) -> CalendarError:
        """`error` with the mailbox and calendar it is about."""
        facts: dict[str, Fact] = {
            **error.facts,
            "mailbox": self._mailbox.address,
            "calendar": self._mailbox.calendar or "default",
        }
        if error.code not in MAILBOX_FAULTS:
            return CalendarError(error.code, **facts)
        code, name = self._ask_directory(error.code, client, deadline)
        if name and name.casefold() != self._mailbox.address.casefold():
            facts["mailbox"] = f"{self._mailbox.address} ({name})"
        return CalendarError(code, **facts)

    def _ask_directory(self, code: str, client: GraphClient, deadline: Deadline) -> tuple[str, str]:
        """A better code for a mailbox that cannot be found, and its user's name.

        Needs User.Read.All; without it nothing is learnt and nothing else changes.
        """
        path = ("users", self._mailbox.address)
        try:
            user = JsonObject(client.get(path, {"$select": "userPrincipalName"}, deadline))
            name = printable(user.text("userPrincipalName"), 120)
        except CalendarError as error:
            return ("mailbox_unknown" if error.code == "mailbox_unknown" else code), ""
        # The user is there, so what is missing is the mailbox.
        return (code if code == "mailbox_unsupported" else "mailbox_missing"), name


def _parse_calendars(document: object) -> tuple[tuple[tuple[str, str], ...], str | None]:
    page = JsonObject(document)
    calendars = ((item.text("id"), item.text("name")) for item in page.objects("value"))
    return tuple(calendar for calendar in calendars if calendar[0]), next_page(page)


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
