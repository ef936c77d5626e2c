"""The real command on several hosts that share a state: killed, stopped, cut off, and all at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from tests.e2e.command import Iodcal, Process
from tests.e2e.conftest import World
from tests.servers.object_stores import BAD, GOOD, SEAWEEDFS, StoreKind
from tests.servers.store_proxy import Loss
from tests.servers.tls import Reply
from tests.shared.conftest import Hosts, Prefix

# IODCAL_STORE_KILLS=200 IODCAL_STORE_STOPS=100 IODCAL_STORE_ROUNDS=20 is the long form.
KILLS = int(os.environ.get("IODCAL_STORE_KILLS", "6"))
STOPS = int(os.environ.get("IODCAL_STORE_STOPS", "4"))
ROUNDS = int(os.environ.get("IODCAL_STORE_ROUNDS", "1"))
# An ordering run's requests to the store and the carrier, each of which arrives and is answered.
MOMENTS = 40
# The relations are the usual ones: a claim ends within `every`, and what was lost is sent again after it.
QUICK = "  every: 16s\n  lost_answer_grace: 17s\n"


@pytest.fixture
def swift(hosts: Hosts) -> Hosts:
    """Hosts on moto at thirty times the usual pace, and a carrier that is done at once."""
    rules = hosts.world.iodcal.folder / "rules.yaml"
    rules.write_text(rules.read_text().replace("  every: 5m\n", QUICK))
    hosts.world.lumen.provisioning = timedelta()
    assert hosts.host()("sync").status == 0  # the store is not new any more
    hosts.world.meeting("All-Hands", 20, 60)
    hosts.proxy.forget()
    return hosts


class Moment:
    """Holds up whatever comes as the `number`th: a request to the store or the carrier, or its answer."""

    def __init__(self, hosts: Hosts, number: int) -> None:
        self.hosts = hosts
        self.reached, self.over = threading.Event(), threading.Event()
        self._number = number
        self._counting = threading.Lock()
        hosts.proxy.watch = lambda _what: self._watch()
        hosts.world.lumen.watch(self._watch)

    def _watch(self) -> None:
        with self._counting:
            self._number -= 1
            mine = self._number == 0
        if mine:
            self.reached.set()
            self.over.wait(60)

    def wait(self, process: Process) -> None:
        """Until then, or until the process has ended without that."""
        while not self.reached.wait(0.01) and process.poll() is None:
            pass
        self.hosts.proxy.watch = lambda _what: None
        self.hosts.world.lumen.watch(lambda: None)


def moment_of(number: int) -> int:
    chance = random.Random(number)  # noqa: S311 - the same moments every time
    return 1 + (number if number < MOMENTS else chance.randrange(MOMENTS))


def goes_on(hosts: Hosts, host: Iodcal) -> None:
    """Runs on `host` until the circuit is seen at its tier, and nothing is open."""
    for _ in range(150):
        done = host("sync", "-o", "json")
        assert done.status in (0, 3, 75), done.err
        if (
            done.status != 75
            and done.json["circuits"][0]["observed_mbps"] == 1000
            and not done.json["orders"]
        ):
            break
    assert done.status == 0, done.out
    assert done.json["circuits"][0]["ordered_mbps"] == 1000
    assert hosts.orders == 1


@pytest.mark.parametrize(
    "number", [moment * max(1, MOMENTS // KILLS) if KILLS < MOMENTS else moment for moment in range(KILLS)]
)
def test_killed_on_one_host_another_goes_on_and_there_is_one_order(swift: Hosts, number: int) -> None:
    process = swift.host().start("sync")
    moment = Moment(swift, moment_of(number))
    moment.wait(process)
    process.kill()
    process.communicate()
    moment.over.set()
    goes_on(swift, swift.host())


@pytest.mark.parametrize(
    "number", [moment * max(1, MOMENTS // STOPS) if STOPS < MOMENTS else moment for moment in range(STOPS)]
)
def test_stopped_on_one_host_and_woken_up_later_it_orders_nothing_more(swift: Hosts, number: int) -> None:
    process = swift.host().start("sync")
    moment = Moment(swift, moment_of(number))
    moment.wait(process)
    process.send_signal(signal.SIGSTOP)
    moment.over.set()
    try:
        goes_on(swift, swift.host())
    finally:
        process.send_signal(signal.SIGCONT)
    process.communicate(timeout=60)
    assert process.returncode in (0, 1, 3, 75)
    goes_on(swift, swift.host())


@pytest.mark.parametrize("loss", ["closed", "502"])
@pytest.mark.parametrize("number", range(1, 7))
def test_whichever_answer_of_the_store_is_lost_there_is_one_order(
    swift: Hosts, number: int, loss: Loss
) -> None:
    swift.proxy.loses[number] = loss
    done = swift.host()("sync", "-o", "json")
    assert done.status in (0, 3), done.err
    goes_on(swift, swift.host())


@pytest.mark.parametrize("request_number", range(1, 16, 2))
def test_the_store_gone_at_any_point_there_is_one_order_in_the_end(swift: Hosts, request_number: int) -> None:
    left = request_number

    def watch(what: str) -> None:
        nonlocal left
        if not what.endswith("answered"):
            left -= 1
            swift.proxy.gone = left <= 0

    swift.proxy.watch = watch
    done = swift.host()("sync")
    assert done.status in (0, 1, 3)
    swift.proxy.gone, swift.proxy.watch = False, lambda _what: None
    goes_on(swift, swift.host())


@pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.name)
def test_of_eight_hosts_at_once_one_orders(
    world: World, opened: Callable[[StoreKind], Prefix], kind: StoreKind
) -> None:
    for number in range(ROUNDS):
        hosts = Hosts(world, opened(kind))
        if number == 0:
            rules = (world.iodcal.folder / "rules.yaml").read_text()
        world.iodcal.write("rules.yaml", rules)
        hosts.share()
        for mailbox in world.graph.mailboxes.values():
            mailbox.clear()
        world.lumen.circuits[next(iter(world.lumen.circuits))] = type(world.den)()
        world.meeting("All-Hands", 20, 60)
        assert ordered_at_once(hosts) == 1


def ordered_at_once(hosts: Hosts) -> int:
    """How many orders came of eight hosts that were all held until each had what it needed to order."""
    together = [hosts.host().start("sync") for _ in range(8)]
    ready = threading.Barrier(8)

    def watch(what: str) -> None:
        if what == "PUT":  # the claim: whoever comes here has planned the order
            with suppress(threading.BrokenBarrierError):
                ready.wait(10)

    hosts.proxy.watch = watch
    said = [one.communicate(timeout=120)[1] for one in together]
    codes = [one.returncode for one in together]
    assert set(codes) <= {0, 75}, said
    assert 0 in codes, said
    return hosts.orders


@pytest.mark.parametrize("kind", BAD, ids=lambda kind: kind.name)
def test_on_a_store_that_ignores_conditions_no_host_orders(
    world: World, opened: Callable[[StoreKind], Prefix], kind: StoreKind
) -> None:
    hosts = Hosts(world, opened(kind)).share()
    world.meeting("All-Hands", 20, 60)
    together = [hosts.host().start("sync") for _ in range(8)]
    said = [one.communicate(timeout=120)[1] for one in together]
    assert [one.returncode for one in together] == [1] * 8
    assert all("ignores conditions on writes" in text and text.count("\n") == 1 for text in said)
    assert hosts.orders == 0


def test_a_quiet_run_reads_once_and_writes_once(hosts: Hosts) -> None:
    host = hosts.host()
    assert host("sync").status == 0
    hosts.proxy.forget()
    done = hosts.host()("sync")
    assert (done.status, done.out, done.err) == (0, "", "")
    assert hosts.proxy.methods() == ["GET", "PUT"]


def test_a_quiet_run_that_another_overtook_ends_with_75_and_says_nothing(hosts: Hosts) -> None:
    assert hosts.host()("sync").status == 0

    def watch(what: str) -> None:
        if what == "PUT":
            hosts.proxy.watch = lambda _what: None
            assert hosts.host()("sync").status == 0

    hosts.proxy.watch = watch
    done = hosts.host()("sync")
    assert (done.status, done.out, done.err) == (75, "", "")


def test_a_run_that_finds_another_at_work_says_whose_and_until_when(hosts: Hosts) -> None:
    hosts.world.meeting("All-Hands", 20, 60)
    arrived, go_on = threading.Event(), threading.Event()

    def watch() -> None:
        arrived.set()
        go_on.wait(60)

    assert hosts.host()("sync").status == 0
    hosts.world.ahead = timedelta()
    hosts.proxy.forget()
    process = hosts.host().start("hold", "lon-a", "500 Mbps", "--for", "1h", "--sync")

    def slow(answer: Callable[[], Reply]) -> Reply:
        watch()
        return answer()

    hosts.world.lumen.script("order", slow)
    assert arrived.wait(60)
    done = hosts.host()("sync")
    go_on.set()
    process.communicate(timeout=60)
    assert done.status == 75
    assert f"(process {process.pid} on " in done.err
    assert "until" in done.err
    assert done.err.count("\n") == 1


def test_a_state_in_a_file_loads_no_client_of_object_stores(world: World) -> None:
    process = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "iodcal", "sync"],
        cwd=world.iodcal.folder,
        env=world.iodcal.around(),
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {line.rpartition("|")[2].strip() for line in process.stderr.splitlines()}
    assert "iodcal.store.store" in loaded
    assert not {one for one in loaded if one.startswith("obstore")}
    assert not {"iodcal.store.shared", "iodcal.store.objects", "iodcal.store.object_history"} & loaded


# Bad input, one line each, and nothing is ordered


def refused(hosts: Hosts, status: int, words: str, host: Iodcal | None = None) -> None:
    hosts.world.meeting("All-Hands", 20, 60)
    done = (host or hosts.host())("sync")
    assert done.status == status
    assert words in done.err
    assert done.err.count("\n") == 1
    assert hosts.orders == 0


def test_wrong_credentials(world: World, opened: Callable[[StoreKind], Prefix]) -> None:
    hosts = Hosts(world, opened(SEAWEEDFS)).share()
    host = hosts.host()
    host.environment["STORE_KEY"] = wrong = "quite-another-secret"
    refused(hosts, 1, "refuses the shared state", host)
    assert wrong not in host("-v", "sync").err


def test_a_store_that_cannot_be_reached(hosts: Hosts) -> None:
    hosts.proxy.gone = True
    refused(hosts, 1, "cannot be reached")


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_ten_minutes_off(hosts: Hosts, minutes: int) -> None:
    hosts.proxy.clock_off = timedelta(minutes=minutes)
    refused(hosts, 1, f"clock is 10 minutes {'behind' if minutes > 0 else 'ahead of'}")


def test_a_newer_document(hosts: Hosts) -> None:
    hosts.prefix.folder().put("state.json", b'{"version": 99, "writer": "9.9"}', None)
    refused(hosts, 1, "was written by a newer iodcal (9.9)")


def test_a_state_that_was_deleted_with_its_history(hosts: Hosts) -> None:
    hosts.world.meeting("All-Hands", 20, 60)
    assert hosts.host()("sync").status == 0
    folder = hosts.prefix.folder()
    folder.delete(["state.json", *folder.names("history/")])
    done = hosts.host()("sync", "-o", "json")
    assert done.status == 3
    assert hosts.orders == 1
    assert [problem["kind"] for problem in done.json["problems"]][:1] == ["state_rebuilt"]


def test_a_state_that_was_deleted_is_rebuilt_from_its_history(hosts: Hosts) -> None:
    hosts.world.meeting("All-Hands", 20, 60)
    assert hosts.host()("sync").status == 0
    hosts.prefix.folder().delete(["state.json"])
    done = hosts.host()("sync", "-o", "json")
    assert done.status == 3
    assert hosts.orders == 1
    assert done.json["circuits"][0]["ordered_mbps"] == 1000


def test_what_the_environment_holds_for_other_tools_is_not_used(hosts: Hosts) -> None:
    host = hosts.host()
    host.environment |= {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "ambient",
        "AWS_SECRET_ACCESS_KEY": "ambient-secret",
        "AWS_REGION": "nowhere",
        "AWS_SKIP_SIGNATURE": "true",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    assert host("sync").status == 0
    assert hosts.proxy.seen


# What people use


def test_every_command_works_on_a_shared_state(hosts: Hosts) -> None:
    hosts.world.meeting("All-Hands", 20, 60)
    host, other = hosts.host(), hosts.host()
    assert host("sync").status == 0
    for arguments in (
        ("hold", "lon-a", "500 Mbps", "--for", "1h"),
        ("release", "lon-a"),
        ("pause", "lon-a", "--for", "1h"),
        ("resume", "lon-a"),
    ):
        done = other(*arguments)
        assert done.status == 0, done.err
    for question in ("status", "plan", "history", "explain den-a", "report", "doctor"):
        done = other(*question.split())
        assert done.status in ((0, 3) if question == "doctor" else (0,)), (question, done.err)
    kinds = [entry["kind"] for entry in other("history", "-o", "json").json["entries"]]
    assert kinds == ["order", "hold", "release", "pause", "resume"]


def test_a_run_that_waits_for_its_orders_leaves_nothing_to_another_host(hosts: Hosts) -> None:
    hosts.world.meeting("All-Hands", 20, 60)
    hosts.world.lumen.provisioning = timedelta()
    done = hosts.host()("sync", "--wait", "1m")
    assert done.status == 0, done.err
    other = hosts.host()("sync", "-o", "json")
    assert other.status == 0, other.err
    assert other.json["orders"] == []
    assert hosts.orders == 1


def test_doctor_says_whether_the_store_keeps_its_conditions(hosts: Hosts) -> None:
    assert hosts.host()("sync").status == 0
    hosts.proxy.forget()
    done = hosts.host()("doctor")
    assert str(hosts.prefix.url) in done.out
    assert "PUT" in hosts.proxy.methods()
    hosts.proxy.gone = True
    gone = hosts.host()("doctor")
    assert gone.status != 0
    assert "cannot be reached" in gone.out + gone.err


def test_a_renamed_installation_adopts_its_state(hosts: Hosts) -> None:
    assert hosts.host()("sync").status == 0
    renamed = hosts.host()
    rules = (renamed.folder / "rules.yaml").read_text().replace("name: shared\n", "name: other\n")
    renamed.write("rules.yaml", rules)
    assert renamed("sync").status == 1
    assert renamed("adopt", "shared").status == 0
    assert renamed("sync").status == 0


def test_readers_need_no_permission_to_write(hosts: Hosts) -> None:
    hosts.world.meeting("All-Hands", 20, 60)
    assert hosts.host()("sync").status == 0
    hosts.proxy.read_only = True
    hosts.proxy.forget()
    host = hosts.host()
    for arguments in (("plan",), ("status",), ("history",), ("report",), ("explain", "den-a")):
        done = host(*arguments)
        assert done.status == 0, (arguments, done.err)
    assert set(hosts.proxy.methods()) <= {"GET", "HEAD"}
