"""What third parties import: one module, which is what its page says; and calls that turn answers into the
protocol's words."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import iodcal.plugins
from iodcal.carriers import PluginDefaults, defaults_of
from iodcal.domain.money import RateSource
from iodcal.plugins import (
    Account,
    AnswerLostError,
    AnswerObject,
    ApiClient,
    Bandwidth,
    Billing,
    CarrierError,
    ChangeLimit,
    ChangePendingError,
    Deadline,
    NotNowError,
    OrderError,
    OrderNotSentError,
    OrderRefusedError,
    Quote,
    ReadingSession,
    RefusedForGoodError,
    Session,
    Tariff,
)
from tests.servers.tls import LocalServer, Reply, Request

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "reference" / "plug-ins.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def soon() -> Deadline:
    return Deadline.after(20)


@pytest.mark.parametrize("name", iodcal.plugins.__all__)
def test_every_name_is_there_and_on_the_page(name: str) -> None:
    assert hasattr(iodcal.plugins, name)
    assert name in PAGE


def test_nothing_but_the_contract_needs_pytest() -> None:
    using = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "iodcal").rglob("*.py")
        if re.search(r"^\s*(import|from) pytest", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert using == ["iodcal/plugins/contract.py"]


def test_the_import_for_plug_ins_loads_no_requests() -> None:
    code = "import sys, iodcal.plugins; sys.exit('requests' in sys.modules or 'pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_session_that_only_reads_has_no_way_to_send() -> None:
    verbs = {"post", "put", "patch", "delete", "request"}
    assert [verb for verb in verbs if hasattr(ReadingSession, verb)] == []
    assert [verb for verb in verbs - {"request"} if not hasattr(Session, verb)] == []


class Plain:
    """A plug-in that says nothing beside."""


class Talkative:
    list_prices = Tariff.listed("EUR", date(2026, 9, 1), {100: "0.50"})
    default_billing = Billing.DAY
    circuit_limits = (ChangeLimit(1), ChangeLimit(5))
    idempotent = True


def test_what_a_plug_in_does_not_say_has_a_default() -> None:
    assert defaults_of(Plain()) == PluginDefaults()
    said = defaults_of(Talkative())
    assert (said.default_billing, said.idempotent, len(said.circuit_limits)) == (Billing.DAY, True, 2)
    assert said.list_prices is not None
    rate = said.list_prices.rate(Bandwidth(100))
    assert rate is not None
    assert (rate.per_hour, rate.source, said.list_prices.currency) == (
        Decimal("0.50"),
        RateSource.LIST,
        "EUR",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("list_prices", {100: 1}),
        ("default_billing", "day"),
        ("circuit_limits", [ChangeLimit(1)]),
        ("circuit_limits", (1,)),
        ("circuit_limits", (ChangeLimit(0),)),
        ("idempotent", "yes"),
    ],
)
def test_what_a_plug_in_says_wrongly_is_refused(name: str, value: Any) -> None:
    plugin = Plain()
    setattr(plugin, name, value)
    with pytest.raises(TypeError, match="another type than the protocol says"):
        defaults_of(plugin)


def test_prices_by_the_day_and_month_are_estimates_by_the_hour() -> None:
    by_day = Quote(None, Bandwidth(100), NOW, price_per_day=Decimal(24))
    by_month = Quote(None, Bandwidth(100), NOW, price_per_month=Decimal(730))
    by_hour = Quote("q", Bandwidth(100), NOW, Decimal(2), price_per_month=Decimal(730))
    none = Quote(None, Bandwidth(100), NOW)
    told = [(one.hourly, one.estimated) for one in (by_day, by_month, by_hour, none)]
    assert told == [(Decimal(1), True), (Decimal(1), True), (Decimal(2), False), (None, False)]


class Api:
    """A server that gives one reply, and a client of it."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.requests: list[Request] = []
        self.server = LocalServer(self.answer)
        self.refused = 0

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def token(self, deadline: Deadline) -> str:  # noqa: ARG002 - nobody is asked
        return f"token-{self.refused}"

    def drop(self) -> None:
        self.refused += 1

    @property
    def client(self) -> ApiClient:
        return ApiClient(Session(), self.server.url, tokens=self, headers={"x-own": "1"})

    def order(self, method: str = "PUT", **more: Any) -> Any:
        return self.client.order(method, "/line", soon(), service_id="line", json={"mbps": 5}, **more)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setattr("iodcal.http.session.sleep", lambda _: None)
    made = Api()
    with made.server:
        yield made


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_order_is_sent_once_with_what_it_says(api: Api, method: str) -> None:
    api.replies = [Reply.of({"fine": 1})]
    answer = api.order(method, headers={"Content-Type": "application/json-patch+json"})
    (request,) = api.requests
    assert (request.method, request.headers["authorization"], request.headers["x-own"]) == (
        method,
        "Bearer token-0",
        "1",
    )
    assert request.headers["content-type"] == "application/json-patch+json"
    assert request.body == (b"" if method == "DELETE" else b'{"mbps": 5}')
    assert api.client.document(answer) == {"fine": 1}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply.of({"message": "no"}, 403), OrderRefusedError),
        (Reply.of({"message": "no"}, 404), OrderRefusedError),
        (Reply.of({"message": "busy"}, 409), ChangePendingError),
        (Reply.of({"message": "slow"}, 429, Retry_After="30"), NotNowError),
        (Reply.of({"message": "slow"}, 408), AnswerLostError),
        (Reply.of({"message": "slow"}, 425), AnswerLostError),
        (Reply.of({"message": "oops"}, 500), AnswerLostError),
        (Reply(503), AnswerLostError),
        (Reply(302, headers={"Location": "/other"}), AnswerLostError),
        (Reply(dropped=True), AnswerLostError),
    ],
    ids=str,
)
def test_what_came_of_an_order_has_one_name(api: Api, reply: Reply, error: type[OrderError]) -> None:
    api.replies = [reply]
    with pytest.raises(OrderError) as caught:
        api.order()
    assert type(caught.value) is error
    assert len(api.requests) == 1
    if isinstance(caught.value, NotNowError):
        assert caught.value.wait == 30


