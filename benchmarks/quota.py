"""How long it takes to plan a large fleet within its quotas: 500 circuits, a week ahead, in pure memory.

From matched events on as a run does it: windows, timelines, each circuit's own plan, all within the quotas.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from zoneinfo import ZoneInfo

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Account, Baseline, Circuit, Peak
from iodcal.domain.events import Match, MatchedEvent, Source, Timed
from iodcal.domain.localtime import whole_days
from iodcal.domain.money import Billing, QuotedPrice, Rate, RateSource, Tariff
from iodcal.domain.orders import OrderTimeouts
from iodcal.domain.planning import CircuitPlan, plan_circuit, view_from
from iodcal.domain.policy import Policy, SafetyFlags
from iodcal.domain.rules import Rule
from iodcal.domain.timeline import draw_timeline
from iodcal.domain.together import plan_together
from iodcal.domain.windows import Freeze, Window, open_freezes, open_windows

_NOW = datetime(2026, 11, 23, 0, 1, tzinfo=UTC)
_TIERS = tuple(Bandwidth(mbps) for mbps in (100, 200, 500, 1000))
_PRICES = ("0.46", "0.58", "0.82", "1.06")
_RATES = tuple(
    (tier, Rate(Decimal(price), RateSource.LIST)) for tier, price in zip(_TIERS, _PRICES, strict=True)
)
_QUOTES = (QuotedPrice(_TIERS[3], Decimal("1.04"), "USD", _NOW),)
_ZONES = tuple(ZoneInfo(name) for name in ("America/Denver", "Europe/London", "Asia/Tokyo", "UTC"))


@dataclass(frozen=True, slots=True)
class Fleet:
    """Circuits spread over accounts of `limit` changes a day."""

    circuits: int
    accounts: int
    limit: int


@dataclass(frozen=True, slots=True)
class Load:
    """What planning begins with: each circuit has an office baseline, and a calendar and a rule of its own,
    with an event on every other day."""

    circuits: list[Circuit]
    rules: list[Rule]
    events: list[MatchedEvent]
    policy: Policy


def make(fleet: Fleet, seed: int = 1) -> Load:
    """The same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a benchmark, not a secret
    circuits = [_circuit(fleet, number) for number in range(fleet.circuits)]
    return Load(
        circuits,
        [
            Rule(circuit.name, {circuit.name: (circuit.name,)}, _TIERS[3], lead=timedelta(minutes=30))
            for circuit in circuits
        ],
        [_event(circuit.name, day, chance) for circuit in circuits for day in range(0, 7, 2)],
        Policy(
            window=timedelta(days=7),
            every=timedelta(minutes=5),
            min_gap=timedelta(minutes=60),
            order_timeouts=OrderTimeouts(timedelta(minutes=20), timedelta(minutes=15)),
            max_unplanned_downs=fleet.circuits,
        ),
    )


def _circuit(fleet: Fleet, number: int) -> Circuit:
    peak = Peak(frozenset(range(5)), clock(7, 30), clock(18), _TIERS[2])
    return Circuit(
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


def _event(name: str, day: int, chance: random.Random) -> MatchedEvent:
    start = _NOW + timedelta(days=day, minutes=chance.randrange(60, 23 * 60, 15))
    span = Timed(start, start + timedelta(minutes=60))
    source = Source(name, name, name)
    return MatchedEvent(
        source,
        f"event-{name}-{day}",
        f"uid-{name}-{day}",
        span,
        all_day=False,
        subject=None,
        matches=(Match(name),),
    )


def plan_once(load: Load) -> tuple[CircuitPlan, ...]:
    """The whole planner once, as `iodcal.pipeline.run` goes through it."""
    windows = open_windows(load.events, load.rules, load.circuits)
    freezes = open_freezes(load.events, load.rules, load.circuits)
    plans = [
        _plan(circuit, windows[circuit.name], freezes[circuit.name], load.policy) for circuit in load.circuits
    ]
    return plan_together(plans, _NOW, load.policy, {})


def _plan(
    circuit: Circuit, windows: tuple[Window, ...], freezes: tuple[Freeze, ...], policy: Policy
) -> CircuitPlan:
    view = view_from(_NOW, circuit, policy)
    timeline = draw_timeline(circuit, windows, whole_days(view), freezes).cut(view)
    ordered = timeline.at(_NOW).target
    circuit_state = CircuitState(circuit.key, circuit.name, "bench", "1", confirmed=ordered, quotes=_QUOTES)
    return plan_circuit(timeline, circuit_state, now=_NOW, policy=policy, knowledge=SafetyFlags())


def measure(fleet: Fleet) -> tuple[float, int]:
    """CPU seconds of planning the fleet within its quotas, and how many changes it has to leave out."""
    load = make(fleet)
    before = time.process_time()
    planned = plan_once(load)
    return time.process_time() - before, sum(len(plan.left_out) for plan in planned)
