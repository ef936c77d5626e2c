"""What people ask for, as plain functions: hold, release, pause, resume, park, forget,
adopt. They print nothing.

Each takes the lock, changes the state and leaves a line in the history with who and why. What follows from
it is the next run's to order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.actor import Person, new_run_id
from iodcal.commands.requests import check_circuit, check_now, clock_of
from iodcal.commands.sync import LOCK_PATIENCE_ON_TERMINAL
from iodcal.config import Configuration
from iodcal.config.fields import closest_word
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Circuit
from iodcal.domain.durations import format_duration
from iodcal.domain.holds import Hold, Parked, Pause, doubts, longest_pause, lowest_baseline
from iodcal.domain.overrides import starting_point
from iodcal.domain.structs import Fact, replace
from iodcal.domain.time import next_like, parse_moment
from iodcal.errors import StateError, UsageError
from iodcal.pipeline.journal import Journal, stamp_of
from iodcal.pipeline.poll import standing_of
from iodcal.store.codec import to_json
from iodcal.store.files import Access
from iodcal.store.state import State
from iodcal.store.store import StateStore, store_of

MOST_NOTE = 200  # characters
_FARTHEST = timedelta(days=366)


class OverrideRequest(Struct, frozen=True):
    """How a person's command was given. `terminal` is True where the person looks on; of `length` and
    `until` a command that needs an end takes exactly one; `now` moves the sandbox's time; `run_id` names it
    in logs and history."""

    person: Person
    terminal: bool
    note: str = ""
    length: timedelta | None = None
    until: str | None = None
    now: str | None = None
    run_id: str = ""


class Act(Struct, frozen=True):
    """What a person's command did at `now` (UTC). `circuit` is the one it was for, None where it was for
    all; `hold`, `pause` and `parked` are what stands now, or with `over` what has ended by it. `replaced`
    is the hold or pause that it took the place of, `paused` names circuits that a pause concerns. `changed`
    is False where there was nothing to do; `adopted_from` is the name that the state had before.
    """

    command: str
    now: datetime
    who: str
    zone: ZoneInfo
    circuit: Circuit | None = None
    hold: Hold | None = None
    pause: Pause | None = None
    parked: Parked | None = None
    replaced: Hold | Pause | None = None
    forgotten: CircuitState | None = None
    over: bool = False
    changed: bool = True
    paused: tuple[str, ...] = ()
    adopted_from: str | None = None


def hold(
    configuration: Configuration,
    state_path: Path,
    name: str,
    bandwidth: str,
    asked: OverrideRequest,
    *,
    exactly: bool,
) -> Act:
    """Holds a circuit at a bandwidth until a time. Raises UsageError, LockHeldError, StateError."""
    circuit = _circuit(configuration, name)
    with _acting(configuration, state_path, asked, "hold") as (journal, now):
        _refuse_parked(journal.state)
        until = _until(asked, now, circuit.zone)
        wish = Hold(
            _bandwidth(bandwidth, circuit),
            now,
            until=until,
            who=asked.person.name,
            note=asked.note,
            exactly=exactly,
        )
        standing = standing_of(circuit, journal.state.circuits)
        for code in doubts(wish, circuit, starting_point(standing)):
            raise UsageError(code, **_facts_of_hold(wish, circuit))
        _note(journal, asked, command="hold", circuit=circuit, facts=to_json(wish))
        journal.put(replace(standing, hold=wish))
        paused = longest_pause((standing.pause, journal.state.pause), now)
    running = standing.hold if standing.hold is not None and now < standing.hold.until else None
    names = (circuit.name,) if paused is not None else ()
    return Act(
        "hold",
        now,
        who=wish.who,
        zone=circuit.zone,
        circuit=circuit,
        hold=wish,
        replaced=running,
        paused=names,
    )


def release(configuration: Configuration, state_path: Path, name: str, asked: OverrideRequest) -> Act:
    """Ends a circuit's hold now. Raises UsageError, LockHeldError, StateError."""
    circuit = _circuit(configuration, name)
    with _acting(configuration, state_path, asked, "release") as (journal, now):
        standing = standing_of(circuit, journal.state.circuits)
        running = standing.hold if standing.hold is not None and now < standing.hold.until else None
        if running is not None:
            # What has ended is kept for a while: it explains the lowering that follows.
            ended = replace(running, until=now) if running.since < now else None
            _note(journal, asked, command="release", circuit=circuit, facts=_why(asked))
            journal.put(replace(standing, hold=ended))
    who, changed = asked.person.name, running is not None
    return Act(
        "release", now, who=who, zone=circuit.zone, circuit=circuit, hold=running, over=True, changed=changed
    )


