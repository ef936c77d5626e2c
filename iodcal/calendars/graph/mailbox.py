"""One mailbox, or one named calendar in it, read from Microsoft Graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from msgspec import Struct, field

from iodcal.calendars import SourceHint
from iodcal.calendars.graph.client import GraphClient, PageTrail
from iodcal.calendars.graph.errors import MAILBOX_FAULTS
from iodcal.calendars.graph.events import COUNTED, PROPERTIES, next_page, parse_page
from iodcal.calendars.json_values import JsonObject
from iodcal.calendars.readings import divided, spoils
from iodcal.domain.events import CalendarReading, Event, Source, SpoiledEvent
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import Fact
from iodcal.errors import CalendarError, PassingError
from iodcal.http import Deadline
from iodcal.http.answers import printable
from iodcal.messages import counted

# The server chooses all-day events by the instants of their creator's zone, which may be a day off ours.
_WIDER = timedelta(hours=26)

# Large pages have made servers fail with 500, 503 or 504; smaller ones then went through.
PAGE_SIZE = 250
_LEAST_PAGE_SIZE = 10

_CALENDARS_PER_PAGE = 100
_MOST_NAMES_TOLD = 5
_MOST_COUNTED = 999  # events of a calendar, to tell one from another that has its name
_AROUND = timedelta(days=60)
_NOT_FOUND = 404


_Result = TypeVar("_Result")


class Mailbox(Struct, frozen=True):
    """What to read: `address` is a UPN or an object id; `calendar` the name of a calendar in it, or
    `calendar_id` its id, both None for the default one. `known_id` is the id that the name was found under in
    an earlier run, `hint` what else was learnt then."""

    source: Source
    address: str
    calendar: str | None = None
    known_id: str | None = None
    attendees: bool = False
    calendar_id: str | None = None
    hint: SourceHint = SourceHint()


class _Progress(Struct):
    """How far the pages of one calendar have been read. The last state of an event that came twice counts:
    pages are no snapshot."""

    window: Interval
    calendar_id: str | None
    trail: PageTrail
    read_at: datetime
    events: dict[str, Event] = field(default_factory=dict)
    spoiled: dict[tuple[str, Interval | None], SpoiledEvent] = field(default_factory=dict)
    clock_errors: list[float] = field(default_factory=list)


class MailboxReader:
    """A CalendarReader. `client` makes the client or hands out the one that exists, at the first reading.

    `read` is one attempt. After a PassingError the next one goes on with the page that failed, or begins anew
    with smaller pages where large ones may be what is too much for the server.
    """

    def __init__(self, mailbox: Mailbox, client: Callable[[], GraphClient], shared: str = "") -> None:
        self._mailbox = mailbox
        self._client = client
        self._page_size = max(_LEAST_PAGE_SIZE, min(mailbox.hint.page_size or PAGE_SIZE, PAGE_SIZE))
        self._found: str | None = None
        self._progress: _Progress | None = None
        self._parse = partial(parse_page, mailbox.source)
        self._shared = shared

    @property
    def source(self) -> Source:
        return self._mailbox.source

    @property
    def group(self) -> str:
        return f"mailbox:{self._mailbox.address.casefold()}"

    @property
    def shared(self) -> str:
        return self._shared

    @property
    def manner(self) -> str:
        """As `Shareable.manner`: the key says all."""
        return ""

    def log_in(self, deadline: Deadline) -> None:
        """As `LoggingIn.log_in`."""
        self._client().log_in(deadline)

    def read(self, window: Interval, deadline: Deadline) -> CalendarReading:
        """As `CalendarReader.read`. One request per page; to look up a named calendar costs one more."""
        return self._attempt(lambda client: self._read(client, window, deadline), deadline)

    def probe(self, day: Interval, deadline: Deadline) -> float | None:
        """As `Probing.probe`."""

        def ask(client: GraphClient, calendar_id: str | None) -> float | None:
            trail = client.trail(self._path(calendar_id), self._query(day, page_size=1))
            return next(client.pages(trail, self._parse, deadline)).clock_error

        return self._attempt(lambda client: self._with_calendar(client, ask, deadline), deadline)

    def _attempt(self, work: Callable[[GraphClient], _Result], deadline: Deadline) -> _Result:
        client = self._client()
        try:
            return work(client)
        except CalendarError as error:
            failure = self._explained(error, client, deadline)
        raise failure

    def _read(self, client: GraphClient, window: Interval, deadline: Deadline) -> CalendarReading:
        wider = Interval(window.start - _WIDER, window.end + _WIDER)

        def read(client: GraphClient, calendar_id: str | None) -> CalendarReading:
            progress = self._resume(client, window, wider, calendar_id)
            try:
                self._read_pages(client, progress, deadline)
            except PassingError as error:
                self._shrink(error)
                raise
            self._progress = None
            return self._reading(progress)

        return self._with_calendar(client, read, deadline)

    def _resume(
        self, client: GraphClient, window: Interval, wider: Interval, calendar_id: str | None
    ) -> _Progress:
        progress = self._progress
        if progress is None or (progress.window, progress.calendar_id) != (window, calendar_id):
            trail = client.trail(self._path(calendar_id), self._query(wider, page_size=self._page_size))
            progress = self._progress = _Progress(window, calendar_id, trail, datetime.now(UTC))
        return progress

    def _read_pages(self, client: GraphClient, progress: _Progress, deadline: Deadline) -> None:
        for page in client.pages(progress.trail, self._parse, deadline):
            progress.clock_errors += [page.clock_error] if page.clock_error is not None else []
            for item in page.items:
                if isinstance(item, Event):
                    progress.events[item.id] = item
                else:
                    progress.spoiled[item.uid, item.span] = item  # each occurrence of a series has its times

    def _shrink(self, error: PassingError) -> None:
        """Halves the pages after an answer that says the last ones may have been too much for the server."""
        status = error.facts.get("status")
        if status in (500, 504) or (status == 503 and error.wait is None):
            if self._page_size > _LEAST_PAGE_SIZE:
                self._progress = None
            self._page_size = max(_LEAST_PAGE_SIZE, self._page_size // 2)

    def _reading(self, progress: _Progress) -> CalendarReading:
        kept, elsewhere = divided(progress.events.values(), progress.window)
        spoiled = (one for one in progress.spoiled.values() if spoils(one, progress.window))
        return CalendarReading(
            self.source,
            progress.window,
            read_at=progress.read_at,
            events=kept,
            clock_error=max(progress.clock_errors, key=abs, default=None),
            calendar_id=progress.calendar_id if self._mailbox.calendar_id is None else None,
            elsewhere=elsewhere,
            spoiled=tuple(spoiled),
            page_size=self._page_size if self._page_size < PAGE_SIZE else None,
            looked_up=self._found is not None,
        )

    def _with_calendar(
        self,
        client: GraphClient,
        work: Callable[[GraphClient, str | None], _Result],
        deadline: Deadline,
    ) -> _Result:
        """What `work` makes of the calendar that is meant, by its id, None for the default one. A name is
        looked up where nobody knows its id, where that is due again, and where the id is gone."""
        mailbox = self._mailbox
        name = mailbox.calendar
        if mailbox.calendar_id is not None or name is None:
            return work(client, mailbox.calendar_id)
        known = self._found or (None if mailbox.hint.id_due else mailbox.known_id)
        if known is not None:
            try:
                return work(client, known)
            except CalendarError as error:
                if self._found is not None or not _gone(error):
                    raise
        try:
            self._found = self._look_up(client, name, deadline)
        except PassingError as error:
            if mailbox.known_id is None or known is not None or error.code == "throttled":
                raise
            return work(client, mailbox.known_id)  # better yesterday's id than nothing
        return work(client, self._found)

    def _path(self, calendar_id: str | None) -> tuple[str, ...]:
        calendar = () if calendar_id is None else ("calendars", calendar_id)
        return ("users", self._mailbox.address, *calendar, "calendarView")

    def _query(self, span: Interval, *, page_size: int) -> Mapping[str, str]:
        attendees = COUNTED if self._mailbox.attendees else ()
        return {
            "startDateTime": _utc(span.start),
            "endDateTime": _utc(span.end),
            "$select": ",".join((*PROPERTIES, *attendees)),
            "$orderby": "start/dateTime",  # without it nobody promises the same order from page to page
            "$top": str(page_size),
        }

    def _look_up(self, client: GraphClient, name: str, deadline: Deadline) -> str:
        """The id of the calendar that is called `name`, whatever the case. Raises CalendarError."""
        path = ("users", self._mailbox.address, "calendars")
        query = {"$select": "id,name", "$top": str(_CALENDARS_PER_PAGE)}
        pages = client.pages(client.trail(path, query), _parse_calendars, deadline)
        calendars = {id_: called for page in pages for id_, called in page.items}
        wanted = name.strip().casefold()
        found = [id_ for id_, called in calendars.items() if called.strip().casefold() == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            told = (self._counted(client, id_, deadline) for id_ in found[:_MOST_NAMES_TOLD])
            raise CalendarError("calendar_ambiguous", count=len(found), there=", ".join(told))
        there = [printable(called, 60) for called in calendars.values()]
        names = ", ".join(there[:_MOST_NAMES_TOLD]) + (", ..." if len(there) > _MOST_NAMES_TOLD else "")
        raise CalendarError("calendar_not_found", there=names or "none")

    def _counted(self, client: GraphClient, id_: str, deadline: Deadline) -> str:
        """The calendar's id and how many events it holds about now: what a person tells it by."""
        now = datetime.now(UTC)
        query = {
            "startDateTime": _utc(now - _AROUND),
            "endDateTime": _utc(now + _AROUND),
            "$select": "id",
            "$top": str(_MOST_COUNTED),
        }
        shown = printable(id_, 200)
        try:
            page = JsonObject(client.get(self._path(id_), query, deadline))
            count = len(page.objects("value"))
        except CalendarError:
            return f"{shown} (not readable)"
        more = " or more" if count >= _MOST_COUNTED else ""
        return f"{shown} ({counted(count, 'event')}{more})"

    def _explained(self, error: CalendarError, client: GraphClient, deadline: Deadline) -> CalendarError:
        """`error` with the mailbox and calendar it is about."""
        mailbox = self._mailbox
        facts: dict[str, Fact] = {
            **error.facts,
            "mailbox": mailbox.address,
            "calendar": mailbox.calendar or ("default" if mailbox.calendar_id is None else "calendar_id"),
        }
        if isinstance(error, PassingError):
            return PassingError(error.code, facts, wait=error.wait, shared=error.shared, sure=error.sure)
        code = error.code
        if code == "calendar_gone" and facts["calendar"] == "default" and facts["status"] == _NOT_FOUND:
            code = "mailbox_unopened"
        if mailbox.hint.read_lately and facts.get("status") == _NOT_FOUND:
            return PassingError("mailbox_away", facts)
        if code not in MAILBOX_FAULTS:
            return CalendarError(code, **facts)
        code, name = self._ask_directory(code, client, deadline)
        if name and name.casefold() != mailbox.address.casefold():
            facts["mailbox"] = f"{mailbox.address} ({name})"
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


def _gone(error: CalendarError) -> bool:
    return error.code == "calendar_gone" or error.facts.get("status") == _NOT_FOUND


def _parse_calendars(document: object) -> tuple[tuple[tuple[str, str], ...], str | None]:
    page = JsonObject(document)
    calendars = ((item.text("id"), item.text("name")) for item in page.objects("value"))
    return tuple(calendar for calendar in calendars if calendar[0]), next_page(page)


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
