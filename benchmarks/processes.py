"""CPU that processes of ours take, beside the shortest that do the same work; in turns, in one run."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.servers.entra import CLIENT_ID, SECRET, TENANT
from tests.servers.graph import GraphServer, event

_Measure = Callable[[list[str], Path, Mapping[str, str]], float]
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
_COMMANDS = (
    ("--help",),
    ("plan", "--help"),
    ("schema",),
    ("check",),
    ("status",),
    ("history",),
    ("report",),
    ("report", "--html", "page.html"),
    ("explain",),
    ("explain", "--event", "All-Hands"),
    ("explain", "--subject", "x", "--calendar", "company", "--at", "+1h", "--duration", "1h"),
    ("plan",),
    ("plan", "--cached"),
    ("plan", "--diff", "rules.yaml"),
    ("sync",),
    ("simulate", "--from", "-1d", "--to", "+1d"),
    ("doctor",),
    ("hold", "den-a", "1 Gbps", "--for", "1h"),
    ("release", "den-a"),
    ("pause", "den-a", "--until", "+1h"),
    ("resume", "den-a"),
    ("park",),
    ("resume", "--all"),
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
    """Commands on the sample configuration, without any network, beside `iodcal --version`: CPU until there
    is something to see on a terminal."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(_ROOT / "examples", folder / "examples")
        shutil.copy(_ROOT / "rules.yaml", folder)
        environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
        _cpu(["-m", "iodcal", "sync"], folder, environment)  # a state and a history to look at
        return {
            " ".join(command): _compare(
                ["-m", "iodcal", *command],
                ["-m", "iodcal", "--version"],
                folder,
                environment,
                rounds,
                measure=_cpu_until_output,
            )
            for command in _COMMANDS
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
    ours: list[str],
    theirs: list[str],
    folder: Path,
    environment: Mapping[str, str],
    rounds: int,
    *,
    measure: _Measure | None = None,
) -> Comparison:
    measure = measure or _cpu
    with tempfile.TemporaryDirectory() as compiled:
        # Whatever this shell says of bytecode: an installed program has it.
        kept = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
        kept["PYTHONPYCACHEPREFIX"] = compiled
        pairs = [(measure(ours, folder, kept), measure(theirs, folder, kept)) for _ in range(rounds + 1)][1:]
    return Comparison(*(statistics.median(times) for times in zip(*pairs, strict=True)))


def _cpu_until_output(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> float:
    """CPU seconds until the first letter is on the terminal, as Linux counts them by thread."""
    ours, theirs = os.openpty()
    process = subprocess.Popen([sys.executable, *arguments], cwd=folder, env=environment, stdout=theirs)
    os.close(theirs)
    try:
        os.read(ours, 1)
        taken = sum(map(_nanoseconds, Path(f"/proc/{process.pid}/task").glob("*/schedstat")))
        while _more(ours):
            pass
    finally:
        os.close(ours)
        process.wait()
    return taken / 1e9


def _nanoseconds(schedstat: Path) -> int:
    try:
        return int(schedstat.read_text(encoding="ascii").split()[0])
    except FileNotFoundError:  # the thread is gone meanwhile
        return 0


def _more(terminal: int) -> bool:
    try:
        return bool(os.read(terminal, 65536))
    except OSError:  # Linux says so where nobody writes any more
        return False


def _cpu(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
