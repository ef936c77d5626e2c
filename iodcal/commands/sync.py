"""The commands as plain functions: typed arguments in, a typed result out. They print nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec import Struct

from iodcal.actor import new_run_id
from iodcal.clock import boot_time
from iodcal.commands.requests import (
    PreviewRequest,
    SyncRequest,
    check_preview,
    check_sync,
    clock_of,
    select_circuits,
)
from iodcal.config import Configuration
from iodcal.domain.changes import Reason
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.structs import replace
from iodcal.errors import LockHeldError
from iodcal.http import Deadline
from iodcal.notify.outbox import known_targets
from iodcal.pipeline.alerts import AlertDecision, decide_alerts, examined_by, still_standing
from iodcal.pipeline.context import Request, RunContext
from iodcal.pipeline.journal import Journal, stamp_of
from iodcal.pipeline.run import run
from iodcal.pipeline.save import held_mark, note_problems
from iodcal.result import Report
from iodcal.store.address import StateAddress
from iodcal.store.lock import Holder
from iodcal.store.state import KeptStore, LastRun, State
from iodcal.store.store import store_of

LOCK_PATIENCE_ON_TERMINAL = 60.0  # seconds
_LOCK_HELD_TOO_LONG = 3  # times `every`
# A run must have ended before the next one begins, with what is told of it, which may take a tenth of
# `every`; calendars get half of that, then memory serves.
_SHARE_OF_EVERY = 0.8
_SHARE_OF_CALENDARS = 0.5


Say: TypeAlias = Callable[[Report, AlertDecision], None]
"""Tells people, on stderr, of a run's problems."""


class Synced(Struct, frozen=True):
    """What `sync` did, and which of its problems are to be told now."""

    report: Report
    telling: AlertDecision
    newly_held: tuple[CircuitPlan, ...] = ()


def plan(
    configuration: Configuration,
    state_path: StateAddress,
    asked: PreviewRequest,
    progress: Callable[[str], None],
) -> Report:
    """What a sync would do: the same readings, but no quote, no order, no state written, no lock taken.

    Raises UsageError, StateError.
    """
    check_preview(configuration, asked)
    asked = replace(asked, circuits=select_circuits(configuration.circuits, asked.circuits))
    clock, now = clock_of(configuration, asked.now)
    request = preview_request(configuration, asked, now)
    state = store_of(configuration, state_path, clock).load(read_only=True)
    report = run(
        configuration,
        state,
        request=request,
        context=surroundings(configuration, clock, progress, virtual=asked.now is not None),
    )
    return replace(report, due_only=asked.due_only)


def preview_request(configuration: Configuration, asked: PreviewRequest, now: datetime) -> Request:
    """What `plan` asks of a run at `now` (UTC), of the circuits that `asked` names."""
    return Request(
        command="plan",
        now=now,
        window=asked.window or configuration.settings.window,
        run_id=asked.run_id or new_run_id(),
        circuits=asked.circuits,
        faults=asked.faults,
        cached=asked.cached,
        detailed_exitcode=asked.detailed_exitcode,
        unmatched=asked.unmatched,
        allow_downs=asked.allow_downs,
    )


def status(configuration: Configuration, state_path: StateAddress, asked: PreviewRequest) -> Report:
    """What is known without asking anybody. Raises UsageError, StateError."""
    asked = replace(asked, circuits=select_circuits(configuration.circuits, asked.circuits))
    clock, now = clock_of(configuration, None)
    request = replace(preview_request(configuration, asked, now), command="status", cached=True)
    store = store_of(configuration, state_path, clock)
    state = store.load(read_only=True)
    report = run(
        configuration,
        state,
        request=request,
        context=surroundings(configuration, clock, _silent, virtual=False),
    )
    from iodcal.store.entries import hidden_by  # no run needs the history's types for this

    hidden = hidden_by(configuration)
    kept = tuple(replace(one, facts=hidden.facts(one.facts)) for one in still_standing(state, report))
    notices = known_targets(configuration, store.notices)
    return replace(report, problems=(*report.problems, *kept), notices=notices)


