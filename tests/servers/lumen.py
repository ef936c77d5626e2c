"""Lumen's Internet On-Demand on loopback, as strict as the real one is known to be.

It refuses what Lumen refuses: a missing customer number, a wrong service type, a quote by the wrong place,
an order without its contact, a second order while one is pending, the 25th order of a UTC day.
"""

from __future__ import annotations

import base64
import itertools
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self

from tests.servers.tls import LocalServer, Reply, Request

KEY, SECRET, CUSTOMER = "consumer-key", "consumer-secret-7781", "1-ABCDE"
TOKEN, INVENTORY, PRICE, QUOTE, ORDER = "token", "inventory", "price", "quote", "order"
_PATHS = {
    ("POST", "/oauth/v2/token"): TOKEN,
    ("GET", "/ProductInventory/v1/inventory"): INVENTORY,
    ("GET", "/Product/v1/price"): PRICE,
    ("POST", "/Product/v1/priceRequest"): QUOTE,
    ("POST", "/Customer/v3/Ordering/orderRequest"): ORDER,
}
_QUOTE_KEYS = ("sourceSystem", "customerNumber", "currencyCode", "masterSiteId", "productCode", "speed")
_PENDING_TEXT = "The Service Id cannot be modified since the current status is - Change pending"

Fault = Callable[[Callable[[], Reply]], Reply]


def lost_before(answer: Callable[[], Reply]) -> Reply:  # noqa: ARG001 - what would have been answered never is
    """The connection ends; nothing has happened."""
    return Reply(dropped=True)


def lost_after(answer: Callable[[], Reply]) -> Reply:
    """The connection ends after all has happened."""
    answer()
    return Reply(dropped=True)


def instead(reply: Reply) -> Fault:
    """Another answer; nothing has happened."""
    return lambda answer: reply  # noqa: ARG005 - as in lost_before


def after(reply: Reply) -> Fault:
    """Another answer, after all has happened."""

    def fault(answer: Callable[[], Reply]) -> Reply:
        answer()
        return reply

    return fault


HTML_503 = Reply(503, b"<html><body>gateway</body></html>", {"Content-Type": "text/html"})


def wrong(status: int, reason: str, code: str = "INVALIDVALUE") -> Reply:
    """A refusal in the envelope of the product APIs."""
    return Reply.of({"reason": reason, "code": code, "propertyPath": ""}, status)


@dataclass
class FakeCircuit:
    """A circuit at Lumen. `partner` makes it a data-centre one, else it has a customer port's `uni`.
    `reading` goes out when it alone is asked for, instead of what it is."""

    bandwidth: str = "100 Mbps"
    partner: str | None = None
    uni: str = "CO/DVXX/222222/LVLC"
    site: str = "PL0001234567"
    status: str | None = None
    target: str | None = None
    accepted_at: datetime | None = None
    orders: list[dict[str, Any]] = field(default_factory=list)
    sold: tuple[str, ...] = ("100 Mbps", "200 Mbps", "500 Mbps", "1000 mbps")
    reading: Reply | None = None
    account: Mapping[str, str] = field(
        default_factory=lambda: {"id": "5-ABCDEFGH", "name": "Example Corp"},
    )


