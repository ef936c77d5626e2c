"""Results as JSON: the contract with scripts. Keys may be added; none is renamed or dropped."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Cause, Change, Held
from iodcal.domain.costing import change_costs, window_cost
from iodcal.domain.freezes import Freeze
from iodcal.domain.moments import moment as moment  # the renderers import it from here
from iodcal.domain.money import Cost, Rate, add_up
from iodcal.domain.orders import Order
from iodcal.domain.planning import CircuitPlan, LeftOut
from iodcal.domain.wishes import Hold, Parked, Pause, longest_pause
from iodcal.errors import Fault
from iodcal.problems.kinds import Problem
from iodcal.problems.messages import describe
from iodcal.result import Report, SourceReport, TargetReport
from iodcal.words.state import lost

VERSION = 1
Json: TypeAlias = dict[str, Any]


def report_json(report: Report) -> Json:
    """The object that `plan`, `sync` and `status` print."""
    document: Json = {
        "version": VERSION,
        "command": report.command,
        "run_id": report.run_id,
        "exit": int(report.exit),
        "now": moment(report.now),
        "test": report.test,
        "config_digest": report.config_digest,
        "digest": report.digest,
        "window": {"start": moment(report.window.start), "end": moment(report.window.end)},
        "pause": pause_json(report.pause) if report.pause else None,
        "parked": parked_json(report.parked) if report.parked else None,
        "calendars": [_source(source) for source in report.sources],
        "circuits": [_circuit(plan, report) for plan in report.plans],
        "costs": [_cost(total) for total in add_up(_window_costs(report))],
        "orders": [order_json(order) for order in report.orders],
        "problems": [problem_json(problem) for problem in report.problems],
    }
    if report.faults:
        document["faults"] = [_fault(fault) for fault in report.faults]
    if report.lost_state:
        words = lost(report.lost_state[0])
        document["state_written_to"] = [place for place in report.lost_state if place]
        document["error"] = {"code": "state_lost", "message": words.message, "remedy": words.remedy}
    if report.notices:
        document["notices"] = [_target(target) for target in report.notices]
    if report.command == "status":
        document["last_run"] = _last_run(report)
    return document


def error_json(
    command: str,
    exit_status: int,
    *,
    code: str = "configuration",
    message: str = "The configuration is wrong",
    remedy: str = "Correct what the faults name; iodcal check reads the file again",
    faults: Iterable[Fault] = (),
) -> Json:
    """The object of an exit without a result."""
    error = {"code": code, "message": message, "remedy": remedy}
    return {
        "version": VERSION,
        "command": command,
        "exit": int(exit_status),
        "error": error,
        "faults": [_fault(fault) for fault in faults],
    }


def check_json(warnings: Iterable[Fault], exit_status: int) -> Json:
    """The object that `check` prints of a configuration without faults."""
    return {
        "version": VERSION,
        "command": "check",
        "exit": int(exit_status),
        "faults": [],
        "warnings": [_fault(fault) for fault in warnings],
    }


def page_json(path: Path, size: int) -> Json:
    """The object that `report --html` prints: where the page is, and how large in bytes."""
    return {
        "version": VERSION,
        "command": "report",
        "exit": 0,
        "html": {"file": str(path), "bytes": size},
    }


def mbps(bandwidth: Bandwidth | None) -> int | None:
    """A bandwidth in whole Mbps."""
    return bandwidth.mbps if bandwidth is not None else None


def _source(source: SourceReport) -> Json:
    return {
        "name": source.source.calendar,
        "source": source.source.label,
        "read_at": moment(source.read_at),
        "remembered": source.remembered,
        "events": source.events,
        "matched": source.matched,
        "refused": len(source.refused),
    }


def hold_json(hold: Hold) -> Json:
    """A person's hold."""
    return {
        "bandwidth_mbps": hold.bandwidth.mbps,
        "exactly": hold.exactly,
        "since": moment(hold.since),
        "until": moment(hold.until),
        "who": hold.who,
        "note": hold.note or None,
    }


def pause_json(pause: Pause) -> Json:
    """A person's pause."""
    since, until = moment(pause.since), moment(pause.until)
    return {"since": since, "until": until, "who": pause.who, "note": pause.note or None}


def parked_json(parked: Parked) -> Json:
    """Since when everything is parked, by whom and why."""
    return {"since": moment(parked.since), "who": parked.who, "note": parked.note or None}


def wishes_json(plan: CircuitPlan, now: datetime) -> Json:
    """What holds one circuit up or its changes back because somebody said so, as far as it lasts at `now`."""
    standing = plan.standing
    hold = standing.hold if standing.hold is not None and now < standing.hold.until else None
    pause = longest_pause((standing.pause,), now)
    return {
        "hold": hold_json(hold) if hold else None,
        "pause": pause_json(pause) if pause else None,
        "freezes": [freeze_json(freeze) for freeze in plan.timeline.freezes if now < freeze.span.end],
    }


def left_out_json(plan: CircuitPlan) -> list[Json]:
    """What the quota has no room for, and what that costs."""
    return [_left_out(left) for left in plan.left_out]


