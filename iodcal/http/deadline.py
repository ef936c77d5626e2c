"""How long something may take."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct


class Deadline(Struct, frozen=True):
    """A moment on the monotonic clock by which something must have ended."""

    at: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        return cls(clock() + seconds, clock)

    def or_after(self, seconds: float) -> Deadline:
        """This one, or the one so many seconds from now if that is sooner."""
        return Deadline(min(self.at, self.clock() + seconds), self.clock)

    @property
    def left(self) -> float:
        """Seconds left; never less than 0."""
        return max(0.0, self.at - self.clock())

    @property
    def passed(self) -> bool:
        return self.left == 0.0
