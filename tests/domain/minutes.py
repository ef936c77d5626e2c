"""A small language for tests of the plan: everything in minutes from noon UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Account, Baseline, Circuit, Reading, Status
from iodcal.domain.due import Timing
from iodcal.domain.events import Match, MatchedEvent, Source, Timed
from iodcal.domain.holds import Hold
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import OrderTimeouts
from iodcal.domain.planning import CircuitPlan, plan_circuit, view_from
from iodcal.domain.policy import Policy, SafetyFlags
from iodcal.domain.rules import Allow, Mode, Rule
from iodcal.domain.structs import replace
from iodcal.domain.timeline import Timeline, draw_timeline
from iodcal.domain.windows import Freeze, Window, hold_window, open_freezes, open_windows

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TIERS = tuple(Bandwidth(mbps) for mbps in (100, 200, 500, 1000))
DENVER = ZoneInfo("America/Denver")
ACCOUNT = Account("lab", "file:lab", "1-A")
SOURCE = Source("ics:noc", "noc", "noc")
PATIENCE = OrderTimeouts(timedelta(minutes=20), timedelta(minutes=15))


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def at(minute: float) -> datetime:
    """So many minutes after noon."""
    return NOON + minutes(minute)


def minute_of(instant: datetime) -> float:
    return (instant - NOON) / minutes(1)


CIRCUIT = Circuit(
    name="den-a",
    service_id="77000000001",
    carrier="lab",
    account=ACCOUNT,
    zone=DENVER,
    tiers=TIERS,
    baseline=Baseline(TIERS[0]),
    provisioning=minutes(10),
)
POLICY = Policy(window=minutes(12 * 60), every=minutes(5), min_gap=minutes(60), order_timeouts=PATIENCE)


class Ask(Struct, frozen=True):
    """An event from `start` to `end` whose rule asks for `mbps`; without lead and trail unless given. With
    `hold` it is a person's hold, with `freeze` (`ups` or `none`) a change freeze that allows so much."""

    start: float
    end: float
    mbps: int = 1000
    exactly: bool = False
    priority: int = 0
    lead: float = 0
    trail: float = 0
    name: str = ""
    event: str = ""
    remembered: bool = False
    hold: bool = False
    freeze: str = ""

    @property
    def title(self) -> str:
        return self.name or f"{self.start:g}-{self.end:g}"

    def rule(self, circuit: Circuit = CIRCUIT) -> Rule:
        return Rule(
            name=self.title,
            circuits={"noc": (circuit.name,)},
            bandwidth=None if self.freeze else Bandwidth(self.mbps),
            mode=Mode.FREEZE if self.freeze else Mode.EXACTLY if self.exactly else Mode.AT_LEAST,
            allow=Allow(self.freeze or "ups"),
            priority=self.priority,
            lead=minutes(self.lead),
            trail=minutes(self.trail),
        )

    def held(self, circuit: Circuit = CIRCUIT) -> Window:
        span = at(self.start), at(self.end)
        return hold_window(Hold(Bandwidth(self.mbps), *span, "pat", self.name, self.exactly), circuit)

    def matched(self) -> MatchedEvent:
        return MatchedEvent(
            source=SOURCE,
            id=self.event or self.title,
            uid=self.event or self.title,
            span=Timed(at(self.start), at(self.end)),
            all_day=False,
            subject=self.title,
            matches=(Match(self.title),),
            remembered_since=at(-60) if self.remembered else None,
        )


def windows_of(*asks: Ask, circuit: Circuit = CIRCUIT) -> tuple[Window, ...]:
    of_rules = [ask for ask in asks if not ask.hold]
    rules = [ask.rule(circuit) for ask in of_rules]
    windows = open_windows([ask.matched() for ask in of_rules], rules, [circuit])[circuit.name]
    return (*windows, *(ask.held(circuit) for ask in asks if ask.hold))


def freezes_of(*asks: Ask, circuit: Circuit = CIRCUIT) -> tuple[Freeze, ...]:
    rules = [ask.rule(circuit) for ask in asks]
    return open_freezes([ask.matched() for ask in asks], rules, [circuit])[circuit.name]


def timeline_of(*asks: Ask, circuit: Circuit = CIRCUIT, now: float = 0, policy: Policy = POLICY) -> Timeline:
    view = view_from(at(now), circuit, policy)
    return draw_timeline(
        circuit, windows_of(*asks, circuit=circuit), view, freezes_of(*asks, circuit=circuit)
    )


def levels(timeline: Timeline, start: float, end: float) -> list[tuple[float, int]]:
    """Where the target changes, and to what, between two minutes."""
    found: list[tuple[float, int]] = []
    for segment in timeline.over(Interval(at(start), at(end))):
        if not found or found[-1][1] != segment.target.mbps:
            found.append((max(start, minute_of(segment.span.start)), segment.target.mbps))
    return found


def circuit_state_at(mbps: int | None, *, read_at: float = -1) -> CircuitState:
    """A circuit confirmed at `mbps`, as a reading showed."""
    if mbps is None:
        return CircuitState(CIRCUIT.key, CIRCUIT.name, "lab", "1-A")
    rate = Bandwidth(mbps)
    reading = Reading(at(read_at), Status.ACTIVE, rate, "Active")
    return CircuitState(
        CIRCUIT.key, CIRCUIT.name, "lab", "1-A", off_peak=TIERS[0], confirmed=rate, reading=reading
    )


def plan_of(
    *asks: Ask,
    ordered: int | None = 100,
    now: float = 0,
    circuit: Circuit = CIRCUIT,
    policy: Policy = POLICY,
    circuit_state: CircuitState | None = None,
    knowledge: SafetyFlags | None = None,
) -> CircuitPlan:
    timeline = timeline_of(*asks, circuit=circuit, now=now, policy=policy)
    known = circuit_state or circuit_state_at(ordered, read_at=now - 1)
    return plan_circuit(timeline, known, now=at(now), policy=policy, knowledge=knowledge or SafetyFlags())


def timing(every: float = 5, provisioning: float = 10, min_gap: float = 60) -> Timing:
    return Timing(minutes(every), minutes(provisioning), minutes(min_gap))


def paced(every: float = 5, provisioning: float = 10, min_gap: float = 60) -> tuple[Circuit, Policy]:
    return (
        replace(CIRCUIT, provisioning=minutes(provisioning)),
        replace(POLICY, every=minutes(every), min_gap=minutes(min_gap)),
    )
