"""What people asked for, in words: holds, pauses, parking, and the freezes beside them. Needs no rich.

`who` and `note` are foreign text: both are cleaned and cut here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from iodcal.domain.planning import CircuitPlan
from iodcal.domain.wishes import Hold, Parked, Pause, longest_pause
from iodcal.render.text import for_terminal
from iodcal.render.when import local, with_zone
from iodcal.result import Report

_MOST_FREEZES = 3


def by_whom(who: str, note: str) -> str:
    """`by pat: DR rehearsal`."""
    reason = f": {for_terminal(note, 60)}" if note else ""
    return f"by {for_terminal(who, 32)}{reason}"


def hold_text(hold: Hold, until: str) -> str:
    """`held at 1 Gbps or more until Tue 24 17:00, by pat: DR rehearsal`."""
    level = f"at exactly {hold.bandwidth}" if hold.exactly else f"at {hold.bandwidth} or more"
    return f"held {level} until {until}, {by_whom(hold.who, hold.note)}"


def pause_text(pause: Pause, until: str) -> str:
    """`paused until Tue 24 17:00, by pat`."""
    return f"paused until {until}, {by_whom(pause.who, pause.note)}"


def parked_text(parked: Parked, zone: ZoneInfo) -> str:
    """What parking means, and how it ends."""
    since = f"since {with_zone(parked.since, zone)}, {by_whom(parked.who, parked.note)}"
    rest = "circuits rest at their off-peak tier, no event counts; iodcal resume --all ends it"
    return f"PARKED {since}: {rest}"


def wishes_of_all(report: Report) -> Iterator[str]:
    """What somebody asked for all circuits."""
    zone = report.zone
    if report.parked is not None:
        yield parked_text(report.parked, zone)
    pause = longest_pause((report.pause,), report.now)
    if pause is not None:
        yield f"All circuits are {pause_text(pause, local(pause.until, zone))}"


def wishes_of(plan: CircuitPlan, now: datetime) -> Iterator[str]:
    """What holds back or holds up one circuit because somebody said so, a line each."""
    zone, standing = plan.circuit.zone, plan.standing
    if standing.hold is not None and now < standing.hold.until:
        yield hold_text(standing.hold, local(standing.hold.until, zone))
    pause = longest_pause((standing.pause,), now)
    if pause is not None:
        yield pause_text(pause, local(pause.until, zone))
    yield from list(_freezes(plan, now))[:_MOST_FREEZES]


def _freezes(plan: CircuitPlan, now: datetime) -> Iterator[str]:
    zone = plan.circuit.zone
    for freeze in plan.timeline.freezes:
        if freeze.span.end <= now:
            continue
        span = f"{local(freeze.span.start, zone)} to {local(freeze.span.end, zone)}"
        forbids = "no order" if freeze.total else "no lowering"
        name = freeze.demand.subject or f"event of {freeze.demand.rule.name}"
        yield f"change freeze {span}, {forbids}: {for_terminal(name, 40)}"
