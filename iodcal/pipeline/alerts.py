"""Which problems are told now: news, changes and reminders, not the same line with every run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from iodcal.domain.orders import Order, Outcome
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.structs import replace
from iodcal.problems.kinds import Kind, Problem
from iodcal.result import Report
from iodcal.store.state import AlertRecord, State

REMINDER = timedelta(hours=6)

# What only a reading of its calendar, or of its circuit, can show to be over.
_SEEN_IN_CALENDARS = frozenset(
    {
        Kind.ATTENDEES_UNKNOWN,
        Kind.EVENT_INVALID,
        Kind.EVENT_REFUSED,
        Kind.EVENT_UNREADABLE,
        Kind.NO_BANDWIDTH,
        Kind.NO_CIRCUIT,
        Kind.PATTERN_SLOW,
    }
)
_SEEN_AT_CARRIERS = frozenset({Kind.CARRIER_UNREADABLE, Kind.CIRCUIT_UNKNOWN})
# What a look at the state alone cannot find again, but a run found: in what it read, ordered or was given.
_OF_CALENDARS = _SEEN_IN_CALENDARS | {Kind.CALENDAR_UNREADABLE}
_OF_CIRCUITS = _SEEN_AT_CARRIERS | {Kind.ORDER_REFUSED}
_OF_ALL = frozenset({Kind.BUDGET, Kind.CLOCK, Kind.CONFIGURATION, Kind.STATE_SHARED})
_SEEN_IN_RUNS = _OF_CALENDARS | _OF_CIRCUITS | _OF_ALL


# A problem that turns into a worse one at its place has not cleared.
_WORSE = {
    Kind.EVENT_AT_RISK: {Kind.EVENT_LATE},
    Kind.ORDER_UNKNOWN: {Kind.ORDER_OVERDUE, Kind.ORDER_LOST, Kind.ORDER_FAILED},
    Kind.ORDER_OVERDUE: {Kind.ORDER_FAILED},
    Kind.CARRIER_UNREADABLE: {Kind.CIRCUIT_UNKNOWN},
    Kind.QUOTA_PLANNED: {Kind.QUOTA, Kind.QUOTA_SHORT},
    Kind.QUOTA_SHORT: {Kind.QUOTA},
}


_OF_EVENTS = frozenset({Kind.EVENT_AT_RISK, Kind.EVENT_LATE, Kind.OVERRULED})


class AlertDecision(Struct, frozen=True):
    """`new`, `changed` and `reminded` are problems of this run, `cleared` those that are gone, but
    for those that turned into worse ones. `told` is what to keep for the next run, by problem id."""

    new: tuple[Problem, ...]
    changed: tuple[Problem, ...]
    reminded: tuple[Problem, ...]
    cleared: tuple[AlertRecord, ...]
    told: Mapping[str, AlertRecord]


def decide_alerts(
    problems: Iterable[Problem],
    told: Mapping[str, AlertRecord],
    *,
    examined: Callable[[str, str], bool],
    now: datetime,
    terminal: bool,
) -> AlertDecision:
    """Compares this run's problems with those that were told before.

    `examined` says whether this run could have seen a problem of a kind at a place: only such a one can
    clear. On a terminal somebody reads along, so nothing counts as told.
    """
    by_id = {problem.id: problem for problem in problems}
    new = tuple(problem for problem in by_id.values() if _unheard(told.get(problem.id)))
    changed = tuple(
        problem
        for problem in by_id.values()
        if not _unheard(known := told.get(problem.id))
        and known
        and known.stable_facts != problem.stable_facts
    )
    reminded = tuple(
        problem
        for problem in by_id.values()
        if problem not in new and problem not in changed and _is_old(told[problem.id], now)
    )
    gone = {
        key: known for key, known in told.items() if key not in by_id and examined(known.kind, known.where)
    }
    kept = {key: known for key, known in told.items() if key not in by_id and key not in gone}
    spoken = {problem.id for problem in (*new, *changed, *reminded)}
    for problem in by_id.values():
        heard = not terminal and problem.id in spoken
        kept[problem.id] = _keep(problem, told.get(problem.id), now, heard=heard)
    cleared = tuple(
        known
        for known in gone.values()
        if known.told_at is not None and turned_into(known, by_id.values()) is None
    )
    if terminal:
        kept |= {f"{known.kind}:{known.where}": replace(known, over=True) for known in cleared}
    return AlertDecision(new, changed, reminded=reminded, cleared=cleared, told=kept)


def turned_into(known: AlertRecord, problems: Iterable[Problem]) -> Problem | None:
    """The worse one of `problems` that a problem told before turned into, if it did. The first versions named
    events of one rule that begin at once alike: one that goes on under its own name has not cleared."""
    worse = {kind for mild, kinds in _WORSE.items() if mild == known.kind for kind in kinds}
    for one in problems:
        renamed = known.kind in _OF_EVENTS and one.where.startswith(f"{known.where}/")
        if (one.kind in worse and one.where == known.where) or (
            renamed and (one.kind in worse or one.kind == known.kind)
        ):
            return one
    return None


_TOLD_AS = {
    Outcome.REFUSED: Kind.ORDER_REFUSED,
    Outcome.NOT_SENT: Kind.ORDER_REFUSED,
    Outcome.FAILED: Kind.ORDER_FAILED,
}


def orders_to_tell(report: Report, telling: AlertDecision, orders: Iterable[Order]) -> list[Order]:
    """Those of `orders` that are news: not one that is only under way, nor one that came to nothing as was
    told of the last one."""
    told = {problem.id for problem in (*telling.new, *telling.changed, *telling.reminded)}
    known = {problem.id for problem in report.problems} - told
    known |= {f"{Kind.ORDER_REFUSED}:{plan.circuit.name}" for plan in report.plans if _waits_again(plan)}
    return [
        order
        for order in orders
        if order.outcome is not Outcome.PENDING
        and f"{_TOLD_AS.get(order.outcome)}:{order.circuit}" not in known
    ]


def _waits_again(plan: CircuitPlan) -> bool:
    """True if the carrier said more than once that another change is under way: that is no problem."""
    return any(failed.repeated and not failed.refusal for failed in plan.circuit_state.failed)


def _unheard(known: AlertRecord | None) -> bool:
    return known is None or known.told_at is None


def _is_old(known: AlertRecord, now: datetime) -> bool:
    return known.told_at is not None and now - known.told_at >= REMINDER


def _keep(problem: Problem, known: AlertRecord | None, now: datetime, *, heard: bool) -> AlertRecord:
    if known is None:
        known = AlertRecord(
            problem.kind,
            problem.where,
            facts={},
            stable_facts=problem.stable_facts,
            since=problem.since or now,
            told_at=None,
        )
    if heard:
        known = replace(known, stable_facts=problem.stable_facts, told_at=now)
    return replace(known, facts=dict(problem.facts), over=False)


def examined_by(report: Report, circuits: Sequence[str]) -> Callable[[str, str], bool]:
    """Which problems this run could have seen, by (kind, where): only those can clear. `circuits` are those
    that it was limited to; none: it saw all."""
    unread = tuple(f"{source.source.label}/" for source in report.sources if source.remembered)
    readings = {plan.circuit.name: plan.circuit_state.reading for plan in report.plans}
    unlooked = {name for name, reading in readings.items() if reading is None or reading.at < report.now}

    def examined(kind: str, where: str) -> bool:
        if kind in _SEEN_IN_CALENDARS and f"{where}/".startswith(unread):
            return False
        if kind in _SEEN_AT_CARRIERS and where in unlooked:
            return False
        return not circuits or any(f"{where}/".startswith(f"{circuit}/") for circuit in circuits)

    return examined


def still_standing(state: State, report: Report) -> Iterator[Problem]:
    """What the last run found and `report`, made of the state alone, cannot find: it stands until a run sees
    it gone. What is no longer in the configuration is not among it."""
    found = {problem.id for problem in report.problems}
    calendars = [source.source.label for source in report.sources]
    circuits = {plan.circuit.name for plan in report.plans}
    for key, told in state.told.items():
        kind = next((kind for kind in _SEEN_IN_RUNS if kind == told.kind), None)
        if kind is None or key in found or told.over:
            continue
        if kind in _OF_CALENDARS and not any(f"{told.where}/".startswith(f"{label}/") for label in calendars):
            continue
        if kind in _OF_CIRCUITS and told.where not in circuits:
            continue
        yield Problem(kind, told.where, told.facts, told.since)
