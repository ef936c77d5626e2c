"""What a run has to tell: the problems that it found, as values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Reason
from iodcal.domain.circuit_state import Drift
from iodcal.domain.circuits import Account, Status
from iodcal.domain.durations import format_duration
from iodcal.domain.events import MatchedEvent, Source, SpoiledEvent
from iodcal.domain.failed_orders import FailedOrders
from iodcal.domain.held import held_by_backoff, lost_before
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.planning import (
    CircuitPlan,
    next_quota_day,
    unplanned_downs,
)
from iodcal.domain.resolution import CircuitResolver, EventWithoutCircuit, find_events_without_circuit
from iodcal.domain.rules import Rule
from iodcal.domain.structs import Fact
from iodcal.errors import (
    CalendarError,
    CarrierError,
    ChangePendingError,
    IodcalError,
    NotNowError,
    QuotaExceededError,
)
from iodcal.pipeline.context import Run
from iodcal.pipeline.execute import Placed, known_used
from iodcal.pipeline.fetch import EventSnapshot
from iodcal.pipeline.poll import clock_error
from iodcal.pipeline.refusals import wait_of
from iodcal.problems.at_risk import Retry, events_at_risk, overruled
from iodcal.problems.kinds import Kind, Problem
from iodcal.problems.limits import left_up, long_windows, of_prices, of_quotas

_OF_ORDER = {
    Outcome.OVERDUE: Kind.ORDER_OVERDUE,
    Outcome.UNKNOWN: Kind.ORDER_UNKNOWN,
    Outcome.SENDING: Kind.ORDER_UNKNOWN,
    Outcome.FAILED: Kind.ORDER_FAILED,
    Outcome.LOST: Kind.ORDER_LOST,
}


_LATE = 1.5  # times `every`
STOPPED_AFTER = 3  # times `every`


class RunFindings(Struct, frozen=True):
    """What a check may look at: the run, what it saw of calendars, its plans after ordering, and what became
    of each order that it tried, by circuit key."""

    run: Run
    snapshot: EventSnapshot
    plans: tuple[CircuitPlan, ...]
    placed: Mapping[str, Placed]


def find_problems(
    run: Run, snapshot: EventSnapshot, plans: tuple[CircuitPlan, ...], placed: Mapping[str, Placed]
) -> Iterator[Problem]:
    """Every problem of the run, each identity once, in the order of `CHECKS`."""
    found = RunFindings(run, snapshot, plans, placed)
    seen: set[str] = set()
    for check in CHECKS:
        for problem in check(found):
            if problem.id not in seen:
                seen.add(problem.id)
                yield problem


def _retries(run: Run, placed: Mapping[str, Placed]) -> dict[str, Retry]:
    """What was tried in this run and is not under way: the next run tries it, or the next day's."""
    tried = {key: one for key, one in placed.items() if one.plan.circuit_state.order is None}
    return {key: _retry(run, one, one.error) for key, one in tried.items() if one.error is not None}


def _retry(run: Run, tried: Placed, error: CarrierError) -> Retry:
    plan, now, following = tried.plan, run.request.now, run.request.now + run.policy.every
    if isinstance(error, QuotaExceededError):
        return Retry(max(following, next_quota_day(now)), "quota")
    held = held_by_backoff(plan.circuit_state, plan.due, plan.circuit, now, run.policy) if plan.due else None
    at = max(following, held.until) if held is not None and held.until is not None else following
    if isinstance(error, NotNowError):
        return Retry(max(at, now + wait_of(error, run.policy.every)), "order_refused")
    return Retry(at, "open_order" if isinstance(error, ChangePendingError) else "order_refused")


def _of_calendars(run: Run, snapshot: EventSnapshot) -> Iterator[Problem]:
    for source, error in snapshot.failures.items():
        yield of_unreadable(source, error, run.configuration.rules)
    for reading in snapshot.readings.values():
        if reading.spoiled:
            yield of_spoiled(reading.source, reading.spoiled, run.configuration.rules)
    for event, organizer in zip(snapshot.matching.refused, snapshot.matching.refused_by, strict=True):
        facts: dict[str, Fact] = _event_facts(event) | {"organizer": organizer}
        yield Problem(Kind.EVENT_REFUSED, _event_place(event), facts)
    for event, rule in snapshot.matching.uncounted:
        place = f"{_event_place(event)}/{rule}"
        yield Problem(Kind.ATTENDEES_UNKNOWN, place, _event_facts(event) | {"rule": rule})
    for event in snapshot.matching.invalid:
        yield Problem(Kind.EVENT_INVALID, _event_place(event), _event_facts(event))
    for event, rule in snapshot.matching.unreadable:
        yield Problem(Kind.NO_BANDWIDTH, _event_place(event), _event_facts(event) | {"rule": rule})
    rules, asking = run.configuration.rules, CircuitResolver(snapshot.events, run.configuration.circuits)
    for found in find_events_without_circuit(snapshot.matching.matched, rules, asking):
        yield _nameless(found)
    for label, rule in sorted(snapshot.matching.undecided):
        yield Problem(Kind.PATTERN_SLOW, f"{label}/{rule}", {"calendar": label, "rule": rule})


