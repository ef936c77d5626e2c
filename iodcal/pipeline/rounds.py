"""The pure middle of a run: from the events that count to timelines, and from what is known to plans."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct, field

from iodcal.config import Configuration
from iodcal.domain.circuits import Account, Circuit
from iodcal.domain.events import MatchedEvent
from iodcal.domain.last_known_good import end_absent
from iodcal.domain.localtime import whole_days
from iodcal.domain.planning import CircuitPlan, in_order, plan_circuit, view_from
from iodcal.domain.policy import SafetyFlags
from iodcal.domain.structs import replace
from iodcal.domain.timeline import Timeline, draw_timeline, park_timeline
from iodcal.domain.together import hold_beyond_quota, plan_together
from iodcal.domain.windows import Freeze, Window, hold_window, open_freezes, open_windows
from iodcal.errors import QuotaExceededError
from iodcal.pipeline.context import Run
from iodcal.pipeline.execute import OrderPlacer, Placed, check_expected, known_used
from iodcal.pipeline.fetch import EventSnapshot
from iodcal.pipeline.poll import (
    circuit_state_of,
    clock_error,
    earliest_now,
    first_up,
    most_urgent_first,
    needs_reading,
    observe,
)
from iodcal.signals import deferred


def end_absent_events(snapshot: EventSnapshot, configuration: Configuration, now: datetime) -> EventSnapshot:
    """`snapshot` without what today's readings missed, unless a window or freeze of it covers `now` (UTC)."""
    rules, circuits = configuration.rules, configuration.circuits.values()

    def covers_now(event: MatchedEvent) -> bool:
        windows = [window for found in open_windows([event], rules, circuits).values() for window in found]
        freezes = [freeze for found in open_freezes([event], rules, circuits).values() for freeze in found]
        spans = [*(window.demand.span for window in windows), *(freeze.span for freeze in freezes)]
        return any(now in span for span in spans)

    return replace(snapshot, recalled=tuple(end_absent(known, covers_now) for known in snapshot.recalled))


def draw_timelines(run: Run, snapshot: EventSnapshot) -> dict[str, Timeline]:
    """Windows over the baseline, a timeline for each circuit that was asked for, by its key."""
    configuration, memo = run.configuration, run.context.memo
    circuits, rules, events = configuration.circuits, configuration.rules, snapshot.events
    made_from = (configuration, *events)
    windows = memo.get("windows", made_from, lambda: open_windows(events, rules, circuits.values()))
    freezes = memo.get("freezes", made_from, lambda: open_freezes(events, rules, circuits.values()))
    return {
        circuit.key: _timeline(run, circuit, windows[name], freezes[name])
        for name, circuit in circuits.items()
        if not run.request.circuits or name in run.request.circuits
    }


def _timeline(
    run: Run, circuit: Circuit, windows: tuple[Window, ...], freezes: tuple[Freeze, ...]
) -> Timeline:
    """Drawn over whole days, so that the runs of one day can share it, and cut to what this run sees."""
    hold = circuit_state_of(circuit, run.state.circuits).hold
    held = (hold_window(hold, circuit),) if hold is not None and hold.since < hold.until else ()
    view = view_from(run.request.now, circuit, run.policy)
    days = whole_days(view)
    name = f"timeline {circuit.name} {days.start.isoformat()} {days.end.isoformat()}"
    whole = run.context.memo.get(
        name,
        (circuit, windows, freezes, hold),
        lambda: draw_timeline(circuit, (*windows, *held), days, freezes),
    )
    timeline = whole.cut(view)
    return park_timeline(timeline) if run.state.parked is not None else timeline


def plan_circuits(
    run: Run, timelines: Mapping[str, Timeline], snapshot: EventSnapshot, unanswered: Iterable[str] = ()
) -> tuple[CircuitPlan, ...]:
    """Plans for the circuits of `timelines`, from the state at the run's start and what was read since.
    `unanswered` are the keys of circuits that were asked for a reading, and have not given one yet."""
    now, policy = run.request.now, run.policy
    circuits = [timeline.circuit for timeline in timelines.values()]
    readings, settings = run.carriers.readings, run.configuration.settings
    circuit_states = observe(
        circuits, run.state.circuits, readings=readings, now=now, settings=settings, boot=run.context.boot()
    )
    knowledge = _knowledge(run, snapshot, unanswered)
    plans = [
        plan_circuit(timeline, circuit_states[key], now=now, policy=policy, knowledge=knowledge)
        for key, timeline in timelines.items()
    ]
    return plan_together(plans, now, policy, run.used, run.refused)


