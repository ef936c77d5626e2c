"""`iodcal report` without `--html`'s picture, as a plain function: a span goes in, what it cost comes out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from iodcal.config import Configuration
from iodcal.domain.localtime import Interval
from iodcal.domain.moments import parse_moment
from iodcal.errors import UsageError
from iodcal.history import Past
from iodcal.history.command import past_of
from iodcal.lookback import Lookback
from iodcal.lookback.gather import look_back, subjects_of
from iodcal.lookback.spans import month_start, parse_day
from iodcal.state import State
from iodcal.state.files import Access
from iodcal.state.store import StateStore

# Most circuits change at least once in this time; who did not is looked for in all that is kept.
_BEFORE = timedelta(days=31)


class LookbackAsked(Struct, frozen=True):
    """From when until when, as people write it: this month so far, where neither is given."""

    start: str | None = None
    end: str | None = None
    circuit: str | None = None
    now: str | None = None


def lookback(configuration: Configuration, state_path: Path, asked: LookbackAsked) -> Lookback:
    """What the circuits cost and how they served. Raises UsageError, StateError."""
    now = _moment(asked.now, configuration, datetime.now(UTC)) if asked.now else datetime.now(UTC)
    over = _span(configuration, asked, now)
    circuits = [one for one in configuration.circuits.values() if asked.circuit in (None, one.name)]
    if asked.circuit is not None and not circuits:
        raise UsageError("no_such_circuit", circuit=asked.circuit, known=", ".join(configuration.circuits))
    state = StateStore(state_path, access=Access(configuration.settings.group)).load(read_only=True)
    past = past_of(
        configuration, state_path, max(over.start, datetime.min.replace(tzinfo=UTC) + _BEFORE * 2) - _BEFORE
    )
    if _is_short(past, configuration, state, over):
        past = past_of(configuration, state_path, None)
    if not (past.orders or past.readings):
        raise UsageError("no_history", state=str(state_path))
    if asked.circuit is not None:
        past = _only(past, circuits[0].key, asked.circuit)
    found = look_back(past, circuits, state.circuits, over, now, configuration.zone)
    if not any(one.figures.at_tier for one in found.circuits):
        raise UsageError(
            "nothing_known", start=_shown(over.start, configuration), end=_shown(over.end, configuration)
        )
    return found


def _span(configuration: Configuration, asked: LookbackAsked, now: datetime) -> Interval:
    start = _day(asked.start, configuration, now) if asked.start else month_start(now, configuration.zone)
    end = _day(asked.end, configuration, now) if asked.end else now
    if asked.start and start >= now:
        raise UsageError("not_yet", start=_shown(start, configuration))
    if end <= start:
        raise UsageError("empty_report", start=_shown(start, configuration), end=_shown(end, configuration))
    return Interval(start, min(end, now))


def _day(text: str, configuration: Configuration, now: datetime) -> datetime:
    try:
        return parse_day(text, now, configuration.zone)
    except (ValueError, OverflowError) as error:
        raise UsageError("bad_time", message=str(error)) from None


def _moment(text: str, configuration: Configuration, now: datetime) -> datetime:
    try:
        return parse_moment(text, now, configuration.zone)
    except (ValueError, OverflowError) as error:
        raise UsageError("bad_time", message=str(error)) from None


def _shown(at: datetime, configuration: Configuration) -> str:
    return at.astimezone(configuration.zone).strftime("%Y-%m-%d %H:%M")


def _is_short(past: Past, configuration: Configuration, state: State, over: Interval) -> bool:
    """True if older months may tell where a circuit stood when `over` began."""
    subjects = subjects_of(past, list(configuration.circuits.values()), state.circuits, over)
    first = Interval(over.start, over.start + timedelta(seconds=1))
    return any(step.level is None for one in subjects for _, step in one.known.over(first))


def _only(past: Past, key: str, circuit: str) -> Past:
    """What concerns one circuit."""
    return Past(
        tuple(one for one in past.orders if one.order.circuit_key == key),
        past.changes,
        past.curtain_ups,
        tuple(one for one in past.readings if one.key == key),
        tuple(one for one in past.problems if one.facts.get("circuit") == circuit),
        unreadable=past.unreadable,
    )
