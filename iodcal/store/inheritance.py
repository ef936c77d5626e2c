"""Taking over what lies at an earlier default place: of a version that knew no names, or of another name.

Until 0.1 all installations of a user shared one default state file. Each takes its own circuits from there,
with their history, once; what is left belongs to the others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iodcal.domain.structs import replace
from iodcal.errors import StateError
from iodcal.paths import exists
from iodcal.store.files import Access, replace_file, sync_folder
from iodcal.store.state import State
from iodcal.store.store import StateStore, store_of

if TYPE_CHECKING:
    from iodcal.config import Configuration

_HISTORIES = "history*.jsonl"
_MOVED = (_HISTORIES, "notices.json", "state.json")  # the state last: until then it all begins anew


def inherited(configuration: Configuration, place: Path) -> Path | None:
    """The state file from which `configuration` takes over its state, where there is none at its default
    `place` yet; None where there is nothing to take over. Raises StateError where its circuits are in the
    state of another name: a rename is a command."""
    for path in (place.parent.with_name("state.json"), *sorted(place.parent.parent.glob("*/state.json"))):
        if not _may_hold(path, configuration):
            continue
        state = _state_at(path)
        owner, ours = state.installation, configuration.installation
        shared = _own_keys(configuration) & state.circuits.keys()
        if not shared and (owner is None or owner.rules != ours.rules):
            continue
        if ours.may_use(owner, state.circuits, _own_keys(configuration)) and (
            owner is None or not exists(Path(owner.rules)) or owner.rules == ours.rules
        ):
            return path
        if owner is not None:
            raise StateError(
                "stranger",
                path=str(path),
                owner=owner.name,
                owner_rules=owner.rules,
                name=ours.name,
                rules=ours.rules,
            )
    return None


def take_over(configuration: Configuration, old: Path, place: Path) -> None:
    """Brings the state of `configuration` from `old` to `place`. Raises LockHeldError, StateError."""
    access = Access(configuration.settings.group)
    store = StateStore(old, access=access)
    with store.lock(command="sync", wait_seconds=0):
        state = store.load(read_only=True)
        if place.exists():
            return  # another run was quicker
        foreign = state.circuits.keys() - _own_keys(configuration)
        try:
            if not place.parent.exists():
                place.parent.mkdir(mode=access.folder_mode, parents=True)
                access.grant_folder(place.parent)
            if foreign and state.installation is None:
                _part(configuration, store, place, access)
            else:
                _move(old.parent, place.parent)
        except OSError as error:
            raise StateError("unwritable", path=str(place), reason=error.strerror) from None


def rename(configuration: Configuration, name: str, place: Path) -> None:
    """Takes the state that the installation called `name` has at its default place to `place`, for whoever
    then adopts it. Raises LockHeldError, StateError."""
    for path in place.parent.parent.glob("*/state.json"):
        owner = _state_at(path).installation
        if owner is not None and owner.name == name and not place.exists():
            take_over(configuration, path, place)
            return


def _move(old: Path, new: Path) -> None:
    for pattern in _MOVED:
        for path in sorted(old.glob(pattern)):
            path.rename(new / path.name)
    sync_folder(new)
    sync_folder(old)


def _part(configuration: Configuration, store: StateStore, place: Path, access: Access) -> None:
    """Takes the configured circuits out of a state that several installations shared, and their lines out of
    its history. What was told of problems is told once more, to whom it concerns."""
    state, keys = store.load(), _own_keys(configuration)
    own = {key: one for key, one in state.circuits.items() if key in keys}
    names = {one.name for one in own.values()} | configuration.circuits.keys()
    left = {}
    for path in sorted(store.path.parent.glob(_HISTORIES)):
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
        ours = [line for line in lines if _is_of(line, keys, names)]
        left[path] = [line for line in lines if line not in ours]
        _replace(place.with_name(path.name), ours, access)
    taken = replace(state, circuits=own, told={}, installation=configuration.installation)
    store_of(configuration, place).save(taken)
    others = {key: one for key, one in state.circuits.items() if key not in keys}
    store.save(replace(state, circuits=others, told={}))
    for path, rest in left.items():
        _replace(path, rest, access)


def _replace(path: Path, lines: list[str], access: Access) -> None:
    replace_file(path, "".join(lines).encode("utf-8", "surrogateescape"), access)


def _is_of(line: str, keys: frozenset[str], names: set[str]) -> bool:
    """True if a line of the history is about one of these circuits."""
    try:
        found = list(_circuits_in(json.loads(line)))
    except (ValueError, RecursionError):
        return False  # torn by a crash
    return any(key in keys if key is not None else name in names for key, name in found)


def _circuits_in(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        if "circuit" in value:
            yield value.get("key", value.get("circuit_key")), value["circuit"]
        if "where" in value:  # a problem, whose facts may name other circuits too
            yield None, value["where"]
            return
        for part in value.values():
            yield from _circuits_in(part)


def _own_keys(configuration: Configuration) -> frozenset[str]:
    return frozenset(circuit.key for circuit in configuration.circuits.values())


def _may_hold(path: Path, configuration: Configuration) -> bool:
    """False if the file at `path` names neither these rules nor any of their circuits: of hundreds of states
    in one folder hardly any needs to be read in earnest."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    names = [configuration.path.name, *(circuit.service_id for circuit in configuration.circuits.values())]
    return any(json.dumps(name)[1:-1].encode() in content for name in names)


def _state_at(path: Path) -> State:
    try:
        return StateStore(path).load(read_only=True)
    except StateError:
        if not os.access(path, os.R_OK):
            return State()  # another user's
        raise
