"""A proxy on loopback: it takes CONNECT, refuses it, or answers in the place of the server behind it."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from tests.servers.tls import Reply, Request, TestAuthority

Answer: TypeAlias = Callable[[Request], Reply]

SIGN_IN = Reply(
    200,
    b"<!DOCTYPE html>\n<html><head><title>Guest network: please sign in</title></head></html>",
    {"Content-Type": "text/html"},
)
"""What a network says, with a good status, that wants a person to sign in first."""


class Proxy:
    """A context manager. `hosts` says, for each host's name, with what status a CONNECT to it is refused, or
    who answers what is asked of it, over TLS in its name. A host that it does not know gets a 502."""

    def __init__(self, directory: Path) -> None:
        self._authority = TestAuthority(directory)
        self.hosts: dict[str, int | Answer] = {}
        self.connects: list[str] = []
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._making = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.005,), daemon=True)

    @property
    def address(self) -> str:
        """Host and port, as messages name it."""
        return f"127.0.0.1:{self._http.server_port}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs in its environment to go through this proxy."""
        return {
            "HTTPS_PROXY": f"http://proxy-user:proxy-password@{self.address}",
            "REQUESTS_CA_BUNDLE": str(self._authority.ca_path),
            "NO_PROXY": "127.0.0.1",
        }

    def context(self, host: str) -> ssl.SSLContext:
        with self._making:
            if host not in self._contexts:
                self._contexts[host] = self._authority.server_context(host)
            return self._contexts[host]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        answer: Answer | None = None

        def do_CONNECT(self) -> None:
            host = self.path.rpartition(":")[0]
            proxy.connects.append(host)
            answer = proxy.hosts.get(host, 502)
            if isinstance(answer, int):
                self.send_response_only(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()
                self.close_connection = True
                return
            self.send_response_only(200)
            self.end_headers()
            self.rfile.close()
            self.connection = proxy.context(host).wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
            self.answer = answer
            self.close_connection = False

        def do_GET(self) -> None:
            if self.answer is None:  # plain http, which nothing here may send
                raise AssertionError(f"asked for {self.path} in clear")
            parts = urlsplit(self.path)
            query = {name.lower(): one[-1] for name, one in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, unquote(parts.path), self.path, query, headers, body)
            reply = self.answer(request)
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                if name != "Transfer-Encoding":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            with contextlib.suppress(OSError):
                self.wfile.flush()

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        do_POST = do_GET  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            """Keeps quiet."""

    return Handler
