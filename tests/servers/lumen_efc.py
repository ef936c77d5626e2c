"""Lumen's Ethernet Fabric Connect on loopback, strict as its specification 1.0.0 reads.

Connections by UUID, `PATCH` by the type of the connection, problem+json for every no, hourly prices of each
offer.
It takes the tokens of a `LumenServer`: one key opens both products. What the specification leaves open is a
switch.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.servers.lumen import Fault, LumenServer
from tests.servers.tls import Reply, Request

LIST, READ, OFFERS, BILLING, CHANGE = "list", "connection", "bandwidths", "billing", "change"
_LOW = (10, 20, 50, 100, 200, 300, 400, 500, 1000, 2000, 3000, 5000)
SOLD = frozenset((*_LOW, *range(10_000, 30_000, 5_000), *range(30_000, 100_001, 10_000)))
_BASE = "/fabric/v1"
_PATHS = (
    ("GET", re.compile(r"/connections"), LIST),
    ("GET", re.compile(r"/connections/([0-9a-f-]{36})"), READ),
    ("GET", re.compile(r"/connections/([0-9a-f-]{36})/bandwidths"), OFFERS),
    ("GET", re.compile(r"/billing/([0-9a-f-]{36})"), BILLING),
    ("PATCH", re.compile(r"/connections/(virtual/p2p|cloud/hosted/\w+)/([0-9a-f-]{36})"), CHANGE),
)
_QUERIES = {LIST: {"limit", "offset"}}
_OF_ACCOUNT = {"customer_number", "billing_account_number"}
_CLOUDS = {"aws": "aws", "gcp": "gcp", "azure": "azure", "azure-gov": "azure", "oci": "oci", "oci-gov": "oci"}


def problem(status: int, title: str, detail: str = "", **more: object) -> Reply:
    """A no in the form of RFC 9457."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return replace(Reply.of(body, status), headers={"Content-Type": "application/problem+json"})


NOT_IN_KEY = Reply.of(
    {
        "fault": {
            "faultstring": "Invalid API call as no apiproduct match found",
            "detail": {"errorcode": "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound"},
        }
    },
    401,
)


@dataclass
class FakeConnection:
    """A connection. `options` are (category, class of service, price per hour) of each offer."""

    bandwidth: int = 100
    kind: str = "port.port"
    state: str = "active"
    term: str = "Hourly"
    service_class: str | None = "basic"
    name: str = "HQ to Omaha"
    options: tuple[tuple[str, str, str], ...] = (("metro", "basic", "1.250000"),)
    target: int | None = None
    accepted_at: datetime | None = None
    changes: list[int] = field(default_factory=list)


