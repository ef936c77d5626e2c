"""One event against every rule: taken, or each condition that failed, with what was found and wanted.

The windows that planning made have the last word on what an event asks for; the conditions, asked once more,
say why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import Stretch
from iodcal.domain.changes import Cause, Change, causes_of_up, counts
from iodcal.domain.circuit_names import NameBook
from iodcal.domain.circuits import Circuit
from iodcal.domain.due import Timing, needed_ahead
from iodcal.domain.events import Event, MatchedEvent, NamedCircuits
from iodcal.domain.judges import Finding
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import (
    Obstacle,
    Organizers,
    Visibility,
    certain_obstacle,
    doubtful_obstacle,
    event_findings,
    match_rule,
    place_findings,
)
from iodcal.domain.overrides import starting_point
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.resolution import CircuitResolver
from iodcal.domain.rules import Rule
from iodcal.domain.text_match import SearchBudget
from iodcal.domain.timeline import Segment
from iodcal.domain.windows import Window

_CopyKey = tuple[str, str, str]


class CircuitEvaluation(Struct, frozen=True):
    """A rule's event on one circuit, in whose zone and by whose holidays the `findings` were judged.

    `event` is its time there (UTC); it is empty where the circuit's clock skips the whole event. `matched`
    is True if the rule takes the event for this circuit; `window` is what it then asks for, None where that
    is nothing; `yields_to` is the `exactly` window of the same event that it gives way to.
    """

    circuit: str
    zone: ZoneInfo
    event: Interval
    findings: tuple[Finding, ...]
    matched: bool = False
    window: Window | None = None
    yields_to: Window | None = None

    @property
    def skipped(self) -> bool:
        """True where the circuit's clock skips the whole event."""
        return self.event.start >= self.event.end

    @property
    def holds(self) -> bool:
        """True if neither local time nor the circuits that the event names stand in the way."""
        return not self.skipped and all(finding.holds for finding in self.findings)


class RuleEvaluation(Struct, frozen=True):
    """One rule and one event. `findings` are the same for every circuit; `unnamed` is True where the rule
    wants the event to name a bandwidth, and it names none, `nameless` where it wants it to name circuits."""

    rule: Rule
    findings: tuple[Finding, ...]
    unnamed: bool
    circuits: tuple[CircuitEvaluation, ...]
    nameless: bool = False

    @property
    def holds(self) -> bool:
        """True if every condition holds that is the same for every circuit."""
        return all(finding.holds for finding in self.findings)

    @property
    def matched(self) -> bool:
        """True if the rule takes the event for any circuit."""
        return any(circuit.matched for circuit in self.circuits)

    @property
    def failed(self) -> int:
        """How many conditions failed that are the same for every circuit."""
        return sum(not finding.holds for finding in self.findings)


class EventEvaluation(Struct, frozen=True):
    """One event and every rule, in the order of the configuration. `hidden` events show no text;
    `obstacle` is why the event does not count, whatever the rules say."""

    event: Event
    hidden: bool
    obstacle: Obstacle | None
    rules: tuple[RuleEvaluation, ...]

    @property
    def subject(self) -> str | None:
        """The event's subject; None where it must not be seen."""
        return None if self.hidden else self.event.subject

    @property
    def matched(self) -> bool:
        """True if any rule takes the event for any circuit."""
        return any(evaluation.matched for evaluation in self.rules)


