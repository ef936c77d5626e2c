"""What comes of a request: an answer, or an error of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from iodcal.bounds import JsonBoundsError, load_json
from iodcal.domain.structs import Fact, Opaque
from iodcal.errors import IodcalError

_TEXTS = ("reason", "message", "detail", "title", "Error", "faultstring", "error_description", "error")
_INNER = ("exception", "errors", "error", "fault")
_MOST = 300
_DEPTH = 4
_MAY_PASS = frozenset({"unreachable", "timeout", "truncated", "proxy_fails", "proxy_unreachable"})
_LONG_TOKEN = re.compile(r"[\w.+/=~-]{24,}", re.ASCII)


PROXY_FAULTS = ("proxy_login", "proxy_forbids", "proxy_fails", "proxy_unreachable")
"""Codes of a proxy's own refusals, and of one that is not there: no faults of the server behind it."""


class HttpError(IodcalError):
    """No answer, or none that could be used.

    Codes: unreachable, tls, timeout, too_slow, deadline, too_large, redirect, truncated, insecure_url, and
    PROXY_FAULTS. Facts: `host`, and where there is one a `reason` in the system's words. `sent` is False
    where the request certainly never reached the server.
    """

    def __init__(self, code: str, *, sent: bool, **facts: Fact) -> None:
        super().__init__(code, **facts)
        self.sent = sent


class AnswerError(IodcalError):
    """An answer of the wrong kind. Codes: not_json, with the facts `status`, `content_type`, `first_words`;
    json_bounds, with `host`, `limit` and `what` there is more of (values or levels)."""


class Answer(Opaque, frozen=True):
    """What a server said, whatever the status.

    Look-ups in `headers` ignore case. `url` is the request's, without query and userinfo; `clock_error` the
    `Date` header less our clock on receipt in seconds, None where there is no readable one.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    clock_error: float | None = None

    def __repr__(self) -> str:
        return f"Answer({self.status} from {self.url}, {len(self.body)} bytes)"

    def json(self) -> Any:
        """The body read as JSON. Raises AnswerError where it is something else or too much."""
        try:
            return load_json(self.body)
        except JsonBoundsError as error:
            what, limit = error.what, error.limit
        except ValueError:
            what = ""
        # Raised out here so that no chained exception carries the body along.
        if what:
            raise AnswerError("json_bounds", host=self.url.split("/")[2], what=what, limit=limit)
        raise AnswerError(
            "not_json",
            status=self.status,
            content_type=printable(self.headers.get("Content-Type", ""), 60) or "of no type",
            first_words=self.first_words or "nothing",
        )

    @property
    def first_words(self) -> str:
        """About 80 printable characters from the beginning, for messages.

        What looks like a token is left out, and of JSON, which may hold anything, all but its first letter.
        """
        text = self.body[:2000].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
        if text[:1] in ("{", "[", '"'):
            return f"{text[0]}..."
        return printable(_LONG_TOKEN.sub("...", text), 80)


Outcome: TypeAlias = Answer | HttpError


def worth_retrying(outcome: Outcome, *, wants_json: bool) -> bool:
    """True where another try may well end better."""
    if isinstance(outcome, HttpError):
        return outcome.code in _MAY_PASS
    if outcome.status == 200 and wants_json:
        try:
            outcome.json()
        except AnswerError:
            return True
    return outcome.status in (429, 500, 502, 503, 504)


def printable(text: str, length: int) -> str:
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())[:length]


def error_text(answer: Answer, *names: str) -> str:
    """What an answer says is wrong: one line of at most 300 printable characters. An answer of a status from
    300 on shows no secret that went out, so neither does this.

    With `names` the texts under these keys of its object, joined by ": "; where there is none, or without
    `names`, the first text under a usual key of a usual envelope. The first words where it is no JSON.
    """
    try:
        document = answer.json()
    except AnswerError:
        return answer.first_words or "no text"
    own = [document.get(name) for name in names] if isinstance(document, dict) else []
    told = [one.strip() for one in own if isinstance(one, str) and one.strip()]
    return printable(": ".join(told) or next(_texts(document, _DEPTH), "no text"), _MOST)


def _texts(document: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(document, list):
        for entry in document[:5]:
            yield from _texts(entry, depth - 1)
    if not isinstance(document, dict):
        return
    for name in _TEXTS:
        value = document.get(name)
        if isinstance(value, str) and value.strip():
            yield value.strip()
    for name in _INNER:
        yield from _texts(document.get(name), depth - 1)
