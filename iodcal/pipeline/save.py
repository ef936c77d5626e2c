"""The end of a run that orders: what the next run must know is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from iodcal.domain.changes import Reason
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Orders
from iodcal.domain.holds import Skip, longest_pause, still_skipped
from iodcal.domain.last_known_good import memories_of
from iodcal.domain.overrides import forget_old_orders
from iodcal.domain.planning import CircuitPlan, foresee
from iodcal.domain.structs import replace
from iodcal.pipeline.alerts import turned_into
from iodcal.pipeline.context import Run
from iodcal.pipeline.fetch import EventSnapshot, learn
from iodcal.pipeline.journal import Journal
from iodcal.pipeline.poll import earliest_now, preflight_windows
from iodcal.problems.at_risk import PreflightCheck, causes_of, check_readiness
from iodcal.problems.kinds import Problem
from iodcal.store.state import AlertRecord


def keep(
    run: Run,
    journal: Journal,
    snapshot: EventSnapshot,
    plans: Iterable[CircuitPlan],
    problems: Sequence[Problem],
) -> tuple[PreflightCheck, ...]:
    """Puts circuit states and memory into the journal's state, and what happened into the history; returns
    what this run's preflight checks have to tell. `problems` are those that the run found."""
    good = not snapshot.failures
    now = earliest_now(snapshot, run.carriers, run.request.now)
    last_run = run.state.last_run.started_at if run.state.last_run is not None else None
    pause = longest_pause((journal.state.pause,), now)
    if pause is None and (over := journal.state.pause) is not None:
        journal.note_ended("pause", None, who=over.who, since=over.since, until=over.until)
    seen: list[PreflightCheck] = []
    for plan in plans:
        journal.note_what_ended(plan.circuit_state, last_run, now)
        circuit_state = forget_old_orders(
            _checked(plan, run, journal=journal, problems=problems, seen=seen), now
        )
        if good:
            circuit_state = replace(circuit_state, foreseen=foresee(plan))
        journal.put(_note_held(plan, circuit_state, journal))
    journal.state = replace(
        learn(journal.state, snapshot, run.request.now),
        remembered=memories_of(snapshot.recalled),
        rebuilt_from=None,
        unknown_since=_still_unknown(run, now),
        pause=pause,
        skips=_still_skipped(run, journal, now),
    )
    return tuple(seen)


def _still_skipped(run: Run, journal: Journal, now: datetime) -> tuple[Skip, ...]:
    last_run = run.state.last_run.started_at if run.state.last_run is not None else None
    for skip in journal.state.skips:
        if last_run is not None and last_run < skip.until <= now:
            journal.note_ended("skip", None, who=skip.who, since=skip.since, until=skip.until)
    trail = max((rule.trail for rule in run.configuration.rules), default=timedelta())
    return still_skipped(journal.state.skips, now, trail)


def _still_unknown(run: Run, now: datetime) -> datetime | None:
    since = run.state.unknown_since
    grace = run.policy.order_timeouts.lost_answer_grace
    return since if since is not None and now < since + grace else None


def _checked(
    plan: CircuitPlan, run: Run, journal: Journal, problems: Iterable[Problem], seen: list[PreflightCheck]
) -> CircuitState:
    """Notes the preflight checks of this run, the last reading before an event begins, where they have
    something new, and adds to `seen` those that somebody relies on."""
    circuit_state, now = plan.circuit_state, run.request.now
    if not run.carriers.has_read(plan.circuit):
        return circuit_state
    marks = dict(circuit_state.preflight_checks)
    causes = causes_of((problem.where, problem.facts) for problem in problems)
    earlier = causes_of((told.where, told.facts) for told in run.state.told.values())
    before = run.state.circuits.get(plan.circuit.key)
    for window in preflight_windows(circuit_state, plan.timeline, now, run.policy.every):
        check = check_readiness(plan, window, before=before, now=now, causes=causes, earlier=earlier)
        demand = window.demand
        known = {mark for mark in marks if mark.startswith(f"{demand.id} ")}
        marks = {mark: end for mark, end in marks.items() if mark not in known}
        marks[check.mark] = demand.event.end
        if f"{demand.id} {check.readiness}" in known:
            continue
        if plan.circuit.orders is not Orders.NONE:
            seen.append(check)
        journal.note(
            "curtain_up",
            circuit=plan.circuit.name,
            rule=demand.rule.name,
            start=demand.event.start,
            result=check.readiness,
            event=demand.id,
            calendar=demand.calendar,
            subject=demand.subject,
            end=demand.event.end,
            needs_mbps=check.needs,
            labels=dict(plan.circuit.labels),
        )
    return replace(circuit_state, preflight_checks=tuple(marks.items()))


def held_mark(plan: CircuitPlan) -> str | None:
    """Names the change that is held back and why; None where none is."""
    due = plan.due
    return f"{due.new.mbps}/{due.held.reason}" if due is not None and due.held is not None else None


def _note_held(plan: CircuitPlan, circuit_state: CircuitState, journal: Journal) -> CircuitState:
    """A change held back goes into the history once, not with every run for as long as it is held."""
    due, told = plan.due, held_mark(plan)
    if _by_freeze(circuit_state.held_told) and not _by_freeze(told):
        journal.note_ended("freeze", circuit_state)
    if due is not None and due.held is not None and told != circuit_state.held_told:
        journal.note(
            "change",
            circuit=plan.circuit.name,
            direction=due.direction,
            from_mbps=due.old.mbps,
            to_mbps=due.new.mbps,
            held=due.held.reason,
            until=due.held.until,
            causes=due.causes,
            labels=dict(plan.circuit.labels),
        )
    return replace(circuit_state, held_told=told)


def _by_freeze(mark: str | None) -> bool:
    return mark is not None and mark.endswith(f"/{Reason.FREEZE}")


def note_problems(journal: Journal, problems: Sequence[Problem], told: Mapping[str, AlertRecord]) -> None:
    """Puts problems into the history when they begin, change or are gone from what is `told` from now on;
    whether a person or a timer looked on is no matter there. One that turned into a worse one says so."""
    before = journal.state.told
    for problem in problems:
        if problem.id not in before or _differs(problem, before[problem.id]):
            journal.note(
                "problem",
                id=problem.id,
                where=problem.where,
                severity=problem.severity,
                facts=dict(problem.facts),
            )
    for key, gone in before.items():
        if key not in told:
            worse = turned_into(gone, problems)
            became = {"became": worse.id} if worse is not None else {}
            journal.note("recovered", id=key, where=gone.where, since=gone.since, **became)


def _differs(problem: Problem, known: AlertRecord) -> bool:
    return any(known.facts.get(name) != fact for name, fact in problem.stable_facts)
