"""The commands of every day: sync, plan, status, check."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iodcal.cli import headings
from iodcal.cli.declare import command
from iodcal.cli.options import CachedOption, CircuitOption, LogFormat, NowOption, WindowOption, duration
from iodcal.cli.session import CommandSession
from iodcal.cli.understand import show_diff
from iodcal.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from iodcal.commands.requests import PreviewRequest, SyncRequest
    from iodcal.commands.sync import Say, Synced
    from iodcal.domain.orders import Order
    from iodcal.pipeline.alerts import AlertDecision
    from iodcal.result import Report


@command("Order the changes that are due now: the timer's job.", "iodcal sync --wait 5m")
def sync(
    session: CommandSession,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Order and write nothing: show the plan of this sync.")
    ] = False,
    wait: Annotated[
        timedelta | None,
        typer.Option("--wait", metavar="TIME", parser=duration, help="Wait so long for open orders."),
    ] = None,
    allow_downs: Annotated[
        int, typer.Option("--allow-downs", metavar="N", min=0, help="Let N unplanned lowerings through.")
    ] = 0,
    expect: Annotated[
        str | None,
        typer.Option("--expect", metavar="DIGEST", help="Order only if this is still the plan's digest."),
    ] = None,
    circuit: CircuitOption = None,
    now: NowOption = None,
) -> int:
    """Read the calendars and order the bandwidth changes that are due now: the timer's job."""
    from iodcal.commands.requests import SyncRequest
    from iodcal.commands.requests import dry_run as preview_of

    asked = SyncRequest(
        terminal=session.watched,
        now=now,
        circuits=tuple(circuit or ()),
        allow_downs=allow_downs,
        expect=expect,
        wait=wait,
        run_id=session.run_id,
    )
    if dry_run:
        return _show_plan(session, preview_of(asked))
    return _carry_out(session, asked)


def _carry_out(session: CommandSession, asked: SyncRequest) -> int:
    return show_sync(session, carry_out(session, asked))


def carry_out(session: CommandSession, asked: SyncRequest) -> Synced:
    """A sync of the session's rules file; its problems are told by then. Raises IodcalError."""
    from iodcal.domain.structs import replace
    from iodcal.errors import ConfigurationError, IodcalError

    configuration, faults = session.configuration_or_last_good()
    asked = replace(asked, faults=faults)
    try:
        if session.terminal and not session.quiet:
            headings.of_sync(session, configuration, asked)
        from iodcal.commands.announce import sync as synchronise

        with session.progress() as progress:
            say = say_problems(session)
            return synchronise(
                configuration,
                session.state_path(configuration, writes=True),
                asked=asked,
                progress=progress,
                say=say,
            )
    except IodcalError:
        if faults:
            raise ConfigurationError(faults) from None  # of the two faults the one to be mended first
        raise


def show_sync(session: CommandSession, synced: Synced) -> int:
    """Shows what a sync did; the exit status that it asks for."""
    if session.json:
        return _show_json(session, synced.report)
    if session.terminal and not session.quiet:
        from iodcal.output.status import print_sync

        print_sync(synced.report, session.console(), session.console(stderr=True))
    else:
        _write_lines(session, synced)
    return synced.report.exit


def _write_lines(session: CommandSession, synced: Synced) -> None:
    """For cron: nothing at all where nothing happened. What the problems are was said by then, but for what
    came of waiting."""
    from iodcal.cli.logs import say
    from iodcal.output.lines import late_lines, sync_lines

    if not session.quiet:
        _write_news(session, sync_lines(synced))
    for level, line in late_lines(synced.report, synced.telling, everything=_everything(session)):
        say(line, level)


def _write_news(session: CommandSession, news: Iterable[tuple[str, Order | None]]) -> None:
    """On stdout; with JSON logs among them, each order as fields beside its text."""
    if session.common.log_format is not LogFormat.JSON:
        sys.stdout.writelines(f"{line}\n" for line, _ in news)
        return

    from iodcal.cli.logs import NOTICE, say
    from iodcal.output.json import dump
    from iodcal.output.plan_view import order_view

    for line, order in news:
        say(line, NOTICE, order=json.loads(dump(order_view(order))) if order is not None else None)


