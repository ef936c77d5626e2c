"""The life of an order, and what a reading makes of it.

    sending --> accepted --> pending --> confirmed
       |            +-----------+--> failed (at rest at a third bandwidth; or seen pending, and back)
       |            +-----------+--> overdue (still open) --> confirmed | failed
       +--> unknown --> accepted (a reading differs) | lost (may be sent again) | confirmed
       +--> refused
       +--> not_sent

A carrier's 2xx means accepted, not done. Confirmed is only what a reading shows.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Quote, Reading, Status
from iodcal.domain.money import check_price
from iodcal.domain.structs import Instant, replace


class Outcome(StrEnum):
    """Where an order stands. The open ones are those that may still change the circuit."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    PENDING = "pending"
    OVERDUE = "overdue"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    FAILED = "failed"
    LOST = "lost"
    NOT_SENT = "not_sent"

    @property
    def open(self) -> bool:
        return self in _OPEN

    @property
    def counts_against_quota(self) -> bool:
        """A carrier may have counted every order that it may have got."""
        return self not in (Outcome.REFUSED, Outcome.NOT_SENT)

    @property
    def never_left(self) -> bool:
        """No carrier can have counted an order that it certainly never got."""
        return self is Outcome.NOT_SENT


_OPEN = frozenset({Outcome.SENDING, Outcome.ACCEPTED, Outcome.PENDING, Outcome.OVERDUE, Outcome.UNKNOWN})
_TAKEN = frozenset({Outcome.ACCEPTED, Outcome.PENDING, Outcome.OVERDUE})
_NEVER_ADOPTED = frozenset({Outcome.CONFIRMED, Outcome.REFUSED, Outcome.NOT_SENT})

MAX_RESENDS = 2
GATEWAY_ANSWERED = "gateway_answered"
"""The reason of an order whose answer was a gateway's own, with a body, such as a 504: nobody knows whether
it was taken, but it did not get lost on the way either."""
ADOPTION_AGE = timedelta(hours=24)
_EXTERNAL_ID_LENGTH = 20  # Lumen's limit, the shortest known; see docs/reference/carriers.md


class Direction(StrEnum):
    UP = "up"
    DOWN = "down"


class BootTime(Struct, frozen=True):
    """A moment on the monotonic clock: seconds since the boot called `boot_id`."""

    boot_id: str = field(name="id")
    seconds: float


class Order(Struct, frozen=True):
    """The write-ahead record of one order. Times are UTC.

    `resends` counts the lost answers before this one; `demand` names what the order is for, so that a
    later run can tell whether it is the same demand. `boot` is `created_at` on the monotonic clock; it
    and `quote_id` are of no more use, and gone, once the order is settled.
    `price_per_hour` and `currency` are the quote's, None where it told no price; `needed_by` is the start of
    the first event that an up is for. `said` is the carrier's own word on it: untrusted.
    """

    id: str
    circuit_key: str
    circuit: str
    old: Bandwidth = field(name="from_mbps")
    new: Bandwidth = field(name="to_mbps")
    created_at: Instant
    outcome: Outcome = Outcome.SENDING
    quote_id: str | None = None
    accepted_at: Instant | None = None
    carrier_order_id: str | None = None
    settled_at: Instant | None = None
    resends: int = 0
    demand: str = ""
    run_id: str = ""
    reason: str = ""
    boot: BootTime | None = None
    price_per_hour: Decimal | None = None
    currency: str | None = None
    needed_by: Instant | None = None
    said: str = ""

    def __post_init__(self) -> None:
        if self.price_per_hour is not None:
            check_price(self.price_per_hour)

    @property
    def lead_left(self) -> timedelta | None:
        """How long before its event a confirmed up was there; less than nothing where it came too late."""
        if self.outcome is not Outcome.CONFIRMED or self.settled_at is None or self.needed_by is None:
            return None
        return self.needed_by - self.settled_at

    @property
    def direction(self) -> Direction:
        return Direction.UP if self.new > self.old else Direction.DOWN

    @property
    def answered(self) -> bool:
        """True if the carrier itself said that it took this order."""
        return self.carrier_order_id is not None or self.accepted_at not in (None, self.created_at)

    @property
    def gives_up(self) -> bool:
        """True if this order was lost and may not be sent yet another time."""
        return self.outcome is Outcome.LOST and self.resends >= MAX_RESENDS

    @property
    def external_id(self) -> str:
        """Our reference at the carrier: at most 20 letters and digits, another for every attempt, and
        derivable from this record, so that portal, mail and log can be matched."""
        digest = hashlib.sha256(f"{self.id}/{self.resends}".encode()).digest()
        return ("io" + base64.b32encode(digest).decode("ascii"))[:_EXTERNAL_ID_LENGTH]

    @property
    def note(self) -> str:
        """The text that goes with the order: no calendar text, only what finds this record again."""
        return f"iodcal {self.circuit} {self.old.mbps}->{self.new.mbps} {self.external_id[-8:]}"


