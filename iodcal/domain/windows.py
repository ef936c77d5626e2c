"""From matched events to windows: event x rule x circuit, `[start - lead, end + trail)` at a bandwidth, cut
off at the rule's `longest`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import attrgetter

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Circuit
from iodcal.domain.events import Match, MatchedEvent
from iodcal.domain.holds import HOLD_PRIORITY, Hold
from iodcal.domain.localtime import Interval, widened
from iodcal.domain.matching import holds_at_place
from iodcal.domain.resolution import CircuitResolver
from iodcal.domain.rules import Allow, FromEvent, Highest, Mode, Rule
from iodcal.domain.structs import replace
from iodcal.domain.workdays import Place


class Demand(Struct, frozen=True):
    """What one rule asks for because of one event, at one place; the circuits of that place share it.

    `event` is the event's own time as far as the rule's `longest` reaches, `span` that with lead and trail
    (both UTC). `key` is what copies of the event have in common. `named` is the bandwidth that the event
    itself named, if the rule wants it. `hold` is what a person asked for, where that stands in an event's
    place.
    """

    key: tuple[str, str, str]
    rule: Rule
    calendar: str
    subject: str | None
    event: Interval
    span: Interval
    named: Bandwidth | None = None
    remembered_since: datetime | None = None
    hold: Hold | None = None

    @property
    def id(self) -> str:
        """The same from run to run while event, start and rule stay; holds no calendar text."""
        return "/".join((*self.key, self.rule.name))


class Window(Struct, frozen=True):
    """A demand on one circuit. `bandwidth` is as the rule wants it, before floor, ceiling and tiers."""

    demand: Demand
    bandwidth: Bandwidth

    @property
    def exact(self) -> bool:
        return self.demand.rule.mode is Mode.EXACTLY

    @property
    def serves_event(self) -> bool:
        """True if an event is slow without it: neither maintenance nor a person's hold."""
        return not self.exact and self.demand.hold is None

    @property
    def priority(self) -> int:
        return self.demand.rule.priority


def open_windows(
    events: Iterable[MatchedEvent], rules: Iterable[Rule], circuits: Iterable[Circuit]
) -> dict[str, tuple[Window, ...]]:
    """The windows of each circuit, by its name, in order of start; the order of what comes in is no matter.

    Rules that no longer exist, and circuits that a rule no longer names, make no window; nor do freezes.
    """
    by_name = {circuit.name: circuit for circuit in circuits}
    merged = merge_demands(events, rules, by_name.values())
    return {name: tuple(_of_circuit(by_name[name], demands)) for name, demands in merged.items()}


def hold_window(hold: Hold, circuit: Circuit) -> Window:
    """A person's hold on `circuit` as a window: above every rule, without lead or trail."""
    mode = Mode.EXACTLY if hold.exactly else Mode.AT_LEAST
    rule = Rule("hold", {}, hold.bandwidth, mode=mode, priority=HOLD_PRIORITY)
    key = ("hold", circuit.service_id, hold.since.isoformat())
    demand = Demand(
        key, rule, calendar="", subject=hold.note or None, event=hold.span, span=hold.span, hold=hold
    )
    return Window(demand, hold.bandwidth)


def merge_demands(
    events: Iterable[MatchedEvent], rules: Iterable[Rule], circuits: Iterable[Circuit]
) -> dict[str, list[Demand]]:
    """What the rules make of the events for each circuit, by its name; copies of one event are one."""
    by_name = {circuit.name: circuit for circuit in circuits}
    rule_named = {rule.name: rule for rule in rules}
    merged: dict[str, dict[tuple[str, tuple[str, str, str]], Demand]] = {name: {} for name in by_name}
    events = tuple(events)
    asking = CircuitResolver(events, by_name)
    # Sorted first, so that each circuit's windows come in one order whatever order the copies came in.
    for event in sorted(events, key=lambda event: (event.copy_key, event.source, event.id)):
        for match in event.matches:
            rule = rule_named.get(match.rule)
            if rule is not None:
                _demand(event, match, rule=rule, asking=asking, circuits=by_name, merged=merged)
    return {name: list(demands.values()) for name, demands in merged.items()}


def _demand(
    event: MatchedEvent,
    match: Match,
    *,
    rule: Rule,
    asking: CircuitResolver,
    circuits: Mapping[str, Circuit],
    merged: Mapping[str, dict[tuple[str, tuple[str, str, str]], Demand]],
) -> None:
    key = event.copy_key
    at_place: dict[Place, Demand | None] = {}
    for name in asking.circuits_of(rule, event):
        place = circuits[name].place
        if place not in at_place:
            at_place[place] = _at_place(event, match, rule=rule, key=key, place=place)
        demand = at_place[place]
        if demand is not None:
            known = merged[name].get((rule.name, key))
            merged[name][rule.name, key] = demand if known is None else _merge(known, demand)


def _at_place(
    event: MatchedEvent, match: Match, rule: Rule, key: tuple[str, str, str], place: Place
) -> Demand | None:
    span = event.span.within(place.zone)
    if span.start >= span.end or not holds_at_place(rule.conditions, event.span, place):
        return None
    asked = _asked_span(span, rule)
    return Demand(
        key=key,
        rule=rule,
        calendar=event.source.calendar,
        subject=event.subject,
        event=Interval(span.start, min(span.end, asked.end)),
        span=asked,
        named=match.bandwidth,
        remembered_since=event.remembered_since,
    )


def _asked_span(event: Interval, rule: Rule) -> Interval:
    """When `rule` asks for an event at `event` (UTC): lead and trail included, and at most its `longest`."""
    asked = widened(event, rule.lead, rule.trail)
    if rule.longest is None or asked.end - asked.start <= rule.longest:
        return asked
    return Interval(asked.start, asked.start + rule.longest)


def _merge(one: Demand, other: Demand) -> Demand:
    """Two copies of one meeting: the longest end wins, and a subject hidden in one is hidden."""
    # Among copies that end together the calendar first in the alphabet gives its name and subject.
    later = min(one, other, key=lambda copy: (-copy.span.end.timestamp(), copy.calendar, copy.subject or ""))
    named = [bandwidth for bandwidth in (one.named, other.named) if bandwidth is not None]
    hidden = one.subject is None or other.subject is None
    # Today's reading of either copy is proof enough; memory counts only where both are remembered.
    remembered = [since for since in (one.remembered_since, other.remembered_since) if since is not None]
    return replace(
        later,
        subject=None if hidden else later.subject,
        named=max(named, default=None),
        remembered_since=min(remembered) if len(remembered) == 2 else None,
    )


def _of_circuit(circuit: Circuit, demands: Iterable[Demand]) -> list[Window]:
    highest = circuit.highest
    windows = [
        Window(demand, bandwidth)
        for demand in demands
        if (bandwidth := _bandwidth(demand, highest)) is not None
    ]
    windows.sort(key=attrgetter("demand.span.start"))
    exact: dict[tuple[str, str, str], int] = {}
    for window in windows:
        if window.exact:
            key = window.demand.key
            exact[key] = max(window.priority, exact.get(key, window.priority))
    if not exact:
        return windows
    # Where an `exactly` rule takes an event, the event's own windows of lower priority give way to it.
    return [window for window in windows if window.priority >= exact.get(window.demand.key, window.priority)]


def _bandwidth(demand: Demand, highest: Bandwidth) -> Bandwidth | None:
    wanted = demand.rule.bandwidth
    if isinstance(wanted, Highest):
        return highest
    if isinstance(wanted, FromEvent):
        return demand.named
    return wanted


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
