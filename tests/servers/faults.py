"""Faults for the local servers: each takes the right reply and its request, and gives what goes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from tests.servers.tls import Reply, Request

Fault: TypeAlias = Callable[[Reply, Request], Reply]


def fine(reply: Reply, request: Request) -> Reply:  # noqa: ARG001 - a Fault like the others
    """No fault: for the requests before the one that goes wrong."""
    return reply


def instead(reply: Reply) -> Fault:
    """Something altogether different."""
    return lambda _right, _request: reply


def throttled(retry_after: str | None = "1") -> Fault:
    headers = {} if retry_after is None else {"Retry_After": retry_after}
    return instead(graph_error(429, "ApplicationThrottled", **headers))


def html(status: int) -> Fault:
    page = f"<!DOCTYPE html>\n<html><head><title>{status} Fault</title></head><body>sorry</body></html>"
    return instead(Reply(status, page.encode(), {"Content-Type": "text/html"}))


def refused(status: int, code: str) -> Fault:
    """Graph's way to say no."""
    return instead(graph_error(status, code))


def cut_json(reply: Reply, request: Request) -> Reply:  # noqa: ARG001 - a Fault
    """Whole by its length, but half a document."""
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def cut_short(reply: Reply, request: Request) -> Reply:  # noqa: ARG001 - a Fault
    """Fewer bytes than were announced."""
    half = len(reply.body) // 2
    return replace(reply, body=reply.body[:half], missing=len(reply.body) - half)


def dropped(reply: Reply, request: Request) -> Reply:  # noqa: ARG001 - a Fault
    """No answer at all."""
    return Reply(dropped=True)


def changed(**properties: object) -> Fault:
    """The right document with some properties of it set to something else; None takes one away."""

    def fault(reply: Reply, request: Request) -> Reply:  # noqa: ARG001 - a Fault
        document = {**reply.document, **properties}
        kept = {name: value for name, value in document.items() if value is not None}
        return replace(reply, body=json.dumps(kept).encode())

    return fault


def next_page_at(address: str) -> Fault:
    """A page whose successor is at `address`."""
    return changed(**{"@odata.nextLink": address})


def graph_error(status: int, code: str, **headers: str) -> Reply:
    """An error in Graph's envelope; underscores in the names of headers stand for hyphens."""
    inner = {"date": "2026-11-22T14:52:00", "request-id": "11112222-aaaa", "client-request-id": "3333"}
    error = {"code": code, "message": "Text that nobody may rely on.", "innerError": inner}
    return Reply.of({"error": error}, status, request_id="11112222-aaaa", **headers)