def test_a_carrier_may_judge_its_own_refusals(api: Api) -> None:
    api.replies = [Reply.of({"message": "never"}, 422)]

    def judge(_answer: object, text: str) -> OrderError:
        return RefusedForGoodError("refused", status=422, message=text)

    with pytest.raises(RefusedForGoodError) as caught:
        api.order(refusal=judge)
    assert caught.value.facts["message"] == "never"


def test_a_refused_token_proves_that_nothing_was_done_so_the_order_goes_out_again(api: Api) -> None:
    api.replies = [Reply(401), Reply.of({})]
    api.order()
    assert [request.headers["authorization"] for request in api.requests] == [
        "Bearer token-0",
        "Bearer token-1",
    ]


def test_an_order_that_nobody_listens_for_was_not_sent() -> None:
    client = ApiClient(Session(), "http://127.0.0.1:9")
    with pytest.raises(OrderNotSentError):
        client.order("PUT", "/line", soon(), service_id="line", json={})


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply.of({}, 404), "circuit_unknown"),
        (Reply.of({}, 403), "login_refused"),
        (Reply.of({}, 418), "refused"),
        (Reply(200, b"<html>"), "not_json"),
    ],
)
def test_what_came_of_a_reading_has_a_code(api: Api, reply: Reply, code: str) -> None:
    api.replies = [reply]
    with pytest.raises(CarrierError) as caught:
        api.client.get("/line", soon(), unknown="line")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("value", "read", "wrong"),
    [
        ("", "text", "a text, where a text is wanted"),
        (5, "text", "a number, where a text is wanted"),
        (True, "bandwidth", "a flag, where a whole number of Mbps is wanted"),
        (0, "bandwidth", "a number, where a whole number of Mbps is wanted"),
        (None, "bandwidth", "nothing, where a whole number of Mbps is wanted"),
        ("x", "flag", "a text, where true or false is wanted"),
        (-1, "number", "a number, where a whole number is wanted"),
        ("1,5", "amount", "a text, where an amount is wanted"),
        ("-1", "amount", "a text, where an amount is wanted"),
        ("9" * 50, "amount", "a text, where an amount is wanted"),
        ([], "amount", "a list, where an amount is wanted"),
        ({}, "objects", "an object, where a list is wanted"),
    ],
)
def test_a_field_of_another_kind_is_named_with_its_answer(value: object, read: str, wrong: str) -> None:
    held = AnswerObject({"it": value}, "the reading of x")
    with pytest.raises(CarrierError) as caught:
        getattr(held, read)("it")
    assert caught.value.facts["what"] == f"it in the reading of x: {wrong}"


def test_fields_of_the_right_kind_are_read() -> None:
    inner = {"name": " a\nb ", "n": 3, "price": "1.50", "yes": True, "list": [{"rate": 100}]}
    held = AnswerObject({"data": inner}, "the answer").object("data")
    assert (held.text("name"), held.text_or("none", "x"), held.number("n")) == ("a b", "x", 3)
    assert (held.amount("price"), held.flag("yes"), held.flag("none")) == (Decimal("1.50"), True, False)
    (one,) = held.objects("list")
    assert (one.bandwidth("rate"), "rate" in one, "other" in one) == (Bandwidth(100), True, False)
    with pytest.raises(CarrierError) as caught:
        AnswerObject([1], "the answer")
    assert caught.value.facts["what"] == "the answer is no object but a list"


def test_an_account_needs_no_number() -> None:
    assert Account("acme", "https://api", "").number == ""
