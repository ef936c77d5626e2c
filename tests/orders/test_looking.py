"""S6: which circuits are looked at in a run, when, and what their carriers then have said."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from threading import Barrier

import pytest

from iodcal.config import Settings
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Baseline, Reading, Status
from iodcal.domain.orders import BootTime, Outcome
from iodcal.domain.structs import replace
from iodcal.errors import CarrierError
from iodcal.http import Deadline
from iodcal.pipeline.poll import Carriers, circuit_state_of, needs_reading, observe, preflight_windows
from tests.domain.minutes import CIRCUIT, TIERS, Ask, at, circuit_state_at, minutes, timeline_of
from tests.domain.test_orders import order, reading
from tests.machine.world import EVERY, PROVISIONING, QUOTA, START, Line, MemoryCarrier
from tests.orders.runs import NEVER, Office, kinds, two_accounts

SETTINGS = Settings()  # every 5m, verify_every 1h, order_timeout 20m, lost_answer_grace 15m


def settled(outcome: Outcome, minute: float | None) -> CircuitState:
    """Den-a at 100 Mbps, as read at minute -1, its last order settled at `minute`."""
    moment = at(minute) if minute is not None else None
    return replace(circuit_state_at(100), recent=(order(outcome, settled_at=moment),))


@pytest.mark.parametrize(
    ("circuit_state", "needed"),
    [
        pytest.param(circuit_state_at(100), False, id="read just before"),
        pytest.param(circuit_state_at(100, read_at=-59), False, id="read within the hour"),
        pytest.param(circuit_state_at(100, read_at=-60), True, id="read an hour ago"),
        pytest.param(circuit_state_at(None), True, id="never read"),
        pytest.param(replace(circuit_state_at(100), reading=None), True, id="the reading is gone"),
        pytest.param(replace(circuit_state_at(100), confirmed=None), True, id="never seen at rest"),
        pytest.param(replace(circuit_state_at(100), order=order(Outcome.ACCEPTED)), True, id="an open order"),
        pytest.param(
            replace(circuit_state_at(100), reading=reading(-1, 100, Status.PENDING)),
            True,
            id="a change pending",
        ),
        pytest.param(
            replace(circuit_state_at(100), reading=reading(-1, 100, Status.UNKNOWN)),
            True,
            id="a strange status",
        ),
        pytest.param(settled(Outcome.LOST, -19), True, id="given up, and may still surface"),
        pytest.param(settled(Outcome.FAILED, -19), True, id="failed, and may still surface"),
        pytest.param(settled(Outcome.LOST, -20), False, id="given up for long"),
        pytest.param(settled(Outcome.FAILED, -20), False, id="failed long ago"),
        pytest.param(settled(Outcome.LOST, None), False, id="nobody knows when it was given up"),
        pytest.param(settled(Outcome.REFUSED, -1), False, id="refused"),
        pytest.param(settled(Outcome.CONFIRMED, -1), False, id="confirmed"),
        pytest.param(
            replace(
                circuit_state_at(1000), reading=reading(-1, 100), recent=settled(Outcome.CONFIRMED, -5).recent
            ),
            True,
            id="an inventory that lags",
        ),
        pytest.param(
            replace(
                circuit_state_at(1000),
                reading=reading(-1, 100),
                recent=settled(Outcome.CONFIRMED, -16).recent,
            ),
            False,
            id="what it shows is no longer the past",
        ),
    ],
)
def test_the_carrier_is_asked_only_where_something_is_open(circuit_state: CircuitState, needed: bool) -> None:
    assert needs_reading(circuit_state, timeline_of(), at(0), SETTINGS) is needed


@pytest.mark.parametrize(
    ("ask", "looked"),
    [
        pytest.param(Ask(6, 60), False, id="the next run is in time"),
        pytest.param(Ask(5, 60), True, id="begins with the next run"),
        pytest.param(Ask(0, 60), True, id="begins now"),
        pytest.param(Ask(-30, 1), True, id="runs, and nobody looked"),
        pytest.param(Ask(-30, 0), False, id="is over"),
        pytest.param(Ask(5, 60, hold=True), False, id="a person's hold"),
    ],
)
def test_there_is_one_last_look_before_an_event_begins(ask: Ask, looked: bool) -> None:
    timeline, circuit_state = timeline_of(ask), circuit_state_at(1000)
    (window,) = timeline.windows
    assert list(preflight_windows(circuit_state, timeline, at(0), minutes(5))) == ([window] if looked else [])
    assert needs_reading(circuit_state, timeline, at(0), SETTINGS) is looked
    done = replace(circuit_state, preflight_checks=((window.demand.id, at(60)),))
    assert list(preflight_windows(done, timeline, at(0), minutes(5))) == []


def test_each_event_has_a_look_of_its_own() -> None:
    timeline = timeline_of(Ask(1, 60), Ask(2, 60), Ask(3, 60), Ask(40, 60))
    first = timeline.windows[0].demand.id
    looked = replace(circuit_state_at(1000), preflight_checks=((first, at(60)),))
    found = [window.demand.event.start for window in preflight_windows(looked, timeline, at(0), minutes(5))]
    assert found == [at(2), at(3)]


def test_between_events_an_unchanged_world_costs_the_carrier_no_call() -> None:
    office = Office()
    office.meets("call", 300, 60)
    office.run(0)
    office.carrier.calls.clear()
    for minute in range(5, 60, 5):
        office.run(minute)
    assert "read a" not in office.carrier.calls
    office.run(60)
    assert office.carrier.calls.count("read a") == 1


def test_an_order_reads_its_circuit_first_and_once() -> None:
    office = Office()
    office.meets("call", 60, 60)
    office.run(20)
    office.carrier.calls.clear()
    office.run(30)
    assert [call for call in office.carrier.calls if call.split()[0] in ("read", "order")] == [
        "read a",
        "order a 500",
    ]


# --- what a reading makes of a circuit


def test_a_circuit_is_known_by_its_key_under_todays_name_and_baseline() -> None:
    circuit = replace(CIRCUIT, name="new", baseline=Baseline(Bandwidth(150)))
    fresh = circuit_state_of(circuit, {})
    assert (fresh.key, fresh.name, fresh.carrier_type, fresh.account) == (
        CIRCUIT.key,
        "new",
        CIRCUIT.account.carrier_type,
        CIRCUIT.account.number,
    )
    assert fresh.off_peak == circuit.sold(Bandwidth(150)) != TIERS[0]
    assert fresh.confirmed is None
    known = circuit_state_of(circuit, {CIRCUIT.key: circuit_state_at(500)})
    assert (known.name, known.off_peak, known.confirmed) == ("new", fresh.off_peak, Bandwidth(500))


def test_a_reading_settles_an_order_and_without_one_only_the_time_passes() -> None:
    sent = replace(circuit_state_at(100), order=order(Outcome.ACCEPTED))

    def seen(shown: Reading | None, minute: float, boot: BootTime | None = None) -> CircuitState:
        readings = {CIRCUIT.key: shown} if shown is not None else {}
        return observe(
            [CIRCUIT], {CIRCUIT.key: sent}, readings=readings, now=at(minute), settings=SETTINGS, boot=boot
        )[CIRCUIT.key]

    assert seen(reading(5, 1000), 5).confirmed == Bandwidth(1000)
    waiting = seen(None, 19).order
    assert waiting is not None
    assert waiting.outcome is Outcome.ACCEPTED
    late = seen(None, 20).order
    assert late is not None
    assert late.outcome is Outcome.OVERDUE
    idle = observe([CIRCUIT], {CIRCUIT.key: circuit_state_at(100)}, readings={}, now=at(5), settings=SETTINGS)
    assert idle == {CIRCUIT.key: replace(circuit_state_at(100), off_peak=TIERS[0])}


# --- the carriers of a run


def carriers(office: Office) -> Carriers:
    office.company.at(START)
    return Carriers(office.company.configuration(), lambda: START)


def test_a_circuit_is_read_once_in_a_run() -> None:
    office = Office(two_accounts())
    made = carriers(office)
    first, *rest = made.configuration.circuits.values()
    assert not made.has_read(first)
    made.read([first], NEVER)
    made.read([first, *rest], NEVER)
    assert [made.has_read(circuit) for circuit in (first, *rest)] == [True, True, True]
    assert office.carrier.calls == ["read a", "read b"]
    assert made.readings[first.key] == Reading(START, Status.ACTIVE, Bandwidth(100))


def test_a_carrier_is_made_when_it_is_first_needed_and_told_where_it_is() -> None:
    office = Office(two_accounts())
    made = carriers(office)
    first = made.configuration.circuits["den-a"]
    assert office.carrier.context is None
    assert made.of(first) is made.of(first) is office.carrier
    context = office.carrier.context
    assert context is not None
    assert office.carrier.options == "options of memory"
    assert (context.directory, context.now(), context.provisioning, context.changes_per_day) == (
        Path(),
        START,
        minutes(PROVISIONING),
        QUOTA,
    )
    assert office.company.second is not None
    assert office.company.second.context is None


def test_what_could_not_be_read_is_known_as_such_until_it_can() -> None:
    office = Office()
    made = carriers(office)
    (circuit,) = made.configuration.circuits.values()
    office.carrier.unreadable = True
    made.read([circuit], NEVER)
    assert (made.has_read(circuit), made.failures[circuit.key].code) == (False, "refused")
    office.carrier.unreadable = False
    made.read([circuit], NEVER)
    assert (made.has_read(circuit), made.failures) == (True, {})


class Awaited(MemoryCarrier):
    """A carrier that answers only while another is being asked, too."""

    barrier = Barrier(2)

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        self.barrier.wait(timeout=10)
        if service_id == "c":
            raise CarrierError("circuit_unknown")
        return super().read(service_id, deadline)


def test_a_circuit_that_shows_no_bandwidth_counts_as_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nothing would be ordered on it, and nothing said, however high its baseline."""
    office = Office()
    monkeypatch.setattr(office.carrier, "read", lambda *_: Reading(START, Status.ACTIVE, None, "Active"))
    report = office.run(0)
    (problem,) = [problem for problem in report.problems if problem.kind == "carrier_unreadable"]
    assert (problem.where, problem.severity) == ("den-a", "error")
    monkeypatch.setattr(office.carrier, "read", lambda *_: Reading(START, Status.PENDING, None, "Change"))
    assert "carrier_unreadable" not in kinds(office.run(5))


def test_carriers_are_read_side_by_side() -> None:
    company = two_accounts()
    del company.names["b"]
    assert company.second is not None
    company.carrier = Awaited(lines={"a": Line()})
    company.second = Awaited(lines=company.second.lines, account=company.second.account)
    made = carriers(Office(company))
    made.read(made.configuration.circuits.values(), NEVER)
    assert [key[-1] for key in made.readings] == ["a"]
    assert [(key[-1], error.code) for key, error in made.failures.items()] == [("c", "circuit_unknown")]


def test_every_reading_has_the_time_that_the_run_has_left() -> None:
    office = Office(two_accounts())
    made = carriers(office)
    made.read(list(made.configuration.circuits.values())[:1], Deadline(90, lambda: 0.0))
    made.read(made.configuration.circuits.values(), Deadline(5, lambda: 0.0))
    assert [carrier.patience for carrier in office.company.carriers.values()] == [[30, 5], [5]]


@pytest.mark.parametrize(
    ("errors", "worst"),
    [((None, None), 0.0), ((2.0, None), 2.0), ((2.0, -3.0), -3.0), ((-2.0, 3.0), 3.0), ((0.5, 0.2), 0.5)],
)
def test_the_worst_clock_counts(errors: Iterable[float | None], worst: float) -> None:
    office = Office(two_accounts())
    made = carriers(office)
    assert made.clock_error == 0.0
    for circuit in made.configuration.circuits.values():
        made.of(circuit)
    for carrier, error in zip(office.company.carriers.values(), errors, strict=True):
        carrier.clock_error = error
    assert made.clock_error == worst


@pytest.mark.parametrize("error", [-1e300, 1e300, -1e11])
def test_a_clock_that_no_calendar_can_show_holds_lowerings_and_no_raise(error: float) -> None:
    office = Office()
    office.meets("call", 30, 60)
    office.carrier.clock_error = error
    assert [order.new.mbps for order in office.run(5).orders] == [500]


def test_under_another_configuration_what_was_read_and_who_was_asked_stays() -> None:
    office = Office(two_accounts())
    made = carriers(office)
    made.read(made.configuration.circuits.values(), NEVER)
    old = made.configuration
    slower = replace(old.carriers["second"], provisioning=minutes(EVERY + 1))
    other = replace(old, carriers={"memory": old.carriers["memory"], "second": slower})
    again = made.alike(other)
    assert (again.configuration, again.clock()) == (other, START)
    assert (again.readings is made.readings, again.failures is made.failures) == (True, True)
    office.carrier.context = None
    assert office.company.second is not None
    office.company.second.context = None
    for circuit in other.circuits.values():
        again.of(circuit)
    assert office.carrier.context is None
    assert office.company.second.context is not None
    assert office.company.second.context.provisioning == minutes(EVERY + 1)
    none = made.alike(replace(old, carriers={}))
    assert none.clock_error == 0.0
