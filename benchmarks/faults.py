"""Days with failures: `python -m benchmarks.faults [DAYS] [SEED ...]`.

The company's runs, of whose calls one in twenty fails. For each seed: was an event late that could have
been in time, was an order placed twice, and what did it cost against the optimum?
"""

from __future__ import annotations

import sys
from datetime import timedelta

from benchmarks.company import START, configuration, readings
from iodcal.domain.localtime import Interval
from iodcal.simulation.engine import simulate
from iodcal.simulation.faults import FaultPlan
from iodcal.simulation.result import Simulation
from iodcal.simulation.scenario import Scenario

RATE = 0.05
EVENTS_A_MONTH = 500


def play(days: int, seed: int) -> Simulation:
    """So many days; `seed` draws the calendars as well as the failures."""
    company, span = configuration(), Interval(START, START + timedelta(days=days))
    events = readings(company, span, days * EVENTS_A_MONTH // 30, seed)
    return simulate(Scenario(company, events, span, FaultPlan(RATE, seed)), _ignore)


def _ignore(_text: str) -> None: ...


def main() -> int:
    """Prints a line for each seed; 1 if one breaks a promise."""
    days, *seeds = (int(text) for text in sys.argv[1:] or ("60", "1"))
    kept = True
    for seed in seeds:
        found = play(days, seed)
        money, avoidable = found.money, sum(one.avoidable for one in found.late)
        assert money.simulated is not None
        assert money.optimum
        above = float(money.simulated / money.optimum) - 1
        kept = kept and not avoidable and not found.doubles and above <= 0.01
        failures = sum(found.injected.values())
        print(
            f"seed {seed}: {found.runs:,} runs, {len(found.served):,} events, {failures:,} failures; "
            f"{len(found.late)} late, {avoidable} of them avoidable, {found.doubles} double orders, "
            f"cost {above:+.2%}",
            flush=True,
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
