"""The plan: for every circuit the change due now and those to come, with what is held back and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.billing import longest_wait
from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.circuit_limits import held_by_carrier, hold_coming
from iodcal.domain.circuit_state import CircuitState, Foreseen
from iodcal.domain.circuits import Circuit, Orders, Status
from iodcal.domain.due import coming_changes, due_change, maximum, needed_ahead, scan
from iodcal.domain.failed_orders import still_needed
from iodcal.domain.held import (
    STANDSTILL,
    held_as_given_up,
    held_by_backoff,
    held_by_freeze,
    held_by_pause,
    lost_before,
    may_still_come,
    too_dear,
)
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost, Tariff
from iodcal.domain.orders import Outcome
from iodcal.domain.overrides import adopt_drift, held_by_person, note_level, starting_point
from iodcal.domain.policy import Policy, SafetyFlags
from iodcal.domain.structs import replace
from iodcal.domain.timeline import Timeline


class LeftOut(Struct, frozen=True):
    """A change of the plan with unlimited changes that the quota has no room for.

    The circuit stands at `kept` from then on instead, until `until` (UTC), which costs `cost` more.
    """

    change: Change
    kept: Bandwidth
    until: datetime
    cost: Cost


class Shortage(Struct, frozen=True):
    """A day (UTC) that has no room for the account's raises as they come: `asked` raises, `left` changes.
    `unmet` is how many are left over even where circuits go up early and stay up."""

    day: date
    asked: int
    left: int
    unmet: int


class CircuitPlan(Struct, frozen=True):
    """One circuit's part of the plan. `changes` are in order, at most the first of them due.

    `target` is the level that is asked for now. `too_late` is a level asked for now that no order can
    still reach, with the time its demand ends. `foreseen` is False for a due lowering that the last good
    run did not see coming. `hindrance` would hold back any raise now, asked for or not. `left_out` is what
    the account's quota has no room for; `shortages` are the days on which it does not even have room for
    the account's raises as they come.
    """

    circuit: Circuit
    timeline: Timeline
    circuit_state: CircuitState
    target: Bandwidth
    changes: tuple[Change, ...] = ()
    too_late: tuple[Bandwidth, datetime] | None = None
    foreseen: bool = True
    hindrance: Held | None = None
    left_out: tuple[LeftOut, ...] = ()
    shortages: tuple[Shortage, ...] = ()

    @property
    def tariff(self) -> Tariff:
        """What the circuit's tiers cost, the carrier's own quotes first."""
        return self.circuit.tariff.with_quotes(self.circuit_state.quotes)

    @property
    def due(self) -> Change | None:
        """The change due now, held back or not."""
        return self.changes[0] if self.changes and self.changes[0].due else None

    @property
    def repeats(self) -> bool:
        """True if the change due now was ordered before, for the same demand, and came to nothing."""
        due, failed = self.due, self.circuit_state.failed
        if due is None:
            return False
        sent = (one for one in failed if one.sent)
        again = any(one.covers(due.direction, due.new, due.demand) for one in sent)
        return again or lost_before(self.circuit_state, due) is not None

    @property
    def in_trouble(self) -> bool:
        """True if orders in the direction of the change due now failed twice alike."""
        sent = (one for one in self.circuit_state.failed if one.sent and one.repeated)
        return self.due is not None and any(one.direction is self.due.direction for one in sent)

    @property
    def to_order(self) -> Change | None:
        """The change due now, if nothing holds it back."""
        return self.due if self.due is not None and self.due.held is None else None

    @property
    def to_try(self) -> Change | None:
        """The change due now that the carrier is asked for: also one that was too dear, for prices change."""
        too_dear = self.due is not None and self.due.held == Held(Reason.PRICE)
        return self.due if too_dear else self.to_order


def plan_circuit(
    timeline: Timeline, circuit_state: CircuitState, now: datetime, policy: Policy, knowledge: SafetyFlags
) -> CircuitPlan:
    """What is due and to come on one circuit, by itself: `iodcal.domain.together` lays on what is shared."""
    circuit, timing = timeline.circuit, policy.timing(timeline.circuit)
    circuit_state = note_level(circuit_state, timeline.at(now).target, now)
    start = starting_point(circuit_state)
    if start is None:
        target = maximum(timeline, scan(timeline, now, timing.every))
        return CircuitPlan(circuit, timeline, circuit_state, target)
    verdict = due_change(timeline, start, now, timing)
    due = verdict.change
    if due is None and verdict.too_late is None:
        circuit_state = adopt_drift(circuit_state)
    if circuit_state.failed and verdict.too_late is None:
        failed = still_needed(
            circuit_state.failed, circuit_state.running or start, target=due.new if due else start
        )
        circuit_state = replace(circuit_state, failed=failed)
    known = _Situation(timeline, circuit_state, now=now, policy=policy, knowledge=knowledge)
    if due is not None:
        due = replace(due, held=next(_obstacles(due, known), None))
    later = _coming(timeline, circuit_state, start=start, due=due, now=now, policy=policy)
    return CircuitPlan(
        circuit,
        timeline,
        circuit_state=circuit_state,
        target=due.new if due else start,
        changes=(due, *later) if due else later,
        too_late=verdict.too_late,
        foreseen=due is None or due.up or policy.parked is not None or _foreseen(circuit_state, due, now),
        hindrance=next(
            _at_the_carrier(Change(circuit.name, now, due=True, old=start, new=circuit.highest), known), None
        ),
    )


def _coming(
    timeline: Timeline,
    circuit_state: CircuitState,
    *,
    start: Bandwidth,
    due: Change | None,
    now: datetime,
    policy: Policy,
) -> tuple[Change, ...]:
    level, after = (start, now) if due is None else _goes_on(timeline, due, now, policy)
    changes = coming_changes(timeline, level, after=after, until=now + policy.window, min_gap=policy.min_gap)
    decided = (
        replace(
            change,
            held=next(
                _decisions(change, timeline, circuit_state=circuit_state, at=change.at, policy=policy), None
            )
            or too_dear(change, timeline, circuit_state),
        )
        for change in changes
    )
    ordered_now = due is not None and due.held is None
    return tuple(hold_coming(decided, timeline, circuit_state, (now,) if ordered_now else ()))


def _goes_on(timeline: Timeline, due: Change, now: datetime, policy: Policy) -> tuple[Bandwidth, datetime]:
    """From which level the changes to come go on, and after which instant (UTC): a change that is held until
    a time counts as done then: a lowering as far as may be by that time. A circuit whose lowering is held is
    raised from where it stands, though, if more is asked for before."""
    after = _reached(timeline, due, now, policy)
    if due.held is None or due.held.until is None or due.held.reason in STANDSTILL:
        return due.new, after
    until = max(after, due.held.until)
    if not due.up:
        for segment in timeline.over(Interval(now, until)):
            if segment.target > due.old:
                return due.old, after
            after = max(after, segment.span.start)
        highest, _ = needed_ahead(timeline, until, policy.min_gap)
        return max(due.new, min(due.old, highest)), until
    return due.new, until


def _reached(timeline: Timeline, due: Change, now: datetime, policy: Policy) -> datetime:
    """When the timeline first asks for the very level of an up; a down holds from now on."""
    if not due.up:
        return now
    sight = scan(timeline, now, policy.timing(timeline.circuit).up_sight)
    starts = (segment.span.start for segment in timeline.over(sight) if segment.target == due.new)
    return max(now, next(starts))


class _Situation(Struct, frozen=True):
    """What is known as one circuit is planned, at `now` (UTC)."""

    timeline: Timeline
    circuit_state: CircuitState
    now: datetime
    policy: Policy
    knowledge: SafetyFlags


def _obstacles(change: Change, known: _Situation) -> Iterator[Held]:
    """What holds back `change`, which is due: each case in which it waits, the one that counts first."""
    timeline, circuit_state, now, policy = known.timeline, known.circuit_state, known.now, known.policy
    # Somebody decided: by `orders:`, by a pause, by a change freeze.
    yield from _decisions(change, timeline, circuit_state=circuit_state, at=now, policy=policy)
    # Another clock says that it is earlier, and by that one a pause still lasts.
    yield from _given(held_by_pause(circuit_state.pause, policy.pause, known.knowledge.earliest_now or now))
    # The carrier would refuse, or it is not known what it has already.
    yield from _at_the_carrier(change, known)
    # What is not known is not false: until it is known, the circuit stays up.
    yield from () if change.up else _doubts(change, known)
    # A person changed the circuit by hand, and is not fought.
    yield from _given(
        held_by_person(circuit_state, change, timeline, now, enforce=policy.enforce, parked=policy.parked)
    )
    # It costs more than somebody allowed.
    yield from _given(too_dear(change, timeline, circuit_state))


def _given(held: Held | None) -> Iterator[Held]:
    if held is not None:
        yield held


def _decisions(
    change: Change, timeline: Timeline, circuit_state: CircuitState, at: datetime, policy: Policy
) -> Iterator[Held]:
    """What somebody decided about a change that would be ordered `at` (UTC)."""
    orders = timeline.circuit.orders
    # The circuit is only watched, for the first weeks of trust.
    if orders is Orders.NONE:
        yield Held(Reason.OBSERVE)
    # The circuit is raised, but never lowered.
    if orders is Orders.UPS and not change.up:
        yield Held(Reason.UPS_ONLY)
    # This circuit, or all of them, are paused.
    yield from _given(held_by_pause(circuit_state.pause, policy.pause, at))
    # A calendar says that nothing, or no lowering, may happen now; or that soon nothing may be raised again.
    yield from _given(held_by_freeze(change, timeline, at, policy.timing(timeline.circuit).down_sight))


def _at_the_carrier(change: Change, known: _Situation) -> Iterator[Held]:
    """Why the carrier cannot be asked for `change` now."""
    circuit_state, knowledge, order = known.circuit_state, known.knowledge, known.circuit_state.order
    # An order is out, and nobody knows whether it arrived.
    if order is not None and order.outcome in (Outcome.SENDING, Outcome.UNKNOWN):
        yield Held(
            Reason.UNKNOWN_ORDER,
            order.created_at + known.policy.timeouts(known.timeline.circuit).resend_grace,
        )
    # An order was taken, and is not done yet.
    if order is not None:
        yield Held(Reason.PENDING)
    # The state was lost, and with it perhaps an order.
    if knowledge.unanswered_until is not None and known.now < knowledge.unanswered_until:
        yield Held(Reason.UNKNOWN_ORDER, knowledge.unanswered_until)
    # The carrier was asked for the circuit in this run, and gave no answer.
    if change.circuit in knowledge.unreadable:
        yield Held(Reason.CARRIER_UNREADABLE)
    # The carrier says that a change is under way, or says something that nobody has heard before.
    if circuit_state.reading is not None and circuit_state.reading.status is not Status.ACTIVE:
        pending = circuit_state.reading.status is Status.PENDING
        yield Held(Reason.PENDING if pending else Reason.STATUS_UNKNOWN)
    # The circuit seems to be there already: an inventory that lags, or a person.
    if _is_so_already(circuit_state, change):
        yield Held(Reason.PENDING)
    # Readings say that an order failed before its time; so do a copy that lags, and a step on the way.
    if may_still_come(circuit_state, known.timeline.circuit, known.policy):
        yield Held(Reason.PENDING)
    # Orders for this were lost as often as may be, or left the circuit at another bandwidth, twice.
    yield from _given(held_as_given_up(circuit_state, change))
    # The carrier said not now, or never; or it changes a circuit only so often.
    yield from _given(held_by_carrier(change, known.timeline, circuit_state, known.now))
    # A lowering failed just before.
    if not change.up and circuit_state.retry_at is not None and known.now < circuit_state.retry_at:
        yield Held(Reason.BACKOFF, circuit_state.retry_at)
    # Orders for this came to nothing, again and again.
    yield from _given(held_by_backoff(circuit_state, change, known.timeline.circuit, known.now, known.policy))


def _is_so_already(circuit_state: CircuitState, change: Change) -> bool:
    """True if the latest reading shows what `change` would order, but contradicts what was confirmed just
    before: a copy that lags, or a person. Nothing is ordered for what the carrier says is so; every run
    looks until it is known."""
    reading = circuit_state.reading
    settled = circuit_state.drift is not None or circuit_state.confirmed == change.new
    return reading is not None and not settled and reading.shows(change.new)


def _doubts(change: Change, known: _Situation) -> Iterator[Held]:
    """Why nobody can be sure that the circuit may be lowered."""
    timeline, knowledge = known.timeline, known.knowledge
    # The state was rebuilt in this run, from what the carrier and the history say.
    if knowledge.rebuilt:
        yield Held(Reason.STATE_REBUILT)
    # The servers say that our clock is wrong.
    if knowledge.clock_wrong:
        yield Held(Reason.CLOCK)
    # A calendar that could not be read may ask for more, where its last good reading ends.
    sight = scan(timeline, known.now, known.policy.timing(timeline.circuit).down_sight)
    blind_after = knowledge.blind_after.get(change.circuit)
    if blind_after is not None and sight.end > blind_after:
        yield Held(Reason.CALENDAR_UNREADABLE)
    # An event that nobody could understand may ask for more then.
    if any(sight.overlaps(doubt) for doubt in knowledge.doubtful.get(change.circuit, ())):
        yield Held(Reason.CALENDAR_UNREADABLE)
    # What asks for less is an `exactly` window that is only remembered.
    pin = timeline.at(known.now).pin
    if pin is not None and pin.demand.remembered_since is not None:
        yield Held(Reason.CALENDAR_UNREADABLE)


def _foreseen(circuit_state: CircuitState, change: Change, now: datetime) -> bool:
    return any(seen.at <= now and seen.new <= change.new for seen in circuit_state.foreseen)


def foresee(plan: CircuitPlan) -> tuple[Foreseen, ...]:
    """The lowerings that the next run may take as seen coming. One that is due and was not itself
    foreseen is left out: what the limit stopped today it must stop tomorrow. Nor is one kept that goes no
    lower than an earlier one: that says as much."""
    known = sorted((*plan.changes, *(left.change for left in plan.left_out)), key=lambda change: change.at)
    seen: list[Foreseen] = []
    for change in known:
        unplanned = change.due and not plan.foreseen
        if not change.up and not unplanned and all(change.new < earlier.new for earlier in seen):
            seen.append(Foreseen(change.at, change.new))
    return tuple(seen)


def limit_downs(plans: Sequence[CircuitPlan], policy: Policy) -> tuple[CircuitPlan, ...]:
    """Holds back the lowerings that no run saw coming, all together, if they are too many."""
    if len(unplanned_downs(plans)) <= max(policy.max_unplanned_downs, policy.allow_downs):
        return tuple(plans)
    stopped = set(unplanned_downs(plans))
    return tuple(
        hold_due(plan, Held(Reason.LIMIT)) if plan.circuit.name in stopped else plan for plan in plans
    )


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


def daily_limit(plans: Iterable[CircuitPlan]) -> int | None:
    """How many changes a day the one account of `plans` may have; where its entries disagree, the fewest."""
    limits = (plan.circuit.changes_per_day for plan in plans)
    return min((limit for limit in limits if limit is not None), default=None)


def next_quota_day(now: datetime) -> datetime:
    """When carriers begin to count anew: the next midnight UTC."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def in_order(plans: Iterable[CircuitPlan]) -> list[Change]:
    """The changes to ask the carrier for now: ups before downs, ups by the start of their event."""
    changes = [plan.to_try for plan in plans if plan.to_try is not None]
    return sorted(changes, key=lambda change: (not change.up, first_start(change), change.circuit))


def first_start(change: Change) -> datetime:
    """When the first of what asks for `change` begins."""
    return min((cause.start for cause in change.causes if not cause.ended), default=change.at)


def hold_due(plan: CircuitPlan, held: Held) -> CircuitPlan:
    """`plan` with the change that is due held back."""
    due, *later = plan.changes
    return replace(plan, changes=(replace(due, held=held), *later))


def view_from(now: datetime, circuit: Circuit, policy: Policy) -> Interval:
    """What a timeline must span for planning: a week back, so that the present level's beginning is
    seen, and as far ahead as the last change in the window has to look."""
    ahead = max(policy.timing(circuit).down_sight, longest_wait(circuit.tariff.billing))
    return Interval(now - timedelta(days=7), now + policy.window + ahead)
