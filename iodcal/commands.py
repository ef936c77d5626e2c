"""The commands as plain functions: typed arguments in, a typed result out. They print nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iodcal.boot import boot_time
from iodcal.config import Configuration
from iodcal.domain.moments import parse_moment
from iodcal.domain.planning import CircuitPlan
from iodcal.errors import Fault, LockHeldError, UsageError
from iodcal.http import Deadline
from iodcal.invocation import Request, Surroundings
from iodcal.keeping import held_mark
from iodcal.ledger import Ledger
from iodcal.result import Report
from iodcal.run import run
from iodcal.settling import wait_for_orders
from iodcal.state import LastRun, State
from iodcal.state.files import Access
from iodcal.state.lock import Holder
from iodcal.state.store import StateStore
from iodcal.telling import Telling, tell

_LOCK_PATIENCE_ON_TERMINAL = 60.0  # seconds
_LOCK_HELD_TOO_LONG = 3  # times `every`
# A run must have ended before the next one begins; calendars get half of that, then memory serves.
_SHARE_OF_EVERY = 0.9
_SHARE_OF_CALENDARS = 0.5


@dataclass(frozen=True, slots=True)
class Preview:
    """What `plan` was asked for."""

    now: str | None = None
    window: timedelta | None = None
    circuit: str | None = None
    cached: bool = False
    detailed_exitcode: bool = False


@dataclass(frozen=True, slots=True)
class Syncing:
    """What `sync` was asked for. `terminal` is True where a person looks on; `faults` are those of the
    configuration where it does not load and an earlier one stands in for it."""

    terminal: bool
    now: str | None = None
    circuit: str | None = None
    allow_downs: int = 0
    expect: str | None = None
    wait: timedelta | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Synced:
    """What `sync` did, and which of its problems are to be told now."""

    report: Report
    telling: Telling
    newly_held: tuple[CircuitPlan, ...] = ()


def plan(
    configuration: Configuration, state_path: Path, asked: Preview, progress: Callable[[str], None]
) -> Report:
    """What a sync would do: the same readings, but no quote, no order, no state written, no lock taken.

    Raises UsageError, StateError.
    """
    _check_circuit(configuration, asked.circuit)
    clock, now = _clock(configuration, asked.now)
    request = Request(
        command="plan",
        now=now,
        window=asked.window or configuration.settings.window,
        run_id=_run_id(),
        circuit=asked.circuit,
        cached=asked.cached,
        detailed_exitcode=asked.detailed_exitcode,
    )
    state = _store(configuration, state_path, clock).load(read_only=True)
    return run(
        configuration,
        state,
        request,
        _surroundings(configuration, clock, progress, virtual=asked.now is not None),
    )


def status(configuration: Configuration, state_path: Path, circuit: str | None = None) -> Report:
    """What is known without asking anybody. Raises UsageError, StateError."""
    _check_circuit(configuration, circuit)
    clock, now = _clock(configuration, None)
    window = configuration.settings.window
    request = Request("status", now, window, _run_id(), circuit=circuit, cached=True)
    state = _store(configuration, state_path, clock).load(read_only=True)
    return run(configuration, state, request, _surroundings(configuration, clock, _silent, virtual=False))


def sync(
    configuration: Configuration, state_path: Path, asked: Syncing, progress: Callable[[str], None]
) -> Synced:
    """Orders what is due now. Raises UsageError, LockHeldError, StateError, PlanChangedError."""
    _check_circuit(configuration, asked.circuit)
    if asked.now is not None and asked.wait is not None:
        raise UsageError("now_and_wait")
    if asked.now is not None and not all(c.plugin.virtual for c in configuration.carriers.values()):
        raise UsageError("now_needs_sandbox")
    clock, now = _clock(configuration, asked.now)
    store = _store(configuration, state_path, clock)
    with _lock(store, asked, configuration.settings.every, clock) as before:
        store.probe()
        state = store.load()
        request = Request(
            command="sync",
            now=now if asked.now is not None else clock(),
            window=configuration.settings.window,
            run_id=_run_id(),
            circuit=asked.circuit,
            allow_downs=asked.allow_downs,
            expect=asked.expect,
            faults=asked.faults,
            shared_with=_other_host(before, configuration.settings.every, clock()),
        )
        ledger = Ledger(store, state, request.run_id, clock)
        around = _surroundings(configuration, clock, progress, virtual=asked.now is not None)
        report = run(configuration, state, request, around, ledger)
        telling = finish(ledger, report, asked, configuration.settings.history_keep)
    if asked.wait is not None:
        report = wait_for_orders(configuration, store, report, asked.wait, clock, progress)
    report = replace(report, lost_state=tuple(ledger.lost))
    return Synced(report, telling, tuple(_newly_held(state, report)))


def _store(configuration: Configuration, path: Path, clock: Callable[[], datetime]) -> StateStore:
    return StateStore(path, clock, Access(configuration.settings.group))


@contextmanager
def _lock(
    store: StateStore, asked: Syncing, every: timedelta, clock: Callable[[], datetime]
) -> Iterator[Holder | None]:
    """The lock; where another run holds it for too long, the error says so, the first time with a remedy."""
    patience = _LOCK_PATIENCE_ON_TERMINAL if asked.terminal else 0.0
    with ExitStack() as stack:
        try:
            before = stack.enter_context(store.lock(command="sync", wait_seconds=patience))
        except LockHeldError as error:
            too_long = every * _LOCK_HELD_TOO_LONG
            if error.since is not None and clock() - error.since > too_long:
                raise error.stuck(news=store.tell_once(str(error))) from None
            raise
        yield before


def _other_host(before: Holder | None, every: timedelta, now: datetime) -> str | None:
    """The host that used this state lately, if it was another one."""
    if before is None or not before.elsewhere or now - before.since > every * _LOCK_HELD_TOO_LONG:
        return None
    return before.host


def _newly_held(before: State, report: Report) -> Iterator[CircuitPlan]:
    """The circuits whose due change is held back since this run."""
    for circuit_plan in report.plans:
        known = before.circuits.get(circuit_plan.circuit.key)
        held = held_mark(circuit_plan)
        if held is not None and held != (known.held_told if known else None):
            yield circuit_plan


def finish(ledger: Ledger, report: Report, asked: Syncing, history_keep: timedelta) -> Telling:
    """Decides what is told, and writes the run down. Raises StateError."""
    telling = tell(
        report.problems,
        ledger.state.told,
        examined=_examined(asked.circuit),
        now=report.now,
        terminal=asked.terminal,
    )
    for problem in telling.new:
        ledger.note("problem", id=problem.id, facts=dict(problem.facts))
    good = not any(source.remembered for source in report.sources)
    last_run = LastRun(report.run_id, report.now, ledger.clock(), good, int(report.exit))
    ledger.state = replace(ledger.state, told=telling.told, last_run=last_run)
    ledger.finish()
    if not ledger.lost:
        ledger.store.history.rotate(report.now, history_keep)
    return telling


def _examined(circuit: str | None) -> Callable[[str, str], bool]:
    """Which problems this run could have seen, by (kind, where): only those can clear."""

    def examined(_kind: str, where: str) -> bool:
        return circuit is None or where == circuit or where.startswith(f"{circuit}/")

    return examined


def _check_circuit(configuration: Configuration, circuit: str | None) -> None:
    if circuit is not None and circuit not in configuration.circuits:
        raise UsageError("no_such_circuit", circuit=circuit, known=", ".join(configuration.circuits))


def _clock(configuration: Configuration, now: str | None) -> tuple[Callable[[], datetime], datetime]:
    """The clock of this invocation, and what it says: under `--now` it stands still."""
    real = datetime.now(UTC)
    if now is None:
        return (lambda: datetime.now(UTC)), real
    try:
        moment = parse_moment(now, real, configuration.zone)
    except ValueError as error:
        raise UsageError("bad_time", message=str(error)) from None
    return (lambda: moment), moment


def _surroundings(
    configuration: Configuration,
    clock: Callable[[], datetime],
    progress: Callable[[str], None],
    *,
    virtual: bool,
) -> Surroundings:
    seconds = configuration.settings.every.total_seconds() * _SHARE_OF_EVERY
    return Surroundings(
        clock,
        Deadline.after(seconds),
        Deadline.after(seconds * _SHARE_OF_CALENDARS),
        progress,
        _no_boot_time if virtual else boot_time,
    )


def _no_boot_time() -> None:
    """Under `--now` only the time that was asked for counts."""


def _run_id() -> str:
    return uuid.uuid4().hex[:16]


def _silent(_text: str) -> None:
    """Progress that nobody looks at."""
