"""The command line: parses, calls, shows; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from iodcal import __version__
from iodcal.cli.everyday import check, plan, status, sync
from iodcal.cli.fleet import fleet
from iodcal.cli.manual import help_
from iodcal.cli.options import (
    ColorOption,
    Common,
    ConfigOption,
    LogFormatOption,
    NoColorOption,
    OutputOption,
    QuietOption,
    StateOption,
    VerboseOption,
    runbook_of,
)
from iodcal.cli.people import adopt, forget, hold, park, pause, release, resume, skip
from iodcal.cli.records import history, report
from iodcal.cli.setup import doctor, init, schema
from iodcal.cli.startup import command_in
from iodcal.cli.understand import advise, explain, simulate

STATUSES = (
    "Exit status: 0 well; 1 not carried through; 2 usage; 3 with an error; 4 "
    "--detailed-exitcode; 75 another run; 78 rules; 130 interrupted."
)
"""What stands below the help of the program."""

GROUPS = {
    "Every day": (sync, plan, status, check),
    "Why, and what was": (explain, history, report, simulate, advise),
    "What people decide": (hold, release, pause, resume, park, skip),
    "Setting up and keeping": (init, doctor, forget, adopt, schema, fleet, help_),
}
"""The commands as the help shows them."""
COMMANDS = {command.name: command for group in GROUPS.values() for command in group}


class _Grouped(TyperGroup):
    """The program, whose help shows the commands in groups."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer hands it over
        width = max(map(len, COMMANDS))
        formatter.write_paragraph()
        for title, group in GROUPS.items():
            formatter.write(f"{title}:\n")
            with formatter.indentation():
                formatter.write_dl([(one.name.ljust(width), one.short_help) for one in group])


def application(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command line, with that command only that `arguments` ask for: preparing the options of all takes
    typer a tenth of a short run. Where they ask for none it has all, for the help and the nearest word."""
    app = typer.Typer(
        name="iodcal",
        cls=_Grouped,
        help="Orders bandwidth so that circuits are at tier when calendar events begin.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        pretty_exceptions_show_locals=False,
        rich_markup_mode=None,
        epilog=_epilog(arguments),
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    named = command_in(arguments, COMMANDS)
    for name in (named,) if named is not None else COMMANDS:
        COMMANDS[name].register(app)
    return app


def _epilog(arguments: Sequence[str]) -> str:
    """What stands below the help; with the page for people on call where it is shown and one is named."""
    shown = not arguments or not {"-h", "--help"}.isdisjoint(arguments)
    runbook = runbook_of() if shown and command_in(arguments, COMMANDS) is None else None
    last = [f"Runbook: {runbook}"] if runbook is not None else []
    return "\n\n".join([STATUSES, "Documentation: iodcal help. Example: iodcal plan --cached", *last])


def _show_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"iodcal {__version__}")
        raise typer.Exit


def _options(
    context: typer.Context,
    config: ConfigOption = None,
    *,
    state: StateOption = None,
    output: OutputOption = None,
    verbose: VerboseOption = None,
    quiet: QuietOption = None,
    log_format: LogFormatOption = None,
    color: ColorOption = None,
    no_color: NoColorOption = None,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Say which version.")
    ] = False,
) -> None:
    """Takes the common options before the command's name."""
    context.obj = Common(
        config,
        state,
        output=output,
        verbose=verbose,
        quiet=quiet,
        log_format=log_format,
        color=color,
        no_color=no_color,
    )
