"""Events at risk: matching events whose tier is not there, and cannot be expected by their start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Change, Reason
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Orders, Status
from iodcal.domain.failed_orders import FailedOrders, failed_to
from iodcal.domain.held import STANDSTILL, lost_before
from iodcal.domain.orders import Direction, Order, Outcome
from iodcal.domain.overrides import starting_point
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.policy import Policy
from iodcal.domain.service_level import EventOnCircuit, Readiness, judge
from iodcal.domain.steps import EVER
from iodcal.domain.structs import Fact
from iodcal.domain.windows import Window
from iodcal.problems.kinds import Kind, Problem


class Retry(Struct, frozen=True):
    """What was due in this run and came to nothing: when (UTC) it can be ordered next, and why not now."""

    at: datetime
    cause: str


_NONE: Mapping[str, Retry] = MappingProxyType({})

# What a held change means for the event it was for. Holding back under `orders:` is the user's own choice.
_CAUSE_OF_HELD = {
    Reason.PENDING: "open_order",
    Reason.UNKNOWN_ORDER: "lost_answer",
    Reason.QUOTA: "quota",
    Reason.PERSON: "person",
    Reason.STATUS_UNKNOWN: "status_unknown",
    Reason.CARRIER_UNREADABLE: "carrier_unreadable",
    Reason.PRICE: "price",
    Reason.REFUSED: "refused",
    Reason.OTHER_BANDWIDTH: "other_bandwidth",
}
# What only shows that orders for an event come to nothing, one after another.
_BEHIND_WHICH_ORDERS_FAIL = (None, "open_order", "late_run", "order_refused")
_KEEPS_UP = (Reason.PERSON, Reason.UPS_ONLY)
# What a reading at less than an event needs means for it while nothing can be compared with what was ordered.
_CAUSE_OF_STATUS = {Status.UNKNOWN: "status_unknown", Status.PENDING: "open_order"}


def events_at_risk(
    plans: Iterable[CircuitPlan], now: datetime, policy: Policy, retries: Mapping[str, Retry] = _NONE
) -> Iterator[Problem]:
    """A problem for each event that is, or will be, short of bandwidth, and why; `retries` by circuit key.

    Circuits under `orders: none` are only observed: nobody relies on them yet.
    """
    for plan in plans:
        if plan.circuit.orders is Orders.NONE:
            continue
        for window in plan.timeline.windows:
            if window.serves_event and now < window.demand.event.end:
                yield from _judge(plan, window, now=now, policy=policy, retry=retries.get(plan.circuit.key))
        for window in plan.timeline.shelved:
            if window.serves_event and now < window.demand.event.end:
                yield from _judge_parked(plan, window, now)


def overruled(plan: CircuitPlan, now: datetime) -> Iterator[Problem]:
    """A problem for each `at_least` window that an `exactly` one keeps below its tier, now or ahead."""
    for window in plan.timeline.windows:
        if not window.serves_event or window.demand.span.end <= now:
            continue
        for segment in plan.timeline.over(window.demand.span):
            pin = segment.pin
            if segment.span.end > now and pin is not None and segment.target < need(plan, window):
                facts = _facts(plan, window) | {"by": pin.demand.rule.name, "by_subject": pin.demand.subject}
                if pin.demand.hold is not None:
                    facts |= {"who": pin.demand.hold.who}
                yield Problem(Kind.OVERRULED, event_of(plan, window).place, facts)
                break


def need(plan: CircuitPlan, window: Window) -> Bandwidth:
    """The tier that `window` needs on its circuit."""
    return plan.circuit.sold(window.bandwidth)


def is_ready(plan: CircuitPlan, window: Window) -> bool:
    """True if the circuit is known to run at what `window` needs, and no order is about to change that."""
    order = plan.circuit_state.order
    on_its_way = order is None or order.new >= need(plan, window)
    return _runs(plan, window) and on_its_way and _doubt(plan, window) is None


def _runs(plan: CircuitPlan, window: Window) -> bool:
    """True if the circuit is known to run at what `window` needs."""
    running = plan.circuit_state.running
    return running is not None and running >= need(plan, window)


def _doubt(plan: CircuitPlan, window: Window) -> str | None:
    """Why the latest reading puts in doubt what the state says: no order of ours is open, and it shows
    less than `window` needs: under a status at which drift is not judged, or so soon after an order was seen
    carried out that it may be an old copy."""
    reading = plan.circuit_state.reading
    if plan.circuit_state.order is not None or reading is None or reading.bandwidth is None:
        return None
    if reading.bandwidth >= need(plan, window):
        return None
    if reading.status is Status.ACTIVE:
        return "contradicted" if _runs(plan, window) else None
    return _CAUSE_OF_STATUS[reading.status]


def event_of(plan: CircuitPlan, window: Window) -> EventOnCircuit:
    """Which event on which circuit `window` is for."""
    demand = window.demand
    return EventOnCircuit(plan.circuit.name, demand.rule.name, demand.event.start, demand.id)


class PreflightCheck(Struct, frozen=True):
    """How a circuit stands to an event that is about to begin, or has begun.

    `subject` is None where it must not be seen, `running` where nobody knows it; `cause` is why it is not, or
    may not be, in time. `final` is True if no later run can come to another verdict on how the event began.
    """

    event: EventOnCircuit
    subject: str | None
    zone: ZoneInfo
    needs: Bandwidth
    running: Bandwidth | None
    readiness: Readiness
    cause: str | None = None
    final: bool = True

    @property
    def mark(self) -> str:
        """What the state keeps of it: what is not final is checked again, and told where it differs."""
        return self.event.id if self.final else f"{self.event.id} {self.readiness}"


def check_readiness(
    plan: CircuitPlan,
    window: Window,
    *,
    before: CircuitState | None,
    now: datetime,
    causes: Mapping[str, str],
    earlier: Mapping[str, str],
) -> PreflightCheck:
    """The verdict of a run that has read the circuit. `before` is the state that the run began with,
    `causes` are why events are at risk or late in this run, `earlier` in the last one, by place."""
    event = event_of(plan, window)
    cause = causes.get(event.place)
    if cause is None and plan.circuit.orders is Orders.NONE and not is_ready(plan, window):
        cause = str(Reason.OBSERVE)
    order = plan.circuit_state.order  # one that should be done already may be done any moment
    ordered_at = (order.accepted_at or order.created_at) if order is not None else now
    readiness = judge(
        event.start,
        now,
        at_tier_since=_at_tier_since(plan, window, before, now) if cause is None else None,
        cause=cause,
        can_be_done=ordered_at + plan.circuit.provisioning <= event.start,
    )
    if readiness is Readiness.LATE:
        cause = cause or earlier.get(event.place)  # it came after the start: why, an earlier run knew
    final = readiness is Readiness.READY or now >= event.start
    subject, zone, running = window.demand.subject, plan.circuit.zone, plan.circuit_state.running
    return PreflightCheck(
        event,
        subject,
        zone=zone,
        needs=need(plan, window),
        running=running,
        readiness=readiness,
        cause=cause,
        final=final,
    )


def causes_of(problems: Iterable[tuple[str, Mapping[str, Fact]]]) -> dict[str, str]:
    """Why events are at risk or late, by their place, from the places and facts of `problems`."""
    return {where: str(facts["cause"]) for where, facts in problems if facts.get("cause") is not None}


def _at_tier_since(
    plan: CircuitPlan, window: Window, before: CircuitState | None, now: datetime
) -> datetime | None:
    """Since when the circuit is known to be at what `window` needs; None where it is not. What the first
    reading of all shows counts as having been so before."""
    if not is_ready(plan, window):
        return None
    ran_at = before.running if before is not None else None
    if ran_at is None or ran_at >= need(plan, window):
        return EVER
    reading = plan.circuit_state.reading
    return reading.at if reading is not None else now


def _judge(
    plan: CircuitPlan, window: Window, now: datetime, policy: Policy, retry: Retry | None
) -> Iterator[Problem]:
    start = window.demand.event.start
    at_start = plan.timeline.at(max(start, now))
    if at_start.target < need(plan, window):
        cause: str | None = _cause_in_pin(at_start.pin)
    elif (stopped := _stopped(plan, window)) is not None:
        cause = stopped
    elif is_ready(plan, window):
        return
    else:
        cause = _cause(plan, window, now=now, policy=policy, retry=retry)
    if cause is not None:
        yield _problem(plan, window, now, cause)


def _judge_parked(plan: CircuitPlan, window: Window, now: datetime) -> Iterator[Problem]:
    """An event that is left alone since everything is parked; not where a person keeps the circuit up."""
    running = starting_point(plan.circuit_state)
    stays = plan.due is None or (plan.due.held is not None and plan.due.held.reason in _KEEPS_UP)
    if running is None or running < need(plan, window) or not stays:
        yield _problem(plan, window, now, "parked")


def _problem(plan: CircuitPlan, window: Window, now: datetime, cause: str) -> Problem:
    kind = Kind.EVENT_LATE if window.demand.event.start <= now else Kind.EVENT_AT_RISK
    facts = _facts(plan, window) | {"cause": cause}
    if cause == "open_order":
        facts |= _own_order(plan, window)
    return Problem(kind, event_of(plan, window).place, facts)


def _own_order(plan: CircuitPlan, window: Window) -> dict[str, Fact]:
    """When the order that brings the circuit to what `window` needs was accepted, and is expected to be done;
    nothing where another order is under way."""
    order = plan.circuit_state.order
    if order is None or order.new < need(plan, window) or order.accepted_at is None:
        return {}
    expected = order.accepted_at + plan.circuit.provisioning
    overdue = "yes" if order.outcome is Outcome.OVERDUE else "no"
    return {"accepted": order.accepted_at.isoformat(), "expected": expected.isoformat(), "overdue": overdue}


def _cause_in_pin(pin: Window | None) -> str:
    return "hold" if pin is not None and pin.demand.hold is not None else "exactly"


def _stopped(plan: CircuitPlan, window: Window) -> str | None:
    """Why, and whether, a pause or a freeze keeps the circuit from `window`'s tier until too late, however
    high it runs today."""
    start, level = window.demand.event.start, need(plan, window).mbps
    ups = (change for change in reversed(plan.changes) if (change.due or change.at <= start) and change.up)
    up = next((up for up in ups if up.new.mbps >= level), None)
    if up is None or up.held is None or up.held.until is None or up.held.reason not in STANDSTILL:
        return None
    ordered_at = max(up.at, up.held.until)
    return str(up.held.reason) if ordered_at + plan.circuit.provisioning > start else None


def _cause(
    plan: CircuitPlan, window: Window, now: datetime, policy: Policy, retry: Retry | None
) -> str | None:
    """Why the tier cannot be expected by the event's start, or is not there since; None where it can."""
    cause = _cause_by_plan(plan, window, now=now, policy=policy, retry=retry)
    if cause is None and window.demand.event.start <= now:
        cause = "late_run"
    failed = _failed_for(plan, window)
    # The quota holds back repetitions first, long before it is used up.
    behind = cause in _BEHIND_WHICH_ORDERS_FAIL or (cause == "quota" and (plan.repeats or plan.in_trouble))
    if failed is None or not behind:
        return cause
    if cause is None and not failed.repeated:
        return None  # the next order may well be carried out
    if not failed.refusal:
        return "order_failed"
    return "quota" if failed.refusal.get("code") == "quota_exceeded" else "order_refused"


