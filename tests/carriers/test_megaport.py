"""Megaport: the contract over real sockets, and what only Megaport does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from iodcal.carriers import Advising, CarrierContext, Listing, OrderRequest
from iodcal.carriers.megaport import Megaport, MegaportOptions, plugin
from iodcal.config.parse import section_of
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Status
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    NotNowError,
    OrderRefusedError,
    RefusedForGoodError,
)
from iodcal.plugins.contract import CarrierContract, Harness, soon
from tests.servers.lumen import instead, lost_after, lost_before
from tests.servers.megaport import CHANGE, COMPANY, PRICE, READ, SECRET, TOKEN, MegaportServer, Vxc, refusal
from tests.servers.tls import Reply

ID = "11111111-0000-4000-8000-000000000001"
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


class MegaportHarness(Harness):
    service_id = ID
    bandwidth = Bandwidth(100)
    other = Bandwidth(500)
    unknown_service_id = "99999999-0000-4000-8000-000000000009"
    secrets = (SECRET,)

    def __init__(self, server: MegaportServer, folder: Path, **options: Any) -> None:
        self.server = server
        self.time = START
        server.now = self.now
        server.circuits.setdefault(ID, Vxc())
        given = {
            "environment": "staging" if server.staging else "production",
            "base_url": server.base_url,
            "token_url": server.token_url,
            "client_id": server.key,
            "client_secret": SECRET,
            **options,
        }
        self.carrier: Megaport = plugin.create(
            section_of(MegaportOptions, given), CarrierContext(folder, self.now)
        )

    @property
    def vxc(self) -> Vxc:
        return self.server.circuits[ID]

    def now(self) -> datetime:
        return self.time

    def finish(self) -> None:
        self.time += timedelta(minutes=6)  # whatever was to be done is done, and another change is allowed

    def lose_answer(self, *, after_effect: bool) -> None:
        self.server.script(CHANGE, lost_after if after_effect else lost_before)

    def refuse(self) -> None:
        self.server.script(CHANGE, instead(refusal(403, "Forbidden", "The service is locked")))

    def orders(self) -> int:
        return sum(len(vxc.changes) for vxc in self.server.circuits.values())

    def garble(self, body: bytes) -> None:
        self.server.script(READ, *[instead(Reply(body=body))] * 4)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MegaportServer]:
    monkeypatch.setattr("iodcal.http.session.sleep", lambda _: None)
    with MegaportServer() as running:
        yield running


@pytest.fixture
def harness(server: MegaportServer, tmp_path: Path) -> MegaportHarness:
    return MegaportHarness(server, tmp_path)


def request_for(harness: MegaportHarness, bandwidth: Bandwidth) -> OrderRequest:
    reading = harness.carrier.read(ID, soon())
    quote = harness.carrier.quote(ID, bandwidth, soon())
    return OrderRequest(ID, reading.bandwidth or bandwidth, bandwidth, quote, "io1", "iodcal test")


def order(harness: MegaportHarness, mbps: int = 500) -> Acceptance:
    return harness.carrier.order(request_for(harness, Bandwidth(mbps)), soon())


class TestMegaport(CarrierContract):
    def test_a_change_is_one_put_of_the_rate_and_done_at_once(self, harness: MegaportHarness) -> None:
        acceptance = harness.carrier.order(self.request(harness), soon())
        assert (acceptance.done, acceptance.carrier_order_id, acceptance.waits_for) == (True, None, "")
        assert harness.server.calls == {TOKEN: 1, READ: 1, PRICE: 1, CHANGE: 1}
        assert harness.server.requests[-1].body == b'{"rateLimit": 500}'

    def test_what_is_configured_for_a_while_is_pending(self, harness: MegaportHarness) -> None:
        harness.server.provisioning = timedelta(minutes=2)
        assert not order(harness).done
        reading = harness.carrier.read(ID, soon())
        assert (reading.status, reading.status_text) == (Status.PENDING, "CONFIGURING")
        with pytest.raises((ChangePendingError, NotNowError)):
            harness.carrier.order(request_for(harness, Bandwidth(500)), soon())

    def test_the_price_is_by_the_month_and_an_estimate_by_the_hour(self, harness: MegaportHarness) -> None:
        quote = request_for(harness, Bandwidth(500)).quote
        assert (quote.id, quote.price_per_month, quote.currency) == (None, Decimal("400.0"), "USD")
        assert quote.estimated
        assert quote.hourly == Decimal("0.547945")

    def test_an_account_that_sees_no_prices_orders_all_the_same(self, harness: MegaportHarness) -> None:
        harness.server.prices_hidden = True
        assert order(harness).done

    def test_a_price_that_makes_no_sense_orders_no_raise_but_a_lowering(
        self, harness: MegaportHarness
    ) -> None:
        nonsense = instead(Reply.of({"data": {"currency": "USD", "monthlyRate": "dear"}}))
        harness.server.script(PRICE, nonsense, nonsense)
        with pytest.raises(CarrierError) as caught:
            request_for(harness, Bandwidth(500))
        assert caught.value.facts["what"] == (
            f"monthlyRate in data in the price of {ID}: a text, where an amount is wanted"
        )
        harness.vxc.rate = 1000
        assert order(harness, 100).done

    def test_a_raise_that_a_provider_must_approve_waits_and_is_said_to(
        self, harness: MegaportHarness
    ) -> None:
        harness.vxc.provider = True
        acceptance = order(harness)
        assert (acceptance.done, acceptance.waits_for) == (False, "Waiting for the provider")
        reading = harness.carrier.read(ID, soon())
        assert (reading.status, reading.bandwidth) == (Status.PENDING, Bandwidth(100))
        assert reading.status_text == "LIVE, approval PENDING"
        assert reading.waits_for == "Waiting for the provider"
        harness.server.approve(ID)
        assert harness.carrier.read(ID, soon()).shows(Bandwidth(500))

    @pytest.mark.parametrize("word", ["REJECTED", "WITHDRAWN", "EXPIRED", "FAILED"])
    def test_a_raise_that_is_not_approved_has_come_to_nothing(
        self, harness: MegaportHarness, word: str
    ) -> None:
        harness.vxc.provider = True
        order(harness)
        harness.server.reject(ID, word)
        reading = harness.carrier.read(ID, soon())
        assert reading.shows(Bandwidth(100))
        assert reading.status_text == f"LIVE, approval {word}"

    @pytest.mark.parametrize("status", [429, 400, 403])
    def test_the_circuits_own_limit_is_a_not_now(self, harness: MegaportHarness, status: int) -> None:
        harness.server.limit_status = status
        order(harness)
        with pytest.raises(NotNowError) as caught:
            order(harness, 100)
        assert caught.value.wait == 300

    def test_the_months_limit_is_waited_for_by_the_day(self, harness: MegaportHarness) -> None:
        harness.server.per_month = 0
        with pytest.raises(NotNowError) as caught:
            order(harness)
        assert caught.value.wait == 86_400

    def test_internet_on_a_term_is_refused_before_anything_is_sent(self, harness: MegaportHarness) -> None:
        harness.vxc.internet, harness.vxc.term = True, 12
        harness.vxc.term_end = datetime(2027, 3, 1, tzinfo=UTC)
        with pytest.raises(RefusedForGoodError) as caught:
            request_for(harness, Bandwidth(500))
        assert (caught.value.code, caught.value.facts["ends"]) == ("term_forbids", "2027-03-01")
        assert harness.orders() == 0

    def test_a_term_that_is_over_forbids_nothing(self, harness: MegaportHarness) -> None:
        harness.vxc.internet, harness.vxc.term, harness.vxc.term_end = True, 12, START
        assert order(harness).done

    def test_below_the_rate_of_a_term_is_refused_for_good(self, harness: MegaportHarness) -> None:
        harness.vxc.term, harness.vxc.committed = 12, 100
        with pytest.raises(RefusedForGoodError):
            order(harness, 50)

    @pytest.mark.parametrize(
        ("trait", "value", "told"),
        [
            ("locked", True, "locked by its owner"),
            ("admin_locked", True, "locked by Megaport"),
            ("shutdown", True, "shut down"),
            ("status", "DESIGN", "DESIGN"),
            ("status", "HALF_LIVE", "HALF_LIVE"),
        ],
    )
    def test_what_must_not_be_changed_reads_as_unknown(
        self, harness: MegaportHarness, trait: str, value: Any, told: str
    ) -> None:
        setattr(harness.vxc, trait, value)
        reading = harness.carrier.read(ID, soon())
        assert (reading.status, reading.status_text) == (Status.UNKNOWN, told)

    @pytest.mark.parametrize("status", ["DECOMMISSIONED", "CANCELLED"])
    def test_what_is_gone_is_no_circuit(self, harness: MegaportHarness, status: str) -> None:
        harness.vxc.status = status
        with pytest.raises(CarrierError) as caught:
            harness.carrier.read(ID, soon())
        assert caught.value.code == "circuit_unknown"
        assert harness.carrier.circuits(soon()) == []

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"rateLimit": "100"}, "rateLimit"),
            ({"rateLimit": -5}, "rateLimit"),
            ({"rateLimit": None}, "rateLimit"),
            ({"rateLimit": 1e999}, "rateLimit"),
            ({"productType": "MEGAPORT"}, "productType"),
            ({"productUid": "other"}, "productUid"),
            ({"provisioningStatus": 3}, "provisioningStatus"),
            ({"vxcApproval": "none"}, "vxcApproval"),
            ({"locked": "no"}, "locked"),
            ({"contractTermMonths": "12"}, "contractTermMonths"),
            ({"contractEndDate": 10**30}, "contractEndDate"),
            ({"resources": []}, "resources"),
            ({"aEnd": {"locationId": "1"}}, "locationId"),
        ],
        ids=str,
    )
    def test_nonsense_names_the_field_of_the_answer(
        self, harness: MegaportHarness, change: dict[str, Any], field: str
    ) -> None:
        harness.carrier.read(ID, soon())
        right = Reply.of({"data": {**product(harness.server), **change}})
        harness.server.script(READ, instead(right))
        with pytest.raises(CarrierError) as caught:
            harness.carrier.read(ID, soon())
        what = str(caught.value.facts["what"])
        assert caught.value.code == "answer_wrong"
        assert what.startswith(field)
        assert f"the reading of {ID}" in what
        assert harness.orders() == 0

    def test_a_yes_that_nobody_understands_is_a_lost_answer(self, harness: MegaportHarness) -> None:
        request = self.request(harness)
        harness.server.script(CHANGE, instead(Reply.of({"data": {"productType": "VXC"}})))
        with pytest.raises(AnswerLostError) as caught:
            harness.carrier.order(request, soon())
        assert "productUid in data in the answer to the order" in str(caught.value.facts["reason"])

    def test_a_circuit_of_another_company_is_not_touched(
        self, server: MegaportServer, tmp_path: Path
    ) -> None:
        ours = MegaportHarness(server, tmp_path, company=COMPANY)
        assert ours.carrier.account.number == COMPANY
        assert ours.carrier.read(ID, soon()).status is Status.ACTIVE
        other = MegaportHarness(server, tmp_path, company="another")
        with pytest.raises(CarrierError) as caught:
            other.carrier.read(ID, soon())
        assert str(caught.value.facts["what"]).startswith("companyUid in data")

    def test_a_key_that_may_only_read_is_refused_in_words(self, harness: MegaportHarness) -> None:
        harness.server.read_only = True
        with pytest.raises(OrderRefusedError) as caught:
            order(harness)
        assert caught.value.facts["message"] == "Forbidden: The role of this key does not allow that"

    @pytest.mark.parametrize("with_200", [False, True])
    def test_a_login_that_is_refused_is_named_as_such(
        self, server: MegaportServer, tmp_path: Path, with_200: bool
    ) -> None:
        server.login_error_is_200 = with_200
        wrong = MegaportHarness(server, tmp_path, client_secret="mistyped-secret")
        with pytest.raises(CarrierError) as caught:
            wrong.carrier.read(ID, soon())
        assert (caught.value.code, caught.value.facts["message"]) == ("login_refused", "invalid_client")

    def test_the_grant_may_stand_in_the_body(self, server: MegaportServer, tmp_path: Path) -> None:
        server.grant_type_in = frozenset({"form"})
        with pytest.raises(CarrierError):
            MegaportHarness(server, tmp_path).carrier.read(ID, soon())
        inside = MegaportHarness(server, tmp_path, grant_in="body")
        assert inside.carrier.read(ID, soon()).status is Status.ACTIVE

    def test_a_token_that_was_refused_is_renewed_once(self, harness: MegaportHarness) -> None:
        request = self.request(harness)
        harness.server.forget_tokens()
        assert harness.carrier.order(request, soon()).done
        assert harness.server.calls[TOKEN] == 2

    def test_a_vxc_between_two_own_ports_is_listed_once(self, harness: MegaportHarness) -> None:
        harness.server.circuits["22222222-0000-4000-8000-000000000002"] = Vxc(
            port="port-1", far_port="port-2"
        )
        listed = harness.carrier.circuits(soon())
        assert [one.service_id[:4] for one in listed] == ["1111", "2222"]
        assert isinstance(harness.carrier, Listing)


def product(server: MegaportServer) -> dict[str, Any]:
    return server._product(ID)


def warned(harness: MegaportHarness) -> str:
    assert isinstance(harness.carrier, Advising)
    harness.carrier.read(ID, soon())
    return "; ".join(harness.carrier.warnings(ID, soon()))


def test_terms_and_billing_that_make_scheduling_pointless_are_told(harness: MegaportHarness) -> None:
    assert warned(harness) == ""
    harness.vxc.term, harness.vxc.usage = 12, "POST_PAID_FIXED"
    assert "on a term of 12 months: it may not go below" in warned(harness)
    assert "lowering it saves nothing" in warned(harness)
    harness.vxc.internet, harness.vxc.term_end = True, datetime(2027, 3, 1, tzinfo=UTC)
    assert "until 2027-03-01: Megaport changes no rate on a term" in warned(harness)


def test_staging_is_told_loudly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("iodcal.http.session.sleep", lambda _: None)
    with MegaportServer(staging=True) as server:
        harness = MegaportHarness(server, tmp_path)
        assert "STAGING" in warned(harness)
        given = {"environment": "staging", "client_id": "a", "client_secret": "b"}
        assert plugin.is_test(section_of(MegaportOptions, given))


def test_another_address_needs_that_of_the_login() -> None:
    given = {
        "environment": "production",
        "client_id": "a",
        "client_secret": "b",
        "base_url": "http://127.0.0.1:1",
    }
    with pytest.raises(ValueError, match="base_url needs token_url"):
        section_of(MegaportOptions, given)
