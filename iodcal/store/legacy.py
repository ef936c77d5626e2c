"""State files of earlier versions: each version has one step to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from iodcal.errors import StateError
from iodcal.state.decode import DamagedError, Node
from iodcal.state.encode import VERSION, split_key

Step = Callable[[dict[str, Any]], dict[str, Any]]


def _to_2(document: dict[str, Any]) -> dict[str, Any]:
    """Version 2 has circuits under their accounts. It also leaves out what the rest says; what version 1
    wrote in full means the same there."""
    circuits: dict[str, dict[str, Any]] = {}
    for key, node in Node.of(document, "state").items("circuits"):
        account, service_id = split_key(key)
        circuits.setdefault(account, {})[service_id] = node.values
    return {**document, "version": 2, "circuits": circuits}


# By the version that a step starts from.
STEPS: Mapping[int, Step] = {1: _to_2}


def version_of(document: object) -> int:
    """The version that a state document says it has. Raises DamagedError."""
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DamagedError("state.version is not as expected")
    return version


def migrate(
    document: dict[str, Any], path: str, *, steps: Mapping[int, Step] = STEPS, target: int = VERSION
) -> dict[str, Any]:
    """`document` in the shape of `target`, the present version.

    Raises StateError (too_new) for one that a newer iodcal wrote, DamagedError for one that nobody wrote.
    """
    version = version_of(document)
    if version > target:
        writer = document.get("writer")
        raise StateError("too_new", path=path, writer=writer if isinstance(writer, str) else None)
    for number in range(version, target):
        if number not in steps:
            raise DamagedError(f"state.version {number} was never released")
        document = steps[number](document)
    return document
