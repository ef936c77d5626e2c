"""How notices fare, from what the last runs left on disk."""

from __future__ import annotations

from pathlib import Path

from iodcal.config import Configuration
from iodcal.notices.outbox import Memory, load
from iodcal.result import TargetReport
from iodcal.store.files import Access


def known_targets(configuration: Configuration, state_path: Path) -> tuple[TargetReport, ...]:
    """Every configured target, as the last runs left it."""
    if not configuration.notify:
        return ()
    outbox = load(state_path, Access(configuration.settings.group))
    return tuple(target_report(name, outbox.of(name)) for name in configuration.notify)


def target_report(name: str, memory: Memory, sent: int = 0) -> TargetReport:
    """One target's line of a report."""
    waiting = len(memory.waiting)
    return TargetReport(name, sent, waiting, memory.delivered_at, memory.failing_since, memory.fault)
