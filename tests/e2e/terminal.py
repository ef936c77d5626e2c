"""A person at a terminal: waits for what is asked, and types."""

from __future__ import annotations

import os
import pty
import re
import select
from collections.abc import Sequence

from tests.e2e.command import Iodcal

_PATIENCE = 60.0  # seconds, until a test that waits for what never comes gives up
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """The command at a terminal of its own; a context manager."""

    def __init__(self, iodcal: Iodcal, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        environment = iodcal.around(TERM="xterm", COLUMNS="100")
        streams = (slave, slave, slave)
        self._process = iodcal.run(arguments, environment=environment, streams=streams, new_session=True)
        os.close(slave)
        self.text = ""
        self._seen = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    def talk(self, exchange: Sequence[tuple[str, str]]) -> None:
        """For each pair: waits until the first is shown, then types the second."""
        for expected, reply in exchange:
            self.wait_for(expected)
            os.write(self._master, f"{reply}\n".encode())

    def wait_for(self, expected: str) -> None:
        while expected not in self.text[self._seen :]:
            if not self._read():
                raise AssertionError(f"{expected!r} was never shown, but:\n{self.text[self._seen :]}")
        self._seen = self.text.index(expected, self._seen) + len(expected)

    def end(self) -> int:
        """Reads to the end; the exit status."""
        while self._read():
            pass
        return self._process.wait(_PATIENCE)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], _PATIENCE)
        if not ready:
            return False
        try:
            got = os.read(self._master, 65536)
        except OSError:  # the other end is closed
            return False
        self.text += _ESCAPES.sub("", got.decode("utf-8", errors="replace"))
        return bool(got)
