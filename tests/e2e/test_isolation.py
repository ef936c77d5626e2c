"""One bad part costs nothing else: a carrier that hangs, a circuit that hangs, a plug-in that misbehaves."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.conftest import LON, World
from tests.servers.faults import instead
from tests.servers.lumen import (
    CUSTOMER,
    INVENTORY,
    KEY,
    ORDER,
    QUOTE,
    SECRET,
    TOKEN,
    FakeCircuit,
    LumenServer,
)
from tests.servers.tls import Reply, Request

BEGINNING = """\
version: 1
timezone: UTC
settings: {{state: state/state.json, organizers: ["@contoso.example"], every: {every}}}
calendars: {{local: {{ics: calendar.ics}}{calendars}}}
defaults: {{circuit: {{tiers: [100 Mbps, 1 Gbps], baseline: {{off_peak: 100 Mbps}}}}}}
rules:
  - {{name: Calls, calendars: [{names}], match: {{subject: All-Hands}}, circuits: all, bandwidth: highest}}
carriers:
"""
LUMEN = """\
  {name}:
    type: lumen
    environment: production
    base_url: {url}
    customer_number: {customer}
    client_id: {{env: LUMEN_CLIENT_ID}}
    client_secret: {{env: LUMEN_CLIENT_SECRET}}
    contact: {{name: Pat Doe, email: noc@contoso.example, phone: "+13035550100", organization: Contoso}}
    changes_per_day: 1000
