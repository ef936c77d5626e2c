"""The one place where HTTP sessions are made: time-outs, retries, size limits, redaction, user agent, TLS.

Importing this package is cheap: what needs sockets is imported when it is asked for, `requests` by the first
`Session`, `tenacity` by the first retry.
"""

from typing import TYPE_CHECKING, Any

from iodcal.http.addresses import host_of, origin_of, require_secure
from iodcal.http.answers import Answer, AnswerError, HttpError, Outcome
from iodcal.http.deadline import Deadline

if TYPE_CHECKING:
    from iodcal.http.cutting import give_up
    from iodcal.http.session import ReadingSession, Session

_LATER = {"give_up": "cutting", "ReadingSession": "session", "Session": "session"}

__all__ = [
    "Answer",
    "AnswerError",
    "Deadline",
    "HttpError",
    "Outcome",
    "ReadingSession",
    "Session",
    "give_up",
    "host_of",
    "origin_of",
    "require_secure",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
