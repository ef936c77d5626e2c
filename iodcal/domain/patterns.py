"""Regular expressions of rules, tried on subjects that anybody may write: every search is bounded.

Some expressions take for ever on a subject made for it, such as `(a|aa)+$` on a long row of `a`. Python's
own `re` cannot be stopped then; `regex`, which reads the same expressions, can.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

from iodcal.domain.events import LONGEST_SUBJECT

if TYPE_CHECKING:
    import regex

# An honest search takes some microseconds.
_SECONDS = 0.05
_SECONDS_OVERDRAWN = 0.002
_MOST_SECONDS = 2.0


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

    def search(self, subject: str, budget: Budget) -> regex.Match[str] | None:
        """Where the expression is in `subject`. Raises TooSlowError."""
        seconds = budget.next
        try:
            return self._compiled.search(subject[:LONGEST_SUBJECT], timeout=seconds)
        except TimeoutError:
            budget.lost(seconds)
            raise TooSlowError from None


class Budget(Struct):
    """What the searches of one run may lose on slow ones: a thousand bombs are no worse than a few."""

    left: float = _MOST_SECONDS

    @property
    def next(self) -> float:
        """How long the next search may take, in seconds."""
        return min(_SECONDS, max(_SECONDS_OVERDRAWN, self.left))

    def lost(self, seconds: float) -> None:
        self.left -= seconds
