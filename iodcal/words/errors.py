"""Words for the errors that end a command."""

from __future__ import annotations

from iodcal.errors import IodcalError, LockHeldError, OutputError, PlanChangedError, StateError, UsageError
from iodcal.words import Words
from iodcal.words.facts import fill

_USAGE = {
    "no_such_circuit": Words("There is no circuit {circuit}", "The configuration has: {known}"),
    "bad_time": Words("{message}", "See iodcal plan --help"),
    "now_needs_sandbox": Words(
        "--now can order only on the sandbox carrier", "Use iodcal plan --now to look at another time"
    ),
    "no_circuits": Words("The configuration has no circuit to report on", "Add one under circuits"),
    "too_far": Words("A page shows {days} days at most to either side", "Ask for less"),
    "no_report": Words("There is no report without a place for it", "Name one with --html FILE"),
    "no_csv": Words("iodcal {command} has no CSV", "Leave -o csv out, or use -o json"),
    "from_and_since": Words("--from and --since both say where to begin", "Leave one out"),
    "empty_span": Words("Nothing lies between {start} and {end}", "Let --to be later than --from"),
    "no_such_outcome": Words("There is no outcome {outcome}", "There are: {known}{nearest}"),
    "now_and_wait": Words("--now and --wait do not go together: that clock stands still", "Leave one out"),
}
_PLAN_CHANGED = Words(
    "What is due is not what was reviewed, so nothing was ordered. Reviewed: {expected}. "
    "Due now: {due} ({found}). Ordered lately: {done}",
    "Look at iodcal plan -o json again, and take its digest",
)
_OUTPUT = Words("{path} cannot be written: {reason}", "Name a file in a folder that you may write to")
_UNKNOWN = Words("Something went wrong ({code})", "Run again with -v")


def describe(error: IodcalError) -> Words:
    """What to tell of an error that ended a command."""
    if isinstance(error, LockHeldError):
        return _of_lock(error)
    if isinstance(error, StateError):
        from iodcal.words.state import STATE_WORDS

        return _filled(STATE_WORDS.get(error.code, _UNKNOWN), error)
    if isinstance(error, OutputError):
        return _filled(_OUTPUT, error)
    if isinstance(error, PlanChangedError):
        return _filled(_PLAN_CHANGED, error)
    if isinstance(error, UsageError):
        return _filled(_USAGE.get(error.code, _UNKNOWN), error)
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
