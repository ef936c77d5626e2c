"""A tenant and a carrier for the real command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.browser import Browser
from tests.e2e.command import Iodcal
from tests.servers.entra import CLIENT_ID, TENANT
from tests.servers.entra import SECRET as ENTRA_SECRET
from tests.servers.graph import GraphServer, event
from tests.servers.lumen import CUSTOMER, KEY, SECRET, FakeCircuit, LumenServer

DEN, LON = "77000000001", "77000000002"
RULES = """\
version: 1
timezone: America/Denver
settings:
  state: state/state.json
  every: 5m
  organizers: ["@contoso.example"]
microsoft365:
  tenant_id: {tenant}
  client_id: {client}
  client_secret: {{env: IODCAL_CLIENT_SECRET}}
  authority: {authority}
  graph: {graph}
sites:
  den: {{timezone: America/Denver}}
  lon: {{timezone: Europe/London}}
calendars:
  noc: {{mailbox: noc@contoso.example}}
  company: {{mailbox: events@contoso.example}}
carriers:
  lumen:
    type: lumen
    environment: production
    base_url: {lumen}
    customer_number: {customer}
    client_id: {{env: LUMEN_CLIENT_ID}}
    client_secret: {{env: LUMEN_CLIENT_SECRET}}
    contact: {{name: Pat Doe, email: noc@contoso.example, phone: "+13035550100", organization: Contoso}}
defaults:
  circuit: {{carrier: lumen, tiers: [100 Mbps, 500 Mbps, 1 Gbps], baseline: {{off_peak: 100 Mbps}}}}
circuits:
  den-a: {{site: den, service_id: "{den}"}}
  lon-a: {{site: lon, service_id: "{lon}", ceiling: 500 Mbps}}
rules:
  - name: Company-wide events
    calendars: [company]
    match: {{subject: [All-Hands, Town Hall], longer_than: 15m}}
    circuits: [den-a]
    bandwidth: highest
  - name: Network operations
    calendars: [noc]
    match: {{subject: DR Test}}
    circuits: [lon-a]
    bandwidth: 500 Mbps
"""


@dataclass
class World:
    """The command, and the servers that it talks to. Lumen's clock runs `ahead` of the real one."""

    iodcal: Iodcal
    graph: GraphServer
    lumen: LumenServer
    ahead: timedelta = timedelta()

    def meeting(self, subject: str, start_in: float, end_in: float, mailbox: str = "events") -> None:
        """Puts an event into a mailbox, minutes from now."""
        now = datetime.now(UTC).replace(microsecond=0)
        self.graph.mailboxes[f"{mailbox}@contoso.example"].append(
            event(subject, now + timedelta(minutes=start_in), now + timedelta(minutes=end_in))
        )

    @property
    def den(self) -> FakeCircuit:
        return self.lumen.circuits[DEN]


@pytest.fixture
def iodcal(tmp_path: Path) -> Iodcal:
    """The command in an empty folder."""
    return Iodcal(tmp_path)


@pytest.fixture
def world(iodcal: Iodcal, tmp_path: Path) -> Iterator[World]:
    """Microsoft over TLS and Lumen, and a configuration for them."""
    with GraphServer(tmp_path) as graph, LumenServer() as lumen:
        made = World(iodcal, graph, lumen)
        lumen.now = lambda: datetime.now(UTC) + made.ahead
        graph.mailboxes.update({"noc@contoso.example": [], "events@contoso.example": []})
        lumen.circuits.update({DEN: FakeCircuit(), LON: FakeCircuit(site="PL0002", partner="43558")})
        iodcal.environment.update(graph.environment)
        iodcal.environment.update(
            IODCAL_CLIENT_SECRET=ENTRA_SECRET, LUMEN_CLIENT_ID=KEY, LUMEN_CLIENT_SECRET=SECRET
        )
        rules = RULES.format(
            tenant=TENANT,
            client=CLIENT_ID,
            authority=graph.authority,
            graph=graph.graph,
            lumen=lumen.base_url,
            customer=CUSTOMER,
            den=DEN,
            lon=LON,
        )
        iodcal.write("rules.yaml", rules)
        yield made


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of a process: each opens its own page."""
    with Browser(tmp_path_factory.mktemp("browser")) as started:
        yield started
