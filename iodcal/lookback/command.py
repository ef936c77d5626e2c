"""`iodcal report` without `--html`'s picture, as a plain function: a span goes in, what it cost comes out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from iodcal.asked import clock_of
from iodcal.config import Configuration
from iodcal.domain.localtime import Interval
from iodcal.domain.values import replace
from iodcal.errors import UsageError
from iodcal.history_command import past_of
from iodcal.lookback import Lookback
from iodcal.lookback.asked import LookbackAsked, shown, span_of
from iodcal.lookback.gather import look_back, subjects_of
from iodcal.store.files import Access
from iodcal.store.history import Past
from iodcal.store.state import State
from iodcal.store.store import StateStore

# Most circuits change at least once in this time; who did not is looked for in all that is kept.
_BEFORE = timedelta(days=31)


def lookback(configuration: Configuration, state_path: Path, asked: LookbackAsked) -> Lookback:
    """What the circuits cost and how they served. Raises UsageError, StateError."""
    _, now = clock_of(configuration, asked.now)
    over = span_of(configuration, asked, now)
    circuits = [one for one in configuration.circuits.values() if asked.circuit in (None, one.name)]
    state = StateStore(state_path, access=Access(configuration.settings.group)).load(read_only=True)
    past = past_of(
        configuration, state_path, max(over.start, datetime.min.replace(tzinfo=UTC) + _BEFORE * 2) - _BEFORE
    )
    if _is_short(past, configuration, state, over):
        past = past_of(configuration, state_path, None)
    if not (past.orders or past.readings):
        # What the state knows of now says nothing of then.
        empty = look_back(past, circuits, {}, over, now, configuration.zone)
        return replace(empty, nothing_beside=str(state_path))
    if asked.circuit is not None:
        past = _only(past, circuits[0].key, asked.circuit)
    found = look_back(past, circuits, state.circuits, over, now, configuration.zone)
    if not any(one.figures.at_tier for one in found.circuits):
        raise UsageError(
            "nothing_known", start=shown(over.start, configuration), end=shown(over.end, configuration)
        )
    return found


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
