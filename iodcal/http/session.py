"""A session: requests, one by one, each within its deadline."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

from msgspec import Struct, field

from iodcal.domain.structs import replace
from iodcal.http.answers import Answer, HttpError, Outcome, printable, worth_retrying
from iodcal.http.exchange import Deadline, given_up, pause, run_exchange
from iodcal.http.urls import host_of, origin_of, require_secure, shown, without_userinfo
from iodcal.redaction import redact_data, redact_refusal, redact_text, remember_secrets
from iodcal.signals import stop_wanted

if TYPE_CHECKING:
    import requests

_log = logging.getLogger("iodcal.http")
_T = TypeVar("_T")

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 20.0
_EXCHANGE_SECONDS = 60.0
_MOST_REDIRECTS = 5
_CHUNK = 65536
_WIRE_BYTES = 1024 * 1024  # for headers, and for what chunks add
_FIRST_REFUSAL = 300
_SECRET_FIELDS = ("client_secret", "client_assertion")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REQUEST_IDS = (
    "request-id",  # Microsoft Graph's, and what its support asks for with the next
    "client-request-id",
    "x-ms-request-id",  # Microsoft's login
    "trackingid",  # Lumen's older gateway
    "x-request-id",
    "x-correlation-id",
    "trace-id",  # Megaport's
)

sleep: Callable[[float], None] = pause
"""How a session waits between two tries. Tests put another function here."""


class _Request(Struct, frozen=True):
    method: str
    url: str
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    json: object = None
    auth: tuple[str, str] | None = None
    repeatable: bool = True
    answer_is_secret: bool = False


class ReadingSession:
    """GET requests to one or more servers; may be used from several threads at once.

    Bodies of more than `max_bytes` are refused. With `allow_redirects` redirects are followed; one to another
    host gets none of the caller's headers, and `may_redirect` is asked first (it raises to refuse).
    `secret_urls` keeps everything but the host out of answers, errors and logs. One request may take
    `exchange_seconds` in all, from resolving the name to the last byte, however steadily its answer trickles
    in: others wait behind it. Secrets that went out are left out of refusals, with whatever else looks like
    one, and of a good answer where they cannot be honest data. `user_agent` is sent in place of our own.
    """

    def __init__(
        self,
        *,
        max_bytes: int = 32 * 1024 * 1024,
        allow_redirects: bool = False,
        may_redirect: Callable[[str], None] | None = None,
        secret_urls: bool = False,
        exchange_seconds: float = _EXCHANGE_SECONDS,
        user_agent: str | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._exchange_seconds = exchange_seconds
        self._allow_redirects = allow_redirects
        self._may_redirect = may_redirect
        self._secret_urls = secret_urls
        from iodcal.http.transport import RawSession

        self._raw = RawSession()
        if user_agent is not None:
            self._raw.headers["User-Agent"] = user_agent

    def close(self) -> None:
        self._raw.close()

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: Deadline,
        wants_json: bool = False,
        retry: bool = True,
    ) -> Answer:
        """Up to four tries within `deadline`: faults of the connection, truncated bodies, 429, 500 and 502 to
        504 are tried again, and with `wants_json` also a 200 that is no JSON. The last answer is returned.
        Without `retry`, one try: the caller knows better when another one is due.

        Raises HttpError.
        """
        request = _Request("GET", url, params, headers or {})
        return self._settle(request, deadline, retry=retry, wants_json=wants_json)

    def _settle(
        self, request: _Request, deadline: Deadline, *, retry: bool = True, wants_json: bool = False
    ) -> Answer:
        require_secure(request.url)
        outcome = self._follow(request, deadline)
        if retry and request.repeatable:
            outcome = self._retried(outcome, request, deadline, wants_json=wants_json)
        if isinstance(outcome, HttpError):
            raise outcome
        return outcome

    def _retried(self, first: Outcome, request: _Request, deadline: Deadline, *, wants_json: bool) -> Outcome:
        if not worth_retrying(first, wants_json=wants_json):
            return first
        from iodcal.http.retries import try_again

        return try_again(
            first,
            lambda: self._follow(request, deadline),
            deadline=deadline,
            wants_json=wants_json,
            sleep=sleep,
        )

    def _follow(self, request: _Request, deadline: Deadline, hops: int = _MOST_REDIRECTS) -> Outcome:
        """One try: the request, and for GET the redirects it leads to."""
        outcome = self._exchange(request, deadline)
        if isinstance(outcome, HttpError) or outcome.status not in _REDIRECTS:
            return outcome
        target = outcome.headers.get("Location", "")
        if not (self._allow_redirects and request.method == "GET" and target and hops):
            return HttpError("redirect", sent=True, host=host_of(request.url), status=outcome.status)
        try:
            following = self._redirected(request, target, deadline)
        except HttpError as refused:
            return refused
        return self._follow(following, deadline, hops - 1)

    def _redirected(self, request: _Request, location: str, deadline: Deadline) -> _Request:
        try:
            target = urljoin(request.url, location)
        except ValueError:
            raise HttpError("redirect", sent=True, host=host_of(request.url)) from None
        require_secure(target)
        if (may_redirect := self._may_redirect) is not None:  # it may resolve a name, which takes its time
            self._run(lambda: may_redirect(target), host_of(request.url), deadline, repeatable=True)
        if origin_of(target) != origin_of(request.url):
            return _Request("GET", target)
        auth = request.auth or without_userinfo(request.url)[1]
        return replace(request, url=target, params=None, auth=auth)

    def _exchange(self, request: _Request, deadline: Deadline) -> Outcome:
        host, started = host_of(request.url), time.monotonic()
        if deadline.passed or given_up.is_set() or stop_wanted():
            return HttpError("deadline", sent=False, host=host)
        limit = deadline.or_after(self._exchange_seconds)
        try:
            outcome: Outcome = self._run(
                lambda: self._send(request, limit), host, limit, repeatable=request.repeatable
            )
        except HttpError as error:
            outcome = error
        too_slow = limit.at < deadline.at and not stop_wanted()
        if isinstance(outcome, HttpError) and outcome.code == "deadline" and too_slow:
            outcome = HttpError(
                "too_slow", sent=outcome.sent, host=host, seconds=round(self._exchange_seconds)
            )
        _log_exchange(request, outcome, time.monotonic() - started, hide_path=self._secret_urls)
        return outcome

    def _run(self, work: Callable[[], _T], host: str, limit: Deadline, *, repeatable: bool) -> _T:
        """What `work`, which talks to `host`, returns within `limit`. Raises HttpError."""
        from iodcal.http import faults

        most_bytes = 2 * self._max_bytes + _WIRE_BYTES
        try:
            return run_exchange(work, limit, repeatable=repeatable, most_bytes=most_bytes)
        except faults.FOREIGN as error:
            fault = faults.fault_of(error, host, limit)
        raise fault  # out here, so that no foreign exception goes along

    def _send(self, request: _Request, deadline: Deadline) -> Answer:
        url, userinfo = without_userinfo(request.url)
        credentials = request.auth or userinfo
        _remember_secrets(request, credentials, secret_url=self._secret_urls)
        response = self._raw.request(
            request.method,
            url,
            params=request.params,
            headers={**request.headers, **_basic(credentials)},
            data=request.form,
            json=request.json,
            auth=_no_auth,
            timeout=(_seconds(_CONNECT_SECONDS, deadline), _seconds(_READ_SECONDS, deadline)),
            allow_redirects=False,
            stream=True,
        )
        try:
            clock_error = _clock_error(response.headers.get("Date"))
            body = self._read(response)
        finally:
            response.close()
        refused = response.status_code >= _FIRST_REFUSAL
        if refused:
            body = redact_refusal(body)
        elif not request.answer_is_secret:
            body = redact_data(body)
        address = shown(request.url, hide_path=self._secret_urls)
        return Answer(
            response.status_code,
            _without_secrets(response.headers),
            body=body,
            url=address,
            clock_error=clock_error,
        )

    def _read(self, response: requests.Response) -> bytes:
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self._max_bytes:
                raise HttpError("too_large", sent=True, host=host_of(response.url), limit=self._max_bytes)
        return bytes(body)


class Session(ReadingSession):
    """A session that can also send."""

    def post(
        self,
        url: str,
        *,
        json: object = None,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        deadline: Deadline,
        retry: bool = False,
        answer_is_secret: bool = False,
    ) -> Answer:
        """One try, or as many as `get` makes where `retry` is set. Never follows a redirect.

        With `answer_is_secret`, as for a login's token, a good answer stays as it came. Raises HttpError; its
        `sent` says whether the server may have seen the request.
        """
        return self._settle(
            _Request(
                "POST",
                url,
                params=params,
                headers=headers or {},
                form=form,
                json=json,
                auth=auth,
                repeatable=retry,
                answer_is_secret=answer_is_secret,
            ),
            deadline,
        )

    def put(
        self,
        url: str,
        *,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        deadline: Deadline,
        retry: bool = False,
    ) -> Answer:
        """As `post`. A PUT is no more repeatable than a POST by itself: each may count at the carrier."""
        return self._settle(_Request("PUT", url, None, headers or {}, json=json, repeatable=retry), deadline)

    def patch(
        self,
        url: str,
        *,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        deadline: Deadline,
        retry: bool = False,
    ) -> Answer:
        """As `post`; a `Content-Type` among `headers` takes the place of `application/json`."""
        return self._settle(
            _Request("PATCH", url, None, headers or {}, json=json, repeatable=retry), deadline
        )

    def delete(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        deadline: Deadline,
        retry: bool = False,
    ) -> Answer:
        """As `post`."""
        return self._settle(_Request("DELETE", url, None, headers or {}, repeatable=retry), deadline)


def _remember_secrets(request: _Request, credentials: tuple[str, str] | None, *, secret_url: bool) -> None:
    """Notes what must not be repeated by whoever gets this request."""
    remember_secrets(request.headers.get("Authorization", "").rpartition(" ")[2])
    if credentials is not None:
        remember_secrets(credentials[1], _basic(credentials)["Authorization"].rpartition(" ")[2])
    remember_secrets(*((request.form or {}).get(name, "") for name in _SECRET_FIELDS))
    if secret_url:
        parts = urlsplit(request.url)
        remember_secrets(request.url, parts.path, parts.query)


def _without_secrets(headers: MutableMapping[str, str]) -> MutableMapping[str, str]:
    """`headers`, of which none but the redirect's, which is never told, repeats a secret."""
    for name in headers:
        if name.casefold() != "location":
            headers[name] = redact_text(headers[name])
    return headers


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps a ~/.netrc entry for the host from taking the place of our own Authorization header."""
    return request


def _basic(credentials: tuple[str, str] | None) -> dict[str, str]:
    # By hand, as `requests` can only send what fits into Latin-1.
    if credentials is None:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(":".join(credentials).encode()).decode()}


def _seconds(most: float, deadline: Deadline) -> float:
    return max(0.001, min(most, deadline.left))  # requests refuses a time-out of 0


def _clock_error(date: str | None) -> float | None:
    try:
        told = parsedate_to_datetime(date or "")
    except (ValueError, OverflowError):
        return None
    return (told.replace(tzinfo=told.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _log_exchange(request: _Request, outcome: Outcome, seconds: float, *, hide_path: bool) -> None:
    if not _log.isEnabledFor(logging.DEBUG):
        return
    told = printable(shown(request.url, hide_path=hide_path), 300)
    if isinstance(outcome, HttpError):
        _log.debug("%s %s: %s after %d ms", request.method, told, outcome.code, seconds * 1000)
        return
    ids = [
        f"{name}={printable(outcome.headers[name], 64)}" for name in _REQUEST_IDS if name in outcome.headers
    ]
    _log.debug("%s %s: %d in %d ms %s", request.method, told, outcome.status, seconds * 1000, " ".join(ids))