def sync(
    configuration: Configuration,
    state_path: StateAddress,
    *,
    asked: SyncRequest,
    progress: Callable[[str], None],
    done: Callable[[Synced], None] | None = None,
    say: Say | None = None,
) -> Synced:
    """Orders what is due now. `say` tells of its problems, before they count as told. `done` hears of it once
    all is on disk and the lock is free, before open orders are waited for. Raises UsageError, LockHeldError,
    StateError, PlanChangedError."""
    check_sync(configuration, asked)
    asked = replace(asked, circuits=select_circuits(configuration.circuits, asked.circuits))
    clock, now = clock_of(configuration, asked.now)
    store = store_of(configuration, state_path, clock)
    with _lock(store, asked, configuration.settings.every, clock) as before:
        store.probe()
        state = store.load()
        request = Request(
            command="sync",
            now=now if asked.now is not None else clock(),
            window=configuration.settings.window,
            run_id=asked.run_id or new_run_id(),
            circuits=asked.circuits,
            allow_downs=asked.allow_downs,
            expect=asked.expect,
            faults=asked.faults,
            shared_with=_other_host(before, configuration.settings.every, clock()),
        )
        journal = Journal(store, state, request.run_id, clock, stamp=stamp_of(configuration.digest))
        context = surroundings(configuration, clock, progress, virtual=asked.now is not None)
        report = run(configuration, state, request=request, context=context, journal=journal)
        report = _with_budgets(report, configuration, journal.state, store)
        telling = finish(
            journal, report, asked=asked, history_keep=configuration.settings.history_keep, say=say
        )
    report = replace(report, lost_state=tuple(journal.lost))
    synced = Synced(report, telling, tuple(_newly_held(state, report)))
    if done is not None:
        done(synced)
    if asked.wait is None:
        return synced
    from iodcal.pipeline.wait import wait_for_orders  # only where it was asked for

    deadline = Deadline.after(asked.wait.total_seconds())
    waited = wait_for_orders(
        configuration, store, report=report, deadline=deadline, clock=clock, progress=progress
    )
    return replace(synced, report=waited)


def _with_budgets(report: Report, configuration: Configuration, state: State, store: KeptStore) -> Report:
    """`report`, and the budgets that are used up: looked at once all orders are out, so that they hold back
    none."""
    if not configuration.budgets:
        return report
    from iodcal.commands.budgets import budget_problems  # whoever has no budget need not load it

    found = budget_problems(configuration, state, store.history, report.now)
    return replace(report, problems=(*report.problems, *found))


@contextmanager
def _lock(
    store: KeptStore, asked: SyncRequest, every: timedelta, clock: Callable[[], datetime]
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
    """The circuits whose due change is held back since this run; what failed before is told as that."""
    for circuit_plan in report.plans:
        due = circuit_plan.due
        if due is not None and due.held is not None and due.held.reason is Reason.BACKOFF:
            continue
        known = before.circuits.get(circuit_plan.circuit.key)
        held = held_mark(circuit_plan)
        if held is not None and held != (known.held_told if known else None):
            yield circuit_plan


def finish(
    journal: Journal,
    report: Report,
    asked: SyncRequest,
    history_keep: timedelta,
    say: Say | None = None,
) -> AlertDecision:
    """Decides what is told, has `say` tell it, and only then writes the run down: what was not said must not
    count as told. Raises StateError."""
    telling = decide_alerts(
        report.problems,
        journal.state.told,
        examined=examined_by(report, asked.circuits),
        now=report.now,
        terminal=asked.terminal,
    )
    if say is not None:
        if telling.new or telling.changed or telling.reminded or telling.cleared:
            journal.store.claim()  # what another run says, too, must not be said
        say(report, telling)
    note_problems(journal, report.problems, telling.told)
    good = not any(source.remembered for source in report.sources)
    last_run = LastRun(report.run_id, report.now, ended_at=journal.clock(), good=good, exit=int(report.exit))
    journal.state = replace(journal.state, told=telling.told, last_run=last_run)
    journal.finish()
    if not journal.lost:
        journal.store.history.rotate(report.now, history_keep)
    return telling


def surroundings(
    configuration: Configuration,
    clock: Callable[[], datetime],
    progress: Callable[[str], None],
    *,
    virtual: bool,
) -> RunContext:
    """What a run works with; `virtual` under a time that was asked for."""
    seconds = configuration.settings.every.total_seconds() * _SHARE_OF_EVERY
    return RunContext(
        clock,
        Deadline.after(seconds),
        calendar_deadline=Deadline.after(seconds * _SHARE_OF_CALENDARS),
        progress=progress,
        boot=_no_boot_time if virtual else boot_time,
        virtual=virtual,
    )


def _no_boot_time() -> None:
    """Under `--now` only the time that was asked for counts."""


def _silent(_text: str) -> None:
    """Progress that nobody looks at."""
