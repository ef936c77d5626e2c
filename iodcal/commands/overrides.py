"""What people ask for, as plain functions: hold, release, pause, resume, park. They print nothing.

Each takes the lock, changes the state and leaves a line in the history with who and why. What follows from
it is the next run's to order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.actor import Person, new_run_id
from iodcal.commands.requests import check_now, clock_of, end_of, select_circuits, start_of
from iodcal.commands.sync import LOCK_PATIENCE_ON_TERMINAL
from iodcal.config import Configuration
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Circuit
from iodcal.domain.durations import format_duration
from iodcal.domain.holds import Hold, Parked, Pause, Skip, doubts, longest_pause, lowest_baseline
from iodcal.domain.overrides import starting_point
from iodcal.domain.structs import Fact, replace
from iodcal.errors import StateError, UsageError
from iodcal.pipeline.journal import Journal, stamp_of
from iodcal.pipeline.poll import circuit_state_of
from iodcal.store.address import StateAddress
from iodcal.store.codec import to_json
from iodcal.store.state import KeptStore, State
from iodcal.store.store import store_of

MOST_NOTE = 200  # characters


class OverrideRequest(Struct, frozen=True):
    """How a person's command was given. `terminal` is True where the person looks on; of `length` and
    `until` a command that needs an end takes exactly one, `start` is when a hold begins that does not begin
    now; `now` moves the sandbox's time; `run_id` names it in logs and history."""

    person: Person
    terminal: bool
    note: str = ""
    start: str | None = None
    length: timedelta | None = None
    until: str | None = None
    now: str | None = None
    run_id: str = ""


class Act(Struct, frozen=True):
    """What a person's command did at `now` (UTC). `circuit` is the one it was for, None where it was for
    all; `hold`, `pause`, `parked` and `skip` are what stands now, or with `over` what has ended by it.
    `replaced` is the hold or pause that it took the place of, `paused` names circuits that a pause concerns.
    `changed` is False where there was nothing to do; `adopted_from` is the name that the state had before.
    """

    command: str
    now: datetime
    who: str
    zone: ZoneInfo
    circuit: Circuit | None = None
    hold: Hold | None = None
    pause: Pause | None = None
    parked: Parked | None = None
    skip: Skip | None = None
    replaced: Hold | Pause | None = None
    forgotten: CircuitState | None = None
    over: bool = False
    changed: bool = True
    paused: tuple[str, ...] = ()
    adopted_from: str | None = None


def hold(
    configuration: Configuration,
    state_path: StateAddress,
    names: Sequence[str],
    bandwidth: str,
    asked: OverrideRequest,
    *,
    exactly: bool,
) -> tuple[Act, ...]:
    """Holds circuits, by name or pattern, at a bandwidth until a time: all of them or none. Raises
    UsageError, LockHeldError, StateError."""
    circuits = _circuits(configuration, names)
    with open_act(configuration, state_path, asked, "hold") as (journal, now):
        _refuse_parked(journal.state)
        wishes = [
            (circuit, _hold_wish(circuit, bandwidth, asked, journal=journal, now=now, exactly=exactly))
            for circuit in circuits
        ]
        return tuple(_hold(journal, circuit, wish=wish, asked=asked, now=now) for circuit, wish in wishes)


def _hold_wish(
    circuit: Circuit,
    bandwidth: str,
    asked: OverrideRequest,
    *,
    journal: Journal,
    now: datetime,
    exactly: bool,
) -> Hold:
    """The hold that was asked for; one that begins later starts so early that it is up by then."""
    start = start_of(asked.start, now, circuit.zone)
    until = end_of(asked.length, asked.until, start=start, zone=circuit.zone)
    wish = Hold(
        _bandwidth(bandwidth, circuit),
        max(now, start - circuit.provisioning),
        until=until,
        who=asked.person.name,
        note=asked.note,
        exactly=exactly,
    )
    circuit_state = circuit_state_of(circuit, journal.state.circuits)
    for code in doubts(wish, circuit, starting_point(circuit_state)):
        raise UsageError(code, **_facts_of_hold(wish, circuit))
    return wish


