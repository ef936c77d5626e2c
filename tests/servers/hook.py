"""A receiver of webhooks on loopback: a chat, a pager, a watchdog. It keeps what came."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from tests.servers.tls import LocalServer, Reply, Request


@dataclass
class Hook:
    """A context manager. `status` is what it answers; with `hanging` it takes a message and does not answer
    until `closing`. `arrived` is set with the first message."""

    status: int = 202
    hanging: bool = False
    body: bytes = b""
    requests: list[Request] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)
    answered: int = 0

    def __post_init__(self) -> None:
        self._server = LocalServer(self._answer)

    @property
    def url(self) -> str:
        return f"{self._server.url}/hook/very-secret-path?sig=very-secret-query"

    @property
    def bodies(self) -> list[Any]:
        """The documents that came, in order. The doctor's knock on the door brings none."""
        return [Reply(body=request.body).document for request in self.requests if request.body]

    @property
    def kinds(self) -> list[str]:
        """The kinds of the notices that came in the form that a webhook without a template gets."""
        return [body["kind"] for body in self.bodies]

    def __enter__(self) -> Hook:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.__exit__(kind, error, trace)

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        self.arrived.set()
        if self.hanging:
            self.closing.wait(600)
        self.answered += 1
        return Reply(self.status, self.body)
