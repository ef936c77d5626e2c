"""Whether an event counts at all, whoever's rule it is, and whether its texts may be seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

from msgspec import Struct, field

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_names import NameBook
from iodcal.domain.circuits import Circuit
from iodcal.domain.conditions import Conditions, judge_at, judge_event
from iodcal.domain.events import (
    Event,
    Match,
    MatchedEvent,
    NamedCircuits,
    Span,
    mark_of,
    short_id,
    short_subject,
)
from iodcal.domain.judges import Finding, address_in
from iodcal.domain.rules import FromEvent, Rule
from iodcal.domain.structs import replace
from iodcal.domain.text_match import SearchBudget, TooSlowError, normalise_text, split_words
from iodcal.domain.workdays import Place


class Obstacle(StrEnum):
    """Why an event does not count, whatever the rules say."""

    CANCELLED = "cancelled"
    DECLINED = "declined"
    NO_LENGTH = "no_length"
    ENDS_BEFORE_START = "ends_before_start"
    ORGANIZER = "organizer"
    SKIPPED = "skipped"
    OWN_CHANGE = "own_change"


class Organizers(Struct, frozen=True):
    """Whose events count: addresses and `@domain` entries, case-folded; None means everybody's."""

    entries: frozenset[str] | None = None

    def allow(self, organizer: str | None) -> bool:
        """An event without an organizer is its calendar's own entry: an invitation always names one."""
        return self.entries is None or organizer is None or address_in(organizer, self.entries)


def certain_obstacle(event: Event) -> Obstacle | None:
    """Why `event` is none at all; nobody need be told."""
    if event.cancelled:
        return Obstacle.CANCELLED
    if event.declined:
        return Obstacle.DECLINED
    if event.is_own_change:
        return Obstacle.OWN_CHANGE
    return Obstacle.NO_LENGTH if event.span.start == event.span.end else None


def doubtful_obstacle(event: Event, organizers: Organizers) -> Obstacle | None:
    """Why `event` does not count though a rule takes it; that is worth telling."""
    if event.span.end < event.span.start:
        return Obstacle.ENDS_BEFORE_START
    return None if organizers.allow(event.organizer) else Obstacle.ORGANIZER


class Visibility(Struct, frozen=True):
    """Which events' texts must not be seen: those of which any copy is private, and those of `calendars`."""

    private: frozenset[tuple[str, str, str]] = frozenset()
    calendars: frozenset[str] = frozenset()

    @classmethod
    def over(cls, events: Iterable[Event], calendars: frozenset[str] = frozenset()) -> Visibility:
        """The veil over `events`, all copies of them, with those calendars hidden."""
        return cls(frozenset(event.copy_key for event in events if event.private), calendars)

    def hides(self, event: Event) -> bool:
        """True if nobody may see what `event` is about."""
        return event.source.calendar in self.calendars or event.private or event.copy_key in self.private


class Matching(Struct, frozen=True):
    """`matched` count; `refused` would, but for their organizer; `invalid` end before they start;
    `unreadable` matched a `from_event` rule but name no bandwidth (with the rule's name). `undecided` names
    calendar and rule where a regular expression was given up on a subject: that event does not count.
    `refused_by` are the organizers of `refused`, None where nobody may see whose event it is. `uncounted`
    would match a rule (with its name) if more were invited than the calendar shows, and it need not show
    all."""

    matched: tuple[MatchedEvent, ...]
    refused: tuple[MatchedEvent, ...] = ()
    invalid: tuple[MatchedEvent, ...] = ()
    unreadable: tuple[tuple[MatchedEvent, str], ...] = ()
    undecided: frozenset[tuple[str, str]] = frozenset()
    refused_by: tuple[str | None, ...] = ()
    uncounted: tuple[tuple[MatchedEvent, str], ...] = ()


