"""Between plans and the arithmetic of the quota: a circuit's plan as steps, and moves as a plan again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter

from msgspec import Struct, field

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.billing import difference
from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.circuits import Orders
from iodcal.domain.localtime import Interval
from iodcal.domain.planning import CircuitPlan, LeftOut, Policy, next_quota_day
from iodcal.domain.steps import Steps
from iodcal.domain.values import replace
from iodcal.domain.walk import EVE, MIDNIGHT, Move, Need, Step

_PRICE_UNITS = 10**6
_AT = attrgetter("at")


class Course(Struct):
    """One circuit's way through the days: the steps of its own plan, and the moves made of them so far.

    `level` is where the moves have brought it (Mbps); `unmet` has the time (UTC) until which a raise waits,
    by its move.
    """

    plan: CircuitPlan
    now: datetime
    policy: Policy
    rates: Mapping[int, int]
    steps: tuple[Step, ...]
    level: int
    moves: list[Move] = field(default_factory=list)
    unmet: dict[Move, datetime] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.plan.circuit.name

    def need(self, start: datetime, end: datetime, *, ready: bool) -> Need:
        """What the circuit asks for from `start` to `end` (UTC). With `ready` it may be raised just before
        `end` to what the day after needs."""
        begin, close = _seconds(start), _seconds(end)
        first, last = self._reached(begin), self._reached(close)
        here = self.steps[first:last]
        fresh = self._fresh(begin)
        eve = close - 2 * int(self.policy.every.total_seconds())
        return Need(
            name=self.name,
            level=self.level,
            steps=(fresh, *here) if fresh else here,
            end=close,
            beyond=self.steps[last:],
            horizon=_seconds(self.now + self.policy.window),
            rates=self.rates,
            period=self.plan.circuit.tariff.billing.seconds,
            ready=self._highest(close, close + 86_400) if ready else 0,
            eve=max(begin, eve, *(step.at + 1 for step in here)),
        )

    def go(self, moves: Sequence[Move]) -> None:
        """Makes the moves of a day."""
        self.moves += moves
        self.level = moves[-1].level if moves else self.level

    def _fresh(self, begin: int) -> Step | None:
        """With a new day's changes a circuit that was left up may be lowered, if that is worth it. One that
        went up on the evening before was not left up."""
        sight = int(self.policy.pace(self.plan.circuit).down_sight.total_seconds())
        lowest = self._highest(begin, begin + sight)
        lowered = [step.at for step in self.steps if step.down and step.at < begin]
        left_up = lowered and all(move.at <= lowered[-1] for move in self.moves)
        return Step(begin, lowest, True, MIDNIGHT) if left_up and lowest < self.level else None

    def _highest(self, begin: int, end: int) -> int:
        """The highest level of the circuit's own plan from `begin` on until just before `end`."""
        first, last = self._reached(begin + 1), self._reached(end)
        level = self.steps[first - 1].level if first else _first_level(self.plan)
        return max(level, *(step.level for step in self.steps[first:last]), 0)

    def _reached(self, second: int) -> int:
        """How many steps of the circuit's own plan lie before `second`."""
        return bisect_left(self.steps, second, key=_AT)


def course_of(plan: CircuitPlan, now: datetime, policy: Policy, *, priced: bool) -> Course:
    """The course of `plan`. Without `priced` a tier counts by its bandwidth: the more, the dearer."""
    steps = tuple(_steps(plan, now))
    first = _first_level(plan)
    rates = {level: level for level in (first, *(step.level for step in steps))}
    if priced:
        tariff = plan.tariff
        rates = {level: int((tariff.per_hour(Bandwidth(level)) or 0) * _PRICE_UNITS) for level in rates}
    return Course(plan, now, policy, rates, steps, first)


