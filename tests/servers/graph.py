"""Microsoft's login and Graph's calendars on loopback, over TLS, as strict as the real ones are known to be.

It refuses what they refuse (no startDateTime, a bad $select, a single-quoted Prefer, any verb but GET),
selects by overlap inclusive at both ends, writes all-day events as midnights labelled UTC, and pages by
absolute links. It takes four requests at a time of one mailbox, knows how long a token is good and what a
certificate's thumbprint is, says with a 401 how to log in, zips what is long, and sends it in chunks.
"""

from __future__ import annotations

import gzip
import re
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias
from urllib.parse import unquote, urlencode, urlsplit

from tests.servers.entra import Entra
from tests.servers.faults import Fault, graph_error
from tests.servers.tls import LocalServer, Reply, Request, TestAuthority

EventJson: TypeAlias = dict[str, Any]

DISCOVERY = "login:discovery"
TOKEN = "login:token"

_SELECTABLE = frozenset(
    {
        *("id", "iCalUId", "seriesMasterId", "type", "changeKey", "subject", "body", "bodyPreview"),
        *("start", "end", "originalStart", "originalStartTimeZone", "isAllDay", "isCancelled"),
        *("showAs", "sensitivity", "importance", "categories", "location", "locations"),
        *("organizer", "attendees", "hideAttendees", "responseStatus"),
        *("isOnlineMeeting", "onlineMeeting", "onlineMeetingProvider"),
    }
)
_KNOWN_QUERY = frozenset({"startdatetime", "enddatetime", "$select", "$top", "$skip", "$orderby"})
_ORDERS = frozenset({"start/datetime", "start/datetime asc"})
_CALENDAR_QUERY = frozenset({"$select", "$top", "$skip", "$filter"})
_CALENDAR_PROPERTIES = frozenset({"id", "name", "owner", "isDefaultCalendar"})
_NAMED = re.compile(r"name eq '((?:[^']|'')*)'")
DEFAULT_CALENDAR = "AAMk_default="
_AT_ONCE = 4
_SMALLEST_ZIPPED = 500
_LONGEST = timedelta(days=1825)


@dataclass
class NamedCalendar:
    """A calendar beside the default one of its mailbox."""

    id: str
    name: str
    events: list[EventJson]


