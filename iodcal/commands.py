"""The commands as plain functions: typed arguments in, a typed result out. They print nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from iodcal.asked import Preview, Syncing, check_circuit, check_preview, check_sync, clock_of
from iodcal.boot import boot_time
from iodcal.config import Configuration
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.values import replace
from iodcal.errors import LockHeldError
from iodcal.http import Deadline
from iodcal.invocation import Request, Surroundings
from iodcal.keeping import held_mark, note_problems
from iodcal.ledger import Ledger, stamp_of
from iodcal.notify.outbox import known_targets
from iodcal.problems.alerts import AlertDecision, decide_alerts, examined_by, still_standing
from iodcal.result import Report
from iodcal.run import run
from iodcal.settling import wait_for_orders
from iodcal.state import LastRun, State
from iodcal.state.files import Access
from iodcal.state.lock import Holder
from iodcal.state.store import StateStore

LOCK_PATIENCE_ON_TERMINAL = 60.0  # seconds
_LOCK_HELD_TOO_LONG = 3  # times `every`
# A run must have ended before the next one begins; calendars get half of that, then memory serves.
_SHARE_OF_EVERY = 0.9
_SHARE_OF_CALENDARS = 0.5


class Synced(Struct, frozen=True):
    """What `sync` did, and which of its problems are to be told now."""

    report: Report
    telling: AlertDecision
    newly_held: tuple[CircuitPlan, ...] = ()


def plan(
    configuration: Configuration, state_path: Path, asked: Preview, progress: Callable[[str], None]
) -> Report:
    """What a sync would do: the same readings, but no quote, no order, no state written, no lock taken.

    Raises UsageError, StateError.
    """
    check_preview(configuration, asked)
    clock, now = clock_of(configuration, asked.now)
    request = preview_request(configuration, asked, now)
    state = store_of(configuration, state_path, clock).load(read_only=True)
    return run(
        configuration,
        state,
        request,
        surroundings(configuration, clock, progress, virtual=asked.now is not None),
    )


def preview_request(configuration: Configuration, asked: Preview, now: datetime) -> Request:
    """What `plan` asks of a run at `now` (UTC)."""
    return Request(
        command="plan",
        now=now,
        window=asked.window or configuration.settings.window,
        run_id=asked.run_id or _run_id(),
        circuit=asked.circuit,
        cached=asked.cached,
        detailed_exitcode=asked.detailed_exitcode,
        unmatched=asked.unmatched,
        allow_downs=asked.allow_downs,
    )


def status(
    configuration: Configuration, state_path: Path, circuit: str | None = None, run_id: str = ""
) -> Report:
    """What is known without asking anybody. Raises UsageError, StateError."""
    check_circuit(configuration, circuit)
    clock, now = clock_of(configuration, None)
    window = configuration.settings.window
    request = Request("status", now, window, run_id or _run_id(), circuit=circuit, cached=True)
    state = store_of(configuration, state_path, clock).load(read_only=True)
    report = run(configuration, state, request, surroundings(configuration, clock, _silent, virtual=False))
    from iodcal.history.conceal import hidden_by  # no run needs the history's types for this

    hidden = hidden_by(configuration)
    kept = tuple(replace(one, facts=hidden.facts(one.facts)) for one in still_standing(state, report))
    notices = known_targets(configuration, state_path)
    return replace(report, problems=(*report.problems, *kept), notices=notices)


def sync(
    configuration: Configuration,
    state_path: Path,
    asked: Syncing,
    progress: Callable[[str], None],
    done: Callable[[Synced], None] | None = None,
) -> Synced:
    """Orders what is due now. `done` hears of it once all is on disk and the lock is free, before open orders
    are waited for. Raises UsageError, LockHeldError, StateError, PlanChangedError."""
    check_sync(configuration, asked)
    clock, now = clock_of(configuration, asked.now)
    store = store_of(configuration, state_path, clock)
    with _lock(store, asked, configuration.settings.every, clock) as before:
        store.probe()
        state = store.load()
        request = Request(
            command="sync",
            now=now if asked.now is not None else clock(),
            window=configuration.settings.window,
            run_id=asked.run_id or _run_id(),
            circuit=asked.circuit,
            allow_downs=asked.allow_downs,
            expect=asked.expect,
            faults=asked.faults,
            shared_with=_other_host(before, configuration.settings.every, clock()),
        )
        ledger = Ledger(store, state, request.run_id, clock, stamp=stamp_of(configuration.digest))
        around = surroundings(configuration, clock, progress, virtual=asked.now is not None)
        report = run(configuration, state, request, around, ledger)
        report = _with_budgets(report, configuration, ledger.state, store)
        telling = finish(ledger, report, asked, configuration.settings.history_keep)
    report = replace(report, lost_state=tuple(ledger.lost))
    synced = Synced(report, telling, tuple(_newly_held(state, report)))
    if done is not None:
        done(synced)
    if asked.wait is None:
        return synced
    deadline = Deadline.after(asked.wait.total_seconds())
    waited = wait_for_orders(configuration, store, report, deadline, clock, progress)
    return replace(synced, report=waited)


def _with_budgets(report: Report, configuration: Configuration, state: State, store: StateStore) -> Report:
    """`report`, and the budgets that are used up: looked at once all orders are out, so that they hold back
    none."""
    if not configuration.budgets:
        return report
    from iodcal.lookback.month import budget_problems  # whoever has no budget need not load it

    found = budget_problems(configuration, state, store.history, report.now)
    return replace(report, problems=(*report.problems, *found))


def store_of(configuration: Configuration, path: Path, clock: Callable[[], datetime]) -> StateStore:
    """The state that a command works on."""
    return StateStore(path, clock, Access(configuration.settings.group))


@contextmanager
def _lock(
    store: StateStore, asked: Syncing, every: timedelta, clock: Callable[[], datetime]
) -> Iterator[Holder | None]:
    """The lock; where another run holds it for too long, the error says so, the first time with a remedy."""
    patience = LOCK_PATIENCE_ON_TERMINAL if asked.terminal else 0.0
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


def finish(ledger: Ledger, report: Report, asked: Syncing, history_keep: timedelta) -> AlertDecision:
    """Decides what is told, and writes the run down. Raises StateError."""
    telling = decide_alerts(
        report.problems,
        ledger.state.told,
        examined=examined_by(report, asked.circuit),
        now=report.now,
        terminal=asked.terminal,
    )
    note_problems(ledger, report.problems, telling.told)
    good = not any(source.remembered for source in report.sources)
    last_run = LastRun(report.run_id, report.now, ledger.clock(), good, int(report.exit))
    ledger.state = replace(ledger.state, told=telling.told, last_run=last_run)
    ledger.finish()
    if not ledger.lost:
        ledger.store.history.rotate(report.now, history_keep)
    return telling


def surroundings(
    configuration: Configuration,
    clock: Callable[[], datetime],
    progress: Callable[[str], None],
    *,
    virtual: bool,
) -> Surroundings:
    """What a run works with; `virtual` under a time that was asked for."""
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
