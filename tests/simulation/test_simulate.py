"""Whole simulations: the program's own runs, over calendars and carriers in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks import company
from iodcal.config import Configuration
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Orders
from iodcal.domain.events import CalendarReading, Event, Source, Timed
from iodcal.domain.localtime import Interval
from iodcal.domain.rules import Mode
from iodcal.domain.structs import replace
from iodcal.pipeline.fetch import calendars_in_use
from iodcal.problems.kinds import Kind
from iodcal.simulation.engine import simulate
from iodcal.simulation.faults import FaultPlan
from iodcal.simulation.result import Simulation
from iodcal.simulation.scenario import Scenario

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
DAY = Interval(START, START + timedelta(days=1))


def quietly(_text: str) -> None: ...


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def holding(
    configuration: Configuration, *events: tuple[str, str, float, float]
) -> dict[Source, CalendarReading]:
    """Readings with events of (calendar, subject, start, length in hours)."""
    sources = {
        source.calendar: source
        for calendar in calendars_in_use(configuration)
        for source in calendar.plugin.sources(calendar.name, calendar.options, calendar.context)
    }
    found: dict[str, list[Event]] = {name: [] for name in sources}
    for number, (calendar, subject, start, length) in enumerate(events):
        span = Timed(at(start), at(start + length))
        found[calendar].append(
            Event(sources[calendar], str(number), f"uid-{number}", span, subject, "ines@contoso.example")
        )
    return {
        source: CalendarReading(source, DAY, START, tuple(found[name])) for name, source in sources.items()
    }


def play(
    *events: tuple[str, str, float, float], plot: dict[str, Any] | None = None, **company_: Any
) -> Simulation:
    configuration = company.configuration(**company_)
    given: dict[str, Any] = {"span": DAY, **(plot or {})}
    return simulate(Scenario(configuration, holding(configuration, *events), **given), quietly)


def test_a_day_with_one_event() -> None:
    found = play(("noc", "DR Test", 3, 2))
    den, lon = (next(one for one in found.circuits if one.name == name) for name in ("den-a", "lon-a"))
    assert found.runs == 288
    # From 45 minutes before the event until ten after it, at both circuits that the rule names.
    window = timedelta(hours=2, minutes=55)
    assert den.hours[Bandwidth(500)] == lon.hours[Bandwidth(500)] == window
    assert [(one.circuit, one.spare) for one in found.served] == [
        ("den-a", timedelta(minutes=35)),
        ("lon-a", timedelta(minutes=35)),
    ]
    assert not found.late
    assert found.doubles == 0


def test_costs_stand_beside_those_of_other_ways() -> None:
    money = play(("noc", "DR Test", 3, 2)).money
    assert money.simulated is not None
    assert money.baseline is not None
    assert money.highest is not None
    assert money.baseline < money.simulated < money.highest
    assert money.simulated == money.optimum
    assert money.savings == money.highest - money.simulated


def test_a_lead_shorter_than_the_carrier_takes_is_late_by_the_difference() -> None:
    found = play(("company", "All-Hands", 3, 2), provisioning="40m")
    assert {one.circuit for one in found.late} == {"den-a", "den-b", "lon-a", "lon-b", "tok-a"}
    assert {one.late for one in found.late} == {timedelta(minutes=10)}
    assert {one.reason for one in found.late} == {"late_run"}
    assert not any(one.avoidable for one in found.late)
    assert any(problem.kind is Kind.EVENT_AT_RISK for _, problem in found.problems)


def test_without_quota_planning_the_carrier_still_counts() -> None:
    events = [("noc", "DR Test", hour, 1.0) for hour in (3, 7, 11, 15, 19)]
    careful = play(*events, changes_per_day=16)
    careless = play(*events, changes_per_day=16, plot={"quota_known": False})
    assert not careful.late
    assert _orders(careful) < _orders(careless) == 16
    assert any(problem.kind is Kind.ORDER_REFUSED for _, problem in careless.problems)
    assert not any(problem.kind is Kind.ORDER_REFUSED for _, problem in careful.problems)


def _orders(simulation: Simulation) -> int:
    return sum(circuit.ups + circuit.downs for circuit in simulation.circuits)


def test_where_nothing_may_be_ordered_it_is_shown_what_would_be() -> None:
    configuration = company.configuration()
    circuits = {name: replace(one, orders=Orders.NONE) for name, one in configuration.circuits.items()}
    plot = Scenario(
        replace(configuration, circuits=circuits), holding(configuration, ("noc", "DR Test", 3, 2)), DAY
    )
    found = simulate(plot, quietly)
    assert all(one.lifted for one in found.circuits)
    assert sum(one.ups for one in found.circuits) > 0


def test_an_event_that_an_exactly_rule_overrules_is_not_late() -> None:
    configuration = company.configuration()
    noc = configuration.rules[1]
    pinned = replace(
        noc, mode=Mode.EXACTLY, bandwidth=Bandwidth(100), priority=10, lead=timedelta(), trail=timedelta()
    )
    rules = (configuration.rules[0], pinned, configuration.rules[2])
    readings = holding(configuration, ("noc", "DR Test", 2, 4), ("company", "All-Hands", 3, 1))
    found = simulate(Scenario(replace(configuration, rules=rules), readings, DAY), quietly)
    assert {one.circuit for one in found.served} == {"den-b", "lon-b", "tok-a"}
    assert not found.late


def test_an_event_that_an_exactly_rule_interrupts_is_not_late_by_the_way_back() -> None:
    configuration = company.configuration()
    noc = configuration.rules[1]
    pinned = replace(
        noc, mode=Mode.EXACTLY, bandwidth=Bandwidth(100), priority=10, lead=timedelta(), trail=timedelta()
    )
    rules = (configuration.rules[0], pinned, configuration.rules[2])
    readings = holding(configuration, ("company", "All-Hands", 3, 4), ("noc", "DR Test", 4, 1))
    found = simulate(Scenario(replace(configuration, rules=rules), readings, DAY), quietly)
    interrupted = [one for one in found.served if one.circuit not in {"den-b", "lon-b", "tok-a"}]
    assert interrupted
    assert not found.late


class _Untouchable:
    """A plug-in that must not be used for anything but to say what its calendar's sources are."""

    def __init__(self, real: Any) -> None:
        self.sources = real.sources if hasattr(real, "sources") else None
        self.account = real.account if hasattr(real, "account") else None

    def create(self, *_: object) -> Any:
        raise AssertionError("a real carrier was made")

    def readers(self, *_: object) -> Any:
        raise AssertionError("a real calendar was read by a run")


