"""Values that never change: another one is made from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # A struct looks like a dataclass to a type checker, which so compares every field that is given here
    # with the struct's own; msgspec's function takes anything.
    from dataclasses import replace
else:
    from msgspec.structs import replace

__all__ = ["replace"]
