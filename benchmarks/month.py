"""How long a simulated month takes: five circuits, 500 events, a run every five minutes."""

from __future__ import annotations

import time
from datetime import timedelta

from benchmarks.company import START, configuration, readings
from iodcal.domain.localtime import Interval
from iodcal.simulation.engine import simulate
from iodcal.simulation.result import Simulation
from iodcal.simulation.scenario import Scenario

MONTH = Interval(START, START + timedelta(days=30))
EVENTS = 500


def measure() -> tuple[float, Simulation]:
    """CPU seconds of the simulation, which keeps to one core, and what it found."""
    company = configuration()
    scenario = Scenario(company, readings(company, MONTH, EVENTS), MONTH)
    before = time.process_time()
    simulation = simulate(scenario, _ignore)
    return time.process_time() - before, simulation


def _ignore(_text: str) -> None: ...
