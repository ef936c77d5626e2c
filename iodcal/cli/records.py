"""The commands that look back: history."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Annotated

import typer

from iodcal.cli.declare import command
from iodcal.cli.options import CircuitOption, duration
from iodcal.cli.session import Session

FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="From then on: an instant, a local time, -3h.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Until then.")]
SinceOption = Annotated[
    timedelta | None,
    typer.Option("--since", metavar="TIME", parser=duration, help="The last so long, such as 7d."),
]


@command(
    "Show what was ordered, when, why and by whom.",
    "iodcal history --since 7d -o csv > changes.csv",
    csv=True,
)
def history(
    session: Session,
    *,
    circuit: CircuitOption = None,
    start: FromOption = None,
    end: ToOption = None,
    since: SinceOption = None,
    outcome: Annotated[
        list[str] | None,
        typer.Option(
            "--outcome", metavar="WORD", help="Only this one, such as failed or observe; may repeat."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Readings, looks before events and problems as well.")
    ] = False,
) -> int:
    """Show what was ordered, or would have been: when, why, by whom and which run, and what became of it."""
    from iodcal.history.command import HistoryAsked
    from iodcal.history.command import history as look_up

    configuration = session.configuration()
    asked = HistoryAsked(circuit, start, end, since, tuple(outcome or ()), everything)
    report = look_up(configuration, session.state_path(configuration), asked)
    from iodcal.render.history import history_csv, history_json, print_history, unreadable_line

    if session.json:
        session.print_json(history_json(report))
    elif session.csv:
        sys.stdout.write(history_csv(report))
    else:
        print_history(report, session.console(), ids=session.verbose)
    doubt = unreadable_line(report)
    if doubt is not None:
        sys.stderr.write(f"{doubt}\n")
    return report.exit