class LumenServer:
    """A context manager. `now` tells its time; a change shows as pending after `lag` and is done after
    `provisioning`. `script` plans faults by call; `calls` counts what came in."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self.now = now or (lambda: datetime.now(UTC))
        self.most_per_page = 1000  # however many are asked for
        self.circuits: dict[str, FakeCircuit] = {}
        self.provisioning = timedelta(minutes=7)
        self.lag = timedelta()
        self.calls: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.quota = 24
        self.price = "$0.82"
        self.speeds = re.compile(r"\d+ Mbps")  # what it understands in a quote
        # Other products under the same login, each by the beginning of its paths.
        self.products: dict[str, Callable[[Request], Reply]] = {}
        self._per_day: Counter[str] = Counter()
        self._faults: dict[str, deque[Fault]] = {}
        self._tokens: set[str] = set()
        self._quotes: dict[str, tuple[str, str, datetime]] = {}
        self._numbers = itertools.count(1466)
        self._server = LocalServer(self.answer)

    @property
    def base_url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Has `watcher` called as each request arrives, and again before its answer leaves."""
        self._server.watch = watcher

    def script(self, call: str, *faults: Fault) -> None:
        """The next answers to `call`, one fault each."""
        self._faults.setdefault(call, deque()).extend(faults)

    def knows(self, request: Request) -> bool:
        """True if the request comes with a token that is good."""
        return request.headers.get("authorization", "").removeprefix("Bearer ") in self._tokens

    def forget_tokens(self) -> None:
        """All tokens are used up."""
        self._tokens.clear()

    def settle(self, circuit: FakeCircuit) -> None:
        """Carries out what is due by now."""
        if circuit.accepted_at is not None and self.now() >= circuit.accepted_at + self.provisioning:
            circuit.bandwidth, circuit.target, circuit.accepted_at = circuit.target or "", None, None

    def answer(self, request: Request) -> Reply:
        for beginning, product in self.products.items():
            if request.path.startswith(beginning):
                return product(request)
        self.requests.append(request)
        call = _PATHS.get((request.method, request.path), "unknown")
        self.calls[call] += 1
        planned = self._faults.get(call)
        reply = self._dated(planned.popleft(), call, request) if planned else self._route(call, request)
        date = format_datetime(datetime.now(UTC), usegmt=True)
        return replace(reply, headers={"Date": date, **reply.headers})

    def _dated(self, fault: Fault, call: str, request: Request) -> Reply:
        return fault(lambda: self._route(call, request))

    def _route(self, call: str, request: Request) -> Reply:
        if call == TOKEN:
            return self._token(request)
        if call == "unknown":
            return Reply.of({"code": "404", "message": "no such path", "info": ""}, 404)
        if not self.knows(request):
            return Reply.of({"reason": "Missing or invalid token", "code": "invalidToken"}, 401)
        if request.headers.get("x-customer-number") != CUSTOMER:
            return wrong(400, "x-customer-number is missing")
        answers = {
            INVENTORY: self._inventory,
            PRICE: self._price,
            QUOTE: self._quote,
            ORDER: self._order,
        }
        return answers[call](request)

    def _token(self, request: Request) -> Reply:
        wanted = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != wanted:
            body = {"reason": "Missing or no credentials provided", "code": "missingCredentials"}
            return Reply.of(body, 401)
        if request.form.get("grant_type") != "client_credentials":
            return Reply.of({"ErrorCode": "500", "Error": "grant_type"}, 500)
        token = f"token-{next(self._numbers)}"
        self._tokens.add(token)
        return Reply.of({"access_token": token, "token_type": "Bearer", "expires_in": "1799"})

    def _inventory(self, request: Request) -> Reply:
        kind = request.query.get("servicetype")
        if kind is not None and kind not in ("Internet", "Port"):
            return Reply.of({"message": "unexpected error"}, 500)
        wanted = request.query.get("serviceid")
        if wanted in self.circuits and (reading := self.circuits[wanted].reading) is not None:
            return reading
        shown = [name for name in self.circuits if wanted in (None, name)]
        number, size = int(request.query.get("pagenumber", "1")), int(request.query.get("pagesize", "10"))
        size = min(size, self.most_per_page)
        page = shown[(number - 1) * size : number * size]
        return Reply.of({"serviceInventory": [self._item(name) for name in page]})

    def _price(self, request: Request) -> Reply:
        circuit = self.circuits.get(request.query.get("serviceid", ""))
        place = (request.query.get("productcode"), request.query.get("mastersiteid"))
        if circuit is None or place != ("718", circuit.site) or "partnerid" in request.query:
            return wrong(422, "Not a NaaS Enabled Location")
        prices = [{"speed": speed, "price": "$0.46", "term": "Hourly Rate"} for speed in circuit.sold]
        return Reply.of({"location": [{"masterSiteId": circuit.site}], "pricePerSpeed": prices})

    def _item(self, name: str) -> dict[str, Any]:
        circuit = self.circuits[name]
        self.settle(circuit)
        pending = circuit.accepted_at is not None and self.now() >= circuit.accepted_at + self.lag
        status = circuit.status or ("Change pending" if pending else "Active")
        traits = [{"name": "Bandwidth", "value": circuit.bandwidth}] if circuit.bandwidth else []
        profile: dict[str, Any] = {"dataCenter": circuit.partner is not None}
        if circuit.partner is not None:
            profile["relatedParty"] = {"id": circuit.partner}
        else:
            traits.append({"name": "UNI Service ID", "value": circuit.uni})
        return {
            "serviceId": name,
            "billingAccount": dict(circuit.account),
            "location": {"masterSiteid": circuit.site},
            "locationProfile": profile,
            "product": {"status": status, "productCharacteristic": traits},
        }

    def _quote(self, request: Request) -> Reply:
        body = Reply(body=request.body).document
        missing = [key for key in _QUOTE_KEYS if not body.get(key)]
        if missing:
            return wrong(422, f"missing {missing[0]}", "MISSINGPROPERTY")
        if body["productCode"] != "718" or body["currencyCode"] != "USD":
            return wrong(422, "wrong product or currency")
        if ("partnerId" in body) == ("serviceId" in body):
            return wrong(422, "exactly one of partnerId and serviceId")
        names = [name for name, circuit in self.circuits.items() if _quoted_by(circuit, body)]
        if not names:
            return wrong(422, "No matching rule found for portSpeed=0 and deviceCode=null")
        if self.speeds.fullmatch(body["speed"]) is None:
            return wrong(422, f"speed {body['speed']}")
        quote_id = f"NaaS-{next(self._numbers)}"
        self._quotes[quote_id] = (body["masterSiteId"], body["speed"], self.now())
        prices = [{"speed": body["speed"], "price": self.price, "term": "Hourly Rate"}]
        return Reply.of({"id": quote_id, "priceRequest": {"speed": body["speed"]}, "price": prices})

    def _order(self, request: Request) -> Reply:
        body = Reply(body=request.body).document
        fault = _order_fault(body)
        if fault is not None:
            return wrong(422, fault)
        (item,) = body["productOrderItem"]
        circuit = self.circuits.get(item["id"])
        quote = self._quotes.pop(body["quote"][0]["id"], None)
        if circuit is None or quote is None or quote[0] != circuit.site:
            return wrong(422, "unknown service or quote")
        if self.now() - quote[2] > timedelta(minutes=15):
            return wrong(422, "the quote has expired")
        self.settle(circuit)
        if circuit.accepted_at is not None or circuit.status is not None:
            return wrong(400, _PENDING_TEXT)
        day = self.now().astimezone(UTC).date().isoformat()
        if self._per_day[day] >= self.quota:
            return Reply.of(
                {"code": 429, "message": "cannot send more than 24 change requests in a day"}, 429
            )
        self._per_day[day] += 1
        circuit.target, circuit.accepted_at = quote[1], self.now()
        circuit.orders.append(body)
        return Reply.of({**body, "id": f"order-{next(self._numbers)}"}, 201)


