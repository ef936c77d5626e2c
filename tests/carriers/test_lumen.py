"""Lumen: the contract over a real socket, and what only Lumen does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from iodcal.carriers import Carrier, CarrierContext, ListedCircuit, Listing, Offering, OrderRequest
from iodcal.carriers.lumen import plugin
from iodcal.carriers.lumen.bodies import read_quote
from iodcal.carriers.lumen.client import Lumen
from iodcal.carriers.lumen.plugin import LumenOptions
from iodcal.config.parse import section_of
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Quote, Status
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    NotNowError,
    OrderNotSentError,
    OrderRefusedError,
    QuotaExceededError,
)
from iodcal.plugins.contract import CarrierContract, Harness, soon
from tests.servers.lumen import (
    CUSTOMER,
    HTML_503,
    INVENTORY,
    KEY,
    ORDER,
    PRICE,
    QUOTE,
    SECRET,
    TOKEN,
    FakeCircuit,
    Fault,
    LumenServer,
    after,
    instead,
    lost_after,
    lost_before,
    wrong,
)
from tests.servers.tls import Reply

ID, PORT_ID = "77000000001", "77000000002"
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


class LumenHarness(Harness):
    service_id = ID
    bandwidth = Bandwidth(100)
    other = Bandwidth(500)
    unknown_service_id = "77999999999"
    secrets = (SECRET,)

    def __init__(self, server: LumenServer, folder: Path, **options: Any) -> None:
        self.server = server
        self.time = START
        server.now = self.now
        server.circuits.update({ID: FakeCircuit(partner="43558"), PORT_ID: FakeCircuit(site="PL0002")})
        self.provisioning = server.provisioning
        self.carrier: Carrier = make_carrier(server.base_url, folder, self.now, **options)

    def now(self) -> datetime:
        return self.time

    def advance(self, length: timedelta) -> None:
        self.time += length

    def finish(self) -> None:
        self.advance(self.provisioning)

    def garble(self, body: bytes) -> None:
        self.server.script(INVENTORY, *[instead(Reply(body=body))] * 4)

    def lose_answer(self, *, after_effect: bool) -> None:
        self.server.script(ORDER, lost_after if after_effect else lost_before)

    def refuse(self) -> None:
        self.server.script(ORDER, instead(wrong(422, "Service is disconnected")))

    def orders(self) -> int:
        return sum(len(circuit.orders) for circuit in self.server.circuits.values())


def make_carrier(url: str, folder: Path, now: Any, **options: Any) -> Carrier:
    given = {
        "environment": "production",
        "base_url": url,
        "customer_number": CUSTOMER,
        "client_id": KEY,
        "client_secret": SECRET,
        "contact": {
            "name": "Pat Doe",
            "email": "noc@contoso.example",
            "phone": "+13035550100",
            "organization": "Contoso",
        },
        **options,
    }
    return plugin.create(
        section_of(LumenOptions, given), CarrierContext(folder, now, timedelta(minutes=10), 24)
    )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LumenServer]:
    monkeypatch.setattr("iodcal.http.session.sleep", lambda _: None)
    with LumenServer() as running:
        yield running


@pytest.fixture
def harness(server: LumenServer, tmp_path: Path) -> LumenHarness:
    return LumenHarness(server, tmp_path)


def spent(code: str, text: str) -> dict[str, Any]:
    """What a gateway of Apigee's kind answers."""
    return {"fault": {"faultstring": text, "detail": {"errorcode": f"policies.ratelimit.{code}"}}}


def prepared(harness: LumenHarness, service_id: str = ID) -> OrderRequest:
    harness.carrier.read(service_id, soon())
    quote = harness.carrier.quote(service_id, Bandwidth(500), soon())
    return OrderRequest(service_id, Bandwidth(100), Bandwidth(500), quote, "io2345", "iodcal den-a 100->500")


class TestLumen(CarrierContract):
    def test_a_change_costs_one_call_of_each_kind(self, harness: LumenHarness) -> None:
        harness.carrier.order(prepared(harness), soon())
        assert harness.server.calls == {TOKEN: 1, INVENTORY: 1, QUOTE: 1, ORDER: 1}

    def test_a_customer_port_is_quoted_by_its_uni(self, harness: LumenHarness) -> None:
        harness.carrier.order(prepared(harness, PORT_ID), soon())
        assert len(harness.server.circuits[PORT_ID].orders) == 1

    def test_the_price_is_a_decimal_by_the_hour(self, harness: LumenHarness) -> None:
        assert prepared(harness).quote.price_per_hour == Decimal("0.82")

    def test_a_token_that_was_refused_is_renewed_once(self, harness: LumenHarness) -> None:
        request = prepared(harness)
        harness.server.forget_tokens()
        harness.carrier.order(request, soon())
        assert (harness.server.calls[TOKEN], harness.server.calls[ORDER]) == (2, 2)
        assert harness.orders() == 1

    def test_the_second_secret_is_tried_where_the_first_is_refused(
        self, server: LumenServer, tmp_path: Path
    ) -> None:
        harness = LumenHarness(server, tmp_path, client_secret=["outdated", SECRET])
        assert harness.carrier.read(ID, soon()).shows(Bandwidth(100))

    def test_a_refused_login_is_named(self, server: LumenServer, tmp_path: Path) -> None:
        harness = LumenHarness(server, tmp_path, client_secret="outdated")
        with pytest.raises(CarrierError) as caught:
            harness.carrier.read(ID, soon())
        assert caught.value.code == "login_refused"
        assert "outdated" not in str(caught.value)

    def test_a_circuit_that_its_own_query_misses_is_found_in_the_list(self, harness: LumenHarness) -> None:
        harness.server.script(INVENTORY, instead(Reply.of({"serviceInventory": []})))
        assert harness.carrier.read(ID, soon()).shows(Bandwidth(100))
        harness.server.script(INVENTORY, *[instead(HTML_503)] * 4)
        assert harness.carrier.read(ID, soon()).shows(Bandwidth(100))

    def test_the_quota_is_named(self, harness: LumenHarness) -> None:
        harness.server.quota = 0
        with pytest.raises(QuotaExceededError):
            harness.carrier.order(prepared(harness), soon())

    @pytest.mark.parametrize(
        ("status", "body", "headers", "wait"),
        [
            (
                429,
                spent("QuotaViolation", "Rate limit quota violation"),
                {"Retry-After": "1"},
                1.0,
            ),
            (429, spent("SpikeArrestViolation", "Spike arrest violation"), {}, None),
            (
                429,
                spent("QuotaViolation", "Quota of the day exceeded"),
                {"Retry-After": "x"},
                None,
            ),
            (
                503,
                spent("SpikeArrestViolation", "Spike arrest"),
                {"Retry-After": "2.5"},
                2.5,
            ),
            (429, {"message": "Too Many Requests"}, {"Retry-After": "120"}, 120.0),
            (429, {"message": "quota exceeded: 10 requests per minute"}, {}, None),
            (429, {"message": "Too Many Requests, have a nice day"}, {}, None),
            (429, {"fault": "none"}, {}, None),
            (429, {"fault": {"faultstring": "slow down"}}, {}, None),
            (429, "slow down", {"Retry-After": "-1"}, None),
        ],
    )
    def test_a_gateways_not_now_is_no_used_up_day(
        self, harness: LumenHarness, status: int, body: Any, headers: dict[str, str], wait: float | None
    ) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        request = prepared(harness)
        harness.server.script(ORDER, instead(Reply(status, text.encode(), headers=headers)))
        with pytest.raises(NotNowError) as caught:
            harness.carrier.order(request, soon())
        assert (caught.value.wait, caught.value.facts["status"], harness.orders()) == (wait, status, 0)

    @pytest.mark.parametrize(
        ("status", "text"),
        [
            (429, "You cannot send more than 24 change requests in a day"),
            (422, "The daily limit is reached"),
            (400, "Maximum of 24 changes per day exceeded"),
            (429, "Too many change requests: try again tomorrow"),
        ],
    )
    def test_only_words_about_a_day_mean_a_day(self, harness: LumenHarness, status: int, text: str) -> None:
        request = prepared(harness)
        harness.server.script(ORDER, instead(wrong(status, text)))
        with pytest.raises(QuotaExceededError):
            harness.carrier.order(request, soon())

    @pytest.mark.parametrize(
        "fault",
        [
            after(HTML_503),
            after(Reply(200, b"<html>ok</html>", {"Content-Type": "text/html"})),
            after(Reply.of({"externalId": "io2345"})),
            after(Reply(201, b'{"id": "ord', {}, missing=9)),
            after(Reply(302, b"", {"Location": "https://elsewhere.example/"})),
            *(
                after(Reply.of({"reason": "no"}, status))
                for status in (408, 425, 500, 501, 502, 504, 599, 300)
            ),
            lost_after,
        ],
        ids=[
            *("503", "html", "no id", "cut", "redirect"),
            *("408", "425", "500", "501", "502", "504", "599", "300"),
            "reset",
        ],
    )
    def test_an_unclear_answer_is_unknown_and_the_order_not_repeated(
        self, harness: LumenHarness, fault: Fault
    ) -> None:
        request = prepared(harness)
        harness.server.script(ORDER, fault)
        with pytest.raises(AnswerLostError):
            harness.carrier.order(request, soon())
        assert harness.server.calls[ORDER] == 1

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (201, {"id": "1", "state": "Rejected", "message": "no capacity"}),
            (200, {"id": "1", "productOrderItem": [{"id": "7", "state": "failed", "reason": "no"}]}),
            (202, {"id": "1", "productOrderItem": {"state": "declined"}}),
            (200, {"status": 422, "message": "no capacity"}),
            (207, [{"id": "1", "status": "201"}, {"id": "2", "status": "422", "message": "no"}]),
            (207, {"responses": [{"body": {"orderStatus": "FAILED"}}]}),
        ],
    )
    def test_a_yes_that_says_no_is_a_refusal(self, harness: LumenHarness, status: int, body: object) -> None:
        request = prepared(harness)
        harness.server.script(ORDER, instead(Reply.of(body, status)))
        with pytest.raises(OrderRefusedError):
            harness.carrier.order(request, soon())

    @pytest.mark.parametrize("body", [{"id": "1", "status": 201}, [{"status": "500"}], {}, ["no object"]])
    def test_a_status_for_many_parts_is_no_yes(self, harness: LumenHarness, body: object) -> None:
        request = prepared(harness)
        harness.server.script(ORDER, after(Reply.of(body, 207)))
        with pytest.raises(AnswerLostError):
            harness.carrier.order(request, soon())
        assert harness.server.calls[ORDER] == 1

    @pytest.mark.parametrize("more", [{"state": None}, {"state": "acknowledged"}, {"status": True}])
    def test_a_yes_that_says_nothing_else_is_one(
        self, harness: LumenHarness, more: dict[str, object]
    ) -> None:
        request = prepared(harness)
        harness.server.script(
            ORDER, instead(Reply.of({"id": "o-1", "productOrderItem": [more], **more}, 201))
        )
        assert harness.carrier.order(request, soon()).carrier_order_id == "o-1"

    @pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 499])
    def test_a_clear_no_is_a_refusal(self, harness: LumenHarness, status: int) -> None:
        request = prepared(harness)
        harness.server.script(ORDER, instead(wrong(status, "no such thing")))
        with pytest.raises(OrderRefusedError):
            harness.carrier.order(request, soon())

    @pytest.mark.parametrize(
        "body",
        [
            {"reason": "no such thing", "code": "INVALIDVALUE"},
            [{"reason": "no such thing"}],
            {"reason": "", "message": "no such thing", "referenceError": ""},
            {"ErrorCode": "7", "Error": "no such thing"},
            {"exception": {"httpStatusCode": "400", "message": "no such thing"}},
            {"type": "about:blank", "title": "no such thing", "status": 400},
            {"code": 400, "message": "", "errors": [{"field": "x", "message": "no such thing"}]},
        ],
    )
    def test_every_envelope_is_understood(self, harness: LumenHarness, body: object) -> None:
        request = prepared(harness)
        harness.server.script(ORDER, instead(Reply.of(body, 400)))
        with pytest.raises(OrderRefusedError) as caught:
            harness.carrier.order(request, soon())
        assert caught.value.facts["message"] == "no such thing"

    def test_a_carrier_that_cannot_be_reached_got_nothing(self, tmp_path: Path) -> None:
        with LumenServer() as gone:
            harness = LumenHarness(gone, tmp_path)
            request = prepared(harness)
        assert isinstance(harness.carrier, Lumen)
        harness.carrier._api._session.close()
        with pytest.raises(OrderNotSentError):
            harness.carrier.order(request, soon())

    @pytest.mark.parametrize(
        ("price", "named", "expected"),
        [
            ("$0.82", {}, (Decimal("0.82"), "USD")),
            ("0.82", {}, (Decimal("0.82"), "USD")),
            ("$1,200.50", {}, (Decimal("1200.50"), "USD")),
            ("€0.82", {}, (Decimal("0.82"), "EUR")),
            ("€4.00", {"currencyCode": "USD"}, (None, "USD")),
            ("0.82 GBP", {"currencyCode": "gbp"}, (Decimal("0.82"), "GBP")),
            ("free", {}, (None, "USD")),
            ("$-1", {}, (None, "USD")),
            ("$NaN", {}, (None, "USD")),
            ("", {"currency": 7}, (None, "USD")),
        ],
    )
    def test_what_a_price_says(
        self, price: str, named: dict[str, object], expected: tuple[Decimal | None, str]
    ) -> None:
        prices = [
            {"price": "$590.40", "term": "Monthly Rate"},
            {"price": price, "term": "Hourly Rate", **named},
        ]
        quote = read_quote({"id": "N-1", "price": prices}, Bandwidth(500), START)
        assert (quote.price_per_hour, quote.currency) == expected
        assert read_quote({"id": "N-1"}, Bandwidth(500), START).price_per_hour is None

    @pytest.mark.parametrize(
        ("prices", "expected"),
        [
            (["$1.00", "$3.00", "$2.00"], (Decimal("3.00"), "USD")),
            (["$1.00", "on request"], (None, "USD")),
            (["$1.00", "€1.00"], (None, "USD")),
        ],
        ids=["the highest binds", "one that cannot be read", "two currencies"],
    )
    def test_several_hourly_prices(self, prices: list[str], expected: tuple[Decimal | None, str]) -> None:
        told = [{"price": price, "term": "Hourly Rate"} for price in prices]
        quote = read_quote({"id": "N-1", "price": told}, Bandwidth(500), START)
        assert (quote.price_per_hour, quote.currency) == expected

    def test_an_order_without_a_billing_account_is_not_even_quoted(self, harness: LumenHarness) -> None:
        harness.server.script(INVENTORY, instead(Reply.of({"serviceInventory": [item(billingAccount={})]})))
        harness.carrier.read(ID, soon())
        with pytest.raises(OrderRefusedError) as caught:
            harness.carrier.quote(ID, Bandwidth(500), soon())
        assert caught.value.code == "billing_account_unknown"

    def test_change_pending_is_known_by_its_text(self, harness: LumenHarness) -> None:
        request = prepared(harness)
        text = "The Service Id cannot be modified since the current status is - Change pending"
        harness.server.script(ORDER, instead(wrong(422, text)))
        with pytest.raises(ChangePendingError):
            harness.carrier.order(request, soon())

    def test_a_location_that_is_not_enabled_is_tried_again_and_then_named(
        self, harness: LumenHarness
    ) -> None:
        harness.carrier.read(ID, soon())
        fault = instead(wrong(422, "Not a NaaS Enabled Location"))
        harness.server.script(QUOTE, fault)
        harness.carrier.quote(ID, Bandwidth(500), soon())
        harness.server.script(QUOTE, *[fault] * 3)
        with pytest.raises(CarrierError) as caught:
            harness.carrier.quote(ID, Bandwidth(500), soon())
        assert caught.value.code == "not_enabled"

    def test_a_quote_for_another_speed_is_not_used(self, harness: LumenHarness) -> None:
        harness.carrier.read(ID, soon())
        harness.server.script(QUOTE, instead(Reply.of({"id": "N-1", "priceRequest": {"speed": "1 Gbps"}})))
        with pytest.raises(OrderRefusedError) as caught:
            harness.carrier.quote(ID, Bandwidth(500), soon())
        assert caught.value.code == "quote_speed_differs"

    def test_an_order_without_a_reading_is_not_sent(self, harness: LumenHarness) -> None:
        quote = Quote("NaaS-1", Bandwidth(500), START)
        request = OrderRequest(ID, Bandwidth(100), Bandwidth(500), quote, "io1", "note")
        with pytest.raises(OrderNotSentError):
            harness.carrier.order(request, soon())
        assert harness.server.calls[ORDER] == 0


def item(**changes: Any) -> dict[str, Any]:
    """An inventory entry, in Lumen's own shape."""
    return {
        "serviceId": ID,
        "billingAccount": {"id": "5-A", "name": "Example"},
        "location": {"masterSiteid": "PL1"},
        "locationProfile": {"dataCenter": True, "relatedParty": {"id": "1"}},
        "product": {
            "status": "Active",
            "productCharacteristic": [{"name": "Bandwidth", "value": "100 Mbps"}],
        },
        **changes,
    }


def product(status: str = "Active", bandwidth: str = "100 Mbps") -> dict[str, Any]:
    return {"status": status, "productCharacteristic": [{"name": "Bandwidth", "value": bandwidth}]}


TWICE = {
    "status": "Active",
    "productCharacteristic": [
        {"name": "Bandwidth", "value": "100 Mbps"},
        {"name": "bandwidth", "value": "500 Mbps"},
    ],
}


@pytest.mark.parametrize(
    ("entry", "status", "mbps"),
    [
        pytest.param(item(), Status.ACTIVE, 100, id="as it is"),
        pytest.param(item(product=product("ACTIVE", "1Gbps")), Status.ACTIVE, 1000, id="case and 1Gbps"),
        pytest.param(
            item(product=product("Change Pending", "1000 mbps")), Status.PENDING, 1000, id="pending"
        ),
        pytest.param(item(product=product("Suspended")), Status.UNKNOWN, 100, id="unseen status"),
        pytest.param(item(product={}, **product()), Status.ACTIVE, 100, id="on the entry itself"),
        pytest.param(item(**product("ACTIVE", "0.1 Gbps")), Status.ACTIVE, 100, id="the same in both places"),
        pytest.param(item(status="In service"), Status.ACTIVE, 100, id="the product's own status counts"),
        pytest.param(
            item(status="Change pending"), Status.PENDING, 100, id="pending, but not on the product"
        ),
        pytest.param(
            {"id": ID, "status": "active", "bandwidth": 200, "bandwidthUnit": "Mbps", "masterSiteId": "PL1"},
            Status.ACTIVE,
            200,
            id="flat, other names",
        ),
    ],
)
def test_an_inventory_entry_is_read_by_any_of_its_names(
    harness: LumenHarness, entry: dict[str, Any], status: Status, mbps: int
) -> None:
    others = [item(serviceId="77000000009", product=product("Active", "5 Gbps"))]
    harness.server.script(INVENTORY, instead(Reply.of({"serviceInventory": [*others, entry]})))
    reading = harness.carrier.read(ID, soon())
    assert (reading.status, reading.bandwidth) == (status, Bandwidth(mbps))


@pytest.mark.parametrize(
    "document",
    [
        pytest.param([], id="a list"),
        pytest.param({}, id="nothing"),
        pytest.param({"serviceInventory": [1]}, id="numbers"),
        pytest.param({"serviceInventory": [item(product={})]}, id="no status"),
        pytest.param({"serviceInventory": [item(product=product(bandwidth="fast"))]}, id="no bandwidth"),
        pytest.param({"serviceInventory": [item(id="77000000009")]}, id="two ids"),
        pytest.param({"serviceInventory": [item(bandwidth=200)]}, id="two bandwidths"),
        pytest.param({"serviceInventory": [item(product=TWICE)]}, id="two characteristics"),
        pytest.param({"serviceInventory": [item()], "services": []}, id="two lists that differ"),
        pytest.param(
            {
                "serviceInventory": [
                    item(productCharacteristic=product(bandwidth="1 Gbps")["productCharacteristic"])
                ]
            },
            id="two bandwidths that differ",
        ),
        pytest.param({"serviceInventory": [item(), item(product=product("Suspended"))]}, id="twice"),
    ],
)
def test_an_inventory_that_makes_no_sense_is_an_error(harness: LumenHarness, document: object) -> None:
    harness.server.script(INVENTORY, *[instead(Reply.of(document))] * 2)
    with pytest.raises(CarrierError) as caught:
        harness.carrier.read(ID, soon())
    assert caught.value.code in ("answer_wrong", "circuit_unknown")


