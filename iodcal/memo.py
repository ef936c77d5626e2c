"""The last results of pure functions, for runs that follow one another in one process.

Most runs find the world as the one before left it. A result is used again only where every input is the
very object that it was made from, so it is what the function would return once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

_Result = TypeVar("_Result")
_MOST = 256  # results: enough for the circuits of a company, and an end to what a long simulation keeps


class Memo:
    """Keeps one result under each name, with what it was made from."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[object, ...], Any]] = {}

    def get(self, name: str, inputs: Iterable[object], make: Callable[[], _Result]) -> _Result:
        """The result kept under `name` if it was made from these very `inputs`, else what `make` returns."""
        inputs = tuple(inputs)
        known = self._kept.get(name)
        if known is not None and _same(known[0], inputs):
            result: _Result = known[1]
            return result
        result = make()
        self._kept.pop(name, None)
        self._kept[name] = (inputs, result)
        if len(self._kept) > _MOST:
            del self._kept[next(iter(self._kept))]
        return result


def _same(some: tuple[object, ...], others: tuple[object, ...]) -> bool:
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))
