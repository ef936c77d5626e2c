"""Carriers of third parties behind the real command: the example of today, and that of 0.1.0 unchanged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import ROOT, Iodcal
from tests.e2e.test_megaport import ICS, kinds, outcomes
from tests.servers.tls import LocalServer, Reply, Request

TODAY = ROOT / "examples" / "carrier-plugin"
OF_0_1_0 = ROOT / "tests" / "carriers" / "plugin_of_0_1_0"
RULES = """\
version: 1
timezone: UTC
settings: {{state: state/state.json}}
calendars:
  noc: {{ics: noc.ics}}
carriers:
  port: {{type: ratelimit, base_url: "{url}", account: "4711", token: {{env: CARRIER_TOKEN}}}}
circuits:
  den-a: {{carrier: port, service_id: port-1, tiers: [100 Mbps, 500 Mbps], baseline: {{off_peak: 100 Mbps}}}}
rules:
  - {{name: Calls, calendars: [noc], bandwidth: 500 Mbps, circuits: all, lead: 10m}}
"""


class Api:
    """A carrier that sets the rate at once, by PUT or by POST."""

    def __init__(self) -> None:
        self.rate, self.changes = 100, list[str]()

    def answer(self, request: Request) -> Reply:
        if request.path.endswith("/price"):
            return Reply.of({"monthlyRate": 730})
        if request.method != "GET":
            document: Any = json.loads(request.body)
            self.rate = document["rateLimit"]
            self.changes.append(request.method)
        return Reply.of({"rateLimit": self.rate, "provisioningStatus": "LIVE"})


def installed(folder: Path, module: Path) -> Path:
    """A folder in which Python finds `module`'s plug-in, and its entry point."""
    (folder / "site" / "ratelimit-1.0.dist-info").mkdir(parents=True)
    about = folder / "site" / "ratelimit-1.0.dist-info"
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: ratelimit\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[iodcal.carriers]\nratelimit = iodcal_ratelimit:plugin\n")
    text = (module / "iodcal_ratelimit.py").read_text(encoding="utf-8")
    (folder / "site" / "iodcal_ratelimit.py").write_text(text, encoding="utf-8")
    return folder / "site"


@pytest.mark.parametrize(
    ("module", "method", "outcome"),
    [(TODAY, "PUT", "confirmed"), (OF_0_1_0, "POST", "accepted")],
    ids=["today", "0.1.0"],
)
def test_a_plug_in_loads_and_orders(tmp_path: Path, module: Path, method: str, outcome: str) -> None:
    api = Api()
    now = datetime.now(UTC)
    with LocalServer(api.answer) as server:
        iodcal = Iodcal(tmp_path, {"CARRIER_TOKEN": "token-4711"})
        iodcal.write("rules.yaml", RULES.format(url=server.url))
        start, end = now + timedelta(minutes=8), now + timedelta(hours=1)
        iodcal.write("noc.ics", ICS.format(start=start, end=end))
        path = f"{installed(tmp_path, module)}:{ROOT}"
        done = iodcal("sync", "-o", "json", PYTHONPATH=path)
        assert (outcomes(done), kinds(done), api.changes) == ([outcome], set(), [method])
        again = iodcal("sync", "-o", "json", PYTHONPATH=path)
        assert (again.status, outcomes(again), api.changes) == (
            0,
            [] if outcome == "confirmed" else ["confirmed"],
            [method],
        )
