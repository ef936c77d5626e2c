"""What circuits share: the limit on unplanned lowerings, and the daily quota of their account.

With changes to spare each circuit keeps the plan it has by itself. Otherwise `iodcal.domain.quota` finds the
cheapest use of what is left, day by day, and the plans are written anew from its moves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType

from msgspec import Struct, field

from iodcal.domain.changes import Held, Reason
from iodcal.domain.circuits import Account, Orders
from iodcal.domain.courses import EVE, Course, course_of, levels_of, rewritten
from iodcal.domain.held import held_by_backoff
from iodcal.domain.planning import (
    CircuitPlan,
    Shortage,
    daily_limit,
    first_start,
    hold_due,
    in_order,
    limit_downs,
    next_quota_day,
)
from iodcal.domain.policy import Policy
from iodcal.domain.quota import Allotment, QuotaFit, allot_quota
from iodcal.domain.structs import replace

_ONE_DAY = timedelta(days=1)


_NONE: Mapping[Account, int] = MappingProxyType({})


def plan_together(
    plans: Sequence[CircuitPlan],
    now: datetime,
    policy: Policy,
    used: Mapping[Account, int],
    refused: Mapping[Account, int] = _NONE,
) -> tuple[CircuitPlan, ...]:
    """Lays on what circuits share. `used` counts each account's orders of this UTC day, `refused` those that
    the carrier refused and may have counted all the same. The order of the circuits stays, and does not
    matter."""
    limited = limit_downs(plans, policy)
    by_account: defaultdict[Account, list[CircuitPlan]] = defaultdict(list)
    for plan in limited:
        if plan.circuit.orders is not Orders.NONE:
            by_account[plan.circuit.account].append(plan)
    planned = {
        plan.circuit.name: plan
        for account, of_account in by_account.items()
        if (limit := daily_limit(of_account)) is not None
        for plan in _within_quota(
            of_account,
            limit,
            now=now,
            policy=policy,
            used=used.get(account, 0),
            refused=refused.get(account, 0),
        )
    }
    return tuple(planned.get(plan.circuit.name, plan) for plan in limited)


def hold_beyond_quota(
    plans: Sequence[CircuitPlan],
    handed: Collection[str],
    now: datetime,
    policy: Policy,
    used: Mapping[Account, int],
    *,
    refused: Mapping[Account, int] = _NONE,
) -> tuple[CircuitPlan, ...]:
    """Holds back what has no room beside the orders that this run has `handed` over, by circuit key. `used`
    counts each account's orders before the run: an answer since may have changed which changes are the best,
    but not which are out."""
    by_account: defaultdict[Account, list[CircuitPlan]] = defaultdict(list)
    for plan in plans:
        by_account[plan.circuit.account].append(plan)
    stopped: set[str] = set()
    for account, of_account in by_account.items():
        limit = daily_limit(of_account)
        if limit is None:
            continue
        waiting = [plan for plan in of_account if plan.circuit.key not in handed]
        room = limit - used.get(account, 0) - (len(of_account) - len(waiting))
        by_name = {plan.circuit.name: plan for plan in waiting}
        for change in in_order(waiting):
            plan = by_name[change.circuit]
            kept = 0 if change.up else policy.quota_reserve
            if plan.repeats or plan.in_trouble:
                kept = _needed_elsewhere(plan, of_account, refused.get(account, 0), now, policy)
            if room > kept:
                room -= 1
            else:
                stopped.add(change.circuit)
    held = Held(Reason.QUOTA, next_quota_day(now))
    return tuple(hold_due(plan, held) if plan.circuit.name in stopped else plan for plan in plans)


def _hold_repetitions(
    plans: Sequence[CircuitPlan], left: int, refused: int, now: datetime, policy: Policy
) -> list[CircuitPlan]:
    """Holds back what repeats an order that came to nothing, where the `left` changes are needed elsewhere:
    one sick circuit must not use up its account."""
    by_name = {plan.circuit.name: plan for plan in plans}
    held = Held(Reason.QUOTA, next_quota_day(now))
    for change in in_order(plans):
        plan = by_name[change.circuit]
        if not (plan.repeats or plan.in_trouble):
            continue
        if left > _needed_elsewhere(plan, plans, refused, now, policy):
            left -= 1
        else:
            by_name[change.circuit] = hold_due(plan, held)
    return list(by_name.values())


def _needed_elsewhere(
    plan: CircuitPlan, plans: Iterable[CircuitPlan], refused: int, now: datetime, policy: Policy
) -> int:
    """How many changes an order on `plan`'s circuit must leave, where orders came to nothing before: the
    reserve, or the raises known for the rest of the day where they are more, its own later ones among them;
    and what the carrier may have counted as `refused`, if anybody else needs a change.

    What failed twice alike, and a lowering, leave both, and room for the others' lowerings, which only have
    what is beyond the reserve. The first order for a new demand leaves the raises alone.
    """
    end = next_quota_day(now)
    own = sum(change.up and not change.due and change.at < end for change in plan.changes)
    others = [one for one in plans if one.circuit.key != plan.circuit.key]
    theirs = [change for one in others for change in one.changes if change.at < end]
    raises = own + sum(change.up for change in theirs)
    counted = refused if theirs else 0
    if not plan.repeats:
        return raises + counted
    if plan.in_trouble or (plan.due is not None and not plan.due.up):
        return policy.quota_reserve + raises + sum(not change.up for change in theirs) + counted
    return max(policy.quota_reserve, raises) + counted


def _within_quota(
    plans: Sequence[CircuitPlan], limit: int, *, now: datetime, policy: Policy, used: int, refused: int
) -> Iterator[CircuitPlan]:
    """One account's plans within its quota."""
    plans = _hold_repetitions(plans, limit - used, refused, now, policy)
    fixed = [plan for plan in plans if _is_fixed(plan)]
    free = sorted((plan for plan in plans if not _is_fixed(plan)), key=lambda plan: plan.circuit.name)
    priced = _priced(free)
    courses = [course_of(plan, now, policy, priced=priced) for plan in free]
    days = _Days(courses, fixed, limit=limit, used=used, refused=refused, now=now, policy=policy)
    days.plan()
    shortages = tuple(days.shortages[day] for day in sorted(days.shortages))
    for plan in fixed:
        yield replace(plan, shortages=shortages)
    for course in courses:
        plan = _waits_on(rewritten(course), now, policy) if days.differ else course.plan
        yield replace(plan, shortages=shortages)


