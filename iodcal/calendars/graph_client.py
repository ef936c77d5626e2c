"""Reading from Microsoft Graph: one GET at a time. There is nothing here that could write."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote, urlsplit

from msgspec import Struct

from iodcal.calendars.failures import unread
from iodcal.calendars.graph_errors import error_of
from iodcal.calendars.login import Login
from iodcal.errors import CalendarError
from iodcal.http import Answer, AnswerError, Deadline, HttpError, origin_of

if TYPE_CHECKING:
    from iodcal.http import ReadingSession

# Double quotes are needed: single ones make Graph fail. Graph forgets both from page to page.
_PREFERENCES = 'outlook.timezone="UTC", IdType="ImmutableId"'

_MOST_PAGES = 500

_Item = TypeVar("_Item")


class Page(Struct, Generic[_Item], frozen=True):
    """What one page held, and the server's clock less ours in seconds."""

    items: tuple[_Item, ...]
    clock_error: float | None


class GraphClient:
    """Reads on behalf of all readers; may be used from several threads.

    `base` is Graph's address with the version. The client holds a session that knows no verb but GET.
    """

    def __init__(self, base: str, login: Login, session: ReadingSession) -> None:
        self._base = base.rstrip("/")
        self._login = login
        self._session = session

    def get(self, path: Sequence[str], params: Mapping[str, str], deadline: Deadline) -> Any:
        """The JSON that stands at `path`, whose parts are encoded here. Raises CalendarError."""
        return _json(self._get(self._address(path), params, deadline))

    def pages(
        self,
        path: Sequence[str],
        params: Mapping[str, str],
        parse: Callable[[object], tuple[tuple[_Item, ...], str | None]],
        deadline: Deadline,
    ) -> Iterator[Page[_Item]]:
        """Page after page to the last. `parse` takes a page's JSON; it gives the items and the next address.

        Raises CalendarError, among others `link_foreign`, `page_repeated` and `pages_endless`.
        """
        address = self._address(path)
        seen: set[object] = set()
        for _ in range(_MOST_PAGES):
            answer = self._get(address, params, deadline)
            items, following = parse(_json(answer))
            if items and items in seen:
                raise CalendarError("page_repeated")
            yield Page(items, answer.clock_error)
            if following is None:
                return
            self._check(following, seen)
            seen.update((items, following))
            address, params = following, {}
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
        request_id = str(uuid.uuid4())
        token = self._login.token(deadline)
        answer = self._ask(url, params, token, request_id, deadline)
        if answer.status == 401:
            token = self._login.token(deadline, refused=token)
            answer = self._ask(url, params, token, request_id, deadline)
        if answer.status != 200:
            raise error_of(answer, request_id)
        return answer

    def _ask(
        self, url: str, params: Mapping[str, str], token: str, request_id: str, deadline: Deadline
    ) -> Answer:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Prefer": _PREFERENCES,
            "client-request-id": request_id,
        }
        try:
            return self._session.get(url, params=params, headers=headers, deadline=deadline, wants_json=True)
        except HttpError as error:
            raise unread(error) from None


def _json(answer: Answer) -> Any:
    try:
        return answer.json()
    except AnswerError as error:
        raise unread(error) from None
