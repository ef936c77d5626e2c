"""Words for the errors that end a command."""

from __future__ import annotations

from iodcal.errors import (
    IodcalError,
    LockHeldError,
    PlanChangedError,
    SimulationError,
    StateError,
    UsageError,
)
from iodcal.words import Words
from iodcal.words.facts import fill

_USAGE = {
    "no_such_circuit": Words("There is no circuit {circuit}", "The configuration has: {known}"),
    "bad_time": Words("{message}", "See iodcal plan --help"),
    "now_needs_sandbox": Words(
        "--now can order only on the sandbox carrier", "Use iodcal plan --now to look at another time"
    ),
    "simulate_order": Words(
        "--from ({start}) is not before --to ({end})", "Name the earlier time first; --to is not included"
    ),
    "simulate_too_long": Words(
        "{days} days are more than a simulation reads at once ({limit})", "Simulate a shorter range"
    ),
    "simulate_every": Words("--every {every} is shorter than a minute", "Give one minute or more"),
    "simulate_no_calendars": Words(
        "{rules} has no rule that names a calendar: there is nothing to simulate",
        "Add a rule with its calendars; iodcal check shows what the file says",
    ),
    "simulate_no_events": Words(
        "No calendar of {rules} holds an event from {start} to {end}",
        "Choose another range, or look whether these are the right calendars",
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
    if isinstance(error, SimulationError):
        return _of_simulation(error)
    if isinstance(error, UsageError):
        return _filled(_USAGE.get(error.code, _UNKNOWN), error)
    return _filled(_UNKNOWN, error)


def _filled(words: Words, error: IodcalError) -> Words:
    return fill(words, {"code": error.code, **error.facts})


def _of_simulation(error: SimulationError) -> Words:
    from iodcal.domain.problems import Kind
    from iodcal.words.edges import words_of

    words = _filled(words_of(error.code, Kind.CALENDAR_UNREADABLE), error)
    remedy = words.remedy[:1].upper() + words.remedy[1:]
    return Words(f"The calendar {error.facts['calendar']} cannot be read: {words.message}", remedy)


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
