"""What every carrier must do, whoever wrote it, as tests. Only this module needs pytest.

Give a fixture `harness` that makes a `Harness`: your carrier, in front of a local server of yours. Then
either `pytest -p my_harness --pyargs iodcal.plugins.contract`, where `my_harness` is the module with the
fixture, or subclass `CarrierContract` in a test module beside it. docs/reference/plug-ins.md has an example.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta

import pytest

from iodcal.carriers import Carrier, Listing, Offering, OrderRequest, guard
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Reading, Status
from iodcal.errors import AnswerLostError, CarrierError, ChangePendingError, OrderRefusedError
from iodcal.http import Deadline

_NONSENSE = (
    b"",
    b"[]",
    b"null",
    b"<html>sign in</html>",
    b'{"message": "ok"}',
    b'{"data": []}',
    b"[" * 100_000,
    b"\xff\xfe{",
)


class Harness(ABC):
    """One carrier and its world, in which the circuit `service_id` stands at `bandwidth`, may be ordered at
    `other`, and `unknown_service_id` is nobody's. `secrets` are what must never be seen."""

    carrier: Carrier
    service_id: str
    bandwidth: Bandwidth
    other: Bandwidth
    unknown_service_id: str
    secrets: tuple[str, ...] = ()

    def now(self) -> datetime:
        """The time (UTC) in this world, where it is not ours."""
        return datetime.now(UTC)

    def finish(self) -> None:  # noqa: B027 - a carrier that does at once what it is told has nothing to finish
        """Lets whatever the carrier has accepted be done."""

    @abstractmethod
    def lose_answer(self, *, after_effect: bool) -> None:
        """The answer to the next order is lost, after the carrier carried it out, or before."""

    @abstractmethod
    def refuse(self) -> None:
        """The next order is refused, whatever it is."""

    @abstractmethod
    def orders(self) -> int:
        """How many orders the carrier has taken."""

    def garble(self, body: bytes) -> None:
        """The next readings are answered with 200 and `body`. Not given: nothing of that is tried."""
        raise NotImplementedError


def soon() -> Deadline:
    """Time enough for any call here."""
    return Deadline.after(20)


