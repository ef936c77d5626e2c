"""The cheapest use of the changes that an account has left on one day of its quota.

Pure integers: bandwidths in Mbps, times in seconds, prices in millionths an hour. docs/quota.md has the
argument for why this is exact, and says what it leaves out.

One circuit alone is a path through the steps of its own plan: at each step it stays, or moves to another
level that is not below the plan's. `options` finds, for each number of changes, the cheapest path. Circuits
meet only in the number of changes, so `cheapest` adds their tables up like a knapsack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

MIDNIGHT, EVE = -1, -2  # moves that are no step of the circuit's own plan

# Time above the level of an `exactly` window weighs more than any money.
_EXACTLY = 10**24
_UNREADY = 10**32
_NEVER = 10**40
# How large a table of totals may grow. In larger accounts the raises after a day's last lowering leave the
# reserve as all other changes do, and more circuits than must are made ready for the day after.
_MOST_TOTALS = 4096


@dataclass(frozen=True, slots=True)
class Step:
    """From `at` on, `level` is what the plan with unlimited changes orders; `down` where that is a lowering,
    `exact` where an `exactly` window governs. `id` tells the caller which change it was."""

    at: int
    level: int
    down: bool
    id: int
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """A change that is made: at a step of the plan, at the day's beginning (MIDNIGHT), or just before its
    end (EVE)."""

    at: int
    level: int
    id: int


@dataclass(frozen=True, slots=True)
class Need:
    """What one circuit asks for on one day.

    It begins at `level`, the plan with unlimited changes at `floor`. `steps` are those of the day, `beyond`
    those after its `end`, up to `horizon`, where knowledge ends. `rates` has a price for every level,
    `period` is the billing period. From `ready` up it needs no raise on the day after; `eve` is the last
    moment of this day to raise it.
    """

    name: str
    level: int
    floor: int
    steps: tuple[Step, ...]
    end: int
    beyond: tuple[Step, ...]
    horizon: int
    rates: Mapping[int, int]
    period: int
    ready: int = 0
    eve: int = 0


class Fit(StrEnum):
    """How a day's changes fit: all of them; the best of them; raises only; not even those."""

    PLENTY = "plenty"
    PLANNED = "planned"
    UPS_ONLY = "ups_only"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Allotment:
    """The moves of each circuit, by its name, in order. Where the fit is SHORT they are more than are left.
    `asked` is how many raises would be made if nothing were lowered and none brought forward."""

    fit: Fit
    moves: Mapping[str, tuple[Move, ...]]
    asked: int = 0


# By number of changes until the last lowering, number after it, and readiness (0 or 1): the cost of the
# cheapest way, and its moves.
_Way: TypeAlias = tuple[int, tuple[Move, ...]]
Table: TypeAlias = dict[tuple[int, int, int], _Way]
# By both numbers, level, and the highest tier already paid for in the billing period (0: none yet).
_States: TypeAlias = dict[tuple[int, int, int, int], _Way]
_Totals: TypeAlias = dict[int, list[int]]


def allot(needs: Iterable[Need], left: int, reserve: int, ready: int = 0) -> Allotment:
    """The cheapest moves of one account's circuits on one day, with `left` changes to make, `reserve` of
    which are not for lowerings; as many as can be of `ready` circuits are to end ready for the day after.

    The order of `needs` does not matter.
    """
    needs = sorted(needs, key=lambda need: need.name)
    paths = [tuple(follow(need)) for need in needs]
    last_down = max((step.at for need in needs for step in need.steps if step.down), default=None)
    count = sum(map(len, paths))
    tail = sum(last_down is None or move.at > last_down for path in paths for move in path)
    done = sum(_ends(need, path) >= need.ready for need, path in zip(needs, paths, strict=True))
    if (count == tail or count - tail <= left - reserve) and count <= left and done >= ready:
        return Allotment(Fit.PLENTY, _named(needs, paths))
    asked = sum(_raises(need) for need in needs)
    ways: list[tuple[Fit, Best | None]] = []
    if last_down is not None:
        counted_until = last_down if (left + 1) * (tail + 1) * (ready + 1) <= _MOST_TOTALS else None
        with_downs = cheapest([options(need, counted_until) for need in needs], left, reserve, ready)
        if with_downs is not None and with_downs.ready >= ready and asked <= left - reserve:
            return Allotment(Fit.PLANNED, _named(needs, with_downs.paths), asked)
        ways.append((Fit.PLANNED, with_downs))
    rising = [options(need, None, lowering=False) for need in needs]
    ways.append((Fit.UPS_ONLY, cheapest(rising, left, 0, ready)))
    found = [(fit, best) for fit, best in ways if best is not None]
    if found:
        fit, best = min(found, key=lambda way: (-way[1].ready, way[1].cost))
        return Allotment(fit, _named(needs, best.paths), asked)
    fewest = [min(table.items(), key=lambda entry: (entry[0], entry[1][0]))[1][1] for table in rising]
    return Allotment(Fit.SHORT, _named(needs, fewest), asked)


