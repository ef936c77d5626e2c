"""Megaport on loopback: a login host, an API host, and VXCs whose rate limit is set by `PUT`.

It refuses what Megaport refuses or must be expected to: a key of the other environment, a token that is over,
more in a change than the rate, a rate above the port, a service that is locked, on a term or waiting for
somebody's approval, the second change in five minutes and the 101st in a month. What is only guessed of the
real one is a switch.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self

from tests.servers.lumen import Fault
from tests.servers.tls import LocalServer, Reply, Request

KEY, SECRET, COMPANY = "megaport-key", "megaport-secret-5512", "22222222-0000-4000-8000-00000000c0de"
TOKEN, READ, LIST, CHANGE, PRICE, APPROVALS = "token", "read", "list", "change", "price", "approvals"
_PRODUCT, _VXC = "/v2/product/", "/v3/product/vxc/"
_FIXED = {
    "/v2/products": ("GET", LIST),
    "/v4/pricebook/product": ("POST", PRICE),
    "/v3/order_approvals": ("GET", APPROVALS),
}
_QUERY = {APPROVALS: {"status", "serviceids", "pagenumber", "pagesize", "sort", "direction"}}
_PRICE_KEYS = {
    "currency": str,
    "aLocationId": int,
    "bLocationId": int,
    "speed": int,
    "aEndProductType": str,
    "connectType": str,
    "term": int,
    "productUid": str,
    "productType": str,
}
_REQUESTS, _REQUEST_SPAN = 500, timedelta(minutes=5)


def refusal(status: int, message: str, data: object = None) -> Reply:
    """A refusal in Megaport's envelope."""
    body = {"message": message, "data": data, "trace_id": "trace-4711"}
    return Reply.of(body, status, Trace_Id="trace-4711")


@dataclass
class Vxc:
    """A VXC. `provider` True: a raise waits until `approve` or `reject`. `internet` makes it a Megaport
    Internet connection; `term` is in months, and over at `term_end`; `committed` is the rate of the term."""

    rate: int = 100
    name: str = "HQ to cloud"
    status: str = "LIVE"
    port: str = "port-1"
    far_port: str = "far-port"
    port_speed: int = 10_000
    provider: bool = False
    internet: bool = False
    term: int = 1
    term_end: datetime | None = None
    committed: int = 0
    locked: bool = False
    admin_locked: bool = False
    shutdown: bool = False
    usage: str = "POST_PAID_HOURLY_SPEED_LONG_HAUL_VXC"
    target: int | None = None
    accepted_at: datetime | None = None
    approval: dict[str, Any] = field(default_factory=dict)
    changes: list[int] = field(default_factory=list)
    changed_at: list[datetime] = field(default_factory=list)


