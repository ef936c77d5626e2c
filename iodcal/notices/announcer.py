"""Who tells of a run: the metrics file first, then pings and notices."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from msgspec import Struct, field

from iodcal.asked import Syncing
from iodcal.commands import Synced
from iodcal.config import Configuration, NotifyTarget
from iodcal.domain.values import replace
from iodcal.errors import LockHeldError
from iodcal.exits import Exit, exit_of
from iodcal.metrics.writing import write
from iodcal.notices import NoticeKind
from iodcal.notices.daily import day_due, summary
from iodcal.notices.news import failure_of, news_of, orders_of, recovery_of
from iodcal.notices.office import Choice, Choose, Office
from iodcal.notices.outbox import Memory
from iodcal.result import Report
from iodcal.telling import REMINDER

_log = logging.getLogger("iodcal.notices")


class Announcer(Struct):
    """Tells of one run. People at a terminal see for themselves: only a timer's runs send anything."""

    configuration: Configuration
    asked: Syncing
    office: Office
    _told: Report | None = None
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def begin(self) -> None:
        """Tells the watchdogs that a run has begun, and does not wait for them."""
        if self._watched:
            with _unharmed():
                self.office.open()
                self.office.start()

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
        fared = self.office.reports
        known = tuple(fared[name] for name in self.configuration.notify if name in fared)
        return replace(synced, report=replace(report, notices=known))

    def failed(self, error: BaseException) -> None:
        """Tells of a run that `error` ended."""
        status = Exit.CONFIGURATION if self.asked.faults else exit_of(error)
        self._write_metrics(None, status)
        overlap = isinstance(error, LockHeldError) and error.facts.get("stuck") is None
        if self.asked.terminal or overlap or not isinstance(error, Exception):
            return  # of an overlap the run that holds the lock tells how it went
        now = datetime.now(UTC)
        self._send(now, self._failure(error, now), status)

    def _send(self, now: datetime, choose: Choose, end: int | None) -> None:
        """Sends notices, and beside them the run's `end` to the watchdogs, where it has come."""
        with _unharmed():
            self.office.open()
            if end is not None and self._watched:
                self.office.end(end)
            self.office.send(now, choose)
            self.office.collect()

    @property
    def _watched(self) -> bool:
        """Only the timer's whole runs are: any other must not hide that the timer stands still."""
        return not self.asked.terminal and self.asked.circuit is None

    def _news(self, synced: Synced) -> Choose:
        news, report = news_of(synced), synced.report

        def choose(target: NotifyTarget, memory: Memory) -> Choice:
            wanted = list(news)
            if memory.failure_told:
                wanted.append(recovery_of(memory.failure_told, report.now, report.run_id))
            if NoticeKind.DAILY in target.kinds and self.asked.circuit is None:
                day = day_due(memory.daily_on, target.daily_at, report.now, self.configuration.zone)
                wanted += [summary(report, target, day)] if day is not None else []
            taken = tuple(filter(target.takes, wanted))
            return taken, replace(memory, failure_told="", failure_told_at=None)

        return choose

    def _failure(self, error: Exception, now: datetime) -> Choose:
        """Where the state cannot be used, the outbox remembers what was told; if that cannot be written
        either, every run tells."""
        notice = failure_of(error, now, self.asked.run_id)

        def choose(target: NotifyTarget, memory: Memory) -> Choice:
            told_at = memory.failure_told_at
            told = memory.failure_told == notice.id and told_at is not None and now - told_at < REMINDER
            if told or not target.takes(notice):
                return (), memory
            return (notice,), replace(memory, failure_told=notice.id, failure_told_at=now)

        return choose

    def _write_metrics(self, report: Report | None, status: int) -> None:
        """A run of one circuit says nothing of the others, and nothing of the timer."""
        if self.asked.circuit is None:
            with _unharmed():
                state = self.office.state_path
                write(self.configuration, state, report, status, self._started)


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