def pause(configuration: Configuration, state_path: Path, name: str | None, asked: OverrideRequest) -> Act:
    """Orders nothing until a time, for one circuit or (None) for all. Raises UsageError, LockHeldError,
    StateError."""
    circuit = _circuit(configuration, name) if name is not None else None
    zone = circuit.zone if circuit is not None else configuration.zone
    with _acting(configuration, state_path, asked, "pause") as (journal, now):
        _refuse_parked(journal.state)
        wish = Pause(now, _until(asked, now, zone), asked.person.name, asked.note)
        _note(journal, asked, command="pause", circuit=circuit, facts=to_json(wish))
        if circuit is None:
            before = journal.state.pause
            journal.state = replace(journal.state, pause=wish)
        else:
            standing = standing_of(circuit, journal.state.circuits)
            before = standing.pause
            journal.put(replace(standing, pause=wish))
    return Act(
        "pause",
        now,
        who=wish.who,
        zone=zone,
        circuit=circuit,
        pause=wish,
        replaced=longest_pause((before,), now),
    )


def resume(configuration: Configuration, state_path: Path, name: str | None, asked: OverrideRequest) -> Act:
    """Ends one circuit's pause; or (None) every pause, and parking. Raises UsageError, LockHeldError,
    StateError."""
    circuit = _circuit(configuration, name) if name is not None else None
    with _acting(configuration, state_path, asked, "resume") as (journal, now):
        if circuit is None:
            return _resume_all(journal, configuration, asked, now)
        state = journal.state
        standing = standing_of(circuit, state.circuits)
        own = longest_pause((standing.pause,), now)
        if state.parked is not None:
            raise UsageError("resume_parked", circuit=circuit.name)
        if own is None and longest_pause((state.pause,), now) is not None:
            raise UsageError("resume_all_paused", circuit=circuit.name)
        if own is not None:
            _note(journal, asked, command="resume", circuit=circuit, facts=_why(asked))
            journal.put(replace(standing, pause=None))
    who, changed = asked.person.name, own is not None
    return Act(
        "resume", now, who=who, zone=circuit.zone, circuit=circuit, pause=own, over=True, changed=changed
    )


def _resume_all(journal: Journal, configuration: Configuration, asked: OverrideRequest, now: datetime) -> Act:
    state = journal.state
    of_all, parked = longest_pause((state.pause,), now), state.parked
    paused = [one for one in state.circuits.values() if longest_pause((one.pause,), now) is not None]
    if of_all is not None or parked is not None or paused:
        _note(journal, asked, command="resume", circuit=None, facts=_why(asked))
        circuits = {key: replace(standing, pause=None) for key, standing in state.circuits.items()}
        journal.state = replace(state, pause=None, parked=None, circuits=circuits)
    return Act(
        "resume",
        now,
        asked.person.name,
        configuration.zone,
        pause=of_all,
        parked=parked,
        over=True,
        changed=journal.state is not state,
        paused=tuple(sorted(standing.name for standing in paused)),
    )


def park(configuration: Configuration, state_path: Path, asked: OverrideRequest) -> Act:
    """Brings all circuits to their off-peak tier, and leaves them there. Raises UsageError, LockHeldError,
    StateError."""
    with _acting(configuration, state_path, asked, "park") as (journal, now):
        state = journal.state
        parked = state.parked or Parked(now, asked.person.name, asked.note)
        if state.parked is None:
            _note(journal, asked, command="park", circuit=None, facts=to_json(parked))
            journal.state = replace(state, parked=parked)
        circuits = configuration.circuits.values()
        standings = [standing_of(circuit, state.circuits) for circuit in circuits]
    paused = [one.name for one in standings if longest_pause((one.pause, state.pause), now) is not None]
    return Act(
        "park",
        now,
        asked.person.name,
        configuration.zone,
        parked=parked,
        changed=state.parked is None,
        paused=tuple(sorted(paused)),
    )


def forget(
    configuration: Configuration, state_path: Path, name: str, asked: OverrideRequest, *, force: bool
) -> Act:
    """Drops what is known of a circuit that left the configuration; with `force` even while an order of it
    is open. Raises UsageError, LockHeldError, StateError."""
    with _acting(configuration, state_path, asked, "forget") as (journal, now):
        standing = _left(configuration, journal.state, name)
        if standing.order is not None and not force:
            raise UsageError("forget_open_order", circuit=standing.name, order=standing.order.external_id)
        known = {"circuit": standing.name, "key": standing.key}
        journal.note("forget", **known, account=asked.person.account, **_why(asked))
        circuits = {key: kept for key, kept in journal.state.circuits.items() if key != standing.key}
        journal.state = replace(journal.state, circuits=circuits)
    return Act("forget", now, asked.person.name, configuration.zone, forgotten=standing)


def adopt(configuration: Configuration, state_path: Path, name: str, asked: OverrideRequest) -> Act:
    """Makes the state that of `configuration`, whose installation was called `name` until now: to know that
    name is the proof that this state is meant. Raises UsageError, LockHeldError, StateError."""
    ours = configuration.installation
    with _acting(configuration, state_path, asked, "adopt", of_any=True) as (journal, now):
        owner = journal.state.installation
        if owner is None or name != owner.name:
            raise UsageError(
                "adopt_other", name=name, owner=owner.name if owner else None, path=str(state_path)
            )
        if owner != ours:
            facts = {"from": owner.name, "to": ours.name, **_why(asked)}
            journal.note("adopt", circuit=None, key=None, account=asked.person.account, **facts)
            journal.state = replace(journal.state, installation=ours)
    return Act(
        "adopt",
        now,
        asked.person.name,
        configuration.zone,
        changed=owner != ours,
        adopted_from=owner.name,
    )


