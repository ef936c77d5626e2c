"""`iodcal history` as a plain function: what was asked goes in, the entries that answer it come out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.analysis.load import load_past
from iodcal.commands.requests import select_circuits
from iodcal.config import Configuration
from iodcal.config.fields import suggest_nearest
from iodcal.domain.changes import Reason
from iodcal.domain.orders import Outcome
from iodcal.domain.service_level import Readiness
from iodcal.domain.structs import replace
from iodcal.domain.time import parse_moment
from iodcal.errors import UsageError
from iodcal.exits import Exit
from iodcal.store.address import StateAddress
from iodcal.store.entries import HELD, Entry, entries_of
from iodcal.store.store import store_of

OUTCOMES = tuple(dict.fromkeys((*map(str, Outcome), HELD, *map(str, Reason), *map(str, Readiness))))


class HistoryAsked(Struct, frozen=True):
    """What `history` was asked for: times as people write them, `since` a length of time back from now;
    `outcomes` are outcomes of orders, `held`, reasons for holding back, results of looks; none: all."""

    circuits: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    since: timedelta | None = None
    outcomes: tuple[str, ...] = ()
    everything: bool = False


class HistoryReport(Struct, frozen=True):
    """The entries in order of time, and the span (UTC) they were asked for, open where None. Times are shown
    in `zone`, the configuration's: in one list, circuits of all zones stand side by side."""

    now: datetime
    start: datetime | None
    end: datetime | None
    entries: tuple[Entry, ...]
    unreadable: int
    zone: ZoneInfo

    @property
    def exit(self) -> Exit:
        return Exit.OK


def history(
    configuration: Configuration, state_path: StateAddress, asked: HistoryAsked, now: datetime | None = None
) -> HistoryReport:
    """What happened, as far as it is kept. Raises UsageError, StateError."""
    now = now or datetime.now(UTC)
    start, end = _span(asked, configuration, now)
    _check_outcomes(asked.outcomes)
    store_of(configuration, state_path).refuse_stranger()
    past = load_past(configuration, state_path, start)
    # A circuit that has left the configuration still has its history.
    known = dict.fromkeys((*configuration.circuits, *sorted(past.circuits)))
    asked = replace(asked, circuits=select_circuits(known, asked.circuits))
    found = entries_of(past, everything=asked.everything)
    chosen = tuple(entry for entry in found if _wanted(entry, asked, start, end))
    return HistoryReport(
        now, start, end=end, entries=chosen, unreadable=past.unreadable, zone=configuration.zone
    )


def _span(
    asked: HistoryAsked, configuration: Configuration, now: datetime
) -> tuple[datetime | None, datetime | None]:
    if asked.start is not None and asked.since is not None:
        raise UsageError("from_and_since")
    start = _moment(asked.start, configuration, now) if asked.start is not None else None
    end = _moment(asked.end, configuration, now) if asked.end is not None else None
    if asked.since is not None:
        start = now - asked.since
    if start is not None and end is not None and end <= start:
        raise UsageError("empty_span", start=start.isoformat(), end=end.isoformat())
    return start, end


def _moment(text: str, configuration: Configuration, now: datetime) -> datetime:
    try:
        return parse_moment(text, now, configuration.zone)
    except (ValueError, OverflowError) as error:
        raise UsageError("bad_time", message=str(error)) from None


def _check_outcomes(outcomes: tuple[str, ...]) -> None:
    for outcome in outcomes:
        if outcome not in OUTCOMES:
            known = ", ".join(OUTCOMES)
            raise UsageError(
                "no_such_outcome", outcome=outcome, known=known, nearest=suggest_nearest(outcome, OUTCOMES)
            )


def _wanted(entry: Entry, asked: HistoryAsked, start: datetime | None, end: datetime | None) -> bool:
    in_time = (start is None or entry.at >= start) and (end is None or entry.at < end)
    of_circuit = not asked.circuits or any(map(entry.concerns, asked.circuits))
    came_to = not asked.outcomes or entry.outcome in asked.outcomes
    held = entry.outcome == HELD and entry.reason in asked.outcomes
    return in_time and of_circuit and (came_to or held)
