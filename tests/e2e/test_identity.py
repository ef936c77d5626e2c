"""State follows the service, whatever the user calls it (S14)."""

from __future__ import annotations

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.test_sandbox import CALENDAR, Lab

TWO = """\
version: 1
timezone: UTC
settings: {{state: state/state.json, organizers: ["@contoso.example"]}}
calendars: {{local: {{ics: calendar.ics}}}}
carriers: {{lab: {{type: sandbox, file: sandbox.json, provisioning: 2m}}}}
defaults: {{circuit: {{carrier: lab, tiers: [100 Mbps, 1 Gbps], baseline: {{off_peak: 100 Mbps}}}}}}
circuits:
  {one}: {{service_id: "77000000001"}}
  {other}: {{service_id: "77000000002"}}
rules:
  - name: Calls
    calendars: [local]
    match: {{subject: All-Hands}}
    circuits: [{raised}]
    bandwidth: highest
"""


@pytest.fixture
def lab(iodcal: Iodcal) -> Lab:
    made = Lab(iodcal)
    iodcal.write("calendar.ics", CALENDAR)
    iodcal.write("rules.yaml", TWO.format(one="a", other="b", raised="a"))
    return made


def circuit_states(lab: Lab) -> dict[str, tuple[str, int]]:
    """Name and confirmed bandwidth, by service ID."""
    circuits = lab.iodcal.circuit_states.items()
    return {key.rpartition("|")[2]: (one["name"], one["confirmed_mbps"]) for key, one in circuits}


def raised(lab: Lab) -> None:
    lab.sync("12:00")
    lab.sync("12:05")
    assert circuit_states(lab) == {"77000000001": ("a", 1000), "77000000002": ("b", 100)}


def test_a_renamed_circuit_keeps_what_is_known_of_it(lab: Lab) -> None:
    raised(lab)
    lab.iodcal.write("rules.yaml", TWO.format(one="renamed", other="b", raised="renamed"))
    done = lab.sync("12:10")
    assert (done["orders"], done["problems"]) == ([], [])
    assert circuit_states(lab) == {"77000000001": ("renamed", 1000), "77000000002": ("b", 100)}


def test_where_two_circuits_change_their_services_each_service_keeps_its_own(lab: Lab) -> None:
    raised(lab)
    lab.iodcal.write("rules.yaml", TWO.format(one="b", other="a", raised="a"))
    done = lab.sync("12:10")
    assert {order["circuit"]: order["direction"] for order in done["orders"]} == {"a": "up", "b": "down"}
    assert circuit_states(lab) == {"77000000001": ("b", 1000), "77000000002": ("a", 100)}
