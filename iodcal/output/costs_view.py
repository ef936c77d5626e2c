"""A look back as JSON, and as CSV: one row for each figure that the tables show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from iodcal.analysis.figures import (
    UNKNOWN,
    Bill,
    CircuitCosts,
    CostReason,
    Figures,
    Lookback,
    Served,
    Spending,
)
from iodcal.analysis.usage import UseRow
from iodcal.domain.billing import hours
from iodcal.domain.localtime import Interval
from iodcal.exits import Exit
from iodcal.messages.results import doubts, event_name, spent_on
from iodcal.output.json import SPAN_KEYS, CostView, ResultView, View, mbps, moment, seconds
from iodcal.output.text import csv_text
from iodcal.output.use import UsageView, usage_view

Row: TypeAlias = Mapping[str, str | int | None]

COLUMNS = (
    *("section", "name", "circuit", "from", "to", "mbps", "hours", "currency"),
    *("cost", "highest", "baseline", "saved", "extra", "complete"),
    *("used", "limit", "ready", "spare_seconds", "reason"),
    *("highest_mbps", "p95_mbps", "full_minutes", "unknown_minutes"),
)


class TierHoursView(View):
    mbps: int
    hours: Decimal


class BillView(View):
    """What something cost in one currency, as text: so ordered, always at the highest tier, on the baseline
    alone, saved against the highest tier, and spent beyond the baseline."""

    currency: str
    cost: Decimal
    highest: Decimal
    baseline: Decimal
    saved: Decimal
    extra: Decimal
    complete: bool


class FiguresView(View, kw_only=True):
    """How long at which tier, how long nothing is known, and what it cost. Keys of what they are of come
    first."""

    complete: bool
    hours: tuple[TierHoursView, ...]
    unknown_hours: Decimal
    bills: tuple[BillView, ...]


class LabelFiguresView(FiguresView):
    """The circuits with one label together."""

    label: str
    value: str


class MonthFiguresView(FiguresView, rename=SPAN_KEYS):
    """One month, as far as it lies in the span."""

    start: datetime
    end: datetime


class GapView(View, rename=SPAN_KEYS):
    """A time in which the history has lost something."""

    start: datetime
    end: datetime


class _MonthlyView(FiguresView, kw_only=True):
    months: tuple[MonthFiguresView, ...]
    gaps: tuple[GapView, ...]
    tiers_without_rate: tuple[int, ...]


class CircuitCostsView(_MonthlyView):
    """One circuit."""

    name: str
    service_id: str
    in_configuration: bool
    labels: dict[str, str]


class ReasonView(View, kw_only=True):
    """What a circuit's level was for."""

    kind: str
    rule: str | None
    subject: str | None
    start: datetime | None
    end: datetime | None


class SpendingView(ReasonView, kw_only=True):
    """What a reason cost beyond the baseline, less than nothing where it saved."""

    cost: CostView
    circuits: tuple[str, ...]


class QuotaDayView(View):
    """An account's orders on a UTC day."""

    account: str
    day: date
    used: int
    limit: int | None


class _ServedReasonView(ReasonView, kw_only=True):
    needs_mbps: int | None
    ready: bool
    spare_seconds: int | None
    reason: str | None


class ServedView(_ServedReasonView):
    """Whether a circuit was at tier before an event began."""

    circuit: str


class ServiceView(View):
    """How many events found their circuit ready, the worst first."""

    events: int
    ready: int
    late: int
    worst_first: tuple[ServedView, ...]


class NoteView(View):
    """What is not known, and what to do about it."""

    message: str
    remedy: str


class LookbackView(ResultView, rename=SPAN_KEYS):
    """What `report` prints."""

    now: datetime
    start: datetime
    end: datetime
    timezone: str
    priced_by: tuple[str, ...]
    total: FiguresView
    circuits: tuple[CircuitCostsView, ...]
    labels: tuple[LabelFiguresView, ...]
    months: tuple[MonthFiguresView, ...]
    rules: tuple[SpendingView, ...]
    events: tuple[SpendingView, ...]
    quota: tuple[QuotaDayView, ...]
    service: ServiceView
    usage: UsageView | None
    notes: tuple[NoteView, ...]
    unreadable_lines: int


