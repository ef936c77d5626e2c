"""Starts the command without waiting for Python and its packages: a server has imported them once, and forks.

What is forked is a process of its own that runs the same `python -m iodcal`, with a folder, environment,
arguments, streams, mask and session of its own: half a second of imports is all that it is spared. It is no
test of start-up, of what is imported, or of how Python reads its own variables: those start Python.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import MappingProxyType
from typing import IO, Any

ROOT = Path(__file__).parent.parent.parent
# What Python itself makes of its environment as it starts is the same for all that is forked.
PYTHON = MappingProxyType({"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"})
_READ_AT_START = ("PYTHON", "LANG", "LC_", "COV")
_LARGEST = 65536  # bytes of one request


class Forked:
    """A command that runs, or did: what tests use of `subprocess.Popen`."""

    def __init__(self, pid: int, ended: socket.socket, pipes: Sequence[int | None]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = ended
        out, err = (None if pipe is None else os.fdopen(pipe, encoding="utf-8") for pipe in pipes)
        self.stdout: IO[str] | None = out
        self.stderr: IO[str] | None = err

    def poll(self) -> int | None:
        """Its exit status, negative after a signal; None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end, for so many seconds. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._ended.settimeout(timeout)
            try:
                said = self._ended.recv(64)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("iodcal", timeout or 0.0) from None
            if not said:
                raise ChildProcessError("the fork server went away")
            self.returncode = int(said)
            self._ended.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All that it says, once it has ended. Raises subprocess.TimeoutExpired."""
        said = {"out": "", "err": ""}

        def read(name: str, pipe: IO[str]) -> None:
            with pipe:
                said[name] = pipe.read()

        until = None if timeout is None else time.monotonic() + timeout
        pipes = [("out", self.stdout), ("err", self.stderr)]
        readers = [
            threading.Thread(target=read, args=one, daemon=True) for one in pipes if one[1] is not None
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if until is None else max(0.0, until - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired("iodcal", timeout or 0.0)
        self.wait(None if until is None else max(0.0, until - time.monotonic()))
        return said["out"], said["err"]

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def can_fork(environment: Mapping[str, str]) -> bool:
    """True if a command with `environment` may be forked: Python would start with it as the server did,
    but for folders of packages after ours, which need no start to be found."""
    given = {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}
    ours, *_ = given.get("PYTHONPATH", "").split(os.pathsep)
    return {**given, "PYTHONPATH": ours} == PYTHON and hasattr(os, "pidfd_open")


def fork_command(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    streams: tuple[int, int, int],
    new_session: bool = False,
) -> Forked:
    """Runs `iodcal` with `arguments`; a stream is a file descriptor, `subprocess.DEVNULL` or `PIPE`."""
    ours, theirs, pipes = _opened(streams)
    answer, ended = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    request = {"arguments": arguments, "folder": str(folder), "environment": {**environment}}
    more = {"umask": _umask(), "new_session": new_session}
    data = json.dumps({**request, **more}).encode("utf-8")
    try:
        socket.send_fds(_server(), [data], [*theirs, ended.fileno()])
    finally:
        ended.close()
        for descriptor in ours:
            os.close(descriptor)
    pid = answer.recv(64)
    if not pid:
        raise ChildProcessError("the fork server went away")
    return Forked(int(pid), answer, pipes)


def _opened(streams: Sequence[int]) -> tuple[list[int], list[int], list[int | None]]:
    """What to close here once it is sent, what to send, and the ends that are read from here."""
    ours: list[int] = []
    theirs: list[int] = []
    pipes: list[int | None] = []
    for stream in streams:
        reading = None
        if stream == subprocess.PIPE:
            reading, stream = os.pipe()
            ours.append(stream)
        elif stream == subprocess.DEVNULL:
            stream = os.open(os.devnull, os.O_RDWR)
            ours.append(stream)
        theirs.append(stream)
        pipes.append(reading)
    return ours, theirs, pipes[1:]


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@cache
def _server() -> socket.socket:
    """The way to this process's server, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.e2e.fork_server", str(theirs.fileno())]
    environment = {**PYTHON, "PATH": os.environ["PATH"]}
    server = subprocess.Popen(command, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    theirs.close()

    @atexit.register
    def end() -> None:
        ours.close()
        server.wait()

    return ours


def _serve(requests: socket.socket) -> tuple[list[int], dict[str, Any]] | None:
    """Forks a command for each request, and tells of its end, until nobody asks any more. In a fork it
    returns the streams and what else was asked for."""
    running: dict[int, tuple[int, socket.socket]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not requests:
                    selector.unregister(key.fileobj)
                    _tell_end(key.fd, *running.pop(key.fd))
                    continue
                data, descriptors, _, _ = socket.recv_fds(requests, _LARGEST, 4)
                if not data:
                    return None
                *streams, ended = descriptors
                pid = os.fork()
                if not pid:
                    return streams, json.loads(data)
                for stream in streams:
                    os.close(stream)
                teller = socket.socket(fileno=ended)
                teller.send(str(pid).encode())
                watched = os.pidfd_open(pid)
                running[watched] = pid, teller
                selector.register(watched, selectors.EVENT_READ)


def _tell_end(watched: int, pid: int, teller: socket.socket) -> None:
    os.close(watched)
    _, status = os.waitpid(pid, 0)
    with teller, suppress(BrokenPipeError):  # where the test has ended, and never waited
        teller.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(
    streams: Sequence[int],
    *,
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    umask: int,
    new_session: bool,
) -> None:
    """Turns this process, just forked, into `python -m iodcal`; it ends as that ends."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    if new_session:
        os.setsid()
    os.chdir(folder)
    os.umask(umask)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    sys.stdin = os.fdopen(0, encoding=encoding, errors=errors, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=encoding, errors=errors, closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding=encoding, errors="backslashreplace", closefd=False)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    sys.argv = ["iodcal", *arguments]
    sys.path[:2] = [folder, *environment["PYTHONPATH"].split(os.pathsep)]
    runpy.run_module("iodcal", run_name="__main__", alter_sys=True)


def _import_everything() -> None:
    """All that is ours, with all that it imports; but for what needs an extra that is not installed."""
    package = import_module("iodcal")
    for module in walk_packages(package.__path__, "iodcal."):
        if not module.name.endswith(".__main__"):
            with suppress(ModuleNotFoundError):
                import_module(module.name)
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise RuntimeError("an import has started a thread, which no fork would have")
    gc.collect()
    gc.freeze()  # so that a collection in a fork copies no page


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _import_everything()
    if (forked := _serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        _become(forked[0], **forked[1])
