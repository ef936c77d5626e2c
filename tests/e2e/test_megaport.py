"""Megaport behind the real command: what is done at once is confirmed in the same run, and what else it
says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Done, Iodcal
from tests.servers.lumen import instead, lost_before
from tests.servers.megaport import CHANGE, READ, SECRET, MegaportServer, Vxc
from tests.servers.tls import Reply

ID = "11111111-0000-4000-8000-000000000001"
RULES = """\
version: 1
timezone: UTC
calendars:
  noc: {{ics: noc.ics}}
carriers:
  mp:
    type: megaport
    environment: {environment}
    base_url: {api}
    token_url: {login}
    client_id: {{env: MEGAPORT_KEY}}
    client_secret: {{env: MEGAPORT_SECRET}}
    {more}
circuits:
  den-a:
    carrier: mp
    service_id: {id}
    tiers: [100 Mbps, 500 Mbps]
    baseline: {{off_peak: 100 Mbps}}
rules:
  - {{name: Calls, calendars: [noc], bandwidth: 500 Mbps, circuits: all, lead: 10m}}
"""
ICS = """\
BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//test//EN\r
BEGIN:VEVENT\r
UID:1\r
DTSTAMP:20260101T000000Z\r
DTSTART:{start:%Y%m%dT%H%M%SZ}\r
DTEND:{end:%Y%m%dT%H%M%SZ}\r
SUMMARY:Call\r
END:VEVENT\r
END:VCALENDAR\r
"""


class Site:
    """A company at Megaport, with one circuit and a call that begins in a minute."""

    def __init__(self, server: MegaportServer, folder: Path) -> None:
        self.server = server
        self.vxc = server.circuits[ID] = Vxc()
        secrets = {"MEGAPORT_KEY": server.key, "MEGAPORT_SECRET": SECRET}
        self.iodcal = Iodcal(folder, {"IODCAL_STATE": str(folder / "state.json"), **secrets})
        now = datetime.now(UTC)
        start, end = now + timedelta(minutes=1), now + timedelta(hours=1)
        self.iodcal.write("noc.ics", ICS.format(start=start, end=end))
        self.configure()

    def configure(self, more: str = "") -> None:
        environment = "staging" if self.server.staging else "production"
        text = RULES.format(
            environment=environment, api=self.server.base_url, login=self.server.token_url, id=ID, more=more
        )
        self.iodcal.write("rules.yaml", text)

    def sync(self) -> Done:
        return self.iodcal("sync", "-o", "json")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with MegaportServer() as server:
        yield Site(server, tmp_path)


def kinds(done: Done) -> set[str]:
    return {problem["kind"] for problem in done.json["problems"]}


def outcomes(done: Done) -> list[str]:
    return [order["outcome"] for order in done.json["orders"]]


def held(done: Done) -> list[Any]:
    (circuit,) = done.json["circuits"]
    return [change["held"]["reason"] for change in circuit["changes"] if change["due"] and change["held"]]


def test_a_raise_a_minute_before_its_event_is_confirmed_in_the_same_run(site: Site) -> None:
    done = site.sync()
    assert (done.status, outcomes(done), kinds(done)) == (0, ["confirmed"], set())
    assert site.vxc.changes == [500]
    again = site.sync()
    assert (again.status, outcomes(again), site.vxc.changes) == (0, [], [500])


def test_an_approval_is_told_and_the_event_is_at_risk(site: Site) -> None:
    site.vxc.provider = True
    done = site.sync()
    assert done.status == 3
    assert {"approval", "event_at_risk"} <= kinds(done)
    assert "waits for Waiting for the provider" in site.iodcal("sync", "-v").err


def test_after_a_lost_answer_the_next_run_sets_the_value_again(site: Site) -> None:
    site.server.script(CHANGE, lost_before)
    site.server.min_gap = None
    site.configure("changes_per_circuit: []")
    assert outcomes(site.sync()) == ["unknown"]
    done = site.sync()
    assert outcomes(done) == ["lost", "confirmed"]
    assert (done.status, site.vxc.changes) == (0, [500])


def test_the_circuits_own_limit_is_kept_without_asking(site: Site) -> None:
    site.server.script(CHANGE, lost_before)
    site.sync()
    done = site.sync()
    assert held(done) == ["not_now"]
    assert site.server.calls[CHANGE] == 1
    (change,) = [change for change in done.json["circuits"][0]["changes"] if change["due"]]
    assert change["held"]["until"] is not None


def test_nonsense_orders_nothing_and_names_its_field(site: Site) -> None:
    site.server.script(READ, *[instead(Reply.of({"data": {"productType": 7}}))] * 4)
    done = site.sync()
    assert (done.status, site.server.calls[CHANGE]) == (3, 0)
    site.server.script(READ, *[instead(Reply.of({"data": {"productType": 7}}))] * 4)
    assert "productType in data in the reading of 11111111" in site.iodcal("sync", "-v").err


@pytest.mark.parametrize(
    ("limits", "fault"),
    [
        ("[1 in 5m, 2 in 5m]", "1 in 5m and 2 in 5m limit the same period"),
        ("[100 a month, 200 in 1h]", "200 in 1h can never be used up"),
        ("[often]", "'often' is not a limit such as 1 in 5m"),
    ],
)
def test_limits_that_contradict_each_other_are_an_error_with_its_line(
    site: Site, limits: str, fault: str
) -> None:
    site.configure(f"changes_per_circuit: {limits}")
    done = site.iodcal("check")
    assert done.status == 78
    assert "rules.yaml:13: carriers.mp.changes_per_circuit" in done.err
    assert fault in done.err


def test_doctor_tells_terms_and_staging(tmp_path: Path) -> None:
    with MegaportServer(staging=True) as server:
        site = Site(server, tmp_path)
        site.vxc.internet, site.vxc.term = True, 12
        done = site.iodcal("doctor", "-o", "json")
        told = [one for one in done.json["findings"] if one["code"] == "carrier_warns"]
        assert [one["light"] for one in told] == ["yellow", "yellow"]
        assert "STAGING" in told[0]["message"]
        assert "Megaport changes no rate on a term" in told[1]["message"]
        assert site.iodcal("plan").out.startswith("TEST")


def test_doctor_asks_nothing_that_changes_something(site: Site) -> None:
    site.iodcal("doctor")
    assert site.server.calls[CHANGE] == 0


def test_a_lead_need_not_outlast_the_grace_of_a_lost_answer_where_a_value_is_set(site: Site) -> None:
    said = " ".join(site.iodcal("check").err.split())
    assert "a lead of 10m is shorter than 12m (every + every + provisioning)" in said
