"""What a carrier may say beside yes and no: done already, not now, never, wait for somebody; and setting a
value twice."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from iodcal.carriers import OrderRequest
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, ChangeLimit, Quote, Reading, Status
from iodcal.domain.structs import replace
from iodcal.errors import AnswerLostError, NotNowError, RefusedForGoodError
from iodcal.http import Deadline
from tests.machine.world import LOW, MIDDLE, Company, MemoryCarrier, minutes
from tests.orders.runs import Office, at, held, kinds, outcomes


@dataclass
class PromptCarrier(MemoryCarrier):
    """Sets a value at once. `says` is what it says to the next order; `lies` keeps it from doing it, `asks`
    is who has to approve."""

    says: Exception | None = None
    lies: bool = False
    asks: str = ""

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:
        self._called(f"order {request.service_id} {request.new.mbps}", deadline)
        said, self.says = self.says, None
        if said is not None:
            raise said
        line = self.lines[request.service_id]
        if self.asks:
            line.target = request.new.mbps
            return Acceptance(self.now, waits_for=self.asks)
        if not self.lies:
            line.bandwidth = request.new.mbps
        return Acceptance(self.now, done=True)

    def quote(self, service_id: str, bandwidth: Bandwidth, deadline: Deadline) -> Quote:
        self._called(f"quote {service_id} {bandwidth.mbps}", deadline)
        return Quote(None, bandwidth, self.now, price_per_month=Decimal(730))

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        reading = super().read(service_id, deadline)
        return replace(reading, waits_for=self.asks) if reading.status is Status.PENDING else reading


def prompt(**special: Any) -> tuple[Office, PromptCarrier]:
    carrier = PromptCarrier()
    office = Office(Company(carrier=carrier, names={"a": "den-a"}, special={"a": special}))
    office.meets("call", 30, 60)
    return office, carrier


def test_what_is_done_at_once_is_confirmed_by_a_reading_in_the_same_run() -> None:
    office, carrier = prompt()
    report = office.run(28)
    assert outcomes(report) == [("den-a", "confirmed")]
    assert [call for call in carrier.calls if call.startswith(("read", "order"))] == [
        "read a",
        "order a 500",
        "read a",
    ]
    assert (office.circuit_state().confirmed, office.circuit_state().order) == (Bandwidth(MIDDLE), None)
    assert kinds(report) == set()


def test_done_is_believed_of_no_carrier_whose_reading_does_not_show_it() -> None:
    office, carrier = prompt()
    carrier.lies = True
    report = office.run(28)
    assert outcomes(report) == [("den-a", "accepted")]
    assert kinds(report) == {"event_at_risk"}


def test_not_now_is_heard_for_as_long_as_the_carrier_says() -> None:
    office, carrier = prompt()
    carrier.says = NotNowError("not_now", wait=600.0, status=429, message="later")
    office.run(0)
    assert held(office.run(5)) == {"den-a": "not_now"}
    assert office.circuit_state().not_before == at(10)
    assert outcomes(office.run(10)) == [("den-a", "confirmed")]


@pytest.mark.parametrize("wait", [None, float("nan"), "soon"])
def test_not_now_without_a_sensible_time_means_the_next_run(wait: Any) -> None:
    office, carrier = prompt()
    carrier.says = NotNowError("not_now", wait=wait, status=429, message="later")
    office.run(0)
    assert outcomes(office.run(5)) == [("den-a", "confirmed")]


def test_what_is_refused_for_good_is_not_tried_again_and_stays_told() -> None:
    office, carrier = prompt()
    carrier.says = RefusedForGoodError("refused", status=403, message="the term forbids it")
    assert "order_refused" in kinds(office.run(0))
    calls = len(carrier.calls)
    report = office.run(5)
    assert held(report) == {"den-a": "refused"}
    assert {"order_refused", "event_at_risk"} <= kinds(report)
    assert not any(call.startswith("order") for call in carrier.calls[calls:])


def test_an_order_that_waits_for_an_approval_is_told_and_not_counted_on() -> None:
    office, carrier = prompt()
    carrier.asks = "the provider"
    first = office.run(0)
    assert {"approval", "event_at_risk"} <= kinds(first)
    assert {"approval", "event_at_risk"} <= kinds(office.run(5))
    carrier.asks = ""
    carrier.lines["a"].bandwidth, carrier.lines["a"].target = MIDDLE, None
    assert kinds(office.run(10)) == set()


def test_after_a_lost_answer_a_value_is_set_again_once_a_reading_shows_the_old_one() -> None:
    office, carrier = prompt(idempotent=True)
    carrier.says = AnswerLostError("answer_lost", reason="gone")
    office.run(0)
    assert outcomes(office.run(5)) == [("den-a", "lost"), ("den-a", "confirmed")]


def test_without_that_a_lost_answer_keeps_its_grace() -> None:
    office, carrier = prompt()
    carrier.says = AnswerLostError("answer_lost", reason="gone")
    office.run(0)
    assert outcomes(office.run(5)) == []
    assert carrier.lines["a"].bandwidth == LOW


def test_a_circuits_own_limit_is_counted_and_kept() -> None:
    office, carrier = prompt(limits=(ChangeLimit(1, minutes(40)),))
    office.run(0)
    assert office.circuit_state().changed_at == (at(0),)
    office.in_the_portal(LOW)
    assert held(office.run(27)) == {"den-a": "not_now"}
    assert carrier.lines["a"].bandwidth == LOW
