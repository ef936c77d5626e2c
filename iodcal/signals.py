"""SIGTERM and Ctrl-C: they end a run, but never between an order's intent and its recorded answer."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOPPING = (signal.SIGTERM, signal.SIGINT)


class Interrupted(BaseException):
    """Raised where SIGTERM or Ctrl-C found the program. Not an Exception, so that nothing swallows it."""


class _Stopper:
    def __init__(self) -> None:
        self.deferring = False
        self.wanted = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.wanted = True
        if not self.deferring:
            raise Interrupted


_stopper = _Stopper()


def reset() -> None:
    """Forgets a signal that came: for a program that goes on after one."""
    _stopper.wanted = False


def install() -> None:
    """From now on SIGTERM and Ctrl-C raise `Interrupted` in the main thread."""
    for number in _STOPPING:
        signal.signal(number, _stopper)


@contextmanager
def deferred() -> Iterator[None]:
    """Within it a signal waits; it raises `Interrupted` once the block has ended normally."""
    _stopper.deferring = True
    try:
        yield
    finally:
        _stopper.deferring = False
    if _stopper.wanted:
        raise Interrupted