class Explainer:
    """Tries events by the rules. `windows` are those that planning opened, by circuit, of all events that
    matched, which are `matched`: what one copy of an event names, the others do. `skipped` are the events
    that a person said do not count."""

    def __init__(
        self,
        rules: Iterable[Rule],
        circuits: Mapping[str, Circuit],
        *,
        windows: Mapping[str, Iterable[Window]],
        organizers: Organizers,
        visibility: Visibility,
        matched: Iterable[MatchedEvent] = (),
        skipped: Iterable[_CopyKey] = (),
    ) -> None:
        self._rules = tuple(rules)
        self._skipped = frozenset(skipped)
        self._circuits = circuits
        self._organizers = organizers
        self._visibility = visibility
        self._names = NameBook(circuits.values())
        self._asking = CircuitResolver(matched, circuits)
        self._windows: dict[tuple[str, str, _CopyKey], Window] = {}
        self._exact: dict[tuple[str, _CopyKey], Window] = {}
        for circuit, opened in windows.items():
            for window in opened:
                key = window.demand.key
                self._windows[circuit, window.demand.rule.name, key] = window
                if window.exact:  # of those that one event made only the highest priority's were opened
                    self._exact.setdefault((circuit, key), window)

    def hides(self, event: Event) -> bool:
        """True if nobody may see what `event` is about."""
        return self._visibility.hides(event)

    def try_event(self, event: Event) -> EventEvaluation:
        """What every rule makes of `event`."""
        hidden = self.hides(event)
        obstacle = certain_obstacle(event) or doubtful_obstacle(event, self._organizers)
        if obstacle is None and event.copy_key in self._skipped:
            obstacle = Obstacle.SKIPPED
        rules = (self._try(rule, event, obstacle, hidden=hidden) for rule in self._rules)
        return EventEvaluation(event, hidden=hidden, obstacle=obstacle, rules=tuple(rules))

    def _try(self, rule: Rule, event: Event, obstacle: Obstacle | None, *, hidden: bool) -> RuleEvaluation:
        calendar = event.source.calendar
        listed = Finding(
            "calendars", holds=calendar in rule.circuits, found=calendar, wanted=", ".join(rule.circuits)
        )
        found = (listed, *event_findings(rule.conditions, event, hidden=hidden))
        holds = all(finding.holds for finding in found)
        unnamed = holds and match_rule(rule, event, SearchBudget()) is None
        asks = holds and not unnamed and obstacle is None
        named = self._named(event) if rule.named_in_event else None
        circuits = tuple(self._on_circuits(rule, event, found, named, asks=asks))
        return RuleEvaluation(
            rule, found, unnamed=unnamed, circuits=circuits, nameless=named is not None and not named
        )

    def _named(self, event: Event) -> NamedCircuits:
        return self._asking.named(event.copy_key, self._names.named_in(event))

    def _on_circuits(
        self, rule: Rule, event: Event, shown: tuple[Finding, ...], named: NamedCircuits | None, *, asks: bool
    ) -> Iterator[CircuitEvaluation]:
        for name in rule.circuits.get(event.source.calendar, ()):
            place = self._circuits[name].place
            zone = place.zone
            local = place_findings(rule.conditions, event.span, place)
            # The length of a timed event is the same everywhere, and is shown already.
            own = tuple(finding for finding in local if finding not in shown)
            if named is not None:
                own = (self._asking.finding(name, named), *own)
            evaluation = CircuitEvaluation(name, zone, event.span.within(zone), own)
            if not (asks and evaluation.holds):
                yield evaluation
                continue
            window = self._windows.get((name, rule.name, event.copy_key))
            stronger = None if window is not None else self._exact.get((name, event.copy_key))
            yield CircuitEvaluation(
                name,
                zone,
                event=evaluation.event,
                findings=own,
                matched=True,
                window=window,
                yields_to=stronger,
            )


class Role(StrEnum):
    """What a part of the timeline has to do with the target."""

    GOVERNS = "governs"  # the `exactly` window that sets the level
    DECIDES = "decides"  # it asks for the target
    EXCEEDED = "exceeded"  # something else asks for more
    OVERRULED = "overruled"  # an `exactly` window keeps it from counting


class Part(Struct, frozen=True):
    """A window that covers the instant; `needs` is the tier that its bandwidth comes to on this circuit."""

    window: Window
    needs: Bandwidth
    role: Role


class Ground(Struct, frozen=True):
    """The baseline's part, as `Part`."""

    stretch: Stretch
    needs: Bandwidth
    role: Role


