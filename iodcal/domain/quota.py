"""The cheapest use of the changes that an account has left on one day of its quota.

`iodcal.domain.courses` finds each circuit's cheapest way for each number of changes, `cheapest` the best
split of the changes between them (a knapsack). docs/explanation/quota.md has the argument for why this is
exact, and says what it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from math import inf
from typing import TypeAlias

from msgspec import Struct

from iodcal.domain.courses import LevelMove, Need, Table, Uses, options


class QuotaFit(StrEnum):
    """How a day's changes fit: all of them; the best of them; raises only; not even those."""

    PLENTY = "plenty"
    PLANNED = "planned"
    UPS_ONLY = "ups_only"
    SHORT = "short"


class Allotment(Struct, frozen=True):
    """The moves of each circuit, by its name, in order. Where the fit is SHORT they are more than are left.
    `asked` is how many raises would be made if nothing were lowered and none brought forward."""

    fit: QuotaFit
    moves: Mapping[str, tuple[LevelMove, ...]]
    asked: int = 0


def allot_quota(needs: Iterable[Need], left: int, reserve: int, ready: int = 0) -> Allotment:
    """The cheapest moves of one account's circuits on one day, with `left` changes to make, `reserve` of
    which are not for lowerings; as many as can be of `ready` circuits are to end ready for the day after.

    The order of `needs` does not matter.
    """
    needs = sorted(needs, key=lambda need: need.name)
    own = {need.name: tuple(follow_plan(need)) for need in needs}
    last_down = max((step.at for need in needs for step in need.steps if step.down), default=None)
    count = sum(map(len, own.values()))
    tail = sum(last_down is None or move.at > last_down for path in own.values() for move in path)
    done = sum(_ends(need, own[need.name]) >= need.ready for need in needs)
    if (count == tail or count - tail <= left - reserve) and count <= left and done >= ready:
        return Allotment(QuotaFit.PLENTY, own)
    asked = sum(_raises(need) for need in needs)
    ways: list[tuple[QuotaFit, BestChoice | None]] = []
    if last_down is not None:
        counted_until = last_down if is_small(left, tail, ready) else None
        tables = {need.name: options(need, counted_until) for need in needs}
        ways.append((QuotaFit.PLANNED, cheapest(tables, left, reserve, ready)))
    rising = {need.name: options(need, None, lowering=False) for need in needs}
    ways.append((QuotaFit.UPS_ONLY, cheapest(rising, left, 0, ready)))  # raises may use the reserve
    found = [(fit, best) for fit, best in ways if best is not None]
    if found:
        fit, best = min(found, key=lambda way: (-way[1].ready, way[1].cost))
        return Allotment(fit, best.paths, asked)
    fewest = {name: table[min(table)][1] for name, table in rising.items()}
    return Allotment(QuotaFit.SHORT, fewest, asked)


def follow_plan(need: Need) -> Iterator[LevelMove]:
    """The moves with unlimited changes: down as soon as may be, up when it must."""
    level = need.level
    for step in need.steps:
        wanted = step.level if step.down else max(step.level, level)
        if wanted != level:
            level = wanted
            yield LevelMove(step.at, level, step.id)


def _ends(need: Need, path: Sequence[LevelMove]) -> int:
    return path[-1].level if path else need.level


def _raises(need: Need) -> int:
    """How often the level would rise if it never fell."""
    level, count = need.level, 0
    for step in need.steps:
        if step.level > level:
            level, count = step.level, count + 1
    return count


_UNREADY = 10**32
_MOST_TOTALS = 4096

# By circuits ready a list: the cost of so many changes until the last lowering (beyond those that a circuit
# needs anyhow), and so many after it. Costs are ints, and `inf` where nothing costs that: added to an int it
# stays what it is.
_Totals: TypeAlias = Mapping[int, list[float]]
# A circuit, its table, and the totals of those before it.
_Stage: TypeAlias = tuple[str, Table, _Totals]


