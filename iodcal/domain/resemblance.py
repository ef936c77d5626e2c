"""How much two titles resemble each other, as people misspell them: `Townhall` is `Town Hall`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import accumulate

from iodcal.domain.keywords import Keyword, normalise, words_of

NEAR = 0.75  # one letter in four may be wrong
_BREAK = re.compile(r"[\W_]+")
_FINALISTS = 3  # keywords of a title that are compared letter by letter


def resembles(wanted: str, title: str) -> bool:
    """True if `wanted` stands anywhere in `title`, or nearly stands there as words."""
    one, other = normalise(wanted), normalise(title)
    return one in other or likeness(one, other) >= NEAR


def likeness(wanted: str, title: str) -> float:
    """From 0 to 1: how nearly the normalised `wanted` stands somewhere in the normalised `title`. Spaces
    and punctuation do not matter."""
    bare = _bare(wanted)
    if not bare:
        return 0.0
    parts = _runs_of_words(wanted, title) if words_of(wanted) else _runs_of_letters(len(bare), _bare(title))
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