def _steps(plan: CircuitPlan, now: datetime) -> Iterator[Step]:
    """The changes of `plan` as steps; where lowering is not allowed only those above all before them."""
    highest, ups_only = _first_level(plan), plan.circuit.orders is Orders.UPS
    for number, change in enumerate(plan.changes):
        if ups_only and change.new.mbps <= highest:
            continue
        highest = max(highest, change.new.mbps)
        at = now if change.due else change.at
        exact = plan.timeline.at(at).pin is not None
        yield Step(_seconds(at), change.new.mbps, not change.up, number, exact)


def levels_of(plan: CircuitPlan) -> Iterator[Bandwidth]:
    """Every level that a circuit may stand at."""
    yield Bandwidth(_first_level(plan))
    yield from (change.new for change in plan.changes)


def _first_level(plan: CircuitPlan) -> int:
    return (plan.changes[0].old if plan.changes else plan.target).mbps


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def rewritten(course: Course) -> CircuitPlan:
    """The circuit's plan as its moves have it, with what they leave out."""
    plan, level = course.plan, Bandwidth(_first_level(course.plan))
    changes: list[Change] = []
    for move in course.moves:
        change = _made(course, move, level)
        until = course.unmet.get(move)
        changes.append(replace(change, held=Held(Reason.QUOTA, until)) if until else change)
        level = change.new
    target = plan.target
    if changes and changes[0].due:
        target = changes[0].new
    elif plan.due is not None:
        # What the quota has no room for now stays due: it goes as soon as there is some.
        waits = Held(Reason.QUOTA, next_quota_day(course.now))
        changes.insert(0, replace(plan.due, held=waits))
    return replace(plan, changes=tuple(changes), target=target, left_out=tuple(_left_out(course)))


def _made(course: Course, move: Move, old: Bandwidth) -> Change:
    """The change that a move is. Its causes are those of the changes that it stands for."""
    known, new = course.plan.changes, Bandwidth(move.level)
    if move.id == MIDNIGHT:
        base = [change for change in known if not change.up and _seconds(change.at) <= move.at][-1]
    elif move.id == EVE:
        base = next(change for change in known if change.new >= new and _seconds(change.at) > move.at)
    else:
        return _stretched(known[move.id], old, new, known[move.id :])
    at = datetime.fromtimestamp(move.at, UTC)
    due = at <= course.now
    held = base.held or (course.plan.hindrance if due else None)
    return replace(base, at=at, due=due, old=old, new=new, held=held)


def _stretched(change: Change, old: Bandwidth, new: Bandwidth, later: Sequence[Change]) -> Change:
    """`change` from another level, or to a higher one: then also for what `later` causes that."""
    if new == change.new:
        return change if old == change.old else replace(change, old=old)
    higher = next((one.causes for one in later if one.new == new), ())
    return replace(change, old=old, new=new, causes=tuple(dict.fromkeys((*change.causes, *higher))))


def _left_out(course: Course) -> Iterator[LeftOut]:
    """Where the circuit stands higher than its own plan, change by change of that plan."""
    if course.plan.circuit.orders is Orders.UPS:
        return  # never lowered is what its owner wants
    changes, instead, tariff = course.plan.changes, _way(course), course.plan.tariff
    starts = [course.now if change.due else change.at for change in changes]
    edges = [*starts, course.now + course.policy.window]
    for number, change in enumerate(changes):
        start, end = edges[number : number + 2]
        kept = instead.at(start)
        if kept > change.new:
            over = Interval(start, end)
            until = next((piece.end for piece, _ in instead.pieces(over)), end)
            more = difference(instead, Steps((start,), (change.new,)), over, tariff)
            yield LeftOut(replace(change, held=Held(Reason.QUOTA)), kept, until, more)


def _way(course: Course) -> Steps[Bandwidth]:
    """The levels that the moves make of the circuit's present one, over time."""
    moved = ((datetime.fromtimestamp(move.at, UTC), Bandwidth(move.level)) for move in course.moves)
    return Steps.of([(course.now, Bandwidth(_first_level(course.plan))), *moved])
