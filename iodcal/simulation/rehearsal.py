"""The same weeks with and without an edit of the rules: what they would have cost, and lacked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from msgspec import Struct

from iodcal.analysis.advice import Advice
from iodcal.analysis.usage import BIN, UsageSeries
from iodcal.config import Configuration
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.billing import hours
from iodcal.domain.circuits import HOURS_OF_MONTH
from iodcal.domain.events import CalendarReading, Source
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.simulation.engine import simulate
from iodcal.simulation.result import Simulation
from iodcal.simulation.scenario import Scenario, timelines_of


class Rehearsal(Struct, frozen=True):
    """What the weeks would have been by today's rules (`before`) and with an edit (`after`).

    Costs are None where they are not known, or in several currencies. `late` counts events, `short` is for
    how long circuits would have run below what was really used."""

    span: Interval
    currency: str
    cost_before: Decimal | None
    cost_after: Decimal | None
    events: int
    late_before: int
    late_after: int
    short_before: timedelta
    short_after: timedelta

    @property
    def monthly_saving(self) -> Decimal | None:
        """Less than nothing where it costs more."""
        if self.cost_before is None or self.cost_after is None:
            return None
        return (self.cost_before - self.cost_after) / hours(self.span.length) * HOURS_OF_MONTH

    @property
    def is_safe(self) -> bool:
        """True if nothing came to lack what it had."""
        return self.late_after <= self.late_before and self.short_after <= self.short_before

    def bears_out(self, advice: Advice) -> bool:
        """True if the play agrees: nothing lacks anything, and what asks for less costs less, where that is
        known. Wrong hours of a peak may cost either way."""
        saving = self.monthly_saving
        moved = any(one.full_on for one in advice.evidence)
        return self.is_safe and (advice.raises or moved or saving is None or saving > 0)


class Stage(Struct, frozen=True, dict=True):
    """Where edits are played: today's `configuration`, and what calendars and counters say of `span`.

    Runs are `step` apart, which may be more than the configured time between two."""

    configuration: Configuration
    readings: Mapping[Source, CalendarReading]
    span: Interval
    series: Mapping[str, UsageSeries]
    step: timedelta
    progress: Callable[[str], None]

    @cached_property
    def before(self) -> Simulation:
        """The weeks by today's rules, on all circuits."""
        return self._simulated(self.configuration, "today's rules")

    @cached_property
    def _targets(self) -> Mapping[str, list[tuple[datetime, Bandwidth]]]:
        return self._asked(self.configuration)

    def play(self, edited: Configuration, name: str, *, alone: bool) -> Rehearsal:
        """The weeks by the `edited` rules, beside today's: of the circuits that the edit concerns, `alone` or
        with all the others, whose orders count against the same quotas."""
        asked = self._asked(edited)
        changed = frozenset(one for one, target in asked.items() if target != self._targets[one])
        after = self._simulated(_narrowed(edited, changed) if alone else edited, name)
        events = [one for one in after.served if one.circuit in changed]
        cost_before, currency = _cost(self.before, changed)
        return Rehearsal(
            self.span,
            currency,
            cost_before=cost_before,
            cost_after=_cost(after, changed)[0],
            events=len(events),
            late_before=sum(one.circuit in changed for one in self.before.late),
            late_after=sum(one.circuit in changed for one in after.late),
            short_before=self._short(self.before, changed),
            short_after=self._short(after, changed),
        )

    def _asked(self, configuration: Configuration) -> Mapping[str, list[tuple[datetime, Bandwidth]]]:
        """What the rules ask of each circuit, step by step."""
        drawn = timelines_of(configuration, Scenario(configuration, self.readings, self.span))
        return {
            name: [(segment.span.start, segment.target) for segment in timeline.segments]
            for name, timeline in drawn.items()
        }

    def _simulated(self, configuration: Configuration, name: str) -> Simulation:
        settings = replace(configuration.settings, every=self.step)
        scenario = Scenario(replace(configuration, settings=settings), self.readings, self.span)
        return simulate(scenario, lambda text: self.progress(f"{name}: {text}"))

    def _short(self, simulation: Simulation, names: frozenset[str]) -> timedelta:
        running = {one.name: one.running for one in simulation.circuits}
        return BIN * sum(
            mbps is not None and mbps > running[name].at(series.at(number)).mbps
            for name, series in self.series.items()
            if name in names
            for number, mbps in enumerate(series.mbps)
        )


def _narrowed(configuration: Configuration, names: frozenset[str]) -> Configuration:
    """`configuration` with the circuits `names` alone."""
    circuits = {name: circuit for name, circuit in configuration.circuits.items() if name in names}
    rules = tuple(
        replace(
            rule,
            circuits={
                calendar: tuple(one for one in own if one in names) for calendar, own in rule.circuits.items()
            },
        )
        for rule in configuration.rules
    )
    return replace(configuration, circuits=circuits, rules=rules)


def _cost(simulation: Simulation, names: frozenset[str]) -> tuple[Decimal | None, str]:
    """What the circuits `names` cost together, and in which currency."""
    own = [one for one in simulation.circuits if one.name in names]
    amounts = [one.money.simulated for one in own if one.money.simulated is not None]
    currencies = {one.tariff.currency for one in own}
    if len(amounts) < len(own) or len(currencies) != 1:
        return None, ""
    return sum(amounts, Decimal(0)), currencies.pop()
