"""CPU that processes of ours take, beside the shortest that do the same work; in turns, in one run."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.servers.entra import CLIENT_ID, SECRET, TENANT
from tests.servers.graph import GraphServer, event

_ROOT = Path(__file__).parent.parent
_MAILBOXES = ("noc@contoso.example", "events@contoso.example")
_RULES = """\
version: 1
timezone: UTC
settings: {{state: state/state.json, organizers: ["@contoso.example"]}}
microsoft365:
  tenant_id: {tenant}
  client_id: {client}
  client_secret: {{env: IODCAL_CLIENT_SECRET}}
  authority: {server}
  graph: {server}/v1.0
calendars:
  noc: {{mailbox: {noc}}}
  company: {{mailbox: {company}}}
carriers:
  lab: {{type: sandbox, file: sandbox.json}}
circuits:
  den-a: {{carrier: lab, service_id: "1", tiers: [100 Mbps, 1 Gbps], baseline: {{off_peak: 100 Mbps}}}}
rules:
  - name: Company-wide events
    calendars: [noc, company]
    match: {{subject: All-Hands}}
    circuits: all
    bandwidth: 1 Gbps
"""
_OFFLINE = (
    ("--help",),
    ("plan", "--help"),
    ("schema",),
    ("check",),
    ("status",),
    ("history",),
    ("report",),
    ("report", "--html", "page.html"),
    ("explain", "--cached"),
    ("plan", "--cached"),
    ("plan",),
    ("sync",),
    ("hold", "den-a", "1 Gbps", "--for", "1h"),
    ("release", "den-a"),
)
_SHORTEST = """\
import msal, requests
from datetime import datetime, timedelta, UTC
app = msal.ConfidentialClientApplication(
    "{client}", client_credential="{secret}", authority="{server}/{tenant}", instance_discovery=False)
token = app.acquire_token_for_client(["{server}/.default"])["access_token"]
now = datetime.now(UTC)
span = {{"startDateTime": (now - timedelta(hours=27)).isoformat(),
        "endDateTime": (now + timedelta(hours=100)).isoformat(), "$top": "250"}}
session = requests.Session()
session.headers["Authorization"] = "Bearer " + token
for mailbox in {mailboxes}:
    assert session.get("{server}/v1.0/users/" + mailbox + "/calendarView", params=span).json()["value"]
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Median CPU seconds of ours and of theirs."""

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def start_up(rounds: int = 15) -> Comparison:
    """`iodcal --version` beside importing typer, which every typer program must."""
    return _compare(["-m", "iodcal", "--version"], ["-c", "import typer"], _ROOT, os.environ, rounds)


def first_output(rounds: int = 5) -> dict[str, Comparison]:
    """Commands on the sample configuration, without any network, beside `iodcal --version`: each writes once
    it has done all its work, so that this is what it takes until there is something to see."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(_ROOT / "examples", folder / "examples")
        shutil.copy(_ROOT / "rules.yaml", folder)
        environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
        _cpu(["-m", "iodcal", "sync"], folder, environment)  # a state and a history to look at
        return {
            " ".join(command): _compare(
                ["-m", "iodcal", *command], ["-m", "iodcal", "--version"], folder, environment, rounds
            )
            for command in _OFFLINE
        }


def quiet_sync(rounds: int = 11) -> Comparison:
    """A sync that has nothing to do beside the shortest script that reads the same two mailboxes."""
    with _tenant() as (server, folder):
        facts = {"client": CLIENT_ID, "tenant": TENANT, "server": server.authority, "secret": SECRET}
        noc, company = _MAILBOXES
        (folder / "rules.yaml").write_text(_RULES.format(noc=noc, company=company, **facts), encoding="utf-8")
        environment = {**os.environ, **server.environment, "IODCAL_CLIENT_SECRET": SECRET}
        environment["PYTHONPATH"] = str(_ROOT)
        _cpu(["-m", "iodcal", "sync"], folder, environment)  # the first reads the circuit, too
        script = _SHORTEST.format(mailboxes=_MAILBOXES, **facts)
        return _compare(["-m", "iodcal", "sync"], ["-c", script], folder, environment, rounds)


@contextmanager
def _tenant() -> Iterator[tuple[GraphServer, Path]]:
    with tempfile.TemporaryDirectory() as name, GraphServer(Path(name)) as server:
        now = datetime.now(UTC)
        for mailbox in _MAILBOXES:
            server.mailboxes[mailbox] = [
                event(f"Review {hour}", now + timedelta(hours=hour), now + timedelta(hours=hour + 1))
                for hour in range(20)
            ]
        yield server, Path(name)


def _compare(
    ours: list[str], theirs: list[str], folder: Path, environment: Mapping[str, str], rounds: int
) -> Comparison:
    with tempfile.TemporaryDirectory() as compiled:
        # Whatever this shell says of bytecode: an installed program has it.
        kept = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
        kept["PYTHONPYCACHEPREFIX"] = compiled
        pairs = [(_cpu(ours, folder, kept), _cpu(theirs, folder, kept)) for _ in range(rounds + 1)][1:]
    return Comparison(*(statistics.median(times) for times in zip(*pairs, strict=True)))


def _cpu(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
