"""From a made-up company to advice, and what each piece of it would have done to what was truly wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iodcal.analysis.advice import Advice, CircuitWeeks
from iodcal.analysis.advisor import advise
from iodcal.analysis.usage import BIN, levels_by_bin, plausible, series_of
from iodcal.commands.measure import MeasuredUse
from iodcal.commands.rules_edit import baseline_places, edit_rules
from iodcal.config import Configuration
from iodcal.config.load import load_configuration, load_configuration_copy
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.events import CalendarReading, Source
from iodcal.domain.timeline import Timeline
from iodcal.simulation.advise import circuit_weeks, loose_events
from iodcal.simulation.environment import read_ahead
from iodcal.simulation.scenario import Scenario, timelines_of
from tests.usage.generated import Company, Plant


@dataclass
class Lesson:
    """What was advised of a company, and the levels before, bin by bin."""

    company: Company
    configuration: Configuration
    text: str
    readings: dict[Source, CalendarReading]
    wanted: dict[str, list[float]]
    levels: dict[str, list[int]]
    advice: tuple[Advice, ...]

    def short_by(self, advice: Advice) -> int:
        """How many five minutes of the time would be short with the edit that were not without it."""
        edited = edit_rules(self.text, advice.edits).encode()
        configuration = load_configuration_copy(edited, self.configuration.path, trusted=True)
        after = levels_of(timelines(configuration, self.readings, self.company), self.company)
        return sum(
            new < want <= old
            for name, wanted in self.wanted.items()
            for want, old, new in zip(wanted, self.levels[name], after[name], strict=True)
        )

    @property
    def found(self) -> set[Plant]:
        return {(one.kind, one.where) for one in self.advice}


def timelines(
    configuration: Configuration, readings: dict[Source, CalendarReading], company: Company
) -> dict[str, Timeline]:
    return timelines_of(configuration, Scenario(configuration, readings, company.span))


def levels_of(drawn: dict[str, Timeline], company: Company) -> dict[str, list[int]]:
    """What the rules ask for, bin by bin."""
    empty = series_of(company.span, {}, None)
    found = {}
    for name, timeline in drawn.items():
        pieces = ((segment.span, segment.target) for segment in timeline.over(company.span))
        levels = levels_by_bin(empty, pieces)
        found[name] = [level.mbps for level in levels if level is not None]
    return found


def learn(company: Company, folder: Path) -> Lesson:
    """What the company's whole time teaches."""
    path = company.write(folder)
    configuration, text = load_configuration(path), path.read_text(encoding="utf-8")
    readings = read_ahead(configuration, company.span, lambda _: None)
    drawn = timelines(configuration, readings, company)
    levels = levels_of(drawn, company)
    wanted = {site.name: company.wanted(site) for site in company.sites}
    series, ordered = {}, {}
    for name, want in wanted.items():
        seen = company.observed(want, levels[name])
        known = {number: value for number, value in enumerate(seen) if value is not None}
        circuit = configuration.circuits[name]
        series[name], doubt = plausible(
            series_of(company.span, known, None), circuit.tiers[0], circuit.highest
        )
        assert doubt is None
        ordered[name] = [Bandwidth(level) for level in levels[name]]
    measured = MeasuredUse(series, ordered, ())
    places = baseline_places(text, configuration.circuits)
    weeks: list[CircuitWeeks] = [
        circuit_weeks(drawn[name], places[name][0], measured, company.span) for name in configuration.circuits
    ]
    advice, _ = advise(
        configuration.rules,
        weeks,
        loose_events(configuration, readings, company.span),
        names=dict(places.values()),
        headroom=0.25,
        every=configuration.settings.every,
    )
    assert company.span.length / len(next(iter(wanted.values()))) == BIN
    return Lesson(company, configuration, text, readings, wanted, levels, advice)