class CarrierContract:
    """The contract; see the module. A subclass may add tests of its own."""

    def read(self, harness: Harness, service_id: str | None = None) -> Reading:
        """A reading, checked as iodcal itself checks it."""
        return guard.read(harness.carrier, "the carrier", service_id or harness.service_id, soon())

    def request(self, harness: Harness, *, reference: str = "ioCONTRACT1") -> OrderRequest:
        """What an order for `other` is placed with: a quote follows on a reading."""
        self.read(harness)
        quote = guard.quote(harness.carrier, "the carrier", harness.service_id, harness.other, soon())
        note = "iodcal contract test"
        return OrderRequest(
            harness.service_id,
            harness.bandwidth,
            harness.other,
            quote=quote,
            external_id=reference,
            note=note,
        )

    def order(self, harness: Harness, request: OrderRequest) -> Acceptance:
        """Places an order, checked as iodcal itself checks it."""
        return guard.order(harness.carrier, "the carrier", request, soon())

    def shows(self, harness: Harness, bandwidth: Bandwidth) -> bool:
        """True if a reading shows `bandwidth`, active, with nothing pending."""
        return self.read(harness).shows(bandwidth)

    def test_a_reading_says_what_there_is_and_when(self, harness: Harness) -> None:
        reading = self.read(harness)
        found = (reading.status, reading.bandwidth)
        assert found == (Status.ACTIVE, harness.bandwidth), f"the reading is {reading}"
        assert reading.at.utcoffset() == timedelta(), "its time is not in UTC"
        assert abs(reading.at - harness.now()) < timedelta(minutes=1), "its time is not that of the reading"

    def test_reading_and_quoting_change_nothing(self, harness: Harness) -> None:
        for _ in range(3):
            self.request(harness)
        harness.finish()
        assert self.shows(harness, harness.bandwidth), "the bandwidth has changed"
        assert harness.orders() == 0, "something was ordered"

    def test_what_it_lists_and_offers_is_what_it_has(self, harness: Harness) -> None:
        """Of those that can: a carrier may do without."""
        carrier = harness.carrier
        if isinstance(carrier, Listing):
            self.order(harness, self.request(harness))
            harness.finish()
            listed = {one.service_id: one for one in carrier.circuits(soon())}
            assert listed[harness.service_id].bandwidth in (harness.other, None), "it lists another bandwidth"
            assert harness.unknown_service_id not in listed, "it lists what it does not know"
        if isinstance(carrier, Offering):
            self.read(harness)
            offered = carrier.offered(harness.service_id, soon())
            wanted = {harness.bandwidth, harness.other}
            assert offered is None or wanted <= offered, "it does not offer what it sells"

    def test_an_unknown_circuit_is_named_as_such(self, harness: Harness) -> None:
        with pytest.raises(CarrierError) as caught:
            self.read(harness, harness.unknown_service_id)
        assert caught.value.code == "circuit_unknown", f"the error is {caught.value}"

    def test_a_quote_is_for_what_was_asked(self, harness: Harness) -> None:
        quote = self.request(harness).quote
        assert quote.bandwidth == harness.other, f"the quote is {quote}"
        assert quote.id is None or quote.id, "an id that is empty: None says that there is none"

    def test_an_order_is_done_at_once_or_after_a_while(self, harness: Harness) -> None:
        acceptance = self.order(harness, self.request(harness))
        assert acceptance.at.utcoffset() == timedelta(), "its time is not in UTC"
        if acceptance.done:
            assert self.shows(harness, harness.other), "it says done, and a reading does not show it"
        harness.finish()
        assert self.shows(harness, harness.other), "what was ordered is not shown in the end"
        assert harness.orders() == 1, "one order was to be taken"

    def test_a_circuit_can_be_taken_back(self, harness: Harness) -> None:
        self.order(harness, self.request(harness))
        harness.finish()
        self.read(harness)
        quote = guard.quote(harness.carrier, "the carrier", harness.service_id, harness.bandwidth, soon())
        back = OrderRequest(
            harness.service_id,
            harness.other,
            harness.bandwidth,
            quote=quote,
            external_id="ioCONTRACT2",
            note="iodcal contract test",
        )
        self.order(harness, back)
        harness.finish()
        assert self.shows(harness, harness.bandwidth), "it did not come down again"

    def test_a_second_order_while_one_is_pending_means_wait(self, harness: Harness) -> None:
        second = self.request(harness, reference="ioCONTRACT2")
        self.order(harness, self.request(harness))
        if self.read(harness).status is not Status.PENDING:
            return  # it is done already: nothing is pending
        with pytest.raises(ChangePendingError):
            self.order(harness, second)
        assert harness.orders() == 1, "a second order was taken while one was pending"

    @pytest.mark.parametrize("after_effect", [False, True], ids=["before effect", "after effect"])
    def test_a_lost_answer_is_never_taken_for_a_no(self, harness: Harness, after_effect: bool) -> None:  # noqa: FBT001 - pytest gives it by name
        request = self.request(harness)
        harness.lose_answer(after_effect=after_effect)
        with pytest.raises(AnswerLostError):
            self.order(harness, request)
        harness.finish()
        assert harness.orders() == int(after_effect), "an order was sent again, or not at all"
        assert self.shows(harness, harness.other if after_effect else harness.bandwidth), (
            "the circuit differs"
        )

    def test_a_refusal_changes_nothing(self, harness: Harness) -> None:
        request = self.request(harness)
        harness.refuse()
        with pytest.raises(OrderRefusedError) as caught:
            self.order(harness, request)
        assert not isinstance(caught.value, ChangePendingError), "a refusal is no pending change"
        harness.finish()
        assert self.shows(harness, harness.bandwidth), "the bandwidth has changed"

    @pytest.mark.parametrize("body", _NONSENSE, ids=lambda body: repr(body[:20]))
    def test_nonsense_is_an_error_and_no_reading(self, harness: Harness, body: bytes) -> None:
        try:
            harness.garble(body)
        except NotImplementedError:
            pytest.skip("this harness cannot garble")
        with pytest.raises(CarrierError) as caught:
            self.read(harness)
        assert caught.value.code != "plugin_failed", f"it was not told as an answer's fault: {caught.value}"

    def test_its_account_and_its_looks_hold_no_secret(self, harness: Harness) -> None:
        self.request(harness)
        shown = f"{harness.carrier!r} {harness.carrier.account!r} {vars(type(harness.carrier)).keys()}"
        assert not any(secret in shown for secret in harness.secrets), "a secret can be seen"
        assert harness.carrier.account == harness.carrier.account, "its account changes"


class TestCarrier(CarrierContract):
    """The contract itself, for `--pyargs iodcal.plugins.contract`."""