class EfcServer:
    """The product behind `lumen`, at the same address. Switches: `provisioning` (0: done at once),
    `shows_new_early`, `busy_status` (the refusal while a change is under way), `type_field`."""

    def __init__(self, lumen: LumenServer) -> None:
        self._lumen = lumen
        self.connections: dict[str, FakeConnection] = {}
        self.provisioning = timedelta(minutes=7)
        self.shows_new_early = False
        self.busy_status = 422
        self.type_field = "type"
        self.calls: Counter[str] = Counter()
        self.requests: list[Request] = []
        self._faults: dict[str, deque[Fault]] = {}
        lumen.products[_BASE] = self._answer

    def script(self, call: str, *faults: Fault) -> None:
        """The next answers to `call`, one fault each."""
        self._faults.setdefault(call, deque()).extend(faults)

    def settle(self, connection: FakeConnection) -> None:
        """Carries out what is due by now."""
        at = connection.accepted_at
        if at is not None and self._lumen.now() >= at + self.provisioning:
            connection.bandwidth = connection.target or connection.bandwidth
            connection.target = connection.accepted_at = None

    def _answer(self, request: Request) -> Reply:
        call, kind, uid = _call_of(request)
        self.requests.append(request)
        self.calls[call] += 1
        planned = self._faults.get(call)
        answers: Mapping[str, Callable[[], Reply]] = {
            LIST: lambda: self._list(request),
            READ: lambda: Reply.of(self._shown(uid)),
            OFFERS: lambda: Reply.of(self._offers(uid)),
            BILLING: lambda: Reply.of({"period": self.connections[uid].term, "rate": "1.250000"}),
            CHANGE: lambda: self._change(kind, uid, request),
        }

        def right() -> Reply:
            no = self._no(call, uid, request)
            return no if no is not None else answers[call]()

        reply = planned.popleft()(right) if planned else right()
        date = format_datetime(datetime.now(UTC), usegmt=True)
        return replace(reply, headers={"Date": date, **reply.headers})

    def _no(self, call: str, uid: str, request: Request) -> Reply | None:
        if not self._lumen.knows(request):
            return problem(401, "Unauthorized", "The access token is missing, wrong or over")
        if call == "method":
            return problem(405, "Method Not Allowed")
        if call == "unknown" or (call != LIST and uid not in self.connections):
            return problem(404, "Not Found", f"no {request.path.removeprefix(_BASE)}")
        allowed = set() if call == CHANGE else _OF_ACCOUNT | _QUERIES.get(call, set())
        if set(request.query) - allowed:
            return problem(400, "Bad Request", f"unknown query {sorted(set(request.query) - allowed)}")
        return problem(400, "Bad Request", "a body in a GET") if call != CHANGE and request.body else None

    def _list(self, request: Request) -> Reply:
        limit, offset = int(request.query.get("limit", "25")), int(request.query.get("offset", "0"))
        if not 1 <= limit <= 100:
            pointer = [{"code": "range", "message": "out of range", "parameter": "limit"}]
            return problem(400, "Bad Request", "limit", errors=pointer)
        names = list(self.connections)
        pages = {"limit": limit, "offset": offset, "total": len(names)}
        return Reply.of(
            {"pagination": pages, "data": [self._shown(uid) for uid in names[offset : offset + limit]]}
        )

    def _shown(self, uid: str) -> dict[str, Any]:
        one = self.connections[uid]
        self.settle(one)
        busy = one.target is not None
        shown = {
            "connection_id": uid,
            "state": "updating" if busy else one.state,
            self.type_field: one.kind,
            "name": one.name,
            "bandwidth": one.target if busy and self.shows_new_early else one.bandwidth,
            "term": one.term,
            "customer_number": "1-ABCDE",
            "billing_account_number": "5-ABCDEFGH",
        }
        return shown if one.service_class is None else {**shown, "class_of_service": one.service_class}

    def _offers(self, uid: str) -> list[dict[str, Any]]:
        return [
            {
                "bandwidth": mbps,
                "options": [
                    {
                        "category": category,
                        "class_of_service": service_class,
                        "price_hourly": f"{float(price) * mbps / 100:.6f}",
                        "price_monthly": f"{float(price) * mbps * 6:.6f}",
                    }
                    for category, service_class, price in self.connections[uid].options
                ],
            }
            for mbps in sorted(SOLD)
        ]

    def _change(self, path: str, uid: str, request: Request) -> Reply:
        one = self.connections[uid]
        self.settle(one)
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return problem(415, "Unsupported Media Type")
        try:
            body = json.loads(request.body)
        except ValueError:
            return problem(400, "Bad Request", "malformed JSON")
        if path != _path_of(one.kind):
            return problem(404, "Not Found", f"no connection {uid} of {path}")
        if set(body) - {"name", "description", "bandwidth"} or (path.endswith("aws") and "bandwidth" in body):
            return problem(400, "Bad Request", "The body has unknown properties")
        if set(body) != {"bandwidth"}:
            return problem(400, "Bad Request", "Names and descriptions belong to people")
        mbps = body["bandwidth"]
        if type(mbps) is not int or mbps not in SOLD:
            wrong = {"code": "enum", "message": "wrong", "detail": f"{mbps} Mbps", "pointer": "/bandwidth"}
            return problem(422, "Unprocessable", "The bandwidth is not sold", errors=[wrong])
        if one.target is not None or one.state != "active":
            detail = f"The connection is in the state {'updating' if one.target else one.state}"
            return problem(self.busy_status, "Conflict", detail)
        one.changes.append(mbps)
        one.target, one.accepted_at = mbps, self._lumen.now()
        return Reply.of(self._shown(uid))


def _path_of(kind: str) -> str | None:
    """Where a connection of this type is changed; None where it cannot be."""
    end = kind.partition(".")[2]
    if end == "port":
        return "virtual/p2p"
    return f"cloud/hosted/{_CLOUDS[end]}" if end in _CLOUDS else None


def _call_of(request: Request) -> tuple[str, str, str]:
    """The call, the kind of path of a change, and the connection's ID."""
    path = request.path.removeprefix(_BASE)
    known = [(method, match, call) for method, form, call in _PATHS if (match := form.fullmatch(path))]
    for method, match, call in known:
        if method == request.method:
            groups = ("", "", *match.groups())
            return call, groups[-2], groups[-1]
    return ("method" if known else "unknown"), "", ""