def lookback_view(found: Lookback) -> LookbackView:
    """The object that `report` prints."""
    service = ServiceView(
        events=len(found.service),
        ready=len(found.service) - len(found.late),
        late=len(found.late),
        worst_first=tuple(map(_served, found.service)),
    )
    return LookbackView.of(
        found,
        command="report",
        exit=int(Exit.OK),
        start=found.asked.start,
        end=found.asked.end,
        timezone=found.zone.key,
        priced_by=tuple(sorted(found.priced_by)),
        total=FiguresView(**_figures(found.total)),
        circuits=tuple(map(_circuit, found.circuits)),
        labels=tuple(LabelFiguresView(name, value, **_figures(one)) for (name, value), one in found.labels),
        months=tuple(_month(month, one) for month, one in found.months),
        rules=tuple(map(_spending, found.rules)),
        events=tuple(map(_spending, found.events)),
        quota=tuple(map(QuotaDayView.of, found.quota)),
        service=service,
        usage=usage_view(found.usage) if found.usage is not None else None,
        notes=tuple(map(NoteView.of, doubts(found))),
        unreadable_lines=found.unreadable,
    )


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "complete": figures.complete,
        "hours": tuple(
            TierHoursView(tier.mbps, _hours(length)) for tier, length in sorted(figures.at_tier.items())
        ),
        "unknown_hours": _hours(figures.unknown),
        "bills": tuple(map(_bill, figures.bills)),
    }


def _bill(bill: Bill) -> BillView:
    return BillView(
        bill.currency,
        bill.cost.rounded,
        highest=bill.highest.rounded,
        baseline=bill.baseline.rounded,
        saved=bill.saved.rounded,
        extra=bill.extra.rounded,
        complete=bill.cost.complete and bill.saved.complete,
    )


def _circuit(one: CircuitCosts) -> CircuitCostsView:
    return CircuitCostsView.of(
        one,
        service_id=one.key.rpartition("|")[2],
        in_configuration=not one.left,
        months=tuple(_month(month, figures) for month, figures in one.months),
        gaps=tuple(map(GapView.of, one.gaps)),
        tiers_without_rate=tuple(tier.mbps for tier in one.unpriced),
        **_figures(one.figures),
    )


def _month(month: Interval, figures: Figures) -> MonthFiguresView:
    return MonthFiguresView(month.start, month.end, **_figures(figures))


def _spending(one: Spending) -> SpendingView:
    cost = CostView.of(one.cost, amount=one.cost.rounded)
    return SpendingView.of(one.because, cost=cost, circuits=one.circuits)


def _served(one: Served) -> ServedView:
    return ServedView.of(
        one.because,
        circuit=one.circuit,
        needs_mbps=mbps(one.needs),
        ready=one.ready,
        spare_seconds=seconds(one.spare),
        reason=one.reason,
    )


def _hours(length: timedelta) -> Decimal:
    return round(hours(length), 2)


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
        shown = _bill(bill)
        cells = {key: str(getattr(shown, key)) for key in BillView.__struct_fields__ if key != "complete"}
        complete = "no" if figures.unknown or not shown.complete else "yes"
        yield {**row, **cells, "complete": complete}
    for tier, length in sorted(figures.at_tier.items()):
        yield {**row, "section": f"{section}_hours", "mbps": tier.mbps, "hours": str(_hours(length))}
    if figures.unknown:
        yield {**row, "section": f"{section}_hours", "hours": str(_hours(figures.unknown)), "complete": "no"}


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
        "spare_seconds": seconds(one.spare),
        "reason": one.reason,
    }
