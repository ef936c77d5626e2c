"""Regular expressions of rules, tried on subjects that anybody may write: every search is bounded.

Some expressions take for ever on a subject made for it, such as `(a|aa)+$` on a long row of `a`. Python's
own `re` cannot be stopped then; `regex`, which reads the same expressions, can. The processor time of this
thread is the one clock that is read here: what it tells decides nothing but when to give up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import thread_time
from typing import TYPE_CHECKING

from msgspec import Struct

from iodcal.domain.events import LONGEST_SUBJECT

if TYPE_CHECKING:
    import regex

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

    def search(self, subject: str, budget: Budget) -> regex.Match[str] | None:
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


class Budget(Struct):
    """What slow searches may cost, in seconds: those of one rule, within what all of a run may. However many
    subjects are made to be slow, and whether they end just in time or not, they cost no more than that; from
    then on nobody knows of any subject."""

    left: float = _RULE_SECONDS
    of_run: Budget | None = None

    @classmethod
    def for_run(cls) -> Budget:
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
