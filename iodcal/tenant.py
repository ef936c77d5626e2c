"""Which installation's run a thread works for: a fleet's runs share one process, but no name, log or secret.

What belongs to one run alone is kept in context variables. A thread begins with an empty context unless it is
started here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

from msgspec import Struct

from iodcal.domain.structs import replace


class RunLabel(Struct, frozen=True):
    """What log lines and results say of a run: its ID, and the installation, None until its name is known."""

    run_id: str = ""
    installation: str | None = None


_label: ContextVar[RunLabel] = ContextVar("run_label", default=RunLabel())  # noqa: B039 - frozen


def run_label() -> RunLabel:
    """The label of the run that this thread works for."""
    return _label.get()


def begin_run(run_id: str) -> None:
    """From now on this thread, and those that it starts, work for another run."""
    _label.set(RunLabel(run_id))


def name_installation(name: str) -> None:
    """The run of this thread is one of the installation called `name`."""
    _label.set(replace(_label.get(), installation=name))


def thread_of_run(target: Callable[..., object], *arguments: Any) -> threading.Thread:
    """A thread, not started yet, that works for the same run as its maker; the process does not wait for it
    when it ends."""
    return threading.Thread(target=copy_context().run, args=(target, *arguments), daemon=True)


def entrance_to_run() -> Callable[[], None]:
    """What a thread of a pool must call first to work for the same run as whoever asks for it here."""
    context = copy_context()

    def enter() -> None:
        for variable, value in context.items():
            variable.set(value)

    return enter
