"""One event against every rule: taken, or each condition that failed, with what was found and wanted.

The windows that planning made have the last word on what an event asks for; the conditions, asked once more,
say why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.asking import Asking
from iodcal.domain.circuits import Circuit
from iodcal.domain.counting import Obstacle, Organizers, Veil, doubtful, void
from iodcal.domain.events import Event, MatchedEvent, Named
from iodcal.domain.judges import Finding
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import findings, findings_at, match_of
from iodcal.domain.naming import NameBook
from iodcal.domain.patterns import Budget
from iodcal.domain.rules import Rule
from iodcal.domain.windows import Window

_CopyKey = tuple[str, str, str]


class CircuitTrial(Struct, frozen=True):
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


class RuleTrial(Struct, frozen=True):
    """One rule and one event. `findings` are the same for every circuit; `unnamed` is True where the rule
    wants the event to name a bandwidth, and it names none, `nameless` where it wants it to name circuits."""

    rule: Rule
    findings: tuple[Finding, ...]
    unnamed: bool
    circuits: tuple[CircuitTrial, ...]
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


class EventTrial(Struct, frozen=True):
    """One event and every rule, in the order of the configuration. `hidden` events show no text;
    `obstacle` is why the event does not count, whatever the rules say."""

    event: Event
    hidden: bool
    obstacle: Obstacle | None
    rules: tuple[RuleTrial, ...]

    @property
    def subject(self) -> str | None:
        """The event's subject; None where it must not be seen."""
        return None if self.hidden else self.event.subject

    @property
    def matched(self) -> bool:
        """True if any rule takes the event for any circuit."""
        return any(trial.matched for trial in self.rules)


class Court:
    """Tries events by the rules. `windows` are those that planning opened, by circuit, of all events that
    matched, which are `matched`: what one copy of an event names, the others do."""

    def __init__(
        self,
        rules: Iterable[Rule],
        circuits: Mapping[str, Circuit],
        windows: Mapping[str, Iterable[Window]],
        organizers: Organizers,
        veil: Veil,
        matched: Iterable[MatchedEvent] = (),
    ) -> None:
        self._rules = tuple(rules)
        self._circuits = circuits
        self._organizers = organizers
        self._veil = veil
        self._names = NameBook(circuits.values())
        self._asking = Asking(matched, circuits)
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
        return self._veil.hides(event)

    def try_event(self, event: Event) -> EventTrial:
        """What every rule makes of `event`."""
        hidden = self.hides(event)
        obstacle = void(event) or doubtful(event, self._organizers)
        rules = (self._try(rule, event, obstacle, hidden=hidden) for rule in self._rules)
        return EventTrial(event, hidden, obstacle, tuple(rules))

    def _try(self, rule: Rule, event: Event, obstacle: Obstacle | None, *, hidden: bool) -> RuleTrial:
        calendar = event.source.calendar
        listed = Finding("calendars", calendar in rule.circuits, calendar, ", ".join(rule.circuits))
        found = (listed, *findings(rule.conditions, event, hidden=hidden))
        holds = all(finding.holds for finding in found)
        unnamed = holds and match_of(rule, event, Budget()) is None
        asks = holds and not unnamed and obstacle is None
        named = self._named(event) if rule.named_in_event else None
        circuits = tuple(self._on_circuits(rule, event, found, named, asks=asks))
        return RuleTrial(rule, found, unnamed, circuits, nameless=named is not None and not named)

    def _named(self, event: Event) -> Named:
        return self._asking.named(event.copy_key, self._names.named_in(event))

    def _on_circuits(
        self, rule: Rule, event: Event, shown: tuple[Finding, ...], named: Named | None, *, asks: bool
    ) -> Iterator[CircuitTrial]:
        for name in rule.circuits.get(event.source.calendar, ()):
            place = self._circuits[name].place
            zone = place.zone
            local = findings_at(rule.conditions, event.span, place)
            # The length of a timed event is the same everywhere, and is shown already.
            own = tuple(finding for finding in local if finding not in shown)
            if named is not None:
                own = (self._asking.finding(name, named), *own)
            trial = CircuitTrial(name, zone, event.span.within(zone), own)
            if not (asks and trial.holds):
                yield trial
                continue
            window = self._windows.get((name, rule.name, event.copy_key))
            stronger = None if window is not None else self._exact.get((name, event.copy_key))
            yield CircuitTrial(name, zone, trial.event, own, True, window, stronger)
