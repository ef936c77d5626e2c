"""The last step of a run: a change becomes an order.

The intent is on disk before the first byte goes out, the answer as soon as it is there. What comes back
is one of: taken, refused, certainly not sent, or nobody knows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

from iodcal.carriers import Carrier, OrderRequest, guard
from iodcal.carriers.lanes import Job
from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.circuit_limits import count_change, name_change
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Acceptance, Account, Quote, Reading, Status
from iodcal.domain.failed_orders import FailedOrders, note_accepted, note_refused
from iodcal.domain.held import lost_before, price_of, too_dear
from iodcal.domain.money import QuotedPrice
from iodcal.domain.orders import (
    BootTime,
    Order,
    Outcome,
    make_intent,
    with_answer,
    with_end,
)
from iodcal.domain.overrides import apply_manual_change
from iodcal.domain.planning import CircuitPlan, hold_due, in_order, next_quota_day
from iodcal.domain.policy import Policy
from iodcal.domain.structs import replace
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    NotNowError,
    OrderError,
    OrderNotSentError,
    OrderRefusedError,
    PlanChangedError,
    QuotaExceededError,
    RefusedForGoodError,
    StateError,
)
from iodcal.http import Deadline, printable
from iodcal.pipeline.journal import Journal
from iodcal.pipeline.poll import Carriers, one_call
from iodcal.pipeline.refusals import is_refusal, refusal_facts, said_of, wait_of
from iodcal.redaction import redact_text
from iodcal.result import changes_digest
from iodcal.signals import stop_wanted

_LATELY = timedelta(hours=1)


class Placed(Struct, frozen=True):
    """What became of a change. `order` is None where not even a quote could be had, or where it was too dear;
    `error` says why nothing, or nothing certain, was ordered; `quote` is what was ordered by."""

    plan: CircuitPlan
    order: Order | None
    error: CarrierError | None = None
    quote: Quote | None = None


class OrderPlacer(Struct):
    """Hands changes to the carriers. With `strict` only those that no price held back, as they were reviewed.
    `placed` is what became of them, by circuit key, in the order in which they were handed over; None until
    that is known. `failed` is that state could not be written: nothing more is ordered then."""

    carriers: Carriers
    journal: Journal
    policy: Policy
    deadline: Deadline
    boot: Callable[[], BootTime | None]
    strict: bool = False
    placed: dict[str, Placed | None] = field(default_factory=dict)
    failed: StateError | None = None

    def place_orders(self, plans: Iterable[CircuitPlan], *, downs: bool) -> None:
        """Hands over what is due and not held back, and was not yet in this run: ups first, ups by the start
        of their event, and with `downs` lowerings after them. Does not wait. One circuit's failure, or its
        slow carrier, never stops another's."""
        by_name = {plan.circuit.name: plan for plan in plans if plan.circuit.key not in self.placed}
        for change in in_order(by_name.values()):
            plan = by_name[change.circuit]
            wanted = plan.to_order if self.strict else plan.to_try
            if wanted is not None and (change.up or downs):
                self.placed[plan.circuit.key] = None
                self.carriers.lanes.submit(self._quote_job(plan, change))

    @property
    def outcomes(self) -> dict[str, Placed]:
        """What became of the changes that were tried. Raises StateError where an intent could not be written:
        what it was for has not been sent then."""
        if self.failed is not None:
            raise self.failed
        return {key: one for key, one in self.placed.items() if one is not None}

    @property
    def handed_over(self) -> frozenset[str]:
        """The circuits, by key, whose order counts against the quota, or may yet."""
        return frozenset(key for key, one in self.placed.items() if one is None or _counts(one.order))

    @property
    def _may_go_on(self) -> bool:
        """False once what is ordered could not be recorded, or nobody waits for it any more."""
        return self.failed is None and not self.journal.lost and not stop_wanted()

    def _quote_job(self, plan: CircuitPlan, change: Change) -> Job:
        circuit, name = plan.circuit, self.carriers.plugin_name(plan.circuit.carrier)

        def call(client: Carrier | CarrierError, until: Deadline) -> Quote | CarrierError | None:
            if not self._may_go_on:
                return None
            try:
                if self.carriers.read_by.get(circuit.key) is not client:
                    guard.read(client, name, circuit.service_id, until)  # a quote follows on a reading
                return guard.quote(
                    client, name, service_id=circuit.service_id, bandwidth=change.new, deadline=until
                )
            except CarrierError as error:
                return error

        def go_on(answer: Quote | CarrierError | None) -> Job | None:
            if isinstance(answer, CarrierError):
                self.placed[circuit.key] = self._unplaced(plan, change, answer)
            elif answer is not None and self._may_go_on:
                return self._quoted(plan, change, answer)
            return None

        def give_up(**_begun: bool) -> None:
            error = CarrierError("deadline", host=circuit.carrier)
            self.placed[circuit.key] = self._unplaced(plan, change, error)

        return Job(
            circuit.carrier,
            call,
            then=go_on,
            given_up=give_up,
            deadline=lambda: one_call(self.deadline),
            urgent=True,
        )

    def _unplaced(self, plan: CircuitPlan, change: Change, error: CarrierError) -> Placed:
        return Placed(self._after(plan, change, plan.circuit_state, error, sent=False), None, error)

    def _quoted(self, plan: CircuitPlan, change: Change, quote: Quote) -> Job | None:
        """Records the intent, once the price is known to be right; the call that follows on it."""
        plan = _quoted(plan, change, quote)
        account, limit = plan.circuit.account, plan.circuit.changes_per_day
        if limit is not None and known_used({}, self.placed.values()).get(account, 0) >= limit:
            held = Held(Reason.QUOTA, next_quota_day(self.journal.clock()))
            plan = hold_due(plan, held)
        if plan.to_order is None:
            self.placed[plan.circuit.key] = Placed(plan, None, quote=quote)  # too dear, or none left
            return None
        order = self._intent(plan, change, quote)
        try:
            circuit_state = self.journal.record_intent(plan.circuit, plan.circuit_state, order, change.causes)
        except StateError as error:
            self.failed = error
            return None
        return self._order_job(replace(plan, circuit_state=circuit_state), change, order, quote)

    def _order_job(self, plan: CircuitPlan, change: Change, order: Order, quote: Quote) -> Job:
        circuit, name = plan.circuit, self.carriers.plugin_name(plan.circuit.carrier)
        request = OrderRequest(
            circuit.service_id,
            order.old,
            new=order.new,
            quote=quote,
            external_id=order.external_id,
            note=order.note,
        )

        def call(client: Carrier | CarrierError, until: Deadline) -> Acceptance | OrderError:
            if not self.journal.store.may_order:
                return OrderNotSentError("claim_over", host=name)
            try:
                return guard.order(client, name, request, until)
            except OrderError as error:
                return error

        def record(answer: Acceptance | OrderError) -> Job | None:
            ended_as, failure = self._judge(order, answer)
            circuit_state = self.journal.record_outcome(circuit, plan.circuit_state, ended_as)
            if isinstance(failure, QuotaExceededError) and circuit.changes_per_day is not None:
                self.journal.use_up(circuit.account, ended_as.created_at, circuit.changes_per_day)
            circuit_state = count_change(circuit_state, circuit.limits, ended_as)
            if isinstance(answer, Acceptance) and answer.waits_for:
                circuit_state = replace(
                    circuit_state, reading=self._told_waiting(circuit_state, answer.waits_for)
                )
            sent = ended_as.outcome is not Outcome.NOT_SENT
            after = self._after(plan, change, circuit_state, failure, sent=sent)
            placed = self.placed[circuit.key] = Placed(after, ended_as, failure, quote)
            done = isinstance(answer, Acceptance) and answer.done
            return self._confirmation_job(placed) if done and not stop_wanted() else None

        def give_up(*, begun: bool) -> None:
            lost = AnswerLostError("answer_lost", reason="deadline")
            record(lost if begun else OrderNotSentError("not_sent", host=name, reason="deadline"))

        return Job(
            circuit.carrier,
            call,
            then=record,
            given_up=give_up,
            deadline=lambda: self.deadline,
            urgent=True,
            binding=True,
        )

    def _confirmation_job(self, placed: Placed) -> Job:
        """Reads a circuit whose carrier says that the order is done already: only that confirms it. What
        fails here changes nothing: the next run reads again."""
        circuit, name = placed.plan.circuit, self.carriers.plugin_name(placed.plan.circuit.carrier)

        def call(client: Carrier | CarrierError, until: Deadline) -> Reading | CarrierError:
            try:
                return guard.read(client, name, circuit.service_id, until)
            except CarrierError as error:
                return error

        def settle(answer: Reading | CarrierError) -> None:
            if isinstance(answer, Reading):
                circuit_state = apply_manual_change(
                    placed.plan.circuit_state, answer, self.policy.timeouts(circuit), self.boot()
                )
                plan = replace(placed.plan, circuit_state=circuit_state)
                self.placed[circuit.key] = replace(placed, plan=plan, order=circuit_state.all_orders[-1])

        return Job(
            circuit.carrier,
            call,
            then=settle,
            given_up=lambda **_begun: None,
            deadline=lambda: one_call(self.deadline),
            urgent=True,
        )

    def _judge(self, order: Order, answer: Acceptance | OrderError) -> tuple[Order, CarrierError | None]:
        now = self.journal.clock()
        match answer:
            case OrderNotSentError():
                return with_end(order, Outcome.NOT_SENT, now, answer.code, said_of(answer)), answer
            case OrderRefusedError():
                return with_end(order, Outcome.REFUSED, now, answer.code, said_of(answer)), answer
            case OrderError():
                return with_end(order, Outcome.UNKNOWN, now, answer.code, said_of(answer)), answer
            case _:
                return with_answer(order, answer), None

    def _intent(self, plan: CircuitPlan, change: Change, quote: Quote) -> Order:
        return make_intent(
            id=os.urandom(8).hex(),
            circuit_key=plan.circuit.key,
            circuit=plan.circuit.name,
            old=change.old,
            quote=replace(quote, id=quote.id and redact_text(quote.id)),
            now=self.journal.clock(),
            demand=change.demand,
            resends=_resends(plan.circuit_state, change),
            run_id=self.journal.run_id,
            boot=self.boot(),
            needed_by=change.needed_by,
        )

    def _after(
        self,
        plan: CircuitPlan,
        change: Change,
        circuit_state: CircuitState,
        error: CarrierError | None,
        *,
        sent: bool,
    ) -> CircuitPlan:
        """What the next run should know of how this went."""
        circuit_state = replace(circuit_state, failed=self._failed(circuit_state, change, error, sent=sent))
        if isinstance(error, NotNowError):
            circuit_state = replace(
                circuit_state, not_before=self.journal.clock() + wait_of(error, self.policy.every)
            )
        elif isinstance(error, RefusedForGoodError):
            circuit_state = replace(circuit_state, refused_for=name_change(change))
        if isinstance(error, ChangePendingError):
            circuit_state = replace(circuit_state, reading=self._told_pending(circuit_state))
        elif error is not None and not change.up:
            circuit_state = self._back_off(circuit_state)
        elif error is None and change.up and circuit_state.drift is not None:
            circuit_state = replace(circuit_state, raised_for=change.demand)
        return replace(plan, circuit_state=circuit_state)

    def _failed(
        self, circuit_state: CircuitState, change: Change, error: CarrierError | None, *, sent: bool
    ) -> tuple[FailedOrders, ...]:
        if error is None:
            return note_accepted(circuit_state.failed, change)
        if circuit_state.order is not None:
            return circuit_state.failed  # nobody knows yet whether it was taken
        kind = error.code if is_refusal(error) else None
        facts = {} if isinstance(error, ChangePendingError) else refusal_facts(change, error)
        return note_refused(circuit_state.failed, change, kind, facts, self.journal.clock(), sent=sent)

    def _told_pending(self, circuit_state: CircuitState) -> Reading:
        # The carrier has just said that a change is under way, whatever its inventory showed before.
        bandwidth = circuit_state.reading.bandwidth if circuit_state.reading else None
        return Reading(self.journal.clock(), Status.PENDING, bandwidth, "change pending")

    def _told_waiting(self, circuit_state: CircuitState, waits_for: str) -> Reading:
        return replace(self._told_pending(circuit_state), waits_for=printable(waits_for, 120))

    def _back_off(self, circuit_state: CircuitState) -> CircuitState:
        """A lowering that fails is not tried with every run; a raise is, for as long as its event lasts."""
        failures = circuit_state.failures + 1
        wait = min(self.policy.every * 2 ** min(failures, 10), self.policy.min_gap)
        return replace(circuit_state, failures=failures, retry_at=self.journal.clock() + wait)


def known_used(used: Mapping[Account, int], placed: Iterable[Placed | None]) -> dict[Account, int]:
    """`used` as it is once a carrier has said that an account's changes of the day are used up: whatever was
    counted here, others order for that account, too."""
    known = dict(used)
    for one in placed:
        if one is not None and isinstance(one.error, QuotaExceededError):
            account, limit = one.plan.circuit.account, one.plan.circuit.changes_per_day
            known[account] = max(known.get(account, 0), limit or 0)
    return known


def _counts(order: Order | None) -> bool:
    return order is not None and order.outcome.counts_against_quota


def _quoted(plan: CircuitPlan, change: Change, quote: Quote) -> CircuitPlan:
    """`plan` with the quote's price remembered, and `change` held back if that is too dear."""
    circuit_state = plan.circuit_state
    if quote.hourly is not None:
        price = QuotedPrice(
            quote.bandwidth, quote.hourly, quote.currency, quote.at, estimated=quote.estimated
        )
        circuit_state = circuit_state.with_quote(price)
    unpriced = quote.bandwidth if price_of(quote, plan.tariff) is None else None
    plan = replace(plan, circuit_state=replace(circuit_state, unpriced=unpriced))
    held = too_dear(change, plan.timeline, plan.circuit_state)
    return replace(plan, changes=(replace(change, held=held), *plan.changes[1:]))


def _resends(circuit_state: CircuitState, change: Change) -> int:
    """How often orders for this very demand were lost before."""
    last = lost_before(circuit_state, change)
    return last.resends + 1 if last is not None else 0


def check_expected(expected: str | None, plans: Iterable[CircuitPlan], now: datetime) -> None:
    """Raises PlanChangedError unless `expected` is None or the digest of what would be ordered now."""
    plans = tuple(plans)
    found = changes_digest(plans)
    if expected in (None, found):
        return
    due = [_change_text(change) for plan in plans if (change := plan.to_order) is not None]
    done = [
        _order_text(order)
        for plan in plans
        for order in plan.circuit_state.all_orders
        if now - order.created_at <= _LATELY
    ]
    raise PlanChangedError(
        "plan_changed",
        expected=expected,
        found=found,
        due=", ".join(sorted(due)) or "nothing",
        done=", ".join(sorted(done)) or "nothing",
    )


def _change_text(change: Change) -> str:
    return f"{change.circuit} {change.direction} {change.old} to {change.new}"


def _order_text(order: Order) -> str:
    return f"{order.circuit} {order.direction} {order.old} to {order.new} ({order.outcome})"
