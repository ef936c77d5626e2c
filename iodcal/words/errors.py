"""Words for the errors that end a command."""

from __future__ import annotations

from iodcal.errors import IodcalError, LockHeldError, PlanChangedError, StateError, UsageError
from iodcal.words import Words
from iodcal.words.facts import fill

_USAGE = {
    "no_such_circuit": Words("There is no circuit {circuit}", "The configuration has: {known}{close}"),
    "bad_time": Words("{message}", "A time of day alone means today"),
    "now_needs_sandbox": Words(
        "--now can order only on the sandbox carrier", "Use iodcal plan --now to look at another time"
    ),
    "now_and_wait": Words("--now and --wait do not go together: that clock stands still", "Leave one out"),
}
_PLAN_CHANGED = Words(
    "What is due is not what was reviewed, so nothing was ordered. Reviewed: {expected}. "
    "Due now: {due} ({found}). Ordered lately: {done}",
    "Look at iodcal plan -o json again, and take its digest",
)
_UNKNOWN = Words("Something went wrong ({code})", "Run again with -v")


def describe(error: IodcalError) -> Words:
    """What to tell of an error that ended a command."""
    if isinstance(error, LockHeldError):
        return _of_lock(error)
    if isinstance(error, StateError):
        from iodcal.words.state import STATE_WORDS

        return _filled(STATE_WORDS.get(error.code, _UNKNOWN), error)
    if isinstance(error, PlanChangedError):
        return _filled(_PLAN_CHANGED, error)
    if isinstance(error, UsageError):
        from iodcal.words.people import PEOPLE

        return _filled(_USAGE.get(error.code) or PEOPLE.get(error.code, _UNKNOWN), error)
    return _filled(_UNKNOWN, error)


def _filled(words: Words, error: IodcalError) -> Words:
    return fill(words, {"code": error.code, **error.facts})


def _of_lock(error: LockHeldError) -> Words:
    facts = error.facts
    if facts.get("pid") is None:
        return Words("Another run is at work", "Try again once it has ended")
    who = f"{facts.get('command') or 'iodcal'} (process {facts['pid']} on {facts.get('host') or 'this host'})"
    since = f" since {facts['since']}" if facts.get("since") else ""
    if facts.get("stuck") == "news":
        return Words(
            f"Another run is at work, and for too long: {who}{since}; nothing is ordered meanwhile",
            f"Look at it; if it hangs, end it (kill {facts['pid']}): the lock is freed with it",
        )
    return Words(f"Another run is at work: {who}{since}", "Try again once it has ended")