def of_unreadable(source: Source, error: CalendarError, rules: Iterable[Rule]) -> Problem:
    """The problem of a source that could not be read."""
    facts = dict(error.facts) | {"code": error.code, "circuits": ", ".join(_circuits_of(source, rules))}
    return Problem(Kind.CALENDAR_UNREADABLE, source.label, facts)


def of_spoiled(source: Source, spoiled: Sequence[SpoiledEvent], rules: Iterable[Rule]) -> Problem:
    """The problem of a calendar that holds events which cannot be understood, named by the first."""
    first, *others = sorted(spoiled, key=lambda one: (one.line or 0, one.uid))
    facts: dict[str, Fact] = {
        "code": first.code,
        "uid": first.uid or None,
        "line": first.line,
        "property": first.property,
        "found": first.found,
        "others": len(others),
        "circuits": ", ".join(_circuits_of(source, rules)),
    }
    return Problem(Kind.EVENT_UNREADABLE, source.label, facts)


def _circuits_of(source: Source, rules: Iterable[Rule]) -> list[str]:
    return sorted({name for rule in rules for name in rule.circuits.get(source.calendar, ())})


def _nameless(found: EventWithoutCircuit) -> Problem:
    facts: dict[str, Fact] = {
        "rule": found.rule.name,
        "circuits": ", ".join(found.allowed),
        "example": found.allowed[0],
        "named": found.outside or None,
    }
    place = f"{_event_place(found.event)}/{found.rule.name}"
    return Problem(Kind.NO_CIRCUIT, place, _event_facts(found.event) | facts)


def _event_place(event: MatchedEvent) -> str:
    return f"{event.source.label}/{event.span.start.isoformat()}"


def _event_facts(event: MatchedEvent) -> dict[str, Fact]:
    return {
        "calendar": event.source.label,
        "subject": event.subject,
        "start": event.span.start.isoformat(),
        "rule": event.matches[0].rule if event.matches else None,
    }


def _of_circuit(plan: CircuitPlan, run: Run, placed: Mapping[str, Placed]) -> Iterator[Problem]:
    circuit, circuit_state = plan.circuit, plan.circuit_state
    failure = run.carriers.failures.get(circuit.key)
    if failure is not None:
        unknown = failure.code == "circuit_unknown"
        yield _of_error(Kind.CIRCUIT_UNKNOWN if unknown else Kind.CARRIER_UNREADABLE, plan, failure)
    if circuit_state.reading is not None and circuit_state.reading.status is Status.UNKNOWN:
        facts: dict[str, Fact] = {"circuit": circuit.name, "status": circuit_state.reading.status_text}
        yield Problem(Kind.STATUS_UNKNOWN, circuit.name, facts)
    yield from _of_orders(plan, run)
    tried = placed.get(circuit.key)
    if tried is not None and tried.error is not None:
        yield from _of_plugin(plan, tried.order, tried.error)
    yield from of_prices(plan, tried.quote if tried is not None else None)
    if circuit_state.drift is not None and circuit_state.confirmed is not None and not _is_explained(plan):
        yield _drift(plan, circuit_state.drift, circuit_state.confirmed, run)
    if plan.too_late is not None:
        level, ends = plan.too_late
        missed: dict[str, Fact] = {"circuit": circuit.name, "level": str(level), "ends": ends.isoformat()}
        yield Problem(Kind.TOO_LATE, circuit.name, missed | _zone(plan))


