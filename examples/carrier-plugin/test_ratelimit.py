"""The contract, against a server of our own on loopback: `pytest -p test_ratelimit --pyargs
iodcal.plugins.contract`, or just `pytest`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from iodcal_ratelimit import RateLimit, RateLimitOptions

from iodcal.plugins import Bandwidth, CarrierContext, section_of
from iodcal.plugins.contract import CarrierContract, Harness

TOKEN = "token-of-the-example"  # noqa: S105 - of no worth


class Server(ThreadingHTTPServer):
    """The carrier: one circuit, whose rate is set at once."""

    rate, taken = 100, 0
    fault: str | None = None
    garbled: bytes | None = None


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if self.headers["Authorization"] != f"Bearer {TOKEN}" or not path.startswith("/product/port-1"):
            return self.say(404, {"message": "not found"})
        if path.endswith("/price"):
            return self.say(200, {"monthlyRate": 2 * int(query.removeprefix("speed="))})
        return self.say(200, self.product(), self.server.garbled)

    def do_PUT(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault, self.server.fault = self.server.fault, None
        if fault == "refuse" or set(wanted) != {"rateLimit"}:
            return self.say(403, {"message": "not allowed"})
        if fault != "lost before":
            self.server.rate, self.server.taken = wanted["rateLimit"], self.server.taken + 1
        return None if fault else self.say(200, self.product())  # without an answer the connection just ends

    def product(self) -> dict[str, Any]:
        return {"rateLimit": self.server.rate, "provisioningStatus": "LIVE"}

    def say(self, status: int, document: object, body: bytes | None = None) -> None:
        body = json.dumps(document).encode() if body is None else body
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing."""


class RateLimitHarness(Harness):
    service_id = "port-1"
    bandwidth = Bandwidth(100)
    other = Bandwidth(1000)
    unknown_service_id = "port-9"
    secrets = (TOKEN,)

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        host, port = server.server_address[:2]
        given = {"base_url": f"http://{host!s}:{port}", "account": "4711", "token": TOKEN}
        self.carrier = RateLimit(section_of(RateLimitOptions, given), CarrierContext(folder))

    def lose_answer(self, *, after_effect: bool) -> None:
        self.server.fault = "lost after" if after_effect else "lost before"

    def refuse(self) -> None:
        self.server.fault = "refuse"

    def orders(self) -> int:
        return self.server.taken

    def garble(self, body: bytes) -> None:
        self.server.garbled = body


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[RateLimitHarness]:
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield RateLimitHarness(server, tmp_path)
        server.shutdown()


class TestRateLimit(CarrierContract):
    """The contract."""
