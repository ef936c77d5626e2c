"""Three carriers behind gateways of several makers, and answers that say yes and mean no."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from iodcal.carriers import OrderRequest, guard
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Quote, Reading
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    NotNowError,
    OrderRefusedError,
    QuotaExceededError,
)
from iodcal.plugins.contract import Harness, soon
from tests.carriers.test_lumen import LumenHarness
from tests.carriers.test_lumen_efc import EfcHarness
from tests.carriers.test_megaport import MegaportHarness
from tests.servers import lumen, lumen_efc, megaport
from tests.servers.lumen import Fault, LumenServer, after, instead
from tests.servers.megaport import MegaportServer
from tests.servers.tls import Reply


class Scripted(Protocol):
    def script(self, call: str, *faults: Fault) -> None: ...


class Site:
    """One carrier's harness, and its server's names for the calls that a run makes."""

    def __init__(self, harness: Harness, server: Scripted, *, reading: str, price: str, order: str) -> None:
        self.harness, self.server = harness, server
        self.reading, self.price, self.order_call = reading, price, order

    def order(self, fault: Fault | None = None) -> Acceptance | CarrierError:
        """What comes of a reading, a quote and an order, which gets `fault`."""
        if fault is not None:
            self.server.script(self.order_call, fault)
        try:
            reading = guard.read(self.harness.carrier, "x", self.harness.service_id, soon())
            quote = guard.quote(
                self.harness.carrier, "x", self.harness.service_id, self.harness.other, soon()
            )
            assert reading.bandwidth is not None
            request = OrderRequest(
                self.harness.service_id, reading.bandwidth, self.harness.other, quote, "io2345", "note"
            )
            return guard.order(self.harness.carrier, "x", request, soon())
        except CarrierError as error:
            return error


SITES: dict[str, Callable[[Path], Iterator[Site]]] = {}


def _site(name: str) -> Callable[[Callable[[Path], Iterator[Site]]], Callable[[Path], Iterator[Site]]]:
    def keep(make: Callable[[Path], Iterator[Site]]) -> Callable[[Path], Iterator[Site]]:
        SITES[name] = make
        return make

    return keep


@_site("lumen")
def _lumen(folder: Path) -> Iterator[Site]:
    with LumenServer() as server:
        harness = LumenHarness(server, folder)
        yield Site(harness, server, reading=lumen.INVENTORY, price=lumen.QUOTE, order=lumen.ORDER)


@_site("lumen-efc")
def _efc(folder: Path) -> Iterator[Site]:
    with LumenServer() as server:
        harness = EfcHarness(server, folder)
        calls = {"reading": lumen_efc.READ, "price": lumen_efc.OFFERS, "order": lumen_efc.CHANGE}
        yield Site(harness, harness.server, **calls)


@_site("megaport")
def _megaport(folder: Path) -> Iterator[Site]:
    with MegaportServer() as server:
        harness = MegaportHarness(server, folder)
        calls = {"reading": megaport.READ, "price": megaport.PRICE, "order": megaport.CHANGE}
        yield Site(harness, server, **calls)


@pytest.fixture(params=["lumen", "lumen-efc", "megaport"])
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr("iodcal.http.session.sleep", lambda _: None)
    yield from SITES[request.param](tmp_path)


def apigee(code: str, text: str) -> dict[str, Any]:
    return {"fault": {"faultstring": text, "detail": {"errorcode": f"policies.ratelimit.{code}"}}}


LIMITS: dict[str, tuple[int, object, dict[str, str], float | None]] = {
    # Google's documentation of the policies SpikeArrest and Quota; a spike comes with 500 by default.
    "Apigee, spike with 429": (429, apigee("SpikeArrestViolation", "Spike arrest violation"), {}, None),
    "Apigee, spike with 500": (500, apigee("SpikeArrestViolation", "Spike arrest violation"), {}, None),
    "Apigee, quota of a day of requests": (429, apigee("QuotaViolation", "Daily quota"), {}, None),
    # Kong's rate-limiting plug-in.
    "Kong": (429, {"message": "API rate limit exceeded"}, {"Retry-After": "17"}, 17.0),
    "Kong, own words": (429, {"message": "1000 API calls per day exceeded"}, {}, None),
    # Amazon API Gateway: throttling, and the quota of a usage plan.
    "Amazon, throttled": (429, {"message": "Too Many Requests"}, {"x-amzn-ErrorType": "x"}, None),
    "Amazon, usage plan": (429, {"message": "Limit Exceeded"}, {}, None),
    # Azure API Management: policies rate-limit and quota.
    "Azure, rate": (
        429,
        {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 15 seconds."},
        {},
        15.0,
    ),
    "Azure, quota": (
        403,
        {"statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 01:12:30."},
        {},
        4350.0,
    ),
    "Azure, quota of days": (
        403,
        {"statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 2.01:00:00."},
        {"Retry-After": "60"},
        60.0,
    ),
    "nginx": (429, "<html><head><title>429 Too Many Requests</title></head></html>", {}, None),
    "a date": (429, "", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    "a nonsense": (429, [], {"Retry-After": "soon"}, None),
}


@pytest.mark.parametrize("gateway", LIMITS)
def test_a_gateways_limit_is_not_now_and_never_a_used_up_day(site: Site, gateway: str) -> None:
    status, body, headers, wait = LIMITS[gateway]
    text = body if isinstance(body, str) else json.dumps(body)
    answer = site.order(instead(Reply(status, text.encode(), headers=headers)))
    assert isinstance(answer, NotNowError)
    assert not isinstance(answer, QuotaExceededError)
    usual = (None, 300.0) if isinstance(site.harness, MegaportHarness) else (None,)
    assert answer.wait in (usual if wait is None else (wait,))
    assert site.harness.orders() == 0


def test_a_gateways_quota_at_a_reading_is_no_refused_login(site: Site) -> None:
    status, body, _, _ = LIMITS["Azure, quota"]
    site.server.script(site.reading, *[instead(Reply.of(body, status))] * 4)
    answer = site.order()
    assert isinstance(answer, CarrierError)
    assert answer.code != "login_refused"
    assert "call volume quota" in str(answer.facts.get("message"))


NO_IN_A_YES: dict[str, tuple[int, object]] = {
    "a state": (201, {"id": "1", "state": "rejected"}),
    "a state of several words": (200, {"id": "1", "orderStatus": "Rejected - no capacity"}),
    "a state in one word": (202, {"id": "1", "status": "REJECTED_BY_PROVIDER"}),
    "a state in humps": (202, {"id": "1", "state": "orderFailed"}),
    "a status": (200, {"status": 422, "message": "no"}),
    "no success": (200, {"success": False, "id": "1"}),
    "within": (200, {"id": "1", "order": {"status": "declined"}}),
    "in an item": (200, {"id": "1", "orderItem": [{"state": "failed"}]}),
    "in data": (200, {"data": {"status": "FAILED"}}),
    "207, one of two": (207, [{"status": 201}, {"status": 409}]),
    "207, within": (207, {"responses": [{"body": {"orderStatus": "FAILED"}}]}),
}


@pytest.mark.parametrize("shape", NO_IN_A_YES)
def test_a_yes_whose_body_says_no_is_a_refusal(site: Site, shape: str) -> None:
    status, body = NO_IN_A_YES[shape]
    answer = site.order(instead(Reply.of(body, status)))
    assert isinstance(answer, OrderRefusedError)
    assert site.harness.orders() == 0


UNCLEAR: dict[str, tuple[int, bytes]] = {
    "empty": (200, b""),
    "no content": (204, b""),
    "HTML": (200, b"<html>Sign in</html>"),
    "a list": (200, b"[]"),
    "a text": (200, b'"done"'),
    "half": (200, b'{"id": "o'),
    "errors beside an id": (200, b'{"id": "1", "errors": [{"message": "what?"}]}'),
    "an error beside an id": (201, b'{"id": "1", "error": {"code": 7}}'),
    "207 without a word": (207, b"{}"),
    "207 of yeses": (207, b'[{"status": 201}, {"status": 200}]'),
}


@pytest.mark.parametrize("shape", UNCLEAR)
def test_after_a_yes_that_is_unclear_nobody_knows(site: Site, shape: str) -> None:
    status, body = UNCLEAR[shape]
    answer = site.order(after(Reply(status, body)))
    assert isinstance(answer, AnswerLostError)
    assert site.harness.orders() == 1


ABSURD: tuple[object, ...] = (
    None,
    "",
    "x",
    -1,
    0,
    1e300,
    True,
    [],
    {},
    [[[{}]]],
    {"a": {"b": 1}},
    "\x00\u202e",
)
NESTED = b"[" * 100_000
WHOLE = (b"", b"<html>Sign in</html>", b"null", b"[]", b"{}", b"7", b'"x"', b"{", b"\xff\xfe", NESTED)


def mutations(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each value of `document`, down to what stands in lists: left out, and made something absurd."""
    entries: Any = ()
    if isinstance(document, dict):
        entries = list(document.items())
    elif isinstance(document, list):
        entries = list(enumerate(document[:1]))
    for key, value in entries:
        yield (*path, key), ...
        for absurd in ABSURD:
            yield (*path, key), absurd
        yield from mutations(value, (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(document))
    holder = copy
    for key in path[:-1]:
        holder = holder[key]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return copy


def spoiled(path: tuple[Any, ...], value: Any) -> Fault:
    """The right answer with one value changed; another one, such as to a token that is over, as it is."""

    def answer(right: Callable[[], Reply]) -> Reply:
        reply = right()
        return Reply.of(changed(reply.document, path, value)) if reply.status == 200 else reply

    return answer


def right_answer(site: Site, call: str) -> Any:
    """What the server answers at `call`."""
    seen: list[Any] = []

    def keep(right: Callable[[], Reply]) -> Reply:
        reply = right()
        seen.append(reply.document)
        return reply

    site.server.script(call, keep)
    assert isinstance(site.order(), Acceptance)
    site.harness.finish()
    back = site.harness
    request_back = guard.quote(back.carrier, "x", back.service_id, back.bandwidth, soon())
    reading = guard.read(back.carrier, "x", back.service_id, soon())
    assert reading.shows(back.other)
    guard.order(
        back.carrier,
        "x",
        OrderRequest(back.service_id, back.other, back.bandwidth, request_back, "io2346", "note"),
        soon(),
    )
    back.finish()
    guard.read(back.carrier, "x", back.service_id, soon())
    return seen[0]


NEEDED = {
    "status",
    "state",
    "provisioningStatus",
    "rateLimit",
    "productUid",
    "productType",
    "connection_id",
    "type",
    "options",
}


def test_nonsense_in_any_field_of_any_answer_is_an_error_that_names_it_or_does_no_harm(site: Site) -> None:
    for call in (site.reading, site.price):
        document = right_answer(site, call)
        spoilt: list[tuple[Any, Fault]] = [
            ((*path, repr(value), path[-1]), spoiled(path, value)) for path, value in mutations(document)
        ]
        spoilt += [((body[:9],), instead(Reply(200, body))) for body in WHOLE]
        assert len(spoilt) > 30
        for what, fault in spoilt:
            _answers_soundly(site, call, what, fault)


def _asked(site: Site) -> tuple[Reading, Quote] | CarrierError:
    client, service_id = site.harness.carrier, site.harness.service_id
    try:
        reading = guard.read(client, "x", service_id, soon())
        return reading, guard.quote(client, "x", service_id, site.harness.other, soon())
    except CarrierError as error:
        return error


def _answers_soundly(site: Site, call: str, what: Any, fault: Fault) -> None:
    """Asks with a fault at `call`; whatever comes is an error that says what is wrong, or a good value."""
    site.server.script(call, *[fault] * 4)
    answer = _asked(site)
    site.harness.finish()  # Megaport counts requests in five minutes
    site.server._faults[call].clear()  # type: ignore[attr-defined]
    if isinstance(answer, CarrierError):
        assert answer.code in KNOWN, (call, what, answer.code, answer.facts)
        assert any(answer.facts.values()), (call, what, answer.code)
        return
    reading, quote = answer
    assert reading.bandwidth == Bandwidth(100) or what[-1] in NEEDED, what
    assert quote.bandwidth == site.harness.other
    assert quote.hourly is None or quote.hourly >= 0


KNOWN = {
    "answer_wrong",
    "not_json",
    "json_bounds",
    "refused",  # by the server, what it was asked by a wrong value for
    "circuit_unknown",
    "tier_not_sold",
    "quote_speed_differs",
    "site_unknown",
    "billing_account_unknown",
    "billing_account_name_unknown",
    "quote_place_unknown",
    "bandwidth_fixed",
    "term_forbids",
    "too_large",
}
