"""The cheapest choice of one way for each circuit of an account, within the changes that are left.

Circuits share nothing but the number of changes, so their tables are added up one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from iodcal.domain.walk import Move, Table

_UNREADY = 10**32
# No sum of costs comes near to _NEVER, above nothing or below: what begins at _BARRED stays beyond it.
_NEVER, _BARRED = 10**40, 10**41
# How large a table of totals may grow. In larger accounts the raises after a day's last lowering leave the
# reserve as all other changes do, and more circuits than must are made ready for the day after.
MOST_TOTALS = 4096

# By circuits ready a list: the cost of so many changes until the last lowering, and so many after it; of the
# former only those that a circuit need not make anyhow.
_Totals: TypeAlias = Mapping[int, list[int]]


@dataclass(frozen=True, slots=True)
class Best:
    """The moves of each circuit, what they cost, and how many of the circuits that were to be ready are."""

    paths: list[tuple[Move, ...]]
    cost: int
    ready: int


def cheapest(tables: Sequence[Table], left: int, reserve: int, ready: int) -> Best | None:
    """One entry of each table: as many of `ready` circuits ready as can be, then the lowest cost, with at
    most `left` changes in all and `reserve` fewer until the last lowering. None where nothing fits."""
    fewest = [min(changes for changes, _, _ in table) for table in tables]
    tables = [_beyond(table, least) for table, least in zip(tables, fewest, strict=True)]
    left -= sum(fewest)
    budget = min(left - reserve, sum(max(changes for changes, _, _ in table) for table in tables))
    if budget < 0:
        return None
    width = 1 + sum(max(tail for _, tail, _ in table) for table in tables)
    if (budget + 1) * width * (ready + 1) > MOST_TOTALS:
        tables, ready = [_preferring_ready(table) for table in tables] if ready else tables, 0
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


def _beyond(table: Table, fewest: int) -> Table:
    """The table with `fewest` changes taken for granted: it counts those beyond."""
    return {(changes - fewest, tail, ready): way for (changes, tail, ready), way in table.items()}


def _preferring_ready(table: Table) -> Table:
    """The table with readiness counted as a saving above any money: then all are made ready that can be."""
    ways = sorted(table.items(), key=lambda entry: entry[0][2])  # of two with as many changes the ready one
    return {
        (changes, tail, 0): (cost + (0 if ready else _UNREADY), moves)
        for (changes, tail, ready), (cost, moves) in ways
    }


def _added(before: _Totals, table: Table, size: int, width: int, ready: int) -> _Totals:
    """The totals with one table more, at most `size` of them."""
    furthest = max(changes * width + tail for changes, tail, _ in table)
    after: dict[int, list[int]] = {}
    length = min(size, max(map(len, before.values())) + furthest)
    for count, costs in before.items():
        for (changes, tail, is_ready), (cost, _) in table.items():
            shift = changes * width + tail
            totals = after.setdefault(min(ready, count + is_ready), [_BARRED] * length)
            known = totals[shift : shift + len(costs)]
            totals[shift : shift + len(known)] = [
                one if one < (new := other + cost) else new for one, other in zip(known, costs, strict=False)
            ]
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
