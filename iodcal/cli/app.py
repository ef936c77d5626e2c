"""The command line: parses, calls, renders; decides nothing.

What a command needs is imported when it runs, so that `--help` and completion stay quick.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from iodcal import __version__
from iodcal.cli.options import (
    Common,
    ConfigOption,
    LogFormat,
    LogFormatOption,
    NoColorOption,
    OutputOption,
    QuietOption,
    StateOption,
    VerboseOption,
)
from iodcal.domain.durations import parse_duration

if TYPE_CHECKING:
    from iodcal.cli.session import Session

app = typer.Typer(
    name="iodcal",
    help="Orders internet bandwidth up and down so that circuits are at tier when calendar events begin.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"iodcal {__version__}")
        raise typer.Exit


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


CircuitOption = Annotated[str | None, typer.Option("--circuit", metavar="NAME", help="Only this circuit.")]
NowOption = Annotated[
    str | None,
    typer.Option("--now", metavar="TIME", help="As if it were then: an instant, +3h, or a local time."),
]


@app.callback()
def options(
    context: typer.Context,
    config: ConfigOption = None,
    state: StateOption = None,
    output: OutputOption = None,
    verbose: VerboseOption = None,
    quiet: QuietOption = None,
    log_format: LogFormatOption = None,
    no_color: NoColorOption = None,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Say which version.")
    ] = False,
) -> None:
    """Takes the common options before the command's name."""
    context.obj = Common(config, state, output, verbose, quiet, log_format, no_color)


def _session(context: typer.Context, given: Common) -> Session:
    from iodcal.cli import logs
    from iodcal.cli.session import Session

    common = given.over(context.obj)
    logs.configure(verbose=bool(common.verbose), log_format=common.log_format or LogFormat.TEXT)
    return Session(common)


@app.command(
    short_help="Order the changes that are due now: the timer's job.", epilog="Example: iodcal sync --wait 5m"
)
def sync(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Order and write nothing: the same as plan.")
    ] = False,
    wait: Annotated[
        timedelta | None,
        typer.Option("--wait", metavar="TIME", parser=_duration, help="Wait so long for open orders."),
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
    config: ConfigOption = None,
    state: StateOption = None,
    output: OutputOption = None,
    verbose: VerboseOption = None,
    quiet: QuietOption = None,
    log_format: LogFormatOption = None,
    no_color: NoColorOption = None,
) -> None:
    """Read the calendars and order the bandwidth changes that are due now: the timer's job."""
    session = _session(context, Common(config, state, output, verbose, quiet, log_format, no_color))
    if dry_run:
        raise typer.Exit(session.plan(now=now, circuit=circuit))
    raise typer.Exit(
        session.sync(now=now, circuit=circuit, allow_downs=allow_downs, expect=expect, wait=wait)
    )


@app.command(
    short_help="Show what sync would do, and why; touch nothing.", epilog="Example: iodcal plan --window 12h"
)
def plan(
    context: typer.Context,
    window: Annotated[
        timedelta | None,
        typer.Option("--window", metavar="TIME", parser=_duration, help="Look so far ahead."),
    ] = None,
    cached: Annotated[
        bool, typer.Option("--cached", help="From the last run's readings: no secret, no network.")
    ] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 4 if changes are due.")
    ] = False,
    circuit: CircuitOption = None,
    now: NowOption = None,
    config: ConfigOption = None,
    state: StateOption = None,
    output: OutputOption = None,
    verbose: VerboseOption = None,
    quiet: QuietOption = None,
    log_format: LogFormatOption = None,
    no_color: NoColorOption = None,
) -> None:
    """Show what a sync would do now and in the coming days, and why, without touching anything."""
    session = _session(context, Common(config, state, output, verbose, quiet, log_format, no_color))
    raise typer.Exit(
        session.plan(
            now=now, circuit=circuit, window=window, cached=cached, detailed_exitcode=detailed_exitcode
        )
    )


@app.command(
    short_help="Show what is ordered, read, open and next, offline.", epilog="Example: iodcal status -o json"
)
def status(
    context: typer.Context,
    circuit: CircuitOption = None,
    config: ConfigOption = None,
    state: StateOption = None,
    output: OutputOption = None,
    verbose: VerboseOption = None,
    quiet: QuietOption = None,
    log_format: LogFormatOption = None,
    no_color: NoColorOption = None,
) -> None:
    """Show what is ordered, read, open and next for each circuit, offline."""
    session = _session(context, Common(config, state, output, verbose, quiet, log_format, no_color))
    raise typer.Exit(session.status(circuit=circuit))


@app.command(short_help="Check the configuration, offline.", epilog="Example: iodcal check --strict")
def check(
    context: typer.Context,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if there are warnings.")] = False,
    config: ConfigOption = None,
    state: StateOption = None,
    output: OutputOption = None,
    verbose: VerboseOption = None,
    quiet: QuietOption = None,
    log_format: LogFormatOption = None,
    no_color: NoColorOption = None,
) -> None:
    """Check the configuration, offline: every error and every warning at once."""
    session = _session(context, Common(config, state, output, verbose, quiet, log_format, no_color))
    raise typer.Exit(session.check(strict=strict))
