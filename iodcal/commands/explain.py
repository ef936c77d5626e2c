"""`explain`: why a circuit is asked for what it is asked for, and what the rules make of an event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.commands.requests import (
    ExplainRequest,
    PreviewRequest,
    check_question,
    clock_of,
    horizon_of,
    moments_of,
)
from iodcal.commands.sync import plan, surroundings
from iodcal.config import Configuration
from iodcal.domain.due import Timing
from iodcal.domain.events import Event, Source, Timed
from iodcal.domain.explain import EventEvaluation, Explainer, Explanation, explain
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import Visibility, match_events
from iodcal.domain.structs import replace
from iodcal.domain.unmatched import resembles
from iodcal.domain.windows import open_windows
from iodcal.exits import Exit
from iodcal.pipeline.detect import of_unreadable
from iodcal.pipeline.fetch import EventSnapshot, fetch_events, organizers_of, visibility_of
from iodcal.pipeline.rounds import end_absent_events
from iodcal.problems.kinds import Kind, Problem, Severity
from iodcal.result import Report
from iodcal.store.address import StateAddress
from iodcal.store.store import store_of

_Progress = Callable[[str], None]


class ExplainedCircuits(Struct, frozen=True):
    """Why circuits are asked for what they are asked for at `at` (UTC); `report` is the plan's."""

    at: datetime
    report: Report
    explanations: tuple[Explanation, ...]

    @property
    def exit(self) -> Exit:
        """The exit status that this result asks for."""
        return self.report.exit


class ExplainedEvents(Struct, frozen=True):
    """What the rules make of events. `searched` counts the events that were looked through, `hidden` those
    among them that no text can find, since their titles must not be seen. `tried` is True for an event that
    does not exist. Times are shown in `zone`."""

    now: datetime
    window: Interval
    zone: ZoneInfo
    evaluations: tuple[EventEvaluation, ...]
    searched: int = 0
    hidden: int = 0
    text: str | None = None
    tried: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def exit(self) -> Exit:
        """The exit status that this result asks for."""
        failed = any(problem.severity is Severity.ERROR for problem in self.problems)
        return Exit.PROBLEM if failed else Exit.OK


def answer(
    configuration: Configuration, state_path: StateAddress, asked: ExplainRequest, progress: _Progress
) -> ExplainedCircuits | ExplainedEvents:
    """Answers one question. Raises UsageError, StateError."""
    check_question(configuration, asked)
    if asked.subject is not None:
        return _try_event(configuration, asked, asked.subject)
    if asked.event is not None or asked.calendar is not None:
        return _explain_events(configuration, state_path, asked, progress)
    return _explain_circuits(configuration, state_path, asked, progress)


def _explain_circuits(
    configuration: Configuration, state_path: StateAddress, asked: ExplainRequest, progress: _Progress
) -> ExplainedCircuits:
    horizon = horizon_of(configuration, asked)
    now, at = horizon.now, horizon.at
    preview = PreviewRequest(
        # What was is looked at as it would have been planned then, by today's calendars.
        now=at.isoformat() if at < now else now.isoformat() if asked.now is not None else None,
        window=horizon.length,
        circuits=asked.circuits,
        faults=asked.faults,
        cached=asked.cached,
    )
    report = plan(configuration, state_path, preview, progress)
    past = at < now
    instant = at if past or asked.at is not None else report.now
    settings = configuration.settings
    explanations = tuple(
        explain(
            circuit_plan,
            at if past else max(instant, report.now),
            now if past else report.now,
            Timing(settings.every, circuit_plan.circuit.provisioning, settings.min_gap),
        )
        for circuit_plan in report.plans
    )
    return ExplainedCircuits(instant, _as_then(report) if past else report, explanations)


def _as_then(report: Report) -> Report:
    """A plan for the past without what today's state makes of it: orders of today were none then."""
    kinds = (Kind.CALENDAR_UNREADABLE, Kind.EVENT_UNREADABLE)
    return replace(report, problems=tuple(problem for problem in report.problems if problem.kind in kinds))


