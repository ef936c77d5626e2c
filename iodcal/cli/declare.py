"""How a command is declared: its own options, and behind them those that every command takes."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

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
)
from iodcal.cli.session import CommandSession
from iodcal.exits import Exit

_COMMON: dict[str, Any] = {
    "config": ConfigOption,
    "state": StateOption,
    "output": OutputOption,
    "verbose": VerboseOption,
    "quiet": QuietOption,
    "log_format": LogFormatOption,
    "color": ColorOption,
    "no_color": NoColorOption,
}


class _Plain(TyperCommand):
    """A command whose usage names arguments that must be given as `CIRCUIT`, where typer puts braces."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the command line: `run` takes the session and its own options, and returns the exit
    status; its docstring is the command's help. With `writes`, its help for `--config`, that help leaves the
    other common options out, so that it fits a screen. `csv` and `ics` name what it can show."""

    run: Callable[..., int]
    short_help: str
    example: str
    name: str
    writes: str = ""
    csv: bool = False
    ics: bool = False

    def register(self, app: typer.Typer) -> None:
        """Adds the command to `app`, with its own options first."""
        declared = app.command(
            self.name, cls=_Plain, short_help=self.short_help, epilog=f"Example: {self.example}"
        )
        declared(_with_common_options(self))


def command(
    short_help: str, example: str, name: str = "", *, writes: str = "", csv: bool = False, ics: bool = False
) -> Callable[[Callable[..., int]], Command]:
    """Declares the function below it as a command, by its own name unless another is given."""

    def declare(run: Callable[..., int]) -> Command:
        return Command(
            run, short_help, example=example, name=name or run.__name__, writes=writes, csv=csv, ics=ics
        )

    return declare


def _with_common_options(command: Command) -> Callable[..., None]:
    run = command.run

    def invoke(context: typer.Context, **given: Any) -> None:
        common = Common(**{name: given.pop(name) for name in _COMMON}).over(context.obj)
        if common.csv and not command.csv:
            from iodcal.errors import UsageError

            raise UsageError("no_csv", command=command.name)
        if common.ics and not command.ics:
            from iodcal.errors import UsageError

            raise UsageError("no_ics", command=command.name)
        session = CommandSession(common)
        with session.circuit_state_in():
            status = run(session, **given)
        raise typer.Exit(Exit.CONFIGURATION if session.faults else status)

    own = list(inspect.signature(run, eval_str=True).parameters.values())[1:]  # behind the session
    shared = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=_where_written(command.writes, name, annotation) if command.writes else annotation,
        )
        for name, annotation in _COMMON.items()
    ]
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    parameters = [context, *own, *shared]
    # typer reads both: the signature for order and defaults, the annotations for types.
    invoke.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    invoke.__doc__ = run.__doc__
    signed: Any = invoke
    signed.__signature__ = inspect.Signature(parameters)
    return invoke


def _where_written(writes: str, name: str, annotation: Any) -> Any:
    """The same option out of the help; `--config` with `writes` for its help."""
    option = copy.copy(annotation.__metadata__[0])
    if name == "config":
        option.help = writes
    else:
        option.hidden = True
    return Annotated[annotation.__origin__, option]
