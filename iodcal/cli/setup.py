"""The commands for setting up: doctor, schema."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from iodcal.cli import headings
from iodcal.cli.declare import command
from iodcal.cli.options import duration
from iodcal.cli.session import Session
from iodcal.exits import Exit


@command("Try logins, mailboxes, circuits, clock and files; change nothing.", "iodcal doctor -o json")
def doctor(
    session: Session,
    *,
    timeout: Annotated[
        timedelta | None,
        typer.Option("--timeout", metavar="TIME", parser=duration, help="Take no longer; else 2m."),
    ] = None,
) -> int:
    """Try each configured thing for real and read-only: secrets, logins, permissions, mailboxes, circuits,
    clock, state, timer, metrics file and where notices go. What is not well is shown with its remedy.

    Exit status: 0 nothing is red, 3 something is, 1 not everything could be tried in time.
    """
    configuration = session.configuration()
    headings.of_doctor(session, configuration)
    from iodcal.doctor.examine import PATIENCE, examine

    patience = PATIENCE if timeout is None else timeout
    with session.progress() as progress:
        found = examine(configuration, session.state_path(configuration), patience, progress)
    if session.json:
        from iodcal.output.operations_view import doctor_view

        session.print_json(doctor_view(found))
        return found.exit
    from iodcal.output.operations import print_doctor

    print_doctor(found, session.console(), quiet=session.quiet)
    return found.exit


@command("Print the JSON Schema of the configuration, for editors.", "iodcal schema > rules.schema.json")
def schema(session: Session) -> int:
    """Print the JSON Schema of rules.yaml, so that an editor completes and checks it."""
    from iodcal.config.json_schema import configuration_schema

    session.print_json(configuration_schema())
    return Exit.OK