class GraphServer:
    """A context manager. `mailboxes` maps UPNs to the events of their default calendars (see `event`).

    `requests` is a log of all that came; `script` plans faults; `now` is what the Date header is made of;
    `latency` is in seconds, by mailbox; mailboxes in `hanging` never answer (until `let_go` is set);
    `unopened` ones have no default calendar yet; `most_at_once` counts requests side by side; `denied` are
    mailboxes outside of the app's scope; `users` maps object ids (or aliases) to UPNs, also of users without
    a mailbox; `user_read` says whether the directory may be read.
    """

    def __init__(self, directory: Path, *, user_read: bool = False) -> None:
        self._ca = TestAuthority(directory)
        self.ca_path = self._ca.ca_path
        self.entra = Entra()
        self.mailboxes: dict[str, list[EventJson]] = {}
        self.calendars: dict[str, list[NamedCalendar]] = {}
        self.users: dict[str, str] = {}
        self.user_read = user_read
        self.denied: set[str] = set()
        self.unopened: set[str] = set()
        self.unknown_mailbox_code = "ErrorInvalidUser"
        self.requests: list[Request] = []
        self.latency: dict[str, float] = {}
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._under_way: Counter[str] = Counter()
        self._counting = threading.Lock()
        self.most_at_once = 0
        self.hanging: set[str] = set()
        self.let_go = threading.Event()
        self._server = LocalServer(self.answer, self._ca.server_context())
        self.entra.url = self.authority

    @property
    def authority(self) -> str:
        """For the key `authority` of the section `microsoft365`."""
        return self._server.url

    @property
    def graph(self) -> str:
        """For the key `graph` of the section `microsoft365`."""
        return f"{self._server.url}/v1.0"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs in its environment to trust and reach this server."""
        return {"REQUESTS_CA_BUNDLE": str(self.ca_path), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}

    def __enter__(self) -> GraphServer:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go.set()
        self._server.__exit__(kind, error, trace)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Has `watcher` called as each request arrives, and again before its answer leaves."""
        self._server.watch = watcher

    def script(self, key: str, faults: Iterable[Fault]) -> None:
        """One fault for each of the coming requests of `key`, then none.

        `key` is a mailbox (its calendarView), `calendars:MAILBOX`, `user:MAILBOX`, DISCOVERY or TOKEN.
        """
        self._faults[key.casefold()].extend(faults)

    def paths(self, ending: str = "") -> list[str]:
        """The paths of the requests so far, of those whose path ends so."""
        return [request.path for request in self.requests if request.path.endswith(ending)]

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        with self._one_more(request) as among:
            key, reply = self._route(request)
            if among > _AT_ONCE:
                reply = graph_error(429, "ApplicationThrottled", Retry_After="1")
            elif key in self.hanging:
                self.let_go.wait()
            faults = self._faults[key.casefold()]
            if faults:
                reply = faults.popleft()(reply, request)
        reply = replace(reply, headers={"Date": format_datetime(self.now(), usegmt=True), **reply.headers})
        return _zipped(reply, request)

    @contextmanager
    def _one_more(self, request: Request) -> Iterator[int]:
        """How many requests of the mailbox are under way, this one included; 0 for what is of no mailbox."""
        parts = request.path.split("/")
        mailbox = parts[3].casefold() if parts[1:3] == ["v1.0", "users"] and len(parts) > 4 else ""
        with self._counting:
            self._under_way[mailbox] += 1
            self.most_at_once = max(self.most_at_once, self._under_way.total())
            among = self._under_way[mailbox]
        try:
            yield among if mailbox else 0
        finally:
            with self._counting:
                self._under_way[mailbox] -= 1

    def _route(self, request: Request) -> tuple[str, Reply]:
        if request.path.endswith("/v2.0/.well-known/openid-configuration"):
            return DISCOVERY, self.entra.discovery(request)
        if request.path == f"/{self.entra.tenant}/oauth2/v2.0/token" and request.method == "POST":
            return TOKEN, self.entra.token(request)
        if not request.path.startswith("/v1.0/"):
            return "", graph_error(404, "ResourceNotFound")
        refusal = self._forbidden(request)
        # An id may hold an encoded slash.
        match [unquote(part) for part in urlsplit(request.raw_path).path.split("/")[2:]]:
            case ["users", user]:
                return f"user:{user}", refusal or self._user(user)
            case ["users", user, "calendars"]:
                return f"calendars:{user}", refusal or self._calendars(user, request)
            case ["users", user, "calendar"]:
                return f"calendar:{user}", refusal or self._default_calendar(user)
            case ["users", user, "calendarView"] | ["users", user, "calendar", "calendarView"]:
                return user, refusal or self._view(user, None, request)
            case ["users", user, "calendars", calendar_id, "calendarView"]:
                return user, refusal or self._view(user, calendar_id, request)
            case ["groups", *_]:
                return "", refusal or graph_error(403, "ErrorAccessDenied")
        return "", refusal or graph_error(400, "BadRequest")

    def _forbidden(self, request: Request) -> Reply | None:
        """What is refused whatever stands at the path."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.entra.good(token):
            challenge = f'Bearer realm="", authorization_uri="{self.authority}/common/oauth2/authorize"'
            return graph_error(401, "InvalidAuthenticationToken", WWW_Authenticate=challenge)
        if request.method != "GET":
            return graph_error(403, "ErrorAccessDenied")
        if re.search(r"outlook\.timezone\s*=\s*'", request.headers.get("prefer", "")):
            return Reply(500, b"<html><body>Server Error</body></html>", {"Content-Type": "text/html"})
        return None

    def _upn(self, user: str) -> str | None:
        known = {upn.casefold(): upn for upn in (*self.mailboxes, *self.users.values())}
        known.update((other.casefold(), upn) for other, upn in self.users.items())
        return known.get(user.casefold())

    def _user(self, user: str) -> Reply:
        if not self.user_read:
            return graph_error(403, "Authorization_RequestDenied")
        upn = self._upn(user)
        if upn is None:
            return graph_error(404, "Request_ResourceNotFound")
        return Reply.of({"id": "0000", "userPrincipalName": upn})

    def _events(self, user: str, calendar_id: str | None) -> list[EventJson] | Reply:
        upn = self._upn(user)
        if upn in self.denied:
            return graph_error(403, "ErrorAccessDenied")
        if upn is None or upn not in self.mailboxes:
            return graph_error(404, self.unknown_mailbox_code)
        if calendar_id in (None, DEFAULT_CALENDAR):
            return graph_error(404, "ErrorItemNotFound") if upn in self.unopened else self.mailboxes[upn]
        named = {calendar.id: calendar.events for calendar in self.calendars.get(upn, ())}
        return named.get(calendar_id, graph_error(404, "ErrorItemNotFound"))

    def _default_calendar(self, user: str) -> Reply:
        found = self._events(user, None)
        if isinstance(found, Reply):
            return found
        return Reply.of({"id": DEFAULT_CALENDAR, "name": "Calendar", "isDefaultCalendar": True})

    def _calendars(self, user: str, request: Request) -> Reply:
        found = self._events(user, None)
        if isinstance(found, Reply) and self._upn(user) not in self.unopened:
            return found
        query = request.query
        if not set(query) <= _CALENDAR_QUERY:
            return graph_error(400, "BadRequest")
        selected = set(query.get("$select", "id,name,isDefaultCalendar").split(","))
        if not selected <= _CALENDAR_PROPERTIES:
            return graph_error(400, "BadRequest")
        named = self.calendars.get(self._upn(user) or "", ())
        listed: list[EventJson] = [{"id": DEFAULT_CALENDAR, "name": "Calendar", "isDefaultCalendar": True}]
        listed += [{"id": one.id, "name": one.name, "isDefaultCalendar": False} for one in named]
        if "$filter" in query:
            wanted = _NAMED.fullmatch(query["$filter"])
            if wanted is None:
                return graph_error(400, "BadRequest")
            listed = [one for one in listed if one["name"] == wanted[1].replace("''", "'")]
        shown = [{name: value for name, value in one.items() if name in selected} for one in listed]
        return self._page(shown, request)

    def _view(self, user: str, calendar_id: str | None, request: Request) -> Reply:
        if user in self.latency:
            time.sleep(self.latency[user])
        found = self._events(user, calendar_id)
        if isinstance(found, Reply):
            return found
        wrong = _wrong_query(request)
        if wrong is not None:
            return wrong
        start, end = _instant(request.query["startdatetime"]), _instant(request.query["enddatetime"])
        chosen = [item for item in found if _selected(item, start, end)]
        if "$orderby" in request.query:
            chosen.sort(key=lambda item: str(item["start"]["dateTime"]))
        shown = [_shown(item, request) for item in chosen]
        return self._page(shown, request)

    def _page(self, items: list[EventJson], request: Request) -> Reply:
        query = dict(request.query)
        size, skip = int(query.get("$top", "10")), int(query.get("$skip", "0"))
        document: dict[str, object] = {
            "@odata.context": f"{self.graph}/$metadata",
            "value": items[skip : skip + size],
        }
        if skip + size < len(items):
            query["$skip"] = str(skip + size)
            path = urlsplit(request.raw_path).path
            document["@odata.nextLink"] = f"{self.authority}{path}?{urlencode(query)}"
        return Reply.of(document, request_id="11112222-aaaa")


def _zipped(reply: Reply, request: Request) -> Reply:
    """A good answer of some length, as a client that takes it gets it: zipped, and in chunks."""
    takes = "gzip" in request.headers.get("accept-encoding", "")
    if not takes or reply.status != 200 or reply.missing or len(reply.body) < _SMALLEST_ZIPPED:
        return reply
    headers = {**reply.headers, "Content-Encoding": "gzip", "Transfer-Encoding": "chunked"}
    return replace(reply, body=gzip.compress(reply.body, 1), headers=headers)


def _wrong_query(request: Request) -> Reply | None:
    query = request.query
    if not set(query) <= _KNOWN_QUERY:
        return graph_error(400, "BadRequest")
    selected = query.get("$select")
    if selected is not None and not set(selected.split(",")) <= _SELECTABLE:
        return graph_error(400, "BadRequest")
    if query.get("$orderby", "start/dateTime").casefold() not in _ORDERS:
        return graph_error(400, "BadRequest")
    if not re.fullmatch(r"[1-9]\d{0,2}|1000", query.get("$top", "10")):
        return graph_error(400, "ErrorInvalidParameter")
    if "startdatetime" not in query or "enddatetime" not in query:
        return graph_error(400, "ErrorInvalidParameter")
    try:
        start, end = _instant(query["startdatetime"]), _instant(query["enddatetime"])
    except ValueError:
        return graph_error(400, "ErrorInvalidParameter")
    if end - start > _LONGEST:
        return graph_error(400, "ErrorInvalidRequest")
    zone = re.search(r'outlook\.timezone\s*=\s*"([^"]*)"', request.headers.get("prefer", ""))
    return graph_error(400, "TimeZoneNotSupportedException") if zone and zone[1] != "UTC" else None


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant


def _selected(item: EventJson, start: datetime, end: datetime) -> bool:
    """By the instants that the store holds: of an all-day event those of its creator's zone."""
    shift = timedelta(hours=item.get("_utc_offset_hours", 0))
    begins, ends = (_instant(item[name]["dateTime"]) - shift for name in ("start", "end"))
    return begins <= end and ends >= start


