"""Every kind of problem: its id, severity, what makes it another one, message and remedy, letter by letter.

`IODCAL_UPDATE_GOLDEN=1 pytest tests/problems` writes the table anew; read the difference before a commit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from iodcal.domain.structs import Fact
from iodcal.problems.kinds import Kind, Problem
from iodcal.problems.messages import describe

GOLDEN = Path(__file__).parent / "golden.json"
# Facts as runs find them; each kind takes those that it knows.
FACTS: dict[str, Fact] = {
    "account": "1-ABCDE", "asked": 9, "at_least": "at least ", "budget": "Media", "by": "Maintenance",
    "by_subject": "Circuit maintenance", "calendar": "noc", "circuit": "den-a", "circuits": "den-a, lon-a",
    "code": "unreachable", "cost": "4.00 USD", "count": 3, "currency": "EUR", "day": "2026-11-24",
    "direction": "up", "ends": "2026-11-24T13:30:00+00:00", "every": "5m", "example": "den-a",
    "external_id": "io-1", "file": "state.json.damaged", "first": "rules.yaml:4: name: wrong", "found": "x",
    "from": "100 Mbps", "held": 2, "host": "other", "left": 4, "level": "1 Gbps", "limit": 24, "minutes": 25,
    "month": "2026-11", "monthly": "500.00", "name": "den-a", "needs": "1 Gbps", "observed": "500 Mbps",
    "off_peak": "100 Mbps", "bandwidth": "1 Gbps", "order": "no", "order_id": "4711", "ordered": "100 Mbps",
    "percent": 80, "price": "5.00", "reserve": 4, "rule": "Calls", "seconds": 90, "spent": "400.00",
    "accepted": "2026-11-24T12:05:00+00:00", "expected": "2026-11-24T12:15:00+00:00",
    "failing_since": "2026-11-24T12:20:00+00:00",
    "start": "2026-11-24T12:30:00+00:00", "status": "Odd", "subject": "All-Hands", "to": "1 Gbps", "unmet": 1,
    "used": 20, "wanted": "USD", "waits_for": "the provider", "zone": "America/Denver",
}  # fmt: skip
CAUSES = (
    "exactly", "hold", "pause", "freeze", "parked", "open_order", "lost_answer", "order_refused", "quota",
    "price", "not_now", "approval", "refused", "person", "status_unknown", "contradicted",
    "carrier_unreadable", "late_run", "of_the_future", "order_failed", "other_bandwidth", "given_up",
)  # fmt: skip
VARIANTS: dict[Kind, list[dict[str, Fact]]] = {
    Kind.CALENDAR_UNREADABLE: [{"code": code} for code in ("unreachable", "timeout", "of_the_future")],
    Kind.CARRIER_UNREADABLE: [{"code": code} for code in ("unreachable", "refused", "of_the_future")],
    Kind.EVENT_AT_RISK: [{"cause": cause, "accepted": None} for cause in CAUSES],
    Kind.EVENT_LATE: [{"cause": cause, "overdue": "yes"} for cause in CAUSES],
    Kind.ORDER_FAILED: [
        {"count": 1},
        {"count": 3},
        {"count": 1, "shown": "500 Mbps", "given_up": "no"},
        {"count": 2, "shown": "500 Mbps", "given_up": "yes"},
    ],
    Kind.ORDER_LOST: [{"given_up": "no"}, {"given_up": "yes"}],
    Kind.OVERRULED: [{}, {"who": "pat"}],
    Kind.NO_CIRCUIT: [{"named": None}, {"named": "tok-a"}],
    Kind.WINDOW_LONG: [{"length": "7 days"}, {"length": "7 days", "cost": None}],
    Kind.LEFT_UP: [
        {},
        {"order": "yes"},
        {"changed": "service_id", "was": "1", "is": "2", "now": "den-a"},
        {"changed": "address, account", "was": "a, b", "is": "c, d", "now": "den-b"},
    ],
    Kind.DRIFT: [
        {"direction": "down", "raising": "yes"},
        {"direction": "down", "raising": "no"},
        {"parked": "yes"},
        {"lowers_at": "2026-11-24T14:00:00+00:00"},
        {"lowers_at": None},
    ],
}


def rows() -> Iterator[dict[str, object]]:
    for kind in Kind:
        for variant in VARIANTS.get(kind, [{}]):
            problem = Problem(kind, "place", {**FACTS, **variant})
            words = describe(problem)
            yield {
                "id": problem.id,
                "severity": problem.severity,
                "stable": [name for name, _ in problem.stable_facts],
                "variant": variant,
                "message": words.message,
                "remedy": words.remedy,
                "without facts": describe(Problem(kind, "place", {})).message,
            }


def test_every_kind_tells_what_it_always_told() -> None:
    told = json.dumps(list(rows()), indent=1) + "\n"
    if os.environ.get("IODCAL_UPDATE_GOLDEN"):
        GOLDEN.write_text(told, encoding="utf-8")
    assert told == GOLDEN.read_text(encoding="utf-8")
