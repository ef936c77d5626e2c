"""Change freezes: times, from a calendar, in which a circuit is not lowered, or nothing is ordered at all."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from iodcal.domain.circuits import Circuit
from iodcal.domain.events import MatchedEvent
from iodcal.domain.localtime import Interval
from iodcal.domain.rules import Allow, Mode, Rule
from iodcal.domain.windows import Demand, merge_demands


class Freeze(Struct, frozen=True):
    """One event of a `freeze` rule on one circuit; lead and trail belong to it."""

    demand: Demand

    @property
    def span(self) -> Interval:
        return self.demand.span

    @property
    def total(self) -> bool:
        """True where not even an up may be ordered."""
        return self.demand.rule.allow is Allow.NONE


def open_freezes(
    events: Iterable[MatchedEvent], rules: Iterable[Rule], circuits: Iterable[Circuit]
) -> dict[str, tuple[Freeze, ...]]:
    """The freezes of each circuit, by its name, in order of start."""
    freezing = [rule for rule in rules if rule.mode is Mode.FREEZE]
    if not freezing:
        return {circuit.name: () for circuit in circuits}
    merged = merge_demands(events, freezing, circuits)
    return {
        name: tuple(Freeze(demand) for demand in sorted(demands, key=lambda demand: (demand.span, demand.id)))
        for name, demands in merged.items()
    }
