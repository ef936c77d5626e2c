"""Finds the words of an edge's fault by its code."""

from __future__ import annotations

from iodcal.errors import (
    CalendarError,
    IodcalError,
    LockHeldError,
    MeasurementError,
    OutputError,
    PlanChangedError,
    SetupError,
    SimulationError,
    StateError,
    UsageError,
)
from iodcal.exits import Exit
from iodcal.messages import CONFIGURATION, Words, fill
from iodcal.messages.calendars import CALENDARS
from iodcal.messages.carriers import CARRIERS
from iodcal.messages.files import FILES
from iodcal.problems.kinds import Kind

_UNKNOWN_EDGE = Words("something went wrong ({code})", "run again with -v")


def words_of(code: str, kind: Kind) -> Words:
    """The words for `code`, as an edge of that kind of problem uses it."""
    of_calendar = kind in (Kind.CALENDAR_UNREADABLE, Kind.EVENT_UNREADABLE)
    tables = (CALENDARS, FILES) if of_calendar else (CARRIERS, FILES)
    for table in tables:
        if code in table:
            return table[code]
    return _UNKNOWN_EDGE


_USAGE = {
    "no_usage": Words(
        "Nothing says how much the circuits carried",
        "Give usage in the rules file, or --usage FILE (docs/how-to/learn-from-usage.md)",
    ),
    "no_such_circuit": Words("There is no circuit {circuit}", "The configuration has: {known}"),
    "hold_what": Words("A hold needs circuits and a bandwidth", "Such as iodcal hold den-a 1 Gbps --for 2h"),
    "hold_from_past": Words("{start} is over", "Leave --from out: the hold begins at once"),
    "no_such_calendar": Words("There is no calendar {calendar}", "The configuration has: {known}"),
    "bad_time": Words("{message}", "A time of day alone means today"),
    "window_too_long": Words("A window of more than {days} days is too long to look at", "Ask for less"),
    "time_too_far": Words("{at} is too far from now to look at", "Choose a time within a year"),
    "diff_unmatched": Words("--diff and --unmatched do not go together", "Leave one out"),
    "explain_mixed": Words(
        "{options} do not go together", "Ask for a circuit, for an event, or with --subject for a try"
    ),
    "cached_unmatched": Words(
        "Of events that no rule takes nothing is kept, so --cached cannot look for any", "Leave it out"
    ),
    "try_incomplete": Words("To try an event, --subject needs {missing} too", "See iodcal explain --help"),
    "try_only": Words("{options} describe an event to try, which needs --subject", "Add it"),
    "try_duration": Words("An event must be longer than 0m to count", "Give --duration, such as 1h"),
    "now_needs_sandbox": Words(
        "--now can order only on the sandbox carrier", "Use iodcal plan --now to look at another time"
    ),
    "no_circuits": Words("The configuration has no circuit to report on", "Add one under circuits"),
    "too_far": Words("A page shows {days} days at most to either side", "Ask for less"),
    "report_mixed": Words(
        "{options} do not go together", "--from and --to look back; --past and --window draw the page"
    ),
    "nothing_known": Words(
        "The history knows no circuit's bandwidth between {start} and {end}",
        "Choose a later --from; settings.history_keep says how long the history is kept",
    ),
    "not_yet": Words("{start} has not come yet", "Choose an earlier --from; iodcal plan looks ahead"),
    "empty_report": Words(
        "Nothing lies between {start} and {end}",
        "Let --to be later than --from: all of November is --from 2026-11 --to 2026-12",
    ),
    "fleet_action": Words("{action} is nothing that a fleet does", "It is one of {known}"),
    "fleet_empty": Words(
        "There is no rules file at {places}",
        "Name a folder with *.yaml or */rules.yaml, or a pattern in quotes",
    ),
    "fleet_shard": Words("{message}", "See iodcal fleet --help"),
    "fleet_state": Words(
        "Each tenant of a fleet has a state of its own", "Leave --config, --state and $IODCAL_STATE out"
    ),
    "no_such_topic": Words("There is no page {topic}", "iodcal help lists them"),
    "no_csv": Words("iodcal {command} has no CSV", "Leave -o csv out, or use -o json"),
    "no_ics": Words("iodcal {command} has no calendar to show", "iodcal plan -o ics has"),
    "diff_ics": Words("--diff and -o ics do not go together", "Leave one out"),
    "from_and_since": Words("--from and --since both say where to begin", "Leave one out"),
    "empty_span": Words("Nothing lies between {start} and {end}", "Let --to be later than --from"),
    "no_such_outcome": Words("There is no outcome {outcome}", "There are: {known}{nearest}"),
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
    "dry_run_mixed": Words(
        "--dry-run orders nothing, so {options} cannot go with it", "Leave it out, or --dry-run"
    ),
    "now_and_wait": Words("--now and --wait do not go together: that clock stands still", "Leave one out"),
}
_PLAN_CHANGED = Words(
    "What is due is not what was reviewed, so nothing was ordered. Reviewed: {expected}. "
    "Due now: {due} ({found}). Ordered lately: {done}",
    "Look at iodcal plan -o json again, and take its digest",
)
_OUTPUT = Words("{path} cannot be written: {reason}", "Name a file in a folder that you may write to")
_UNKNOWN = Words("Something went wrong ({code})", "Run again with -v")
_LOCK = Words("Another run is at work", "Try again once it has ended")

