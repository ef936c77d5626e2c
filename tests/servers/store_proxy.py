"""A proxy between a client and an object store: it counts, loses answers, is gone, or tells a test."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal
from urllib.parse import unquote, urlsplit

Loss = Literal["closed", "502"]
Answer = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers, content."""


@dataclass(frozen=True)
class Seen:
    """One request, and what the store answered."""

    method: str
    name: str
    status: int

    @property
    def put(self) -> bool:
        return self.method == "PUT"


@dataclass
class StoreProxy:
    """A context manager before the store at `upstream`. `seen` is what came, in order. `loses` says which
    puts (from 1 on) reach the store and get no answer, or a 502; `gone` that nothing reaches it any more;
    `clock_off` by how much its clock differs; `watch` hears of each request before it is passed on, and of
    each answer before it is given. `instead` may answer in the place of the store; `cuts` is how many answers
    to a GET end in the middle; `twice` that each put is repeated, as clients do, and the second answer
    given.
    Requests are passed on one at a time, since the small stores check a
    condition and write in two steps."""

    upstream: str
    seen: list[Seen] = field(default_factory=list)
    loses: dict[int, Loss] = field(default_factory=dict)
    gone: bool = False
    clock_off: timedelta = timedelta()
    read_only: bool = False
    puts: int = 0
    cuts: int = 0
    twice: bool = False
    instead: Callable[[str, str], Answer | None] = lambda _method, _name: None
    watch: Callable[[str], None] = lambda _what: None

    def __post_init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> StoreProxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forget(self) -> None:
        """Begins to count anew."""
        self.seen.clear()
        self.puts = 0

    def methods(self) -> list[str]:
        return [one.method for one in self.seen]

    def _pass_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.upstream).netloc, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _loss(self, method: str) -> Loss | None:
        if method != "PUT":
            return None
        self.puts += 1
        return self.loses.get(self.puts)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                proxy.watch(self.command)
                with proxy._one_at_a_time:
                    if proxy.gone:
                        self.close_connection = True
                        return
                    name = unquote(urlsplit(self.path).path)
                    if other := proxy.instead(self.command, name):
                        status, headers, content = other
                    elif proxy.read_only and self.command not in ("GET", "HEAD"):
                        status, headers, content = (
                            403,
                            list[tuple[str, str]](),
                            b"<Error><Code>AccessDenied</Code></Error>",
                        )
                    else:
                        status, headers, content = proxy._pass_on(
                            self.command, self.path, dict(self.headers.items()), body
                        )
                        if proxy.twice and self.command == "PUT":
                            status, headers, content = proxy._pass_on(
                                self.command, self.path, dict(self.headers.items()), body
                            )
                    proxy.seen.append(Seen(self.command, name, status))
                    loss = proxy._loss(self.command)
                proxy.watch(f"{self.command} answered")
                if loss == "closed":
                    self.close_connection = True
                    return
                self._reply(502 if loss == "502" else status, headers, b"" if loss else content)

            def _reply(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() == "last-modified":
                        value = _moved(value, proxy.clock_off)
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                length = next((value for name, value in headers if name.lower() == "content-length"), "0")
                self.send_header("Content-Length", length if self.command == "HEAD" else str(len(content)))
                self.end_headers()
                if self.command == "GET" and content and proxy.cuts > 0:
                    proxy.cuts -= 1
                    content, self.close_connection = content[: len(content) // 2], True
                if self.command != "HEAD":
                    self.wfile.write(content)

            def log_message(self, *_of: object) -> None:
                """Says nothing."""

        for method in ("GET", "PUT", "HEAD", "POST", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.handle_any)
        return Handler


def _moved(text: str, off: timedelta) -> str:
    return format_datetime(parsedate_to_datetime(text).astimezone(UTC) + off, usegmt=True)
