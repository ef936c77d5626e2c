"""SIGTERM, Ctrl-C and a terminal that goes away (SIGHUP): they end a run, but never between an order's intent
and its recorded answer.

Only the main thread hears a signal. A run in another thread, as a fleet's are, asks at the points where it
waits (`raise_if_stopping`)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Interrupted(BaseException):
    """Raised where a signal found the program. Not an Exception, so that nothing swallows it."""


class _Stopper:
    def __init__(self) -> None:
        self.wanted = False
        self.installed: set[signal.Signals] = set()

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.wanted = True
        if not _deferring.get():
            raise Interrupted


_deferring: ContextVar[int] = ContextVar("deferring", default=0)
"""How many blocks this thread's run is within that must not be broken off."""
_stopper = _Stopper()


def reset() -> None:
    """Forgets a signal that came: for a program that goes on after one."""
    _stopper.wanted = False


def install() -> None:
    """From now on SIGTERM, Ctrl-C and SIGHUP raise `Interrupted` in the main thread; SIGHUP unless whoever
    started the program had it ignored, as nohup does."""
    for number in _STOPPING:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stopper)
            _stopper.installed.add(number)


def reinstall() -> None:
    """Puts the handlers back that `install` set, where somebody else's code has set others. They can only be
    set, and so only be lost, in the main thread."""
    if _stopper.installed and in_main_thread():
        for number in _stopper.installed:
            if signal.getsignal(number) is not _stopper:
                signal.signal(number, _stopper)


def ignore() -> None:
    """From now on they do nothing: the program ends anyway, and is to say so in peace."""
    _stopper.installed.clear()
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def deferred() -> Iterator[None]:
    """Within it a signal waits; it raises `Interrupted` once the outermost such block has ended normally."""
    before = _deferring.get()
    _deferring.set(before + 1)
    try:
        yield
    finally:
        _deferring.set(before)
    raise_if_stopping()


def raise_if_stopping() -> None:
    """Raises `Interrupted` once a signal came, unless this thread's run must not be broken off here."""
    if _stopper.wanted and not _deferring.get():
        raise Interrupted


def in_main_thread() -> bool:
    """True in the thread that signals find."""
    return threading.current_thread() is threading.main_thread()


def stop_wanted() -> bool:
    """True once a signal came: what has not been begun yet should not be."""
    return _stopper.wanted