def test_no_real_carrier_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = company.configuration()
    untouchable: Any = _Untouchable
    carriers = {
        name: replace(one, plugin=untouchable(one.plugin)) for name, one in configuration.carriers.items()
    }
    calendars = {
        name: replace(one, plugin=untouchable(one.plugin)) for name, one in configuration.calendars.items()
    }
    guarded = replace(configuration, carriers=carriers, calendars=calendars)

    def no_file(*_: object, **__: object) -> Any:
        raise AssertionError("a file was opened")

    readings = holding(configuration, ("noc", "DR Test", 3, 2))
    monkeypatch.setattr("os.open", no_file)
    monkeypatch.setattr("pathlib.Path.open", no_file)
    monkeypatch.setattr("socket.socket.connect", no_file)
    found = simulate(Scenario(guarded, readings, DAY), quietly)
    assert sum(one.ups for one in found.circuits) > 0


# --- with failures ---------------------------------------------------------------------------------------

DAYS = Interval(START, START + timedelta(days=3))


def some_days(seed: int, rate: float) -> Simulation:
    configuration = company.configuration()
    readings = company.readings(configuration, DAYS, 50, seed)
    return simulate(Scenario(configuration, readings, DAYS, FaultPlan(rate, seed)), quietly)


@pytest.mark.parametrize("seed", [1, 2])
def test_days_with_failures(seed: int) -> None:
    """The short form of the simulated year: one call in twenty fails."""
    found = some_days(seed, 0.05)
    assert not [one for one in found.late if one.avoidable]
    assert found.doubles == 0
    money = found.money
    assert money.simulated is not None
    assert money.optimum is not None
    assert money.simulated <= money.optimum * 101 / 100
    assert len(found.injected) >= 4


def test_the_same_seed_is_the_same_day() -> None:
    def a_day(seed: int) -> Simulation:
        return play(("noc", "DR Test", 3, 2), plot={"faults": FaultPlan(0.2, seed)})

    one, other = a_day(4), a_day(4)
    assert one.circuits == other.circuits
    assert one.served == other.served
    assert [(when, problem.id) for when, problem in one.problems] == [
        (when, problem.id) for when, problem in other.problems
    ]
    assert a_day(5).injected != one.injected


def test_where_every_call_fails_everybody_is_late() -> None:
    found = play(("company", "All-Hands", 12, 1), plot={"faults": FaultPlan(1.0, 1)})
    assert {one.late for one in found.late} == {timedelta(hours=1)}
    assert len(found.late) == 5
    assert not any(one.ups for one in found.circuits)
