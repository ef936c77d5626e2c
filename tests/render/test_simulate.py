"""What a simulation looks like: at two widths, with hostile titles, and where prices are not known."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.steps import Steps
from iodcal.domain.structs import replace
from iodcal.output.json import dump
from iodcal.output.simulation import print_comparison
from iodcal.output.simulation_view import simulations_view
from iodcal.problems.kinds import Kind, Problem
from iodcal.simulation.faults import NO_FAULTS, FaultKind, FaultPlan
from iodcal.simulation.result import CircuitResult, Money, SimulatedEvent, Simulation, SimulationComparison
from tests.domain.minutes import DENVER
from tests.render.test_golden import HOSTILE, check

START = datetime(2026, 11, 1, 7, tzinfo=UTC)
SPAN = Interval(START, START + timedelta(days=30))
LOW, HIGH, ODD = Bandwidth(100), Bandwidth(1000), Bandwidth(4000)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def circuit(name: str, **changed: object) -> CircuitResult:
    money = Money(Decimal("412.345"), Decimal("763.20"), Decimal("331.20"), Decimal("411.10"))
    result = CircuitResult(
        name,
        DENVER,
        {LOW: hours(600), HIGH: hours(120)},
        21,
        20,
        0,
        41,
        hours(1.5),
        money,
        (),
        lifted=False,
        running=Steps((START,), (LOW,)),
    )
    return replace(result, **changed)  # type: ignore[arg-type]  # each test names real fields


def served(subject: str | None, start: float, **changed: object) -> SimulatedEvent:
    event = Interval(START + hours(start), START + hours(start + 1))
    one = SimulatedEvent("den-a", DENVER, "Company-wide events", "company", subject, event, HIGH, hours(0.25))
    return replace(one, **changed)  # type: ignore[arg-type]  # each test names real fields


LATE = served(
    "Town Hall", 8, spare=None, late=hours(0.2), short=hours(0.1), reason="lost_answer", avoidable=True
)
UNREADABLE = Problem(
    Kind.CALENDAR_UNREADABLE, "company", {"code": "timeout", "host": "graph.microsoft.com", "calendar": "x"}
)


def simulation(**changed: object) -> Simulation:
    result = Simulation(
        rules=Path("rules.yaml"),
        config_digest="sha256:0",
        zone=DENVER,
        span=SPAN,
        every=timedelta(minutes=5),
        runs=8640,
        circuits=(circuit("den-a"), circuit("lon-a", ups=3)),
        served=(served(HOSTILE, 5), served(None, 6, spare=hours(1)), LATE),
        problems=((START, UNREADABLE), (START + hours(7), UNREADABLE)),
        injected={FaultKind.LOST_BEFORE: 2},
    )
    return replace(result, **changed)  # type: ignore[arg-type]  # each test names real fields


def shown(*simulations: Simulation, width: int = 80, faults: FaultPlan = NO_FAULTS) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, markup=False, emoji=False, highlight=False, no_color=True)
    print_comparison(SimulationComparison(SPAN, faults, simulations), console)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize("width", [80, 120])
def test_one_rules_file(width: int) -> None:
    text = shown(simulation(), width=width, faults=FaultPlan(0.05, 7))
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    check(f"simulate-{width}.txt", text)


def test_two_rules_files_and_what_is_not_known() -> None:
    money = Money(None, None, Decimal("331.20"), None)
    other = simulation(
        rules=Path("bolder.yaml"),
        circuits=(
            circuit("den-a", money=money, unpriced=(ODD,), lifted=True),
            circuit("many", hours={Bandwidth(mbps): hours(1) for mbps in (1, 2, 3, 4, 5, 6)}),
        ),
        served=(),
        problems=(),
    )
    check("simulate-two.txt", shown(simulation(served=(served("All-Hands", 5),)), other))


def test_files_named_alike_are_told_apart_by_their_folders() -> None:
    text = shown(simulation(rules=Path("/etc/a/rules.yaml")), simulation(rules=Path("/etc/b/rules.yaml")))
    assert "a/rules.yaml" in text
    assert "b/rules.yaml" in text


def test_json() -> None:
    document = simulations_view(SimulationComparison(SPAN, FaultPlan(0.05, 7), (simulation(),)))
    check("simulate.json", dump(document) + "\n")
    (one,) = json.loads(dump(document))["simulations"]
    assert one["total"]["cost"] == "824.69"
    assert [late["avoidable"] for late in one["late"]] == [True]