def _hold(journal: Journal, circuit: Circuit, *, wish: Hold, asked: OverrideRequest, now: datetime) -> Act:
    circuit_state = circuit_state_of(circuit, journal.state.circuits)
    _note(journal, asked, command="hold", circuit=circuit, facts=to_json(wish))
    journal.put(replace(circuit_state, hold=wish))
    paused = longest_pause((circuit_state.pause, journal.state.pause), now)
    running = (
        circuit_state.hold if circuit_state.hold is not None and now < circuit_state.hold.until else None
    )
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


def release(
    configuration: Configuration, state_path: StateAddress, names: Sequence[str], asked: OverrideRequest
) -> tuple[Act, ...]:
    """Ends the holds of circuits now. Raises UsageError, LockHeldError, StateError."""
    circuits = _circuits(configuration, names)
    with open_act(configuration, state_path, asked, "release") as (journal, now):
        return tuple(_release(journal, circuit, asked, now) for circuit in circuits)


def _release(journal: Journal, circuit: Circuit, asked: OverrideRequest, now: datetime) -> Act:
    circuit_state = circuit_state_of(circuit, journal.state.circuits)
    running = (
        circuit_state.hold if circuit_state.hold is not None and now < circuit_state.hold.until else None
    )
    if running is not None:
        # What has ended is kept for a while: it explains the lowering that follows.
        ended = replace(running, until=now) if running.since < now else None
        _note(journal, asked, command="release", circuit=circuit, facts=reason_of(asked))
        journal.put(replace(circuit_state, hold=ended))
    who, changed = asked.person.name, running is not None
    return Act(
        "release", now, who=who, zone=circuit.zone, circuit=circuit, hold=running, over=True, changed=changed
    )


def pause(
    configuration: Configuration, state_path: StateAddress, names: Sequence[str], asked: OverrideRequest
) -> tuple[Act, ...]:
    """Orders nothing until a time, for circuits or (no name) for all. Raises UsageError, LockHeldError,
    StateError."""
    circuits = _circuits(configuration, names)
    with open_act(configuration, state_path, asked, "pause") as (journal, now):
        _refuse_parked(journal.state)
        until = [
            end_of(asked.length, asked.until, start=now, zone=circuit.zone) for circuit in circuits
        ]  # all are judged before any counts
        if not circuits:
            return (_pause_all(journal, configuration, asked, now),)
        return tuple(
            _pause(journal, circuit, asked=asked, now=now, until=end)
            for circuit, end in zip(circuits, until, strict=True)
        )


def _pause(
    journal: Journal, circuit: Circuit, *, asked: OverrideRequest, now: datetime, until: datetime
) -> Act:
    wish = Pause(now, until, asked.person.name, asked.note)
    _note(journal, asked, command="pause", circuit=circuit, facts=to_json(wish))
    circuit_state = circuit_state_of(circuit, journal.state.circuits)
    journal.put(replace(circuit_state, pause=wish))
    replaced = longest_pause((circuit_state.pause,), now)
    return Act("pause", now, who=wish.who, zone=circuit.zone, circuit=circuit, pause=wish, replaced=replaced)


def _pause_all(journal: Journal, configuration: Configuration, asked: OverrideRequest, now: datetime) -> Act:
    zone, before = configuration.zone, journal.state.pause
    wish = Pause(now, end_of(asked.length, asked.until, start=now, zone=zone), asked.person.name, asked.note)
    _note(journal, asked, command="pause", circuit=None, facts=to_json(wish))
    journal.state = replace(journal.state, pause=wish)
    return Act("pause", now, who=wish.who, zone=zone, pause=wish, replaced=longest_pause((before,), now))


def resume(
    configuration: Configuration, state_path: StateAddress, names: Sequence[str], asked: OverrideRequest
) -> tuple[Act, ...]:
    """Ends the pauses of circuits; or (no name) every pause, and parking. Raises UsageError, LockHeldError,
    StateError."""
    circuits = _circuits(configuration, names)
    with open_act(configuration, state_path, asked, "resume") as (journal, now):
        if not circuits:
            return (_resume_all(journal, configuration, asked, now),)
        for circuit in circuits:
            _refuse_resume(journal.state, circuit, now)
        return tuple(_resume(journal, circuit, asked, now) for circuit in circuits)


def _refuse_resume(state: State, circuit: Circuit, now: datetime) -> None:
    if state.parked is not None:
        raise UsageError("resume_parked", circuit=circuit.name)
    own = longest_pause((circuit_state_of(circuit, state.circuits).pause,), now)
    if own is None and longest_pause((state.pause,), now) is not None:
        raise UsageError("resume_all_paused", circuit=circuit.name)


