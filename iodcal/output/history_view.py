"""The history as JSON, and as CSV of the same keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from iodcal.actor import Author
from iodcal.commands.history import HistoryReport
from iodcal.output import past
from iodcal.output.json import SPAN_KEYS, ResultView, View, moment
from iodcal.output.text import csv_text
from iodcal.store.entries import Entry
from iodcal.store.history import Transition

COLUMNS = (
    *(
        "at",
        "kind",
        "circuit",
        "direction",
        "from_mbps",
        "to_mbps",
        "outcome",
        "reason",
        "settled_at",
        "until",
    ),
    *("causes", "starts", "ends", "rules", "calendars", "by", "user", "uid", "run_id", "order_id"),
    *("external_id", "iodcal_version", "rules_digest", "labels", "rule_labels", "details", "who", "note"),
    *("price_per_hour", "currency"),
)


class ByView(View):
    """On whose behalf a run was."""

    kind: str
    user: str | None
    uid: int | None


class PastCauseView(View):
    kind: str
    rule: str | None
    calendar: str | None
    subject: str | None
    start: datetime
    end: datetime
    ended: bool
    who: str | None
    note: str | None
    labels: dict[str, str]


class TransitionView(View):
    """What became of an order, and in which run."""

    at: datetime
    outcome: str
    run_id: str
    by: ByView | None


class EntryView(View):
    at: datetime
    kind: str
    circuit: str | None
    direction: str | None
    from_mbps: int | None
    to_mbps: int | None
    outcome: str | None
    reason: str | None
    accepted_at: datetime | None
    settled_at: datetime | None
    until: datetime | None
    ended_at: datetime | None
    causes: tuple[PastCauseView, ...]
    by: ByView | None
    run_id: str
    who: str | None
    note: str | None
    price_per_hour: Decimal | None
    currency: str | None
    order_id: str | None
    external_id: str | None
    iodcal_version: str | None
    rules_digest: str | None
    labels: dict[str, str]
    transitions: tuple[TransitionView, ...]
    details: dict[str, Any]


class HistoryView(ResultView, rename={**SPAN_KEYS, "unreadable": "unreadable_lines"}):
    """What `history` prints; `from` and `to` are null where no time was given."""

    now: datetime
    start: datetime | None
    end: datetime | None
    unreadable: int
    entries: tuple[EntryView, ...]


def history_view(report: HistoryReport) -> HistoryView:
    """The object that `history` prints."""
    return HistoryView.of(report, command="history", entries=tuple(map(_entry, report.entries)))


def _entry(entry: Entry) -> EntryView:
    order, stamp = entry.order, entry.stamp
    return EntryView.of(
        entry,
        direction=_direction(entry),
        accepted_at=order.accepted_at if order else None,
        settled_at=past.settled(entry),
        ended_at=entry.ended,
        causes=tuple(PastCauseView.of(cause) for cause in entry.causes),
        by=_by(stamp.by),
        run_id=stamp.run_id,
        price_per_hour=order.price_per_hour if order else None,
        currency=order.currency if order else None,
        order_id=order.carrier_order_id if order else None,
        external_id=order.external_id if order else None,
        iodcal_version=stamp.version,
        rules_digest=stamp.rules,
        transitions=tuple(map(_transition, entry.transitions)),
        details=dict(entry.facts),
    )


def _transition(step: Transition) -> TransitionView:
    return TransitionView.of(step.stamp, outcome=step.outcome, by=_by(step.stamp.by))


def _by(by: Author | None) -> ByView | None:
    return ByView.of(by, kind=by.by) if by else None


def _direction(entry: Entry) -> str | None:
    if entry.old is None or entry.new is None:
        return None
    return "up" if entry.new > entry.old else "down"


def history_csv(report: HistoryReport) -> str:
    """A header and a line per entry; lists in a cell are separated by semicolons."""
    return csv_text(COLUMNS, (_cells(entry, report) for entry in report.entries))


def _cells(entry: Entry, report: HistoryReport) -> dict[str, str | int | None]:
    shown, by, zone = _entry(entry), entry.stamp.by, report.zone
    details = [f"{name}={past.fact_text(name, fact, zone)}" for name, fact in entry.facts.items() if fact]
    listed: dict[str, Any] = {
        "by": by.by if by else None,
        "user": by.user if by else None,
        "uid": by.uid if by else None,
        "causes": "; ".join(past.named(cause) for cause in entry.causes),
        "starts": "; ".join(str(moment(cause.start)) for cause in entry.causes),
        "ends": "; ".join(str(moment(cause.end)) for cause in entry.causes),
        "rules": _distinct(cause.rule for cause in entry.causes),
        "calendars": _distinct(cause.calendar for cause in entry.causes),
        "labels": past.labels_text(entry.labels),
        "rule_labels": past.labels_text(past.rule_labels(entry.causes)),
        "details": "; ".join(details),
    }
    return {column: _cell(listed.get(column, getattr(shown, column, None))) for column in COLUMNS}


def _cell(value: Any) -> str | int | None:
    if isinstance(value, datetime):
        return moment(value)
    return value if value is None or isinstance(value, int) else str(value)


def _distinct(names: Iterable[str | None]) -> str:
    return "; ".join(dict.fromkeys(name for name in names if name))
