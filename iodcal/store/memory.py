"""State in memory, for runs at virtual time: the same interface as the file, and nothing on disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from iodcal.domain.orders import Order
from iodcal.store.state import State

Note = Callable[[str, datetime, dict[str, Any]], None]


class MemoryHistory:
    """A `HistoryLog` that hands each record to `note`, and keeps none."""

    def __init__(self, note: Note) -> None:
        self._note = note

    def append(self, kind: str, *, at: datetime, run_id: str, **facts: Any) -> None:  # noqa: ARG002 - the protocol's
        self._note(kind, at, facts)

    def rotate(self, now: datetime, keep: timedelta) -> None:
        """Does nothing: there is no file."""


class MemoryStore:
    """A `Store` of the state that was saved last."""

    def __init__(self, note: Note = lambda _kind, _at, _facts: None) -> None:
        self.history = MemoryHistory(note)
        self.state = State()

    def load(self, *, read_only: bool = False) -> State:  # noqa: ARG002 - the protocol's
        return self.state

    def save(self, state: State) -> None:
        self.state = state

    def save_answer(self, state: State, order: Order) -> None:  # noqa: ARG002 - the protocol's
        self.state = state

    def claim(self) -> None:
        """Does nothing: no other run knows of this state."""

    @property
    def may_order(self) -> bool:
        return True

    def save_elsewhere(self, state: State) -> str | None:
        """Never needed, since `save` cannot fail."""
        self.state = state
        return None
