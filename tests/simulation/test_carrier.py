"""The sandbox at virtual time: every fault that can be injected, and the record that tells what it did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iodcal.carriers import CarrierContext, OrderRequest
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Account, Reading, Status
from iodcal.domain.orders import OrderTimeouts
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    OrderNotSentError,
    OrderRefusedError,
    QuotaExceededError,
)
from iodcal.http import Deadline
from iodcal.simulation.carrier import MemoryShelf, VirtualCarrier, VirtualCarrierPlugin, virtual_carrier
from iodcal.simulation.environment import VirtualClock
from iodcal.simulation.faults import NO_FAULTS, FaultInjector, FaultKind

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
LOW, HIGH = Bandwidth(100), Bandwidth(1000)
SOON = Deadline(float("inf"))
PATIENCE = OrderTimeouts(timedelta(minutes=20), timedelta(minutes=15))
ACCOUNT = Account("sandbox", "memory:", "1")


@dataclass
class Fated(FaultInjector):
    """A chance that has `next` happen, once."""

    next: FaultKind | None = None

    def draw(self, kinds: tuple[FaultKind, ...]) -> FaultKind | None:
        if self.next not in kinds:
            return None
        kind, self.next = self.next, None
        return kind


@dataclass
class Lab:
    clock: VirtualClock
    chance: Fated
    carrier: VirtualCarrier

    def later(self, minutes: float) -> None:
        self.clock.now += timedelta(minutes=minutes)

    def order(self, new: Bandwidth = HIGH, fault: FaultKind | None = None) -> None:
        quote = self.carrier.quote("1", new, SOON)
        self.chance.next = fault
        self.carrier.order(OrderRequest("1", LOW, new, quote, "io1", ""), SOON)

    def read(self, fault: FaultKind | None = None) -> Reading:
        self.chance.next = fault
        return self.carrier.read("1", SOON)


@pytest.fixture
def lab() -> Lab:
    clock, chance = VirtualClock(START), Fated(NO_FAULTS, "lab")
    shelf = MemoryShelf({"1": LOW, "2": LOW})
    return Lab(
        clock,
        chance,
        virtual_carrier(
            ACCOUNT,
            shelf,
            clock=clock,
            provisioning=timedelta(minutes=10),
            changes_per_day=3,
            chance=chance,
            order_timeouts=PATIENCE,
        ),
    )


def test_an_order_is_taken_pending_and_then_active(lab: Lab) -> None:
    lab.order()
    assert lab.read().status is Status.PENDING
    lab.later(10)
    assert lab.read().shows(HIGH)
    (taken,) = lab.carrier.taken
    assert (taken.accepted_at, taken.active_at) == (START, START + timedelta(minutes=10))
    assert (taken.old, taken.new, taken.double) == (LOW, HIGH, False)


def test_what_is_ordered_while_a_change_is_pending_is_refused(lab: Lab) -> None:
    lab.order()
    with pytest.raises(ChangePendingError):
        lab.order()
    assert len(lab.carrier.taken) == 1


def test_an_order_for_what_is_already_so_is_a_double_one(lab: Lab) -> None:
    lab.order()
    lab.later(20)
    lab.order()
    assert [taken.double for taken in lab.carrier.taken] == [False, True]


def test_the_quota_holds_for_the_account(lab: Lab) -> None:
    for level in (HIGH, LOW, HIGH):
        lab.order(level)
        lab.later(20)
    with pytest.raises(QuotaExceededError):
        lab.order(LOW)


@pytest.mark.parametrize(
    ("fault", "error", "taken"),
    [
        (FaultKind.REFUSED, OrderRefusedError, 0),
        (FaultKind.NOT_SENT, OrderNotSentError, 0),
        (FaultKind.LOST_BEFORE, AnswerLostError, 0),
        (FaultKind.LOST_AFTER, AnswerLostError, 1),
    ],
)
def test_orders_that_fail(lab: Lab, fault: FaultKind, error: type[CarrierError], taken: int) -> None:
    with pytest.raises(error):
        lab.order(fault=fault)
    assert len(lab.carrier.taken) == taken
    assert [one.kind for one in lab.chance.injected] == [fault]
    lab.later(20)
    assert lab.read().shows(HIGH if taken else LOW)
    lab.order(LOW if taken else HIGH)  # the fault was for one call


def test_a_lost_order_holds_everybody_up_for_its_grace(lab: Lab) -> None:
    with pytest.raises(AnswerLostError):
        lab.order(fault=FaultKind.LOST_BEFORE)
    assert lab.chance.injected[0].until == START + PATIENCE.lost_answer_grace


def test_an_accepted_order_may_come_to_nothing(lab: Lab) -> None:
    lab.order(fault=FaultKind.VOID)
    lab.later(30)
    assert (lab.read().shows(LOW), lab.carrier.taken) == (True, [])
    assert lab.chance.injected[0].until == START + PATIENCE.order_timeout


def test_an_order_may_be_pending_for_long(lab: Lab) -> None:
    lab.order(fault=FaultKind.PENDING_LONG)
    (taken,), (injected,) = lab.carrier.taken, lab.chance.injected
    assert taken.active_at - timedelta(minutes=10) == injected.until > START
    assert lab.carrier.sandbox.provisioning == timedelta(minutes=10)


def test_readings_fail_or_show_the_past(lab: Lab) -> None:
    with pytest.raises(CarrierError):
        lab.read(FaultKind.CARRIER_UNREADABLE)
    lab.order()
    lab.later(11)
    seen = set()
    for _ in range(50):
        reading = lab.read(FaultKind.STALE_READING)
        assert reading.at == lab.clock.now
        seen.add((reading.status, reading.bandwidth))
    assert seen == {(Status.ACTIVE, LOW), (Status.PENDING, LOW), (Status.ACTIVE, HIGH)}


def test_a_quote_may_not_be_had(lab: Lab) -> None:
    lab.chance.next = FaultKind.NO_QUOTE
    with pytest.raises(CarrierError):
        lab.carrier.quote("1", HIGH, SOON)


def test_the_plugin_hands_out_the_one_carrier(lab: Lab) -> None:
    plugin = VirtualCarrierPlugin(lab.carrier)
    context = CarrierContext(Path(), lab.clock, timedelta(minutes=10), None)
    assert plugin.account(None, context) == ACCOUNT
    assert plugin.create(None, context) is lab.carrier
    assert not plugin.is_test(None)
