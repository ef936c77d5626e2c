"""`iodcal advise`: what past weeks teach, each piece of advice played through with its edit.

It reads calendars, history and use, and changes nothing: an edit is shown as a diff, and applied by people.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.analysis.advice import (
    USUAL_HEADROOM,
    Advice,
    CircuitWeeks,
    DataQuality,
    Edit,
    KeyPath,
    LooseEvent,
    Occurrence,
    Undecided,
    quality_of,
)
from iodcal.analysis.advisor import advise
from iodcal.analysis.load import load_past_before
from iodcal.analysis.usage import UsageTrouble, levels_by_bin
from iodcal.commands.lookback import ordered_levels, subjects_of
from iodcal.commands.measure import Levels, MeasuredUse, check_measured, measure_use
from iodcal.commands.requests import clock_of, select_circuits
from iodcal.commands.rules_edit import EditError, baseline_places, edit_rules
from iodcal.commands.spans import LookbackRequest, span_of
from iodcal.config import Configuration
from iodcal.config.load import load_configuration_copy
from iodcal.domain.events import CalendarReading, Source
from iodcal.domain.localtime import Interval, midnight
from iodcal.domain.matching import Visibility
from iodcal.domain.steps import EVER
from iodcal.domain.structs import replace
from iodcal.domain.timeline import Timeline
from iodcal.domain.unmatched import untaken_events
from iodcal.errors import ConfigurationError
from iodcal.pipeline.fetch import hidden_calendars, match
from iodcal.simulation.environment import read_ahead
from iodcal.simulation.rehearsal import Rehearsal, Stage
from iodcal.simulation.scenario import Scenario, timelines_of
from iodcal.store.address import StateAddress
from iodcal.store.store import store_of

_USUAL = timedelta(weeks=8)
_STEP = timedelta(minutes=15)  # eight weeks of a run every five minutes would take minutes to play
_QUARTER_ENDS = (3, 6, 9, 12)

Progress = Callable[[str], None]


class AdviceRequest(Struct, frozen=True):
    """The time to learn from, as people write it: the last eight weeks, where none is given. `headroom` is a
    share of what was used; `every` is the time between two runs that are played."""

    start: str | None = None
    end: str | None = None
    circuits: tuple[str, ...] = ()
    headroom: float = USUAL_HEADROOM
    usage: Path | None = None
    every: timedelta | None = None
    now: str | None = None


class PlayedAdvice(Struct, frozen=True):
    """An advice, its edit as a unified diff, and what the same weeks would have been with it; both are None
    where there is no edit, or where `obstacle` is in its way."""

    advice: Advice
    diff: str | None
    rehearsal: Rehearsal | None
    obstacle: str | None = None


class AdviceReport(Struct, frozen=True):
    """All that `advise` shows. `withheld` is advice that the play did not bear out; `together` is what all of
    the advice makes at once, None where there is none. `blind` are circuits whose use is not known;
    `quarter_end` says that one lies in the time."""

    rules: Path
    zone: ZoneInfo
    span: Interval
    headroom: float
    advice: tuple[PlayedAdvice, ...]
    withheld: tuple[PlayedAdvice, ...]
    undecided: tuple[Undecided, ...]
    quality: tuple[DataQuality, ...]
    blind: tuple[str, ...]
    troubles: tuple[UsageTrouble, ...]
    together: Rehearsal | None
    quarter_end: bool


def span_of_advice(configuration: Configuration, asked: AdviceRequest) -> Interval:
    """The time (UTC) to learn from, from midnight to midnight where none is given. Raises UsageError."""
    check_measured(configuration, asked.usage)
    select_circuits(configuration.circuits, asked.circuits)
    _, now = clock_of(configuration, asked.now)
    zone = configuration.zone
    today = now.astimezone(zone).date()
    start, end = midnight(today - _USUAL, zone).isoformat(), midnight(today, zone).isoformat()
    wanted = LookbackRequest(asked.start or start, asked.end or end)
    return span_of(configuration, wanted, now)


def give_advice(
    configuration: Configuration, state_path: StateAddress, asked: AdviceRequest, progress: Progress
) -> AdviceReport:
    """What the weeks teach. Raises UsageError, StateError, MeasurementError, SimulationError."""
    over = span_of_advice(configuration, asked)
    readings = read_ahead(configuration, over, progress)
    timelines = timelines_of(configuration, Scenario(configuration, readings, over))
    measured = _measure(configuration, state_path, over, asked=asked, progress=progress, timelines=timelines)
    text = configuration.path.read_text(encoding="utf-8")
    places = baseline_places(text, configuration.circuits)
    chosen = select_circuits(configuration.circuits, asked.circuits) or tuple(configuration.circuits)
    weeks = [
        circuit_weeks(timelines[name], places[name][0], measured, over) for name in configuration.circuits
    ]
    found, undecided = advise(
        configuration.rules,
        weeks,
        loose_events(configuration, readings, over),
        names=dict(places.values()),
        headroom=asked.headroom,
        every=configuration.settings.every,
    )
    found = tuple(one for one in found if not set(one.circuits).isdisjoint(chosen))
    step = asked.every or max(configuration.settings.every, _STEP)
    stage = Stage(configuration, readings, over, measured.series, step, progress)
    played = [_play(one, text, stage) for one in found]
    kept = tuple(one for one in played if one.rehearsal is None or one.rehearsal.bears_out(one.advice))
    return AdviceReport(
        configuration.path,
        configuration.zone,
        over,
        headroom=asked.headroom,
        advice=kept,
        withheld=tuple(one for one in played if one not in kept),
        undecided=undecided,
        quality=tuple(quality_of(name, series) for name, series in measured.series.items()),
        blind=tuple(name for name in configuration.circuits if name not in measured.series),
        troubles=measured.troubles,
        together=_together(kept, text, stage),
        quarter_end=_has_quarter_end(over, configuration.zone),
    )


def _measure(
    configuration: Configuration,
    state_path: StateAddress,
    over: Interval,
    *,
    asked: AdviceRequest,
    progress: Progress,
    timelines: Mapping[str, Timeline],
) -> MeasuredUse:
    """Use, and what was ordered meanwhile by the history; where that tells nothing, by today's rules."""
    state = store_of(configuration, state_path).load(read_only=True)
    past = load_past_before(configuration, state_path, state.circuits, over.start)
    subjects = subjects_of(past, list(configuration.circuits.values()), state.circuits, over)
    ordered = {one.name: ordered_levels(one) for one in subjects if one.circuit is not None}
    measured = measure_use(configuration, ordered, over, file=asked.usage, progress=progress)
    levels: dict[str, Levels] = {}
    for name, series in measured.series.items():
        wanted = ((segment.span, segment.target) for segment in timelines[name].over(over))
        asked_for = levels_by_bin(series, wanted)
        levels[name] = [
            known if known is not None else other
            for known, other in zip(measured.levels[name], asked_for, strict=True)
        ]
    return replace(measured, levels=levels)


