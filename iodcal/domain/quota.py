"""The cheapest use of the changes that an account has left on one day of its quota.

`iodcal.domain.walk` finds each circuit's cheapest way for each number of changes, `iodcal.domain.knapsack`
the best split of the changes between them. docs/explanation/quota.md has the argument for why this is
exact, and says what it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from iodcal.domain.knapsack import Best, cheapest, is_small
from iodcal.domain.walk import Move, Need, options


class Fit(StrEnum):
    """How a day's changes fit: all of them; the best of them; raises only; not even those."""

    PLENTY = "plenty"
    PLANNED = "planned"
    UPS_ONLY = "ups_only"
    SHORT = "short"


class Allotment(Struct, frozen=True):
    """The moves of each circuit, by its name, in order. Where the fit is SHORT they are more than are left.
    `asked` is how many raises would be made if nothing were lowered and none brought forward."""

    fit: Fit
    moves: Mapping[str, tuple[Move, ...]]
    asked: int = 0


def allot(needs: Iterable[Need], left: int, reserve: int, ready: int = 0) -> Allotment:
    """The cheapest moves of one account's circuits on one day, with `left` changes to make, `reserve` of
    which are not for lowerings; as many as can be of `ready` circuits are to end ready for the day after.

    The order of `needs` does not matter.
    """
    needs = sorted(needs, key=lambda need: need.name)
    own = {need.name: tuple(follow(need)) for need in needs}
    last_down = max((step.at for need in needs for step in need.steps if step.down), default=None)
    count = sum(map(len, own.values()))
    tail = sum(last_down is None or move.at > last_down for path in own.values() for move in path)
    done = sum(_ends(need, own[need.name]) >= need.ready for need in needs)
    if (count == tail or count - tail <= left - reserve) and count <= left and done >= ready:
        return Allotment(Fit.PLENTY, own)
    asked = sum(_raises(need) for need in needs)
    ways: list[tuple[Fit, Best | None]] = []
    if last_down is not None:
        counted_until = last_down if is_small(left, tail, ready) else None
        tables = {need.name: options(need, counted_until) for need in needs}
        ways.append((Fit.PLANNED, cheapest(tables, left, reserve, ready)))
    rising = {need.name: options(need, None, lowering=False) for need in needs}
    ways.append((Fit.UPS_ONLY, cheapest(rising, left, 0, ready)))  # raises may use the reserve
    found = [(fit, best) for fit, best in ways if best is not None]
    if found:
        fit, best = min(found, key=lambda way: (-way[1].ready, way[1].cost))
        return Allotment(fit, best.paths, asked)
    fewest = {name: table[min(table)][1] for name, table in rising.items()}
    return Allotment(Fit.SHORT, fewest, asked)


def follow(need: Need) -> Iterator[Move]:
    """The moves with unlimited changes: down as soon as may be, up when it must."""
    level = need.level
    for step in need.steps:
        wanted = step.level if step.down else max(step.level, level)
        if wanted != level:
            level = wanted
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
