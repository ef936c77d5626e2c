"""A run never lives longer than 0.95 x `every`, whichever of its peers does not answer, and for how long."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.conftest import World
from tests.e2e.test_isolation import plug_in
from tests.http.drips import DRIPS
from tests.servers.faults import instead as microsoft
from tests.servers.graph import DISCOVERY
from tests.servers.graph import TOKEN as LOGIN
from tests.servers.lumen import INVENTORY, ORDER, QUOTE, TOKEN, instead
from tests.servers.tls import LocalServer, Reply

EVERY = 10  # seconds: what a loaded machine needs to start a run is small beside it
BOUND = 60.0  # seconds: no peer below ever answers, so that any run that ends by itself ends long before
SILENCE = Reply(drip=DRIPS["nothing"])
NOBODY = "noc@contoso.example"


def silent_graph(key: str) -> Callable[[World, ExitStack], None]:
    return lambda world, _: world.graph.script(key, [microsoft(SILENCE)] * 99)


def silent_carrier(call: str) -> Callable[[World, ExitStack], None]:
    return lambda world, _: world.lumen.script(call, *[instead(SILENCE)] * 99)


def change(world: World, before: str, after: str) -> None:
    rules = world.iodcal.folder / "rules.yaml"
    text = rules.read_text(encoding="utf-8")
    assert before in text
    rules.write_text(text.replace(before, after, 1), encoding="utf-8")


def named_calendar(world: World, _: ExitStack) -> None:
    """The list of a mailbox's calendars, by which one is found by its name."""
    change(world, f"{{mailbox: {NOBODY}}}", f"{{mailbox: {NOBODY}, calendar: Ops}}")
    world.graph.script(f"calendars:{NOBODY}", [microsoft(SILENCE)] * 99)


def published_calendar(world: World, stack: ExitStack) -> None:
    server = stack.enter_context(LocalServer(lambda _: SILENCE))
    change(world, f"{{mailbox: {NOBODY}}}", "{ics: {env: PLACE}}")
    world.iodcal.environment["PLACE"] = f"{server.url}/calendar.ics"


def receiver(way: str) -> Callable[[World, ExitStack], None]:
    def prepare(world: World, stack: ExitStack) -> None:
        server = stack.enter_context(LocalServer(lambda _: SILENCE))
        change(world, "calendars:\n", f"notify:\n  noc: {{{way}: {{env: HOOK}}}}\ncalendars:\n")
        address = server.url.replace("http://", "json://") if way == "apprise" else server.url
        world.iodcal.environment["HOOK"] = address

    return prepare


def fifo(before: str, after: str) -> Callable[[World, ExitStack], None]:
    """In place of a file: nobody writes to it, and nobody reads it."""

    def prepare(world: World, _: ExitStack) -> None:
        os.mkfifo(world.iodcal.folder / "fifo", 0o600)
        change(world, before, after)

    return prepare


def secret_command(world: World, _: ExitStack) -> None:
    change(world, "{env: LUMEN_CLIENT_SECRET}", "{command: sleep 600}")
    (world.iodcal.folder / "rules.yaml").chmod(0o600)


# What hangs, what the run ends with, and whether the event's circuit is served all the same.
PEERS = {
    "login": (silent_graph(LOGIN), 3, False),
    "login's discovery": (silent_graph(DISCOVERY), 3, False),
    "list of calendars": (named_calendar, 3, True),
    "another mailbox": (silent_graph(NOBODY), 3, True),
    "the mailbox": (silent_graph("events@contoso.example"), 3, False),
    "published calendar": (published_calendar, 3, True),
    "calendar on a FIFO": (fifo(f"{{mailbox: {NOBODY}}}", "{ics: fifo}"), 3, True),
    "carrier's token": (silent_carrier(TOKEN), 3, False),
    "inventory": (silent_carrier(INVENTORY), 3, False),
    "quote": (silent_carrier(QUOTE), 3, False),
    "order": (silent_carrier(ORDER), 3, False),
    "webhook": (receiver("webhook"), 0, True),
    "Teams": (receiver("teams"), 0, True),
    "Apprise": (receiver("apprise"), 0, True),
    "ping": (receiver("ping"), 0, True),
    "metrics on a FIFO": (fifo("settings:\n", "settings:\n  metrics_file: fifo\n"), 0, True),
    "feed on a FIFO": (fifo("settings:\n", "settings:\n  feed_file: fifo\n"), 0, True),
    "carrier's secret on a FIFO": (fifo("{env: LUMEN_CLIENT_SECRET}", "{file: fifo}"), 3, False),
    "Microsoft's secret on a FIFO": (fifo("{env: IODCAL_CLIENT_SECRET}", "{file: fifo}"), 3, False),
    "receiver's secret on a FIFO": (
        fifo("calendars:\n", "notify: {noc: {webhook: {file: fifo}}}\ncalendars:\n"),
        0,
        True,
    ),
    "secret's command": (secret_command, 3, False),
}


def run_to_its_end(iodcal: Iodcal, **more: str) -> tuple[int, str]:
    """The exit status of a `sync` that nobody ends, and what it said on stderr."""
    process = iodcal.start("sync", "-o", "json", **more)
    try:
        _, err = process.communicate(timeout=BOUND)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert process.returncode is not None
    return process.returncode, err


@pytest.mark.parametrize("peer", PEERS)
def test_a_run_ends_in_its_time_whoever_never_answers(world: World, peer: str) -> None:
    prepare, status, served = PEERS[peer]
    change(world, "every: 5m", f"every: {EVERY}s")
    world.meeting("All-Hands", 20, 60)
    with ExitStack() as stack:
        prepare(world, stack)
        ended, err = run_to_its_end(world.iodcal)
    assert ended == status, err
    assert len(world.den.orders) == served, err
    assert world.iodcal("status").status != 75, "the lock is free"


@pytest.mark.parametrize("place", ["read", "quote", "order", "events", "sources", "virtual"])
def test_a_run_ends_in_its_time_though_a_plug_in_hangs(iodcal: Iodcal, tmp_path: Path, place: str) -> None:
    plugged = plug_in(iodcal, tmp_path)
    ended, err = run_to_its_end(plugged, PLACE=place, HOW="hangs")
    assert ended in (0, 3), err  # an order without an answer is examined before it is a problem
    orders = {
        line["order"]["circuit"]: line["order"]["outcome"]
        for line in plugged.history
        if line["kind"] == "order"
    }
    assert orders["b"] == "accepted"


@pytest.mark.parametrize("reference", ["LUMEN_CLIENT_SECRET", "IODCAL_CLIENT_SECRET"])
def test_a_secret_may_come_through_a_pipe(world: World, reference: str) -> None:
    """As password managers offer them."""
    os.mkfifo(world.iodcal.folder / "fifo", 0o600)
    change(world, f"{{env: {reference}}}", "{file: fifo}")
    secret = world.iodcal.environment.pop(reference)
    process = world.iodcal.start("sync", "-o", "json")
    (world.iodcal.folder / "fifo").write_text(secret)
    _, err = process.communicate(timeout=BOUND)
    assert process.returncode == 0, err
