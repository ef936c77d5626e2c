"""The commands for setting up: init, whose answers can all be options, doctor and schema."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iodcal.cli import headings
from iodcal.cli.declare import command
from iodcal.cli.options import duration
from iodcal.cli.session import CommandSession
from iodcal.exits import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from iodcal.carriers import ListedCircuit
    from iodcal.errors import CalendarError, CarrierError


TimezoneAnswer = Annotated[str | None, typer.Option("--timezone", metavar="ZONE", help="Else this system's.")]
TenantAnswer = Annotated[str | None, typer.Option("--tenant", metavar="ID", help="Directory (tenant) ID.")]
ClientAnswer = Annotated[str | None, typer.Option("--client", metavar="ID", help="Application (client) ID.")]
CredentialAnswer = Annotated[
    str | None, typer.Option("--credential", metavar="KIND", help="secret, certificate, managed-identity.")
]
SecretAnswer = Annotated[
    str | None, typer.Option("--secret", metavar="PLACE", help="env:NAME, file:PATH, credential:NAME, ...")
]
CloudAnswer = Annotated[
    str | None, typer.Option("--cloud", metavar="NAME", help="global, us-gov, us-dod, china.")
]
CompanyAnswer = Annotated[
    str | None, typer.Option("--company", metavar="MAILBOX", help="Of company-wide events.")
]
NocAnswer = Annotated[str | None, typer.Option("--noc", metavar="MAILBOX", help="Of network operations.")]
RoomAnswers = Annotated[
    list[str] | None, typer.Option("--room", metavar="SITE=MAILBOX", help="A conference room; repeat it.")
]
OrganizerAnswers = Annotated[
    list[str] | None, typer.Option("--organizer", metavar="@DOMAIN", help="Whose events count; repeat it.")
]
CarrierAnswer = Annotated[
    str | None,
    typer.Option("--carrier", metavar="NAME", help="lumen, lumen-efc, megaport, sandbox, lumen-test..."),
]
CustomerAnswer = Annotated[
    str | None, typer.Option("--customer", metavar="NUMBER", help="Customer number at the carrier.")
]
CarrierIdAnswer = Annotated[str | None, typer.Option("--carrier-id", metavar="PLACE", help="Of its API key.")]
CarrierSecretAnswer = Annotated[
    str | None, typer.Option("--carrier-secret", metavar="PLACE", help="Of that key's secret.")
]
ContactAnswer = Annotated[
    str | None, typer.Option("--contact", metavar="TEXT", help="'Name, e-mail, phone, company' for orders.")
]
CircuitAnswers = Annotated[
    list[str] | None, typer.Option("--circuit", metavar="ID=NAME@SITE", help="A circuit; repeat it.")
]
SiteAnswers = Annotated[
    list[str] | None, typer.Option("--site", metavar="SITE=ZONE", help="Its time zone; repeat it.")
]
TiersAnswers = Annotated[
    list[str] | None, typer.Option("--tiers", metavar="RATES", help="Else what the carrier sells.")
]
OffPeakAnswer = Annotated[
    str | None, typer.Option("--off-peak", metavar="RATE", help="Else the lowest tier.")
]
PeakAnswer = Annotated[
    str | None, typer.Option("--peak", metavar="TEXT", help="'mon-fri 07:30-18:30 500 Mbps', or none.")
]
ServerAnswers = Annotated[
    list[str] | None,
    typer.Option("--server", metavar="WHICH=URL", help="Local authority, graph, carrier or login."),
]


@command(
    "Make a first configuration by asking; try every login at once.",
    "iodcal init --config /etc/iodcal/rules.yaml",
    writes="The file to write; else ./rules.yaml.",
)
def init(
    session: CommandSession,
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


def _init(session: CommandSession, given: Mapping[str, Sequence[str]], *, yes: bool) -> int:
    from iodcal.init import Answers
    from iodcal.init.interview import run_interview
    from iodcal.init.rules_file import checked_text, refuse_existing, write_files

    path = session.common.config or Path("rules.yaml")
    refuse_existing(path)
    console = session.console()
    at_terminal = session.terminal and sys.stdin.isatty() and not session.json
    person = TerminalAsker(console) if at_terminal else None
    sheet = Answers(path.absolute().parent)
    run_interview(sheet, given, person)
    text = checked_text(sheet, path)
    if not session.json:
        from iodcal.output.operations import print_file

        print_file(path, text, console)
    if person and not yes and not typer.confirm("Write this, and its schema for editors?", default=True):
        person.say("nothing_written")
        return Exit.OK
    return _show_first_plan(session, path, write_files(path, text))


def _show_first_plan(session: CommandSession, path: Path, written: Sequence[Path]) -> int:
    from iodcal.commands.requests import PreviewRequest
    from iodcal.commands.sync import plan
    from iodcal.config.find import is_configuration_found
    from iodcal.config.load import load_configuration

    configuration = load_configuration(path)
    with session.progress() as progress:
        report = plan(configuration, session.state_path(configuration), PreviewRequest(), progress)
    if session.json:
        from iodcal.output.operations_view import init_view

        session.print_json(init_view(written, report))
        return report.exit
    from iodcal.output.operations import print_next
    from iodcal.output.plan import print_plan

    print_next(written, session.console(), found=is_configuration_found(path))
    headings.of_plan(session, configuration, PreviewRequest())
    print_plan(report, session.console(), session.console(stderr=True))
    return report.exit


class TerminalAsker:
    """The `Prompter` of `iodcal init`: explains, asks, and shows what each try says."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, code: str, **facts: str) -> None:
        from rich.text import Text

        from iodcal.messages.files import SAID
        from iodcal.output.text import for_line

        heading = code.startswith("stage_")
        if heading:
            self._console.print()
        told = for_line(SAID[code].format(**facts))
        self._console.print(Text(told, style="bold" if heading else ""))

    def ask(self, key: str, default: str | None, **facts: str) -> str:
        from rich.text import Text

        from iodcal.messages.files import QUESTIONS

        text, why = QUESTIONS[key]
        if why:
            self._console.print(Text(f"  {why}", style="dim"))
        asked = text.format(**facts)
        return str(typer.prompt(asked, default=default, show_default=bool(default)))

    def show(self, listed: Sequence[ListedCircuit]) -> None:
        from iodcal.output.operations import circuits_table

        self._console.print(circuits_table(listed))

    def trouble(self, error: CalendarError | CarrierError) -> None:
        from rich.text import Text

        from iodcal.messages.errors import of_edge
        from iodcal.output.text import for_line

        words = of_edge(error)
        self._console.print(Text.assemble(("error  ", "bold red"), for_line(words.message)))
        self._console.print(Text(f"       -> {for_line(words.remedy)}"))


@command("Try logins, mailboxes, circuits, clock and files; change nothing.", "iodcal doctor -o json")
def doctor(
    session: CommandSession,
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
    configuration = session.known_configuration()
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


@command("Print the JSON Schema of the configuration, or of results.", "iodcal schema > rules.schema.json")
def schema(
    session: CommandSession,
    *,
    results: Annotated[
        bool, typer.Option("--results", help="Of what commands print with -o json, for scripts.")
    ] = False,
) -> int:
    """Print the JSON Schema of rules.yaml, so that an editor completes and checks it; with --results that of
    all results."""
    if results:
        from iodcal.output.results import results_schema

        session.print_json(results_schema())
        return Exit.OK
    from iodcal.config.json_schema import configuration_schema

    session.print_json(configuration_schema())
    return Exit.OK
