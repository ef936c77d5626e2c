"""Events that no rule took, the likeliest slips first: titles compared as people misspell them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from itertools import accumulate
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.circuits import Circuit
from iodcal.domain.events import Event
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import Matching, Visibility, certain_obstacle
from iodcal.domain.resolution import CircuitResolver
from iodcal.domain.rules import Rule
from iodcal.domain.text_match import Keyword, normalise_text, split_words

if TYPE_CHECKING:
    from iodcal.domain.explain import Explainer, RuleEvaluation

NEAR = 0.75  # one letter in four may be wrong
_BREAK = re.compile(r"[\W_]+")
_FINALISTS = 3  # keywords of a title that are compared letter by letter


def resembles(wanted: str, title: str) -> bool:
    """True if `wanted` stands anywhere in `title`, or nearly stands there as words."""
    one, other = normalise_text(wanted), normalise_text(title)
    return one in other or likeness(one, other) >= NEAR


def likeness(wanted: str, title: str) -> float:
    """From 0 to 1: how nearly the normalised `wanted` stands somewhere in the normalised `title`. Spaces
    and punctuation do not matter."""
    bare = _bare(wanted)
    if not bare:
        return 0.0
    parts = (
        _runs_of_words(wanted, title) if split_words(wanted) else _runs_of_letters(len(bare), _bare(title))
    )
    return max((_ratio(bare, part) for part in parts), default=0.0)


def _runs_of_words(wanted: str, title: str) -> Iterator[str]:
    """Runs of at most one word more: one may have been split, and any number written together."""
    words = [word for word in _BREAK.split(title) if word]
    most = len([word for word in _BREAK.split(wanted) if word]) + 1
    return (run for first in range(len(words)) for run in accumulate(words[first : first + most]))


def _runs_of_letters(length: int, title: str) -> Iterator[str]:
    """In a script without spaces a word may stand anywhere."""
    return (title[first : first + length] for first in range(max(1, len(title) - length + 1)))


def _ratio(one: str, other: str) -> float:
    if 2 * min(len(one), len(other)) < NEAR * (len(one) + len(other)):
        return 0.0  # no letters could make up for that
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


class Nearest:
    """Finds, of many keywords, the one that a title resembles most.

    Pairs of letters find the few keywords worth comparing, so that the work grows with the titles and hardly
    with the keywords.
    """

    def __init__(self, keywords: Iterable[Keyword]) -> None:
        self._keywords = tuple(dict.fromkeys(keywords))
        self._pairs = [_pairs(_bare(keyword.normal)) for keyword in self._keywords]
        self._holding: defaultdict[str, list[int]] = defaultdict(list)
        for number, pairs in enumerate(self._pairs):
            for pair in pairs:
                self._holding[pair].append(number)

    def rough(self, title: str) -> float:
        """At most how much of any keyword stands in the normalised `title`: quick, for sorting many."""
        return max((share for share, _ in self._shares(title)), default=0.0)

    def find(self, title: str) -> tuple[Keyword, float] | None:
        """The keyword nearest to the normalised `title`, and its likeness; None where none is near."""
        shares = sorted(self._shares(title), key=lambda found: (-found[0], found[1]))[:_FINALISTS]
        scored = [(likeness(self._keywords[number].normal, title), -number) for _, number in shares]
        best = max(scored, default=(0.0, 0))
        return (self._keywords[-best[1]], best[0]) if best[0] >= NEAR else None

    def _shares(self, title: str) -> Iterator[tuple[float, int]]:
        common = Counter(number for pair in _pairs(_bare(title)) for number in self._holding.get(pair, ()))
        return ((count / len(self._pairs[number]), number) for number, count in common.items())


def _bare(normal: str) -> str:
    return _BREAK.sub("", normal)


def _pairs(bare: str) -> frozenset[str]:
    """The pairs of neighbouring letters; a single letter is its own pair."""
    return frozenset(bare[at : at + 2] for at in range(max(1, len(bare) - 1)))


# More different titles than these are listed but not compared: the work must stay bounded.
MOST_TITLES = 5_000
MOST_COMPARED = 500
_UTC = ZoneInfo("UTC")


class Untaken(Struct, frozen=True):
    """Events of one calendar with the same title that no rule took, `count` of them, the first as `event`.

    `keyword` is the one of a rule for that calendar that the title is nearest to, `likeness` from 0 to 1.
    Where the keyword is in the title, `evaluation` says what else kept the rule from taking the event.
    """

    event: Event
    count: int
    keyword: Keyword | None = None
    likeness: float = 0.0
    evaluation: RuleEvaluation | None = None

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
    *,
    rules: Sequence[Rule],
    circuits: Mapping[str, Circuit],
    explainer: Explainer,
    now: datetime,
) -> Unmatched:
    """What no rule took of `events` that are not over at `now` (UTC). An event counts as taken if a rule
    takes any copy of it for any circuit, or would but for a fault that is told as a problem."""
    left = _untaken(events, matching, rules=rules, circuits=circuits, now=now)
    hidden = Counter(event.source.calendar for event in left if explainer.hides(event))
    titles = _by_title(event for event in left if not explainer.hides(event))
    compared = _compare(titles[:MOST_TITLES], rules, explainer)
    compared.sort(key=lambda found: (-found.likeness, found.first, found.event.subject))
    return Unmatched((*compared, *titles[MOST_TITLES:]), dict(hidden), compared=len(titles) <= MOST_TITLES)


def untaken_events(
    events: Iterable[Event],
    matching: Matching,
    *,
    rules: Sequence[Rule],
    circuits: Mapping[str, Circuit],
    visibility: Visibility,
    now: datetime,
) -> list[Event]:
    """The events that `unmatched` finds and whose titles may be seen."""
    left = _untaken(events, matching, rules=rules, circuits=circuits, now=now)
    return [event for event in left if not visibility.hides(event)]


def untaken_titles(
    events: Iterable[Event],
    matching: Matching,
    *,
    rules: Sequence[Rule],
    circuits: Mapping[str, Circuit],
    visibility: Visibility,
    now: datetime,
) -> tuple[str, ...]:
    """The titles of what `unmatched` finds and may be seen, once each, in order of start, compared with no
    keyword. An event without a title has none."""
    left = untaken_events(events, matching, rules=rules, circuits=circuits, visibility=visibility, now=now)
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
        if certain_obstacle(event) is None
        and event.copy_key not in taken
        and event.span.within(_UTC).end > now
    ]


def _taken(
    matching: Matching, rules: Iterable[Rule], circuits: Mapping[str, Circuit]
) -> Iterator[tuple[str, str, str]]:
    named = {rule.name: rule for rule in rules}
    asking = CircuitResolver(matching.matched, circuits)
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
        same = grouped.setdefault((event.source.calendar, normalise_text(event.subject)), {})
        same.setdefault(event.copy_key, event)
    found = [
        Untaken(min(same.values(), key=lambda event: event.span.within(_UTC)), len(same))
        for same in grouped.values()
    ]
    return sorted(found, key=lambda untaken: (untaken.first, untaken.event.subject))


def _compare(titles: Iterable[Untaken], rules: Sequence[Rule], explainer: Explainer) -> list[Untaken]:
    """`titles`, each with its nearest keyword; letter by letter only the most promising ones."""
    calendars = {calendar for rule in rules for calendar in rule.circuits}
    nearest = {calendar: Nearest(_keywords(calendar, rules)) for calendar in calendars}
    promising = [(_rough(untaken, nearest), untaken) for untaken in titles]
    promising.sort(key=lambda found: -found[0])
    best = [_nearest(untaken, nearest, explainer) for _, untaken in promising[:MOST_COMPARED]]
    return [*best, *(untaken for _, untaken in promising[MOST_COMPARED:])]


def _keywords(calendar: str, rules: Iterable[Rule]) -> Iterator[Keyword]:
    return (keyword for rule in rules if calendar in rule.circuits for keyword in rule.conditions.subject)


def _rough(untaken: Untaken, nearest: Mapping[str, Nearest]) -> float:
    return nearest[untaken.event.source.calendar].rough(normalise_text(untaken.event.subject))


def _nearest(untaken: Untaken, nearest: Mapping[str, Nearest], explainer: Explainer) -> Untaken:
    normal = normalise_text(untaken.event.subject)
    found = nearest[untaken.event.source.calendar].find(normal)
    if found is None:
        return untaken
    keyword, likeness = found
    evaluation = _missed_by(untaken.event, keyword, explainer) if keyword.is_in(normal) else None
    return Untaken(untaken.event, untaken.count, keyword=keyword, likeness=likeness, evaluation=evaluation)


def _missed_by(event: Event, keyword: Keyword, explainer: Explainer) -> RuleEvaluation:
    """The rule with this keyword that was nearest to taking the event."""
    evaluations = [
        evaluation
        for evaluation in explainer.try_event(event).rules
        if keyword in evaluation.rule.conditions.subject
    ]
    return min(evaluations, key=lambda evaluation: evaluation.failed)
