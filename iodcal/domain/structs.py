"""Values that never change: another one is made from them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from msgspec import Meta, Struct

if TYPE_CHECKING:
    from dataclasses import replace
else:
    from msgspec.structs import replace


__all__ = ["Instant", "Opaque", "replace"]

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A time in UTC; read back from a file, one without an offset is refused."""


class Opaque(Struct, frozen=True):
    """A value that holds what must not be seen: only its own `__repr__` says what may. rich, which also
    draws tracebacks with their variables, would ask a struct for all its fields instead."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []
