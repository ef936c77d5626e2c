"""How long 200 mailboxes take to read when each answer takes 50 ms to come."""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iodcal.config.load import load_configuration
from iodcal.http import Deadline
from iodcal.pipeline.fetch import fetch_events
from iodcal.store.state import State
from tests.servers.entra import CLIENT_ID, SECRET, TENANT
from tests.servers.graph import GraphServer, event

_LATENCY = 0.05
RULES = """\
version: 1
timezone: UTC
settings: {{organizers: ["@contoso.example"]}}
microsoft365:
  tenant_id: {tenant}
  client_id: {client}
  client_secret: {{env: IODCAL_CLIENT_SECRET}}
  authority: {server}
  graph: {server}/v1.0
calendars:
  rooms: {{mailboxes: {mailboxes}}}
carriers:
  lab: {{type: sandbox, file: sandbox.json}}
circuits:
  den-a: {{carrier: lab, service_id: "1", tiers: [100 Mbps, 1 Gbps], baseline: {{off_peak: 100 Mbps}}}}
rules:
  - {{name: Rooms, calendars: [rooms], circuits: all, bandwidth: 1 Gbps}}
"""


def _ignore(_text: str) -> None: ...


def read_many(count: int = 200) -> tuple[float, float]:
    """Seconds that reading takes, and that it would take eight at a time with no work of our own."""
    with tempfile.TemporaryDirectory() as name, GraphServer(Path(name)) as server:
        names = [f"room-{number}@contoso.example" for number in range(count)]
        now = datetime.now(UTC)
        for mailbox in names:
            server.mailboxes[mailbox] = [event("Review", now, now + timedelta(hours=1))]
            server.latency[mailbox] = _LATENCY
        os.environ.update({**server.environment, "IODCAL_CLIENT_SECRET": SECRET})
        rules = Path(name) / "rules.yaml"
        facts = {"tenant": TENANT, "client": CLIENT_ID, "server": server.authority}
        rules.write_text(RULES.format(mailboxes=names, **facts), encoding="utf-8")
        configuration = load_configuration(rules)
        before = time.perf_counter()
        snapshot = fetch_events(
            configuration,
            State(),
            now=now,
            window=timedelta(hours=72),
            deadline=Deadline.after(60),
            progress=_ignore,
        )
        seconds = time.perf_counter() - before
    assert len(snapshot.readings) == count, snapshot.failures
    return seconds, count / 8 * _LATENCY
