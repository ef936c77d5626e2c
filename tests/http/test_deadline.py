"""A deadline holds for the whole exchange: servers that send a byte now and then, wherever it may stand."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iodcal.http import Deadline, HttpError, ReadingSession, Session
from iodcal.http.exchange import current_exchange
from iodcal.http.transport import LocalSession
from tests.http.drips import DRIPS
from tests.servers.tls import LocalServer, Reply, TestAuthority

SECONDS = 0.3
BOUNDED = 60.0  # seconds: far from what any of these would take without a deadline, and from any slow machine


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """What is done inside must not take as long as it would without a deadline."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < BOUNDED


@pytest.mark.parametrize("name", DRIPS)
def test_a_drip_ends_with_the_deadline(name: str) -> None:
    with LocalServer(lambda _: Reply(drip=DRIPS[name])) as server, bounded():
        with pytest.raises(HttpError) as read:
            ReadingSession().get(server.url, deadline=Deadline.after(SECONDS))
        with pytest.raises(HttpError) as sent:
            Session().post(server.url, json={}, deadline=Deadline.after(SECONDS))
    assert [(one.value.code, one.value.sent) for one in (read, sent)] == [("deadline", True)] * 2


@pytest.mark.parametrize("name", ["trailer", "gzip header"])
def test_a_drip_over_tls_ends_with_the_deadline(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = TestAuthority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_path))
    replies = [Reply.of({}), Reply(drip=DRIPS[name])]
    with LocalServer(lambda _: replies.pop(0), authority.server_context()) as server, bounded():
        session = Session()
        session.get(server.url, deadline=Deadline.after(BOUNDED))  # the next one goes over this connection
        with pytest.raises(HttpError) as sent:
            session.post(server.url, json={}, deadline=Deadline.after(SECONDS))
        assert server.connections == 1
    assert (sent.value.code, sent.value.sent) == ("deadline", True)


def test_a_tls_handshake_that_drips_ends_with_the_deadline_and_nothing_was_sent() -> None:
    over = threading.Event()

    def serve(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"\x16\x03\x03\x40\x00\x02")
                while not over.wait(0.02):
                    connection.sendall(b"\x00")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/"
        with bounded(), pytest.raises(HttpError) as caught:
            Session().post(url, json={}, deadline=Deadline.after(SECONDS))
        over.set()
    assert (caught.value.code, caught.value.sent) == ("deadline", False)


def test_resolving_a_name_ends_with_the_deadline_and_sends_nothing_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolved, ended, asked = threading.Event(), threading.Event(), []
    resolve = socket.getaddrinfo

    def slow(*args: object, **kwargs: object) -> object:
        exchange = current_exchange()
        assert exchange is not None
        asked.append(exchange)
        resolved.wait(60)
        return resolve(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came

    requests: list[object] = []

    def answer(request: object) -> Reply:
        requests.append(request)
        return Reply()

    with LocalServer(answer) as server:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        with bounded(), pytest.raises(HttpError) as caught:
            Session().post(server.url, json={}, deadline=Deadline.after(SECONDS))
        resolved.set()
        (exchange,) = asked
        assert exchange.done.wait(60)
        ended.set()
    assert (caught.value.code, caught.value.sent, requests) == ("deadline", False, [])


def test_a_machines_own_identity_is_not_waited_for_for_ever() -> None:
    with (
        LocalServer(lambda _: Reply(drip=DRIPS["header line"])) as server,
        bounded(),
        pytest.raises(TimeoutError),
    ):
        LocalSession(Deadline.after(SECONDS)).get(server.url)


@pytest.mark.parametrize("name", ["chunk extension", "trailer", "status line", "header lines"])
def test_a_flood_is_cut_before_it_fills_the_memory(name: str) -> None:
    beginning, again = DRIPS[name]
    session = ReadingSession(max_bytes=1024 * 1024)
    with (
        LocalServer(lambda _: Reply(drip=(beginning, again * 2_000_000))) as server,
        bounded(),
        pytest.raises(HttpError) as caught,
    ):
        session.get(server.url, deadline=Deadline.after(60))
    assert caught.value.code in ("too_large", "unreachable"), (
        "http.client's own bound on lines may come first"
    )


def test_a_small_body_that_unpacks_to_a_large_one_is_cut() -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 300_000_000, 9), 9)
    headers = {"Content-Encoding": "gzip, gzip"}
    with (
        LocalServer(lambda _: Reply(200, bomb, headers)) as server,
        bounded(),
        pytest.raises(HttpError) as caught,
    ):
        ReadingSession(max_bytes=1024 * 1024).get(server.url, deadline=Deadline.after(60))
    assert caught.value.code == "too_large"
