"""Labels: what users hang on circuits, sites and rules (`cost_center`, `owner`, `change_ref`), for those who
bill and audit. No order depends on them; `notify` may select by a circuit's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

# Pairs in order of name: values that hold them can be compared and kept in sets.
Labels: TypeAlias = tuple[tuple[str, str], ...]


def labels_of(*layers: Mapping[str, str]) -> Labels:
    """The labels of `layers` laid over each other: of one name the last layer's counts."""
    merged: dict[str, str] = {}
    for layer in layers:
        merged |= layer
    return tuple(sorted(merged.items()))