def freeze_json(freeze: Freeze) -> Json:
    """One span of a change freeze, and the event that makes it."""
    demand = freeze.demand
    return {
        "rule": demand.rule.name,
        "calendar": demand.calendar,
        "subject": demand.subject,
        "start": moment(freeze.span.start),
        "end": moment(freeze.span.end),
        "allow": str(demand.rule.allow),
    }


def _window_costs(report: Report) -> Iterable[Cost]:
    costs = (window_cost(plan, report.window) for plan in report.plans)
    return (cost for cost in costs if cost is not None)


def _circuit(plan: CircuitPlan, report: Report) -> Json:
    standing, reading = plan.standing, plan.standing.reading
    upcoming = next((change for change in plan.changes if not change.due), None)
    return {
        "name": plan.circuit.name,
        "carrier": plan.circuit.carrier,
        "service_id": plan.circuit.service_id,
        "ordered_mbps": mbps(standing.ordered),
        "observed_mbps": mbps(reading.bandwidth) if reading else None,
        "observed_at": moment(reading.at) if reading else None,
        "observed_status": str(reading.status) if reading else None,
        "target_mbps": plan.target.mbps,
        "open_order": order_json(standing.order) if standing.order else None,
        "drift_mbps": standing.drift.observed.mbps if standing.drift else None,
        "next_change_at": moment(upcoming.at) if upcoming else None,
        "labels": dict(plan.circuit.labels),
        **wishes_json(plan, report.now),
        "changes": [
            change_json(change, cost)
            for change, cost in zip(plan.changes, change_costs(plan, report.window), strict=True)
        ],
        "left_out": left_out_json(plan),
        "cost": _maybe_cost(window_cost(plan, report.window)),
        "billing": str(plan.tariff.billing),
        "rates": [_rate(tier, rate, plan) for tier, rate in plan.tariff.rates if tier in plan.circuit.tiers],
    }


def _cost(cost: Cost) -> Json:
    """Money is text, so that no reader makes it a binary fraction."""
    return {"amount": str(cost.rounded), "currency": cost.currency, "complete": cost.complete}


def _maybe_cost(cost: Cost | None) -> Json | None:
    return _cost(cost) if cost is not None else None


def _rate(tier: Bandwidth, rate: Rate, plan: CircuitPlan) -> Json:
    return {
        "mbps": tier.mbps,
        "per_hour": str(rate.per_hour),
        "currency": plan.tariff.currency,
        "source": str(rate.source),
        "as_of": rate.as_of.isoformat() if rate.as_of is not None else None,
    }


def _left_out(left: LeftOut) -> Json:
    return {**change_json(left.change, left.cost), "kept_mbps": left.kept.mbps, "until": moment(left.until)}


def change_json(change: Change, cost: Cost | None = None) -> Json:
    """One change with its causes, and what it costs where that is known."""
    return {
        "at": moment(change.at),
        "due": change.due,
        "direction": str(change.direction),
        "from_mbps": change.old.mbps,
        "to_mbps": change.new.mbps,
        "held": held_json(change.held) if change.held else None,
        "causes": [cause_json(cause) for cause in change.causes],
        "cost": _maybe_cost(cost),
    }


def held_json(held: Held) -> Json:
    """Why something is held back."""
    return {"reason": str(held.reason), "until": moment(held.until)}


def cause_json(cause: Cause) -> Json:
    """One cause of a level."""
    return {
        "kind": str(cause.kind),
        "rule": cause.rule,
        "calendar": cause.calendar,
        "subject": cause.subject,
        "start": moment(cause.start),
        "end": moment(cause.end),
        "remembered_since": moment(cause.remembered_since),
        "ended": cause.ended,
        "who": cause.who,
        "note": cause.note,
        "labels": dict(cause.labels),
    }


def order_json(order: Order) -> Json:
    """One order."""
    return {
        "circuit": order.circuit,
        "direction": str(order.direction),
        "from_mbps": order.old.mbps,
        "to_mbps": order.new.mbps,
        "outcome": str(order.outcome),
        "external_id": order.external_id,
        "order_id": order.carrier_order_id,
        "created_at": moment(order.created_at),
        "price_per_hour": str(order.price_per_hour) if order.price_per_hour is not None else None,
        "currency": order.currency,
    }


def problem_json(problem: Problem) -> Json:
    """One problem, in words."""
    words = describe(problem)
    return {
        "id": problem.id,
        "kind": str(problem.kind),
        "where": problem.where,
        "severity": str(problem.severity),
        "since": moment(problem.since),
        "message": words.message,
        "remedy": words.remedy,
    }


def _target(target: TargetReport) -> Json:
    return {
        "target": target.target,
        "sent": target.sent,
        "waiting": target.waiting,
        "delivered_at": moment(target.delivered_at),
        "failing_since": moment(target.failing_since),
        "fault": target.fault or None,
    }


def _last_run(report: Report) -> Json | None:
    run = report.last_run
    if run is None:
        return None
    return {
        "run_id": run.run_id,
        "started_at": moment(run.started_at),
        "ended_at": moment(run.ended_at),
        "good": run.good,
        "exit": run.exit,
    }


def _fault(fault: Fault) -> Json:
    file = str(fault.file) if fault.file else None
    return {"file": file, "line": fault.line, "path": fault.path, "message": fault.message}
