"""Setting up: from a few answers to a configuration that has been tried. It prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct, field

from iodcal.carriers import ListedCircuit
from iodcal.domain.bandwidth import Bandwidth
from iodcal.errors import CalendarError, CarrierError


class Answers(Struct):
    """The answers so far, by the names of their questions, and what the servers have told: the carrier's
    circuits, what it sells on all of those that were picked, and what these run at. `typed` is what was last
    given, to be offered again where answers are changed. Relative paths start at `directory`."""

    directory: Path
    values: dict[str, Any] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    listed: Sequence[ListedCircuit] = ()
    offered: tuple[Bandwidth, ...] = ()
    running: tuple[Bandwidth, ...] = ()

    def get(self, key: str) -> Any:
        """The answer, None where there is none."""
        return self.values.get(key)

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """Every mailbox that was named."""
        single = (self.get("company"), self.get("noc"))
        return (*(one for one in single if one), *(address for _, address in self.get("room") or ()))

    @property
    def sites(self) -> tuple[str, ...]:
        """Every site that a room or a circuit was given."""
        rooms = [site for site, _ in self.get("room") or ()]
        circuits = [circuit.site for circuit in self.get("circuit") or () if circuit.site]
        return tuple(dict.fromkeys((*rooms, *circuits)))


class Choice(Struct, frozen=True):
    """A circuit to be ordered for, with the name and site that it gets."""

    service_id: str
    name: str
    site: str | None


class InitQuestion(Struct, frozen=True):
    """`key` names the answer and its option. `parse` raises ValueError; with `many` it is asked of each of
    several entries, and the answer is a tuple. `default` is None where there must be an answer, and ""
    where there need be none."""

    key: str
    parse: Callable[[str], Any]
    default: Callable[[Answers], str | None]
    needed: Callable[[Answers], bool]
    many: bool = False

    @property
    def option(self) -> str:
        return f"--{self.key}"


class Prompter(Protocol):
    """A person at a terminal."""

    def say(self, code: str, **facts: str) -> None: ...

    def ask(self, key: str, default: str | None, **facts: str) -> str:
        """What is typed to the question `key`; `default` where that is nothing."""
        ...

    def show(self, listed: Sequence[ListedCircuit]) -> None:
        """The carrier's circuits, to be picked from."""
        ...

    def trouble(self, error: CalendarError | CarrierError) -> None:
        """A try has failed."""
        ...
