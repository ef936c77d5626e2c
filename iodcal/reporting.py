"""From a run to its report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from iodcal.domain.circuits import Account
from iodcal.domain.localtime import Interval
from iodcal.domain.memory import Recalled
from iodcal.domain.orders import Order
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.trials import Court
from iodcal.domain.unmatched import Unmatched, unmatched, untaken_titles
from iodcal.domain.values import replace
from iodcal.domain.wishes import longest_pause
from iodcal.invocation import Run
from iodcal.ledger import Ledger, used_today
from iodcal.notify import NoticeKind
from iodcal.ordering import Placed
from iodcal.problems.kinds import Problem
from iodcal.reading import Sight, organizers_of, veil_of
from iodcal.result import Report, SourceReport
from iodcal.state import State


def report(
    this: Run,
    sight: Sight,
    plans: tuple[CircuitPlan, ...],
    placed: Mapping[str, Placed],
    problems: tuple[Problem, ...],
    ledger: Ledger | None,
) -> Report:
    """All that the command line shows of a run."""
    request = this.request
    return Report(
        command=request.command,
        run_id=request.run_id,
        now=request.now,
        window=Interval(request.now, request.now + request.window),
        config_digest=this.configuration.digest,
        sources=tuple(_source(recalled, sight) for recalled in sight.recalled),
        plans=plans,
        orders=tuple(_orders(this, plans, placed)),
        problems=tuple(_since(problem, this) for problem in problems),
        last_run=this.state.last_run,
        test=this.configuration.is_test,
        cached=request.cached,
        detailed_exitcode=request.detailed_exitcode,
        config_path=str(this.configuration.path),
        faults=request.faults,
        lost_state=tuple(ledger.lost) if ledger is not None else (),
        unmatched=_unmatched(this, sight) if request.unmatched else None,
        pause=longest_pause((this.state.pause,), request.now),
        parked=this.state.parked,
        untaken=_untaken_titles(this, sight),
        quotas=_quotas(this, ledger.state if ledger is not None else this.state),
    )


def _unmatched(this: Run, sight: Sight) -> Unmatched:
    """The events that no rule took: for a screen, never to be kept."""
    rules, circuits = this.configuration.rules, this.configuration.circuits
    court = Court(rules, circuits, {}, organizers_of(this.configuration), veil_of(this.configuration, sight))
    return unmatched(sight.read, sight.matching, rules, circuits, court, this.request.now)


def _untaken_titles(this: Run, sight: Sight) -> tuple[str, ...]:
    """The same events by their titles alone; none where no target's daily summary wants them."""
    configuration = this.configuration
    if not any(NoticeKind.DAILY in target.kinds for target in configuration.notify.values()):
        return ()
    rules, circuits, veil = configuration.rules, configuration.circuits, veil_of(configuration, sight)
    return untaken_titles(sight.read, sight.matching, rules, circuits, veil, this.request.now)


def _quotas(this: Run, state: State) -> dict[Account, tuple[int, int]]:
    circuits = this.configuration.circuits.values()
    limits = {c.account: c.changes_per_day for c in circuits if c.changes_per_day is not None}
    used = used_today(state, limits, this.request.now)
    return {account: (used.get(account, 0), limit) for account, limit in limits.items()}


def _source(recalled: Recalled, sight: Sight) -> SourceReport:
    reading = sight.readings.get(recalled.source.key)
    kept = recalled.remembered
    refused = (event for event in sight.matching.refused if event.source == recalled.source)
    return SourceReport(
        recalled.source,
        kept.read_at if kept is not None else None,
        not recalled.fresh,
        len(reading.events) if reading is not None else len(recalled.events),
        len(recalled.events),
        tuple(refused),
    )


def _orders(this: Run, plans: tuple[CircuitPlan, ...], placed: Mapping[str, Placed]) -> Iterator[Order]:
    """The orders of which a reading of this run showed something new, then those it placed."""
    for plan in plans:
        before = this.state.circuits.get(plan.circuit.key)
        known = {order.id: order.outcome for order in before.all_orders} if before is not None else {}
        yield from (
            order for order in plan.standing.all_orders if known.get(order.id, order.outcome) != order.outcome
        )
    yield from (attempt.order for attempt in placed.values() if attempt.order is not None)


def _since(problem: Problem, this: Run) -> Problem:
    told = this.state.told.get(problem.id)
    return replace(problem, since=told.since if told is not None else this.request.now)