def _quoted_by(circuit: FakeCircuit, body: Mapping[str, Any]) -> bool:
    if circuit.site != body["masterSiteId"]:
        return False
    if circuit.partner is not None:
        return body.get("partnerId") == circuit.partner
    return body.get("serviceId") == circuit.uni


def _order_fault(body: Mapping[str, Any]) -> str | None:
    if not re.fullmatch(r"[A-Za-z0-9]{1,20}", str(body.get("externalId", ""))):
        return "externalId"
    items = body.get("productOrderItem")
    if not isinstance(items, list) or len(items) != 1 or items[0].get("quantity") != 1:
        return "productOrderItem"
    if items[0].get("action") != "modify" or items[0]["product"].get("id") != items[0].get("id"):
        return "action"
    account = body.get("billingAccount") or {}
    if not account.get("id") or not account.get("name"):
        return "billingAccount"
    contacts = body.get("relatedContactInformation") or [{}]
    if contacts[0].get("role") != "Order Contact" or len(str(contacts[0].get("name", "")).split()) < 2:
        return "relatedContactInformation"
    return None if _names(body.get("channel"), "99") and body.get("quote") else "channel or quote"


def _names(holders: object, wanted: str) -> bool:
    listed: Iterable[Any] = holders if isinstance(holders, list) else ()
    return any(isinstance(holder, dict) and str(holder.get("id")) == wanted for holder in listed)
