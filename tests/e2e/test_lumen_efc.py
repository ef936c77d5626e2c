"""Ethernet Fabric Connect from the command line: two products of one account in one rules file."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.conftest import World
from tests.servers.lumen import TOKEN, Fault, after, instead, lost_after
from tests.servers.lumen_efc import CHANGE, OFFERS, READ, EfcServer, FakeConnection, problem
from tests.servers.tls import Reply

ID = "10000000-0000-4000-8000-000000000001"
CARRIER = """\
  fabric:
    type: lumen-efc
    environment: production
    base_url: {lumen}
    customer_number: 1-ABCDE
    client_id: {{env: LUMEN_CLIENT_ID}}
    client_secret: {{env: LUMEN_CLIENT_SECRET}}
defaults:
"""
CIRCUIT = """\
  omaha: {{carrier: fabric, service_id: "{id}"{limit}}}
rules:
  - name: All hands over the fabric
    calendars: [company]
    match: {{subject: All-Hands}}
    circuits: [omaha]
    bandwidth: highest
"""


@pytest.fixture
def fabric(world: World) -> EfcServer:
    server = EfcServer(world.lumen)
    server.connections[ID] = FakeConnection()
    write_rules(world)
    return server


def write_rules(world: World, limit: str = "") -> None:
    path = world.iodcal.folder / "rules.yaml"
    rules = path.read_text()
    rules = rules.replace("defaults:\n", CARRIER.format(lumen=world.lumen.base_url), 1)
    path.write_text(rules.replace("rules:\n", CIRCUIT.format(id=ID, limit=limit), 1))


def sync(world: World) -> Any:
    return world.iodcal("sync", "-o", "json").json


def orders(result: Any) -> list[tuple[str, str, int, str]]:
    listed = ((one["circuit"], one["direction"], one["to_mbps"], one["outcome"]) for one in result["orders"])
    return sorted(listed)


def kinds(result: Any) -> list[str]:
    return sorted({problem["kind"] for problem in result["problems"]} - {"event_at_risk", "event_late"})


def test_two_products_of_one_account_are_raised_with_one_login(world: World, fabric: EfcServer) -> None:
    world.meeting("All-Hands", 25, 60)
    first = sync(world)
    assert orders(first) == [("den-a", "up", 1000, "accepted"), ("omaha", "up", 1000, "accepted")]
    assert (first["exit"], world.lumen.calls[TOKEN]) == (0, 1)
    assert fabric.connections[ID].changes == [1000]
    (sent,) = [one for one in fabric.requests if one.method == "PATCH"]
    assert json.loads(sent.body) == {"bandwidth": 1000}
    world.ahead = timedelta(minutes=8)
    second = sync(world)
    assert ("omaha", "up", 1000, "confirmed") in orders(second)


def test_an_event_that_is_over_brings_it_back(world: World, fabric: EfcServer) -> None:
    fabric.provisioning = timedelta()
    world.meeting("All-Hands", 5, 60)
    assert ("omaha", "up", 1000, "confirmed") in orders(sync(world)) + orders(sync(world))
    world.graph.mailboxes["events@contoso.example"].clear()
    world.meeting("Something else", 5, 60)
    for _ in range(3):
        sync(world)
    assert fabric.connections[ID].changes == [1000, 100]
    assert fabric.connections[ID].bandwidth == 100


def test_a_refusal_is_told_in_lumens_words(world: World, fabric: EfcServer) -> None:
    odd = problem(422, "Unprocessable", "Not on this port", errors=[7, {"detail": ["x"]}], instance=None)
    fabric.script(CHANGE, instead(odd))
    world.meeting("All-Hands", 25, 60)
    done = sync(world)
    assert ("omaha", "up", 1000, "refused") in orders(done)
    assert done["exit"] == 3
    assert "Unprocessable: Not on this port" in json.dumps(done["problems"])


def test_a_change_of_somebody_else_is_waited_for(world: World, fabric: EfcServer) -> None:
    fabric.connections[ID].state = "updating"
    world.meeting("All-Hands", 25, 60)
    assert [one for one in orders(sync(world)) if one[0] == "omaha"] == []
    fabric.connections[ID].state = "active"
    assert ("omaha", "up", 1000, "accepted") in orders(sync(world))


@pytest.mark.parametrize(
    "fault", [lost_after, after(Reply.of({"data": []}, 207)), after(problem(503, "Busy"))]
)
def test_a_lost_answer_is_found_by_reading(world: World, fabric: EfcServer, fault: Fault) -> None:
    fabric.script(CHANGE, fault)
    world.meeting("All-Hands", 25, 60)
    assert ("omaha", "up", 1000, "unknown") in orders(sync(world))
    world.ahead = timedelta(minutes=8)
    assert ("omaha", "up", 1000, "confirmed") in orders(sync(world))
    assert fabric.connections[ID].changes == [1000]


def test_a_price_above_the_limit_orders_nothing(world: World, fabric: EfcServer) -> None:
    rules = world.iodcal.folder / "rules.yaml"
    rules.write_text(rules.read_text().replace(f'"{ID}"', f'"{ID}", max_price_per_hour: 5.00', 1))
    world.meeting("All-Hands", 25, 60)
    done = sync(world)
    assert [one for one in orders(done) if one[0] == "omaha"] == []
    assert fabric.calls[CHANGE] == 0
    (omaha,) = [one for one in done["circuits"] if one["name"] == "omaha"]
    assert omaha["changes"][0]["held"]["reason"] == "price"


@pytest.mark.parametrize(
    ("call", "answer", "words"),
    [
        (READ, {"connection_id": ID, "state": "active", "type": "port.port"}, "bandwidth in the reading of"),
        (READ, {"connection_id": ID, "type": "port.port", "bandwidth": 100}, "state in the reading of"),
        (OFFERS, [{"bandwidth": 1000, "options": {}}], "options in the list[0] in the bandwidths of"),
    ],
)
def test_nonsense_orders_nothing_and_says_which_field_of_which_answer(
    world: World, fabric: EfcServer, call: str, answer: object, words: str
) -> None:
    fabric.script(call, *[instead(Reply.of(answer))] * 4)
    world.meeting("All-Hands", 25, 60)
    done = sync(world)
    assert (done["exit"], fabric.calls[CHANGE]) == (3, 0)
    assert words in json.dumps(done["problems"])


def test_doctor_says_what_scheduling_will_not_save(world: World, fabric: EfcServer) -> None:
    fabric.connections[ID].term = "Monthly"
    examined = world.iodcal("doctor")
    assert "raising and lowering it saves nothing" in examined.out
    assert "every tier is for sale" in examined.out
    assert fabric.calls[CHANGE] == 0


def test_doctor_asks_for_the_price_of_each_tier(world: World, fabric: EfcServer) -> None:
    def told(code: str) -> list[str]:
        done = world.iodcal("doctor", "-o", "json")
        mine = [one for one in done.json["findings"] if (one["where"], one["code"]) == ("omaha", code)]
        return [one["message"] for one in mine]

    (quoted,) = told("tiers_quoted")
    assert quoted == (
        "gives a quote: 1 Gbps at 12.50 USD an hour, 500 Mbps at 6.25 USD an hour, "
        "100 Mbps at 1.25 USD an hour"
    )
    fabric.script(
        OFFERS, instead(Reply.of([])), *[instead(Reply.of([{"bandwidth": 1000, "options": 7}]))] * 9
    )
    assert told("answer_wrong") == [
        "no quote for 1 Gbps, 500 Mbps, 100 Mbps: the answer makes no sense: options in the list[0] in "
        f"the bandwidths of {ID}: a number, where a list is wanted"
    ]
    fabric._faults.clear()
    fabric.connections[ID].kind = "port.aws"
    (fixed,) = told("bandwidth_fixed")
    assert fixed.startswith("no quote for 1 Gbps, 500 Mbps, 100 Mbps: the bandwidth of")
    assert fabric.calls[CHANGE] == 0
