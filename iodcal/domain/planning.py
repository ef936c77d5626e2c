"""The plan: for every circuit the change due now and those to come, with what is held back and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.circuits import Account, Circuit, Orders, Status
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Outcome, Patience
from iodcal.domain.people import adopt_drift, held_by_person, note_level, starting_point
from iodcal.domain.plan import Pace, coming, judge, maximum, scan
from iodcal.domain.standing import Foreseen, Standing
from iodcal.domain.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings that planning goes by. `allow_downs` is what a person let through for this run."""

    window: timedelta
    every: timedelta
    min_gap: timedelta
    patience: Patience
    enforce: bool = False
    max_unplanned_downs: int = 3
    allow_downs: int = 0
    quota_reserve: int = 4

    def pace(self, circuit: Circuit) -> Pace:
        return Pace(self.every, circuit.provisioning, self.min_gap)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """How far this run's view of the world can be relied on. Whatever is doubtful keeps circuits up.

    `blind_after` names circuits and the time (UTC) after which one of their calendars is unknown;
    `unreadable` the circuits whose carrier did not answer, `clock_wrong` that the servers' clock and ours
    differ, `rebuilt` that the state had to be rebuilt, `unanswered_until` the time (UTC) until which an
    order may surface of which nothing is left on record.
    """

    blind_after: Mapping[str, datetime] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    clock_wrong: bool = False
    rebuilt: bool = False
    unanswered_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CircuitPlan:
    """One circuit's part of the plan. `changes` are in order, at most the first of them due.

    `target` is the level that is asked for now. `too_late` is a level asked for now that no order can
    still reach, with the time its demand ends. `foreseen` is False for a due lowering that the last good
    run did not see coming.
    """

    circuit: Circuit
    timeline: Timeline
    standing: Standing
    target: Bandwidth
    changes: tuple[Change, ...] = ()
    too_late: tuple[Bandwidth, datetime] | None = None
    foreseen: bool = True

    @property
    def due(self) -> Change | None:
        """The change due now, held back or not."""
        return self.changes[0] if self.changes and self.changes[0].due else None

    @property
    def to_order(self) -> Change | None:
        """The change due now, if nothing holds it back."""
        return self.due if self.due is not None and self.due.held is None else None


def plan_circuit(
    timeline: Timeline, standing: Standing, now: datetime, policy: Policy, knowledge: Knowledge
) -> CircuitPlan:
    """What is due and to come on one circuit, by itself: quota and limit are laid on by `plan_together`."""
    circuit, pace = timeline.circuit, policy.pace(timeline.circuit)
    standing = note_level(standing, timeline.at(now).target, now)
    start = starting_point(standing)
    if start is None:
        target = maximum(timeline, scan(timeline, now, pace.every))
        return CircuitPlan(circuit, timeline, standing, target)
    verdict = judge(timeline, start, now, pace)
    due = verdict.change
    if due is None and verdict.too_late is None:
        standing = adopt_drift(standing)
    if due is not None:
        due = replace(due, held=_held(due, timeline, standing, now, policy, knowledge))
    later = _coming(timeline, start, due, now, policy)
    return CircuitPlan(
        circuit,
        timeline,
        standing,
        due.new if due else start,
        (due, *later) if due else later,
        verdict.too_late,
        due is None or due.up or _foreseen(standing, due, now),
    )


def _coming(
    timeline: Timeline, start: Bandwidth, due: Change | None, now: datetime, policy: Policy
) -> tuple[Change, ...]:
    level, after = start, now
    if due is not None:
        level = due.new
        after = _reached(timeline, due, now, policy)
        if due.held is not None and due.held.until is not None:
            after = max(after, due.held.until)
    changes = coming(timeline, level, after, now + policy.window, policy.min_gap)
    return tuple(_in_order_mode(change, timeline.circuit) for change in changes)


def _in_order_mode(change: Change, circuit: Circuit) -> Change:
    held = _by_order_mode(change, circuit)
    return change if held is None else replace(change, held=held)


def _reached(timeline: Timeline, due: Change, now: datetime, policy: Policy) -> datetime:
    """When the timeline first asks for the very level of an up; a down holds from now on."""
    if not due.up:
        return now
    sight = scan(timeline, now, policy.pace(timeline.circuit).up_sight)
    starts = (segment.span.start for segment in timeline.over(sight) if segment.target == due.new)
    return max(now, next(starts, now))


def _held(
    change: Change,
    timeline: Timeline,
    standing: Standing,
    now: datetime,
    policy: Policy,
    knowledge: Knowledge,
) -> Held | None:
    return (
        _by_order_mode(change, timeline.circuit)
        or _by_carrier(change, standing, now, policy, knowledge)
        or (None if change.up else _by_doubt(change, timeline, now, policy, knowledge))
        or held_by_person(standing, change, timeline, now, enforce=policy.enforce)
    )


def _by_order_mode(change: Change, circuit: Circuit) -> Held | None:
    if circuit.orders is Orders.NONE:
        return Held(Reason.OBSERVE)
    if circuit.orders is Orders.UPS and not change.up:
        return Held(Reason.UPS_ONLY)
    return None


def _by_carrier(
    change: Change, standing: Standing, now: datetime, policy: Policy, knowledge: Knowledge
) -> Held | None:
    order = standing.order
    if order is not None and order.outcome in (Outcome.SENDING, Outcome.UNKNOWN):
        return Held(Reason.UNKNOWN_ORDER, order.created_at + policy.patience.lost_answer_grace)
    if order is not None:
        return Held(Reason.PENDING)
    if knowledge.unanswered_until is not None and now < knowledge.unanswered_until:
        return Held(Reason.UNKNOWN_ORDER, knowledge.unanswered_until)
    if change.circuit in knowledge.unreadable:
        return Held(Reason.CARRIER_UNREADABLE)
    if standing.reading is not None and standing.reading.status is not Status.ACTIVE:
        pending = standing.reading.status is Status.PENDING
        return Held(Reason.PENDING if pending else Reason.STATUS_UNKNOWN)
    if _given_up(standing, change):
        return Held(Reason.UNKNOWN_ORDER)
    if not change.up and standing.retry_at is not None and now < standing.retry_at:
        return Held(Reason.BACKOFF, standing.retry_at)
    return None