"""
EVENT = """\
BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1
DTSTART:{start:%Y%m%dT%H%M%SZ}
DTEND:{end:%Y%m%dT%H%M%SZ}
SUMMARY:All-Hands
END:VEVENT
END:VCALENDAR
"""


class Hanging(LumenServer):
    """Never answers `call`, for the circuits in `hangs`, before `free` is set; `waited` says whether it
    was."""

    def __init__(self, call: str = "", hangs: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.quota = 1000
        self.call, self.hangs = call, hangs
        self.asked, self.free, self.waited = threading.Event(), threading.Event(), list[bool]()
        self.ordered = threading.Semaphore(0)

    def _route(self, call: str, request: Request) -> Reply:
        about = request.query.get("serviceid")
        if call == self.call and (not self.hangs or about in self.hangs):
            self.asked.set()
            self.waited.append(self.free.wait(30))
        reply = super()._route(call, request)
        if call == ORDER:
            self.ordered.release()
        return reply


def prepare(iodcal: Iodcal, every: str = "1m", calendars: str = "", names: str = "local") -> str:
    """The calendar with an All-Hands in twenty minutes, and how a configuration begins."""
    now = datetime.now(UTC)
    start, end = (now + timedelta(minutes=minutes) for minutes in (20, 80))
    iodcal.write("calendar.ics", EVENT.format(start=start, end=end))
    iodcal.environment.update(LUMEN_CLIENT_ID=KEY, LUMEN_CLIENT_SECRET=SECRET)
    return BEGINNING.format(every=every, calendars=calendars, names=names)


def problems(result: Any) -> set[tuple[str, str]]:
    return {(one["kind"], one["where"]) for one in result["problems"]}


@pytest.mark.parametrize("step", [TOKEN, INVENTORY, QUOTE, ORDER])
def test_a_carrier_that_hangs_stops_no_other_one(iodcal: Iodcal, step: str) -> None:
    with Hanging() as well, Hanging(step) as ill, ExitStack() as stack:
        well.circuits["2"], ill.circuits["1"] = FakeCircuit(), FakeCircuit()
        stack.callback(ill.free.set)
        rules = prepare(iodcal)
        for name, server in (("ill", ill), ("well", well)):
            rules += LUMEN.format(name=name, url=server.base_url, customer=CUSTOMER)
        circuits = 'circuits:\n  a: {carrier: ill, service_id: "1"}\n  b: {carrier: well, service_id: "2"}\n'
        iodcal.write("rules.yaml", rules + circuits)
        process = iodcal.start("sync", "-o", "json")
        served = well.ordered.acquire(timeout=25)
        ill.free.set()
        process.communicate(timeout=60)
    assert served, "ordered while the other one was still being asked"
    assert ill.waited, "it did hang"
    assert all(ill.waited)
    assert process.returncode == 0
    assert (len(well.circuits["2"].orders), len(ill.circuits["1"].orders)) == (1, 1)


def test_circuits_that_hang_stop_no_other_one_of_their_carrier(iodcal: Iodcal) -> None:
    every = [str(number) for number in range(1, 13)]
    with Hanging(INVENTORY, frozenset(every[:3])) as server, ExitStack() as stack:
        stack.callback(server.free.set)
        server.circuits.update({name: FakeCircuit() for name in every})
        rules = (
            prepare(iodcal) + LUMEN.format(name="l", url=server.base_url, customer=CUSTOMER) + "circuits:\n"
        )
        rules += "".join(f'  c{name}: {{carrier: l, service_id: "{name}"}}\n' for name in every)
        iodcal.write("rules.yaml", rules)
        process = iodcal.start("sync", "-o", "json")
        served = [server.ordered.acquire(timeout=25) for _ in range(9)]
        asked = list(server.waited)
        server.free.set()
        process.communicate(timeout=60)
    assert all(served)
    assert asked == [], "the three are still being asked"
    assert process.returncode == 0
    assert [len(circuit.orders) for circuit in server.circuits.values()] == [1] * 12


def test_a_carrier_that_is_gone_is_not_asked_for_each_of_its_circuits(iodcal: Iodcal) -> None:
    ill = [str(number) for number in range(1, 61)]
    with LumenServer() as gone:
        url = gone.base_url
    with Hanging() as well:
        well.circuits["w"] = FakeCircuit()
        rules = prepare(iodcal) + LUMEN.format(name="gone", url=url, customer=CUSTOMER)
        rules += LUMEN.format(name="well", url=well.base_url, customer=CUSTOMER) + "circuits:\n"
        rules += "".join(f'  c{name}: {{carrier: gone, service_id: "{name}"}}\n' for name in ill)
        iodcal.write("rules.yaml", rules + '  w: {carrier: well, service_id: "w"}\n')
        done = iodcal("sync", "-o", "json")
    assert done.status == 3
    assert [order["circuit"] for order in done.json["orders"]] == ["w"]
    told = [one["message"] for one in done.json["problems"] if one["kind"] == "carrier_unreadable"]
    assert len(told) == 60
    assert sum("is not asked any more in this run" in message for message in told) >= 60 - 8 - 8 - 1, (
        "those under way, too, and the probe"
    )
    last = iodcal.state["last_run"]
    took = datetime.fromisoformat(last["ended_at"]) - datetime.fromisoformat(last["started_at"])
    assert took < timedelta(seconds=40), f"{took}, and 48 s is what the run has"


def test_a_run_ends_before_the_next_begins_though_every_call_hangs(iodcal: Iodcal) -> None:
    with Hanging(INVENTORY) as server, ExitStack() as stack:
        stack.callback(server.free.set)
        server.circuits["1"] = FakeCircuit()
        rules = prepare(iodcal, every="8s") + LUMEN.format(name="l", url=server.base_url, customer=CUSTOMER)
        iodcal.write("rules.yaml", rules + 'circuits: {a: {carrier: l, service_id: "1"}}\n')
        done = iodcal("sync", "-o", "json")
        assert server.waited == []
    assert (done.status, problems(done.json) >= {("carrier_unreadable", "a")}) == (3, True)
    last = iodcal.state["last_run"]
    took = datetime.fromisoformat(last["ended_at"]) - datetime.fromisoformat(last["started_at"])
    assert took < timedelta(seconds=8)


@pytest.mark.parametrize(("answered", "outcome"), [(True, "accepted"), (False, "unknown")])
def test_a_run_that_is_ended_records_the_order_that_is_out_and_waits_no_longer(
    iodcal: Iodcal, answered: bool, outcome: str
) -> None:
    with Hanging(ORDER) as server, ExitStack() as stack:
        stack.callback(server.free.set)
        server.circuits.update({"1": FakeCircuit(), "2": FakeCircuit()})
        rules = prepare(iodcal) + LUMEN.format(name="l", url=server.base_url, customer=CUSTOMER)
        circuits = 'circuits: {a: {carrier: l, service_id: "1"}, b: {carrier: l, service_id: "2"}}\n'
        iodcal.write("rules.yaml", rules + circuits)
        process = iodcal.start("sync")
        assert server.asked.wait(30)
        process.terminate()
        process.terminate()  # a second signal changes nothing
        if answered:
            server.free.set()
        process.communicate(timeout=25)  # the server would have kept it for longer
    assert process.returncode == 130
    orders = [line["order"] for line in iodcal.history if line["kind"] == "order"]
    last = {order["circuit"]: order["outcome"] for order in orders}  # on a slow machine b was overtaken, too
    assert (last["a"], set(last.values())) == (outcome, {outcome})


# --- plug-ins

PLUGIN = """
import os, signal, sys, time
from datetime import UTC, datetime, timedelta
from iodcal.config.forms import Section
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Account, Quote, Reading, Status
from iodcal.domain.events import CalendarReading, Source

