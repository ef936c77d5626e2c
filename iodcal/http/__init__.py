"""The one place where HTTP sessions are made: deadlines, retries, size limits, redaction, user agent, TLS.

Importing this package is cheap: what needs sockets is imported when it is asked for, `requests` by the first
`Session`, `tenacity` by the first retry.
"""

from typing import TYPE_CHECKING, Any

from iodcal.http.answers import Answer, AnswerError, HttpError, Outcome, error_text, printable
from iodcal.http.exchange import Deadline, give_up
from iodcal.http.urls import host_of, origin_of, require_secure

if TYPE_CHECKING:
    from iodcal.http.retries import retry_after
    from iodcal.http.session import ReadingSession, Session

_LATER = {"ReadingSession": "session", "Session": "session", "retry_after": "retries"}

__all__ = [
    "Answer",
    "AnswerError",
    "Deadline",
    "HttpError",
    "Outcome",
    "ReadingSession",
    "Session",
    "error_text",
    "give_up",
    "host_of",
    "origin_of",
    "printable",
    "require_secure",
    "retry_after",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
