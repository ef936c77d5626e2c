"""One circuit's way through a day of its quota: for each number of changes the cheapest.

Pure integers: bandwidths in Mbps, times in seconds, prices in millionths an hour. A way is a path through the
steps of the circuit's own plan: at each it stays, or moves to another level that is not below the plan's.
docs/explanation/quota.md has the argument for why nothing else can be cheaper.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import TypeAlias

from msgspec import Struct, field

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.billing import cost_difference
from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.circuits import Orders
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Billing
from iodcal.domain.planning import CircuitPlan, LeftOut, next_quota_day
from iodcal.domain.policy import Policy
from iodcal.domain.steps import Steps
from iodcal.domain.structs import replace

MIDNIGHT, EVE = -1, -2  # moves that are no step of the circuit's own plan

# Time above the level of an `exactly` window weighs more than any money.
_EXACTLY = 10**24


class WalkStep(Struct, frozen=True):
    """From `at` on, `level` is what the plan with unlimited changes orders; `down` where that is a lowering,
    `exact` where an `exactly` window governs. `id` tells the caller which change it was."""

    at: int
    level: int
    down: bool
    id: int
    exact: bool = False


class LevelMove(Struct, frozen=True, order=True):
    """A change that is made: at a step of the plan, at the day's beginning (MIDNIGHT), or just before its
    end (EVE). The order of moves decides nothing but which of two equally good ways is taken."""

    at: int
    level: int
    id: int


class Need(Struct, frozen=True):
    """What one circuit asks for on one day.

    It begins at `level`. `steps` are those of its plan with unlimited changes on this day, `beyond` those
    after its `end`, up to `horizon`, where knowledge ends. `rates` has a price for every level, `period` is
    the billing period. From `ready` up it needs no raise on the day after; `eve` is the last moment of this
    day to raise it.
    """

    name: str
    level: int
    steps: tuple[WalkStep, ...]
    end: int
    beyond: tuple[WalkStep, ...]
    horizon: int
    rates: Mapping[int, int]
    period: int
    ready: int = 0
    eve: int = 0


# The cost of a way, and its moves: so the cheaper way is the lesser.
Way: TypeAlias = tuple[int, tuple[LevelMove, ...]]
# The number of changes until the last lowering, the number after it, and readiness (0 or 1).
Uses: TypeAlias = tuple[int, int, int]
# By what it uses the cheapest way.
Table: TypeAlias = dict[Uses, Way]
# By both numbers, level, and the highest tier already paid for in the billing period (0: none yet).
_States: TypeAlias = dict[tuple[int, int, int, int], Way]


def options(need: Need, last_down: int | None, *, lowering: bool = True) -> Table:
    """The cheapest way of one circuit for each number of changes until `last_down`, and after it; without
    `last_down` all are counted as until then."""
    levels = sorted({need.level, *(step.level for step in need.steps)})
    first = need.steps[0].at if need.steps else need.end
    states: _States = {(0, 0, need.level, need.level if first % need.period else 0): (0, ())}
    edges = (*(step.at for step in need.steps), need.end)
    for number, step in enumerate(need.steps, 1):
        late = last_down is not None and step.at > last_down
        states = _after(
            step, edges[number], states=states, levels=levels, need=need, lowering=lowering, late=late
        )
    return _closed(need, states)


def _after(
    step: WalkStep,
    end: int,
    states: _States,
    levels: Sequence[int],
    need: Need,
    *,
    lowering: bool,
    late: bool,
) -> _States:
    """The states at `end`, each reached in the cheapest way through `step`."""
    reached: _States = {}
    for (changes, tail, level, paid), (cost, moves) in states.items():
        for new in _choices(step, level, levels, lowering=lowering):
            more, then_paid = _stay(need, new, paid=paid, start=step.at, end=end)
            if step.exact and new > step.level:
                more += _EXACTLY * (end - step.at)
            moved = new != level
            way = (cost + more, (*moves, LevelMove(step.at, new, step.id)) if moved else moves)
            key = (changes + (moved and not late), tail + (moved and late), new, then_paid)
            reached[key] = min(way, reached.get(key, way))
    return reached


def _choices(step: WalkStep, level: int, levels: Sequence[int], *, lowering: bool) -> Iterator[int]:
    """The levels to go on at: never below the step's, lowered only where the plan itself lowers."""
    if level < step.level:
        return (new for new in levels if new >= step.level)
    lowest = step.level if lowering and step.down else level
    return (new for new in levels if lowest <= new <= level)


def _stay(need: Need, level: int, paid: int, start: int, end: int) -> tuple[int, int]:
    """What a stay at `level` costs beyond what is paid, and what is then paid in the period at `end`."""
    rates, period = need.rates, need.period
    further = (end - 1) // period - start // period  # billing periods that begin during the stay
    highest = max(level, paid)
    cost = (rates[highest] - (rates[paid] if paid else 0) + further * rates[level]) * period
    if end % period == 0:
        return cost, 0
    return cost, level if further else highest