class BestChoice(Struct, frozen=True):
    """The moves of each circuit by its name, what they cost, and how many of the circuits that were to be
    ready are."""

    paths: Mapping[str, tuple[LevelMove, ...]]
    cost: int
    ready: int


def is_small(changes: int, tail: int, ready: int) -> bool:
    """True if a table of totals for so many changes until the last lowering, so many after it, and so many
    circuits ready is small enough. In larger accounts the raises after a day's last lowering leave the
    reserve as all other changes do, and more circuits than must are made ready for the day after."""
    return (changes + 1) * (tail + 1) * (ready + 1) <= _MOST_TOTALS


def cheapest(tables: Mapping[str, Table], left: int, reserve: int, ready: int) -> BestChoice | None:
    """One entry of each table: as many of `ready` circuits ready as can be, then the lowest cost, with at
    most `left` changes in all and `reserve` fewer until the last lowering. None where nothing fits."""
    fewest = {name: min(changes for changes, _, _ in table) for name, table in tables.items()}
    tables = {name: _beyond(table, fewest[name]) for name, table in tables.items()}
    left -= sum(fewest.values())
    budget = min(left - reserve, sum(max(changes for changes, _, _ in table) for table in tables.values()))
    if budget < 0:
        return None
    width = 1 + sum(max(tail for _, tail, _ in table) for table in tables.values())
    apart = ready if is_small(budget, width - 1, ready) else 0
    stages: list[_Stage] = []
    totals: _Totals = {0: [0]}
    for name, table in tables.items():
        weighed = table if apart == ready else _preferring_ready(table)
        stages.append((name, weighed, totals))
        totals = _added(totals, weighed, size=(budget + 1) * width, width=width, ready=apart)
    fitting = (
        (-count, cost, place)
        for count, costs in totals.items()
        for place, cost in enumerate(costs)
        if cost < inf and sum(divmod(place, width)) <= left
    )
    best = min(fitting, default=None)
    if best is None:
        return None
    chosen = dict(_traced(stages, best, width, apart))
    ways = {name: table[chosen[name]] for name, table in tables.items()}
    return BestChoice(
        {name: moves for name, (_, moves) in ways.items()},
        sum(cost for cost, _ in ways.values()),
        min(ready, sum(is_ready for _, _, is_ready in chosen.values())),
    )


def _beyond(table: Table, fewest: int) -> Table:
    """The table with `fewest` changes taken for granted: it counts those beyond."""
    return {(changes - fewest, tail, ready): way for (changes, tail, ready), way in table.items()}


def _preferring_ready(table: Table) -> Table:
    """The table with readiness counted as a saving above any money: then all are made ready that can be."""
    return {uses: (cost + _UNREADY * (not uses[2]), moves) for uses, (cost, moves) in table.items()}


def _added(before: _Totals, table: Table, size: int, width: int, ready: int) -> _Totals:
    """The totals with one table more, at most `size` of them."""
    furthest = max(changes * width + tail for changes, tail, _ in table)
    after: dict[int, list[float]] = {}
    length = min(size, max(map(len, before.values())) + furthest)
    for count, costs in before.items():
        for (changes, tail, is_ready), (cost, _) in table.items():
            shift = changes * width + tail
            totals = after.setdefault(min(ready, count + is_ready), [inf] * length)
            known = totals[shift : shift + len(costs)]
            totals[shift : shift + len(known)] = [
                one if one < (new := other + cost) else new for one, other in zip(known, costs, strict=False)
            ]
    return after


def _traced(
    stages: Sequence[_Stage], best: tuple[int, float, int], width: int, ready: int
) -> Iterator[tuple[str, Uses]]:
    """Which entry of each table made up the best total: the way back through the stages."""
    count, total, place = -best[0], best[1], best[2]
    for name, table, before in reversed(stages):
        uses, count, total, place = next(
            (uses, known, costs[earlier], earlier)
            for uses, (cost, _) in table.items()
            for known, costs in before.items()
            if 0 <= (earlier := place - uses[0] * width - uses[1]) < len(costs)
            and min(ready, known + uses[2]) == count
            and costs[earlier] + cost == total
        )
        yield name, uses
