"""The command that makes a first configuration: init."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from iodcal.cli import headings
from iodcal.cli.answers import (
    CarrierAnswer,
    CarrierIdAnswer,
    CarrierSecretAnswer,
    CircuitAnswers,
    ClientAnswer,
    CloudAnswer,
    CompanyAnswer,
    ContactAnswer,
    CredentialAnswer,
    CustomerAnswer,
    NocAnswer,
    OffPeakAnswer,
    OrganizerAnswers,
    PeakAnswer,
    RoomAnswers,
    SecretAnswer,
    ServerAnswers,
    SiteAnswers,
    TenantAnswer,
    TiersAnswers,
    TimezoneAnswer,
)
from iodcal.cli.declare import command
from iodcal.cli.session import Session
from iodcal.exits import Exit


@command(
    "Make a first configuration by asking; try every login at once.",
    "iodcal init --config /etc/iodcal/rules.yaml",
    writes="The file to write; else ./rules.yaml.",
)
def init(
    session: Session,
    *,
    timezone: TimezoneAnswer = None,
    tenant: TenantAnswer = None,
    client: ClientAnswer = None,
    credential: CredentialAnswer = None,
    secret: SecretAnswer = None,
    cloud: CloudAnswer = None,
    company: CompanyAnswer = None,
    noc: NocAnswer = None,
    room: RoomAnswers = None,
    organizer: OrganizerAnswers = None,
    carrier: CarrierAnswer = None,
    customer: CustomerAnswer = None,
    carrier_id: CarrierIdAnswer = None,
    carrier_secret: CarrierSecretAnswer = None,
    contact: ContactAnswer = None,
    circuit: CircuitAnswers = None,
    site: SiteAnswers = None,
    tiers: TiersAnswers = None,
    off_peak: OffPeakAnswer = None,
    peak: PeakAnswer = None,
    server: ServerAnswers = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
) -> int:
    """Ask for what a first rules.yaml needs, try each login and circuit at once, show the file, write it with
    `orders: none`, and end with a plan. Nothing that exists is overwritten; of secrets only their places are
    written. Every answer can be an option; without a terminal all must be. Options of every command
    (-o json): see iodcal --help.
    """
    options = {key: value for key, value in locals().items() if key not in ("session", "yes") and value}
    given = {
        key.replace("_", "-"): [value] if isinstance(value, str) else value for key, value in options.items()
    }
    return _init(session, given, yes=yes)


def _init(session: Session, given: Mapping[str, Sequence[str]], *, yes: bool) -> int:
    from iodcal.cli.asking import TerminalAsker
    from iodcal.setup import Sheet
    from iodcal.setup.interview import interview
    from iodcal.setup.write import checked_text, refuse_existing, write_files

    path = session.common.config or Path("rules.yaml")
    refuse_existing(path)
    console = session.console()
    at_terminal = session.terminal and sys.stdin.isatty() and not session.json
    person = TerminalAsker(console) if at_terminal else None
    sheet = Sheet(path.absolute().parent)
    interview(sheet, given, person)
    text = checked_text(sheet, path)
    if not session.json:
        from iodcal.output.operations import print_file

        print_file(path, text, console)
    if person and not yes and not typer.confirm("Write this, and its schema for editors?"):
        person.say("nothing_written")
        return Exit.OK
    return _show_first_plan(session, path, write_files(path, text))


def _show_first_plan(session: Session, path: Path, written: Sequence[Path]) -> int:
    from iodcal.asked import Preview
    from iodcal.commands import plan
    from iodcal.config.find import is_found
    from iodcal.config.load import load

    configuration = load(path)
    with session.progress() as progress:
        report = plan(configuration, session.state_path(configuration), Preview(), progress)
    if session.json:
        from iodcal.output.operations_view import init_view

        session.print_json(init_view(written, report))
        return report.exit
    from iodcal.output.operations import print_next
    from iodcal.output.plan import print_plan

    print_next(written, session.console(), found=is_found(path))
    headings.of_plan(session, configuration, Preview())
    print_plan(report, session.console(), session.console(stderr=True))
    return report.exit
