"""What a condition is: it looks at a thing, judges what it sees, and can say what it found and wanted.

Matching and explaining ask the same values, so an explanation cannot drift from what was decided: what is
shown as found is the very value that was judged.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Generic, TypeVar

from msgspec import Struct

Thing = TypeVar("Thing")
Value = TypeVar("Value")


class Finding(Struct, frozen=True):
    """What one condition found in an event, and what it wanted; `key` is its name in the rules file.

    `found` is None where it must not be seen, and empty where the event has nothing of the kind.
    """

    key: str
    holds: bool
    found: str | None
    wanted: str


class Condition(Struct, Generic[Thing, Value], frozen=True):
    """One condition: it looks at a thing and accepts what it sees, or not.

    `personal` marks those whose value is somebody's text and must not be shown of a private event.
    """

    personal: ClassVar[bool] = False

    @property
    @abstractmethod
    def key(self) -> str:
        """The condition's name in the rules file."""

    @abstractmethod
    def look(self, thing: Thing) -> Value:
        """What is judged."""

    @abstractmethod
    def accepts(self, value: Value) -> bool:
        """The judgement."""

    @property
    @abstractmethod
    def wanted(self) -> str:
        """What is wanted, as the rules file says it."""

    def shown(self, value: Value) -> str:
        """What was judged, for people."""
        return str(value)

    def holds(self, thing: Thing) -> bool:
        """True if the condition holds for `thing`."""
        return self.accepts(self.look(thing))

    def judge(self, thing: Thing, *, hidden: bool = False) -> Finding:
        """The same, with what was found; not where that is `hidden` and personal."""
        value = self.look(thing)
        found = None if hidden and self.personal else self.shown(value)
        return Finding(self.key, self.accepts(value), found, self.wanted)