PLACE, HOW = os.environ["PLACE"], os.environ["HOW"]


def deeper():
    return deeper()


def at(place, value):
    if place != PLACE:
        return value
    if HOW == "raises":
        raise RuntimeError("boom")
    if HOW == "exits":
        sys.exit(0)
    if HOW == "interrupts":
        raise KeyboardInterrupt
    if HOW == "recurses":
        deeper()
    if HOW == "lacks_memory":
        raise MemoryError
    if HOW == "wrong":
        return object()
    if HOW == "prints":
        print("noise")
        os.write(1, b"noise")
    if HOW == "closes":
        sys.stdout.close()
        os.close(1)
    if HOW == "forks":
        os.fork()
    if HOW == "signals":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if HOW == "alarms":
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        time.sleep(0.01)
    if HOW == "hangs":
        time.sleep(3600)
    if HOW == "ends":
        os._exit(0)
    if HOW == "kills":
        os.kill(os.getpid(), signal.SIGKILL)
    return value


class Options(Section, frozen=True):
    pass


ACCOUNT = Account("bad", "bad:", "1")


class Client:
    account = property(lambda _: at("client.account", ACCOUNT))
    clock_error = property(lambda _: at("clock_error", None))

    def read(self, service_id, deadline):
        return at("read", Reading(datetime.now(UTC), Status.ACTIVE, Bandwidth(100), "Active"))

    def quote(self, service_id, bandwidth, deadline):
        return at("quote", Quote("q", bandwidth, datetime.now(UTC)))

    def order(self, request, deadline):
        return at("order", Acceptance(datetime.now(UTC), "order-1"))


class Carriers:
    Options = Options
    virtual = property(lambda _: at("virtual", False))
    default_provisioning = property(lambda _: at("default_provisioning", timedelta(minutes=2)))
    default_changes_per_day = property(lambda _: at("default_changes_per_day", None))

    def is_test(self, options):
        return at("is_test", False)

    def account(self, options, context):
        return at("account", ACCOUNT)

    def create(self, options, context):
        return at("create", Client())


class Reader:
    group = property(lambda _: at("group", "bad"))
    source = property(lambda self: at("source", self._source))

    def __init__(self, source):
        self._source = source

    def read(self, window, deadline):
        return at("events", CalendarReading(self._source, window, datetime.now(UTC), ()))


class Calendars:
    Options = Options

    def sources(self, name, options, context):
        return at("sources", (Source("bad:" + name, name, name),))

    def readers(self, name, options, context):
        return at("readers", tuple(Reader(one) for one in self.sources(name, options, context)))


