"""The last step of a run: a change becomes an order.

The intent is on disk before the first byte goes out, the answer as soon as it is there. What comes back
is one of: taken, refused, certainly not sent, or nobody knows.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from iodcal.carriers import OrderRequest
from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.circuits import Account, Quote, Reading, Status
from iodcal.domain.money import QuotedPrice
from iodcal.domain.orders import BootTime, Order, Outcome, answered, ended, intent
from iodcal.domain.planning import CircuitPlan, Policy, in_order
from iodcal.domain.price import ceiling, comparable_price
from iodcal.domain.standing import Standing
from iodcal.domain.values import replace
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    OrderNotSentError,
    OrderRefusedError,
)
from iodcal.http import Deadline
from iodcal.ledger import Ledger
from iodcal.observing import Carriers
from iodcal.signals import deferred, stop_wanted


class Placed(Struct, frozen=True):
    """What became of a change. `order` is None where not even a quote could be had, or where it was too dear;
    `error` says why nothing, or nothing certain, was ordered; `quote` is what was ordered by."""

    plan: CircuitPlan
    order: Order | None
    error: CarrierError | None = None
    quote: Quote | None = None


class Desk(Struct, frozen=True):
    """Where changes are ordered. With `strict` only those that no price held back, as they were reviewed."""

    carriers: Carriers
    ledger: Ledger
    policy: Policy
    deadline: Deadline
    boot: Callable[[], BootTime | None]
    strict: bool = False

    def order_all(self, plans: Iterable[CircuitPlan]) -> dict[str, Placed]:
        """Orders what is due and not held back; what became of it, by circuit key.

        Within an account one after another, ups first; accounts side by side, so that a slow carrier does
        not keep another's circuits waiting. One circuit's failure never stops another's. Raises StateError
        where an intent cannot be written: what it was for has not been sent then.
        """
        by_account: defaultdict[Account, list[CircuitPlan]] = defaultdict(list)
        for plan in plans:
            if (plan.to_order if self.strict else plan.to_try) is not None:
                by_account[plan.circuit.account].append(plan)
        if len(by_account) <= 1:
            return {key: placed for group in by_account.values() for key, placed in self._order_group(group)}
        with deferred(), ThreadPoolExecutor(max_workers=len(by_account)) as pool:
            done = list(pool.map(lambda group: list(self._order_group(group)), by_account.values()))
        return {key: placed for group in done for key, placed in group}

    def _order_group(self, plans: Iterable[CircuitPlan]) -> Iterator[tuple[str, Placed]]:
        by_name = {plan.circuit.name: plan for plan in plans}
        for change in in_order(by_name.values()):
            if self.ledger.lost or stop_wanted():
                return  # what cannot be recorded must not be ordered, nor what nobody waits for
            plan = by_name[change.circuit]
            yield plan.circuit.key, self._place(plan, change)

    def _place(self, plan: CircuitPlan, change: Change) -> Placed:
        carrier = self.carriers.of(plan.circuit)
        try:
            quote = carrier.quote(plan.circuit.service_id, change.new, self.deadline)
        except CarrierError as error:
            return Placed(self._after(plan, change, plan.standing, error), None, error)
        plan = _quoted(plan, change, quote)
        if plan.to_order is None:
            return Placed(plan, None)  # too dear
        order = self._intent(plan, change, quote)
        with deferred():
            standing = self.ledger.open(plan.circuit, plan.standing, order, change.causes)
            order, failure = self._send(order, plan, quote)
            standing = self.ledger.close(plan.circuit, standing, order)
        return Placed(self._after(plan, change, standing, failure), order, failure, quote)

    def _intent(self, plan: CircuitPlan, change: Change, quote: Quote) -> Order:
        return intent(
            id=os.urandom(8).hex(),
            circuit_key=plan.circuit.key,
            circuit=plan.circuit.name,
            old=change.old,
            quote=quote,
            now=self.ledger.clock(),
            demand=change.demand,
            resends=_resends(plan.standing, change),
            run_id=self.ledger.run_id,
            boot=self.boot(),
            needed_by=change.needed_by,
        )

    def _send(self, order: Order, plan: CircuitPlan, quote: Quote) -> tuple[Order, CarrierError | None]:
        service_id, now = plan.circuit.service_id, self.ledger.clock
        request = OrderRequest(service_id, order.old, order.new, quote, order.external_id, order.note)
        try:
            return answered(order, self.carriers.of(plan.circuit).order(request, self.deadline)), None
        except AnswerLostError as lost:
            return ended(order, Outcome.UNKNOWN, now(), lost.code), lost
        except OrderNotSentError as unsent:
            return ended(order, Outcome.NOT_SENT, now(), unsent.code), unsent
        except OrderRefusedError as refusal:
            return ended(order, Outcome.REFUSED, now(), refusal.code), refusal

    def _after(
        self, plan: CircuitPlan, change: Change, standing: Standing, error: CarrierError | None
    ) -> CircuitPlan:
        """What the next run should know of how this went."""
        if isinstance(error, ChangePendingError):
            standing = replace(standing, reading=self._told_pending(standing))
        elif error is not None and not change.up:
            standing = self._back_off(standing)
        elif error is None and change.up and standing.drift is not None:
            standing = replace(standing, raised_for=change.demand)
        return replace(plan, standing=standing)

    def _told_pending(self, standing: Standing) -> Reading:
        # The carrier has just said that a change is under way, whatever its inventory showed before.
        bandwidth = standing.reading.bandwidth if standing.reading else None
        return Reading(self.ledger.clock(), Status.PENDING, bandwidth, "change pending")

    def _back_off(self, standing: Standing) -> Standing:
        """A lowering that fails is not tried with every run; a raise is, for as long as its event lasts."""
        failures = standing.failures + 1
        wait = min(self.policy.every * 2 ** min(failures, 10), self.policy.min_gap)
        return replace(standing, failures=failures, retry_at=self.ledger.clock() + wait)


def _quoted(plan: CircuitPlan, change: Change, quote: Quote) -> CircuitPlan:
    """`plan` with the quote's price remembered, and `change` held back if that is too dear."""
    if quote.price_per_hour is not None:
        price = QuotedPrice(quote.bandwidth, quote.price_per_hour, quote.currency, quote.at)
        plan = replace(plan, standing=plan.standing.with_quote(price))
    limit, told = ceiling(change, plan.timeline), comparable_price(quote, plan.tariff)
    held = Held(Reason.PRICE) if limit is not None and told is not None and told > limit else None
    return replace(plan, changes=(replace(change, held=held), *plan.changes[1:]))


def _resends(standing: Standing, change: Change) -> int:
    """How often orders for this very demand were lost before."""
    last = standing.recent[-1] if standing.recent else None
    if last is None or last.outcome is not Outcome.LOST:
        return 0
    return last.resends + 1 if (last.new, last.demand) == (change.new, change.demand) else 0
