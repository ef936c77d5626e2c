"""From events to matched events: which rules take which events, and what is kept of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.events import Event, Match, MatchedEvent, Span, Timed, short_id
from iodcal.domain.keywords import Keyword, normalise, words_of
from iodcal.domain.patterns import Budget, TooSlowError
from iodcal.domain.rules import Conditions, FromEvent, Rule


@dataclass(frozen=True, slots=True)
class Organizers:
    """Whose events count: addresses and `@domain` entries, case-folded; None means everybody's."""

    entries: frozenset[str] | None = None

    def allow(self, organizer: str | None) -> bool:
        """An event without an organizer is its calendar's own entry: an invitation always names one."""
        return self.entries is None or organizer is None or _address_in(organizer, self.entries)


@dataclass(frozen=True, slots=True)
class Matching:
    """`matched` count; `refused` would, but for their organizer; `invalid` end before they start;
    `unreadable` matched a `from_event` rule but name no bandwidth (with the rule's name). `undecided` names
    calendar and rule where a regular expression was given up on a subject: that event does not count."""

    matched: tuple[MatchedEvent, ...]
    refused: tuple[MatchedEvent, ...] = ()
    invalid: tuple[MatchedEvent, ...] = ()
    unreadable: tuple[tuple[MatchedEvent, str], ...] = ()
    undecided: frozenset[tuple[str, str]] = frozenset()


@dataclass(slots=True)
class _Sorting:
    matched: list[MatchedEvent] = field(default_factory=list)
    refused: list[MatchedEvent] = field(default_factory=list)
    invalid: list[MatchedEvent] = field(default_factory=list)
    unreadable: list[tuple[MatchedEvent, str]] = field(default_factory=list)
    undecided: set[tuple[str, str]] = field(default_factory=set)
    budget: Budget = field(default_factory=Budget)

    def taken(self, rules: Iterable[Rule], event: Event, normal: str) -> list[Rule]:
        """Those of `rules` that take `event`."""
        return [rule for rule in rules if self._takes(rule, event, normal)]

    def _takes(self, rule: Rule, event: Event, normal: str) -> bool:
        try:
            return takes(rule.conditions, event, normal, self.budget)
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
        for word in words_of(normal_subject):
            for rule in self._by_word.get((calendar, word), ()):
                found[rule.name] = rule
        return sorted(found.values(), key=lambda rule: self._order[rule.name]) if found else ()


def match_events(
    events: Iterable[Event],
    rules: Iterable[Rule],
    *,
    organizers: Organizers | None = None,
    hidden_calendars: frozenset[str] = frozenset(),
) -> Matching:
    """Tries `rules` on every copy of every event by itself.

    Conditions on local time differ from circuit to circuit; windows are held to them (`holds_at`).
    No subject is kept where any copy is private, or where the copy's calendar is in `hidden_calendars`.
    Nothing at all is kept of an event that no rule takes.
    """
    events = tuple(events)
    allowed = organizers or Organizers()
    index = RuleIndex(rules)
    private = frozenset(_copy(event, None, ()).copy_key for event in events if event.private)
    sorting = _Sorting()
    for event in events:
        if event.cancelled or event.declined or event.span.start == event.span.end:
            continue
        _sort(event, index, allowed, private, event.source.calendar in hidden_calendars, sorting)
    return Matching(
        tuple(sorting.matched),
        tuple(sorting.refused),
        tuple(sorting.invalid),
        tuple(sorting.unreadable),
        frozenset(sorting.undecided),
    )


def _sort(
    event: Event,
    index: RuleIndex,
    organizers: Organizers,
    private: frozenset[tuple[str, str, str]],
    hidden: bool,
    sorting: _Sorting,
) -> None:
    normal = normalise(event.subject)
    taken = sorting.taken(index.candidates(event, normal), event, normal)
    if not taken:
        return
    bare = _copy(event, None, ())
    subject = None if hidden or event.private or bare.copy_key in private else event.subject
    matches = []
    for rule in taken:
        match = _match(rule, event, sorting.budget)
        if match is None:
            sorting.unreadable.append((_copy(event, subject, (Match(rule.name),)), rule.name))
        else:
            matches.append(match)
    kept = _copy(event, subject, tuple(matches))
    if event.span.end < event.span.start:
        sorting.invalid.append(kept)
    elif not organizers.allow(event.organizer):
        sorting.refused.append(kept)
    elif matches:
        sorting.matched.append(kept)


