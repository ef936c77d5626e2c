"""Signals around an order, and peers that never come to an end: a run ends, and what it did is recorded."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.conftest import LON, World
from tests.http.drips import DRIPS
from tests.servers.faults import instead as microsoft
from tests.servers.graph import TOKEN as LOGIN
from tests.servers.lumen import INVENTORY, ORDER, QUOTE, TOKEN, LumenServer, instead
from tests.servers.tls import LocalServer, Reply

EVENTS = "events@contoso.example"


class Held:
    """An order's answer that waits: `arrived` counts orders, `go` lets the answers leave."""

    def __init__(self) -> None:
        self.arrived, self.go = threading.Semaphore(0), threading.Event()

    def __call__(self, answer: Callable[[], Reply]) -> Reply:
        self.arrived.release()
        self.go.wait(60)
        return answer()


@pytest.fixture
def accounts(world: World) -> Iterator[list[LumenServer]]:
    """The world with its second circuit in an account of its own, and an event for both."""
    with LumenServer() as second:
        second.circuits[LON] = world.lumen.circuits.pop(LON)
        rules = (world.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
        carrier = rules[rules.index("  lumen:\n") : rules.index("defaults:\n")]
        other = carrier.replace("  lumen:\n", "  second:\n").replace(world.lumen.base_url, second.base_url)
        rules = rules.replace("defaults:\n", f"{other}defaults:\n")
        rules = rules.replace("lon-a: {site: lon,", "lon-a: {site: lon, carrier: second,")
        world.iodcal.write("rules.yaml", rules.replace("circuits: [den-a]", "circuits: all"))
        yield [world.lumen, second]


def outcomes(world: World) -> set[tuple[str, str]]:
    """Of each order the outcome in the state and the last one in the history."""
    told = {line["order"]["id"]: line["order"]["outcome"] for line in lines(world)}
    kept = [
        order
        for circuit_state in world.iodcal.circuit_states.values()
        if (order := circuit_state.get("order"))
    ]
    return {(order["outcome"], told[order["id"]]) for order in kept}


def lines(world: World) -> list[dict[str, dict[str, str]]]:
    return [line for line in world.iodcal.history if line["kind"] == "order"]


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGTERM, signal.SIGTERM]])
def test_a_signal_waits_for_the_answer_of_an_order(world: World, signals: list[signal.Signals]) -> None:
    world.meeting("All-Hands", 20, 60)
    held = Held()
    world.lumen.script(ORDER, held)
    process = world.iodcal.start("sync")
    assert held.arrived.acquire(timeout=60)
    for number in signals:
        process.send_signal(number)
    held.go.set()
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert outcomes(world) == {("accepted", "accepted")}
    world.iodcal("sync")
    assert len(world.den.orders) == 1


def test_a_signal_waits_for_the_answers_of_several_accounts(
    world: World, accounts: list[LumenServer]
) -> None:
    world.meeting("All-Hands", 20, 60)
    held = Held()
    for server in accounts:
        server.script(ORDER, held)
    process = world.iodcal.start("sync")
    assert held.arrived.acquire(timeout=60)
    assert held.arrived.acquire(timeout=60)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    held.go.set()
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert outcomes(world) == {("accepted", "accepted")}
    assert len(lines(world)) == 4
    assert [len(circuit.orders) for server in accounts for circuit in server.circuits.values()] == [1, 1]


@pytest.mark.parametrize("name", ["trailer", "gzip header"])
def test_a_signal_ends_a_run_whose_order_is_never_answered(world: World, name: str) -> None:
    world.meeting("All-Hands", 20, 60)
    arrived = threading.Event()

    def fault(_answer: Callable[[], Reply]) -> Reply:
        arrived.set()
        return Reply(drip=DRIPS[name])

    world.lumen.script(ORDER, fault)
    process = world.iodcal.start("sync")
    assert arrived.wait(60)
    process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - begun < 20, "eight seconds for the answer, and what a slow machine adds"
    assert outcomes(world) == {("unknown", "unknown")}