def _failed_for(plan: CircuitPlan, window: Window) -> FailedOrders | None:
    """What is known of orders that were to bring the circuit to what `window` needs, and came to nothing."""
    enough = (one for one in plan.circuit_state.failed if one.new >= need(plan, window))
    trouble = (one for one in enough if one.failed or one.refusal)
    return next((one for one in trouble if one.direction is Direction.UP), None)


def _cause_by_plan(
    plan: CircuitPlan, window: Window, now: datetime, policy: Policy, retry: Retry | None
) -> str | None:
    """Why the tier cannot be expected by then, by what is planned or under way."""
    order, start = plan.circuit_state.order, window.demand.event.start
    if order is not None:
        return _cause_in_order(plan, order, needed=need(plan, window), start=start, now=now, policy=policy)
    up = _up_for(plan, window)
    if up is None:
        return _doubt(plan, window) or _cause_without_up(plan, window, now, policy)
    if up.held is not None and up.held.reason is Reason.NOT_NOW:
        allowed_at = max(now, up.held.until or now)
        return "not_now" if allowed_at + policy.every + plan.circuit.provisioning > start else None
    if up.held is not None and up.held.reason is not Reason.BACKOFF:
        given_up = up.held.reason is Reason.UNKNOWN_ORDER and lost_before(plan.circuit_state, up) is not None
        return "given_up" if given_up else _CAUSE_OF_HELD.get(up.held.reason)
    ordered_at, cause = now if up.due else max(now, up.at), "late_run"
    if up.held is not None and up.held.until is not None:
        ordered_at, cause = max(ordered_at, up.held.until), _cause_of_backoff(plan, up)
    if retry is not None and retry.at > ordered_at:
        ordered_at, cause = retry.at, retry.cause
    return cause if ordered_at + plan.circuit.provisioning > start else None


