"""What is for understanding: explain, the plan by another rules file, and playing a time through."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iodcal.cli import headings
from iodcal.cli.declare import command
from iodcal.cli.options import (
    CachedOption,
    CircuitOption,
    NowOption,
    UsageOption,
    WindowOption,
    calendar_names,
    circuit_names,
    duration,
    share,
)
from iodcal.cli.session import CommandSession
from iodcal.exits import Exit

if TYPE_CHECKING:
    from iodcal.commands.explain import ExplainedCircuits, ExplainedEvents
    from iodcal.commands.requests import ExplainRequest, PreviewRequest

CalendarOption = Annotated[
    str | None,
    typer.Option(
        "--calendar", metavar="NAME", help="The calendar it stands on.", autocompletion=calendar_names
    ),
]


@command(
    "Say why: this bandwidth, this event, an event to come.",
    'iodcal explain --event "town hall"',
)
def explain(
    session: CommandSession,
    circuit: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CIRCUIT",
            help="Why this bandwidth on it, or on those of a pattern; else on each.",
            autocompletion=circuit_names,
        ),
    ] = None,
    *,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Then: an instant, +3h, or a local time.")
    ] = None,
    event: Annotated[
        str | None, typer.Option("--event", metavar="TEXT", help="What rules make of events titled so.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="TEXT", help="Try an event that does not exist yet.")
    ] = None,
    calendar: CalendarOption = None,
    length: Annotated[
        timedelta | None,
        typer.Option("--duration", metavar="TIME", parser=duration, help="How long it is, such as 1h."),
    ] = None,
    organizer: Annotated[
        str | None, typer.Option("--organizer", metavar="ADDRESS", help="Who organizes it.")
    ] = None,
    window: WindowOption = None,
    cached: CachedOption = False,
    now: NowOption = None,
) -> int:
    """Say why a circuit is asked for its bandwidth, or what every rule makes of an event. Changes nothing."""
    from iodcal.commands.requests import ExplainRequest

    asked = ExplainRequest(
        tuple(circuit or ()),
        at,
        event=event,
        calendar=calendar,
        subject=subject,
        duration=length,
        organizer=organizer,
        window=window,
        cached=cached,
        now=now,
    )
    return _answer(session, asked)


def _answer(session: CommandSession, asked: ExplainRequest) -> int:
    from iodcal.domain.structs import replace

    configuration = session.known_configuration() if asked.cached else session.configuration()
    asked = replace(asked, faults=session.faults)
    headings.of_question(session, configuration, asked)
    from iodcal.commands.explain import ExplainedCircuits, answer

    with session.progress() as progress:
        explained = answer(configuration, session.state_path(configuration), asked, progress)
    if isinstance(explained, ExplainedCircuits):
        _show_circuits(session, explained)
    else:
        _show_events(session, explained)
    return explained.exit


def _show_circuits(session: CommandSession, explained: ExplainedCircuits) -> None:
    if session.json:
        from iodcal.output.explain_view import circuits_view

        session.print_json(circuits_view(explained))
        return
    from iodcal.output.explain import print_circuits

    print_circuits(explained, session.console(), session.console(stderr=True))


def _show_events(session: CommandSession, explained: ExplainedEvents) -> None:
    if session.json:
        from iodcal.output.explain_view import events_view

        session.print_json(events_view(explained))
        return
    from iodcal.output.events import print_events

    print_events(explained, session.console(), session.console(stderr=True))


def show_diff(session: CommandSession, path: Path, asked: PreviewRequest) -> int:
    """`plan --diff`: what the rules file at `path` would change."""
    from iodcal.config.load import load_configuration

    configuration = session.configuration()
    other = load_configuration(path)
    headings.of_diff(session, configuration, other, asked)
    from iodcal.commands.diff import compare

    with session.progress() as progress:
        comparison = compare(
            configuration, other, state_path=session.state_path(configuration), asked=asked, progress=progress
        )
    if session.json:
        from iodcal.output.diff_view import diff_view

        session.print_json(diff_view(comparison))
        return comparison.exit
    from iodcal.output.diff import print_diff

    print_diff(comparison, session.console(), session.console(stderr=True))
    return comparison.exit


@command(
    "Play a time through: what would have been ordered, cost and late.",
    "iodcal simulate --from 2026-10-01 --to 2026-11-01",
)
def simulate(
    session: CommandSession,
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
        from iodcal.config.load import load_configuration

        configurations.append(load_configuration(rules))
    asked = SimulationRequest(start, end, every, FaultPlan(faults, seed))
    headings.of_simulation(session, configurations, asked)
    from iodcal.simulation.engine import compare

    with session.progress() as progress:
        comparison = compare(configurations, asked, progress)
    if session.json:
        from iodcal.output.simulation_view import simulations_view

        session.print_json(simulations_view(comparison))
    else:
        from iodcal.output.simulation import print_comparison

        print_comparison(comparison, session.console())
    return Exit.OK


@command(
    "Say what past weeks teach: tiers, leads, peaks, missing rules.",
    "iodcal advise --from 2026-10-01 --to 2026-12-01",
)
def advise(
    session: CommandSession,
    *,
    start: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Learn from here on; else the last 8 weeks.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Up to here, not included; else today.")
    ] = None,
    circuit: CircuitOption = None,
    headroom: Annotated[
        float, typer.Option("--headroom", metavar="SHARE", parser=share, help="Left above what was used.")
    ] = 0.25,
    usage: UsageOption = None,
    every: Annotated[
        timedelta | None,
        typer.Option("--every", metavar="TIME", parser=duration, help="Between two runs that are played."),
    ] = None,
    now: NowOption = None,
) -> int:
    """Say what past weeks teach, with figures, dates and the edit of the rules that would follow.

    Compares what was really used with what was ordered, and plays each edit through as `simulate` does.
    Never applies one, never advises less than was used, and says where the data do not suffice.
    """
    from iodcal.simulation.advise import AdviceRequest, give_advice

    configuration = session.configuration()
    asked = AdviceRequest(
        start, end, circuits=tuple(circuit or ()), headroom=headroom, usage=usage, every=every, now=now
    )
    headings.of_advice(session, configuration, asked)
    with session.progress() as progress:
        found = give_advice(configuration, session.state_path(configuration), asked, progress)
    if session.json:
        from iodcal.output.advice_view import advice_view

        session.print_json(advice_view(found))
    else:
        from iodcal.output.advice import print_advice

        print_advice(found, session.console())
    return Exit.OK
