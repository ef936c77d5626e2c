"""The commands that look back: history and report."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from iodcal.cli.declare import command
from iodcal.cli.options import CircuitOption, NowOption, duration
from iodcal.cli.session import Session
from iodcal.exits import Exit

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


@command("Draw the last and the coming days as a page.", "iodcal report --html /var/www/iodcal.html")
def report(
    session: Session,
    *,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Where the page goes; - is standard output.")
    ] = None,
    past: Annotated[
        timedelta | None,
        typer.Option("--past", metavar="TIME", parser=duration, help="So far back; else 3d."),
    ] = None,
    window: Annotated[
        timedelta | None,
        typer.Option("--window", metavar="TIME", parser=duration, help="So far ahead; else as each run."),
    ] = None,
    circuit: CircuitOption = None,
    now: NowOption = None,
) -> int:
    """Draw circuits, events and changes of the last and the coming days as one HTML page, from the last
    run's readings and the history: no secret, no network."""
    from iodcal.errors import UsageError

    if html is None:
        raise UsageError("no_report")
    from iodcal.render.page import page_html
    from iodcal.reportpage.command import PageAsked, report_page
    from iodcal.reportpage.file import write_page

    configuration = session.configuration()
    asked = PageAsked(circuit, past, window, now)
    text = page_html(report_page(configuration, session.state_path(configuration), asked))
    if str(html) == "-":
        sys.stdout.write(text)
        return Exit.OK
    size = write_page(html, text)
    if session.json:
        from iodcal.render.json import page_json

        session.print_json(page_json(html, size))
    elif session.terminal and not session.quiet:
        sys.stdout.write(f"{html} is written, {size // 1024 + 1} KiB\n")
    return Exit.OK
