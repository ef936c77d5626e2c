"""What somebody asked for, as it stood on the command line, and whether the configuration has it.

There is nothing here that takes long to load: what was asked in vain is told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.config import Configuration
from iodcal.config.fields import closest_word
from iodcal.domain.time import next_like, parse_moment
from iodcal.errors import Fault, UsageError

_FARTHEST = timedelta(days=366)
_A_MOMENT = timedelta(minutes=1)


class PreviewRequest(Struct, frozen=True):
    """What `plan` was asked for. `circuits` are names and patterns, none for all; `allow_downs` where it
    stands in for a sync that lets so many through; `faults` as in `SyncRequest`."""

    now: str | None = None
    window: timedelta | None = None
    circuits: tuple[str, ...] = ()
    cached: bool = False
    detailed_exitcode: bool = False
    due_only: bool = False
    unmatched: bool = False
    run_id: str = ""
    allow_downs: int = 0
    faults: tuple[Fault, ...] = ()


class SyncRequest(Struct, frozen=True):
    """What `sync` was asked for. `circuits` are names and patterns, none for all; `terminal` is True where a
    person looks on; `faults` are those of the
    configuration where it does not load and an earlier one stands in for it. `run_id` names the run; one is
    made up where it is not given."""

    terminal: bool
    now: str | None = None
    circuits: tuple[str, ...] = ()
    allow_downs: int = 0
    expect: str | None = None
    wait: timedelta | None = None
    faults: tuple[Fault, ...] = ()
    run_id: str = ""


class ExplainRequest(Struct, frozen=True):
    """What `explain` was asked; the texts are as they stood on the command line. `circuits` are names and
    patterns, none for all; `faults` as in `SyncRequest`."""

    circuits: tuple[str, ...] = ()
    at: str | None = None
    event: str | None = None
    calendar: str | None = None
    subject: str | None = None
    duration: timedelta | None = None
    organizer: str | None = None
    window: timedelta | None = None
    cached: bool = False
    now: str | None = None
    faults: tuple[Fault, ...] = ()


def check_preview(configuration: Configuration, asked: PreviewRequest) -> None:
    """Raises UsageError where `plan` was asked for what makes no sense."""
    select_circuits(configuration.circuits, asked.circuits)
    check_window(asked.window)
    if asked.cached and asked.unmatched:
        raise UsageError("cached_unmatched")


def check_window(window: timedelta | None) -> None:
    """Raises UsageError for one that is longer than calendars can sensibly be read."""
    if window is not None and window > _FARTHEST:
        raise UsageError("window_too_long", days=_FARTHEST.days)


def check_diff(configuration: Configuration, other: Configuration, asked: PreviewRequest) -> None:
    """Raises UsageError where `plan --diff` was asked for what makes no sense."""
    check_window(asked.window)
    if asked.unmatched:
        raise UsageError("diff_unmatched")
    select_circuits({**configuration.circuits, **other.circuits}, asked.circuits)


def check_sync(configuration: Configuration, asked: SyncRequest) -> None:
    """Raises UsageError where `sync` was asked for what makes no sense."""
    select_circuits(configuration.circuits, asked.circuits)
    if asked.now is not None and asked.wait is not None:
        raise UsageError("now_and_wait")
    check_now(configuration, asked.now)


def check_question(configuration: Configuration, asked: ExplainRequest) -> None:
    """Raises UsageError where the question makes no sense."""
    looks_for_event = {"--event": asked.event, "--calendar": asked.calendar}
    of_try = {"--calendar": asked.calendar, "--at": asked.at, "--duration": asked.duration}
    if asked.circuits and _given({**looks_for_event, "--subject": asked.subject}):
        raise _mixed("a circuit", *_given({**looks_for_event, "--subject": asked.subject}))
    if asked.subject is None and (
        only := _given({"--duration": asked.duration, "--organizer": asked.organizer})
    ):
        raise UsageError("try_only", options=", ".join(only))
    if asked.subject is not None and asked.event is not None:
        raise _mixed("--event", "--subject")
    if asked.subject is not None and None in of_try.values():
        missing = (name for name, value in of_try.items() if value is None)
        raise UsageError("try_incomplete", missing=", ".join(missing))
    if asked.duration is not None and asked.duration <= timedelta():
        raise UsageError("try_duration")
    if asked.cached and _given(looks_for_event):
        raise UsageError("cached_unmatched")
    if asked.calendar is not None and asked.calendar not in configuration.calendars:
        known = list(configuration.calendars)
        near = closest_word(asked.calendar, known)
        raise UsageError("no_such_calendar", calendar=asked.calendar, near=near, known=", ".join(known))


def _given(options: Mapping[str, object]) -> list[str]:
    return [name for name, value in options.items() if value is not None]


def _mixed(*options: str) -> UsageError:
    return UsageError("explain_mixed", options=" and ".join(options))


def dry_run(asked: SyncRequest) -> PreviewRequest:
    """What `plan` must be asked for to show what this sync would do. Raises UsageError for what makes sense
    only where something is ordered."""
    given = {"--expect": asked.expect, "--wait": asked.wait}
    senseless = [name for name, value in given.items() if value is not None]
    if senseless:
        raise UsageError("dry_run_mixed", options=" and ".join(senseless))
    return PreviewRequest(
        asked.now, circuits=asked.circuits, run_id=asked.run_id, allow_downs=asked.allow_downs
    )


def select_circuits(known: Iterable[str], given: Sequence[str]) -> tuple[str, ...]:
    """The circuits among those `known` that `given` names, be it by name or by a pattern such as `lon-*`, in
    the order of `known` and each once; none where none is given. Raises UsageError for a name that is not
    known, and for a pattern that no name fits."""
    names = tuple(known)
    for one in given:
        if not any(_fits(name, one) for name in names):
            near = closest_word(one, names)
            raise UsageError("no_such_circuit", circuit=one, near=near, known=", ".join(names))
    return tuple(name for name in names if any(_fits(name, one) for one in given))


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def check_now(configuration: Configuration, now: str | None) -> None:
    """Raises UsageError where a command that writes is to work at another time than now: only the sandbox's
    can be moved."""
    if now is not None and not all(c.plugin.virtual for c in configuration.carriers.values()):
        raise UsageError("now_needs_sandbox")


def clock_of(configuration: Configuration, now: str | None) -> tuple[Callable[[], datetime], datetime]:
    """The clock of this invocation, and what it says: under `--now` it stands still."""
    real = datetime.now(UTC)
    if now is None:
        return (lambda: datetime.now(UTC)), real
    moment = moment_of(configuration, now, real)
    return (lambda: moment), moment


def moment_of(configuration: Configuration, text: str, now: datetime) -> datetime:
    """The instant that `text` means at `now` (UTC). Raises UsageError."""
    return _moment(text, now, configuration.zone)


def start_of(text: str | None, now: datetime, zone: ZoneInfo) -> datetime:
    """When what is asked for begins (UTC): now, or later. Raises UsageError."""
    if text is None:
        return now
    start = _moment(text, now, zone)
    if start < now:
        raise UsageError("hold_from_past", start=f"{start.astimezone(zone):%a %d %b %Y %H:%M %Z}")
    return start


def end_of(length: timedelta | None, until: str | None, *, start: datetime, zone: ZoneInfo) -> datetime:
    """When what begins at `start` ends (UTC): so long after it, or at a time. Raises UsageError."""
    if (length is None) == (until is None):
        raise UsageError("one_end")
    end = start + length if length is not None else _moment(until or "", start, zone)
    if end <= start:
        raise UsageError(
            "until_past",
            until=f"{end.astimezone(zone):%a %d %b %Y %H:%M %Z}",
            now=f"{start.astimezone(zone):%H:%M %Z}",
            next=f"{next_like(end, start, zone):%Y-%m-%d %H:%M}",
        )
    if end > start + _FARTHEST:
        raise UsageError("until_far", days=_FARTHEST.days)
    return end


def _moment(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    try:
        return parse_moment(text, now, zone)
    except (ValueError, OverflowError) as error:
        raise UsageError("bad_time", message=str(error)) from None


class Horizon(Struct, frozen=True):
    """What `explain` looks at (UTC): `at` is the instant that was asked for, `start` where reading begins and
    `length` how far it goes, so that `at` is seen."""

    now: datetime
    at: datetime
    start: datetime
    length: timedelta


def horizon_of(configuration: Configuration, asked: ExplainRequest) -> Horizon:
    """Raises UsageError for a time farther away than calendars can sensibly be read."""
    check_window(asked.window)
    now, at = moments_of(configuration, asked)
    if abs(at - now) > _FARTHEST:
        raise UsageError("time_too_far", at=asked.at)
    length = max(asked.window or configuration.settings.window, at - now + _A_MOMENT)
    return Horizon(now, at, min(now, at), length)


def moments_of(configuration: Configuration, asked: ExplainRequest) -> tuple[datetime, datetime]:
    """Now, be it the real one or another, and the instant that was asked for. Raises UsageError."""
    _, now = clock_of(configuration, asked.now)
    return now, now if asked.at is None else moment_of(configuration, asked.at, now)
