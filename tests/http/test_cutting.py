"""Servers that answer a letter at a time, or never: the deadline counts, and so does Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from iodcal.concurrency import side_by_side
from iodcal.http import Deadline, HttpError, ReadingSession, Session, give_up
from iodcal.http.exchange import ExchangeTimeoutError, given_up, run_exchange
from iodcal.signals import Interrupted, install, reset

STEP = 0.02


class SlowServer:
    """Sends `beginning`, and then a letter now and then, for ever; or nothing at all. `asked` is set once
    somebody waits."""

    def __init__(self, beginning: bytes) -> None:
        self.beginning = beginning
        self.asked, self.over = threading.Event(), threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            self.asked.set()
            connection.sendall(self.beginning)
            while not self.over.wait(STEP):
                if self.beginning:
                    connection.sendall(b"a")


@contextlib.contextmanager
def slow(beginning: bytes) -> Iterator[SlowServer]:
    server = SlowServer(beginning)
    server.thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.socket.close()


TRICKLES = [b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"]


@pytest.mark.parametrize("beginning", TRICKLES)
def test_one_answer_that_trickles_in_leaves_time_for_others(beginning: bytes) -> None:
    patient = Deadline.after(600)
    with slow(beginning) as server:
        with pytest.raises(HttpError) as read:
            ReadingSession(exchange_seconds=0.3).get(server.url, deadline=patient)
        with pytest.raises(HttpError) as sent:
            Session(exchange_seconds=0.3).post(server.url, json={}, deadline=patient)
    assert [(one.value.code, one.value.sent) for one in (read, sent)] == [("too_slow", True)] * 2
    assert patient.left > 500, "it is not tried again"


@pytest.mark.parametrize(
    "beginning", [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"]
)
def test_the_deadline_ends_an_answer_that_comes_letter_by_letter(beginning: bytes) -> None:
    with slow(beginning) as server:
        with pytest.raises(HttpError) as read:
            ReadingSession().get(server.url, deadline=Deadline.after(0.3))
        with pytest.raises(HttpError) as sent:
            Session().post(server.url, json={}, deadline=Deadline.after(0.3))
    assert {read.value.code, sent.value.code} <= {"deadline", "timeout"}
    assert sent.value.sent


def test_what_was_sent_just_before_all_was_given_up_is_not_waited_for() -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(30)
    give_up()
    try:
        with ours, theirs, pytest.raises(ExchangeTimeoutError):
            run_exchange(lambda: ours.recv(1), Deadline.after(30), repeatable=False, most_bytes=1)
    finally:
        given_up.clear()


def test_a_signal_ends_readings_at_once() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    install()
    ended: list[str] = []

    def read(url: str) -> None:
        try:
            ReadingSession().get(url, deadline=Deadline.after(60))
        except HttpError as error:
            ended.append(error.code)

    def be_stopped(server: SlowServer) -> None:
        with side_by_side(1) as pool:
            waiting = pool.submit(read, server.url)
            assert server.asked.wait(30)
            signal.raise_signal(signal.SIGTERM)
            waiting.result()

    try:
        with slow(b"") as server, pytest.raises(Interrupted):
            be_stopped(server)
        assert ended == ["deadline"]
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
        given_up.clear()
        reset()
