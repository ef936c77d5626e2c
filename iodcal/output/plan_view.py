"""The JSON of `plan`, `sync` and `status`, and the parts of it that other commands show too."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeAlias, TypeVar

from msgspec import UNSET, UnsetType

from iodcal.domain.changes import Cause, Change, Held
from iodcal.domain.costs import change_costs, window_cost, window_total
from iodcal.domain.events import Source
from iodcal.domain.holds import Hold, Parked, Pause, Skip, longest_pause
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost
from iodcal.domain.orders import Order
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.windows import Freeze
from iodcal.messages.files import WAITED_OUT, lost
from iodcal.output.json import (
    VERSION,
    CostView,
    ErrorView,
    FaultView,
    ProblemView,
    View,
    fault_views,
    mbps,
    problem_views,
)
from iodcal.output.unmatched_view import UnmatchedView, unmatched_view
from iodcal.result import Report, SourceReport
from iodcal.store.state import LastRun

Circuits = TypeVar("Circuits")


class HoldView(View):
    """A person's hold."""

    bandwidth_mbps: int
    exactly: bool
    since: datetime
    until: datetime
    who: str
    note: str | None


class PauseView(View):
    """A person's pause."""

    since: datetime
    until: datetime
    who: str
    note: str | None


class ParkedView(View):
    """Since when everything is parked, by whom and why."""

    since: datetime
    who: str
    note: str | None


class SkipView(View):
    """An occurrence that a person said does not count."""

    id: str
    calendar: str
    subject: str | None
    start: datetime
    end: datetime
    since: datetime
    who: str
    note: str | None


class FreezeView(View):
    """One span of a change freeze, and the event that makes it."""

    rule: str
    calendar: str
    subject: str | None
    start: datetime
    end: datetime
    allow: str


class CauseView(View):
    """One cause of a level."""

    kind: str
    rule: str | None
    calendar: str | None
    subject: str | None
    start: datetime
    end: datetime
    remembered_since: datetime | None
    ended: bool
    who: str | None
    note: str | None
    labels: dict[str, str]


class ChangeView(View):
    """One change with its causes, and what it costs where that is known."""

    at: datetime
    due: bool
    direction: str
    from_mbps: int
    to_mbps: int
    held: Held | None
    causes: tuple[CauseView, ...]
    cost: CostView | None


class LeftOutView(ChangeView):
    """A change that the quota has no room for."""

    kept_mbps: int
    until: datetime


class OrderView(View):
    circuit: str
    direction: str
    from_mbps: int
    to_mbps: int
    outcome: str
    external_id: str
    order_id: str | None
    created_at: datetime
    price_per_hour: Decimal | None
    currency: str | None


class WaitedView(View):
    """What a wait that ran out leaves: orders that are still open, and what to do."""

    open: tuple[OrderView, ...]
    remedy: str


class RateView(View):
    mbps: int
    per_hour: Decimal
    currency: str
    source: str
    as_of: date | None


class SourceView(View):
    """One source of a calendar in this run."""

    name: str
    source: str
    read_at: datetime | None
    remembered: bool
    events: int
    matched: int
    refused: int


class CircuitView(View):
    name: str
    carrier: str
    service_id: str
    ordered_mbps: int | None
    observed_mbps: int | None
    observed_at: datetime | None
    observed_status: str | None
    target_mbps: int
    open_order: OrderView | None
    drift_mbps: int | None
    next_change_at: datetime | None
    labels: dict[str, str]
    hold: HoldView | None
    pause: PauseView | None
    freezes: tuple[FreezeView, ...]
    changes: tuple[ChangeView, ...]
    left_out: tuple[LeftOutView, ...]
    cost: CostView | None
    billing: str
    rates: tuple[RateView, ...]


class TargetView(View):
    """How notices fare at one target."""

    target: str
    sent: int
    waiting: int
    delivered_at: datetime | None
    failing_since: datetime | None
    fault: str | None


class ReportView(View, Generic[Circuits], tag_field="version", tag=VERSION):
    """What `plan`, `sync` and `status` print; `explain` prints the same of other `circuits`, with `at`."""

    command: str
    run_id: str
    exit: int
    now: datetime
    test: bool
    config_digest: str
    digest: str
    window: Interval
    pause: PauseView | None
    parked: ParkedView | None
    calendars: tuple[SourceView, ...]
    circuits: tuple[Circuits, ...]
    costs: tuple[CostView | None, ...]
    orders: tuple[OrderView, ...]
    problems: tuple[ProblemView, ...]
    faults: tuple[FaultView, ...] | UnsetType = UNSET
    state_written_to: tuple[str, ...] | UnsetType = UNSET
    error: ErrorView | UnsetType = UNSET
    notices: tuple[TargetView, ...] | UnsetType = UNSET
    last_run: LastRun | UnsetType | None = UNSET
    unmatched: UnmatchedView | UnsetType = UNSET
    waited_out: WaitedView | UnsetType = UNSET
    skips: tuple[SkipView, ...] | UnsetType = UNSET
    at: datetime | UnsetType = UNSET
    installation: str | UnsetType = UNSET


PlanView: TypeAlias = ReportView[CircuitView]


