"""Lumen Ethernet Fabric Connect: the contract over a real socket, and what only it does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from iodcal.carriers import Advising, Carrier, CarrierContext, Listing, Offering, OrderRequest
from iodcal.carriers.lumen import efc_plugin
from iodcal.carriers.lumen.plugin import LumenEfcOptions
from iodcal.config.parse import section_of
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Status
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    NotNowError,
    OrderNotSentError,
    OrderRefusedError,
    RefusedForGoodError,
)
from iodcal.plugins.contract import CarrierContract, Harness, soon
from tests.carriers.test_lumen import make_carrier
from tests.servers.lumen import (
    CUSTOMER,
    HTML_503,
    KEY,
    SECRET,
    TOKEN,
    FakeCircuit,
    Fault,
    LumenServer,
    after,
    instead,
    lost_after,
    lost_before,
)
from tests.servers.lumen_efc import (
    CHANGE,
    LIST,
    NOT_IN_KEY,
    OFFERS,
    READ,
    EfcServer,
    FakeConnection,
    problem,
)
from tests.servers.tls import Reply

ID, AZURE, AWS = (f"{number}0000000-0000-4000-8000-000000000001" for number in (1, 2, 3))
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


class EfcHarness(Harness):
    service_id = ID
    bandwidth = Bandwidth(100)
    other = Bandwidth(500)
    unknown_service_id = "90000000-0000-4000-8000-000000000009"
    secrets = (SECRET,)

    def __init__(self, lumen: LumenServer, folder: Path, **options: Any) -> None:
        self.lumen = lumen
        self.time = START
        lumen.now = self.now
        self.server = EfcServer(lumen)
        self.server.connections.update(
            {
                ID: FakeConnection(),
                AZURE: FakeConnection(kind="mcgw.azure-gov"),
                AWS: FakeConnection(kind="port.aws"),
            }
        )
        given = {
            "environment": "production",
            "base_url": lumen.base_url,
            "customer_number": CUSTOMER,
            "client_id": KEY,
            "client_secret": SECRET,
            **options,
        }
        context = CarrierContext(folder, self.now)
        self.carrier: Carrier = efc_plugin.create(section_of(LumenEfcOptions, given), context)

    def now(self) -> datetime:
        return self.time

    def finish(self) -> None:
        self.time += self.server.provisioning

    def lose_answer(self, *, after_effect: bool) -> None:
        self.server.script(CHANGE, lost_after if after_effect else lost_before)

    def refuse(self) -> None:
        self.server.script(CHANGE, instead(problem(422, "Unprocessable", "Not on this port")))

    def orders(self) -> int:
        return sum(len(one.changes) for one in self.server.connections.values())

    def garble(self, body: bytes) -> None:
        self.server.script(READ, *[instead(Reply(200, body, {"Content-Type": "application/json"}))] * 4)

    def request(self, service_id: str = ID, mbps: int = 500) -> OrderRequest:
        before = self.carrier.read(service_id, soon()).bandwidth
        assert before is not None
        new = Bandwidth(mbps)
        quote = self.carrier.quote(service_id, new, soon())
        return OrderRequest(service_id, before, new, quote=quote, external_id="io2345", note="a note")


@pytest.fixture
def lumen(monkeypatch: pytest.MonkeyPatch) -> Iterator[LumenServer]:
    monkeypatch.setattr("iodcal.http.session.sleep", lambda _: None)
    with LumenServer() as running:
        yield running


@pytest.fixture
def harness(lumen: LumenServer, tmp_path: Path) -> EfcHarness:
    return EfcHarness(lumen, tmp_path)


class TestLumenEfc(CarrierContract):
    def test_a_change_costs_one_call_of_each_kind(self, harness: EfcHarness) -> None:
        harness.carrier.order(harness.request(), soon())
        assert harness.server.calls == {READ: 1, OFFERS: 1, CHANGE: 1}
        assert harness.lumen.calls == {TOKEN: 1}
        (sent,) = [one for one in harness.server.requests if one.method == "PATCH"]
        assert sent.body == b'{"bandwidth": 500}'

    def test_one_login_serves_both_products(self, harness: EfcHarness, tmp_path: Path) -> None:
        harness.lumen.circuits["77000000001"] = FakeCircuit(partner="43558")
        other = make_carrier(harness.lumen.base_url, tmp_path, harness.now)
        harness.carrier.read(ID, soon())
        other.read("77000000001", soon())
        assert harness.lumen.calls[TOKEN] == 1
        assert harness.carrier.account == other.account
        harness.lumen.forget_tokens()
        assert harness.carrier.read(ID, soon()).shows(Bandwidth(100))
        assert harness.lumen.calls[TOKEN] == 2

    def test_a_change_that_is_done_at_once_says_so(self, harness: EfcHarness) -> None:
        harness.server.provisioning = timedelta()
        assert harness.carrier.order(harness.request(), soon()).done
        harness.server.provisioning = timedelta(minutes=7)
        assert not harness.carrier.order(harness.request(mbps=1000), soon()).done

    @pytest.mark.parametrize("early", [False, True], ids=["old", "new"])
    def test_whatever_bandwidth_it_shows_meanwhile_it_is_pending(
        self, harness: EfcHarness, *, early: bool
    ) -> None:
        harness.server.shows_new_early = early
        harness.carrier.order(harness.request(), soon())
        assert harness.carrier.read(ID, soon()).status is Status.PENDING

    @pytest.mark.parametrize("status", [409, 422])
    def test_busy_is_known_by_either_status(self, harness: EfcHarness, status: int) -> None:
        harness.server.busy_status = status
        second = harness.request()
        harness.carrier.order(harness.request(), soon())
        with pytest.raises(ChangePendingError):
            harness.carrier.order(second, soon())

    @pytest.mark.parametrize(
        ("state", "status"),
        [
            ("active", Status.ACTIVE),
            ("Active", Status.ACTIVE),
            *((word, Status.PENDING) for word in ("updating", "provisioning", "resetting")),
            *((word, Status.UNKNOWN) for word in ("disabled", "deleting", "resting")),
        ],
    )
    def test_states(self, harness: EfcHarness, state: str, status: Status) -> None:
        harness.server.connections[ID].state = state
        assert harness.carrier.read(ID, soon()).status is status

    def test_the_type_says_where_it_is_changed(self, harness: EfcHarness) -> None:
        harness.server.type_field = "connection_type"  # as a simulator has it
        harness.carrier.order(harness.request(AZURE), soon())
        assert harness.server.connections[AZURE].changes == [500]
        with pytest.raises(RefusedForGoodError) as caught:
            harness.request(AWS)
        assert caught.value.code == "bandwidth_fixed"
        assert harness.server.calls[CHANGE] == 1

    def test_it_lists_what_can_be_changed_to_the_end(self, harness: EfcHarness) -> None:
        more = {f"40000000-0000-4000-8000-{number:012}": FakeConnection() for number in range(120)}
        harness.server.connections.update(more)
        assert isinstance(harness.carrier, Listing)
        listed = [one.service_id for one in harness.carrier.circuits(soon())]
        assert listed == sorted({ID, AZURE, *more})
        assert harness.server.calls[LIST] == 2

    def test_prices_are_the_dearest_of_what_may_be_meant(
        self, harness: EfcHarness, lumen: LumenServer
    ) -> None:
        options = (("metro", "basic", "1.00"), ("longhaul", "basic", "3.00"), ("metro", "dedicated", "9.00"))
        harness.server.connections[ID].options = options
        assert harness.request().quote.price_per_hour == Decimal("15.000000")
        named = EfcHarness(lumen, Path(), category={ID: "Metro"})
        named.server.connections[ID].options = options
        assert named.request().quote.price_per_hour == Decimal("5.000000")
        named.server.connections[ID].term = "Monthly"
        quote = named.request().quote
        assert (quote.price_per_hour, quote.price_per_month) == (None, Decimal("3000.000000"))
        assert isinstance(named.carrier, Advising)
        assert any("Monthly" in one for one in named.carrier.warnings(ID, soon()))
        assert any("port.aws" in one for one in named.carrier.warnings(AWS, soon()))

    def test_a_lowering_needs_no_price(self, harness: EfcHarness) -> None:
        harness.server.connections[ID].bandwidth = 1000
        harness.server.script(OFFERS, *[instead(HTML_503)] * 5)
        assert harness.request(mbps=100).quote.price_per_hour is None
        harness.server.script(OFFERS, *[instead(HTML_503)] * 5)
        with pytest.raises(CarrierError):
            harness.request(mbps=2000)

    def test_what_is_not_sold_is_refused(self, harness: EfcHarness) -> None:
        assert isinstance(harness.carrier, Offering)
        assert Bandwidth(100_000) in (harness.carrier.offered(ID, soon()) or ())
        with pytest.raises(OrderRefusedError) as caught:
            harness.request(mbps=700)
        assert caught.value.code == "tier_not_sold"

    @pytest.mark.parametrize(
        "fault",
        [
            after(HTML_503),
            after(Reply(200, b"<html>ok</html>", {"Content-Type": "text/html"})),
            after(Reply.of({"message": "ok"})),
            after(Reply.of({"data": []}, 207)),
            after(
                Reply.of({"connection_id": AZURE, "state": "active", "type": "port.port", "bandwidth": 500})
            ),
            *(after(problem(status, "?")) for status in (408, 425, 500, 502, 504)),
        ],
        ids=["503", "html", "no connection", "207", "another's", "408", "425", "500", "502", "504"],
    )
    def test_an_unclear_answer_is_lost_and_not_repeated(self, harness: EfcHarness, fault: Fault) -> None:
        request = harness.request()
        harness.server.script(CHANGE, fault)
        with pytest.raises(AnswerLostError):
            harness.carrier.order(request, soon())
        assert harness.server.calls[CHANGE] == 1

    @pytest.mark.parametrize(
        ("reply", "words"),
        [
            (problem(422, "Unprocessable", "Too fast"), "Unprocessable: Too fast"),
            (
                problem(400, "Bad", "No", errors=[{"detail": "not 7", "pointer": "/bandwidth", "code": 3}]),
                "Bad: No (not 7, /bandwidth)",
            ),
            (problem(400, "Bad", "No", errors=["x", 7]), "Bad: No"),
            (problem(400, "Bad", "No", errors={"detail": 1}), "Bad: No"),
            (Reply.of({"type": "about:blank"}, 403), "no text"),
            (Reply.of([], 404), "no text"),
            (Reply(400, b"<html>no</html>", {"Content-Type": "text/html"}), "<html>no</html>"),
            (NOT_IN_KEY, "Invalid API call as no apiproduct match found"),
            (Reply.of({"connection_id": ID, "state": "rejected", "detail": "no"}), "no"),
        ],
    )
    def test_a_refusal_is_told_in_the_carriers_words(
        self, harness: EfcHarness, reply: Reply, words: str
    ) -> None:
        request = harness.request()
        harness.server.script(CHANGE, *[instead(reply)] * 2)
        with pytest.raises(OrderRefusedError) as caught:
            harness.carrier.order(request, soon())
        assert caught.value.facts["message"] == words

    def test_throttled_is_not_now(self, harness: EfcHarness) -> None:
        request = harness.request()
        slow = Reply.of({"fault": {"faultstring": "Rate limit"}}, 429, Retry_After="30")
        harness.server.script(CHANGE, instead(slow))
        with pytest.raises(NotNowError):
            harness.carrier.order(request, soon())

    def test_an_order_without_a_reading_is_not_sent(self, harness: EfcHarness, lumen: LumenServer) -> None:
        request = harness.request()
        fresh = EfcHarness(lumen, Path())
        with pytest.raises(OrderNotSentError):
            fresh.carrier.order(request, soon())

    def test_a_key_without_the_product_is_named(self, harness: EfcHarness) -> None:
        harness.server.script(READ, *[instead(NOT_IN_KEY)] * 2)
        with pytest.raises(CarrierError) as caught:
            harness.carrier.read(ID, soon())
        assert caught.value.code == "login_refused"
        assert "apiproduct" in str(caught.value.facts["message"])

    @pytest.mark.parametrize(
        ("change", "what"),
        [
            ({"state": None}, "state in the reading of"),
            ({"state": 7}, "state in the reading of"),
            ({"bandwidth": "100"}, "bandwidth in the reading of"),
            ({"bandwidth": 0}, "bandwidth in the reading of"),
            ({"bandwidth": True}, "bandwidth in the reading of"),
            ({"type": None}, "type in the reading of"),
            ({"connection_type": "port.gcp"}, "type and connection_type in the reading of"),
            ({"connection_id": AZURE}, "connection_id in the reading of"),
            ({"term": 5}, "term in the reading of"),
        ],
    )
    def test_nonsense_is_named_by_field_and_answer(
        self, harness: EfcHarness, change: dict[str, object], what: str
    ) -> None:
        harness.server.script(READ, lambda answer: Reply.of({**answer().document, **change}))
        with pytest.raises(CarrierError) as caught:
            harness.carrier.read(ID, soon())
        assert caught.value.code == "answer_wrong"
        assert what in str(caught.value.facts["what"])

    @pytest.mark.parametrize(
        "document",
        [
            {},
            [7],
            [{"bandwidth": 500}],
            [{"bandwidth": 500, "options": [{"price_hourly": "free"}]}],
            [{"bandwidth": 500, "options": [{"price_hourly": "-1"}]}],
            [{"bandwidth": "500", "options": [{"price_hourly": "1"}]}],
        ],
    )
    def test_an_offer_that_makes_no_sense_stops_even_a_lowering(
        self, harness: EfcHarness, document: object
    ) -> None:
        harness.server.connections[ID].bandwidth = 1000
        harness.server.script(OFFERS, instead(Reply.of(document)))
        with pytest.raises(CarrierError) as caught:
            harness.request()
        assert caught.value.code == "answer_wrong"
        assert "the bandwidths of" in str(caught.value.facts["what"])
