"""Which circuits a rule asks for because of an event: all that it allows, or those that the event names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from iodcal.domain.circuit_names import names_circuit
from iodcal.domain.circuits import Circuit
from iodcal.domain.events import MatchedEvent, NamedCircuits
from iodcal.domain.judges import Finding
from iodcal.domain.matching import holds_at_place
from iodcal.domain.rules import Rule

_CopyKey = tuple[str, str, str]


class CircuitResolver:
    """Answers for one configuration and all matched events: what one copy of an event names, all name."""

    def __init__(self, events: Iterable[MatchedEvent], circuits: Mapping[str, Circuit]) -> None:
        self._circuits = circuits
        self._names = {circuit.key: circuit.name for circuit in circuits.values()}
        self._sites = frozenset(circuit.site for circuit in circuits.values() if circuit.site is not None)
        self._named: defaultdict[_CopyKey, NamedCircuits] = defaultdict(NamedCircuits)
        for event in events:
            if event.named is not None:
                self._named[event.copy_key] |= event.named

    def named(self, key: _CopyKey, more: NamedCircuits | None = None) -> NamedCircuits:
        """What the copies of the event with this key name, and `more`, as far as it is still configured."""
        named = self._named.get(key, NamedCircuits()) | (more or NamedCircuits())
        return NamedCircuits(named.circuits & self._names.keys(), named.sites & self._sites)

    def allowed(self, rule: Rule, calendar: str) -> list[str]:
        """The names of the circuits that `rule` allows for events of `calendar`."""
        return [name for name in rule.circuits.get(calendar, ()) if name in self._circuits]

    def shown(self, named: NamedCircuits) -> str:
        """What is named, by the names of the configuration's circuits and sites."""
        circuits = sorted(self._names[key] for key in named.circuits)
        return ", ".join([*circuits, *(f"the site {site}" for site in sorted(named.sites))])

    def asks_for(self, name: str, named: NamedCircuits) -> bool:
        """True if a rule with `named_in_event` asks for the circuit `name`: it is named, or nothing is."""
        return not named or names_circuit(named, self._circuits[name])

    def finding(self, name: str, named: NamedCircuits) -> Finding:
        """The same as a finding, as if it were a condition on the circuit `name`."""
        return Finding("circuits", holds=self.asks_for(name, named), found=self.shown(named), wanted=name)

    def circuits_of(self, rule: Rule, event: MatchedEvent) -> list[str]:
        """The names of the circuits that `rule` asks for because of `event`, wherever its local time fits."""
        allowed = self.allowed(rule, event.source.calendar)
        if not rule.named_in_event:
            return allowed
        named = self.named(event.copy_key)
        return [name for name in allowed if self.asks_for(name, named)]

    def serves(self, rule: Rule, event: MatchedEvent) -> bool:
        """True if `rule` asks for any circuit that `event` names."""
        named = self.named(event.copy_key)
        return any(names_circuit(named, self._circuits[name]) for name in self.circuits_of(rule, event))

    def fits_anywhere(self, rule: Rule, event: MatchedEvent, names: Iterable[str]) -> bool:
        """True if the conditions on local time hold where any of the circuits `names` is."""
        places = {self._circuits[name].place for name in names}
        return any(holds_at_place(rule.conditions, event.span, place) for place in places)


class EventWithoutCircuit(Struct, frozen=True):
    """An event that names no circuit, though `rule` wants it to: then all that are `allowed` count. Or it
    names others (`outside`), and no rule asks for those because of it: then none does."""

    event: MatchedEvent
    rule: Rule
    allowed: tuple[str, ...]
    outside: str = ""


def find_events_without_circuit(
    events: Iterable[MatchedEvent], rules: Iterable[Rule], asking: CircuitResolver
) -> Iterator[EventWithoutCircuit]:
    """Those of `events` that name no circuit, or none that any of their rules asks for; each once for a
    rule, whatever copies of it there are. Their rules are among `rules`."""
    rule_named = {rule.name: rule for rule in rules}
    if not any(rule.named_in_event for rule in rule_named.values()):
        return
    events = sorted(events, key=lambda event: (event.copy_key, event.source, event.id))
    pairs = [(event, rule_named[match.rule]) for event in events for match in event.matches]
    served = {event.copy_key for event, rule in pairs if asking.serves(rule, event)}
    told: set[tuple[_CopyKey, str]] = set()
    for event, rule in pairs:
        key = (event.copy_key, rule.name)
        allowed = asking.allowed(rule, event.source.calendar)
        if not rule.named_in_event or key in told or not asking.fits_anywhere(rule, event, allowed):
            continue
        told.add(key)
        named = asking.named(event.copy_key)
        if not named:
            yield EventWithoutCircuit(event, rule, tuple(allowed))
        elif event.copy_key not in served:
            yield EventWithoutCircuit(event, rule, tuple(allowed), asking.shown(named))
