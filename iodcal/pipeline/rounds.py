"""From timelines to orders: plan from what is known, read what an order must be sure of, plan again, order.

Accounts go through this side by side, and so do the circuits of one: what is ready is ordered while others
are still being asked. A circuit whose carrier is slow joins in a later round.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from iodcal.domain.circuits import Account, Circuit
from iodcal.domain.planning import CircuitPlan, in_order
from iodcal.domain.timeline import Timeline
from iodcal.pipeline.context import Run
from iodcal.pipeline.execute import OrderPlacer, Placed, check_expected
from iodcal.pipeline.fetch import EventSnapshot
from iodcal.pipeline.plan import plan_circuits
from iodcal.pipeline.poll import first_up, most_urgent_first, needs_reading, standing_of
from iodcal.signals import deferred

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
    sight: EventSnapshot
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
        return tuple(placed[p.circuit.key].plan if p.circuit.key in placed else p for p in plans), placed

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
        if whole:
            self.seen = known
        for one, answers in zip(accounts, known, strict=True):
            one.seen = answers
        plans = self._plan({key: line for one in accounts for key, line in one.timelines.items()})
        if self._read_due(plans):
            return True
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
            if needs_reading(standing_of(circuit, states), timeline, now, settings):
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
        return plan_circuits(self.run, timelines, self.sight, self._unanswered())

    def _in_order_of_accounts(self, placed: Mapping[str, Placed]) -> dict[str, Placed]:
        keys = [key for account in self.accounts for key in placed if key in account.timelines]
        return {key: placed[key] for key in keys}