def _left(configuration: Configuration, state: State, name: str) -> CircuitState:
    """The circuit of that name, or key, in state and no longer in the configuration."""
    configured = {circuit.key for circuit in configuration.circuits.values()}
    left = [standing for key, standing in state.circuits.items() if key not in configured]
    named = [standing for standing in left if name in (standing.name, standing.key)]
    if len(named) > 1:
        raise UsageError("forget_which", circuit=name, keys=", ".join(sorted(one.key for one in named)))
    if named:
        return named[0]
    if name in configuration.circuits or name in configured:
        raise UsageError("forget_configured", circuit=name)
    known = sorted(standing.name for standing in left)
    near = closest_word(name, [*known, *configuration.circuits])
    raise UsageError("forget_unknown", circuit=name, near=near, known=", ".join(known) or "none")


@contextmanager
def _acting(
    configuration: Configuration,
    state_path: Path,
    asked: OverrideRequest,
    command: str,
    *,
    of_any: bool = False,
) -> Iterator[tuple[Journal, datetime]]:
    """The state under its lock, and what time it is; saved at the end. With `of_any` it may be a
    stranger's."""
    if len(asked.note) > MOST_NOTE:
        raise UsageError("note_too_long", length=len(asked.note), most=MOST_NOTE)
    check_now(configuration, asked.now)
    clock, _ = clock_of(configuration, asked.now)
    store = store_of(configuration, state_path, clock)
    if of_any:
        store = StateStore(state_path, clock, Access(configuration.settings.group))
    with store.lock(command=command, wait_seconds=LOCK_PATIENCE_ON_TERMINAL if asked.terminal else 0.0):
        store.probe()
        stamp = stamp_of(configuration.digest)
        journal = Journal(store, _sound_state(store), asked.run_id or new_run_id(), clock, stamp=stamp)
        yield journal, clock().replace(microsecond=0)
        journal.save()


def _sound_state(store: StateStore) -> State:
    """The state; a damaged one is left for the next run, which sets it aside and lowers nothing."""
    if store.load(read_only=True).rebuilt_from is not None:
        raise StateError("damaged", path=str(store.path))
    return store.load()


def _circuit(configuration: Configuration, name: str) -> Circuit:
    check_circuit(configuration, name)
    return configuration.circuits[name]


def _refuse_parked(state: State) -> None:
    if state.parked is not None:
        raise UsageError("parked", who=state.parked.who)


def _until(asked: OverrideRequest, now: datetime, zone: ZoneInfo) -> datetime:
    if (asked.length is None) == (asked.until is None):
        raise UsageError("one_end")
    if asked.length is not None:
        until = now + asked.length
    else:
        try:
            until = parse_moment(asked.until or "", now, zone)
        except (ValueError, OverflowError) as error:
            raise UsageError("bad_time", message=str(error)) from None
    if until <= now:
        raise UsageError(
            "until_past",
            until=f"{until.astimezone(zone):%a %d %b %Y %H:%M %Z}",
            now=f"{now.astimezone(zone):%H:%M %Z}",
            next=f"{next_like(until, now, zone):%Y-%m-%d %H:%M}",
        )
    if until > now + _FARTHEST:
        raise UsageError("until_far", days=_FARTHEST.days)
    return until


def _bandwidth(text: str, circuit: Circuit) -> Bandwidth:
    if text.strip().casefold() == "highest":
        return circuit.highest
    try:
        return Bandwidth.parse(text)
    except ValueError as error:
        raise UsageError(
            "bad_bandwidth", message=str(error), circuit=circuit.name, tiers=_tiers(circuit)
        ) from None


def _tiers(circuit: Circuit) -> str:
    return ", ".join(str(tier) for tier in circuit.tiers)


def _facts_of_hold(wish: Hold, circuit: Circuit) -> dict[str, Fact]:
    return {
        "circuit": circuit.name,
        "bandwidth": str(wish.bandwidth),
        "highest": str(circuit.highest),
        "lowest": str(lowest_baseline(circuit, wish)),
        "tiers": _tiers(circuit),
        "provisioning": format_duration(circuit.provisioning),
    }


def _why(asked: OverrideRequest) -> dict[str, str]:
    return {"who": asked.person.name, "note": asked.note}


def _note(
    journal: Journal, asked: OverrideRequest, command: str, circuit: Circuit | None, facts: dict[str, Any]
) -> None:
    name, key = (circuit.name, circuit.key) if circuit is not None else (None, None)
    journal.note(command, circuit=name, key=key, account=asked.person.account, **facts)
