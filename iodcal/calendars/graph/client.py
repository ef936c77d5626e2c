"""Reading from Microsoft Graph: one GET at a time. There is nothing here that could write."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote, urlsplit

from msgspec import Struct, field

from iodcal.calendars.graph.errors import claims_asked, error_of
from iodcal.calendars.login import Login
from iodcal.calendars.readings import unread
from iodcal.errors import CalendarError, PassingError
from iodcal.http import Answer, AnswerError, Deadline, HttpError, origin_of
from iodcal.http.answers import worth_retrying

if TYPE_CHECKING:
    from iodcal.http import ReadingSession

# Double quotes are needed: single ones make Graph fail. Graph forgets both from page to page.
_PREFERENCES = 'outlook.timezone="UTC", IdType="ImmutableId"'

_MOST_PAGES = 500

_Item = TypeVar("_Item")


class GraphPage(Struct, Generic[_Item], frozen=True):
    """What one page held, the address of the next (None on the last), and the server's clock less ours in
    seconds."""

    items: tuple[_Item, ...]
    following: str | None
    clock_error: float | None


class PageTrail(Struct):
    """How far a list has been read: the address of the next page, and all that was seen so far.

    A list whose reading broke off can be read on from there.
    """

    address: str
    params: Mapping[str, str]
    pages: int = 0
    seen: set[object] = field(default_factory=set)


class GraphClient:
    """Reads on behalf of all readers; may be used from several threads. Every request is tried once: when to
    try again is for those to say who see all sources.

    `base` is Graph's address with the version. The client holds a session that knows no verb but GET.
    `application` names, in errors, whom a refusal of the application concerns.
    """

    def __init__(
        self, base: str, login: Login, session: ReadingSession, application: str = "microsoft365"
    ) -> None:
        self._base = base.rstrip("/")
        self._login = login
        self._session = session
        self._application = application

    def log_in(self, deadline: Deadline) -> None:
        """Makes sure that there is a token. Raises CalendarError."""
        self._login.token(deadline)

    def get(self, path: Sequence[str], params: Mapping[str, str], deadline: Deadline) -> Any:
        """The JSON that stands at `path`, whose parts are encoded here. Raises CalendarError."""
        return _json(self._get(self._address(path), params, deadline))

    def trail(self, path: Sequence[str], params: Mapping[str, str]) -> PageTrail:
        """The beginning of the list at `path`, whose parts are encoded here."""
        return PageTrail(self._address(path), params)

    def pages(
        self,
        trail: PageTrail,
        parse: Callable[[object], tuple[tuple[_Item, ...], str | None]],
        deadline: Deadline,
    ) -> Iterator[GraphPage[_Item]]:
        """Page after page from where `trail` stands to the last. `parse` takes a page's JSON; it gives the
        items and the next address.

        Raises CalendarError, among others `link_foreign`, `page_repeated` and `pages_endless`; after one that
        passes the same `trail` goes on with the page that failed.
        """
        while trail.pages < _MOST_PAGES:
            answer = self._get(trail.address, trail.params, deadline)
            items, following = parse(_json(answer))
            if items and items in trail.seen:
                raise CalendarError("page_repeated")
            if following is not None:
                self._check(following, trail.seen)
                trail.seen.update((items, following))
                trail.address, trail.params = following, {}
            trail.pages += 1
            yield GraphPage(items, following, answer.clock_error)
            if following is None:
                return
        raise CalendarError("pages_endless", pages=_MOST_PAGES)

    def _check(self, link: str, seen: set[object]) -> None:
        """Not every address that a page names is followed: the token would go along."""
        try:
            ours = link.isprintable() and "@" not in urlsplit(link).netloc
            ours = ours and origin_of(link) == origin_of(self._base)
        except ValueError:
            ours = False
        if not ours:
            raise CalendarError("link_foreign")
        if link in seen:
            raise CalendarError("page_repeated")

    def _address(self, path: Sequence[str]) -> str:
        return "/".join((self._base, *(quote(part, safe="") for part in path)))

    def _get(self, url: str, params: Mapping[str, str], deadline: Deadline) -> Answer:
        token = self._login.token(deadline)
        answer, request_id = self._ask(url, params, token, deadline)
        if answer.status == 401:
            token = self._login.token(deadline, refused=token, claims=claims_asked(answer))
            answer, request_id = self._ask(url, params, token, deadline)
        if answer.status != 200:
            raise error_of(answer, request_id, self._application)
        return answer

    def _ask(self, url: str, params: Mapping[str, str], token: str, deadline: Deadline) -> tuple[Answer, str]:
        """The answer, and the id that this request, as no other one, was sent with."""
        request_id = str(uuid.uuid4())
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Prefer": _PREFERENCES,
            "client-request-id": request_id,
        }
        try:
            answer = self._session.get(url, params=params, headers=headers, deadline=deadline, retry=False)
        except HttpError as error:
            raise _of_connection(error) from None
        return answer, request_id


def _of_connection(error: HttpError) -> CalendarError:
    """A fault of the connection. Graph itself never redirects: something in between does."""
    told = unread(error)
    if error.code == "redirect":
        return CalendarError("answered_in_between", **told.facts)
    return PassingError(told.code, told.facts) if worth_retrying(error, wants_json=False) else told


def _json(answer: Answer) -> Any:
    """A good answer's document; one that is none has been seen to come whole with the next try."""
    try:
        return answer.json()
    except AnswerError as error:
        told = unread(error)
    raise PassingError(told.code, told.facts) if told.code == "not_json" else told