def report_view(report: Report) -> PlanView:
    """The object that `plan`, `sync` and `status` print."""
    words = lost(report.lost_state[0]) if report.lost_state else None
    return PlanView.of(
        report,
        pause=pause_view(report.pause),
        parked=parked_view(report.parked),
        calendars=tuple(_source(source) for source in report.sources),
        circuits=tuple(_circuit(plan, report) for plan in report.shown),
        costs=tuple(map(CostView.maybe, window_total(report.plans, report.window))),
        orders=tuple(order_view(order) for order in report.orders),
        problems=problem_views(report.problems),
        faults=fault_views(report.faults) or UNSET,
        state_written_to=tuple(place for place in report.lost_state if place) if words else UNSET,
        error=ErrorView.of(words, code="state_lost") if words else UNSET,
        notices=tuple(TargetView.of(one, fault=one.fault or None) for one in report.notices) or UNSET,
        last_run=report.last_run if report.command == "status" else UNSET,
        unmatched=unmatched_view(report.unmatched) if report.unmatched is not None else UNSET,
        skips=tuple(map(skip_view, report.skips)) or UNSET,
        waited_out=_waited(report) if report.waited_out else UNSET,
    )


def _waited(report: Report) -> WaitedView:
    still_open = tuple(order_view(order) for order in report.orders if order.outcome.open)
    return WaitedView(open=still_open, remedy=WAITED_OUT)


def _source(report: SourceReport) -> SourceView:
    source: Source = report.source
    return SourceView.of(report, name=source.calendar, source=source.label, refused=len(report.refused))


def _circuit(plan: CircuitPlan, report: Report) -> CircuitView:
    circuit_state, reading, circuit = plan.circuit_state, plan.circuit_state.reading, plan.circuit
    upcoming = next((change for change in plan.changes if not change.due), None)
    costs = change_costs(plan, report.window)
    hold, pause, freezes = wishes_views(plan, report.now)
    return CircuitView.of(
        circuit,
        ordered_mbps=mbps(circuit_state.ordered),
        observed_mbps=mbps(reading.bandwidth) if reading else None,
        observed_at=reading.at if reading else None,
        observed_status=reading.status if reading else None,
        target_mbps=plan.target.mbps,
        open_order=order_view(circuit_state.order) if circuit_state.order else None,
        drift_mbps=circuit_state.drift.observed.mbps if circuit_state.drift else None,
        next_change_at=upcoming.at if upcoming else None,
        hold=hold,
        pause=pause,
        freezes=freezes,
        changes=tuple(change_view(one, cost) for one, cost in zip(plan.changes, costs, strict=True)),
        left_out=left_out_views(plan),
        cost=CostView.maybe(window_cost(plan, report.window)),
        billing=plan.tariff.billing,
        rates=tuple(
            RateView.of(rate, mbps=tier.mbps, currency=plan.tariff.currency)
            for tier, rate in plan.tariff.rates
            if tier in circuit.tiers
        ),
    )


def wishes_views(
    plan: CircuitPlan, now: datetime
) -> tuple[HoldView | None, PauseView | None, tuple[FreezeView, ...]]:
    """What holds one circuit up or its changes back because somebody said so, as far as it lasts at `now`:
    its hold, its pause and its freezes."""
    hold = plan.circuit_state.hold
    running = hold if hold is not None and now < hold.until else None
    freezes = (freeze_view(freeze) for freeze in plan.timeline.freezes if now < freeze.span.end)
    return hold_view(running), pause_view(longest_pause((plan.circuit_state.pause,), now)), tuple(freezes)


def hold_view(hold: Hold | None) -> HoldView | None:
    """A person's hold, if there is one."""
    return HoldView.of(hold, note=hold.note or None) if hold is not None else None


def pause_view(pause: Pause | None) -> PauseView | None:
    """A person's pause, if there is one."""
    return PauseView.of(pause, note=pause.note or None) if pause is not None else None


def parked_view(parked: Parked | None) -> ParkedView | None:
    """That everything is parked, if it is."""
    return ParkedView.of(parked, note=parked.note or None) if parked is not None else None


def skip_view(skip: Skip) -> SkipView:
    """An occurrence that does not count."""
    return SkipView.of(skip, end=skip.until, note=skip.note or None)


def freeze_view(freeze: Freeze) -> FreezeView:
    """One span of a change freeze."""
    rule, span = freeze.demand.rule, freeze.span
    return FreezeView.of(freeze.demand, rule=rule.name, start=span.start, end=span.end, allow=rule.allow)


def change_view(change: Change, cost: Cost | None = None) -> ChangeView:
    """One change, and what it costs where that is known."""
    return ChangeView.of(change, **_change_fields(change, cost))


def left_out_views(plan: CircuitPlan) -> tuple[LeftOutView, ...]:
    """What the quota has no room for, and what that costs."""
    return tuple(
        LeftOutView.of(
            left.change, kept_mbps=left.kept.mbps, until=left.until, **_change_fields(left.change, left.cost)
        )
        for left in plan.left_out
    )


def _change_fields(change: Change, cost: Cost | None) -> dict[str, object]:
    return {
        "causes": cause_views(change.causes),
        "cost": CostView.maybe(cost),
    }


def cause_views(causes: tuple[Cause, ...]) -> tuple[CauseView, ...]:
    """The causes of a level."""
    return tuple(CauseView.of(cause) for cause in causes)


def order_view(order: Order) -> OrderView:
    """One order."""
    return OrderView.of(order, order_id=order.carrier_order_id)