def follow(need: Need) -> Iterator[Move]:
    """The moves with unlimited changes: down as soon as may be, up when it must."""
    level = need.level
    for step in need.steps:
        if step.level > level or (step.down and step.level < level):
            level = step.level
            yield Move(step.at, level, step.id)


def _ends(need: Need, path: Sequence[Move]) -> int:
    return path[-1].level if path else need.level


def _raises(need: Need) -> int:
    """How often the level would rise if it never fell."""
    level, count = need.level, 0
    for step in need.steps:
        if step.level > level:
            level, count = step.level, count + 1
    return count


def _named(needs: Sequence[Need], paths: Iterable[tuple[Move, ...]]) -> dict[str, tuple[Move, ...]]:
    return {need.name: path for need, path in zip(needs, paths, strict=True)}


def options(need: Need, last_down: int | None, *, lowering: bool = True) -> Table:
    """The cheapest way of one circuit for each number of changes until `last_down`, and after it; without
    `last_down` all are counted as until then."""
    levels = sorted({need.level, *(step.level for step in need.steps)})
    first = need.steps[0].at if need.steps else need.end
    states: _States = {(0, 0, need.level, need.level if first % need.period else 0): (0, ())}
    ends = (*(step.at for step in need.steps[1:]), need.end)[: len(need.steps)]
    for step, end in zip(need.steps, ends, strict=True):
        late = last_down is not None and step.at > last_down
        states = _after(step, end, states, levels, need, lowering=lowering, late=late)
    return _pruned(_closed(need, states))


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
            if key not in reached or _better(way, reached[key]):
                reached[key] = way
    return reached


def _choices(step: Step, level: int, levels: Sequence[int], *, lowering: bool) -> Iterator[int]:
    """The levels to go on at: never below the step's, lowered only where the plan itself lowers."""
    if level < step.level:
        yield from (new for new in levels if new >= step.level)
        return
    yield level
    if lowering and step.down:
        yield from (new for new in levels if step.level <= new < level)


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
    """The day's end: what staying up costs afterwards, and whether the circuit is ready for the day after."""
    table: Table = {}

    def enter(changes: int, tail: int, level: int, cost: int, moves: tuple[Move, ...]) -> None:
        key = (changes, tail, int(level >= need.ready))
        way = (cost + _afterwards(need, level), moves)
        if key not in table or _better(way, table[key]):
            table[key] = way

    for (changes, tail, level, _), (cost, moves) in states.items():
        enter(changes, tail, level, cost, moves)
        if level < need.ready:
            enter(changes + 1, tail, need.ready, cost, (*moves, Move(need.eve, need.ready, EVE)))
    return table


def _afterwards(need: Need, level: int) -> int:
    """What ending the day at `level` costs beyond it: it stays there until the plan next lowers the circuit
    anyhow, or asks for as much."""
    floor, since, cost = _last_level(need), need.end, 0
    for step in need.beyond:
        if floor >= level:
            return cost
        cost += (need.rates[level] - need.rates[floor]) * (step.at - since)
        if step.down:
            return cost
        floor, since = step.level, step.at
    if floor < level:
        cost += (need.rates[level] - need.rates[floor]) * (need.horizon - since)
    return cost


def _last_level(need: Need) -> int:
    """Where the plan with unlimited changes stands at the day's end."""
    own = (step.level for step in reversed(need.steps) if step.id != MIDNIGHT)
    return next(own, need.floor)


