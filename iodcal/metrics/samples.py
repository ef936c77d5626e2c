"""From a run to samples. Base units throughout: bits per second, seconds, Unix time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from iodcal import __version__
from iodcal.config import Configuration
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.planning import CircuitPlan
from iodcal.metrics import families as f
from iodcal.metrics.exposition import Sample
from iodcal.problems.kinds import Kind, Problem
from iodcal.result import Report

_MEGA = 1_000_000


def of_run(
    configuration: Configuration | None, status: int, ended: datetime, seconds: float, success: float
) -> Iterator[Sample]:
    """What every run brings up to date; `success` is the Unix time of the last one carried through."""
    yield Sample(f.BUILD, 1, (__version__,))
    yield Sample(f.LAST_RUN, ended.timestamp())
    yield Sample(f.EXIT, status)
    yield Sample(f.DURATION, seconds)
    yield Sample(f.SUCCESS, success)
    if configuration is not None:
        yield Sample(f.EVERY, configuration.settings.every.total_seconds())


def of_report(report: Report, expiries: Mapping[str, datetime]) -> Iterator[Sample]:
    """What a run that was carried through knows of circuits, problems, calendars, quotas and secrets.

    `expiries` says, by the reference in words, when a secret expires (UTC).
    """
    for plan in report.plans:
        yield from _of_circuit(plan)
    yield from _of_problems(report)
    for source in report.sources:
        label = (source.source.label,)
        yield Sample(f.REMEMBERED, source.remembered, label)
        if source.read_at is not None:
            yield Sample(f.CALENDAR_READ, source.read_at.timestamp(), label)
    for account, (used, limit) in report.quotas.items():
        named = (account.carrier_type, account.number)
        yield Sample(f.QUOTA, limit, named)
        yield Sample(f.QUOTA_LEFT, max(0, limit - used), named)
    for secret, at in expiries.items():
        yield Sample(f.SECRET, at.timestamp(), (secret,))


def _of_circuit(plan: CircuitPlan) -> Iterator[Sample]:
    circuit, standing = plan.circuit, plan.standing
    name = (circuit.name,)
    about = (circuit.name, circuit.carrier, circuit.service_id, circuit.site or "", str(circuit.orders))
    yield Sample(f.CIRCUIT, 1, about)
    yield Sample(f.TARGET, _bits(plan.target), name)
    if standing.ordered is not None:
        yield Sample(f.ORDERED, _bits(standing.ordered), name)
    if standing.reading is not None:
        yield Sample(f.OBSERVED_AT, standing.reading.at.timestamp(), name)
        if standing.reading.bandwidth is not None:
            yield Sample(f.OBSERVED, _bits(standing.reading.bandwidth), name)
    yield Sample(f.OPEN, standing.order is not None, name)
    if standing.order is not None:
        yield Sample(f.OPEN_SINCE, standing.order.created_at.timestamp(), name)
    left = [order.lead_left for order in standing.recent if order.lead_left is not None]
    if left:
        yield Sample(f.LEAD_LEFT, left[-1].total_seconds(), name)


def _of_problems(report: Report) -> Iterator[Sample]:
    """Every kind, also those of which there is none: an alert must see it go away."""
    for kind in Kind:
        count = sum(problem.kind is kind for problem in report.problems)
        yield Sample(f.PROBLEMS, count, (str(kind), str(Problem(kind, "").severity)))


def _bits(bandwidth: Bandwidth) -> int:
    return bandwidth.mbps * _MEGA