def say_problems(session: CommandSession) -> Say | None:
    """How a run's problems are told on stderr as soon as they are known; None where they are shown with its
    result."""
    if session.json or (session.terminal and not session.quiet):
        return None

    def say_all(report: Report, telling: AlertDecision) -> None:
        from iodcal.cli.logs import say
        from iodcal.output.lines import problem_lines

        for level, line in problem_lines(report, telling, everything=_everything(session)):
            say(line, level)

    return say_all


def _everything(session: CommandSession) -> bool:
    return session.verbose or session.watched


@command("Show what sync would do, and why; touch nothing.", "iodcal plan --window 12h", ics=True)
def plan(
    session: CommandSession,
    *,
    window: WindowOption = None,
    cached: CachedOption = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 4 if something would be ordered.")
    ] = False,
    due: Annotated[
        bool, typer.Option("--due", help="Only circuits with a change due, held ones included.")
    ] = False,
    unmatched: Annotated[
        bool, typer.Option("--unmatched", help="Also the events that no rule took, likeliest slips first.")
    ] = False,
    diff: Annotated[
        Path | None, typer.Option("--diff", metavar="FILE", help="What this rules file would change.")
    ] = None,
    circuit: CircuitOption = None,
    now: NowOption = None,
) -> int:
    """Show what a sync would do now and in the coming days, and why, without touching anything."""
    from iodcal.commands.requests import PreviewRequest

    asked = PreviewRequest(
        now,
        window,
        circuits=tuple(circuit or ()),
        cached=cached,
        detailed_exitcode=detailed_exitcode,
        due_only=due,
        unmatched=unmatched,
        run_id=session.run_id,
    )
    if diff is None:
        return _show_plan(session, asked)
    if session.ics:
        from iodcal.errors import UsageError

        raise UsageError("diff_ics")
    return show_diff(session, diff, asked)


def _show_plan(session: CommandSession, asked: PreviewRequest) -> int:
    from iodcal.domain.structs import replace

    configuration = session.known_configuration() if asked.cached else session.configuration()
    asked = replace(asked, faults=session.faults)
    headings.of_plan(session, configuration, asked)
    from iodcal.commands.sync import plan as preview

    with session.progress() as progress:
        report = preview(configuration, session.state_path(configuration), asked, progress)
    if session.json:
        return _show_json(session, report)
    if session.ics:
        from iodcal.notify.feed import read_feed
        from iodcal.output.feed import feed_text

        earlier = read_feed(configuration.settings.feed_file)
        sys.stdout.write(feed_text(report, configuration.name, earlier))
        return report.exit
    from iodcal.output.plan import print_plan

    print_plan(report, session.console(), session.console(stderr=True))
    if report.unmatched is not None:
        from iodcal.output.events import print_unmatched

        print_unmatched(report.unmatched, configuration.zone, session.console())
    return report.exit


@command("Show what is ordered, read, open and next, offline.", "iodcal status -o json")
def status(session: CommandSession, *, circuit: CircuitOption = None) -> int:
    """Show what is ordered, read, open and next for each circuit, offline."""
    from iodcal.commands.requests import PreviewRequest

    configuration = session.known_configuration()
    asked = PreviewRequest(circuits=tuple(circuit or ()), run_id=session.run_id, faults=session.faults)
    headings.of_status(session, configuration, asked)
    from iodcal.commands.sync import status as look_up

    report = look_up(configuration, session.state_path(configuration), asked)
    if session.json:
        return _show_json(session, report)
    from iodcal.output.status import print_status

    print_status(report, session.console(), session.console(stderr=True))
    return report.exit


@command("Check the configuration, offline.", "iodcal check --strict")
def check(
    session: CommandSession,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if there are warnings.")] = False,
) -> int:
    """Check the configuration, offline: every error and every warning at once."""
    configuration = session.configuration()
    warnings = configuration.warnings
    exit_status = Exit.FAILED if strict and warnings else Exit.OK
    if session.json:
        from iodcal.output.json import check_view

        session.print_json(check_view(warnings, exit_status))
        return exit_status
    from iodcal.output.heading import summary, warning_lines
    from iodcal.output.text import is_plain

    plain = is_plain(sys.stderr, color=session.common.colored)
    sys.stderr.writelines(f"{line}\n" for line in warning_lines(warnings, plain=plain))
    sys.stdout.write(f"{summary(session.config_path, configuration, len(warnings))}\n")
    return exit_status


def _show_json(session: CommandSession, report: Report) -> int:
    from iodcal.output.plan_view import report_view

    session.print_json(report_view(report))
    return report.exit
