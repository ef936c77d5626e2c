"""What Microsoft Graph in trouble costs: requests, and events of healthy mailboxes that nobody sees."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from benchmarks.mailboxes import RULES
from iodcal.config.load import load_configuration
from iodcal.http import Deadline
from iodcal.pipeline.fetch import fetch_events
from iodcal.store.state import State
from tests.servers.entra import CLIENT_ID, SECRET, TENANT
from tests.servers.faults import refused
from tests.servers.graph import GraphServer, event

_SECONDS = 27.0  # what a run has for its calendars at `every: 1m`, where time is shortest


class Trouble(Struct, frozen=True):
    """A run over mailboxes of which the first are in trouble: requests per mailbox, and how many of the
    events in the healthy ones were not seen, and will be late."""

    requests: float
    late: int


def outage(count: int = 100, failing: int = 90) -> Trouble:
    """So many mailboxes answer 504, every time."""
    return _run(count, failing, hang=False)


def hanging(count: int, failing: int) -> Trouble:
    """So many mailboxes never answer."""
    return _run(count, failing, hang=True)


def _run(count: int, failing: int, *, hang: bool) -> Trouble:
    with tempfile.TemporaryDirectory() as name, GraphServer(Path(name)) as server:
        names = [f"room-{number}@contoso.example" for number in range(count)]
        now = datetime.now(UTC)
        for mailbox in names:
            server.mailboxes[mailbox] = [event("Review", now, now + timedelta(hours=1))]
        if hang:
            server.hanging.update(names[:failing])
        else:
            for mailbox in names[:failing]:
                server.script(mailbox, [refused(504, "UnknownError")] * 99)
        os.environ.update({**server.environment, "IODCAL_CLIENT_SECRET": SECRET})
        rules = Path(name) / "rules.yaml"
        facts = {"tenant": TENANT, "client": CLIENT_ID, "server": server.authority}
        rules.write_text(RULES.format(mailboxes=names, **facts), encoding="utf-8")
        configuration, deadline = load_configuration(rules), Deadline.after(_SECONDS)
        window = timedelta(hours=72)
        snapshot = fetch_events(
            configuration, State(), now=now, window=window, deadline=deadline, progress=lambda _text: None
        )
        requests = len(server.paths("/calendarView"))
    return Trouble(requests / count, count - failing - len(snapshot.readings))