class OrderTimeouts(Struct, frozen=True):
    """How long an accepted order may take, and how long a lost answer keeps its order from being resent;
    `idempotent` is True where the same order twice does no more than once."""

    order_timeout: timedelta
    lost_answer_grace: timedelta
    idempotent: bool = False

    @property
    def resend_grace(self) -> timedelta:
        """How long after it was sent an order without an answer is not sent again: where orders set a value,
        a reading that still shows the old one is enough."""
        return timedelta() if self.idempotent else self.lost_answer_grace


def settle_order(
    order: Order, reading: Reading, order_timeouts: OrderTimeouts, boot: BootTime | None = None
) -> Order:
    """What an open `order` is, now that `reading` was taken, at `boot` on the monotonic clock.
    Settled orders come back as they are."""
    if not order.outcome.open:
        return order
    if reading.shows(order.new):
        return _closed(order, Outcome.CONFIRMED, reading.at)
    if order.outcome in _TAKEN:
        waited = _waited(order, order.accepted_at or order.created_at, reading.at, boot)
        return _settle_taken(order, reading, overdue=waited >= order_timeouts.order_timeout)
    waited = _waited(order, order.created_at, reading.at, boot)
    return _settle_unanswered(order, reading, lost=waited >= order_timeouts.resend_grace)


def _waited(order: Order, since: datetime, at: datetime, boot: BootTime | None) -> timedelta:
    """How long `order` has been waited for. A clock set forward must not make that longer than it was, nor
    one set back keep it from ever ending; so, within one boot, the monotonic clock has its say."""
    by_wall = at - since
    if order.boot is None or boot is None or order.boot.boot_id != boot.boot_id:
        return by_wall
    by_boot = timedelta(seconds=boot.seconds - order.boot.seconds)
    return min(by_wall, by_boot) if by_wall >= timedelta() else by_boot


def _settle_taken(order: Order, reading: Reading, *, overdue: bool) -> Order:
    back = order.outcome is Outcome.PENDING and reading.shows(order.old)
    elsewhere = reading.status is Status.ACTIVE and reading.bandwidth not in (None, order.old)
    if order.answered and (back or elsewhere):
        # Seen under way, and at rest again where it began; or at rest where nobody wanted it: nothing more
        # will come of it. Where the answer was lost, what was seen may have been another change, and ours
        # still to come.
        return _closed(order, Outcome.FAILED, reading.at)
    if overdue and reading.status is Status.ACTIVE:
        # At rest, and not where we asked it to be: the carrier gave the order up, or somebody replaced it.
        return _closed(order, Outcome.FAILED, reading.at)
    if overdue:
        return replace(order, outcome=Outcome.OVERDUE)
    return replace(order, outcome=Outcome.PENDING) if reading.status is Status.PENDING else order


