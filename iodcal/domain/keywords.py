"""Keywords as people mean them: `All-Hands` is in "ALL HANDS" and "all hands: Q3", not in "handset"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache

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
def normalise(text: str) -> str:
    """`text` for comparison: NFKC, case-folded, every run of dashes and white space one space, every
    apostrophe the straight one, without what nobody sees."""
    seen = text if text.isascii() else _INVISIBLE.sub("", text).replace(_BARE_ACCENT, "'")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    return _DASHES_AND_SPACES.sub(" ", _APOSTROPHES.sub("'", folded)).strip()


def words_of(normal_text: str) -> frozenset[str]:
    """The words of a normalised text, for indexing; text in scripts without spaces has none."""
    return frozenset(_word().findall(normal_text))


@dataclass(frozen=True, slots=True)
class Keyword:
    """Words to be found as whole words. `text` is as the user wrote it, `normal` as it is compared."""

    text: str
    normal: str = field(init=False)

    def __post_init__(self) -> None:
        normal = normalise(self.text)
        if not normal:
            raise ValueError(f"{self.text!r} has no letter or digit to look for")
        object.__setattr__(self, "normal", normal)

    @property
    def words(self) -> frozenset[str]:
        """The words that stand in every text the keyword is in; none for scripts without spaces."""
        return words_of(self.normal)

    def is_in(self, normal_text: str) -> bool:
        """True if the keyword stands in `normal_text`, which `normalise` made."""
        return any(True for _ in self.places_in(normal_text))

    def places_in(self, normal_text: str) -> Iterator[tuple[int, int]]:
        """Where the keyword stands in `normal_text`, each place from its first letter to after its last."""
        begin = normal_text.find(self.normal)
        while begin >= 0:
            end = begin + len(self.normal)
            whole = not _inside_word(normal_text, begin) and not _inside_word(normal_text, end)
            if whole:
                yield begin, end
            begin = normal_text.find(self.normal, end if whole else begin + 1)


def _inside_word(text: str, place: int) -> bool:
    """True if letters of one word stand on both sides of `place`: beside anything else a keyword may begin or
    end, so that "C++" is in "C++ day", and a Han keyword inside a Han sentence."""
    return 0 < place < len(text) and _word().fullmatch(text, place - 1, place + 1) is not None