def _resume(journal: Journal, circuit: Circuit, asked: OverrideRequest, now: datetime) -> Act:
    circuit_state = circuit_state_of(circuit, journal.state.circuits)
    own = longest_pause((circuit_state.pause,), now)
    if own is not None:
        _note(journal, asked, command="resume", circuit=circuit, facts=reason_of(asked))
        journal.put(replace(circuit_state, pause=None))
    who, changed = asked.person.name, own is not None
    return Act(
        "resume", now, who=who, zone=circuit.zone, circuit=circuit, pause=own, over=True, changed=changed
    )


def _resume_all(journal: Journal, configuration: Configuration, asked: OverrideRequest, now: datetime) -> Act:
    state = journal.state
    of_all, parked = longest_pause((state.pause,), now), state.parked
    paused = [one for one in state.circuits.values() if longest_pause((one.pause,), now) is not None]
    if of_all is not None or parked is not None or paused:
        _note(journal, asked, command="resume", circuit=None, facts=reason_of(asked))
        circuits = {key: replace(circuit_state, pause=None) for key, circuit_state in state.circuits.items()}
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
        paused=tuple(sorted(circuit_state.name for circuit_state in paused)),
    )


def park(configuration: Configuration, state_path: StateAddress, asked: OverrideRequest) -> Act:
    """Brings all circuits to their off-peak tier, and leaves them there. Raises UsageError, LockHeldError,
    StateError."""
    with open_act(configuration, state_path, asked, "park") as (journal, now):
        state = journal.state
        parked = state.parked or Parked(now, asked.person.name, asked.note)
        if state.parked is None:
            _note(journal, asked, command="park", circuit=None, facts=to_json(parked))
            journal.state = replace(state, parked=parked)
        circuits = configuration.circuits.values()
        circuit_states = [circuit_state_of(circuit, state.circuits) for circuit in circuits]
    paused = [one.name for one in circuit_states if longest_pause((one.pause, state.pause), now) is not None]
    return Act(
        "park",
        now,
        asked.person.name,
        configuration.zone,
        parked=parked,
        changed=state.parked is None,
        paused=tuple(sorted(paused)),
    )


@contextmanager
def open_act(
    configuration: Configuration,
    state_path: StateAddress,
    asked: OverrideRequest,
    command: str,
    *,
    of_any: bool = False,
) -> Iterator[tuple[Journal, datetime]]:
    """The state under its lock, and what time it is; saved at the end. With `of_any` it may be a
    stranger's. Raises UsageError, LockHeldError, StateError."""
    if len(asked.note) > MOST_NOTE:
        raise UsageError("note_too_long", length=len(asked.note), most=MOST_NOTE)
    check_now(configuration, asked.now)
    clock, _ = clock_of(configuration, asked.now)
    store = store_of(configuration, state_path, clock, of_any=of_any)
    patience = LOCK_PATIENCE_ON_TERMINAL if asked.terminal else 0.0
    with store.lock(command=command, wait_seconds=patience, insist=True):
        store.probe()
        stamp = stamp_of(configuration.digest)
        journal = Journal(store, _sound_state(store), asked.run_id or new_run_id(), clock, stamp=stamp)
        yield journal, clock().replace(microsecond=0)
        journal.save()


def _sound_state(store: KeptStore) -> State:
    """The state; a damaged one is left for the next run, which sets it aside and lowers nothing."""
    if store.load(read_only=True).rebuilt_from is not None:
        raise StateError("damaged", path=str(store.address))
    return store.load()


def _circuits(configuration: Configuration, names: Sequence[str]) -> list[Circuit]:
    known = configuration.circuits
    return [known[name] for name in select_circuits(known, names)]


def _refuse_parked(state: State) -> None:
    if state.parked is not None:
        raise UsageError("parked", who=state.parked.who)


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


def reason_of(asked: OverrideRequest) -> dict[str, str]:
    """Who asked, and why, as the history has it."""
    return {"who": asked.person.name, "note": asked.note}


def _note(
    journal: Journal, asked: OverrideRequest, command: str, circuit: Circuit | None, facts: dict[str, Any]
) -> None:
    name, key = (circuit.name, circuit.key) if circuit is not None else (None, None)
    journal.note(command, circuit=name, key=key, account=asked.person.account, **facts)