def _cause_of_backoff(plan: CircuitPlan, up: Change) -> str:
    """Why `up` is tried again later only. Of a carrier that goes on answering that a change is under way
    neither a refusal is known nor an order that it took."""
    failed = failed_to(plan.circuit_state.failed, up.direction, up.new)
    waits = failed is not None and not failed.refusal and not failed.failed
    return "open_order" if waits else "order_refused"


def _cause_without_up(plan: CircuitPlan, window: Window, now: datetime, policy: Policy) -> str | None:
    """Why nothing is planned that brings the circuit to what `window` needs; None where that is no worry."""
    if plan.circuit_state.ordered is None:
        # Nothing is known of the circuit yet; that matters once the window has come.
        return "carrier_unreadable" if window.demand.span.start <= now + policy.every else None
    if plan.too_late is None:
        return None
    level, ends = plan.too_late  # asked for now, and over before an order could be carried out
    return "late_run" if level >= need(plan, window) and window.demand.event.start < ends else None


def _cause_in_order(
    plan: CircuitPlan, order: Order, *, needed: Bandwidth, start: datetime, now: datetime, policy: Policy
) -> str | None:
    provisioning, reading = plan.circuit.provisioning, plan.circuit_state.reading
    if reading is not None and reading.waits_for:
        return "approval"
    again = policy.every + provisioning
    if order.outcome in (Outcome.SENDING, Outcome.UNKNOWN):
        expected = order.created_at + policy.timeouts(plan.circuit).resend_grace + again
        return "lost_answer" if max(expected, now) > start else None
    expected = (order.accepted_at or order.created_at) + provisioning
    if order.outcome is Outcome.OVERDUE or expected < now:
        expected = now + policy.every  # it should have been done: the next look may find it
    if order.new < needed:
        expected += again
    overdue = order.outcome is Outcome.OVERDUE and start - now <= policy.order_timeouts.order_timeout
    return "open_order" if overdue or expected > start else None


def _up_for(plan: CircuitPlan, window: Window) -> Change | None:
    """The change that is to bring the circuit to what `window` needs."""
    level, start = need(plan, window).mbps, window.demand.event.start
    ups = (change for change in plan.changes if (change.due or change.at <= start) and change.up)
    return next((up for up in ups if up.new.mbps >= level), None)


def _facts(plan: CircuitPlan, window: Window) -> dict[str, Fact]:
    demand = window.demand
    return {
        "circuit": plan.circuit.name,
        "rule": demand.rule.name,
        "subject": demand.subject,
        "start": demand.event.start.isoformat(),
        "zone": plan.circuit.zone.key,
        "needs": str(need(plan, window)),
    }
