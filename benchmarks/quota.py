"""How long it takes to plan a large fleet within its quotas: 500 circuits, a week ahead, in pure memory."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from zoneinfo import ZoneInfo

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Account, Baseline, Circuit, Peak
from iodcal.domain.events import Match, MatchedEvent, Source, Timed
from iodcal.domain.money import Billing, Rate, RateSource, Tariff
from iodcal.domain.orders import Patience
from iodcal.domain.planning import CircuitPlan, Knowledge, Policy, plan_circuit, view_from
from iodcal.domain.rules import Rule
from iodcal.domain.standing import Standing
from iodcal.domain.timeline import draw
from iodcal.domain.together import plan_together
from iodcal.domain.windows import open_windows

_NOW = datetime(2026, 11, 23, 0, 1, tzinfo=UTC)
_TIERS = tuple(Bandwidth(mbps) for mbps in (100, 200, 500, 1000))
_PRICES = ("0.46", "0.58", "0.82", "1.06")
_RATES = tuple(
    (tier, Rate(Decimal(price), RateSource.LIST)) for tier, price in zip(_TIERS, _PRICES, strict=True)
)
_ZONES = tuple(ZoneInfo(name) for name in ("America/Denver", "Europe/London", "Asia/Tokyo", "UTC"))
_SOURCE = Source("bench", "bench", "bench")
_POLICY = Policy(
    window=timedelta(days=7),
    every=timedelta(minutes=5),
    min_gap=timedelta(minutes=60),
    patience=Patience(timedelta(minutes=20), timedelta(minutes=15)),
)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Circuits spread over accounts of `limit` changes a day."""

    circuits: int
    accounts: int
    limit: int


def plans_of(fleet: Fleet, seed: int = 1) -> list[CircuitPlan]:
    """Each circuit's own plan: an office baseline, and an event of its own on every other day."""
    chance = random.Random(seed)  # noqa: S311 - a benchmark, not a secret
    return [_plan(fleet, number, chance) for number in range(fleet.circuits)]


def _plan(fleet: Fleet, number: int, chance: random.Random) -> CircuitPlan:
    peak = Peak(frozenset(range(5)), clock(7, 30), clock(18), _TIERS[2])
    circuit = Circuit(
        name=f"circuit-{number}",
        service_id=str(number),
        carrier="bench",
        account=Account("bench", "", str(number % fleet.accounts)),
        zone=_ZONES[number % len(_ZONES)],
        tiers=_TIERS,
        baseline=Baseline(_TIERS[0], (peak,)),
        changes_per_day=fleet.limit,
        tariff=Tariff("USD", Billing.MINUTE, _RATES),
    )
    rule = Rule("all-hands", {"bench": (circuit.name,)}, _TIERS[3], lead=timedelta(minutes=30))
    events = [_event(day, chance) for day in range(0, 7, 2)]
    windows = open_windows(events, [rule], [circuit])[circuit.name]
    timeline = draw(circuit, windows, view_from(_NOW, circuit, _POLICY))
    standing = Standing(circuit.key, circuit.name, "bench", "1", confirmed=timeline.at(_NOW).target)
    return plan_circuit(timeline, standing, _NOW, _POLICY, Knowledge())


def _event(day: int, chance: random.Random) -> MatchedEvent:
    start = _NOW + timedelta(days=day, minutes=chance.randrange(60, 23 * 60, 15))
    span = Timed(start, start + timedelta(minutes=60))
    return MatchedEvent(_SOURCE, f"event-{day}", f"uid-{day}", span, False, None, (Match("all-hands"),))


def measure(fleet: Fleet) -> tuple[float, int]:
    """CPU seconds of fitting the fleet into its quotas, and how many changes it has to leave out."""
    plans = plans_of(fleet)
    policy = replace(_POLICY, max_unplanned_downs=fleet.circuits)
    before = time.process_time()
    planned = plan_together(plans, _NOW, policy, {})
    return time.process_time() - before, sum(len(plan.left_out) for plan in planned)
