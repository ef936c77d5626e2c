"""The cheapest use of the changes that an account has left on one day of its quota.

`iodcal.domain.walk` finds each circuit's cheapest way for each number of changes, `iodcal.domain.knapsack`
the best split of the changes between them. docs/explanation/quota.md has the argument for why this is
exact, and says what it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from iodcal.domain.knapsack import MOST_TOTALS, Best, cheapest
from iodcal.domain.walk import Move, Need, options


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
        counted_until = last_down if (left + 1) * (tail + 1) * (ready + 1) <= MOST_TOTALS else None
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
