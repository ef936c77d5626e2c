"""The same weeks with and without an edit of the rules: what they would have cost, and lacked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from msgspec import Struct

from iodcal.analysis.advice import Advice
from iodcal.analysis.usage import BIN, UsageSeries
from iodcal.config import Configuration
from iodcal.domain.billing import hours
from iodcal.domain.circuits import HOURS_OF_MONTH
from iodcal.domain.events import CalendarReading, Source
from iodcal.domain.localtime import Interval
from iodcal.simulation.engine import simulate
from iodcal.simulation.result import Simulation
from iodcal.simulation.scenario import Scenario


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
    """Where edits are played: today's `configuration`, and what calendars and counters say of `span`."""

    configuration: Configuration
    readings: Mapping[Source, CalendarReading]
    span: Interval
    series: Mapping[str, UsageSeries]
    progress: Callable[[str], None]

    @cached_property
    def before(self) -> Simulation:
        """The weeks by today's rules."""
        return simulate(Scenario(self.configuration, self.readings, self.span), self._saying("today's rules"))

    def play(self, edited: Configuration, name: str) -> Rehearsal:
        """The weeks by the `edited` rules, beside today's."""
        before = self.before
        after = simulate(Scenario(edited, self.readings, self.span), self._saying(name))
        return Rehearsal(
            self.span,
            before.currencies[0] if len(before.currencies) == 1 else "",
            cost_before=before.money.simulated,
            cost_after=after.money.simulated,
            events=len(after.served),
            late_before=len(before.late),
            late_after=len(after.late),
            short_before=self._short(before),
            short_after=self._short(after),
        )

    def _saying(self, name: str) -> Callable[[str], None]:
        return lambda text: self.progress(f"{name}: {text}")

    def _short(self, simulation: Simulation) -> timedelta:
        running = {one.name: one.running for one in simulation.circuits}
        return BIN * sum(
            mbps is not None and mbps > running[name].at(series.at(number)).mbps
            for name, series in self.series.items()
            for number, mbps in enumerate(series.mbps)
        )
