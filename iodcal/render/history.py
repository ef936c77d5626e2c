"""The history as lines for people, as JSON, and as CSV."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from iodcal.actor import Author
from iodcal.domain.changes import Cause
from iodcal.history_command import HistoryReport
from iodcal.render import past
from iodcal.render.chart import DOWN, UP
from iodcal.render.csv import csv_text
from iodcal.render.json import VERSION, Json, moment
from iodcal.render.text import for_line, for_terminal
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
    *(
        "causes",
        "starts",
        "ends",
        "rules",
        "calendars",
        "by",
        "user",
        "uid",
        "run_id",
        "order_id",
        "external_id",
    ),
    *("iodcal_version", "rules_digest", "labels", "rule_labels", "details"),
    *("who", "note", "price_per_hour", "currency"),
)

_INDENT = 9  # columns: below the circuit
_MOST_WHY = 400  # characters
_BAD = "bold red"


def print_history(report: HistoryReport, console: Console, *, ids: bool) -> None:
    """Shows the entries by day, oldest first; with `ids` also all that finds them again elsewhere."""
    if not report.entries:
        console.print(Text("Nothing on record."))
        return
    widths = _Widths.of(report)
    day = ""
    for entry in report.entries:
        today = f"{entry.at.astimezone(report.zone):%a %d %b %Y}"
        if today != day:
            console.print(Text(today, style="bold"))
            day = today
        console.print(_head(entry, report.zone, widths))
        for line in (past.why(entry, report.zone), _ids(entry) if ids else ""):
            if line:
                console.print(
                    Padding(
                        Text(for_terminal(line, _MOST_WHY), style="dim"), (0, 0, 0, _INDENT), expand=False
                    )
                )


class _Widths(Struct, frozen=True):
    """How wide the columns are, so that they stand in line from day to day."""

    circuit: int
    what: int
    outcome: int

    @classmethod
    def of(cls, report: HistoryReport) -> _Widths:
        rows = [_columns(entry, report.zone) for entry in report.entries]
        return cls(*(max(cell_len(row[place]) for row in rows) for place in range(3)))


def _columns(entry: Entry, zone: ZoneInfo) -> tuple[str, str, str]:
    ended = past.settled(entry) or entry.ended
    at = f" {ended.astimezone(zone):%H:%M}" if ended is not None else ""
    outcome = for_terminal(past.came_to(entry), 32) + at
    return for_terminal(entry.circuit or "", 20), for_terminal(past.step(entry), 26), outcome


def _head(entry: Entry, zone: ZoneInfo, widths: _Widths) -> Text:
    circuit, what, outcome = _columns(entry, zone)
    line = Text(f"  {entry.at.astimezone(zone):%H:%M}  ")
    line.append(set_cell_size(circuit, widths.circuit + 2), "bold")
    verb, _, rest = set_cell_size(what, widths.what + 2).partition(" ")
    line.append(verb, {"up": UP, "down": DOWN}.get(verb, ""))
    line.append(f" {rest}")
    line.append(set_cell_size(outcome, widths.outcome + 2), _BAD if past.is_bad(entry) else "")
    return line.append(for_terminal(past.who(entry.stamp.by), 20), "dim")


def unreadable_line(report: HistoryReport) -> str | None:
    """What to say of lines that could not be read; None where all could."""
    count = report.unreadable
    if not count:
        return None
    lines, verb = ("line", "is") if count == 1 else ("lines", "are")
    return f"warning: {count} {lines} of the history cannot be read and {verb} not shown"


def _ids(entry: Entry) -> str:
    order, stamp = entry.order, entry.stamp
    parts = [f"run {stamp.run_id}"]
    if order is not None:
        parts += [order.external_id, f"order {order.carrier_order_id or 'not known'}"]
        parts += [f"{order.price_per_hour} {order.currency} an hour"] if order.price_per_hour else []
    parts += [f"iodcal {stamp.version}"] if stamp.version else []
    parts += [f"rules {stamp.rules[:19]}"] if stamp.rules else []
    labels = past.labels_text((*entry.labels, *past.rule_labels(entry.causes)))
    return for_line(", ".join([*parts, labels] if labels else parts))


def history_json(report: HistoryReport) -> Json:
    """The object that `history` prints."""
    return {
        "version": VERSION,
        "command": "history",
        "exit": int(report.exit),
        "now": moment(report.now),
        "from": moment(report.start),
        "to": moment(report.end),
        "unreadable_lines": report.unreadable,
        "entries": [_entry(entry) for entry in report.entries],
    }


def _entry(entry: Entry) -> Json:
    order, stamp = entry.order, entry.stamp
    return {
        "at": moment(entry.at),
        "kind": entry.kind,
        "circuit": entry.circuit,
        "direction": _direction(entry),
        "from_mbps": entry.old.mbps if entry.old else None,
        "to_mbps": entry.new.mbps if entry.new else None,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "accepted_at": moment(order.accepted_at) if order else None,
        "settled_at": moment(past.settled(entry)),
        "until": moment(entry.until),
        "ended_at": moment(entry.ended),
        "causes": [_cause(cause) for cause in entry.causes],
        "by": _by(stamp.by),
        "run_id": stamp.run_id,
        "who": entry.who,
        "note": entry.note,
        "price_per_hour": str(order.price_per_hour) if order and order.price_per_hour is not None else None,
        "currency": order.currency if order else None,
        "order_id": order.carrier_order_id if order else None,
        "external_id": order.external_id if order else None,
        "iodcal_version": stamp.version,
        "rules_digest": stamp.rules,
        "labels": dict(entry.labels),
        "transitions": [_transition(step) for step in entry.transitions],
        "details": dict(entry.facts),
    }


def _cause(cause: Cause) -> Json:
    return {
        "kind": cause.kind,
        "rule": cause.rule,
        "calendar": cause.calendar,
        "subject": cause.subject,
        "start": moment(cause.start),
        "end": moment(cause.end),
        "ended": cause.ended,
        "who": cause.who,
        "note": cause.note,
        "labels": dict(cause.labels),
    }


def _transition(step: Transition) -> Json:
    return {
        "at": moment(step.stamp.at),
        "outcome": str(step.outcome),
        "run_id": step.stamp.run_id,
        "by": _by(step.stamp.by),
    }


def _by(by: Author | None) -> Json | None:
    return {"kind": str(by.by), "user": by.user, "uid": by.uid} if by else None


def _direction(entry: Entry) -> str | None:
    if entry.old is None or entry.new is None:
        return None
    return "up" if entry.new > entry.old else "down"


def history_csv(report: HistoryReport) -> str:
    """A header and a line per entry; lists in a cell are separated by semicolons."""
    return csv_text(COLUMNS, (_cells(entry, report) for entry in report.entries))


def _cells(entry: Entry, report: HistoryReport) -> dict[str, str | int | None]:
    shown = _entry(entry)
    by, zone = entry.stamp.by, report.zone
    details = [f"{name}={past.fact_text(name, fact, zone)}" for name, fact in entry.facts.items() if fact]
    listed: dict[str, Any] = {
        "by": str(by.by) if by else None,
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
    return {column: listed.get(column, shown.get(column)) for column in COLUMNS}


def _distinct(names: Any) -> str:
    return "; ".join(dict.fromkeys(name for name in names if name))