def _settle_unanswered(order: Order, reading: Reading, *, lost: bool) -> Order:
    if not reading.shows(order.old):
        # Something moved, so it may well be our order: from here on it counts as accepted when it was sent.
        outcome = Outcome.PENDING if reading.status is Status.PENDING else Outcome.ACCEPTED
        return replace(order, outcome=outcome, accepted_at=order.created_at)
    if lost and order.reason == GATEWAY_ANSWERED:
        # Somebody answered for the carrier, and nothing came of it: that is no lost answer, of which there
        # may be few, but an order that failed.
        return _closed(order, Outcome.FAILED, reading.at)
    if lost:
        return _closed(order, Outcome.LOST, reading.at)
    return replace(order, outcome=Outcome.UNKNOWN)


def waited_too_long(
    order: Order, now: datetime, order_timeouts: OrderTimeouts, boot: BootTime | None = None
) -> Order:
    """Marks an accepted order overdue by the clock alone, for when no reading could be had."""
    if order.outcome not in _TAKEN or order.accepted_at is None:
        return order
    if _waited(order, order.accepted_at, now, boot) < order_timeouts.order_timeout:
        return order
    return replace(order, outcome=Outcome.OVERDUE)


def adoptable(orders: Iterable[Order], reading: Reading) -> Order | None:
    """The latest own order of the last 24 hours that was neither confirmed nor refused, and whose bandwidth
    `reading` shows."""
    candidates = [
        order
        for order in orders
        if order.outcome not in _NEVER_ADOPTED
        and reading.shows(order.new)
        and reading.at - order.created_at <= ADOPTION_AGE
    ]
    return max(candidates, key=lambda order: order.created_at, default=None)


def make_intent(
    *,
    id: str,  # noqa: A002 - the field's own name
    circuit_key: str,
    circuit: str,
    old: Bandwidth,
    quote: Quote,
    now: datetime,
    demand: str,
    resends: int,
    run_id: str,
    boot: BootTime | None = None,
    needed_by: datetime | None = None,
) -> Order:
    """The record that must be on disk before the order's first byte goes out."""
    return Order(
        id=id,
        circuit_key=circuit_key,
        circuit=circuit,
        old=old,
        new=quote.bandwidth,
        created_at=now,
        quote_id=quote.id,
        demand=demand,
        resends=resends,
        run_id=run_id,
        boot=boot,
        price_per_hour=quote.hourly,
        currency=quote.currency if quote.hourly is not None else None,
        needed_by=needed_by,
    )


def with_answer(order: Order, acceptance: Acceptance) -> Order:
    """The carrier took `order`; that is not yet done. What waits for an approval is under way."""
    return replace(
        order,
        outcome=Outcome.PENDING if acceptance.waits_for else Outcome.ACCEPTED,
        accepted_at=acceptance.at,
        carrier_order_id=acceptance.carrier_order_id,
    )


def with_end(order: Order, outcome: Outcome, now: datetime, reason: str = "", said: str = "") -> Order:
    """`order` came to `outcome` at `now`; `reason` is a stable code, `said` the carrier's own text."""
    if outcome.open:
        return replace(order, outcome=outcome, reason=reason, said=said)
    return replace(_closed(order, outcome, now), reason=reason, said=said)


def _closed(order: Order, outcome: Outcome, at: datetime) -> Order:
    """`order` as it is kept once nothing is waited for any more."""
    return replace(order, outcome=outcome, settled_at=at, quote_id=None, boot=None)


def as_kept_order(order: Order) -> Order:
    """A settled `order` as later runs need it; the history has the rest. What it was for matters only where
    it was lost and may be sent again; how it came about, only where a reading may still show it carried out;
    when it ended, not where that was at once."""
    order = replace(order, quote_id=None, boot=None, said="")
    match order.outcome:
        case Outcome.LOST:
            return order
        case Outcome.CONFIRMED:
            return replace(order, demand="", accepted_at=None, run_id="")
        case Outcome.REFUSED | Outcome.NOT_SENT:
            return replace(order, demand="", settled_at=None)
        case _:
            return replace(order, demand="")
