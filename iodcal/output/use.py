"""What was really used, as tables for people and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from iodcal.analysis.usage import UsageReport, UseRow, rate_text
from iodcal.domain.bandwidth import Bandwidth
from iodcal.messages.results import event_name
from iodcal.messages.usage import trouble_words
from iodcal.output.json import View, seconds
from iodcal.output.text import for_terminal, local

_BAR = 10
_FULL, _EMPTY = "\u2588", "\u2591"
BASIS = "averages of five minutes, the busier direction"


def bar(share: float, width: int = _BAR) -> str:
    """`share` of a tier as a bar, which is full only where the tier was."""
    filled = min(width, max(0, round(share * width)))
    if filled == width and share < 0.95:
        filled -= 1
    return _FULL * filled + _EMPTY * (width - filled)


def share_of(mbps: float, tier: Bandwidth | None) -> float | None:
    return mbps / tier.mbps if tier is not None else None


def use_tables(
    found: UsageReport, zone: ZoneInfo, *, most: int | None, plain_table: Callable[..., Table]
) -> list[tuple[str, Table]]:
    """A table with its title for circuits, rules and events; of events `most`, the fullest first."""
    events = sorted(
        found.events, key=lambda row: (-(share_of(row.use.highest, row.ordered) or 0), row.circuit)
    )
    shown = events[:most]
    title = "Use by event"
    if len(shown) < len(events):
        title = f"{title}: the fullest {len(shown)} of {len(events)}, all with -v"
    parts: list[tuple[str, Sequence[UseRow]]] = [
        (f"Use by circuit ({BASIS})", found.circuits),
        ("Use by rule, while its events were", found.rules),
        (title, shown),
    ]
    return [(name, _table(rows, zone, plain_table)) for name, rows in parts if rows]


def _table(rows: Sequence[UseRow], zone: ZoneInfo, plain_table: Callable[..., Table]) -> Table:
    of_events = rows[0].because is not None
    names = ["", "circuit"] if of_events else [""]
    doubt = any(row.use.unknown for row in rows)
    columns = [*names, "ordered", "highest", "", "", "at", "95th", "full", *(["unknown"] if doubt else [])]
    table = plain_table(columns, texts=len(names))
    for row in rows:
        name = [for_terminal(_name(row), 24)] if of_events else []
        table.add_row(*map(Text, [*name, for_terminal(row.circuit, 14), *_cells(row, zone, doubt=doubt)]))
    return table


def _cells(row: UseRow, zone: ZoneInfo, *, doubt: bool) -> list[str]:
    use, share = row.use, share_of(row.use.highest, row.ordered)
    return [
        str(row.ordered) if row.ordered is not None else "?",
        rate_text(use.highest),
        bar(share) if share is not None else "",
        f"{share:.0%}" if share is not None else "",
        local(use.highest_at, zone),
        rate_text(use.p95),
        _minutes(use.full) if use.full else "",
        *([f"{1 - use.share_known:.0%}" if use.unknown else ""] if doubt else []),
    ]


def _minutes(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _name(row: UseRow) -> str:
    because = row.because
    if because is None:
        return ""
    if because.start is None:
        events = "1 event" if row.events == 1 else f"{row.events} events"
        return f"{because.rule} ({events})"
    return event_name(because)


class UseFiguresView(View):
    highest_mbps: float
    highest_at: datetime
    p95_mbps: float
    known_seconds: int | None
    unknown_seconds: int | None
    full_seconds: int | None


class UseRowView(View):
    """Of a circuit in all; with a rule of its events together, with a start of one of them."""

    circuit: str
    rule: str | None
    subject: str | None
    start: datetime | None
    end: datetime | None
    events: int
    ordered_mbps: int | None
    use: UseFiguresView


class UsageTroubleView(View):
    code: str
    circuits: tuple[str, ...]
    message: str
    remedy: str


class UsageView(View):
    """What was really used, beside what was ordered."""

    circuits: tuple[UseRowView, ...]
    rules: tuple[UseRowView, ...]
    events: tuple[UseRowView, ...]
    troubles: tuple[UsageTroubleView, ...]


def usage_view(found: UsageReport) -> UsageView:
    """The object `usage` of what `report` prints."""
    return UsageView(
        circuits=tuple(map(_row_view, found.circuits)),
        rules=tuple(map(_row_view, found.rules)),
        events=tuple(map(_row_view, found.events)),
        troubles=trouble_views(found),
    )


def trouble_views(found: UsageReport) -> tuple[UsageTroubleView, ...]:
    """Each trouble in words."""
    worded = ((one, trouble_words(one)) for one in found.troubles)
    return tuple(UsageTroubleView.of(one, message=w.message, remedy=w.remedy) for one, w in worded)


def _row_view(row: UseRow) -> UseRowView:
    because, use = row.because, row.use
    figures = UseFiguresView(
        highest_mbps=round(use.highest, 3),
        highest_at=use.highest_at,
        p95_mbps=round(use.p95, 3),
        known_seconds=seconds(use.known),
        unknown_seconds=seconds(use.unknown),
        full_seconds=seconds(use.full),
    )
    return UseRowView.of(
        row,
        rule=because.rule if because is not None else None,
        subject=because.subject if because is not None else None,
        start=because.start if because is not None else None,
        end=because.end if because is not None else None,
        use=figures,
    )