def circuit_weeks(timeline: Timeline, place: KeyPath, measured: MeasuredUse, over: Interval) -> CircuitWeeks:
    circuit = timeline.circuit
    occurrences = tuple(
        Occurrence(
            window.demand.rule.name,
            window.demand.subject,
            event=window.demand.event,
            span=window.demand.span,
            needs=circuit.sold(window.bandwidth),
        )
        for window in timeline.windows
        if not window.exact and window.demand.event.start in over
    )
    return CircuitWeeks(
        circuit,
        place,
        occurrences,
        series=measured.series.get(circuit.name),
        levels=measured.levels.get(circuit.name, ()),
    )


def loose_events(
    configuration: Configuration, readings: Mapping[Source, CalendarReading], over: Interval
) -> Iterator[LooseEvent]:
    """The events that no rule took, once each, with titles that may be seen."""
    events = [event for reading in readings.values() for event in reading.events]
    left = untaken_events(
        events,
        match(configuration, events),
        rules=configuration.rules,
        circuits=configuration.circuits,
        visibility=Visibility.over(events, hidden_calendars(configuration)),
        now=EVER,
    )
    for event in {event.copy_key: event for event in left if event.subject.strip()}.values():
        span = event.span.within(configuration.zone)
        if span.overlaps(over):
            yield LooseEvent(event.source.calendar, event.subject, span)


def _play(advice: Advice, text: str, stage: Stage) -> PlayedAdvice:
    if not advice.edits:
        return PlayedAdvice(advice, None, None)
    try:
        edited = _edited(stage.configuration, text, advice.edits)
    except (EditError, ConfigurationError) as error:
        return PlayedAdvice(advice, None, None, obstacle=str(error))
    diff = "".join(
        difflib.unified_diff(
            text.splitlines(keepends=True),
            edited[0].splitlines(keepends=True),
            fromfile=stage.configuration.path.name,
            tofile=stage.configuration.path.name,
            n=2,
        )
    )
    return PlayedAdvice(advice, diff, stage.play(edited[1], advice.where, alone=True))


def _edited(configuration: Configuration, text: str, edits: Sequence[Edit]) -> tuple[str, Configuration]:
    """The rules file with `edits`, and what it then says. Raises EditError, ConfigurationError."""
    edited = edit_rules(text, edits)
    return edited, load_configuration_copy(edited.encode(), configuration.path, trusted=configuration.trusted)


def _together(kept: Sequence[PlayedAdvice], text: str, stage: Stage) -> Rehearsal | None:
    """All of it at once; None where there is only one, or where edits are in each other's way."""
    edits = [edit for one in kept if one.diff for edit in one.advice.edits]
    if len([one for one in kept if one.diff]) < 2:
        return None
    try:
        return stage.play(_edited(stage.configuration, text, edits)[1], "all of it", alone=False)
    except (EditError, ConfigurationError):
        return None


def _has_quarter_end(over: Interval, zone: ZoneInfo) -> bool:
    """True if the last day of a quarter lies in `over`: many companies' traffic is another then."""
    day: datetime = over.start.astimezone(zone)
    while day.astimezone(zone) < over.end:
        following = day + timedelta(days=1)
        if day.month in _QUARTER_ENDS and following.month != day.month:
            return True
        day = following
    return False
