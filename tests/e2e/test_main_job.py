"""From a calendar to a bandwidth order, with the real command."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.e2e.conftest import DEN, World
from tests.servers.faults import html, throttled
from tests.servers.graph import event
from tests.servers.lumen import INVENTORY, ORDER, QUOTE, TOKEN


def test_an_event_raises_the_circuit_and_its_end_lowers_it(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    planned = world.iodcal("plan", "-o", "json")
    assert planned.status == 0
    assert world.lumen.calls[ORDER] == world.lumen.calls[QUOTE] == 0
    due = planned.json["circuits"][0]["changes"][0]
    assert (due["due"], due["direction"], due["from_mbps"], due["to_mbps"]) == (True, "up", 100, 1000)
    assert not (world.iodcal.folder / "state").exists()

    ordered = world.iodcal("sync", "-o", "json")
    assert ordered.status == 0, ordered.err
    assert [order["outcome"] for order in ordered.json["orders"]] == ["accepted"]
    assert ordered.json["circuits"][0]["ordered_mbps"] == 1000
    assert ordered.json["circuits"][0]["target_mbps"] == 1000
    assert planned.json["digest"] == ordered.json["digest"]

    quiet = world.iodcal("sync")
    assert (quiet.status, quiet.out, quiet.err) == (0, "", "")
    assert world.lumen.calls[ORDER] == 1

    world.ahead = timedelta(minutes=8)
    confirmed = world.iodcal("sync")
    assert (confirmed.status, confirmed.err) == (0, "")
    assert "den-a: up 100 Mbps to 1 Gbps confirmed" in confirmed.out
    assert world.den.bandwidth == "1000 Mbps"

    (meeting,) = world.graph.mailboxes["events@contoso.example"]
    world.meeting("All-Hands", -90, -15)
    over = world.graph.mailboxes["events@contoso.example"].pop()
    meeting.update(start=over["start"], end=over["end"])  # time has passed: the same event is over
    lowered = world.iodcal("sync", "-o", "json")
    assert [(order["direction"], order["to_mbps"]) for order in lowered.json["orders"]] == [("down", 100)]
    assert world.lumen.calls[ORDER] == 2


def test_an_event_at_risk_is_told_in_the_circuits_own_time(world: World) -> None:
    world.meeting("All-Hands", 3, 60)
    planned = world.iodcal("plan", "-o", "json")
    (problem,) = planned.json["problems"]
    start = planned.json["circuits"][0]["changes"][0]["causes"][0]["start"]
    assert (problem["kind"], start[-1]) == ("event_at_risk", "Z")
    local = datetime.fromisoformat(start).astimezone(ZoneInfo("America/Denver"))
    told = f'for "All-Hands" ({local:%a %d %b %H:%M %Z}): an order cannot be carried out by then'
    assert told in problem["message"]
    assert told in " ".join(world.iodcal("plan").err.split())


def test_requests_are_as_few_as_can_be(world: World) -> None:
    world.meeting("All-Hands", 300, 360)
    assert world.iodcal("sync").status == 0  # the first run reads both circuits
    world.graph.requests.clear()
    world.lumen.calls.clear()

    assert world.iodcal("sync").status == 0
    assert len(world.graph.paths("/calendarView")) == 2
    assert len(world.graph.requests) == 4  # discovery and token beside one page for each mailbox
    assert sum(world.lumen.calls.values()) == 0

    world.meeting("Town Hall", 20, 60)
    world.lumen.calls.clear()
    assert world.iodcal("sync").status == 0
    assert world.lumen.calls == {TOKEN: 1, INVENTORY: 1, QUOTE: 1, ORDER: 1}


def test_the_order_says_who_and_what_but_nothing_of_the_calendar(world: World) -> None:
    world.meeting("All-Hands: secret merger", 20, 60)
    result = world.iodcal("sync", "-o", "json").json
    (order,) = world.den.orders
    assert order["externalId"] == result["orders"][0]["external_id"]
    assert order["productOrderItem"][0]["action"] == "modify"
    assert "merger" not in str(order)
    assert order["note"][0]["text"].startswith("iodcal den-a 100->1000 ")


def test_the_match_may_stand_on_the_last_page(world: World) -> None:
    for number in range(600):
        world.meeting(f"Budget {number}", 60 + number, 90 + number)
    world.meeting("All-Hands", 20, 60)
    result = world.iodcal("sync", "-o", "json").json
    assert [order["to_mbps"] for order in result["orders"]] == [1000]
    assert len(world.graph.paths("/calendarView")) > 3


def test_throttling_is_waited_out(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    world.graph.script("events@contoso.example", [throttled("0"), throttled("0")])
    assert world.iodcal("sync", "-o", "json").json["orders"]


def test_one_calendar_fails_while_another_works(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    world.graph.script("noc@contoso.example", [html(503)] * 4)
    result = world.iodcal("sync", "-o", "json")
    assert result.status == 3
    assert [order["circuit"] for order in result.json["orders"]] == ["den-a"]
    (problem,) = result.json["problems"]
    assert problem["id"] == "calendar_unreadable:noc"


def test_change_pending_means_wait(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    world.den.status = "Change pending"
    held = world.iodcal("sync", "-o", "json").json
    assert held["orders"] == []
    assert held["circuits"][0]["changes"][0]["held"]["reason"] == "pending"
    world.den.status = None
    assert world.iodcal("sync", "-o", "json").json["orders"][0]["outcome"] == "accepted"


def test_a_data_centre_circuit_is_quoted_by_its_partner(world: World) -> None:
    world.meeting("DR Test", 20, 60, mailbox="noc")
    result = world.iodcal("sync", "-o", "json").json
    assert [(order["circuit"], order["to_mbps"]) for order in result["orders"]] == [("lon-a", 500)]


def test_a_stranger_cannot_order(world: World) -> None:
    world.graph.mailboxes["events@contoso.example"].append(
        event(
            "All-Hands",
            world.lumen.now() + timedelta(minutes=20),
            world.lumen.now() + timedelta(minutes=60),
            organizer={"emailAddress": {"name": "Pat Doe", "address": "pat@contoso.example.evil.example"}},
        )
    )
    result = world.iodcal("sync", "-o", "json").json
    assert result["orders"] == []
    assert [problem["kind"] for problem in result["problems"]] == ["event_refused"]


def test_an_unknown_circuit_is_named(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    del world.lumen.circuits[DEN]
    result = world.iodcal("sync", "-o", "json")
    assert result.status == 3
    assert "circuit_unknown:den-a" in [problem["id"] for problem in result.json["problems"]]