def _of_orders(plan: CircuitPlan, run: Run) -> Iterator[Problem]:
    """The open order, if it is in trouble, and those that came to nothing and are still wanted: what this run
    orders anew, or waits with, is not carried out by that."""
    circuit_state, zone, now = plan.circuit_state, plan.circuit.zone.key, run.request.now
    reading = circuit_state.reading
    if circuit_state.order is not None and reading is not None and reading.waits_for:
        facts = _order_facts(circuit_state.order, now) | {"waits_for": reading.waits_for}
        yield Problem(Kind.APPROVAL, circuit_state.name, facts)
    if circuit_state.order is not None and circuit_state.order.outcome in _OF_ORDER:
        yield of_trouble(circuit_state.order, now, zone)
    if (lost := _lost(plan)) is not None:
        yield of_trouble(lost, now, zone)
    wanted = (
        circuit_state.order.new if circuit_state.order is not None else plan.due.new if plan.due else None
    )
    for failed in sorted(circuit_state.failed, key=lambda one: one.new != wanted):
        if failed.failed:
            yield Problem(Kind.ORDER_FAILED, plan.circuit.name, _failed_facts(plan, failed))
        if failed.refusal:
            facts = {**failed.refusal, "circuit": plan.circuit.name}
            yield Problem(Kind.ORDER_REFUSED, plan.circuit.name, facts)
    yield from _of_older_state(plan, run)


def _of_older_state(plan: CircuitPlan, run: Run) -> Iterator[Problem]:
    """What an earlier version found, which kept no record of orders that came to nothing, while the same is
    still wanted: a state that is new to this one shows no end of it."""
    circuit_state, due = plan.circuit_state, plan.due
    if circuit_state.failed or circuit_state.order is not None or due is None:
        return
    last = circuit_state.recent[-1] if circuit_state.recent else None
    if last is not None and last.outcome is Outcome.FAILED and last.new == due.new:
        yield of_trouble(last, run.request.now, plan.circuit.zone.key)
    known = run.state.told.get(f"{Kind.ORDER_REFUSED}:{plan.circuit.name}")
    if known is not None and not known.over and known.facts.get("direction") == str(due.direction):
        yield Problem(Kind.ORDER_REFUSED, known.where, known.facts)


def _lost(plan: CircuitPlan) -> Order | None:
    """The last order, if it was lost and none like it was accepted since: another one may be under way."""
    circuit_state = plan.circuit_state
    order = circuit_state.order
    if order is None:
        return lost_before(circuit_state, plan.due) if plan.due is not None else None
    last = circuit_state.recent[-1] if circuit_state.recent and order.resends else None
    return last if last is not None and last.outcome is Outcome.LOST and not order.answered else None


def of_trouble(order: Order, now: datetime, zone: str | None = None) -> Problem:
    """The problem of an order that is overdue, came to nothing, or of which nobody knows."""
    facts = _order_facts(order, now) | {"zone": zone, "count": 1}
    if order.outcome is Outcome.LOST:
        facts |= {"given_up": "yes" if order.gives_up else "no"}
    return Problem(_OF_ORDER[order.outcome], order.circuit, facts)


def _failed_facts(plan: CircuitPlan, failed: FailedOrders) -> dict[str, Fact]:
    return {
        "circuit": plan.circuit.name,
        "direction": str(failed.direction),
        "from": str(failed.old),
        "to": str(failed.new),
        "external_id": failed.external_id,
        "order_id": failed.carrier_order_id,
        "count": failed.failed,
        "failing_since": failed.since.isoformat() if failed.since is not None else None,
        "shown": str(failed.shown) if failed.shown is not None else None,
        "given_up": "yes" if failed.given_up else "no",
    } | _zone(plan)


def _is_explained(plan: CircuitPlan) -> bool:
    """True if it was an order of ours that left the circuit where it is, below what was ordered."""
    drift = plan.circuit_state.drift
    left = (one for one in plan.circuit_state.failed if one.shown is not None and one.shown < one.new)
    return drift is not None and any(one.shown == drift.observed for one in left)


def _of_plugin(plan: CircuitPlan, order: Order | None, error: CarrierError) -> Iterator[Problem]:
    if error.code == "plugin_failed" and order is not None and order.outcome.open:
        yield _of_error(Kind.CARRIER_UNREADABLE, plan, error)


def _of_error(kind: Kind, plan: CircuitPlan, error: IodcalError) -> Problem:
    return Problem(
        kind, plan.circuit.name, dict(error.facts) | {"code": error.code, "circuit": plan.circuit.name}
    )


