"""The events that no rule took, the likeliest slips of the pen first.

A misspelt title is the likeliest cause of a slow circuit. These values are for a screen: nothing of them is
ever stored or logged, and events whose texts must not be seen are only counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.asking import Asking
from iodcal.domain.circuits import Circuit
from iodcal.domain.counting import Veil, void
from iodcal.domain.events import Event
from iodcal.domain.keywords import Keyword, normalise
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import Matching
from iodcal.domain.resemblance import Nearest
from iodcal.domain.rules import Rule
from iodcal.domain.trials import Court, RuleTrial

# More different titles than these are listed but not compared: the work must stay bounded.
MOST_TITLES = 5_000
MOST_COMPARED = 500
_UTC = ZoneInfo("UTC")


class Untaken(Struct, frozen=True):
    """Events of one calendar with the same title that no rule took, `count` of them, the first as `event`.

    `keyword` is the one of a rule for that calendar that the title is nearest to, `likeness` from 0 to 1.
    Where the keyword is in the title, `trial` says what else kept the rule from taking the event.
    """

    event: Event
    count: int
    keyword: Keyword | None = None
    likeness: float = 0.0
    trial: RuleTrial | None = None

    @property
    def first(self) -> Interval:
        """When the first of them is; a floating one as if in UTC."""
        return self.event.span.within(_UTC)


class Unmatched(Struct, frozen=True):
    """All that no rule took: `titles` with the nearest keyword first; `hidden` counts events whose titles
    must not be seen, by calendar; `compared` is False where there were too many to compare them all."""

    titles: tuple[Untaken, ...]
    hidden: Mapping[str, int]
    compared: bool = True


def unmatched(
    events: Iterable[Event],
    matching: Matching,
    rules: Sequence[Rule],
    circuits: Mapping[str, Circuit],
    court: Court,
    now: datetime,
) -> Unmatched:
    """What no rule took of `events` that are not over at `now` (UTC). An event counts as taken if a rule
    takes any copy of it for any circuit, or would but for a fault that is told as a problem."""
    left = _untaken(events, matching, rules, circuits, now)
    hidden = Counter(event.source.calendar for event in left if court.hides(event))
    titles = _by_title(event for event in left if not court.hides(event))
    compared = _compare(titles[:MOST_TITLES], rules, court)
    compared.sort(key=lambda found: (-found.likeness, found.first, found.event.subject))
    return Unmatched((*compared, *titles[MOST_TITLES:]), dict(hidden), len(titles) <= MOST_TITLES)


def untaken_titles(
    events: Iterable[Event],
    matching: Matching,
    rules: Sequence[Rule],
    circuits: Mapping[str, Circuit],
    veil: Veil,
    now: datetime,
) -> tuple[str, ...]:
    """The titles of what `unmatched` finds and may be seen, once each, in order of start, compared with no
    keyword. An event without a title has none."""
    left = (event for event in _untaken(events, matching, rules, circuits, now) if not veil.hides(event))
    soonest = sorted(left, key=lambda event: event.span.within(_UTC).start)
    return tuple(dict.fromkeys(event.subject for event in soonest if event.subject.strip()))


def _untaken(
    events: Iterable[Event],
    matching: Matching,
    rules: Sequence[Rule],
    circuits: Mapping[str, Circuit],
    now: datetime,
) -> list[Event]:
    """The events that no rule took, what must not be seen among them: the one answer for every reader."""
    taken = set(_taken(matching, rules, circuits))
    return [
        event
        for event in events
        if void(event) is None and event.copy_key not in taken and event.span.within(_UTC).end > now
    ]


def _taken(
    matching: Matching, rules: Iterable[Rule], circuits: Mapping[str, Circuit]
) -> Iterator[tuple[str, str, str]]:
    named = {rule.name: rule for rule in rules}
    asking = Asking(matching.matched, circuits)
    for event in matching.matched:
        for rule in (named[match.rule] for match in event.matches):
            if asking.fits_anywhere(rule, event, asking.circuits_of(rule, event)):
                yield event.copy_key
    yield from (event.copy_key for event in (*matching.refused, *matching.invalid))
    yield from (event.copy_key for event, _ in matching.unreadable)


def _by_title(events: Iterable[Event]) -> list[Untaken]:
    """One for each title of each calendar, the soonest first; the copies of one meeting count once."""
    grouped: dict[tuple[str, str], dict[tuple[str, str, str], Event]] = {}
    for event in events:
        same = grouped.setdefault((event.source.calendar, normalise(event.subject)), {})
        same.setdefault(event.copy_key, event)
    found = [
        Untaken(min(same.values(), key=lambda event: event.span.within(_UTC)), len(same))
        for same in grouped.values()
    ]
    return sorted(found, key=lambda untaken: (untaken.first, untaken.event.subject))


def _compare(titles: Iterable[Untaken], rules: Sequence[Rule], court: Court) -> list[Untaken]:
    """`titles`, each with its nearest keyword; letter by letter only the most promising ones."""
    calendars = {calendar for rule in rules for calendar in rule.circuits}
    nearest = {calendar: Nearest(_keywords(calendar, rules)) for calendar in calendars}
    promising = [(_rough(untaken, nearest), untaken) for untaken in titles]
    promising.sort(key=lambda found: -found[0])
    best = [_nearest(untaken, nearest, court) for _, untaken in promising[:MOST_COMPARED]]
    return [*best, *(untaken for _, untaken in promising[MOST_COMPARED:])]


def _keywords(calendar: str, rules: Iterable[Rule]) -> Iterator[Keyword]:
    return (keyword for rule in rules if calendar in rule.circuits for keyword in rule.conditions.subject)


def _rough(untaken: Untaken, nearest: Mapping[str, Nearest]) -> float:
    return nearest[untaken.event.source.calendar].rough(normalise(untaken.event.subject))


def _nearest(untaken: Untaken, nearest: Mapping[str, Nearest], court: Court) -> Untaken:
    normal = normalise(untaken.event.subject)
    found = nearest[untaken.event.source.calendar].find(normal)
    if found is None:
        return untaken
    keyword, likeness = found
    trial = _missed_by(untaken.event, keyword, court) if keyword.is_in(normal) else None
    return Untaken(untaken.event, untaken.count, keyword, likeness, trial)


def _missed_by(event: Event, keyword: Keyword, court: Court) -> RuleTrial:
    """The rule with this keyword that was nearest to taking the event."""
    trials = [trial for trial in court.try_event(event).rules if keyword in trial.rule.conditions.subject]
    return min(trials, key=lambda trial: trial.failed)