def test_a_signal_lets_no_quote_and_no_order_begin(world: World, accounts: list[LumenServer]) -> None:
    world.meeting("All-Hands", 20, 60)
    held = Held()
    accounts[0].script(QUOTE, held)
    accounts[1].script(QUOTE, held)
    process = world.iodcal.start("sync")
    assert held.arrived.acquire(timeout=60)
    assert held.arrived.acquire(timeout=60)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    held.go.set()
    assert process.returncode == 130
    assert [server.calls[ORDER] for server in accounts] == [0, 0]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (EVENTS, "chunk extension"),
        (LOGIN, "trailer"),
        (TOKEN, "gzip header"),
        (INVENTORY, "trailer"),
        (QUOTE, "chunk extension"),
        (ORDER, "chunk extension"),
        (ORDER, "100-continue"),
    ],
)
def test_a_run_ends_in_its_time_whatever_never_ends(world: World, call: str, name: str) -> None:
    rules = (world.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
    world.iodcal.write("rules.yaml", rules.replace("every: 5m", "every: 4s"))
    world.meeting("All-Hands", 20, 60)
    drip = Reply(drip=DRIPS[name])
    if call in (EVENTS, LOGIN):
        world.graph.script(call, [microsoft(drip)] * 9)
    else:
        world.lumen.script(call, *[instead(drip)] * 9)
    begun = time.monotonic()
    done = world.iodcal("sync", "-o", "json")
    assert time.monotonic() - begun < 30, "3.8 seconds, and what a slow machine adds"
    assert done.status == 3, done.err
    if call == ORDER:
        assert outcomes(world) == {("unknown", "unknown")}
    else:
        assert done.json["orders"] == [] or call == EVENTS


@pytest.mark.parametrize("name", ["chunk extension", "trailer", "gzip header", "nothing"])
def test_a_published_calendar_that_never_ends_costs_no_other_one(world: World, name: str) -> None:
    """Its neighbour's event is served, and the next run finds the lock free."""
    world.meeting("All-Hands", 20, 60)
    with LocalServer(lambda _: Reply(drip=DRIPS[name])) as server:
        rules = (world.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
        rules = rules.replace("every: 5m", "every: 6s")
        rules = rules.replace("{mailbox: noc@contoso.example}", "{ics: {env: CALENDAR}}")
        world.iodcal.write("rules.yaml", rules)
        begun = time.monotonic()
        done = world.iodcal("sync", "-o", "json", CALENDAR=f"{server.url}/noc.ics")
        assert time.monotonic() - begun < 30, "5.7 seconds, and what a slow machine adds"
    assert (done.status, len(world.den.orders)) == (3, 1), done.err
    assert [one["kind"] for one in done.json["problems"]] == ["calendar_unreadable"]
    assert world.iodcal("status").status != 75
    assert world.iodcal("sync", CALENDAR=f"{server.url}/noc.ics").status == 3  # nobody listens there now


@pytest.mark.parametrize("way", ["webhook", "teams", "apprise", "ping"])
def test_a_receiver_of_notices_that_never_ends_holds_no_run(world: World, way: str) -> None:
    world.meeting("All-Hands", 20, 60)
    with LocalServer(lambda _: Reply(drip=DRIPS["trailer"])) as server:
        rules = (world.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
        rules = rules.replace("every: 5m", "every: 6s") + f"notify:\n  noc: {{{way}: {{env: HOOK}}}}\n"
        world.iodcal.write("rules.yaml", rules)
        address = server.url if way != "apprise" else server.url.replace("http://", "json://")
        begun = time.monotonic()
        done = world.iodcal("sync", "-o", "json", HOOK=address)
        assert server.connections
        assert time.monotonic() - begun < 30, "5.7 seconds, and what a slow machine adds"
    assert (done.status, len(world.den.orders)) == (0, 1), done.err


def test_a_child_that_goes_on_does_not_hold_the_lock(world: World) -> None:
    """A secret's command may leave a process behind, such as an agent."""
    child = world.iodcal.folder / "child"
    world.iodcal.write(
        "secret.sh", f"sleep 60 >/dev/null 2>&1 </dev/null & echo $! >{child}; printenv IODCAL_CLIENT_SECRET"
    )
    rules = (world.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
    world.iodcal.write(
        "rules.yaml", rules.replace("{env: IODCAL_CLIENT_SECRET}", '{command: "sh secret.sh"}')
    ).chmod(0o600)
    try:
        assert world.iodcal("sync").status == 0
        os.kill(int(child.read_text()), 0)  # it is still there
        assert world.iodcal("sync").status == 0
    finally:
        os.kill(int(child.read_text()), signal.SIGKILL)
