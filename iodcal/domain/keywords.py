"""Keywords as people mean them: `All-Hands` is in "ALL HANDS" and "All–Hands: Q3", not in "Overall handset"."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

# Scripts written without spaces between words: there a keyword matches anywhere.
_UNSPACED = re.compile(
    "[\u0e00-\u0e7f"  # Thai
    "\u0e80-\u0eff"  # Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3040-\u30ff"  # Hiragana, Katakana
    "\u31f0-\u31ff"  # Katakana extensions
    "\u3400-\u9fff"  # Han
    "\uf900-\ufaff"  # Han compatibility
    "\U00020000-\U0003ffff]"  # Han extensions
)
_DASHES_AND_SPACES = re.compile(r"[\s\-\u058a\u05be\u1400\u1806\u2010-\u2015\u2053\u207b\u208b\u2212\u2e3a\u2e3b"
                                r"\u2e40\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\u00ad]+")


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """`text` for comparison: NFKC, case-folded, every run of dashes and white space one space."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _DASHES_AND_SPACES.sub(" ", folded).strip()


@dataclass(frozen=True, slots=True)
class Keyword:
    """Words to be found as whole words. `text` is as the user wrote it, `normal` as it is compared."""

    text: str
    normal: str = field(init=False)
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        normal = normalise(self.text)
        if not normal:
            raise ValueError(f"{self.text!r} has no letter or digit to look for")
        object.__setattr__(self, "normal", normal)
        object.__setattr__(self, "_pattern", re.compile(_whole_words(normal)))

    def is_in(self, normal_text: str) -> bool:
        """True if the keyword stands in `normal_text`, which `normalise` made."""
        return self.normal in normal_text and self._pattern.search(normal_text) is not None


def _whole_words(normal: str) -> str:
    # A boundary is asked for only where the keyword itself begins or ends with a word character of a
    # script that has spaces; "C++" must be found in "C++ day", and a Han keyword inside a Han sentence.
    before = r"(?<!\w)" if _bounded(normal[0]) else ""
    after = r"(?!\w)" if _bounded(normal[-1]) else ""
    return before + re.escape(normal) + after


def _bounded(character: str) -> bool:
    return re.match(r"\w", character) is not None and _UNSPACED.match(character) is None