ENDS = {
    "usage": Words("{message}", "See {command} --help"),
    "interrupted": Words("Stopped before the run was complete", ""),
    "output": Words(
        "The output cannot be written: {reason}; what was ordered stands in the state and the history",
        "Free space for it; iodcal status shows the rest",
    ),
    "bug": Words("This is a bug in iodcal {version} ({type})", "{where}: please report it"),
}
"""What ends a command beside the errors: told where it ends, in `iodcal.cli.boundary`."""


def failure_words() -> dict[str, tuple[Exit, Words]]:
    """Each code that `error` may have in JSON, with its exit status and its words."""
    from iodcal.messages.files import PEOPLE, SETUP, STATE_WORDS, USAGE, lost

    own = {
        "plan_changed": _PLAN_CHANGED,
        "page_unwritable": _OUTPUT,
        "state_lost": lost("{path}"),
        "output": ENDS["output"],
        "bug": ENDS["bug"],
    }
    usage = {"usage": ENDS["usage"], **_USAGE, **PEOPLE, **USAGE}
    return {
        "configuration": (Exit.CONFIGURATION, CONFIGURATION),
        "lock_held": (Exit.LOCKED, _LOCK),
        "interrupted": (Exit.INTERRUPTED, ENDS["interrupted"]),
        **{code: (Exit.USAGE, words) for code, words in sorted(usage.items())},
        **{code: (Exit.FAILED, words) for code, words in sorted({**STATE_WORDS, **SETUP, **own}.items())},
    }


def edge_words() -> dict[str, Words]:
    """Each code by which a calendar or carrier fails, as `doctor` and `simulate` show it, with its words."""
    return dict(sorted({**CARRIERS, **CALENDARS, **FILES}.items()))


def describe(error: IodcalError) -> Words:
    """What to tell of an error that ended a command."""
    if isinstance(error, LockHeldError):
        return _of_lock(error)
    if isinstance(error, StateError):
        from iodcal.messages.files import STATE_WORDS

        return _filled(STATE_WORDS.get(error.code, _UNKNOWN), error)
    if isinstance(error, OutputError):
        return _filled(_OUTPUT, error)
    if isinstance(error, PlanChangedError):
        return _filled(_PLAN_CHANGED, error)
    if isinstance(error, SimulationError):
        return _of_simulation(error)
    if isinstance(error, UsageError):
        return _of_usage(error)
    if isinstance(error, SetupError):
        return _of_setup(error)
    if isinstance(error, MeasurementError):
        from iodcal.messages.usage import file_words

        return file_words(error)
    return _filled(_UNKNOWN, error)


def _filled(words: Words, error: IodcalError) -> Words:
    return fill(words, {"code": error.code, **error.facts})


def _of_usage(error: UsageError) -> Words:
    from iodcal.messages.files import PEOPLE, USAGE

    words = _filled({**_USAGE, **PEOPLE, **USAGE}.get(error.code, _UNKNOWN), error)
    near = error.facts.get("near")
    return Words(words.message, f"Did you mean {near}? {words.remedy}" if near else words.remedy)


def _of_setup(error: SetupError) -> Words:
    from iodcal.messages.files import SETUP

    words = SETUP[error.code]
    if error.cause is None:
        return _filled(words, error)
    told = of_edge(error.cause)
    return fill(words, {"message": told.message, "remedy": told.remedy[:1].upper() + told.remedy[1:]})


def of_edge(error: IodcalError) -> Words:
    """What to tell of a CalendarError or CarrierError met by `doctor` or `init`, not by a run."""
    from iodcal.problems.kinds import Kind

    calendar = isinstance(error, CalendarError)
    kind = Kind.CALENDAR_UNREADABLE if calendar else Kind.CARRIER_UNREADABLE
    return _filled(words_of(error.code, kind), error)


def _of_simulation(error: SimulationError) -> Words:
    from iodcal.problems.kinds import Kind

    words = _filled(words_of(error.code, Kind.CALENDAR_UNREADABLE), error)
    remedy = words.remedy[:1].upper() + words.remedy[1:]
    return Words(f"The calendar {error.facts['source']} cannot be read: {words.message}", remedy)


def _of_lock(error: LockHeldError) -> Words:
    facts = error.facts
    if facts.get("pid") is None:
        return _LOCK
    who = f"{facts.get('command') or 'iodcal'} (process {facts['pid']} on {facts.get('host') or 'this host'})"
    since = f" since {facts['since']}" if facts.get("since") else ""
    if facts.get("until") is not None:
        return Words(
            f"Another run is at work: {who}{since}, until {facts['until']} at the latest",
            "Try again once it has ended; after that time it orders nothing more",
        )
    if facts.get("stuck") == "news":
        return Words(
            f"Another run is at work, and for too long: {who}{since}; nothing is ordered meanwhile",
            f"Look at it; if it hangs, end it (kill {facts['pid']}): the lock is freed with it",
        )
    return Words(f"Another run is at work: {who}{since}", "Try again once it has ended")
