"""Where one run's notices and pings leave; what cannot be delivered is kept for the next run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct, field

from iodcal.config import Configuration, NotifyTarget, Way
from iodcal.domain.values import replace
from iodcal.exits import Exit
from iodcal.http import Deadline
from iodcal.notices import Notice, NoticeKind
from iodcal.notices.delivery import Round, Signals, deliver, signal
from iodcal.notices.outbox import Memory, Outbox, alone, load
from iodcal.notices.standing import target_report
from iodcal.result import TargetReport
from iodcal.store.files import Access

_log = logging.getLogger("iodcal.notices")

_SHARE_OF_EVERY = 0.1  # of `every`: the most that notices may take, whatever `notify_within` says

Choice: TypeAlias = tuple[tuple[Notice, ...], Memory]
Choose: TypeAlias = Callable[[NotifyTarget, Memory], Choice]
"""What is new for a target, and its memory with what choosing that changed in it."""


class Office(Struct):
    """Sends for one run; `reports` is how that went, by target."""

    configuration: Configuration
    state_path: Path
    run_id: str
    reports: dict[str, TargetReport] = field(default_factory=dict)
    _deadline: Deadline = field(default_factory=lambda: Deadline.after(0))
    _started: Signals | None = None
    _ended: Signals | None = None

    def open(self) -> None:
        """From now on there is so much time for all that is to be sent together."""
        settings = self.configuration.settings
        most = min(settings.notify_within, settings.every * _SHARE_OF_EVERY)
        self._deadline = Deadline.after(most.total_seconds())

    def start(self) -> None:
        """Tells the watchdogs that a run has begun, and does not wait for them."""
        told = {"run_id": self.run_id}
        self._started = signal(self._pings(), "start", told, self.configuration.directory, self._deadline)

    def end(self, status: int) -> None:
        """Tells the watchdogs how the run ended; `collect` waits for them."""
        name = "success" if status == Exit.OK else "fail"
        told = {"run_id": self.run_id, "exit": int(status)}
        directory = self.configuration.directory
        self._ended = signal(self._pings(), name, told, directory, self._deadline, self._started)

    def collect(self) -> None:
        """Notes how the watchdogs could be told."""
        if self._ended is None or not self._ended.threads:
            return
        now, outbox = datetime.now(UTC), self._outbox()
        memories = dict(outbox.targets)
        for target, fault in self._ended.wait().items():
            memories[target] = outbox.of(target).faulty(fault, now)
            _warn(target, memories[target], now)
            self.reports[target] = target_report(target, memories[target], 0 if fault else 1)
        self._keep(outbox, memories)

    def send(self, now: datetime, choose: Choose) -> None:
        """Sends each target what waits for it and what `choose` finds for it.

        What is to be sent is on disk before it goes: a run that is killed meanwhile loses no notice.
        """
        targets = {n: t for n, t in self.configuration.notify.items() if t.way is not Way.PING}
        if not targets:
            return
        with alone(self.state_path) as mine:
            # Beside a run that is still sending what waits, only what is new is sent, and not remembered.
            before = self._outbox() if mine else replace(self._outbox(), targets={})
            queued = dict(before.targets)
            queues: dict[str, tuple[Notice, ...]] = {}
            for name, target in targets.items():
                queues[name], queued[name] = _queue(target, before.of(name), choose, now)
            kept = self._keep(before, queued) if mine else before
            memories = dict(queued)
            for one in deliver(queues, targets, self.configuration.directory, self._deadline):
                memories[one.target.name] = self._remember(one, queued[one.target.name], queues, now)
            for name in targets:
                self.reports.setdefault(name, target_report(name, memories[name]))
            if mine:
                self._keep(kept, memories)

    def _remember(
        self, one: Round, memory: Memory, queues: Mapping[str, tuple[Notice, ...]], now: datetime
    ) -> Memory:
        name, left = one.target.name, one.left()
        after = memory.after(left, one.fault, now, delivered=one.sent > 0)
        _warn(name, after, now)
        waiting = {notice.id for notice in left}
        for notice in queues[name]:
            if notice.kind is NoticeKind.DAILY and notice.id not in waiting:
                after = replace(after, daily_on=now.astimezone(self.configuration.zone).date())
        sent = self.reports[name].sent if name in self.reports else 0
        self.reports[name] = target_report(name, after, one.sent + sent)
        return after

    def _keep(self, outbox: Outbox, memories: Mapping[str, Memory]) -> Outbox:
        """`outbox` with `memories`, written where that changes anything."""
        known = {name: m for name, m in memories.items() if name in self.configuration.notify}
        kept = {name: memory for name, memory in known.items() if memory != Memory()}
        after = replace(outbox, targets=kept)
        if after != outbox:
            after.save()
        return after

    def _outbox(self) -> Outbox:
        return load(self.state_path, Access(self.configuration.settings.group))

    def _pings(self) -> Iterator[NotifyTarget]:
        return (target for target in self.configuration.notify.values() if target.way is Way.PING)


def _queue(
    target: NotifyTarget, memory: Memory, choose: Choose, now: datetime
) -> tuple[tuple[Notice, ...], Memory]:
    """What is to go to `target`, and its memory with that as waiting."""
    due = memory.due(now)
    if given_up := len(memory.waiting) - len(due):
        _log.warning(
            "notify.%s: %d notices were given up: too old, or tried too often", target.name, given_up
        )
    new, chosen = choose(target, memory)
    queue = (*due, *new)
    return queue, replace(chosen, waiting=tuple(notice for notice in queue if notice.stored))


def _warn(target: str, memory: Memory, now: datetime) -> None:
    """A target that fails is told like a problem: once, and every few hours."""
    if memory.fault:
        level = logging.WARNING if memory.warned_at == now else logging.INFO
        _log.log(level, "notify.%s: %s", target, memory.fault)
