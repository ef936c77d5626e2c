"""Delivery: all targets side by side, none waited for longer than the run can spare."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct, field

from iodcal.config import NotifyTarget
from iodcal.domain.values import replace
from iodcal.http import Deadline
from iodcal.notices import Notice
from iodcal.notices.senders import NoticeError, messages, ping, send
from iodcal.words.notices import describe


class Round(Struct):
    """What is to go to one target, and how far that has come; its thread writes, the run reads.

    `current` is the message on its way, `fault` says in words why the rest was not sent."""

    target: NotifyTarget
    queue: list[tuple[Notice, ...]]
    sent: int = 0
    current: tuple[Notice, ...] = ()
    arrived: bool = True
    fault: str = ""
    over: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def left(self) -> tuple[Notice, ...]:
        """What was not delivered; what may have arrived without an answer counts one more try."""
        tried = (replace(notice, tries=notice.tries + self.arrived) for notice in self.current)
        return (*tried, *(notice for message in self.queue for notice in message))


def deliver(
    notices: Mapping[str, Sequence[Notice]],
    targets: Mapping[str, NotifyTarget],
    directory: Path,
    deadline: Deadline,
) -> list[Round]:
    """Sends each target its notices, in order; the first failure ends its round. Never raises; returns at
    `deadline` at the latest, whatever hangs."""
    rounds = [
        Round(targets[name], messages(targets[name], waiting)) for name, waiting in notices.items() if waiting
    ]
    _join(_start(partial(_carry, one, directory, deadline) for one in rounds), deadline)
    for one in rounds:
        with one.lock:
            if not one.over:
                one.over, one.fault = True, describe(NoticeError("deadline"))
    return rounds


class Signals(Struct):
    """Pings on their way, a thread for each target; `faults` says in words what went wrong, or nothing."""

    deadline: Deadline
    threads: dict[str, threading.Thread] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def wait(self) -> dict[str, str]:
        """How each went, by target; waits until the deadline at the latest."""
        _join(self.threads.values(), self.deadline)
        late = describe(NoticeError("deadline"))
        return {target: self.faults.get(target, late) for target in self.threads}


def signal(
    targets: Iterable[NotifyTarget],
    name: str,
    told: object,
    directory: Path,
    deadline: Deadline,
    after: Signals | None = None,
) -> Signals:
    """Begins to ping all `targets`, each once its ping of `after` is through, and does not wait."""
    signals = Signals(deadline)

    def one(target: NotifyTarget) -> None:
        if after is not None and target.name in after.threads:
            after.threads[target.name].join(deadline.left)
        fault, _ = _tried(partial(ping, target, name, told, directory, deadline))
        signals.faults[target.name] = fault

    targets = list(targets)
    threads = _start(partial(one, target) for target in targets)
    signals.threads = {target.name: thread for target, thread in zip(targets, threads, strict=True)}
    return signals


def _start(jobs: Iterable[Callable[[], None]]) -> list[threading.Thread]:
    # Daemons: not even a name server that never answers may keep the process from ending.
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    return threads


def _join(threads: Iterable[threading.Thread], deadline: Deadline) -> None:
    for thread in threads:
        thread.join(deadline.left)


def _carry(one: Round, directory: Path, deadline: Deadline) -> None:
    while True:
        with one.lock:
            if one.over or not one.queue:
                one.over = True
                return
            one.current, one.arrived = one.queue.pop(0), True
        fault, arrived = _tried(partial(send, one.target, one.current, directory, deadline))
        with one.lock:
            if one.over:
                return  # the run has gone on without us
            if fault:
                one.fault, one.arrived, one.over = fault, arrived, True
                return
            one.sent, one.current = one.sent + 1, ()


def _tried(sending: Callable[[], None]) -> tuple[str, bool]:
    """What went wrong, in words (empty where nothing did), and whether it may have arrived all the same."""
    try:
        sending()
    except NoticeError as error:
        return describe(error), error.arrived
    except Exception as error:  # noqa: BLE001 - a service of Apprise's may raise anything; no notice fails a run
        return f"{type(error).__name__} was raised", True
    return "", True
