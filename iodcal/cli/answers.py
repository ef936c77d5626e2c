"""The answers of `iodcal init` as options."""

from __future__ import annotations

from typing import Annotated

import typer

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
    str | None, typer.Option("--carrier", metavar="NAME", help="lumen, lumen-test, sandbox.")
]
CustomerAnswer = Annotated[
    str | None, typer.Option("--customer", metavar="NUMBER", help="Customer number at the carrier.")
]
CarrierIdAnswer = Annotated[
    str | None, typer.Option("--carrier-id", metavar="PLACE", help="Of the consumer key.")
]
CarrierSecretAnswer = Annotated[
    str | None, typer.Option("--carrier-secret", metavar="PLACE", help="Of the consumer secret.")
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
    list[str] | None, typer.Option("--server", metavar="WHICH=URL", help="Local authority, graph or carrier.")
]
