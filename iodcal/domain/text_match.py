"""Keywords as people mean them: `All-Hands` is in "ALL HANDS" and "all hands: Q3", not in "handset"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from time import thread_time
from typing import TYPE_CHECKING

from msgspec import Struct

from iodcal.domain.events import LONGEST_SUBJECT

if TYPE_CHECKING:
    import regex


# Scripts written without spaces between words: there a keyword matches anywhere.
_UNSPACED = (
    "\u0e00-\u0e7f"  # Thai
    "\u0e80-\u0eff"  # Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3040-\u30ff"  # Hiragana, Katakana
    "\u31f0-\u31ff"  # Katakana extensions
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U00020000-\U0003ffff"  # Han extensions
)
_DASHES_AND_SPACES = re.compile(
    r"[\s\-\u00ad\u058a\u05be\u1400\u1806\u2010-\u2015\u2053\u207b\u208b\u2212\u2e3a\u2e3b\u2e40\u301c\u3030"
    r"\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d]+"
)
# Word, Outlook and phones bend what is typed straight.
_APOSTROPHES = re.compile("[`\u2018\u2019\u201b\u2032\u02bb\u02bc]")
_BARE_ACCENT = "\u00b4"  # typed for an apostrophe; of it NFKC would make a space
# Spaces of no width, marks of direction: they come along when a title is copied from a page or a chat.
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")


@cache
def _word() -> re.Pattern[str]:
    """A word in a script with spaces; made when it is first looked for, as that takes a millisecond."""
    return re.compile(f"[^\\W{_UNSPACED}]+")


@lru_cache(maxsize=65536)
def normalise_text(text: str) -> str:
    """`text` for comparison: NFKC, case-folded, every run of dashes and white space one space, every
    apostrophe the straight one, without what nobody sees."""
    seen = text if text.isascii() else _INVISIBLE.sub("", text).replace(_BARE_ACCENT, "'")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    return _DASHES_AND_SPACES.sub(" ", _APOSTROPHES.sub("'", folded)).strip()


def split_words(normal_text: str) -> frozenset[str]:
    """The words of a normalised text, for indexing; text in scripts without spaces has none."""
    return frozenset(_word().findall(normal_text))


@dataclass(frozen=True, slots=True)
class Keyword:
    """Words to be found as whole words. `text` is as the user wrote it, `normal` as it is compared; with
    `plurals` its last word may stand in the plural."""

    text: str
    plurals: bool = False
    normal: str = field(init=False)
    forms: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        normal = normalise_text(self.text)
        if not normal:
            raise ValueError(f"{self.text!r} has no letter or digit to look for")
        object.__setattr__(self, "normal", normal)
        forms = (normal, *plurals_of(normal)) if self.plurals else (normal,)
        object.__setattr__(self, "forms", forms)

    @property
    def words(self) -> frozenset[str]:
        """The words that stand in every text the keyword is in; none for scripts without spaces, nor where a
        single word may stand in the plural."""
        return frozenset.intersection(*map(split_words, self.forms))

    def is_in(self, normal_text: str) -> bool:
        """True if the keyword stands in `normal_text`, which `normalise` made."""
        return any(True for _ in self.places_in(normal_text))

    def places_in(self, normal_text: str) -> Iterator[tuple[int, int]]:
        """Where the keyword stands in `normal_text`, each place from its first letter to after its last."""
        for form in self.forms:
            yield from _places_of(form, normal_text)


def _places_of(wanted: str, text: str) -> Iterator[tuple[int, int]]:
    begin = text.find(wanted)
    while begin >= 0:
        end = begin + len(wanted)
        whole = not _inside_word(text, begin) and not _inside_word(text, end)
        if whole:
            yield begin, end
        begin = text.find(wanted, end if whole else begin + 1)


_PLURAL_ENDINGS = ("s", "es", "e", "en", "n", "nen")  # Halls, Launches, Termine, Versammlungen, Feiern
_UMLAUT_ENDINGS = ("", "e", "er")  # Vorträge, Häuser
_UMLAUTS = {"a": "ä", "o": "ö", "u": "ü"}


def plurals_of(normal: str) -> tuple[str, ...]:
    """`normal` with its last word in each plural that it could have in English or German; none where it does
    not end with a letter. Most of them are no words at all, and so stand nowhere."""
    if not normal[-1:].isalpha():
        return ()
    found = [normal + ending for ending in _PLURAL_ENDINGS]
    if normal.endswith("y"):
        found.append(f"{normal[:-1]}ies")  # Rallies
    last = max(normal.rfind(vowel, normal.rfind(" ") + 1) for vowel in _UMLAUTS)
    if last >= 0:
        last -= normal[last - 1 : last + 1] == "au"
        bent = normal[:last] + _UMLAUTS[normal[last]] + normal[last + 1 :]
        found += (bent + ending for ending in _UMLAUT_ENDINGS)
    return tuple(found)


def _inside_word(text: str, place: int) -> bool:
    """True if letters of one word stand on both sides of `place`: beside anything else a keyword may begin or
    end, so that "C++" is in "C++ day", and a Han keyword inside a Han sentence."""
    return 0 < place < len(text) and _word().fullmatch(text, place - 1, place + 1) is not None


# An honest search takes some microseconds.
_SECONDS = 0.05
_SECONDS_OVERDRAWN = 0.002
_FREE_SECONDS = 0.0005
_RULE_SECONDS = 1.0
_RUN_SECONDS = 4.0


class TooSlowError(Exception):
    """A search was given up: nobody knows whether the expression is in the subject."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An expression as the user wrote it. Raises ValueError where it is none."""

    text: str
    _compiled: regex.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        import regex  # only those who have such a rule wait for it

        try:
            object.__setattr__(self, "_compiled", regex.compile(self.text))
        except (regex.error, OverflowError, RecursionError) as error:
            raise ValueError(f"not a regular expression: {error}") from None

    @property
    def groups(self) -> frozenset[str]:
        """The names of its groups."""
        return frozenset(self._compiled.groupindex)

    def search(self, subject: str, budget: SearchBudget) -> regex.Match[str] | None:
        """Where the expression is in `subject`. Raises TooSlowError."""
        seconds = budget.next
        if not seconds:
            raise TooSlowError
        begun = thread_time()
        try:
            return self._compiled.search(subject[:LONGEST_SUBJECT], timeout=seconds)
        except TimeoutError:
            raise TooSlowError from None
        finally:
            budget.spend(thread_time() - begun)


class SearchBudget(Struct):
    """What slow searches may cost, in seconds: those of one rule, within what all of a run may. However many
    subjects are made to be slow, and whether they end just in time or not, they cost no more than that; from
    then on nobody knows of any subject."""

    left: float = _RULE_SECONDS
    of_run: SearchBudget | None = None

    @classmethod
    def for_run(cls) -> SearchBudget:
        """What all rules of a run may cost together."""
        return cls(_RUN_SECONDS)

    @property
    def next(self) -> float:
        """How long the next search may take, in seconds; 0 if there must be none."""
        left = self.left if self.of_run is None else min(self.left, self.of_run.left)
        if left <= 0:
            return 0.0
        return _SECONDS if left > _RULE_SECONDS / 2 else _SECONDS_OVERDRAWN

    def spend(self, seconds: float) -> None:
        """A search took so long. Quick ones, of which there may be very many, are free."""
        if seconds >= _FREE_SECONDS:
            self.left -= seconds
            if self.of_run is not None:
                self.of_run.spend(seconds)
