"""Orders that came to nothing: what later runs must know of them, and how long the next one waits.

What is told and what waits go by different measures: a circuit is in trouble until a reading shows what was
ordered or nothing asks for it any more; the back-off is that of one demand, and a new demand does not wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Change
from iodcal.domain.orders import Direction, Order
from iodcal.domain.structs import Fact, Instant, replace

_LONGEST_WAIT = timedelta(minutes=15)  # of a raise, which an event is waiting for
_MOST_DOUBLINGS = 10
_SAME_KIND = 2  # failures of one kind after which waits begin to grow


class Failure(StrEnum):
    """How an order that was taken came to nothing. A refusal's kind is its error's code."""

    NOT_DONE = "not_done"
    OTHER_BANDWIDTH = "other_bandwidth"


_OF_TAKEN = frozenset(Failure)


class FailedOrders(Struct, frozen=True):
    """The orders of one direction to one bandwidth that came to nothing, until a reading shows that
    bandwidth, or nothing asks for it. Times are UTC.

    `demand` is what the last one was for, `tries` how many of each kind failed for that, `sent` how many of
    them reached the carrier, `last_at` when the last was known to have failed. `failed` counts those that
    were taken and not carried out `since` then; the last such one went up or down from `old`, and left the
    circuit at `shown` where that was neither end of it. `refusal` has the facts of the last refusal, until
    an order is accepted.
    """

    direction: Direction
    new: Bandwidth = field(name="to_mbps")
    demand: str
    last_at: Instant
    tries: Mapping[str, int] = field(default_factory=dict)
    sent: int = 0
    failed: int = 0
    since: Instant | None = None
    old: Bandwidth | None = field(default=None, name="from_mbps")
    shown: Bandwidth | None = field(default=None, name="shown_mbps")
    external_id: str | None = None
    carrier_order_id: str | None = None
    refusal: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def repeated(self) -> bool:
        """True once orders for one demand failed twice in the same way."""
        return max(self.tries.values(), default=0) >= _SAME_KIND

    @property
    def given_up(self) -> bool:
        """True once two orders for one demand left the circuit at another bandwidth than ordered."""
        return self.tries.get(Failure.OTHER_BANDWIDTH, 0) >= _SAME_KIND

    def covers(self, direction: Direction, new: Bandwidth, demand: str) -> bool:
        """True if an order to `new` for `demand` would repeat the last one. A raise with a cause that is new
        is another demand; a lowering is for whatever allows it."""
        if (direction, new) != (self.direction, self.new):
            return False
        return direction is Direction.DOWN or is_part_of(demand, self.demand)

    def retry_at(self, every: timedelta, min_gap: timedelta) -> datetime | None:
        """When the last demand may be ordered for again; None where the next run may. Whole minutes, since
        timers start runs seconds apart."""
        if self.direction is Direction.UP:
            count, doublings = max(self.tries.values(), default=0), -1
            least, longest = _SAME_KIND, _LONGEST_WAIT
        else:
            count, doublings = max((self.tries.get(kind, 0) for kind in Failure), default=0), 0
            least, longest = 1, min_gap
        if count < least:
            return None
        doubled: int = 2 ** min(count + doublings, _MOST_DOUBLINGS)
        wait = min(every * doubled, max(longest, every))
        return self.last_at.replace(second=0, microsecond=0) + wait


def is_part_of(demand: str, whole: str) -> bool:
    """True if every cause that `demand` names, as orders have it, is one of `whole`."""
    # The ids that a `+` joins may hold one, too; their pieces tell them apart all the same.
    return not demand or set(demand.split("+")) <= set(whole.split("+"))


def failed_to(known: Iterable[FailedOrders], direction: Direction, new: Bandwidth) -> FailedOrders | None:
    """What is known of orders of that direction to `new`."""
    return next((one for one in known if (one.direction, one.new) == (direction, new)), None)


def note_failed(
    known: Iterable[FailedOrders], order: Order, shown: Bandwidth | None, at: datetime
) -> tuple[FailedOrders, ...]:
    """`known` once `order` came to nothing: at `at` a reading showed the circuit at rest at `shown`.

    A second order for the same starts from where the first one left the circuit: if it stays there, that is
    no less another bandwidth than ordered.
    """
    last = failed_to(known, order.direction, order.new)
    elsewhere = shown != order.old or (last is not None and last.shown == shown)
    kind = Failure.OTHER_BANDWIDTH if elsewhere else Failure.NOT_DONE
    tried = _tried(
        last,
        direction=order.direction,
        new=order.new,
        demand=order.demand,
        kind=kind,
        at=at,
        sent=True,
    )
    noted = replace(
        tried,
        failed=tried.failed + 1,
        since=tried.since or at,
        old=order.old,
        shown=shown if elsewhere else None,
        external_id=order.external_id,
        carrier_order_id=order.carrier_order_id,
    )
    return _with(known, noted, kind)


def note_refused(
    known: Iterable[FailedOrders],
    change: Change,
    kind: str | None,
    facts: Mapping[str, Fact],
    at: datetime,
    *,
    sent: bool,
) -> tuple[FailedOrders, ...]:
    """`known` once nothing was ordered for `change` at `at`. `kind` is None where the carrier did not say no,
    so that there is no reason to wait; `facts` are what is told of it; an order that was `sent` may count."""
    last = failed_to(known, change.direction, change.new)
    tried = _tried(
        last,
        direction=change.direction,
        new=change.new,
        demand=change.demand,
        kind=kind,
        at=at,
        sent=sent,
    )
    return _with(known, replace(tried, refusal=dict(facts)), kind)


def note_accepted(known: Iterable[FailedOrders], change: Change) -> tuple[FailedOrders, ...]:
    """`known` once an order for `change` was accepted: no refusal of one like it stands any more."""
    last = failed_to(known, change.direction, change.new)
    if last is None:
        return tuple(known)
    tries = {kind: count for kind, count in last.tries.items() if kind in _OF_TAKEN}
    others = tuple(one for one in known if one is not last)
    return (*others, replace(last, tries=tries, refusal={})) if last.failed else others


def still_failed(
    known: Iterable[FailedOrders], direction: Direction, confirmed: Bandwidth
) -> tuple[FailedOrders, ...]:
    """`known` without what an order of that direction which was `confirmed` has reached."""
    up = direction is Direction.UP
    return tuple(
        one
        for one in known
        if one.direction is not direction or (one.new > confirmed if up else one.new < confirmed)
    )


def still_needed(
    known: Iterable[FailedOrders], running: Bandwidth, target: Bandwidth
) -> tuple[FailedOrders, ...]:
    """`known` without what nothing asks for any more, where `target` is asked for of a circuit `running` at
    another bandwidth."""
    return tuple(
        one
        for one in known
        if (running < one.new <= target if one.direction is Direction.UP else target <= one.new < running)
    )


def _tried(
    last: FailedOrders | None,
    *,
    direction: Direction,
    new: Bandwidth,
    demand: str,
    kind: str | None,
    at: datetime,
    sent: bool,
) -> FailedOrders:
    """What is known of such orders once another one for `demand` has failed."""
    if last is None:
        last = FailedOrders(direction, new, demand, at)
    again = last.covers(direction, new, demand)
    tries, before = (dict(last.tries), last.sent) if again else ({}, 0)
    if kind is not None:
        tries[kind] = tries.get(kind, 0) + 1
    asked = last.demand if again else demand
    return replace(last, demand=asked, last_at=at, tries=tries, sent=before + sent)


def _with(known: Iterable[FailedOrders], noted: FailedOrders, kind: str | None) -> tuple[FailedOrders, ...]:
    """`known` with what was `noted`. A raise that the quota put higher, so as to serve a later event as well,
    was one for the lower level, too."""
    others = []
    for one in known:
        if (one.direction, one.new) == (noted.direction, noted.new):
            continue
        up = noted.direction is one.direction is Direction.UP
        if up and one.new < noted.new and is_part_of(one.demand, noted.demand):
            tries = {**one.tries, kind: one.tries.get(kind, 0) + 1} if kind is not None else one.tries
            one = replace(one, tries=tries, last_at=noted.last_at)
        others.append(one)
    return (*others, noted)