carriers, calendars = Carriers(), Calendars()
"""
POINTS = "[iodcal.carriers]\nbad = bad_plugin:carriers\n[iodcal.calendars]\nbad = bad_plugin:calendars\n"
CIRCUITS = """\
  lab: {type: sandbox, file: sandbox.json, provisioning: 2m}
  bad: {type: bad}
circuits:
  a: {carrier: bad, service_id: "1"}
  b: {carrier: lab, service_id: "2"}
"""
RAISING = ("raises", "exits", "interrupts", "recurses", "lacks_memory", "wrong", "hangs", "ends", "kills")
HARMLESS = ("prints", "closes", "forks", "alarms")
CONSTANTS = ("virtual", "default_provisioning", "default_changes_per_day")
OF_CARRIERS = ("account", "create", "read", "quote", "order")


def plug_in(iodcal: Iodcal, folder: Path) -> Iodcal:
    """The command beside a plug-in that is told by its environment where and how to misbehave."""
    packages = folder / "packages"
    known = packages / "bad_plugin-1.2.dist-info"
    known.mkdir(parents=True)
    (packages / "bad_plugin.py").write_text(PLUGIN, encoding="utf-8")
    (known / "entry_points.txt").write_text(POINTS, encoding="utf-8")
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-plugin\nVersion: 1.2\n")
    rules = prepare(iodcal, every="8s", calendars=", other: {type: bad}", names="local, other")
    iodcal.write("rules.yaml", rules + CIRCUITS)
    iodcal.environment["PYTHONPATH"] = f"{iodcal.around()['PYTHONPATH']}:{packages}"
    return iodcal


@pytest.fixture
def plugged(iodcal: Iodcal, tmp_path: Path) -> Iodcal:
    """See `plug_in`."""
    return plug_in(iodcal, tmp_path)


def outcome_of(iodcal: Iodcal, place: str, how: str) -> tuple[Any, dict[str, str]]:
    done = iodcal("sync", "-o", "json", PLACE=place, HOW=how)
    assert "Traceback" not in done.err
    return done.json, {order["circuit"]: order["outcome"] for order in done.json["orders"]}


@pytest.mark.parametrize(
    ("place", "how", "said"),
    [
        ("read", "raises", "the plug-in bad"),
        ("create", "raises", "the plug-in bad"),
        ("quote", "raises", "no quote for 1 Gbps, 100 Mbps: the plug-in bad"),
        ("quote", "wrong", "no quote for 1 Gbps, 100 Mbps: the plug-in bad"),
        ("order", "raises", "gives a quote: 1 Gbps, 100 Mbps (without a price)"),
    ],
)
def test_doctor_asks_a_plug_in_for_a_quote_of_each_tier(
    plugged: Iodcal, place: str, how: str, said: str
) -> None:
    done = plugged("doctor", "-o", "json", PLACE=place, HOW=how)
    assert "Traceback" not in done.err
    told = {one["where"]: one["light"] for one in done.json["findings"] if said in one["message"]}
    if place == "order":  # which is not tried
        assert told == {"a": "green", "b": "green"}
    else:
        assert told == {"bad" if place == "create" else "a": "red"}
    assert done.status == (0 if place == "order" else 3)


@pytest.mark.parametrize(
    ("place", "how"),
    [
        *(("read", how) for how in RAISING),
        *((place, "raises") for place in OF_CARRIERS if place != "read"),
        *((place, "hangs") for place in OF_CARRIERS if place != "read"),
        ("order", "exits"),
        ("quote", "wrong"),
        ("account", "wrong"),
        *((place, how) for place in CONSTANTS for how in ("raises", "wrong")),
        ("virtual", "hangs"),
        ("virtual", "ends"),
    ],
)
def test_a_carrier_that_misbehaves_fails_for_its_own_circuits(plugged: Iodcal, place: str, how: str) -> None:
    result, orders = outcome_of(plugged, place, how)
    assert orders["b"] == "accepted"
    assert orders.get("a") == ("unknown" if place == "order" else None)
    told = [one for one in result["problems"] if one["where"] == "a" and one["kind"] != "event_at_risk"]
    assert told
    if how != "hangs" or place in ("account", *CONSTANTS):
        assert result["exit"] == 3
        assert any("bad-plugin 1.2" in one["message"] for one in told)


def test_a_clock_that_a_plug_in_never_tells_holds_no_run(plugged: Iodcal) -> None:
    result, orders = outcome_of(plugged, "clock_error", "hangs")
    assert (result["exit"], orders) == (0, {"a": "accepted", "b": "accepted"})


@pytest.mark.parametrize("how", HARMLESS)
@pytest.mark.parametrize("place", ["read", "order", "events", "default_provisioning"])
def test_what_a_plug_in_does_to_the_process_is_undone(plugged: Iodcal, place: str, how: str) -> None:
    result, orders = outcome_of(plugged, place, how)
    assert (result["exit"], orders) == (0, {"a": "accepted", "b": "accepted"})
    noted = [line for line in plugged.history if line["kind"] == "order"]
    assert len(noted) == 4, "no child ordered anything"


@pytest.mark.parametrize(
    ("place", "how"),
    [
        *(("events", how) for how in RAISING),
        ("sources", "raises"),
        *((place, "hangs") for place in ("sources", "readers", "group", "source")),
        ("readers", "exits"),
        ("readers", "wrong"),
    ],
)
def test_a_calendar_that_misbehaves_fails_by_itself(plugged: Iodcal, place: str, how: str) -> None:
    result, orders = outcome_of(plugged, place, how)
    assert orders == {"a": "accepted", "b": "accepted"}
    (problem,) = [one for one in result["problems"] if one["kind"] == "calendar_unreadable"]
    assert (problem["where"], "bad-plugin 1.2" in problem["message"]) == ("other", True)


def test_check_tells_of_a_plug_in_whose_circuits_cannot_be_served(plugged: Iodcal) -> None:
    done = plugged("check", "--strict", PLACE="virtual", HOW="raises")
    assert done.status == 1
    assert "carriers.bad: the plug-in bad-plugin 1.2: RuntimeError: boom; what depends on it is" in done.err
    assert plugged("check", PLACE="", HOW="").err.count("bad-plugin") == 0


@pytest.mark.parametrize("body", [b"[" * 50_000 + b"]" * 50_000, b"[" + b"[]," * 2_000_000 + b"0]"])
def test_json_beyond_all_bounds_harms_nothing_else(world: World, body: bytes) -> None:
    """At a mailbox, and at the carrier of one circuit."""
    hostile = instead(Reply(200, body, {"Content-Type": "application/json"}))
    world.meeting("All-Hands", 20, 80)
    world.meeting("DR Test", 20, 80, "noc")
    world.graph.mailboxes["hostile@contoso.example"] = []
    world.graph.script("hostile@contoso.example", [hostile] * 9)
    rules = world.iodcal.folder / "rules.yaml"
    text = rules.read_text(encoding="utf-8")
    text = text.replace("calendars:\n", "calendars:\n  hostile: {mailbox: hostile@contoso.example}\n", 1)
    rules.write_text(text.replace("[company]", "[company, hostile]"), encoding="utf-8")
    world.lumen.circuits[LON].reading = Reply(200, body, {"Content-Type": "application/json"})
    done = world.iodcal("sync", "-o", "json")
    assert done.status == 3
    outcomes = {order["circuit"]: order["outcome"] for order in done.json["orders"]}
    assert outcomes == {"den-a": "accepted", "lon-a": "accepted"}, "which the list of all circuits has, too"
    told = {
        one["where"]: one["message"] for one in done.json["problems"] if "is JSON of more" in one["message"]
    }
    assert set(told) == {"hostile"}
