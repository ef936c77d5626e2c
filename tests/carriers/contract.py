"""What every carrier must do, whoever wrote it.

To try a carrier of your own, subclass `CarrierContract` in a test module and give it a fixture `harness`:
the carrier in a world of its own in which a circuit stands at `bandwidth`, time can be moved, and the
faults that every carrier meets can be brought about.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta

import pytest

from iodcal.carriers import Carrier, Listing, Offering, OrderRequest
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Status
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    OrderRefusedError,
)
from iodcal.http import Deadline


class Harness(ABC):
    """One carrier and its world. A change takes `provisioning`."""

    carrier: Carrier
    service_id: str
    bandwidth: Bandwidth
    other: Bandwidth
    unknown_service_id: str
    provisioning: timedelta
    secrets: tuple[str, ...] = ()

    @abstractmethod
    def now(self) -> datetime: ...

    @abstractmethod
    def advance(self, length: timedelta) -> None: ...

    @abstractmethod
    def lose_answer(self, *, after_effect: bool) -> None:
        """The next order's answer is lost."""

    @abstractmethod
    def refuse(self) -> None:
        """The next order is refused, whatever it is."""

    @abstractmethod
    def orders(self) -> int:
        """How many orders the carrier has taken."""


def soon() -> Deadline:
    return Deadline.after(20)


class CarrierContract:
    """The contract; see the module."""

    def request(self, harness: Harness, *, reference: str = "ioCONTRACT1") -> OrderRequest:
        harness.carrier.read(harness.service_id, soon())
        quote = harness.carrier.quote(harness.service_id, harness.other, soon())
        note = "iodcal contract test"
        return OrderRequest(harness.service_id, harness.bandwidth, harness.other, quote, reference, note)

    def shows(self, harness: Harness, bandwidth: Bandwidth) -> bool:
        return harness.carrier.read(harness.service_id, soon()).shows(bandwidth)

    def test_a_reading_says_what_there_is_and_when(self, harness: Harness) -> None:
        reading = harness.carrier.read(harness.service_id, soon())
        assert (reading.status, reading.bandwidth) == (Status.ACTIVE, harness.bandwidth)
        assert reading.at.tzinfo is UTC
        assert abs(reading.at - harness.now()) < timedelta(minutes=1)

    def test_reading_and_quoting_change_nothing(self, harness: Harness) -> None:
        for _ in range(3):
            self.request(harness)
        harness.advance(harness.provisioning)
        assert self.shows(harness, harness.bandwidth)
        assert harness.orders() == 0

    def test_what_it_lists_and_offers_is_what_it_has(self, harness: Harness) -> None:
        """Of those that can: a carrier may do without."""
        carrier = harness.carrier
        if isinstance(carrier, Listing):
            harness.carrier.order(self.request(harness), soon())
            harness.advance(harness.provisioning)
            listed = {one.service_id: one for one in carrier.circuits(soon())}
            assert listed[harness.service_id].bandwidth == harness.other
            assert harness.unknown_service_id not in listed
        if isinstance(carrier, Offering):
            carrier.read(harness.service_id, soon())
            offered = carrier.offered(harness.service_id, soon())
            assert offered is None or {harness.bandwidth, harness.other} <= offered

    def test_an_unknown_circuit_is_named_as_such(self, harness: Harness) -> None:
        with pytest.raises(CarrierError) as caught:
            harness.carrier.read(harness.unknown_service_id, soon())
        assert caught.value.code == "circuit_unknown"

    def test_a_quote_is_for_what_was_asked(self, harness: Harness) -> None:
        harness.carrier.read(harness.service_id, soon())
        quote = harness.carrier.quote(harness.service_id, harness.other, soon())
        assert quote.bandwidth == harness.other
        assert quote.id

    def test_an_order_is_accepted_then_pending_then_active(self, harness: Harness) -> None:
        acceptance = harness.carrier.order(self.request(harness), soon())
        assert acceptance.at.tzinfo is UTC
        assert harness.carrier.read(harness.service_id, soon()).status is Status.PENDING
        harness.advance(harness.provisioning)
        assert self.shows(harness, harness.other)
        assert harness.orders() == 1

    def test_a_second_order_while_one_is_pending_means_wait(self, harness: Harness) -> None:
        second = self.request(harness, reference="ioCONTRACT2")
        harness.carrier.order(self.request(harness), soon())
        with pytest.raises(ChangePendingError):
            harness.carrier.order(second, soon())
        assert harness.orders() == 1

    @pytest.mark.parametrize("after_effect", [False, True], ids=["before effect", "after effect"])
    def test_a_lost_answer_is_never_taken_for_a_no(self, harness: Harness, after_effect: bool) -> None:
        request = self.request(harness)
        harness.lose_answer(after_effect=after_effect)
        with pytest.raises(AnswerLostError):
            harness.carrier.order(request, soon())
        harness.advance(harness.provisioning)
        assert harness.orders() == int(after_effect)
        assert self.shows(harness, harness.other if after_effect else harness.bandwidth)

    def test_a_refusal_changes_nothing(self, harness: Harness) -> None:
        request = self.request(harness)
        harness.refuse()
        with pytest.raises(OrderRefusedError) as caught:
            harness.carrier.order(request, soon())
        assert not isinstance(caught.value, ChangePendingError)
        harness.advance(harness.provisioning)
        assert self.shows(harness, harness.bandwidth)

    def test_its_account_and_its_looks_hold_no_secret(self, harness: Harness) -> None:
        self.request(harness)
        shown = f"{harness.carrier!r} {harness.carrier.account!r} {vars(type(harness.carrier)).keys()}"
        assert not any(secret in shown for secret in harness.secrets)
        assert harness.carrier.account == harness.carrier.account
