"""Values that never change: another one is made from them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from msgspec import Meta, Struct

if TYPE_CHECKING:
    # A struct looks like a dataclass to a type checker, which so compares every field that is given here
    # with the struct's own; msgspec's function takes anything.
    from dataclasses import replace
else:
    from msgspec.structs import replace


__all__ = ["Fact", "Instant", "Opaque", "replace"]

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A time in UTC; read back from a file, one without an offset is refused."""


class Opaque(Struct, frozen=True):
    """A value that holds what must not be seen: only its own `__repr__` says what may. rich, which also
    draws tracebacks with their variables, would ask a struct for all its fields instead."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


Fact: TypeAlias = str | int | float | bool | None
"""What errors and problems carry: their words are made of such facts at the edge."""
