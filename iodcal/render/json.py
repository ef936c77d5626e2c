"""Results as JSON: the contract with scripts. Keys may be added; none is renamed or dropped."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Cause, Change, Held
from iodcal.domain.orders import Order
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.problems import Problem
from iodcal.errors import Fault
from iodcal.result import Report, SourceReport, TargetReport
from iodcal.words.problems import describe

VERSION = 1
Json: TypeAlias = dict[str, Any]


def dump(document: Json) -> str:
    """One object as text; plain ASCII, so that no title can play tricks on a terminal."""
    return json.dumps(document, indent=2, ensure_ascii=True)


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
        "calendars": [_source(source) for source in report.sources],
        "circuits": [_circuit(plan) for plan in report.plans],
        "orders": [_order(order) for order in report.orders],
        "problems": [_problem(problem) for problem in report.problems],
    }
    if report.faults:
        document["faults"] = [_fault(fault) for fault in report.faults]
    if report.lost_state:
        document["state_written_to"] = list(report.lost_state)
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
    remedy: str = "",
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


def moment(at: datetime | None) -> str | None:
    """An instant in UTC, to the second."""
    if at is None:
        return None
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _mbps(bandwidth: Bandwidth | None) -> int | None:
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


def _circuit(plan: CircuitPlan) -> Json:
    standing, reading = plan.standing, plan.standing.reading
    upcoming = next((change for change in plan.changes if not change.due), None)
    return {
        "name": plan.circuit.name,
        "carrier": plan.circuit.carrier,
        "service_id": plan.circuit.service_id,
        "ordered_mbps": _mbps(standing.ordered),
        "observed_mbps": _mbps(reading.bandwidth) if reading else None,
        "observed_at": moment(reading.at) if reading else None,
        "observed_status": str(reading.status) if reading else None,
        "target_mbps": plan.target.mbps,
        "open_order": _order(standing.order) if standing.order else None,
        "drift_mbps": standing.drift.observed.mbps if standing.drift else None,
        "next_change_at": moment(upcoming.at) if upcoming else None,
        "labels": dict(plan.circuit.labels),
        "changes": [_change(change) for change in plan.changes],
    }


def _change(change: Change) -> Json:
    return {
        "at": moment(change.at),
        "due": change.due,
        "direction": str(change.direction),
        "from_mbps": change.old.mbps,
        "to_mbps": change.new.mbps,
        "held": _held(change.held) if change.held else None,
        "causes": [_cause(cause) for cause in change.causes],
    }


def _held(held: Held) -> Json:
    return {"reason": str(held.reason), "until": moment(held.until)}


def _cause(cause: Cause) -> Json:
    return {
        "kind": str(cause.kind),
        "rule": cause.rule,
        "calendar": cause.calendar,
        "subject": cause.subject,
        "start": moment(cause.start),
        "end": moment(cause.end),
        "remembered_since": moment(cause.remembered_since),
        "ended": cause.ended,
        "labels": dict(cause.labels),
    }


def _order(order: Order) -> Json:
    return {
        "circuit": order.circuit,
        "direction": str(order.direction),
        "from_mbps": order.old.mbps,
        "to_mbps": order.new.mbps,
        "outcome": str(order.outcome),
        "external_id": order.external_id,
        "order_id": order.carrier_order_id,
        "created_at": moment(order.created_at),
    }


def _problem(problem: Problem) -> Json:
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
