"""The command for many installations at once."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iodcal.cli.declare import command
from iodcal.cli.options import Common
from iodcal.cli.session import CommandSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from iodcal.commands.fleet import Shard, TenantOutcome
    from iodcal.output.fleet_view import TenantView


class TenantSession(CommandSession):
    """One tenant's run within a fleet's: the log is the fleet's, nobody watches, and what is to be shown is
    handed over."""

    def __init__(self, common: Common, path: Path) -> None:
        from iodcal.tenant import run_label

        self.common = Common(path, output=common.output, verbose=common.verbose, quiet=True)
        self.faults = ()
        self.run_id = run_label().run_id

    @property
    def terminal(self) -> bool:
        return False

    @property
    def watched(self) -> bool:
        return False


@command("Sync, plan and show many customers at once.", "iodcal fleet sync /etc/iodcal/fleet")
def fleet(
    session: CommandSession,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="sync, status or plan.")],
    places: Annotated[
        list[str], typer.Argument(metavar="PLACE", help="A folder of rules files, or a pattern in quotes.")
    ],
    *,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Part I of N; /N takes I from $JOB_COMPLETION_INDEX."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, max=256, help="So many at once.")] = 8,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="Only tenants whose settings.labels say so."),
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="plan: only what would be ordered now.")] = False,
) -> int:
    """Do for each rules file what the command of that name does, by itself: no fault of one is another's.
    Exit status: the worst."""
    from iodcal.commands.fleet import find_tenants
    from iodcal.errors import UsageError
    from iodcal.signals import deferred

    if session.common.config or session.common.state or os.environ.get("IODCAL_STATE"):
        raise UsageError("fleet_state")
    works: dict[str, Callable[[CommandSession], TenantView]] = {
        "sync": _sync,
        "status": _status,
        "plan": _plan,
    }
    if action not in works:
        raise UsageError("fleet_action", action=action, known=", ".join(works))
    from iodcal.cli import logs
    from iodcal.cli.options import LogFormat

    logs.configure(
        verbose=session.verbose, log_format=session.common.log_format or LogFormat.TEXT, several=True
    )
    paths = find_tenants(places, _shard(shard))
    wanted = dict(_label(text) for text in label or ())
    with deferred():  # the tenants' runs end by themselves, and are waited for
        tenants = _run(session, paths, works[action], jobs)
        if action == "sync":
            return _show_news(session, tenants)
        kept = sorted(tenants, key=lambda view: view.file)
        kept = [view for view in kept if wanted.items() <= view.labels.items()]
        return _show_all(session, action, kept, due=due)


def _shard(text: str | None) -> Shard | None:
    from iodcal.commands.fleet import Shard
    from iodcal.errors import UsageError

    count = os.environ.get("JOB_COMPLETIONS", "")
    if text is None and count.isdecimal() and os.environ.get("JOB_COMPLETION_INDEX"):
        text = f"/{count}"
    try:
        return Shard.parse(text, dict(os.environ)) if text is not None else None
    except ValueError as error:
        raise UsageError("fleet_shard", message=str(error)) from None


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise typer.BadParameter(f"{text!r} is no label such as region=emea")
    return key, value


def _run(
    session: CommandSession, paths: tuple[Path, ...], work: Callable[[CommandSession], TenantView], jobs: int
) -> Iterator[TenantView]:
    from iodcal.commands.fleet import run_tenants

    def attempt(path: Path) -> TenantView:
        tenant = TenantSession(session.common, path)
        try:
            return work(tenant)
        except Exception as error:  # noqa: BLE001 - told here, where its secrets are known
            return _failed(path, error)

    for outcome in run_tenants(paths, attempt, jobs):
        yield outcome.result if outcome.result is not None else _stopped(outcome)


def _failed(path: Path, error: Exception) -> TenantView:
    """What ended a tenant's run, in words; of a bug, the record of it is on disk."""
    from iodcal import __version__
    from iodcal.cli.boundary import keep_traceback, traceback_of
    from iodcal.errors import ConfigurationError, IodcalError
    from iodcal.exits import exit_of
    from iodcal.messages.errors import describe
    from iodcal.output.fleet_view import tenant_failed

    if isinstance(error, ConfigurationError):
        return tenant_failed(path, exit_of(error), "configuration", [str(fault) for fault in error.faults])
    if isinstance(error, IodcalError):
        words = describe(error)
        return tenant_failed(path, exit_of(error), error.code, [f"{words.message}. {words.remedy}"])
    kept = keep_traceback(traceback_of(error))
    told = f"This is a bug in iodcal {__version__} ({type(error).__name__}). The details are in {kept}"
    return tenant_failed(path, exit_of(error), "bug", [told])


