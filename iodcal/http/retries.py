"""Trying again: how often, and how long to wait in between."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any

from tenacity import RetryCallState, Retrying, retry_if_result, wait_exponential, wait_random

from iodcal.http.answers import Answer, HttpError, Outcome, worth_retrying
from iodcal.http.exchange import Deadline

_MOST_TRIES = 4
_BACKOFF = wait_exponential(multiplier=0.5, max=8) + wait_random(0, 1)
_JITTER = wait_random(0, 0.5)


def try_again(
    first: Outcome,
    attempt: Callable[[], Outcome],
    *,
    deadline: Deadline,
    wants_json: bool,
    sleep: Callable[[float], None],
) -> Outcome:
    """`first` is what the first try came to; makes up to three more and returns the last outcome.

    Gives up early where the wait, such as the server's `Retry-After`, would outlast `deadline`.
    """
    outcomes = chain([first], _endless(attempt))

    def stop(state: RetryCallState) -> bool:
        return state.attempt_number >= _MOST_TRIES or state.upcoming_sleep >= deadline.left

    retrying = Retrying(
        retry=retry_if_result(lambda outcome: worth_retrying(outcome, wants_json=wants_json)),
        wait=_wait,
        stop=stop,
        sleep=sleep,
        retry_error_callback=_outcome_of,
    )
    outcome: Outcome = retrying(lambda: next(outcomes))
    return outcome


def _endless(attempt: Callable[[], Outcome]) -> Iterator[Outcome]:
    while True:
        yield attempt()


def _wait(state: RetryCallState) -> float:
    asked = retry_after(_outcome_of(state))
    return _BACKOFF(state) if asked is None else asked + _JITTER(state)


def _outcome_of(state: RetryCallState) -> Outcome:
    done: Any = state.outcome  # never None here: tenacity asks after each try
    outcome: Outcome = done.result()
    return outcome


def retry_after(outcome: Outcome) -> float | None:
    """The seconds that the server asks us to wait, by number or date; None where it does not say."""
    if isinstance(outcome, HttpError) or "Retry-After" not in outcome.headers:
        return None
    text = outcome.headers["Retry-After"].strip()
    try:
        seconds = float(text)
    except ValueError:
        return _until(text, outcome)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until(text: str, answer: Answer) -> float | None:
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    # The date is by the server's clock, which may differ from ours.
    return max(0.0, until - time.time() - (answer.clock_error or 0.0))
