"""How long planning takes: many events, many rules, many circuits, in pure memory."""

from __future__ import annotations

import gc
import multiprocessing
import random
import statistics
import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo

from iodcal.cli.startup import OBJECTS_BETWEEN_COLLECTIONS
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Account, Baseline, Circuit, Peak
from iodcal.domain.conditions import Conditions
from iodcal.domain.durations import parse_duration
from iodcal.domain.events import Event, Source, Timed
from iodcal.domain.matching import match_events
from iodcal.domain.orders import OrderTimeouts
from iodcal.domain.planning import plan_circuit, view_from
from iodcal.domain.policy import Policy, SafetyFlags
from iodcal.domain.rules import Rule
from iodcal.domain.text_match import Keyword
from iodcal.domain.timeline import draw_timeline
from iodcal.domain.together import plan_together
from iodcal.domain.windows import open_windows

_NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
_TIERS = tuple(Bandwidth(mbps) for mbps in (100, 200, 500, 1000))
_SOURCES = tuple(Source(f"bench/{number}", f"calendar-{number}", f"calendar-{number}") for number in range(8))
_ZONES = tuple(ZoneInfo(name) for name in ("America/Denver", "Europe/London", "Asia/Tokyo", "UTC"))
_WORDS = ("budget", "review", "sync", "planning", "retro", "design", "standup", "one on one", "interview")
_POLICY = Policy(
    window=timedelta(hours=72),
    every=timedelta(minutes=5),
    min_gap=timedelta(minutes=60),
    order_timeouts=OrderTimeouts(parse_duration("20m"), parse_duration("15m")),
)


@dataclass(frozen=True, slots=True)
class Load:
    """One size of problem."""

    events: int
    rules: int
    circuits: int


def make_circuits(count: int) -> list[Circuit]:
    """Circuits in several zones with an office baseline."""
    peak = Peak(frozenset(range(5)), clock(7, 30), clock(18), _TIERS[1])
    return [
        Circuit(
            name=f"circuit-{number}",
            service_id=str(77_000_000_000 + number),
            carrier="bench",
            account=Account("bench", "", "1"),
            zone=_ZONES[number % len(_ZONES)],
            tiers=_TIERS,
            baseline=Baseline(_TIERS[0], (peak,)),
        )
        for number in range(count)
    ]


def make_rules(count: int, circuits: list[Circuit]) -> list[Rule]:
    """Each rule looks for two keywords of its own on every calendar and asks for all circuits."""
    names = tuple(circuit.name for circuit in circuits)
    return [
        Rule(
            name=f"rule {number}",
            circuits={source.calendar: names for source in _SOURCES},
            bandwidth=_TIERS[1 + number % 3],
            conditions=Conditions(
                subject=(Keyword(f"all-hands {number}"), Keyword(f"stream {number}")),
                longer_than=timedelta(minutes=30),
            ),
            lead=timedelta(minutes=30),
            trail=timedelta(minutes=10),
        )
        for number in range(count)
    ]


def make_events(count: int, rules: int, seed: int = 1) -> list[Event]:
    """A busy company's calendars: one event in twenty is one that a rule looks for."""
    chance = random.Random(seed)  # noqa: S311 - a benchmark, not a secret
    return [_event(number, rules, chance) for number in range(count)]


def _event(number: int, rules: int, chance: random.Random) -> Event:
    start = _NOW + timedelta(minutes=chance.randrange(-60, 72 * 60, 15))
    matching = chance.random() < 0.05
    subject = f"All-Hands {chance.randrange(rules)}" if matching else " ".join(chance.sample(_WORDS, 3))
    return Event(
        source=_SOURCES[number % len(_SOURCES)],
        id=f"event-{number}",
        uid=f"uid-{number}",
        span=Timed(start, start + timedelta(minutes=chance.choice((15, 30, 60, 90)))),
        subject=subject,
    )


def plan_once(events: list[Event], rules: list[Rule], circuits: list[Circuit]) -> int:
    """The whole core once; the number of changes in the plan."""
    matched = match_events(events, rules).matched
    windows = open_windows(matched, rules, circuits)
    plans = []
    for circuit in circuits:
        timeline = draw_timeline(circuit, windows[circuit.name], view_from(_NOW, circuit, _POLICY))
        circuit_state = CircuitState(circuit.key, circuit.name, "bench", "1", confirmed=_TIERS[0])
        plans.append(plan_circuit(timeline, circuit_state, now=_NOW, policy=_POLICY, knowledge=SafetyFlags()))
    return sum(len(plan.changes) for plan in plan_together(plans, _NOW, _POLICY, {}))


def measure(load: Load) -> tuple[float, int]:
    """CPU seconds of one planning, and how many changes it found."""
    circuits = make_circuits(load.circuits)
    rules = make_rules(load.rules, circuits)
    events = make_events(load.events, load.rules)
    before = time.process_time()
    changes = plan_once(events, rules, circuits)
    return time.process_time() - before, changes


def measure_alone(load: Load, rounds: int = 3) -> tuple[float, int]:
    """The same in processes of their own, which collect garbage as seldom as the program does: the median,
    and the changes. What one plan leaves behind is no part of the next one's time."""
    seldom = (OBJECTS_BETWEEN_COLLECTIONS,)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, gc.set_threshold, seldom, max_tasks_per_child=1) as processes:
        measured = list(processes.map(measure, [load] * rounds))
    return statistics.median(seconds for seconds, _ in measured), measured[0][1]


def peak_memory(load: Load) -> float:
    """MiB that planning needs at its peak, its events included."""
    tracemalloc.start()
    measure(load)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20