def _stopped(outcome: TenantOutcome[Any]) -> TenantView:
    from iodcal.exits import Exit
    from iodcal.output.fleet_view import tenant_failed

    return tenant_failed(
        outcome.path, Exit.INTERRUPTED, "interrupted", ["Stopped before the run was complete"]
    )


def _sync(tenant: CommandSession) -> TenantView:
    from iodcal.cli.everyday import carry_out
    from iodcal.commands.requests import SyncRequest
    from iodcal.output.fleet_view import tenant_view
    from iodcal.output.lines import sync_lines

    synced = carry_out(tenant, SyncRequest(terminal=False, run_id=tenant.run_id))
    news = [line for line, _ in sync_lines(synced)]
    return tenant_view(tenant.config_path, synced.report, news=news)


def _status(tenant: CommandSession) -> TenantView:
    from iodcal.commands.requests import PreviewRequest
    from iodcal.commands.sync import status
    from iodcal.output.fleet_view import tenant_view

    configuration = tenant.known_configuration()
    asked = PreviewRequest(run_id=tenant.run_id, faults=tenant.faults)
    report = status(configuration, tenant.state_path(configuration), asked)
    return tenant_view(tenant.config_path, report, labels=configuration.settings.labels)


def _plan(tenant: CommandSession) -> TenantView:
    from iodcal.commands.requests import PreviewRequest
    from iodcal.commands.sync import plan
    from iodcal.output.fleet_view import tenant_view

    configuration = tenant.configuration()
    asked = PreviewRequest(run_id=tenant.run_id, detailed_exitcode=True)
    with tenant.progress() as progress:
        report = plan(configuration, tenant.state_path(configuration), asked, progress)
    return tenant_view(tenant.config_path, report, labels=configuration.settings.labels)


def _show_news(session: CommandSession, tenants: Iterator[TenantView]) -> int:
    """A line for each order, as soon as its tenant is done; of JSON one for each tenant."""
    from iodcal.commands.fleet import worst

    statuses = []
    for view in tenants:
        statuses.append(view.exit)
        if session.json:
            _write_line(view)
            continue
        _say_failure(view)
        if not session.quiet:
            sys.stdout.writelines(f"{view.installation}: {line}\n" for line in view.news)
            sys.stdout.flush()
    return worst(statuses)


def _say_failure(view: TenantView) -> None:
    from iodcal.cli.logs import say
    from iodcal.output.text import for_line

    for told in view.error:
        say(f"{view.installation}: {for_line(told)}")


def _write_line(view: TenantView) -> None:
    from iodcal.output.json import dump

    sys.stdout.write(json.dumps(json.loads(dump(view))) + "\n")
    sys.stdout.flush()


def _show_all(session: CommandSession, action: str, tenants: list[TenantView], *, due: bool) -> int:
    from iodcal.commands.fleet import worst

    if session.json:
        for view in tenants:
            _write_line(view)
    else:
        from iodcal.output.fleet import print_changes, print_fleet

        if action == "plan":
            print_changes(tenants, session.console(), due=due)
        else:
            rows = session.console().height - 3 if session.terminal and not session.verbose else None
            print_fleet(tenants, session.console(), rows=rows)
    return worst(view.exit for view in tenants)