def _knowledge(run: Run, snapshot: EventSnapshot, unanswered: Iterable[str]) -> SafetyFlags:
    unknown = {*run.carriers.failures, *unanswered}
    circuits = run.configuration.circuits.values()
    return SafetyFlags(
        blind_after=snapshot.blind_after(run.configuration.rules),
        doubtful=snapshot.doubtful(run.configuration.rules),
        unreadable=frozenset(circuit.name for circuit in circuits if circuit.key in unknown),
        clock_wrong=clock_error(snapshot, run.carriers) is not None,
        rebuilt=run.state.rebuilt_from is not None,
        unanswered_until=_unanswered_until(run),
        earliest_now=earliest_now(snapshot, run.carriers, run.request.now),
    )


def _unanswered_until(run: Run) -> datetime | None:
    """Where nothing is left on record, the last order counts as sent, without an answer, just then."""
    since = run.state.unknown_since
    return since + run.policy.order_timeouts.lost_answer_grace if since is not None else None


_WAIT_FOR_OTHERS = 10.0  # seconds for which lowerings wait for the readings of others


class _AccountRound(Struct):
    """How far the circuits of one account are. `waves` are the circuits still to be asked, the urgent ones
    first; `seen` is how many answers the last plan was made with."""

    timelines: Mapping[str, Timeline]
    waves: list[list[Circuit]]
    seen: int = -1

    @property
    def carriers(self) -> set[str]:
        return {timeline.circuit.carrier for timeline in self.timelines.values()}