def _given_up(standing: Standing, change: Change) -> bool:
    """True if orders for this very demand were lost as often as may be."""
    last = standing.recent[-1] if standing.recent else None
    return last is not None and last.gives_up and (last.new, last.demand) == (change.new, change.demand)


def _by_doubt(
    change: Change, timeline: Timeline, now: datetime, policy: Policy, knowledge: Knowledge
) -> Held | None:
    if knowledge.rebuilt:
        return Held(Reason.STATE_REBUILT)
    if knowledge.clock_wrong:
        return Held(Reason.CLOCK)
    sight = scan(timeline, now, policy.pace(timeline.circuit).down_sight)
    blind_after = knowledge.blind_after.get(change.circuit)
    if blind_after is not None and sight.end > blind_after:
        return Held(Reason.CALENDAR_UNREADABLE)
    pin = timeline.at(now).pin
    if pin is not None and pin.demand.remembered_since is not None:
        return Held(Reason.CALENDAR_UNREADABLE)
    return None


def _foreseen(standing: Standing, change: Change, now: datetime) -> bool:
    return any(seen.at <= now and seen.new <= change.new for seen in standing.foreseen)


def foresee(plan: CircuitPlan) -> tuple[Foreseen, ...]:
    """The lowerings that the next run may take as seen coming. One that is due and was not itself
    foreseen is left out: what the limit stopped today it must stop tomorrow."""
    downs = [change for change in plan.changes if not change.up and not (change.due and not plan.foreseen)]
    return tuple(Foreseen(change.at, change.new) for change in downs)


def plan_together(
    plans: Sequence[CircuitPlan],
    now: datetime,
    policy: Policy,
    used: Mapping[Account, int],
) -> tuple[CircuitPlan, ...]:
    """Lays on what circuits share: the limit on unplanned lowerings and each account's daily quota.

    `used` counts the orders of this UTC day. The order of the circuits stays.
    """
    limited = _limit_downs(plans, policy)
    held: dict[str, Held] = {}
    for account in {plan.circuit.account for plan in limited}:
        of_account = [plan for plan in limited if plan.circuit.account == account]
        held.update(_over_quota(of_account, now, policy, used.get(account, 0)))
    return tuple(
        _hold(plan, held[plan.circuit.name]) if plan.circuit.name in held else plan for plan in limited
    )


def _limit_downs(plans: Sequence[CircuitPlan], policy: Policy) -> tuple[CircuitPlan, ...]:
    if len(unplanned_downs(plans)) <= max(policy.max_unplanned_downs, policy.allow_downs):
        return tuple(plans)
    stopped = set(unplanned_downs(plans))
    return tuple(_hold(plan, Held(Reason.LIMIT)) if plan.circuit.name in stopped else plan for plan in plans)


def unplanned_downs(plans: Iterable[CircuitPlan]) -> tuple[str, ...]:
    """The circuits about to be lowered, or stopped by the limit, that no good run saw coming."""
    return tuple(
        plan.circuit.name
        for plan in plans
        if plan.due is not None
        and not plan.due.up
        and not plan.foreseen
        and (plan.due.held is None or plan.due.held.reason is Reason.LIMIT)
    )


def _over_quota(
    plans: Sequence[CircuitPlan], now: datetime, policy: Policy, used: int
) -> Iterable[tuple[str, Held]]:
    limit = plans[0].circuit.changes_per_day
    if limit is None:
        return
    until = Held(Reason.QUOTA, next_quota_day(now))
    left = limit - used
    reserve = max(policy.quota_reserve, len(tuple(ups_to_come(plans, now))))
    for change in in_order(plans):
        if left <= (0 if change.up else reserve):
            yield change.circuit, until
        else:
            left -= 1


def ups_to_come(plans: Iterable[CircuitPlan], now: datetime) -> Iterable[Change]:
    """The ups known for the rest of the UTC day, after those due now."""
    end = next_quota_day(now)
    changes = (change for plan in plans for change in plan.changes)
    return (change for change in changes if change.up and not change.due and change.at < end)


def next_quota_day(now: datetime) -> datetime:
    """When carriers begin to count anew: the next midnight UTC."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def in_order(plans: Iterable[CircuitPlan]) -> list[Change]:
    """The changes to order now: ups before downs, ups by the start of their event."""
    changes = [plan.to_order for plan in plans if plan.to_order is not None]
    return sorted(changes, key=lambda change: (not change.up, _first_start(change), change.circuit))


def _first_start(change: Change) -> datetime:
    return min((cause.start for cause in change.causes if not cause.ended), default=change.at)


def _hold(plan: CircuitPlan, held: Held) -> CircuitPlan:
    due, *later = plan.changes
    return replace(plan, changes=(replace(due, held=held), *later))


def held_counts(plans: Iterable[CircuitPlan]) -> Counter[Reason]:
    """How many due changes are held back for which reason."""
    return Counter(plan.due.held.reason for plan in plans if plan.due is not None and plan.due.held)


def view_from(now: datetime, circuit: Circuit, policy: Policy) -> Interval:
    """What a timeline must span for planning: a week back, so that the present level's beginning is
    seen, and as far ahead as the last change in the window has to look."""
    return Interval(now - timedelta(days=7), now + policy.window + policy.pace(circuit).down_sight)
