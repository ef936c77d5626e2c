"""Circuits are named by name or pattern, as often as wanted, wherever one may be named."""

from __future__ import annotations

import pytest

from iodcal.commands.requests import select_circuits
from iodcal.errors import UsageError
from tests.e2e.command import Iodcal
from tests.e2e.test_sandbox import CALENDAR

RULES = """\
version: 1
timezone: UTC
settings: {state: state/state.json}
calendars: {local: {ics: calendar.ics}}
carriers: {lab: {type: sandbox, file: sandbox.json, provisioning: 2m}}
defaults: {circuit: {carrier: lab, tiers: [100 Mbps, 1 Gbps], baseline: {off_peak: 100 Mbps}}}
circuits:
  den-a: {service_id: "1"}
  lon-a: {service_id: "2"}
  lon-b: {service_id: "3"}
rules:
  - {name: Calls, calendars: [local], match: {subject: All-Hands}, circuits: all, bandwidth: highest}
"""
AT = ("--now", "2026-11-24T12:00:00Z")


@pytest.fixture
def fleet(iodcal: Iodcal) -> Iodcal:
    iodcal.write("rules.yaml", RULES)
    iodcal.write("calendar.ics", CALENDAR)
    return iodcal


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ([], ()),
        (["lon-b"], ("lon-b",)),
        (["lon-b", "den-a"], ("den-a", "lon-b")),
        (["lon-*"], ("lon-a", "lon-b")),
        (["*-a", "lon-a"], ("den-a", "lon-a")),
        (["lon-[b]"], ("lon-b",)),
    ],
)
def test_names_and_patterns(given: list[str], chosen: tuple[str, ...]) -> None:
    assert select_circuits(["den-a", "lon-a", "lon-b"], given) == chosen


@pytest.mark.parametrize("given", [["par-*"], ["den-a", "lon-c"], ["LON-*"]])
def test_a_name_or_pattern_that_fits_none_is_refused(given: list[str]) -> None:
    with pytest.raises(UsageError):
        select_circuits(["den-a", "lon-a"], given)


@pytest.mark.parametrize(
    ("command", "key"),
    [
        ("sync --now 2026-11-24T12:00:00Z", "circuits"),
        ("plan --now 2026-11-24T12:00:00Z", "circuits"),
        ("status", "circuits"),
    ],
)
def test_an_option_that_is_given_twice_counts_twice(fleet: Iodcal, command: str, key: str) -> None:
    done = fleet(*command.split(), "--circuit", "den-a", "--circuit", "*-b", "-o", "json")
    assert [circuit["name"] for circuit in done.json[key]] == ["den-a", "lon-b"]


def test_a_sync_of_some_orders_for_those_alone(fleet: Iodcal) -> None:
    fleet("sync", "--now", "2026-11-24T11:00:00Z")
    done = fleet("sync", *AT, "--circuit", "lon-*", "-o", "json")
    assert [order["circuit"] for order in done.json["orders"]] == ["lon-a", "lon-b"]


def test_looking_back_takes_several_too(fleet: Iodcal) -> None:
    for time in ("11:00", "12:00", "12:05"):
        fleet("sync", "--now", f"2026-11-24T{time}:00Z")
    asked = ("--circuit", "den-a", "--circuit", "lon-a", "-o", "json")
    entries = fleet("history", *asked).json["entries"]
    assert {entry["circuit"] for entry in entries} == {"den-a", "lon-a"}
    report = fleet("report", "--now", "2026-11-24T12:10:00Z", *asked).json
    assert [circuit["name"] for circuit in report["circuits"]] == ["den-a", "lon-a"]
    explained = fleet("explain", "den-a", "lon-b", *AT, "-o", "json").json
    assert [circuit["name"] for circuit in explained["circuits"]] == ["den-a", "lon-b"]


def test_holds_and_pauses_take_several_names(fleet: Iodcal) -> None:
    held = fleet("hold", "den-a", "lon-*", "1", "Gbps", "--for", "2h", *AT)
    assert (held.status, held.out.count("is held at 1 Gbps or more")) == (0, 3)
    assert held.out.count("The next run acts on it") == 1
    released = fleet("release", "lon-*", *AT, "-o", "json").json
    assert [(act["circuit"], act["changed"]) for act in released["acts"]] == [
        ("lon-a", True),
        ("lon-b", True),
    ]
    assert (released["circuit"], released["changed"], released["hold"]) == (None, True, None)
    assert fleet("pause", "den-a", "lon-b", "--for", "1h", *AT).out.count("is paused") == 2
    assert fleet("resume", "den-a", "lon-*", *AT).out.count("no longer paused") == 2


def test_of_several_holds_all_count_or_none(fleet: Iodcal) -> None:
    refused = fleet("hold", "den-a", "lon-a", "2Gbps", "--for", "2h", *AT)
    assert refused.status == 2
    assert "hold" not in fleet("history", "--all").out.split("\n", 1)[1]


def test_a_hold_may_be_booked_ahead_and_is_up_by_then(fleet: Iodcal) -> None:
    booked = fleet("hold", "den-a", "1Gbps", "--from", "18:00", "--until", "20:00", *AT)
    assert "held at 1 Gbps or more from Tue 24 Nov 2026 17:58 UTC until Tue 24 Nov" in booked.out
    plan = fleet("plan", "--circuit", "den-a", "--now", "2026-11-24T14:00:00Z", "-o", "json").json
    ((up, *_),) = [circuit["changes"] for circuit in plan["circuits"]]
    assert (up["at"], up["to_mbps"], up["causes"][0]["kind"]) == ("2026-11-24T17:58:00Z", 1000, "hold")
    assert fleet("hold", "den-a", "1Gbps", "--from", "09:00", "--until", "20:00", *AT).status == 2


def test_the_page_for_people_on_call_is_named_in_the_help_and_on_the_page(fleet: Iodcal) -> None:
    fleet.write(
        "rules.yaml", RULES.replace("state/state.json}", "state/state.json, runbook: 'https://w.example/x'}")
    )
    assert "Runbook: https://w.example/x" in fleet("--help").out
    assert '<a href="https://w.example/x">' in fleet("report", "--html", "-").out
    fleet.write(
        "rules.yaml", RULES.replace("state/state.json}", "state/state.json, runbook: 'javascript:x'}")
    )
    assert fleet("check").status == 78


def test_what_is_held_back_is_not_due_for_the_exit_status(fleet: Iodcal) -> None:
    asked = ("plan", *AT, "--detailed-exitcode")
    assert fleet(*asked).status == 4
    fleet.write("rules.yaml", RULES.replace("state/state.json}", "state/state.json, orders: none}"))
    assert fleet(*asked).status == 0