class Rounds(Struct):
    """One run's rounds. Without a `placer` nothing is ordered."""

    run: Run
    timelines: Mapping[str, Timeline]
    snapshot: EventSnapshot
    placer: OrderPlacer | None
    accounts: list[_AccountRound] = field(default_factory=list)
    plans: tuple[CircuitPlan, ...] | None = None
    seen: list[int] | None = None
    began: float = field(default_factory=time.monotonic)

    def carry_out(self) -> tuple[tuple[CircuitPlan, ...], dict[str, Placed]]:
        """The plans, and what became of the changes that were tried, by circuit key.

        Raises StateError, PlanChangedError, and Interrupted once orders that were under way are recorded.
        """
        lanes = self.run.carriers.lanes
        self.accounts = list(self._by_account())
        with deferred():
            try:
                self._go_round()
            except BaseException:
                lanes.drop_queued()
                while lanes.outstanding:  # what is out must be recorded first
                    lanes.wait()
                raise
            finally:
                lanes.close()
        plans = self.plans if self.plans is not None else self._plan(self.timelines)
        if self.placer is None:
            return plans, {}
        placed = self._in_order_of_accounts(self.placer.outcomes)
        if self._used != self.run.used:
            plans = self._plan(self.timelines)  # what waits for the next day now must show
        return tuple(_final(plan, placed.get(plan.circuit.key)) for plan in plans), placed

    def _go_round(self) -> None:
        self._next_waves(self.accounts)
        while True:
            went_on, lanes = self._advance(), self.run.carriers.lanes
            if lanes.outstanding:
                lanes.wait()
            elif not went_on:
                return

    def _advance(self) -> bool:
        """Plans where something new is known, and hands over what follows from it; True if anything did."""
        settled = [one for one in self.accounts if not self.run.carriers.lanes.moving_readings(one.carriers)]
        if self._all_may_lower(settled):
            return self._round(self.accounts, whole=True)
        went = [self._round([one], whole=False) for one in settled]
        return any(went)

    def _all_may_lower(self, settled: list[_AccountRound]) -> bool:
        """Limits and clocks concern all: lowerings wait until every account is read, but not for ever."""
        if len(settled) < len(self.accounts) or any(one.waves for one in self.accounts):
            return False
        return not self._unanswered() or time.monotonic() - self.began > _WAIT_FOR_OTHERS

    def _round(self, accounts: list[_AccountRound], *, whole: bool) -> bool:
        """One round for `accounts`; lowerings are ordered in a `whole` one only."""
        known = [self._answers(one) for one in accounts]
        if known == (self.seen if whole else [one.seen for one in accounts]):
            return self._next_waves(accounts)
        plans = self._plan({key: line for one in accounts for key, line in one.timelines.items()})
        if self._read_due(plans):
            return True  # and what was answered already is planned again, whether or not these answer soon
        if whole:
            self.seen = known
        for one, answers in zip(accounts, known, strict=True):
            one.seen = answers
        if whole:
            self.plans = plans
        self._order(plans, whole=whole)
        self._next_waves(accounts)
        return True

    def _order(self, plans: tuple[CircuitPlan, ...], *, whole: bool) -> None:
        if self.placer is None:
            return
        expected = self.run.request.expect
        if expected is not None:
            if not whole or self._unanswered():
                return
            if not self.placer.placed:
                check_expected(expected, plans, self.run.request.now)
        answered = [plan for plan in plans if self.run.carriers.has_read(plan.circuit)]
        self.placer.place_orders(answered, downs=whole)

    def _read_due(self, plans: Iterable[CircuitPlan]) -> bool:
        """Asks for what an order needs to be sure of; True if that is still to come for some circuit."""
        circuits = self.run.configuration.circuits
        due = [circuits[change.circuit] for change in in_order(plans)]
        unread = [circuit for circuit in due if circuit.key not in self.run.carriers.asked]
        for circuit in unread:
            self.run.carriers.ask(circuit, self.run.context.deadline, urgent=True)
        return bool(unread)

    def _next_waves(self, accounts: Iterable[_AccountRound]) -> bool:
        asked = [self._next_wave(one) for one in accounts]
        return any(asked)

    def _next_wave(self, account: _AccountRound) -> bool:
        """Asks the next circuits that must be looked at; True if there were any."""
        while account.waves:
            circuits = [one for one in account.waves.pop(0) if one.key not in self.run.carriers.asked]
            for circuit in circuits:
                self.run.carriers.ask(circuit, self.run.context.deadline)
            if circuits:
                return True
        return False

    def _by_account(self) -> Iterable[_AccountRound]:
        now, settings = self.run.request.now, self.run.configuration.settings
        states = self.run.state.circuits
        ranked = most_urgent_first(self.timelines.values(), states, now)
        to_read: dict[Account, tuple[list[Circuit], list[Circuit]]] = {}
        for timeline in ranked:
            circuit = timeline.circuit
            urgent, other = to_read.setdefault(circuit.account, ([], []))
            if needs_reading(circuit_state_of(circuit, states), timeline, now, settings):
                soon = first_up(timeline, states, now) < now + settings.every
                (urgent if soon else other).append(circuit)
        for account in dict.fromkeys(line.circuit.account for line in self.timelines.values()):
            lines = {key: line for key, line in self.timelines.items() if line.circuit.account == account}
            yield _AccountRound(lines, [wave for wave in to_read[account] if wave])

    def _unanswered(self) -> frozenset[str]:
        """The circuits, by key, that were asked, and whose answer is still to come."""
        carriers = self.run.carriers
        return frozenset(carriers.asked - carriers.readings.keys() - carriers.failures.keys())

    def _answers(self, account: _AccountRound) -> int:
        carriers = self.run.carriers
        return sum(key in carriers.readings or key in carriers.failures for key in account.timelines)

    def _plan(self, timelines: Mapping[str, Timeline]) -> tuple[CircuitPlan, ...]:
        run = replace(self.run, used=self._used)
        plans = plan_circuits(run, timelines, self.snapshot, self._unanswered())
        handed = self.placer.handed_over if self.placer is not None else frozenset[str]()
        if not handed:
            return plans
        run = self.run
        return hold_beyond_quota(plans, handed, run.request.now, run.policy, self._used, refused=run.refused)

    @property
    def _used(self) -> Mapping[Account, int]:
        """How many changes of the day each account has used, as far as is known by now."""
        placed = self.placer.placed.values() if self.placer is not None else ()
        return known_used(self.run.used, placed)

    def _in_order_of_accounts(self, placed: Mapping[str, Placed]) -> dict[str, Placed]:
        keys = [key for account in self.accounts for key in placed if key in account.timelines]
        return {key: placed[key] for key in keys}


def _final(plan: CircuitPlan, placed: Placed | None) -> CircuitPlan:
    """A circuit's plan at the end of the run: that of its order, but where the account had no change left."""
    if placed is None:
        return plan
    if isinstance(placed.error, QuotaExceededError):
        return replace(plan, circuit_state=placed.plan.circuit_state)
    return placed.plan
