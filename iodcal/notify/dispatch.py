"""Who tells of a run: the metrics file first, then pings and notices.

What cannot be delivered is kept for the next run.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct, field

from iodcal.commands.requests import SyncRequest
from iodcal.commands.sync import Synced
from iodcal.config import Configuration, NotifyTarget, Way
from iodcal.config.find import local_folder
from iodcal.domain.structs import replace
from iodcal.errors import FencedError, LockHeldError, StateError
from iodcal.exits import Exit, exit_of
from iodcal.http import Deadline
from iodcal.metrics.textfile import write_metrics
from iodcal.notify import Notice, NoticeKind
from iodcal.notify.channels import DeliveryAttempt, Signals, deliver, signal
from iodcal.notify.news import day_due, failure_of, news_of, orders_of, recovery_of, summary
from iodcal.notify.outbox import Memory, Outbox, load, target_report
from iodcal.pipeline.alerts import REMINDER
from iodcal.result import Report, TargetReport
from iodcal.store.address import StateAddress
from iodcal.store.files import TellOnce
from iodcal.store.state import NoticeBox
from iodcal.store.store import store_of

_log = logging.getLogger("iodcal.notices")

_OUT_OF_REACH = ("state_unreachable", "state_denied", "state_no_secret", "state_no_bundle")
_SHARE_OF_EVERY = 0.1  # of `every`: the most that notices may take, whatever `notify_within` says

Choice: TypeAlias = tuple[tuple[Notice, ...], Memory]
Choose: TypeAlias = Callable[[NotifyTarget, Memory], Choice]
"""What is new for a target, and its memory with what choosing that changed in it."""


class Dispatcher(Struct):
    """Sends for one run; `reports` is how that went, by target. Where it `remembers` nothing, since the state
    and what lies beside it are a stranger's, only what is new is sent, and no notice of the outbox."""

    configuration: Configuration
    state_path: StateAddress
    run_id: str
    reports: dict[str, TargetReport] = field(default_factory=dict)
    remembers: bool = True
    _deadline: Deadline = field(default_factory=lambda: Deadline.after(0))
    _started: Signals | None = None
    _ended: Signals | None = None
    _opened: NoticeBox | None = None

    def open(self) -> None:
        """From now on there is so much time for all that is to be sent together."""
        settings = self.configuration.settings
        most = min(settings.notify_within, settings.every * _SHARE_OF_EVERY)
        self._deadline = Deadline.after(most.total_seconds())

    def start(self) -> None:
        """Tells the watchdogs that a run has begun, and does not wait for them."""
        told = {"run_id": self.run_id}
        self._started = signal(
            self._pings(), "start", told=told, directory=self.configuration.directory, deadline=self._deadline
        )

    def end(self, status: int) -> None:
        """Tells the watchdogs how the run ended; `collect` waits for them."""
        name = "success" if status == Exit.OK else "fail"
        told = {"run_id": self.run_id, "exit": int(status)}
        directory = self.configuration.directory
        self._ended = signal(
            self._pings(), name, told=told, directory=directory, deadline=self._deadline, after=self._started
        )

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
        with self._box.alone() as first:
            mine = first and self.remembers
            # Beside a run that is still sending what waits, only what is new is sent, and not remembered.
            before = self._outbox() if mine else replace(self._outbox(), targets={})
            queued = dict(before.targets)
            queues: dict[str, tuple[Notice, ...]] = {}
            for name, target in targets.items():
                chosen = self._named(*choose(target, before.of(name)))
                queues[name], queued[name] = _queue(target, before.of(name), chosen, now)
            kept = self._keep(before, queued) if mine else before
            memories = dict(queued)
            for one in deliver(queues, targets, self.configuration.directory, self._deadline):
                memories[one.target.name] = self._remember(one, queued[one.target.name], queues, now)
            for name in targets:
                self.reports.setdefault(name, target_report(name, memories[name]))
            if mine:
                self._keep(kept, memories)

    def _remember(
        self, one: DeliveryAttempt, memory: Memory, queues: Mapping[str, tuple[Notice, ...]], now: datetime
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

    def _named(self, new: tuple[Notice, ...], memory: Memory) -> Choice:
        return tuple(notice.named(self.configuration.name) for notice in new), memory

    def _keep(self, outbox: Outbox, memories: Mapping[str, Memory]) -> Outbox:
        """`outbox` with `memories`, written where that changes anything."""
        known = {name: m for name, m in memories.items() if name in self.configuration.notify}
        kept = {name: memory for name, memory in known.items() if memory != Memory()}
        after = replace(outbox, targets=kept)
        if after != outbox and self.remembers:
            after.save()
        return after

    def _outbox(self) -> Outbox:
        return load(self._box) if self.remembers else Outbox(self._box)

    @property
    def _box(self) -> NoticeBox:
        if self._opened is None:
            self._opened = store_of(self.configuration, self.state_path, of_any=True).notices
        return self._opened

    @property
    def local(self) -> Path:
        """The folder for what stays on this host."""
        return local_folder(self.configuration, self.state_path)

    def _pings(self) -> Iterator[NotifyTarget]:
        return (target for target in self.configuration.notify.values() if target.way is Way.PING)


def _queue(
    target: NotifyTarget, memory: Memory, choice: Choice, now: datetime
) -> tuple[tuple[Notice, ...], Memory]:
    """What is to go to `target`, and its memory with that as waiting; `choice` is what is new for it."""
    due = memory.due(now)
    if given_up := len(memory.waiting) - len(due):
        _log.warning(
            "notify.%s: %d notices were given up: too old, or tried too often", target.name, given_up
        )
    new, chosen = choice
    queue = (*due, *new)
    return queue, replace(chosen, waiting=tuple(notice for notice in queue if notice.stored))


def _warn(target: str, memory: Memory, now: datetime) -> None:
    """A target that fails is told like a problem: once, and every few hours."""
    if memory.fault:
        level = logging.WARNING if memory.warned_at == now else logging.INFO
        _log.log(level, "notify.%s: %s", target, memory.fault)


class Announcer(Struct):
    """Tells of one run. People at a terminal see for themselves: only a timer's runs send anything."""

    configuration: Configuration
    asked: SyncRequest
    dispatcher: Dispatcher
    _told: Report | None = None
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def begin(self) -> None:
        """Tells the watchdogs that a run has begun, and does not wait for them."""
        if self._watched:
            with _unharmed():
                self.dispatcher.open()
                self.dispatcher.start()

    def tell(self, synced: Synced) -> None:
        """Tells of a run whose state is safe."""
        self._told = synced.report
        self._write_metrics(synced.report, synced.report.exit)
        if not self.asked.terminal:
            end = synced.report.exit if self.asked.wait is None else None
            self._send(synced.report.now, self._news(synced), end)

    def finished(self, synced: Synced) -> Synced:
        """Tells what came of waiting for open orders; the result, with how the notices fared in it."""
        report = synced.report
        if self.asked.wait is not None and self._told is not None:
            self._write_metrics(report, report.exit)
            if not self.asked.terminal:
                self._send(report.now, _settled(report, self._told), report.exit)
        fared = self.dispatcher.reports
        known = tuple(fared[name] for name in self.configuration.notify if name in fared)
        return replace(synced, report=replace(report, notices=known))

    def failed(self, error: BaseException) -> None:
        """Tells of a run that `error` ended."""
        status = Exit.CONFIGURATION if self.asked.faults else exit_of(error)
        self._write_metrics(None, status)
        overlap = isinstance(error, LockHeldError | FencedError) and error.facts.get("stuck") is None
        if self.asked.terminal or overlap or not isinstance(error, Exception):
            return  # of an overlap the run that holds the lock tells how it went
        now = datetime.now(UTC)
        if isinstance(error, StateError) and (error.code == "stranger" or error.code in _OUT_OF_REACH):
            self.dispatcher.remembers = False
            if not self._is_news(error, now):
                return
        self._send(now, self._failure(error, now), status)

    def _is_news(self, error: StateError, now: datetime) -> bool:
        """True if `error` was not told lately: where the outbox is a stranger's, or out of reach, a note on
        this host remembers that."""
        name = hashlib.sha256(os.fsencode(self.configuration.path)).hexdigest()[:12]
        note = self.dispatcher.local / f"stranger-{name}.told"
        return TellOnce(note, again_after=REMINDER).is_news(str(error), now)

    def _send(self, now: datetime, choose: Choose, end: int | None) -> None:
        """Sends notices, and beside them the run's `end` to the watchdogs, where it has come."""
        with _unharmed():
            self.dispatcher.open()
            if end is not None and self._watched:
                self.dispatcher.end(end)
            self.dispatcher.send(now, choose)
            self.dispatcher.collect()

    @property
    def _watched(self) -> bool:
        """Only the timer's whole runs are: any other must not hide that the timer stands still."""
        return not self.asked.terminal and not self.asked.circuits

    def _news(self, synced: Synced) -> Choose:
        report = synced.report
        news = [self._with_runbook(notice) for notice in news_of(synced)]

        def choose(target: NotifyTarget, memory: Memory) -> Choice:
            wanted = list(news)
            if memory.failure_told:
                wanted.append(recovery_of(memory.failure_told, report.now, report.run_id))
            if NoticeKind.DAILY in target.kinds and not self.asked.circuits:
                day = day_due(memory.daily_on, target.daily_at, report.now, self.configuration.zone)
                wanted += [summary(report, target, day)] if day is not None else []
            taken = tuple(filter(target.takes, wanted))
            return taken, replace(memory, failure_told="", failure_told_at=None)

        return choose

    def _with_runbook(self, notice: Notice) -> Notice:
        """`notice`, and where it asks somebody to act the page that says how."""
        runbook = self.configuration.settings.runbook
        if runbook is None or notice.kind not in (NoticeKind.PROBLEM, NoticeKind.LATE):
            return notice
        return replace(notice, remedy=f"{notice.remedy.removesuffix('.')}. Runbook: {runbook}".lstrip(". "))

    def _failure(self, error: Exception, now: datetime) -> Choose:
        """Where the state cannot be used, the outbox remembers what was told; if that cannot be written
        either, every run tells."""
        notice = self._with_runbook(failure_of(error, now, self.asked.run_id))

        def choose(target: NotifyTarget, memory: Memory) -> Choice:
            told_at = memory.failure_told_at
            told = memory.failure_told == notice.id and told_at is not None and now - told_at < REMINDER
            if told or not target.takes(notice):
                return (), memory
            return (notice,), replace(memory, failure_told=notice.id, failure_told_at=now)

        return choose

    def _write_metrics(self, report: Report | None, status: int) -> None:
        """A run of one circuit says nothing of the others, and nothing of the timer."""
        if not self.asked.circuits:
            with _unharmed():
                write_metrics(
                    self.configuration,
                    self.dispatcher.local,
                    report=report,
                    status=status,
                    started=self._started,
                )


def _settled(report: Report, told: Report) -> Choose:
    before = {order.id: order.outcome for order in told.orders}
    settled = [o for o in report.orders if not o.outcome.open and before.get(o.id) != o.outcome]
    news = tuple(orders_of(report, settled))
    return lambda target, memory: (tuple(filter(target.takes, news)), memory)


@contextmanager
def _unharmed() -> Iterator[None]:
    """The run goes on whatever happens in here, even if that is a bug of ours."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - bandwidth has been ordered; telling of it must not undo that
        _log.warning("telling of the run failed: this is a bug in iodcal (%s)", type(error).__name__)
        _log.debug("where that was", exc_info=True)