def _order_facts(order: Order, now: datetime) -> dict[str, Fact]:
    return {
        "circuit": order.circuit,
        "direction": str(order.direction),
        "from": str(order.old),
        "to": str(order.new),
        "external_id": order.external_id,
        "order_id": order.carrier_order_id,
        "minutes": int((now - order.created_at).total_seconds() // 60),
        "accepted": (order.accepted_at or order.created_at).isoformat(),
    }


def _drift(plan: CircuitPlan, drift: Drift, ordered: Bandwidth, run: Run) -> Problem:
    due = plan.due
    lowers = next((change for change in plan.changes if not change.up), None)
    held = lowers.held if lowers else None
    waits = held.until if held is not None else lowers.at if lowers else None
    return Problem(
        Kind.DRIFT,
        plan.circuit.name,
        {
            "circuit": plan.circuit.name,
            "observed": str(drift.observed),
            "ordered": str(ordered),
            "direction": "up" if drift.observed > ordered else "down",
            "lowers_at": waits.isoformat() if waits else None,
            "raising": "yes" if due is not None and due.up and due.held is None else "no",
            "enforce": "yes" if run.policy.enforce else "no",
            "parked": "yes" if run.policy.parked is not None else "no",
        }
        | _zone(plan),
    )


def _zone(plan: CircuitPlan) -> dict[str, Fact]:
    return {"zone": plan.circuit.zone.key}


def _of_limits(plans: tuple[CircuitPlan, ...], run: Run, used: Mapping[Account, int]) -> Iterator[Problem]:
    held = [plan for plan in plans if plan.due is not None and plan.due.held is not None]
    limited = [plan for plan in held if plan.due and plan.due.held and plan.due.held.reason is Reason.LIMIT]
    if limited:
        names = unplanned_downs(limited)
        facts: dict[str, Fact] = {
            "count": len(names),
            "limit": run.policy.max_unplanned_downs,
            "circuits": ", ".join(sorted(names)),
        }
        yield Problem(Kind.TOO_MANY_DOWNS, "downs", facts)
    yield from of_quotas(plans, run.policy, used)


def _check_calendars(found: RunFindings) -> Iterator[Problem]:
    yield from _of_calendars(found.run, found.snapshot)


def _check_clock(found: RunFindings) -> Iterator[Problem]:
    if (error := clock_error(found.snapshot, found.run.carriers)) is not None:
        yield Problem(Kind.CLOCK, "clock", {"seconds": round(error)})


def _check_timer(found: RunFindings) -> Iterator[Problem]:
    """The timer stood still before this run: what was due meanwhile was not ordered. It has `stopped` where
    no run came for long: a sync that sees it ends it, and another time than now tells nothing."""
    run = found.run
    last, now, every = run.state.last_run, run.request.now, run.policy.every
    if last is None or (age := now - last.started_at) <= every * _LATE:
        return
    facts: dict[str, Fact] = {"minutes": age // timedelta(minutes=1), "every": format_duration(every)}
    if age > every * STOPPED_AFTER and run.request.command != "sync" and not run.context.virtual:
        facts["stopped"] = "yes"
    yield Problem(Kind.LATE_RUN, "timer", facts)


def _check_configuration(found: RunFindings) -> Iterator[Problem]:
    faults = found.run.request.faults
    if faults:
        facts: dict[str, Fact] = {"count": len(faults), "first": str(faults[0])}
        yield Problem(Kind.CONFIGURATION, "rules", facts)


def _check_state(found: RunFindings) -> Iterator[Problem]:
    if found.run.request.shared_with is not None:
        yield Problem(Kind.STATE_SHARED, "state", {"host": found.run.request.shared_with})
    if found.run.state.rebuilt_from is not None:
        yield Problem(Kind.STATE_REBUILT, "state", {"file": found.run.state.rebuilt_from})


def _check_circuits(found: RunFindings) -> Iterator[Problem]:
    for plan in found.plans:
        yield from _of_circuit(plan, found.run, found.placed)
        yield from overruled(plan, found.run.request.now)
        yield from long_windows(plan, found.run.request.now)


def _check_events(found: RunFindings) -> Iterator[Problem]:
    run = found.run
    yield from events_at_risk(found.plans, run.request.now, run.policy, _retries(run, found.placed))


def _check_limits(found: RunFindings) -> Iterator[Problem]:
    yield from _of_limits(found.plans, found.run, known_used(found.run.used, found.placed.values()))


def _check_left_up(found: RunFindings) -> Iterator[Problem]:
    yield from left_up(found.run.state.circuits, found.run.configuration.circuits.values())


CHECKS: tuple[Callable[[RunFindings], Iterator[Problem]], ...] = (
    _check_calendars,
    _check_clock,
    _check_timer,
    _check_configuration,
    _check_state,
    _check_circuits,
    _check_events,
    _check_limits,
    _check_left_up,
)
