"""A look back as JSON, and as CSV: one row for each figure that the tables show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec import to_builtins

from iodcal.analysis.figures import (
    UNKNOWN,
    Bill,
    CircuitCosts,
    CostReason,
    Figures,
    Lookback,
    QuotaDay,
    Served,
    Spending,
)
from iodcal.analysis.usage import UseRow
from iodcal.domain.billing import hours
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost
from iodcal.exits import Exit
from iodcal.messages.results import doubts, event_name, spent_on
from iodcal.output.json import VERSION, Json, moment
from iodcal.output.text import csv_text
from iodcal.output.use import usage_view

Row: TypeAlias = Mapping[str, str | int | None]

COLUMNS = (
    *("section", "name", "circuit", "from", "to", "mbps", "hours", "currency"),
    *("cost", "highest", "baseline", "saved", "extra", "complete"),
    *("used", "limit", "ready", "spare_seconds", "reason"),
    *("highest_mbps", "p95_mbps", "full_minutes", "unknown_minutes"),
)


def lookback_json(found: Lookback) -> Json:
    """The object that `report` prints."""
    return {
        "version": VERSION,
        "command": "report",
        "exit": int(Exit.OK),
        "now": moment(found.now),
        "from": moment(found.asked.start),
        "to": moment(found.asked.end),
        "timezone": found.zone.key,
        "priced_by": sorted(found.priced_by),
        "total": _figures(found.total),
        "circuits": [_circuit(one) for one in found.circuits],
        "labels": [{"label": name, "value": value, **_figures(one)} for (name, value), one in found.labels],
        "months": [_month(month, one) for month, one in found.months],
        "rules": [_spending(one) for one in found.rules],
        "events": [_spending(one) for one in found.events],
        "quota": [_quota(one) for one in found.quota],
        "service": {
            "events": len(found.service),
            "ready": len(found.service) - len(found.late),
            "late": len(found.late),
            "worst_first": [_served(one) for one in found.service],
        },
        "usage": to_builtins(usage_view(found.usage), builtin_types=(datetime,)) if found.usage else None,
        "notes": [{"message": words.message, "remedy": words.remedy} for words in doubts(found)],
        "unreadable_lines": found.unreadable,
    }


def _figures(figures: Figures) -> Json:
    return {
        "complete": figures.complete,
        "hours": [
            {"mbps": tier.mbps, "hours": _hours(length)} for tier, length in sorted(figures.at_tier.items())
        ],
        "unknown_hours": _hours(figures.unknown),
        "bills": [_bill(bill) for bill in figures.bills],
    }


def _bill(bill: Bill) -> Json:
    """Money is text, so that no reader makes it a binary fraction."""
    costs = {"cost": bill.cost, "highest": bill.highest, "baseline": bill.baseline, "saved": bill.saved}
    amounts = {name: str(cost.rounded) for name, cost in {**costs, "extra": bill.extra}.items()}
    return {"currency": bill.currency, **amounts, "complete": bill.cost.complete and bill.saved.complete}


def _circuit(one: CircuitCosts) -> Json:
    return {
        "name": one.name,
        "service_id": one.key.rpartition("|")[2],
        "in_configuration": not one.left,
        "labels": dict(one.labels),
        **_figures(one.figures),
        "months": [_month(month, figures) for month, figures in one.months],
        "gaps": [{"from": moment(gap.start), "to": moment(gap.end)} for gap in one.gaps],
        "tiers_without_rate": [tier.mbps for tier in one.unpriced],
    }


def _month(month: Interval, figures: Figures) -> Json:
    return {"from": moment(month.start), "to": moment(month.end), **_figures(figures)}


def _cost(cost: Cost) -> Json:
    return {"amount": str(cost.rounded), "currency": cost.currency, "complete": cost.complete}


def _because(because: CostReason) -> Json:
    return {
        "kind": because.kind,
        "rule": because.rule,
        "subject": because.subject,
        "start": moment(because.start),
        "end": moment(because.end),
    }


def _spending(one: Spending) -> Json:
    return {**_because(one.because), "cost": _cost(one.cost), "circuits": list(one.circuits)}


def _quota(one: QuotaDay) -> Json:
    return {"account": one.account, "day": one.day.isoformat(), "used": one.used, "limit": one.limit}


def _served(one: Served) -> Json:
    return {
        "circuit": one.circuit,
        **_because(one.because),
        "needs_mbps": one.needs.mbps if one.needs is not None else None,
        "ready": one.ready,
        "spare_seconds": _seconds(one.spare),
        "reason": one.reason,
    }


def _hours(length: timedelta) -> str:
    return str(round(hours(length), 2))


def _seconds(length: timedelta | None) -> int | None:
    return int(length.total_seconds()) if length is not None else None


def lookback_csv(found: Lookback) -> str:
    """A header and rows; `section` says what a row is of."""
    return csv_text(COLUMNS, _rows(found))


def _rows(found: Lookback) -> Iterator[Row]:
    yield from _figure_rows("total", "", found.total, found.asked)
    for month, figures in found.months:
        yield from _figure_rows("month", "", figures, month)
    for (name, value), figures in found.labels:
        yield from _figure_rows("label", f"{name}={value}", figures, found.asked)
    for one in found.circuits:
        yield from _figure_rows("circuit", one.name, figures=one.figures, span=found.asked, circuit=one.name)
        for month, figures in one.months:
            yield from _figure_rows("circuit_month", one.name, figures=figures, span=month, circuit=one.name)
    for spending in found.rules:
        yield {"section": "rule", "name": spent_on(spending.because), **_spent_cells(spending)}
    for spending in found.events:
        name = event_name(spending.because)
        yield {"section": "event", "name": name, **_spent_cells(spending), **_times(spending.because)}
    for day in found.quota:
        row: Row = {"section": "quota", "name": day.account, "from": day.day.isoformat()}
        yield {**row, "used": day.used, "limit": day.limit}
    for served in found.service:
        yield {"section": "service", "name": event_name(served.because), **_service_cells(served)}
    for use in found.usage.circuits if found.usage is not None else ():
        yield _use_cells("use_circuit", use.circuit, use)
    for use in (*found.usage.rules, *found.usage.events) if found.usage is not None else ():
        because = use.because or UNKNOWN
        if because.start is None:
            yield _use_cells("use_rule", spent_on(because), use)
        else:
            yield {**_use_cells("use_event", event_name(because), use), **_times(because)}


def _use_cells(section: str, name: str, row: UseRow) -> Row:
    use = row.use
    return {
        "section": section,
        "name": name,
        "circuit": row.circuit,
        "mbps": row.ordered.mbps if row.ordered is not None else None,
        "highest_mbps": f"{use.highest:.3f}",
        "p95_mbps": f"{use.p95:.3f}",
        "full_minutes": round(use.full.total_seconds() / 60),
        "unknown_minutes": round(use.unknown.total_seconds() / 60),
    }


def _figure_rows(
    section: str, name: str, figures: Figures, span: Interval, circuit: str = ""
) -> Iterator[Row]:
    row: Row = {"section": section, "name": name, "circuit": circuit, **_span(span)}
    for bill in figures.bills:
        cells = {key: str(value) for key, value in _bill(bill).items() if key != "complete"}
        complete = "no" if figures.unknown or not _bill(bill)["complete"] else "yes"
        yield {**row, **cells, "complete": complete}
    for tier, length in sorted(figures.at_tier.items()):
        yield {**row, "section": f"{section}_hours", "mbps": tier.mbps, "hours": _hours(length)}
    if figures.unknown:
        yield {**row, "section": f"{section}_hours", "hours": _hours(figures.unknown), "complete": "no"}


def _span(span: Interval) -> Row:
    return {"from": moment(span.start), "to": moment(span.end)}


def _times(because: CostReason) -> Row:
    return {"from": moment(because.start), "to": moment(because.end)}


def _spent_cells(one: Spending) -> Row:
    return {
        "circuit": "; ".join(one.circuits),
        "currency": one.cost.currency,
        "extra": str(one.cost.rounded),
        "complete": "yes" if one.cost.complete else "no",
    }


def _service_cells(one: Served) -> Row:
    return {
        "circuit": one.circuit,
        **_times(one.because),
        "mbps": one.needs.mbps if one.needs is not None else None,
        "ready": "yes" if one.ready else "no",
        "spare_seconds": _seconds(one.spare),
        "reason": one.reason,
    }