def _copy(event: Event, subject: str | None, matches: tuple[Match, ...]) -> MatchedEvent:
    return MatchedEvent(
        event.source, short_id(event.id), short_id(event.uid), event.span, event.all_day, subject, matches
    )


def _match(rule: Rule, event: Event, budget: Budget) -> Match | None:
    if rule.bandwidth is not FromEvent.FROM_EVENT:
        return Match(rule.name)
    pattern = rule.conditions.subject_regex
    try:
        found = pattern.search(event.subject, budget) if pattern else None
        return Match(rule.name, Bandwidth.parse(found["bandwidth"] or "")) if found else None
    except (ValueError, TooSlowError):
        return None


def takes(conditions: Conditions, event: Event, normal_subject: str, budget: Budget | None = None) -> bool:
    """True if every condition that does not depend on a circuit's zone holds for `event`.

    `normal_subject` is the event's subject as `normalise` makes it. The regular expression comes last, as it
    may be slow: then TooSlowError is raised.
    """
    return (
        _length_fits(conditions, event.span)
        and _subject_fits(conditions, normal_subject)
        and _labels_fit(conditions, event)
        and _people_fit(conditions, event)
        and _pattern_fits(conditions, event, budget or Budget())
    )


def holds_at(conditions: Conditions, span: Span, zone: ZoneInfo) -> bool:
    """True if the conditions on length and local time hold for an event at `span`, judged in `zone`."""
    inside = span.within(zone)
    if not _length_between(conditions, inside.end - inside.start):
        return False
    start = inside.start.astimezone(zone)
    if conditions.days and start.weekday() not in conditions.days:
        return False
    return _in_hours(conditions, start)


def _in_hours(conditions: Conditions, start: datetime) -> bool:
    first, last, at = conditions.start_from, conditions.start_to, start.time()
    if first is None or last is None:
        return (first is None or at >= first) and (last is None or at < last)
    if first < last:
        return first <= at < last
    return at >= first or at < last


def _length_fits(conditions: Conditions, span: Span) -> bool:
    # A floating span may be an hour longer or shorter where the clock changes; `holds_at` judges it.
    return not isinstance(span, Timed) or _length_between(conditions, span.end - span.start)


def _length_between(conditions: Conditions, length: timedelta) -> bool:
    longer, shorter = conditions.longer_than, conditions.shorter_than
    return (longer is None or length > longer) and (shorter is None or length < shorter)


def _pattern_fits(conditions: Conditions, event: Event, budget: Budget) -> bool:
    pattern = conditions.subject_regex
    return pattern is None or pattern.search(event.subject, budget) is not None


def _subject_fits(conditions: Conditions, normal: str) -> bool:
    if conditions.subject and not _any_in(conditions.subject, normal):
        return False
    return not (conditions.not_subject and _any_in(conditions.not_subject, normal))


def _labels_fit(conditions: Conditions, event: Event) -> bool:
    if conditions.location and not any(
        _any_in(conditions.location, normalise(location)) for location in event.locations
    ):
        return False
    if conditions.categories:
        wanted = {normalise(category) for category in conditions.categories}
        if wanted.isdisjoint(normalise(category) for category in event.categories):
            return False
    if conditions.show_as and event.show_as.casefold() not in conditions.show_as:
        return False
    if conditions.sensitivity and event.sensitivity.casefold() not in conditions.sensitivity:
        return False
    return conditions.all_day is None or event.all_day == conditions.all_day


def _people_fit(conditions: Conditions, event: Event) -> bool:
    if conditions.organizer and not _address_in(event.organizer, frozenset(conditions.organizer)):
        return False
    if conditions.online_meeting is not None and event.online_meeting != conditions.online_meeting:
        return False
    return conditions.min_attendees is None or (event.attendees or 0) >= conditions.min_attendees


def _any_in(keywords: Iterable[Keyword], normal: str) -> bool:
    return any(keyword.is_in(normal) for keyword in keywords)


def _address_in(address: str | None, entries: frozenset[str]) -> bool:
    if not address:
        return False
    folded = address.casefold()
    return folded in entries or "@" + folded.rpartition("@")[2] in entries
