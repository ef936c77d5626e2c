"""One request and its answer, within a deadline that holds for the whole of it.

A time-out of a socket begins anew with each byte, so that a chunk's extension, a trailer, a gzip header or a
TLS handshake sent a byte at a time outlasts any; resolving a name knows none at all. So each exchange runs in
a thread of its own, and whoever wants the answer waits for that thread no longer than until the deadline.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakSet

from msgspec import Struct

from iodcal.clock import seconds_since_boot
from iodcal.signals import stop_wanted
from iodcal.tenant import thread_of_run

if TYPE_CHECKING:
    import socket

_STEP = 0.2  # seconds: how soon a signal is heard that came just before the wait began
_LAST_ANSWER_SECONDS = 8.0  # what an order's answer gets once a signal wants the program to end

_T = TypeVar("_T")
_of_thread = threading.local()
_running: WeakSet[Exchange[Any]] = WeakSet()
_lock = threading.Lock()
given_up = threading.Event()
"""Set once nobody waits for any answer any more."""


class Deadline(Struct, frozen=True):
    """A moment on the monotonic clock by which something must have ended; that clock does not stand still
    while the machine is suspended."""

    at: float
    clock: Callable[[], float] = seconds_since_boot

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = seconds_since_boot) -> Deadline:
        return cls(clock() + seconds, clock)

    def or_after(self, seconds: float) -> Deadline:
        """This one, or the one so many seconds from now if that is sooner."""
        return Deadline(min(self.at, self.clock() + seconds), self.clock)

    @property
    def left(self) -> float:
        """Seconds left; never less than 0."""
        return max(0.0, self.at - self.clock())

    @property
    def passed(self) -> bool:
        return self.left == 0.0


class ExchangeTimeoutError(TimeoutError):
    """The deadline came first. Where `sent` is False no byte of the request has left, nor ever will."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("the deadline has passed")
        self.sent = sent


class WireLimitError(OSError):
    """More bytes came than any answer of an acceptable size has, headers, chunk extensions and trailers
    included."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


class Exchange(Generic[_T]):
    """What a thread works on, and what it takes to break it off."""

    def __init__(self, work: Callable[[], _T], most_bytes: int, deadline: Deadline) -> None:
        self.done = threading.Event()
        self._deadline = deadline
        self._work = work
        self._most_bytes = self._bytes_left = most_bytes
        self._lock = threading.Lock()
        self._abandoned = self._late = False
        self._sent = False
        self._handles: list[socket.socket] = []
        self._result: _T | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Does the work, in a thread of its own."""
        _of_thread.exchange = self
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self._error = error
        finally:
            with self._lock:
                for handle in self._handles:
                    handle.close()
                self._handles.clear()
            self.done.set()

    @property
    def result(self) -> _T:
        """What the work came to. Raises what it raised."""
        if self._late:  # whatever a library made of that
            raise ExchangeTimeoutError(sent=False)
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # the work's own type, None included

    def abandon(self) -> bool:
        """Nobody waits any more: nothing further is sent, and what is being read ends. True if the request,
        or a part of it, may have left."""
        from socket import SHUT_RDWR

        with self._lock:
            self._abandoned = True
            for handle in self._handles:
                with contextlib.suppress(OSError):
                    handle.shutdown(SHUT_RDWR)
            return self._sent

    def use(self, sock: socket.socket) -> None:
        """`sock` is what is waited on from now on. Raises TimeoutError if nobody waits any more."""
        from socket import socket as new_socket

        # A second descriptor: the socket itself may become one of TLS, or another object's, at any moment.
        with self._lock:
            self._refuse_if_abandoned()
            self._handles.append(new_socket(fileno=os.dup(sock.fileno())))

    def begin_sending(self) -> None:
        """The request leaves now. Raises TimeoutError if nobody waits any more, or will: whoever waits, too,
        may have been stopped, and woken up after the deadline."""
        with self._lock:
            self._refuse_if_abandoned()
            if self._deadline.passed:
                self._late = True
                raise ExchangeTimeoutError(sent=False)
            self._sent = True

    def _refuse_if_abandoned(self) -> None:
        if self._abandoned:
            raise TimeoutError("nobody waits any more")

    def count(self, number: int) -> None:
        """So many bytes came. Raises WireLimitError."""
        self._bytes_left -= number
        if self._bytes_left < 0:
            raise WireLimitError(self._most_bytes)


def current_exchange() -> Exchange[object] | None:
    """The exchange that this thread works on."""
    return getattr(_of_thread, "exchange", None)


def run_exchange(work: Callable[[], _T], deadline: Deadline, *, repeatable: bool, most_bytes: int) -> _T:
    """What `work` returns, or raises, if that is before `deadline`; it reads at most `most_bytes` of sockets.

    Raises ExchangeTimeoutError. Once a signal wants the program to end, an exchange that is `repeatable` ends
    at once; any other, such as an order, has some seconds more for its answer.
    """
    exchange = Exchange(work, most_bytes, deadline)
    with _lock:
        _running.add(exchange)
    thread_of_run(exchange.run).start()
    try:
        _wait(exchange, deadline, repeatable=repeatable)
    except BaseException:
        exchange.abandon()
        raise
    return exchange.result


def _wait(exchange: Exchange[_T], deadline: Deadline, *, repeatable: bool) -> None:
    stopping = False
    while not exchange.done.wait(min(_STEP, deadline.left)):
        if stop_wanted() and not stopping:
            stopping = True
            deadline = deadline.or_after(0.0 if repeatable else _LAST_ANSWER_SECONDS)
        if (deadline.passed or given_up.is_set()) and not exchange.done.is_set():
            raise ExchangeTimeoutError(sent=exchange.abandon())


def give_up() -> None:
    """Ends every exchange that is under way, and lets none begin. For the end of the program."""
    given_up.set()
    with _lock:
        running = tuple(_running)
    for exchange in running:
        exchange.abandon()


def pause(seconds: float) -> None:
    """Waits, unless nobody waits for what comes afterwards."""
    end = Deadline.after(seconds)
    while not (end.passed or stop_wanted() or given_up.wait(min(_STEP, end.left))):
        pass