class MegaportServer:
    """A context manager over both hosts. `now` tells its time; `script` plans faults by call, `calls` counts
    what came in.

    Switches: `provisioning` (0: a change is done at once), `shows_new_early` (the new rate while
    configuring), `pending_word` of the status meanwhile, `grant_type_in` (where the login takes it),
    `login_error_is_200`, `token_life`, `read_only` (the key's role), `min_gap` and `per_month` with
    `limit_status`, `refusals_count`, `prices_hidden`, `staging`.
    """

    def __init__(self, now: Callable[[], datetime] | None = None, *, staging: bool = False) -> None:
        self.now = now or (lambda: datetime.now(UTC))
        self.staging = staging
        self.key = f"{KEY}-staging" if staging else KEY
        self.circuits: dict[str, Vxc] = {}
        self.provisioning = timedelta()
        self.shows_new_early = False
        self.pending_word = "CONFIGURING"
        self.grant_type_in = frozenset({"query"})
        self.login_error_is_200 = False
        self.token_life = 86_400
        self.read_only = False
        self.min_gap: timedelta | None = timedelta(minutes=5)
        self.per_month: int | None = 100
        self.limit_status = 429
        self.refusals_count = False
        self.prices_hidden = False
        self.monthly = {100: "150.0", 500: "400.0", 1000: "650.0"}
        self.currency = "USD"
        self.calls: Counter[str] = Counter()
        self.requests: list[Request] = []
        self._arrived: deque[datetime] = deque()
        self._faults: dict[str, deque[Fault]] = {}
        self._tokens: dict[str, datetime] = {}
        self._numbers = itertools.count(7001)
        self._login = LocalServer(lambda request: self._answer(request, self._token_call))
        self._api = LocalServer(lambda request: self._answer(request, self._api_call))

    @property
    def base_url(self) -> str:
        return self._api.url

    @property
    def token_url(self) -> str:
        return f"{self._login.url}/oauth2/token"

    def __enter__(self) -> Self:
        self._login.__enter__()
        self._api.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._api.__exit__(kind, error, trace)
        self._login.__exit__(kind, error, trace)

    def script(self, call: str, *faults: Fault) -> None:
        """The next answers to `call`, one fault each."""
        self._faults.setdefault(call, deque()).extend(faults)

    def forget_tokens(self) -> None:
        """All tokens are used up."""
        self._tokens.clear()

    def overwrite(self, production: Mapping[str, Vxc]) -> None:
        """What happens to staging every day: production's data replace its own."""
        self.circuits = {uid: replace(vxc, changes=[], changed_at=[]) for uid, vxc in production.items()}

    def approve(self, uid: str) -> None:
        """The other company lets the waiting raise through."""
        vxc = self.circuits[uid]
        vxc.target, vxc.accepted_at = vxc.approval["newSpeed"], self.now()
        vxc.approval = {}

    def reject(self, uid: str, status: str = "REJECTED") -> None:
        """The waiting raise comes to nothing: REJECTED, WITHDRAWN, EXPIRED or FAILED."""
        self.circuits[uid].approval["status"] = status

    def settle(self, vxc: Vxc) -> None:
        """Carries out what is due by now."""
        if vxc.accepted_at is not None and self.now() >= vxc.accepted_at + self.provisioning:
            vxc.rate, vxc.target, vxc.accepted_at = vxc.target or vxc.rate, None, None

    def _answer(self, request: Request, name_call: Callable[[Request], str]) -> Reply:
        self.requests.append(request)
        call = name_call(request)
        self.calls[call] += 1
        planned = self._faults.get(call)
        reply = (
            planned.popleft()(lambda: self._route(call, request)) if planned else self._route(call, request)
        )
        date = format_datetime(datetime.now(UTC), usegmt=True)
        return replace(reply, headers={"Date": date, **reply.headers})

    def _token_call(self, request: Request) -> str:
        return TOKEN if request.path == "/oauth2/token" else "unknown"

    def _api_call(self, request: Request) -> str:
        if request.path in _FIXED:
            return _FIXED[request.path][1]
        if request.path.startswith(_PRODUCT):
            return READ
        return CHANGE if request.path.startswith(_VXC) else "unknown"

    def _route(self, call: str, request: Request) -> Reply:
        if call == TOKEN:
            return self._token(request)
        if call == "unknown":
            return refusal(404, "Not Found")
        if self._too_many_requests():
            return refusal(429, "Too many requests")
        if self._tokens.get(_bearer(request), datetime.min.replace(tzinfo=UTC)) <= self.now():
            return refusal(401, "Invalid access token")
        wanted = {READ: "GET", CHANGE: "PUT"}.get(call) or _FIXED[request.path][0]
        if request.method != wanted:
            return refusal(405, "Method Not Allowed")
        if set(request.query) - _QUERY.get(call, set()):
            return refusal(400, "Bad Request", f"unknown query {sorted(request.query)}")
        if wanted == "GET":
            if request.body:
                return refusal(400, "Bad Request", "a body in a GET")
            return {READ: self._read, LIST: self._list, APPROVALS: self._approvals}[call](request)
        return self._with_body(call, request)

    def _with_body(self, call: str, request: Request) -> Reply:
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return refusal(415, "Unsupported Media Type")
        try:
            body = json.loads(request.body)
        except ValueError:
            return refusal(400, "Bad Request", "malformed JSON")
        if not isinstance(body, dict):
            return refusal(400, "Bad Request", "not an object")
        return self._price(body) if call == PRICE else self._change(request.path.removeprefix(_VXC), body)

    def _too_many_requests(self) -> bool:
        self._arrived.append(self.now())
        while self._arrived[0] <= self.now() - _REQUEST_SPAN:
            self._arrived.popleft()
        return len(self._arrived) > _REQUESTS

    def _token(self, request: Request) -> Reply:
        if request.method != "POST":
            return Reply.of({"error": "invalid_request"}, 405)
        if request.headers.get("content-type", "").split(";")[0] != "application/x-www-form-urlencoded":
            return Reply.of({"error": "invalid_request"}, 400)
        wanted = "Basic " + base64.b64encode(f"{self.key}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != wanted:
            return Reply.of({"error": "invalid_client"}, 200 if self.login_error_is_200 else 400)
        given = {"query": dict(request.query), "form": dict(request.form)}
        if any(given[place] for place in given if place not in self.grant_type_in) or not any(
            given[place] == {"grant_type": "client_credentials"} for place in self.grant_type_in
        ):
            return Reply.of({"error": "unsupported_grant_type"}, 400)
        token = f"mp-token-{next(self._numbers)}"
        self._tokens[token] = self.now() + timedelta(seconds=self.token_life)
        return Reply.of({"access_token": token, "token_type": "Bearer", "expires_in": self.token_life})

    def _read(self, request: Request) -> Reply:
        uid = request.path.removeprefix(_PRODUCT)
        if uid not in self.circuits:
            return refusal(404, "Service not found", f"Could not find a service with UID {uid}")
        return _fine(self._product(uid))

    def _list(self, request: Request) -> Reply:  # noqa: ARG002 - called like the others
        """Ports with their VXCs; one between two of the company's own stands under both."""
        vxcs = self.circuits.values()
        ports = sorted({port for vxc in vxcs for port in (vxc.port, vxc.far_port)} - {"far-port"})
        listed = [
            {
                "productUid": port,
                "productType": "MEGAPORT",
                "provisioningStatus": "LIVE",
                "associatedVxcs": [
                    self._product(uid)
                    for uid, vxc in self.circuits.items()
                    if port in (vxc.port, vxc.far_port)
                ],
            }
            for port in ports
        ]
        return _fine(listed)

    def _approvals(self, request: Request) -> Reply:
        wanted = request.query.get("status")
        waiting = [
            {"uid": vxc.approval["uid"], "status": vxc.approval["status"], "type": "SPEED_CHANGE"}
            for vxc in self.circuits.values()
            if vxc.approval and wanted in (None, vxc.approval["status"])
        ]
        return _fine(waiting)

    def _product(self, uid: str) -> dict[str, Any]:
        vxc = self.circuits[uid]
        self.settle(vxc)
        busy = vxc.target is not None
        approval = {"status": None, "message": None, "uid": None, "type": None, "newSpeed": None}
        transit = [{"connectType": "TRANSIT"}] if vxc.internet else []
        return {
            "productUid": uid,
            "productType": "VXC",
            "productName": vxc.name,
            "rateLimit": vxc.target if busy and self.shows_new_early else vxc.rate,
            "provisioningStatus": self.pending_word if busy else vxc.status,
            "contractTermMonths": vxc.term,
            "contractStartDate": 1706104800000,
            "contractEndDate": None if vxc.term_end is None else int(vxc.term_end.timestamp() * 1000),
            "usageAlgorithm": vxc.usage,
            "vxcApproval": {**approval, **vxc.approval},
            "locked": vxc.locked,
            "adminLocked": vxc.admin_locked,
            "shutdown": vxc.shutdown,
            "cancelable": True,
            "companyUid": COMPANY,
            "aEnd": {"locationId": 1, "productUid": vxc.port},
            "bEnd": {"locationId": 2, "productUid": vxc.far_port},
            "resources": {"csp_connection": transit},
        }

    def _change(self, uid: str, body: Mapping[str, Any]) -> Reply:
        vxc = self.circuits.get(uid)
        if vxc is None:
            return refusal(404, "Service not found", f"Could not find a service with UID {uid}")
        if self.read_only:
            return refusal(403, "Forbidden", "The role of this key does not allow that")
        self.settle(vxc)
        limited = self._limited(vxc)
        no = limited or self._no(vxc, body)
        if no is not None:
            if self.refusals_count and limited is None:
                vxc.changed_at.append(self.now())
            return no
        vxc.changed_at.append(self.now())
        rate: int = body["rateLimit"]
        vxc.changes.append(rate)
        if vxc.provider and rate > vxc.rate:
            vxc.approval = {
                "status": "PENDING",
                "message": "Waiting for the provider",
                "uid": f"approval-{next(self._numbers)}",
                "type": "SPEED_CHANGE",
                "newSpeed": rate,
            }
        else:
            vxc.approval = {}
            vxc.target, vxc.accepted_at = rate, self.now()
        return _fine(self._product(uid))

    def _limited(self, vxc: Vxc) -> Reply | None:
        now = self.now()
        if self.min_gap is not None and vxc.changed_at and now - vxc.changed_at[-1] < self.min_gap:
            return refusal(self.limit_status, "Too many updates", "A service is updated once in 5 minutes")
        month = [at for at in vxc.changed_at if (at.year, at.month) == (now.year, now.month)]
        if self.per_month is not None and len(month) >= self.per_month:
            return refusal(self.limit_status, "Too many updates", "A service is updated 100 times a month")
        return None

    def _no(self, vxc: Vxc, body: Mapping[str, Any]) -> Reply | None:
        rate = body.get("rateLimit")
        if "term" in body:
            return refusal(409, "Conflict", "term cannot be extended")
        if set(body) != {"rateLimit"}:
            return refusal(403, "Forbidden", f"not for you to change: {sorted(set(body) - {'rateLimit'})}")
        if type(rate) is not int or not 1 <= rate <= vxc.port_speed:
            return refusal(400, "Bad Request", f"rateLimit must be a whole number up to {vxc.port_speed}")
        if vxc.status in ("DECOMMISSIONED", "CANCELLED"):
            return refusal(404, "Service not found")
        if vxc.locked or vxc.admin_locked:
            return refusal(403, "Forbidden", "The service is locked")
        if vxc.approval.get("status") == "PENDING" or vxc.target is not None:
            return refusal(409, "Conflict", "A change of this service is pending")
        if vxc.status not in ("LIVE", "CONFIGURED"):
            return refusal(409, "Conflict", f"The service is {vxc.status}")
        if any(one.target is not None and one.port == vxc.port for one in self.circuits.values()):
            return refusal(500, "Internal Server Error", "The port is being changed")
        on_term = vxc.term > 1 and (vxc.term_end is None or vxc.term_end > self.now())
        if on_term and (vxc.internet or rate < vxc.committed):
            return refusal(400, "Bad Request", "The contract term does not allow this rate")
        return None

    def _price(self, body: Mapping[str, Any]) -> Reply:
        wrong = [name for name, value in body.items() if type(value) is not _PRICE_KEYS.get(name)]
        missing = [
            name for name in ("productType", "aLocationId", "bLocationId", "speed") if name not in body
        ]
        if wrong or missing or body["productType"] != "VXC":
            return refusal(400, "Bad Request", f"wrong {wrong}, missing {sorted(missing)}")
        if self.prices_hidden:
            return refusal(403, "Forbidden", "Prices are not shown to managed accounts")
        monthly = float(self.monthly.get(body["speed"], "999.0"))
        return _fine(
            {
                "productType": "VXC",
                "currency": body.get("currency", self.currency),
                "monthlyRate": monthly,
                "monthlyRackRate": monthly,
                "prices": [{"chargeReason": "CORE", "frequency": "MONTHLY", "amount": monthly}],
                "discounts": [],
            }
        )


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


def _fine(data: object) -> Reply:
    return Reply.of({"message": "Found", "terms": "This data is subject to the terms of use", "data": data})
