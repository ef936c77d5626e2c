"""From a calendar to a bandwidth order, with the real command."""

from __future__ import annotations

import json
import re
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
    # A change is told once, when it is ordered: this one took no longer than it should.
    assert (confirmed.status, confirmed.out, confirmed.err) == (0, "", "")
    assert world.iodcal("history", "-o", "json").json["entries"][-1]["outcome"] == "confirmed"
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


def test_a_wait_that_runs_out_says_what_is_open_since_when_and_what_comes_next(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    waited = world.iodcal("sync", "--wait", "1s")
    assert waited.status == 3
    assert "still open: den-a: up 100 Mbps to 1 Gbps" in waited.err
    assert ", since " in waited.err
    assert "the next run looks again" in waited.err
    again = world.iodcal("sync", "--wait", "1s", "-o", "json")
    assert again.status == 3
    (still_open,) = again.json["waited_out"]["open"]
    assert (still_open["circuit"], still_open["to_mbps"]) == ("den-a", 1000)
    assert still_open["created_at"]
    assert again.json["waited_out"]["remedy"]


def test_a_timer_that_stopped_is_an_error_in_days(world: World) -> None:
    world.iodcal("sync")
    state = world.iodcal.folder / "state.json"
    (path,) = [*world.iodcal.folder.rglob("state.json")] or [state]
    document = json.loads(path.read_text())
    document["last_run"]["started_at"] = "2026-11-01T00:00:00Z"
    path.write_text(json.dumps(document))
    shown = world.iodcal("status")
    assert shown.status == 3
    assert re.search(r"error: The last run was \d+ days ago, and `every` is 5m", shown.err)
    page = world.iodcal("report", "--html", "-").out
    assert '<li class="error"><b>' in page
    assert world.iodcal("sync").status == 0  # a run is what was missing
    assert world.iodcal("status").status == 0