def _explain_events(
    configuration: Configuration, state_path: StateAddress, asked: ExplainRequest, progress: _Progress
) -> ExplainedEvents:
    horizon = horizon_of(configuration, asked)
    clock, _ = clock_of(configuration, asked.now)
    context = surroundings(configuration, clock, progress, virtual=asked.now is not None)
    state = store_of(configuration, state_path, clock).load(read_only=True)
    snapshot = fetch_events(
        configuration,
        state,
        now=horizon.start,
        window=horizon.length,
        deadline=context.calendar_deadline,
        progress=progress,
    )
    snapshot = end_absent_events(snapshot, configuration, horizon.start)
    visibility = visibility_of(configuration, snapshot)
    events = [event for event in snapshot.read if _is_meant(event, asked, horizon.at, configuration.zone)]
    found = [event for event in events if _is_named(event, asked.event, visibility)]
    explainer = _explainer(configuration, snapshot, visibility)
    return ExplainedEvents(
        now=horizon.now,
        window=Interval(horizon.start, horizon.start + horizon.length),
        zone=configuration.zone,
        evaluations=tuple(explainer.try_event(event) for event in _in_order(found, configuration.zone)),
        searched=len(events),
        hidden=sum(visibility.hides(event) for event in events),
        text=asked.event,
        problems=tuple(_unreadable(configuration, snapshot)),
    )


def _is_meant(event: Event, asked: ExplainRequest, at: datetime, zone: ZoneInfo) -> bool:
    if asked.calendar not in (None, event.source.calendar):
        return False
    return asked.at is None or at in event.span.within(zone)


def _is_named(event: Event, text: str | None, visibility: Visibility) -> bool:
    """A hidden title must not be found by guessing either."""
    return text is None or (not visibility.hides(event) and resembles(text, event.subject))


def _in_order(events: Iterable[Event], zone: ZoneInfo) -> list[Event]:
    return sorted(events, key=lambda event: (event.span.within(zone), event.source, event.id))


def _explainer(configuration: Configuration, snapshot: EventSnapshot, visibility: Visibility) -> Explainer:
    circuits, rules = configuration.circuits, configuration.rules
    windows = open_windows(snapshot.events, rules, circuits.values())
    return Explainer(
        rules,
        circuits,
        windows=windows,
        organizers=organizers_of(configuration),
        visibility=visibility,
        matched=snapshot.events,
        skipped=(skip.event for skip in snapshot.skips),
    )


def _unreadable(configuration: Configuration, snapshot: EventSnapshot) -> Iterable[Problem]:
    for recalled in snapshot.recalled:
        error = snapshot.failures.get(recalled.source)
        if error is not None:
            yield of_unreadable(recalled.source, error, configuration.rules)


def _try_event(configuration: Configuration, asked: ExplainRequest, subject: str) -> ExplainedEvents:
    """An event that does not exist yet, with nothing but what was asked; offline."""
    now, at = moments_of(configuration, asked)
    calendar, duration = asked.calendar or "", asked.duration or timedelta()
    source = Source(f"try:{calendar}", calendar, calendar)
    span = Timed(at, at + duration)
    event = Event(source, "try", "", span, subject=subject, organizer=asked.organizer)
    organizers = organizers_of(configuration)
    circuits = configuration.circuits.values()
    matched = match_events([event], configuration.rules, organizers=organizers, circuits=circuits).matched
    windows = open_windows(matched, configuration.rules, circuits)
    explainer = Explainer(
        configuration.rules,
        configuration.circuits,
        windows=windows,
        organizers=organizers,
        visibility=Visibility(),
    )
    evaluation = explainer.try_event(event)
    return ExplainedEvents(now, Interval(at, at + duration), configuration.zone, (evaluation,), tried=True)