def _waits_on(plan: CircuitPlan, now: datetime, policy: Policy) -> CircuitPlan:
    """`plan` as the quota wrote it anew, maybe to another level: one that failed just before waits, too."""
    if plan.to_try is None:
        return plan
    held = held_by_backoff(plan.circuit_state, plan.to_try, plan.circuit, now, policy)
    return hold_due(plan, held) if held is not None else plan


class _Days(Struct):
    """The days ahead of one account, one after another. `differ` is True once the quota has made one other
    than it would be by itself."""

    courses: Sequence[Course]
    fixed: Sequence[CircuitPlan]
    limit: int
    used: int
    refused: int
    now: datetime
    policy: Policy
    shortages: dict[date, Shortage] = field(default_factory=dict)
    differ: bool = False

    def plan(self) -> None:
        """Makes the moves of every day."""
        horizon = self.now + self.policy.window
        start = self.now
        while start < horizon:
            end = min(next_quota_day(start), horizon)
            ready = self._ready(end, horizon)
            needs = [course.need(start, end, ready=ready > 0) for course in self.courses]
            left = self._left(start, end)
            self._make(allot_quota(needs, left, self.policy.quota_reserve, ready), left, start, end)
            start = end

    def _ready(self, end: datetime, horizon: datetime) -> int:
        """How many circuits must need no raise after `end`: the next day has changes for the others only."""
        if end >= horizon:
            return 0
        return max(0, len(self.courses) - self._left(end, min(end + _ONE_DAY, horizon)))

    def _left(self, start: datetime, end: datetime) -> int:
        """The changes of a day, less those that circuits with a held change will need."""
        used = self.used + self.refused if start == self.now else 0
        return max(0, self.limit - used - _set_aside(self.fixed, start, end))

    def _make(self, allotment: Allotment, left: int, start: datetime, end: datetime) -> None:
        self.differ = self.differ or allotment.fit is not QuotaFit.PLENTY
        for course in self.courses:
            course.go(allotment.moves[course.name])
        unmet = self._leave_unmet(allotment, start, end) if allotment.fit is QuotaFit.SHORT else 0
        if allotment.asked > left:
            self.shortages[start.date()] = Shortage(start.date(), allotment.asked, left, unmet)
        early = sum(move.id == EVE for moves in allotment.moves.values() for move in moves)
        if early:
            room = self._left(end, end + _ONE_DAY)
            self.shortages[end.date()] = Shortage(end.date(), room + early, room, 0)

    def _leave_unmet(self, allotment: Allotment, start: datetime, end: datetime) -> int:
        """Who goes without where even raises do not fit: those whose event begins last. How many that are."""
        waiting = sorted(
            (first_start(course.plan.changes[moves[0].id]), course.name, course, moves[0])
            for course in self.courses
            if (moves := allotment.moves[course.name])
        )
        # What is due now waits neither for a circuit that cannot be ordered for yet, nor for a refusal that
        # the carrier may not have counted.
        left = max(0, self.limit - (self.used if start == self.now else 0))
        for _, _, course, move in waiting[left:]:
            course.unmet[move] = end
        return len(waiting[left:])


def _is_fixed(plan: CircuitPlan) -> bool:
    """True if something else decides about what is due on a circuit, so that the quota cannot plan it: what
    holds it back, or that an order came to nothing, which is tried again or waits from run to run."""
    return plan.repeats or (plan.due is not None and plan.due.held not in (None, Held(Reason.PRICE)))


def _set_aside(plans: Iterable[CircuitPlan], start: datetime, end: datetime) -> int:
    """The changes of `plans` from `start` to `end` that may well be made: raises, and what is not held. What
    repeats a failed order takes only what is left over."""
    changes = (
        change
        for plan in plans
        for change in plan.changes
        if (change.up or change.held is None) and not (change.due and plan.repeats)
    )
    return sum(change.at < end and (change.due or change.at >= start) for change in changes)


def _priced(plans: Iterable[CircuitPlan]) -> bool:
    """True if every level that the circuits may stand at has a price, all in one currency."""
    currencies = set()
    for plan in plans:
        tariff = plan.tariff
        currencies.add(tariff.currency)
        if any(tariff.rate(level) is None for level in levels_of(plan)):
            return False
    return len(currencies) <= 1
