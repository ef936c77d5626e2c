"""The command that plays the past or the future through."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from iodcal.cli import headings
from iodcal.cli.declare import command
from iodcal.cli.options import duration, share
from iodcal.cli.session import Session
from iodcal.exits import Exit


@command(
    "Play a time through: what would have been ordered, cost and late.",
    "iodcal simulate --from 2026-10-01 --to 2026-11-01",
)
def simulate(
    session: Session,
    *,
    start: Annotated[str, typer.Option("--from", metavar="DATE", help="From here on: a date or an instant.")],
    end: Annotated[str, typer.Option("--to", metavar="DATE", help="Up to here, not included.")],
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="FILE", help="Another rules file, shown beside.")
    ] = None,
    every: Annotated[
        timedelta | None,
        typer.Option(
            "--every", metavar="TIME", parser=duration, help="Between two runs; else as configured."
        ),
    ] = None,
    faults: Annotated[
        float, typer.Option("--faults", metavar="RATE", parser=share, help="Let this share of calls fail.")
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Which calls fail.")] = 0,
) -> int:
    """Play a past or coming time through: the real calendars, the same code, and a sandbox for a carrier.

    Shows what would have been ordered, what it would have cost and saved, and what would have been late.
    Orders nothing, and writes nothing.
    """
    from iodcal.simulation.faults import FaultPlan
    from iodcal.simulation.scenario import SimulationRequest

    configurations = [session.configuration()]
    if rules is not None:
        from iodcal.config.load import load

        configurations.append(load(rules))
    asked = SimulationRequest(start, end, every, FaultPlan(faults, seed))
    headings.of_simulation(session, configurations, asked)
    from iodcal.simulation.engine import compare

    with session.progress() as progress:
        comparison = compare(configurations, asked, progress)
    if session.json:
        from iodcal.render.simulate_json import comparison_json

        session.print_json(comparison_json(comparison))
    else:
        from iodcal.render.simulate import print_comparison

        print_comparison(comparison, session.console())
    return Exit.OK
