"""One circuit's way through a day of its quota: for each number of changes the cheapest.

Pure integers: bandwidths in Mbps, times in seconds, prices in millionths an hour. A way is a path through the
steps of the circuit's own plan: at each it stays, or moves to another level that is not below the plan's.
docs/explanation/quota.md has the argument for why nothing else can be cheaper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

MIDNIGHT, EVE = -1, -2  # moves that are no step of the circuit's own plan

# Time above the level of an `exactly` window weighs more than any money.
_EXACTLY = 10**24


class Step(Struct, frozen=True):
    """From `at` on, `level` is what the plan with unlimited changes orders; `down` where that is a lowering,
    `exact` where an `exactly` window governs. `id` tells the caller which change it was."""

    at: int
    level: int
    down: bool
    id: int
    exact: bool = False


class Move(Struct, frozen=True, order=True):
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
    steps: tuple[Step, ...]
    end: int
    beyond: tuple[Step, ...]
    horizon: int
    rates: Mapping[int, int]
    period: int
    ready: int = 0
    eve: int = 0


# The cost of a way, and its moves: so the cheaper way is the lesser.
Way: TypeAlias = tuple[int, tuple[Move, ...]]
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
        states = _after(step, edges[number], states, levels, need, lowering=lowering, late=late)
    return _closed(need, states)


def _after(
    step: Step, end: int, states: _States, levels: Sequence[int], need: Need, *, lowering: bool, late: bool
) -> _States:
    """The states at `end`, each reached in the cheapest way through `step`."""
    reached: _States = {}
    for (changes, tail, level, paid), (cost, moves) in states.items():
        for new in _choices(step, level, levels, lowering=lowering):
            more, then_paid = _stay(need, new, paid, step.at, end)
            if step.exact and new > step.level:
                more += _EXACTLY * (end - step.at)
            moved = new != level
            way = (cost + more, (*moves, Move(step.at, new, step.id)) if moved else moves)
            key = (changes + (moved and not late), tail + (moved and late), new, then_paid)
            reached[key] = min(way, reached.get(key, way))
    return reached


def _choices(step: Step, level: int, levels: Sequence[int], *, lowering: bool) -> Iterator[int]:
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

    def enter(uses: Uses, level: int, cost: int, moves: tuple[Move, ...]) -> None:
        way = (cost + after[level], moves)
        table[uses] = min(way, table.get(uses, way))

    for (changes, tail, level, _), (cost, moves) in states.items():
        is_ready = level >= need.ready
        enter((changes, tail, is_ready), level, cost, moves)
        if not is_ready:
            made = (*moves, Move(need.eve, need.ready, EVE))
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
