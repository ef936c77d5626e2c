"""The one place where HTTP sessions are made: time-outs, retries, size limits, redaction, user agent, TLS.

Importing this package is cheap; `requests` is imported by the first `Session`, `tenacity` by the first retry.
"""

from iodcal.http.addresses import host_of, origin_of, require_secure
from iodcal.http.answers import Answer, AnswerError, HttpError, Outcome
from iodcal.http.cutting import give_up
from iodcal.http.deadline import Deadline
from iodcal.http.session import ReadingSession, Session

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
