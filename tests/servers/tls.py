"""A certificate authority of the tests' own, and an HTTP server on loopback that may speak TLS."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import trustme


class TestAuthority:
    """A certificate authority; `ca_path` is the file for REQUESTS_CA_BUNDLE."""

    __test__ = False

    def __init__(self, directory: Path) -> None:
        self._authority = trustme.CA()
        self.ca_path = directory / "test-ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca_path))

    def server_context(self, *names: str) -> ssl.SSLContext:
        """TLS for a server called `names` (default: loopback's)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert(context)
        return context


DRIP_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came. Names in `headers` and of `query` are lower-case; the path is decoded."""

    method: str
    path: str
    raw_path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def form(self) -> Mapping[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out. `missing` bytes more are announced than sent; `dropped`: the connection just ends.
    `drip` goes out instead of all else: a beginning, and what follows it now and then, for ever."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0
    dropped: bool = False
    drip: tuple[bytes, bytes] | None = None

    @classmethod
    def of(cls, document: object, status: int = 200, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(document).encode(), {"Content-Type": "application/json", **named})

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class LocalServer:
    """Serves `answer` on 127.0.0.1, over TLS where a context is given. A context manager."""

    def __init__(self, answer: Callable[[Request], Reply], context: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.watch: Callable[[], None] = lambda: (
            None
        )  # called as each request arrives, and again once it is done
        self._closing = threading.Event()
        handler = _handler(answer, self._count, lambda: self.watch(), self._closing)
        self._http = _Server(("127.0.0.1", 0), handler)
        self._http.context = context
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.005,), daemon=True)

    def _count(self) -> None:
        self.connections += 1

    def __enter__(self) -> LocalServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def _in_chunks(body: bytes, size: int = 4096) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    context: ssl.SSLContext | None = None

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.context is not None:
            # The handshake waits for the connection's own thread: one slow client must not stop the others.
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, or does not like our certificate, is part of the tests."""


def _handler(
    answer: Callable[[Request], Reply],
    count: Callable[[], None],
    watch: Callable[[], None],
    closing: threading.Event,
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            count()

        def do_GET(self) -> None:
            self._answer()

        do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815 - likewise

        def _answer(self) -> None:
            request = self._request()
            watch()
            reply = answer(request)
            watch()
            if reply.drip is not None:
                self._drip(*reply.drip)
            if reply.dropped or reply.drip is not None:
                self.close_connection = True
                return
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            chunked = reply.headers.get("Transfer-Encoding") == "chunked"
            if "Content-Length" not in reply.headers and not chunked:
                self.send_header("Content-Length", str(len(reply.body) + reply.missing))
            self.end_headers()
            self.close_connection = self.close_connection or reply.missing > 0
            with contextlib.suppress(OSError):
                self.wfile.write(_in_chunks(reply.body) if chunked else reply.body)

        def _drip(self, beginning: bytes, again: bytes) -> None:
            with contextlib.suppress(OSError):  # the client has hung up
                self.wfile.write(beginning)
                while not closing.wait(DRIP_SECONDS):
                    self.wfile.write(again)

        def _request(self) -> Request:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=False)
            length = int(self.headers.get("Content-Length") or 0)
            return Request(
                self.command,
                unquote(parts.path),
                self.path,
                {name.lower(): values[-1] for name, values in query.items()},
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
            )

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            """Keeps quiet."""

    return Handler
