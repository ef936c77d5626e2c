"""The commands that look back: history and report."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iodcal.cli import headings
from iodcal.cli.declare import command
from iodcal.cli.options import CircuitOption, NowOption, UsageOption, duration
from iodcal.cli.session import CommandSession
from iodcal.exits import Exit

if TYPE_CHECKING:
    from iodcal.analysis.figures import Lookback
    from iodcal.commands.history import HistoryReport
    from iodcal.commands.spans import LookbackRequest, PageRequest
    from iodcal.config import Configuration

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
    session: CommandSession,
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
    configuration = session.known_configuration()
    in_vain = circuit or start or end or since or outcome  # perhaps: that is told without a heading
    if not in_vain:
        headings.of_history(session, configuration)
    from iodcal.commands.history import HistoryAsked
    from iodcal.commands.history import history as look_up

    names, outcomes = tuple(circuit or ()), tuple(outcome or ())
    asked = HistoryAsked(names, start, end=end, since=since, outcomes=outcomes, everything=everything)
    report = look_up(configuration, session.state_path(configuration), asked)
    if in_vain and not session.json and not session.csv:
        headings.of_history(session, configuration)
    return _show_history(session, report)


def _show_history(session: CommandSession, report: HistoryReport) -> int:
    from iodcal.output.history import print_history, unreadable_line

    if session.json:
        from iodcal.output.history_view import history_view

        session.print_json(history_view(report))
    elif session.csv:
        from iodcal.output.history_view import history_csv

        sys.stdout.write(history_csv(report))
    else:
        print_history(report, session.console(), ids=session.verbose)
    doubt = unreadable_line(report)
    if doubt is not None:
        sys.stderr.write(f"{doubt}\n")
    return report.exit


@command(
    "Show what circuits cost and how they served; or draw a page.",
    "iodcal report --from 2026-11 --to 2026-12",
    csv=True,
)
def report(
    session: CommandSession,
    *,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="From then on: a day, a month (2026-11), an instant."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Until then, which is not included; else now.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page there; - is standard output.")
    ] = None,
    past: Annotated[
        timedelta | None,
        typer.Option("--past", metavar="TIME", parser=duration, help="Of a picture: so far back; else 3d."),
    ] = None,
    window: Annotated[
        timedelta | None,
        typer.Option("--window", metavar="TIME", parser=duration, help="Of a picture: so far ahead."),
    ] = None,
    circuit: CircuitOption = None,
    usage: UsageOption = None,
    now: NowOption = None,
) -> int:
    """Show what circuits cost, saved and were used for since --from (else this month), and whether every
    event was served in time. With --html and no --from: draw the last and the coming days as a page. Both
    from the last run's readings and the history: no secret, no network, but of the servers that `usage`
    names in the rules file."""
    from iodcal.errors import UsageError

    if html is not None and session.csv:
        raise UsageError("no_csv", command="report --html")
    if usage is not None and html is not None:
        raise UsageError("report_mixed", options="--usage and a page")
    if html is None and (past is not None or window is not None):
        raise UsageError("report_mixed", options="--past or --window, and a report without a picture")
    configuration = session.known_configuration()
    from iodcal.commands.spans import LookbackRequest, PageRequest

    circuits = tuple(circuit or ())
    if html is not None:
        asked = PageRequest(circuits, past, window=window, now=now, start=start, end=end)
        return _draw(session, configuration, asked, html)
    return _look_back(session, configuration, LookbackRequest(start, end, circuits, now, usage))


def _look_back(session: CommandSession, configuration: Configuration, asked: LookbackRequest) -> int:
    headings.of_report(session, configuration, asked)
    from iodcal.commands.lookback import lookback

    with session.progress() as progress:
        found = lookback(configuration, session.state_path(configuration), asked, progress)
    return _show_lookback(session, found)


def _draw(session: CommandSession, configuration: Configuration, asked: PageRequest, html: Path) -> int:
    if _tells(session, html):
        headings.of_page(session, configuration, asked)
    from iodcal.output.html.page import page_html
    from iodcal.output.html.page_data import report_page

    page = report_page(configuration, session.state_path(configuration), asked)
    return _write_page(session, html, page_html(page, costs_first=asked.looks_back))


def _tells(session: CommandSession, html: Path) -> bool:
    """True where somebody is told of the page: on a terminal that does not show the page itself."""
    return session.terminal and not session.quiet and not session.json and str(html) != "-"


def _show_lookback(session: CommandSession, found: Lookback) -> int:
    if session.json:
        from iodcal.output.costs_view import lookback_view

        session.print_json(lookback_view(found))
    elif session.csv:
        from iodcal.output.costs_view import lookback_csv

        sys.stdout.write(lookback_csv(found))
    else:
        from iodcal.output.costs import print_lookback

        print_lookback(found, session.console(), everything=session.verbose)
    return Exit.OK


def _write_page(session: CommandSession, html: Path, text: str) -> int:
    from iodcal.output.html.file import write_page

    if str(html) == "-":
        sys.stdout.write(text)
        return Exit.OK
    size = write_page(html, text)
    if session.json:
        from iodcal.output.json import page_view

        session.print_json(page_view(html, size))
    elif _tells(session, html):
        sys.stdout.write(f"{html} is written, {size // 1024 + 1} KiB\n")
    return Exit.OK