def _closed(need: Need, states: _States) -> Table:
    """The day's end: what staying up costs afterwards, and whether the circuit is ready for the day after.
    In order, so that a circuit's fewest changes come first where two ways are equally good."""
    table: Table = {}
    after = {
        level: _afterwards(need, level) for level in {need.ready, *(state[2] for state in states)} if level
    }

    def enter(uses: Uses, level: int, cost: int, moves: tuple[LevelMove, ...]) -> None:
        way = (cost + after[level], moves)
        table[uses] = min(way, table.get(uses, way))

    for (changes, tail, level, _), (cost, moves) in states.items():
        is_ready = level >= need.ready
        enter((changes, tail, is_ready), level, cost, moves)
        if not is_ready:
            made = (*moves, LevelMove(need.eve, need.ready, EVE))
            enter((changes + 1, tail, True), need.ready, cost, made)
    return dict(sorted(table.items()))


def _afterwards(need: Need, level: int) -> int:
    """What ending the day at `level` costs after it: it stays there until the plan next lowers the circuit
    anyhow, or asks for as much. Where the plan itself goes up meanwhile, only what is above that counts."""
    since, spared, cost = need.end, 0, 0
    for step in need.beyond:
        cost += (need.rates[level] - spared) * (step.at - since)
        if step.down or step.level >= level:
            return cost
        since, spared = step.at, need.rates[step.level]
    return cost + (need.rates[level] - spared) * (need.horizon - since)


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
    steps: tuple[WalkStep, ...]
    level: int
    moves: list[LevelMove] = field(default_factory=list)
    unmet: dict[LevelMove, datetime] = field(default_factory=dict)

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
            period=_period(self.plan.circuit.tariff.billing),
            ready=self._highest(close, close + 86_400) if ready else 0,
            eve=max(begin, eve, *(step.at + 1 for step in here)),
        )

    def go(self, moves: Sequence[LevelMove]) -> None:
        """Makes the moves of a day."""
        self.moves += moves
        self.level = moves[-1].level if moves else self.level

    def _fresh(self, begin: int) -> WalkStep | None:
        """With a new day's changes a circuit that was left up may be lowered, if that is worth it. One that
        went up on the evening before was not left up."""
        sight = int(self.policy.timing(self.plan.circuit).down_sight.total_seconds())
        lowest = self._highest(begin, begin + sight)
        lowered = [step.at for step in self.steps if step.down and step.at < begin]
        left_up = lowered and all(move.at <= lowered[-1] for move in self.moves)
        return WalkStep(begin, lowest, down=True, id=MIDNIGHT) if left_up and lowest < self.level else None

    def _highest(self, begin: int, end: int) -> int:
        """The highest level of the circuit's own plan from `begin` on until just before `end`."""
        first, last = self._reached(begin + 1), self._reached(end)
        level = self.steps[first - 1].level if first else _first_level(self.plan)
        return max(level, *(step.level for step in self.steps[first:last]), 0)

    def _reached(self, second: int) -> int:
        """How many steps of the circuit's own plan lie before `second`."""
        return bisect_left(self.steps, second, key=_AT)


def _period(billing: Billing) -> int:
    """The seconds of which the highest tier is paid for; of a day of change that is no tier but the last."""
    return Billing.MINUTE.seconds if billing is Billing.CHANGE_DAY else billing.seconds


def course_of(plan: CircuitPlan, now: datetime, policy: Policy, *, priced: bool) -> Course:
    """The course of `plan`. Without `priced` a tier counts by its bandwidth: the more, the dearer."""
    steps = tuple(_steps(plan, now))
    first = _first_level(plan)
    rates = {level: level for level in (first, *(step.level for step in steps))}
    if priced:
        tariff = plan.tariff
        rates = {level: int((tariff.per_hour(Bandwidth(level)) or 0) * _PRICE_UNITS) for level in rates}
    return Course(plan, now, policy=policy, rates=rates, steps=steps, level=first)


def _steps(plan: CircuitPlan, now: datetime) -> Iterator[WalkStep]:
    """The changes of `plan` as steps; where lowering is not allowed only those above all before them."""
    highest, ups_only = _first_level(plan), plan.circuit.orders is Orders.UPS
    for number, change in enumerate(plan.changes):
        if ups_only and change.new.mbps <= highest:
            continue
        highest = max(highest, change.new.mbps)
        at = now if change.due else change.at
        exact = plan.timeline.at(at).pin is not None
        yield WalkStep(_seconds(at), change.new.mbps, down=not change.up, id=number, exact=exact)


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


def _made(course: Course, move: LevelMove, old: Bandwidth) -> Change:
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
            more = cost_difference(instead, Steps((start,), (change.new,)), over, tariff)
            yield LeftOut(replace(change, held=Held(Reason.QUOTA)), kept, until, more)


def _way(course: Course) -> Steps[Bandwidth]:
    """The levels that the moves make of the circuit's present one, over time."""
    moved = ((datetime.fromtimestamp(move.at, UTC), Bandwidth(move.level)) for move in course.moves)
    return Steps.of([(course.now, Bandwidth(_first_level(course.plan))), *moved])