@pytest.mark.parametrize("expires_in", ["1799", 3600, None, "soon", -5], ids=str)
def test_any_lifetime_of_a_token_will_do(harness: LumenHarness, expires_in: object) -> None:
    harness.server.script(TOKEN, lambda answer: Reply.of({**answer().document, "expires_in": expires_in}))
    assert harness.carrier.read(ID, soon()).shows(Bandwidth(100))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"contact": {"name": "Pat"}}, "a first and a last name"),
        ({"contact": {"phone": "+44 20 7946 0000"}}, "not a US phone number"),
        ({"contact": {"email": "nobody"}}, "not an e-mail address"),
        ({"environment": "live"}, "not one of production, test"),
        ({"base_url": "http://api.lumen.example"}, "not an https URL"),
    ],
)
def test_options_are_checked(option: dict[str, Any], message: str) -> None:
    contact = {"name": "Pat Doe", "email": "a@b.example", "phone": "3035550100", "organization": "C"}
    given = {"environment": "test", "customer_number": "1", "client_id": "k", "client_secret": "s"}
    changed = {**given, **option, "contact": {**contact, **option.get("contact", {})}}
    with pytest.raises(ValueError, match=message):
        section_of(LumenOptions, changed)


def test_the_list_is_read_page_by_page_to_its_end(
    harness: LumenHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iodcal.carriers.lumen.client._PAGE_SIZE", 2)
    harness.server.circuits.update({f"7700000010{number}": FakeCircuit() for number in range(3)})
    harness.server.circuits["77000000200"] = FakeCircuit(bandwidth="fast")
    assert isinstance(harness.carrier, Listing)
    listed = harness.carrier.circuits(soon())
    assert [one.service_id for one in listed] == sorted(harness.server.circuits)
    assert listed[-1] == ListedCircuit("77000000200", None, "unclear")
    assert harness.server.calls[INVENTORY] == 4
    asked = [request.query for request in harness.server.requests if request.path.endswith("inventory")]
    assert {query["servicetype"] for query in asked} == {"Internet"}


def test_a_server_may_put_fewer_services_on_a_page_than_it_is_asked_for(harness: LumenHarness) -> None:
    harness.server.circuits.update({f"76000000{number:03}": FakeCircuit() for number in range(30)})
    harness.server.circuits["77000000300"] = FakeCircuit()
    harness.server.most_per_page = 25
    harness.server.script(INVENTORY, instead(Reply.of({"serviceInventory": []})))  # asked for it by its ID
    assert harness.carrier.read("77000000300", soon()).bandwidth == Bandwidth(100)


def test_a_list_without_an_end_is_no_list(harness: LumenHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iodcal.carriers.lumen.client._PAGE_SIZE", 1)
    monkeypatch.setattr("iodcal.carriers.lumen.client._MOST_PAGES", 2)
    assert isinstance(harness.carrier, Listing)
    with pytest.raises(CarrierError) as caught:
        harness.carrier.circuits(soon())
    assert caught.value.code == "answer_wrong"


def test_what_is_for_sale(harness: LumenHarness) -> None:
    assert isinstance(harness.carrier, Offering)
    refusal = instead(wrong(422, "Not a NaaS Enabled Location"))
    harness.server.script(PRICE, refusal)  # Lumen's own fault, for an hour at times
    offered = harness.carrier.offered(ID, soon())
    assert [one.mbps for one in sorted(offered or ())] == [100, 200, 500, 1000]
    harness.server.script(PRICE, *[refusal] * 3)
    with pytest.raises(CarrierError) as caught:
        harness.carrier.offered(ID, soon())
    assert caught.value.code == "not_enabled"


@pytest.mark.parametrize("body", [{}, {"pricePerSpeed": [{"speed": "fast"}]}, []])
def test_an_offer_that_makes_no_sense(harness: LumenHarness, body: object) -> None:
    assert isinstance(harness.carrier, Offering)
    harness.server.script(PRICE, instead(Reply.of(body)))
    with pytest.raises(CarrierError) as caught:
        harness.carrier.offered(ID, soon())
    assert caught.value.code == "answer_wrong"


def test_a_tier_is_asked_for_and_read_in_the_words_of_speed_text(server: LumenServer, tmp_path: Path) -> None:
    """What Lumen calls a tier in quotes is not documented for each; the configuration can say it."""
    server.speeds = re.compile(r"\d+ Mbps|1 GIG")
    harness = LumenHarness(server, tmp_path, speed_text={"1 Gbps": "1 GIG"})
    top = Bandwidth(1000)
    assert harness.carrier.quote(ID, top, soon()).bandwidth == top
    sent = [request.body for request in server.requests if b"1 GIG" in request.body]
    assert len(sent) == 1
    server.circuits[ID].bandwidth = "1 gig"
    assert harness.carrier.read(ID, soon()).bandwidth == top


def test_a_speed_that_nobody_understands_names_speed_text(server: LumenServer, tmp_path: Path) -> None:
    harness = LumenHarness(server, tmp_path)
    server.circuits[ID].bandwidth = "1 GIG"
    with pytest.raises(CarrierError, match="answer_wrong") as raised:
        harness.carrier.read(ID, soon())
    assert "speed_text can say which it means" in str(raised.value.facts["what"])


@pytest.mark.parametrize("wrong_key", ["fast", "0 Mbps"])
def test_speed_text_is_by_tier(wrong_key: str, server: LumenServer, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="speed_text"):
        LumenHarness(server, tmp_path, speed_text={wrong_key: "x"})