def _shown(item: EventJson, request: Request) -> EventJson:
    wanted = request.query.get("$select")
    names = set(wanted.split(",")) | {"id"} if wanted else set(item)
    shown = {name: value for name, value in item.items() if name in names and not name.startswith("_")}
    if 'IdType="ImmutableId"' not in request.headers.get("prefer", ""):
        shown["id"] = f"changeable-{item['id']}"
    return {"@odata.etag": 'W/"1"', **shown}


def event(subject: str, start: datetime, end: datetime, /, **properties: object) -> EventJson:
    """A timed event in Graph's shape; `start` and `end` are aware. The rest may be set by name."""
    number = f"{subject}-{start:%Y%m%d%H%M}"
    return {
        "id": f"id-{number}",
        "iCalUId": f"uid-{number}",
        "type": "singleInstance",
        "subject": subject,
        "start": _graph_time(start.astimezone(UTC)),
        "end": _graph_time(end.astimezone(UTC)),
        "isAllDay": False,
        "isCancelled": False,
        "showAs": "busy",
        "sensitivity": "normal",
        "importance": "normal",
        "categories": [],
        "location": {"displayName": "", "locationType": "default"},
        "locations": [],
        "organizer": {"emailAddress": {"name": "Pat Doe", "address": "pat@contoso.example"}},
        "attendees": [],
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        "isOnlineMeeting": False,
        "originalStartTimeZone": "UTC",
        **properties,
    }


def all_day(
    subject: str, first: datetime, days: int = 1, /, *, utc_offset_hours: float = 0, **properties: object
) -> EventJson:
    """An all-day event from the date of `first` on, by a creator whose zone is so many hours before UTC."""
    start = first.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    end = start + timedelta(days=days)
    return event(subject, start, end, isAllDay=True, _utc_offset_hours=utc_offset_hours, **properties)


def _graph_time(instant: datetime) -> dict[str, str]:
    return {"dateTime": instant.strftime("%Y-%m-%dT%H:%M:%S.%f0"), "timeZone": "UTC"}
