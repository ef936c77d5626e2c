"""The real command, killed at any moment of its talk with the servers; and many commands at once."""

from __future__ import annotations

import os
import random
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.e2e.command import Iodcal, Process
from tests.e2e.conftest import World

# Each costs a few starts of the command; IODCAL_KILLS=200 is the long form.
KILLS = int(os.environ.get("IODCAL_KILLS", "12"))
MOMENTS = 20  # a run that orders makes ten requests, each of which arrives and is answered


@pytest.fixture
def swift(world: World) -> World:
    """A carrier that is done at once, and no long wait for lost answers."""
    world.lumen.provisioning = timedelta()
    rules = world.iodcal.folder / "rules.yaml"
    rules.write_text(rules.read_text().replace("  every: 5m\n", "  every: 5m\n  lost_answer_grace: 1s\n"))
    return world


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_and_run_on_there_is_one_order_and_all_is_well(swift: World, number: int) -> None:
    swift.meeting("All-Hands", 20, 60)
    chance = random.Random(number)  # noqa: S311 - the same moments every time
    kill_at(swift, 1 + (number if number < MOMENTS else chance.randrange(MOMENTS)))
    for _ in range(30):
        done = swift.iodcal("sync", "-o", "json")
        assert done.status in (0, 3), done.err
        if done.json["circuits"][0]["observed_mbps"] == 1000 and not done.json["orders"]:
            break
    assert [order["action"] for body in swift.den.orders for order in body["productOrderItem"]] == ["modify"]
    assert (done.status, done.json["circuits"][0]["ordered_mbps"]) == (0, 1000)


def kill_at(world: World, moment: int) -> None:
    """Starts a sync, and kills it as its `moment`th request arrives or is about to be answered."""
    seen, counting = 0, threading.Lock()
    reached, dead = threading.Event(), threading.Event()

    def watch() -> None:
        nonlocal seen
        with counting:
            seen += 1
            mine = seen == moment
        if mine:
            reached.set()
            dead.wait(20)

    world.graph.watch(watch)
    world.lumen.watch(watch)
    process = started(world.iodcal)
    while not reached.wait(0.01) and process.poll() is None:
        pass
    process.kill()
    process.communicate()
    dead.set()
    world.graph.watch(lambda: None)
    world.lumen.watch(lambda: None)


def started(iodcal: Iodcal) -> Process:
    """A run in a Python of its own: what is killed here shares nothing with what started it."""
    return replace(iodcal, forked=False).start("sync")


def test_of_eight_commands_at_once_one_works_and_the_others_say_who(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    arrived, go_on = threading.Event(), threading.Event()

    def watch() -> None:
        arrived.set()
        go_on.wait(20)

    world.graph.watch(watch)
    first = world.iodcal.start("sync", "-o", "json")
    assert arrived.wait(20)
    others = [world.iodcal.start("sync") for _ in range(7)]
    said = [other.communicate(timeout=60)[1] for other in others]
    go_on.set()
    first.communicate(timeout=60)
    assert [other.returncode for other in others] == [75] * 7
    assert all(f"(process {first.pid} on " in text for text in said)
    assert first.returncode == 0
    assert len(world.den.orders) == 1


def test_eight_commands_that_start_together_order_once(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    together = [started(world.iodcal) for _ in range(8)]
    for one in together:
        one.communicate(timeout=60)
    assert {one.returncode for one in together} <= {0, 75}
    assert 0 in {one.returncode for one in together}
    assert len(world.den.orders) == 1