class _Sorting(Struct):
    names: NameBook
    show: Callable[[str], str]
    matched: list[MatchedEvent] = field(default_factory=list)
    refused: list[MatchedEvent] = field(default_factory=list)
    invalid: list[MatchedEvent] = field(default_factory=list)
    unreadable: list[tuple[MatchedEvent, str]] = field(default_factory=list)
    undecided: set[tuple[str, str]] = field(default_factory=set)
    budget: SearchBudget = field(default_factory=SearchBudget.for_run)
    budgets: dict[str, SearchBudget] = field(default_factory=dict)

    def budget_of(self, rule: Rule) -> SearchBudget:
        """What is left of `rule`'s."""
        return self.budgets.setdefault(rule.name, SearchBudget(of_run=self.budget))

    refused_by: list[str | None] = field(default_factory=list)
    uncounted: list[tuple[MatchedEvent, str]] = field(default_factory=list)

    def takes(self, rule: Rule, event: Event) -> bool:
        """True if `rule` takes `event`, as far as can be told."""
        try:
            return holds_for_event(rule.conditions, event, self.budget_of(rule))
        except TooSlowError:
            self.undecided.add((event.source.label, rule.name))
            return False


class RuleIndex:
    """Finds the few rules that may take an event, so that not every pair need be tried.

    A rule whose every subject keyword holds a plain word can only take events with one of those words;
    of a keyword's words the one that fewest keywords share tells most.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        rules = tuple(rules)
        self._order = {rule.name: number for number, rule in enumerate(rules)}
        self._always: defaultdict[str, list[Rule]] = defaultdict(list)
        self._by_word: defaultdict[tuple[str, str], list[Rule]] = defaultdict(list)
        common = Counter(
            word for rule in rules for keyword in rule.conditions.subject for word in keyword.words
        )
        for rule in rules:
            keywords = rule.conditions.subject
            rarest = {min(k.words, key=lambda word: (common[word], word)) for k in keywords if k.words}
            everywhere = not keywords or not all(keyword.words for keyword in keywords)
            for calendar in rule.circuits:
                if everywhere:
                    self._always[calendar].append(rule)
                    continue
                for word in rarest:
                    self._by_word[calendar, word].append(rule)

    def candidates(self, event: Event, normal_subject: str) -> Sequence[Rule]:
        """The rules that may take `event`, in the order of the configuration."""
        calendar = event.source.calendar
        found = {rule.name: rule for rule in self._always.get(calendar, ())}
        for word in split_words(normal_subject):
            for rule in self._by_word.get((calendar, word), ()):
                found[rule.name] = rule
        return sorted(found.values(), key=lambda rule: self._order[rule.name])


def match_events(
    events: Iterable[Event],
    rules: Iterable[Rule],
    *,
    organizers: Organizers | None = None,
    hidden_calendars: frozenset[str] = frozenset(),
    circuits: Iterable[Circuit] = (),
    show: Callable[[str], str] = str,
) -> Matching:
    """Tries `rules` on every copy of every event by itself.

    Conditions on local time differ from circuit to circuit; windows are held to them (`holds_at`). `circuits`
    are those that an event may name, for rules with `named_in_event`.
    No subject is kept where any copy is private, or where the copy's calendar is in `hidden_calendars`.
    Nothing at all is kept of an event that no rule takes. Rules judge the texts as they are; `show` makes of
    them what is kept.
    """
    events, rules = tuple(events), tuple(rules)
    allowed = organizers or Organizers()
    index = RuleIndex(rules)
    visibility = Visibility.over(events, hidden_calendars)
    sorting = _Sorting(NameBook(circuits), show)
    sound = (event for event in events if certain_obstacle(event) is None)
    # Strangers' subjects come last: they may use up what slow searches may cost.
    for event in sorted(sound, key=lambda event: doubtful_obstacle(event, allowed) is Obstacle.ORGANIZER):
        _sort(event, index, organizers=allowed, visibility=visibility, sorting=sorting)
    return Matching(
        tuple(sorting.matched),
        tuple(sorting.refused),
        invalid=tuple(sorting.invalid),
        unreadable=tuple(sorting.unreadable),
        undecided=frozenset(sorting.undecided),
        refused_by=tuple(sorting.refused_by),
        uncounted=tuple(sorting.uncounted),
    )


def _sort(
    event: Event, index: RuleIndex, organizers: Organizers, visibility: Visibility, sorting: _Sorting
) -> None:
    candidates = index.candidates(event, normalise_text(event.subject))
    taken = [rule for rule in candidates if sorting.takes(rule, event)]
    uncounted: list[Rule] = []
    if event.more_attendees and organizers.allow(event.organizer):
        uncounted = [rule for rule in candidates if rule not in taken and _would_take(rule, event, sorting)]
    if not taken and not uncounted:
        return
    subject = None if visibility.hides(event) else short_subject(sorting.show(event.subject))
    for rule in uncounted:
        sorting.uncounted.append((_copy(event, subject, (Match(rule.name),), None), rule.name))
    if taken:
        _sort_taken(event, taken, subject, organizers=organizers, sorting=sorting)


def _sort_taken(
    event: Event, taken: Sequence[Rule], subject: str | None, *, organizers: Organizers, sorting: _Sorting
) -> None:
    """`subject` is None where nobody may see whose event it is."""
    named = sorting.names.named_in(event) if any(rule.named_in_event for rule in taken) else None
    matches = []
    for rule in taken:
        match = match_rule(rule, event, sorting.budget_of(rule))
        if match is None:
            sorting.unreadable.append((_copy(event, subject, (Match(rule.name),), named), rule.name))
        else:
            matches.append(match)
    kept = _copy(event, subject, tuple(matches), named)
    obstacle = doubtful_obstacle(event, organizers)
    if obstacle is Obstacle.ENDS_BEFORE_START:
        sorting.invalid.append(kept)
    elif obstacle is Obstacle.ORGANIZER:
        sorting.refused.append(kept)
        sorting.refused_by.append(
            None if subject is None else short_subject(sorting.show(event.organizer or ""))
        )
    elif matches:
        sorting.matched.append(kept)


def _would_take(rule: Rule, event: Event, sorting: _Sorting) -> bool:
    """True if `rule`, which did not take `event`, would with more attendees."""
    wanted = rule.conditions.min_attendees
    return wanted is not None and sorting.takes(rule, replace(event, attendees=wanted))


def _copy(
    event: Event, subject: str | None, matches: tuple[Match, ...], named: NamedCircuits | None
) -> MatchedEvent:
    return MatchedEvent(
        event.source,
        mark_of(event),
        uid=short_id(event.uid),
        span=event.span,
        all_day=event.all_day,
        subject=subject,
        matches=matches,
        named=named,
    )


def match_rule(rule: Rule, event: Event, budget: SearchBudget) -> Match | None:
    """The match of a rule that takes `event`; None where the rule wants the event to name a bandwidth, and
    it names none."""
    if rule.bandwidth is not FromEvent.FROM_EVENT:
        return Match(rule.name)
    pattern = rule.conditions.subject_regex
    try:
        found = pattern.search(event.subject, budget) if pattern else None
        return Match(rule.name, Bandwidth.parse(found["bandwidth"] or "")) if found else None
    except (ValueError, TooSlowError):
        return None


def holds_for_event(conditions: Conditions, event: Event, budget: SearchBudget) -> bool:
    """True if every condition that is the same for every circuit holds for `event`. Raises TooSlowError
    where an expression is given up."""
    return all(condition.holds(thing) for condition, thing in judge_event(conditions, event, budget))


def holds_at_place(conditions: Conditions, span: Span, place: Place) -> bool:
    """True if the conditions on length and local time hold for an event at `span`, judged at `place`."""
    return all(condition.holds(thing) for condition, thing in judge_at(conditions, span, place))


def event_findings(conditions: Conditions, event: Event, *, hidden: bool) -> tuple[Finding, ...]:
    """What `takes` judges by, each condition with what it found; no text of a `hidden` event."""
    judged = judge_event(conditions, event, SearchBudget())
    return tuple(condition.find(thing, hidden=hidden) for condition, thing in judged)


def place_findings(conditions: Conditions, span: Span, place: Place) -> tuple[Finding, ...]:
    """What `holds_at` judges by, each condition with what it found."""
    return tuple(condition.find(thing) for condition, thing in judge_at(conditions, span, place))
