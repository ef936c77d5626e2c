"""Other people's code, which may do anything: what it breaks is mended, and what it raises has one name.

Standard output is ours: once a plug-in is loaded, what is not written by our own main thread goes to the log.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, TypeVar

from iodcal.redaction import redact_credentials
from iodcal.signals import Interrupted, reinstall, stop_wanted
from iodcal.tenant import thread_of_run

_log = logging.getLogger("iodcal.plugins")
_Result = TypeVar("_Result")
_MOST = 200  # characters of what an exception says
_STEP = 0.1  # seconds
_inside = threading.local()


class ForeignError(Exception):
    """A plug-in failed. `what` says how, without line breaks and without secrets that went out."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def call_foreign(
    call: Callable[[], _Result], expected: type[Exception] | tuple[type[Exception], ...] = ()
) -> _Result:
    """What `call` returns. Raises `expected`, where it does, and ForeignError for anything else that it
    raises, up to SystemExit. Whatever it did to the process beside that is undone."""
    try:
        with _contained():
            return call()
    except expected:
        raise
    except BaseException as error:
        if isinstance(error, Interrupted) and stop_wanted():
            raise  # that is ours
        _log.debug("a plug-in failed", exc_info=True)
        raise ForeignError(_told(error)) from None


def call_within(seconds: float, call: Callable[[], _Result]) -> _Result:
    """What `call` returns, from a thread of its own. Raises what it raises, and TimeoutError where it does
    not come back within `seconds`: the thread is left behind."""
    done = threading.Event()
    result: list[_Result] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            result.append(call())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it was asked for
            raised.append(error)
        done.set()

    thread_of_run(work).start()
    until = time.monotonic() + seconds
    while not done.wait(_STEP):  # in steps, between which Python looks for signals
        if time.monotonic() >= until:
            raise TimeoutError
    if raised:
        raise raised[0]
    return result[0]


def _told(error: BaseException) -> str:
    try:
        said = str(error)
    except BaseException:  # noqa: BLE001 - even this is somebody else's code
        said = ""
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return "".join(one if one.isprintable() else " " for one in redact_credentials(text))[:_MOST]


@contextmanager
def _contained() -> Iterator[None]:
    """What runs inside may fork, set timers, mask signals, or replace standard output."""
    process, streams = os.getpid(), (sys.stdout, sys.stderr)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    outer = getattr(_inside, "foreign", False)
    _inside.foreign = True
    try:
        yield
    finally:
        if os.getpid() != process:
            _exit(0)  # a child that came back out of a plug-in: the run is its parent's
        _inside.foreign = outer
        sys.stdout, sys.stderr = streams
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.setitimer(signal.ITIMER_REAL, 0)
        reinstall()
        _reopen()


class _EndedError(BaseException):
    """Somebody else's code called what would have ended the process."""


_exit = os._exit
_ENDS = ("_exit", "abort", "execv", "execve")


def _keep_process() -> None:
    """From now on `os._exit` and its like, called by somebody else's code in this process, raise there: that
    call fails, and the run goes on. A child that was forked may end as it likes."""
    process = os.getpid()

    def guarded(end: Callable[..., Any], name: str, *, ours: Callable[..., bool]) -> Callable[..., Any]:
        def guard(*args: Any, **named: Any) -> Any:
            if getattr(_inside, "foreign", False) and os.getpid() == process and ours(*args):
                raise _EndedError(f"os.{name} in the middle of a call")
            return end(*args, **named)

        return guard

    for name in _ENDS:
        setattr(os, name, guarded(getattr(os, name), name, ours=lambda *_: True))
    os.kill = guarded(os.kill, "kill", ours=lambda pid, number: pid in (process, 0, -1) and number != 0)


def _reopen() -> None:
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one


class _OurStdout(io.TextIOBase):
    """Standard output of our main thread; what others write goes to the log."""

    def __init__(self, ours: TextIO) -> None:
        self._ours = ours

    def write(self, text: str) -> int:
        if _is_ours():
            return self._ours.write(text)
        if text.strip():
            _log.info("a plug-in wrote: %s", redact_credentials(text.strip())[:_MOST])
        return len(text)

    def flush(self) -> None:
        if _is_ours():
            self._ours.flush()

    def close(self) -> None:
        """Stays open: it is not theirs to close."""

    def isatty(self) -> bool:
        return self._ours.isatty()

    def fileno(self) -> int:
        return self._ours.fileno() if _is_ours() else 1

    def writable(self) -> bool:
        return True

    def reconfigure(self, **how: Any) -> None:
        if isinstance(self._ours, io.TextIOWrapper):
            self._ours.reconfigure(**how)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute in the base class
        return self._ours.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # as above
        return self._ours.errors

    @property
    def buffer(self) -> Any:
        return self._ours.buffer if _is_ours() else io.BytesIO()


def _is_ours() -> bool:
    main = threading.current_thread() is threading.main_thread()
    return main and not getattr(_inside, "foreign", False)


def keep_stdout() -> None:
    """From now on only our own text reaches standard output: its descriptor is another one, and number 1
    leads nowhere."""
    if isinstance(sys.stdout, _OurStdout):
        return
    _keep_process()
    with suppress(OSError, ValueError):  # no descriptor, as under a test: then there is nothing to keep
        sys.stdout.flush()
        if sys.stdout.fileno() != 1:
            return
        private = os.dup(1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
        ours = os.fdopen(private, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)
        sys.stdout = _OurStdout(ours)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGALRM, signal.SIG_IGN)  # an alarm that a plug-in set would end the run
