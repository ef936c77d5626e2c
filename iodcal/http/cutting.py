"""Cuts connections: a server that sends a letter now and then would hold a run up for ever, as would one that
never answers hold up a person who pressed Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

from iodcal.http.deadline import Deadline

_open: WeakSet[Any] = WeakSet()
_lock = threading.Lock()
_of_thread = threading.local()
given_up = threading.Event()
"""Set once nobody waits for any answer any more."""


def give_up() -> None:
    """Ends every request that is under way, and lets none begin. For the end of the program."""
    given_up.set()
    with _lock:
        connections = tuple(_open)
    for connection in connections:
        cut(connection.sock)


def pause(seconds: float) -> None:
    """Waits, unless nobody waits for what comes afterwards."""
    given_up.wait(seconds)


def cut(sock: socket.socket | None) -> None:
    """Whoever waits on `sock` finds it at its end."""
    if sock is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not TLS's own, which another thread may be using


@contextlib.contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """What this thread asks inside has until `deadline`."""
    _of_thread.deadline = deadline
    try:
        yield
    finally:
        del _of_thread.deadline


@contextlib.contextmanager
def watched(connection: Any) -> Iterator[None]:
    """Waiting for an answer on `connection`. Raises TimeoutError where it had to be cut."""
    with _lock:
        _open.add(connection)
    if given_up.is_set():  # between the request and this: `give_up` did not know of it
        cut(connection.sock)
    deadline: Deadline | None = getattr(_of_thread, "deadline", None)
    late = threading.Event()

    def end() -> None:
        late.set()
        cut(connection.sock)

    timer = threading.Timer(deadline.left if deadline is not None else 0.0, end)
    timer.daemon = True
    if deadline is not None:
        timer.start()
    try:
        yield
    except OSError:
        if late.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError
