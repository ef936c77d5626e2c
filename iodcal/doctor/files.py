"""State, history, lock, and the last run: looked at, never touched."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from iodcal.doctor import Area, Finding, Light, Patient
from iodcal.domain.durations import format_duration
from iodcal.errors import StateError
from iodcal.exits import Exit
from iodcal.paths import exists, is_folder
from iodcal.problems.kinds import Fact
from iodcal.store.lock import held_now
from iodcal.store.state import State
from iodcal.store.store import StateStore

_STUCK = 3  # times `every`: a run cannot take so long, nor may one be missing so long


def of_files(patient: Patient) -> Iterator[Finding]:
    """The state and its neighbours, then the lock and the last run."""
    path = patient.state_path
    yield from _of_place(path)
    try:
        store = StateStore(path, lambda: patient.now)
        store.refuse_foreign()
        state = store.load(read_only=True)
    except StateError as error:
        yield Finding(Area.STATE, path.name, Light.RED, f"state_{error.code}", error.facts)
        return
    yield from _of_state(patient, state)
    yield from _of_history(path.with_name("history.jsonl"))
    yield from _of_lock(patient)
    yield _of_last_run(patient, state)


def _of_place(path: Path) -> Iterator[Finding]:
    """Whether a run could write here, as far as that can be told without writing."""
    folder = _nearest(path.parent)
    if folder != path.parent and is_folder(folder) and not os.access(folder, os.W_OK | os.X_OK):
        facts: dict[str, Fact] = {"path": str(path), "folder": str(folder)}
        yield Finding(Area.STATE, path.name, Light.RED, "state_no_folder", facts)
        return
    closed = [
        place
        for place, wanted in ((folder, os.W_OK | os.X_OK), (path, os.R_OK | os.W_OK))
        if exists(place) and not os.access(place, wanted)
    ]
    if closed or not is_folder(folder):
        facts = {"path": str(closed[0] if closed else folder)}
        yield Finding(Area.STATE, path.name, Light.RED, "state_not_writable", facts)
    elif not exists(path):
        yield Finding(Area.STATE, path.name, Light.INFO, "state_new", {"path": str(path)})


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next((place for place in (folder, *folder.parents) if exists(place)), folder)


def _of_state(patient: Patient, state: State) -> Iterator[Finding]:
    path = patient.state_path
    if not path.exists():
        return
    if state.rebuilt_from is not None:
        yield Finding(Area.STATE, path.name, Light.RED, "state_damaged")
    elif patient.configuration.settings.group is None and path.stat().st_mode & 0o077:
        yield Finding(Area.STATE, path.name, Light.YELLOW, "state_open_to_others")
    else:
        yield Finding(Area.STATE, path.name, Light.GREEN, "state_good", {"path": str(path)})


def _of_history(path: Path) -> Iterator[Finding]:
    try:
        with path.open("rb") as file:
            torn = sum(not _is_record(line) for line in file)
    except FileNotFoundError:
        return
    except OSError as error:
        facts = {"path": str(path), "reason": error.strerror}
        yield Finding(Area.STATE, path.name, Light.RED, "history_unreadable", facts)
        return
    if not os.access(path, os.W_OK):
        yield Finding(Area.STATE, path.name, Light.RED, "state_not_writable", {"path": str(path)})
    elif torn:
        yield Finding(Area.STATE, path.name, Light.YELLOW, "history_torn", {"lines": torn})
    else:
        yield Finding(Area.STATE, path.name, Light.GREEN, "history_good")


def _is_record(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _of_lock(patient: Patient) -> Iterator[Finding]:
    path = patient.state_path.with_name(patient.state_path.name + ".lock")
    try:
        held = held_now(path)
    except OSError as error:
        facts = {"path": str(path), "reason": error.strerror}
        yield Finding(Area.STATE, path.name, Light.RED, "lock_unusable", facts)
        return
    if held is None:
        yield Finding(Area.STATE, path.name, Light.GREEN, "lock_free")
        return
    too_long = patient.configuration.settings.every * _STUCK
    stuck = held.since is not None and patient.now - held.since > too_long
    code = "lock_stuck" if stuck else "lock_in_use"
    yield Finding(Area.STATE, path.name, Light.RED if stuck else Light.INFO, code, held.facts)


def _of_last_run(patient: Patient, state: State) -> Finding:
    every, last = patient.configuration.settings.every, state.last_run
    if last is None:
        return Finding(Area.RUNS, "last run", Light.YELLOW, "run_never")
    age = max(patient.now - last.ended_at, timedelta())
    facts: dict[str, Fact] = {
        "age": format_duration(timedelta(minutes=age // timedelta(minutes=1))),
        "every": format_duration(every),
        "status": last.exit,
    }
    if age > every * _STUCK:
        return Finding(Area.RUNS, "last run", Light.RED, "run_long_ago", facts)
    if age > every:
        return Finding(Area.RUNS, "last run", Light.YELLOW, "run_late", facts)
    if last.exit in (Exit.FAILED, Exit.PROBLEM):
        return Finding(Area.RUNS, "last run", Light.YELLOW, "run_ended_badly", facts)
    return Finding(Area.RUNS, "last run", Light.GREEN, "run_lately", facts)