class Kept(Struct, frozen=True):
    """What keeps a circuit up beyond its target: `level` is asked for within `sight`, so near ahead that
    lowering it in between would save nothing."""

    level: Bandwidth
    sight: Interval
    causes: tuple[Cause, ...]


class Explanation(Struct, frozen=True):
    """One circuit at one instant. `parts` are the windows that cover it, the deciding ones first; `lasts`
    is until when all of this stays the same. `level` is what is ordered then: by now, or by plan where `at`
    is to come; None where nothing is known, or `at` is past. `changes` are those still to come at `at`.
    """

    plan: CircuitPlan
    at: datetime
    now: datetime
    segment: Segment
    parts: tuple[Part, ...]
    ground: Ground
    level: Bandwidth | None
    kept: Kept | None
    changes: tuple[Change, ...]

    @property
    def past(self) -> bool:
        """True if `at` is over: what was ordered then is history's to tell."""
        return self.at < self.now

    @property
    def lasts(self) -> Interval:
        """The time during which the same parts ask for the same target."""
        starts = [self.segment.span.start, self.ground.stretch.span.start]
        ends = [self.segment.span.end, self.ground.stretch.span.end]
        for window in self.plan.timeline.covering(self.segment.span):
            span = window.demand.span
            starts += [edge for edge in (span.start, span.end) if edge <= self.at]
            ends += [edge for edge in (span.start, span.end) if edge > self.at]
        return Interval(max(starts), min(ends))


def explain(plan: CircuitPlan, at: datetime, now: datetime, timing: Timing) -> Explanation:
    """Why the circuit of `plan`, which was made at `now`, is asked for what it is asked for at `at` (UTC)."""
    timeline = plan.timeline
    segment = timeline.at(at)
    covering = [window for window in timeline.windows if at in window.demand.span]
    parts = sorted((_part(window, segment, plan) for window in covering), key=_by_weight)
    level = None if at < now else _level(plan, at, now)
    return Explanation(
        plan,
        at,
        now=now,
        segment=segment,
        parts=tuple(parts),
        ground=_ground(segment, plan, at),
        level=level,
        kept=None if level is None else _kept(plan, level, at=at, now=now, timing=timing),
        changes=tuple(change for change in plan.changes if change.due or change.at > at) if at >= now else (),
    )


def _part(window: Window, segment: Segment, plan: CircuitPlan) -> Part:
    needs = plan.circuit.sold(window.bandwidth)
    if window is segment.pin:
        role = Role.GOVERNS
    elif not counts(window, segment):
        role = Role.OVERRULED
    else:
        role = Role.DECIDES if needs >= segment.target else Role.EXCEEDED
    return Part(window, needs, role)


def _by_weight(part: Part) -> tuple[int, datetime, str]:
    return list(Role).index(part.role), part.window.demand.span.start, part.window.demand.id


def _ground(segment: Segment, plan: CircuitPlan, at: datetime) -> Ground:
    needs = plan.circuit.sold(segment.baseline)
    if segment.pin is not None:
        role = Role.OVERRULED
    else:
        role = Role.DECIDES if needs >= segment.target else Role.EXCEEDED
    return Ground(plan.timeline.baseline_at(at), needs, role)


def _level(plan: CircuitPlan, at: datetime, now: datetime) -> Bandwidth | None:
    """What is ordered at `at`, as far as the plan goes; now that is what is ordered already."""
    level = starting_point(plan.circuit_state)
    if at <= now:
        return level
    for change in plan.changes:
        if change.due or change.at <= at:
            level = change.new
    return level


def _kept(plan: CircuitPlan, level: Bandwidth, at: datetime, now: datetime, timing: Timing) -> Kept | None:
    segment = plan.timeline.at(at)
    # The changes to come are planned as if runs came continuously, so only the billing hour counts there.
    length = timing.down_sight if segment.span.start <= now else timing.min_gap
    needed, sight = needed_ahead(plan.timeline, at, length)
    if not segment.target < needed <= level:
        return None
    return Kept(needed, sight, causes_of_up(plan.timeline, needed, sight))