def _pruned(table: Table) -> Table:
    """Without what costs more changes and saves nothing."""
    kept: Table = {}
    for (changes, tail, ready), way in sorted(table.items(), key=lambda entry: (*entry[0][:2], -entry[0][2])):
        better = (known for (_, late, other), known in kept.items() if late <= tail and other >= ready)
        if all(way[0] < known[0] for known in better):
            kept[changes, tail, ready] = way
    return kept


def _better(way: _Way, other: _Way) -> bool:
    """Cheaper, then fewer moves, then by what decides nothing but must always be decided alike."""
    if way[0] != other[0]:
        return way[0] < other[0]
    return (len(way[1]), [(m.at, m.level) for m in way[1]]) < (
        len(other[1]),
        [(m.at, m.level) for m in other[1]],
    )


@dataclass(frozen=True, slots=True)
class Best:
    """The moves of each circuit, what they cost, and how many of the circuits that were to be ready are."""

    paths: list[tuple[Move, ...]]
    cost: int
    ready: int


def cheapest(tables: Sequence[Table], left: int, reserve: int, ready: int) -> Best | None:
    """One entry of each table: as many of `ready` circuits ready as can be, then the lowest cost, with at
    most `left` changes in all and `reserve` fewer until the last lowering. None where nothing fits."""
    budget = min(left - reserve, sum(max(changes for changes, _, _ in table) for table in tables))
    if budget < 0:
        return None
    width = 1 + sum(max(tail for _, tail, _ in table) for table in tables)
    if (budget + 1) * width * (ready + 1) > _MOST_TOTALS:
        tables, ready = [_preferring_ready(table) for table in tables] if ready else tables, 0
    # By circuits ready a list: the cost of so many changes until the last lowering, and so many after it.
    layers: list[_Totals] = [{0: [0]}]
    for table in tables:
        layers.append(_added(layers[-1], table, (budget + 1) * width, width, ready))
    best: tuple[int, int, int] | None = None
    for count, costs in layers[-1].items():
        for place, cost in enumerate(costs):
            if cost < _NEVER and sum(divmod(place, width)) <= left:
                found = (-count, cost, place)
                best = found if best is None or found < best else best
    if best is None:
        return None
    count, cost, place = -best[0], best[1], best[2]
    return Best(_traced(tables, layers, count, place, width, ready), cost, count)


def _preferring_ready(table: Table) -> Table:
    """The table with readiness counted as a saving above any money: then all are made ready that can be."""
    preferring: Table = {}
    for (changes, tail, ready), (cost, moves) in table.items():
        way = (cost + (0 if ready else _UNREADY), moves)
        key = (changes, tail, 0)
        if key not in preferring or _better(way, preferring[key]):
            preferring[key] = way
    return preferring


def _added(before: _Totals, table: Table, size: int, width: int, ready: int) -> _Totals:
    """The totals with one table more, at most `size` of them."""
    furthest = max(changes * width + tail for changes, tail, _ in table)
    after: _Totals = {}
    for count, costs in before.items():
        length = min(size, len(costs) + furthest)
        for (changes, tail, is_ready), (cost, _) in table.items():
            shift = changes * width + tail
            moved = [known + cost if known < _NEVER else _NEVER for known in costs[: max(0, size - shift)]]
            shifted = [_NEVER] * min(shift, length) + moved
            shifted += [_NEVER] * (length - len(shifted))
            key = min(ready, count + is_ready)
            known = after.get(key, shifted)
            shorter, longer = sorted((known, shifted), key=len)
            after[key] = [*map(min, shorter, longer), *longer[len(shorter) :]]
    return after


def _traced(
    tables: Sequence[Table], layers: Sequence[_Totals], count: int, place: int, width: int, ready: int
) -> list[tuple[Move, ...]]:
    """Which entry of each table made up the best total: the way back through the layers."""
    chosen: list[tuple[Move, ...]] = []
    for table, before, after in zip(reversed(tables), reversed(layers[:-1]), reversed(layers), strict=False):
        total = after[count][place]
        place, count, moves = next(
            (earlier, known, way)
            for (changes, tail, is_ready), (cost, way) in table.items()
            for known, costs in before.items()
            if 0 <= (earlier := place - changes * width - tail) < len(costs)
            and min(ready, known + is_ready) == count
            and costs[earlier] < _NEVER
            and costs[earlier] + cost == total
        )
        chosen.append(moves)
    return chosen[::-1]
