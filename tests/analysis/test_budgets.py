"""What the budgets are compared with: this month's part of the history, once an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from iodcal.commands.budgets import budget_problems
from iodcal.config import Configuration
from iodcal.config.load import load_configuration
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.orders import Outcome
from iodcal.domain.structs import Fact, replace
from iodcal.problems.kinds import Kind
from iodcal.store.log import History
from iodcal.store.state import AlertRecord, LastRun, State
from tests.analysis.past import HIGH, LOW, NOON, at, order
from tests.config.test_budgets import with_budget
from tests.config.test_load import write
from tests.store.past import history_in

PRICED = "carriers: {lab: {type: sandbox, file: lab.json, rates: {100 Mbps: 1, 1 Gbps: 10}}}"


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    text = with_budget("{monthly: 1000}").replace("carriers: {lab: {type: sandbox, file: lab.json}}", PRICED)
    return load_configuration(write(tmp_path, text))


@pytest.fixture
def history(tmp_path: Path, configuration: Configuration) -> History:
    """A circuit at 1 Gbps for the last hour, after 23 days and 11 hours at 100 Mbps: 563 and 10."""
    made = history_in(tmp_path / "state")
    (circuit,) = configuration.circuits.values()
    order_ = order(-60, LOW, HIGH, Outcome.CONFIRMED, of=circuit).order
    made.append("problem", at=at(-61), run_id="r", id="x:y", facts={})
    made.append("order", at=at(-60), run_id="r", order=replace(order_, outcome=Outcome.SENDING), causes=())
    made.append("order", at=at(-55), run_id="r", order=order_)
    made.append("reading", at=at(-55), run_id="r", circuit="den-a", key=circuit.key, confirmed_mbps=HIGH,
                off_peak_mbps=LOW, drift=None)  # fmt: skip
    return made


def spent(
    configuration: Configuration, history: History, now: datetime, state: State | None = None
) -> list[object]:
    found = budget_problems(configuration, state or State(), history, now)
    return [one.facts["spent"] for one in found]


def test_this_month_so_far(configuration: Configuration, history: History) -> None:
    assert spent(configuration, history, NOON) == []  # 573 of 1000
    assert spent(configuration, history, at(60 * 24)) == ["813.00"]
    assert spent(configuration, history, datetime.fromisoformat("2026-12-04T08:00:00Z")) == ["800.00"]
    assert spent(configuration, history, datetime.fromisoformat("2026-12-01T00:00:00Z")) == []


def test_a_circuit_at_rest_is_known_from_the_state(configuration: Configuration, tmp_path: Path) -> None:
    (circuit,) = configuration.circuits.values()
    circuit_state = CircuitState(circuit.key, "den-a", "sandbox", "lab", confirmed=HIGH)
    state = State(circuits={circuit.key: circuit_state})
    assert spent(configuration, history_in(tmp_path / "new"), NOON, state) == ["5640.00"]


def test_what_the_hours_first_run_found_stands(configuration: Configuration, history: History) -> None:
    facts: dict[str, Fact] = {"spent": "900.00", "level": 80}
    told = {
        "budget:all circuits": AlertRecord("budget", "all circuits", facts, (), at(-1), None),
        "clock:clock": AlertRecord("clock", "clock", {}, (), at(-1), None),
    }
    state = State(told=told, last_run=LastRun("r", at(0), at(0), good=True, exit=0))
    (one,) = budget_problems(configuration, state, history, at(59))
    assert (one.kind, one.facts, one.since) == (Kind.BUDGET, facts, at(-1))
    assert budget_problems(configuration, state, history, at(60)) == ()
    (again,) = budget_problems(configuration, state, history, at(60 * 24))
    assert again.since == at(-1)


def test_a_clock_that_was_set_back_looks_again(configuration: Configuration, history: History) -> None:
    state = State(last_run=LastRun("r", at(30), at(30), good=True, exit=0))
    assert budget_problems(configuration, state, history, at(20)) == ()


def test_a_history_that_cannot_be_read_stops_nothing(configuration: Configuration, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "history.jsonl"
    folder.mkdir(parents=True)
    assert budget_problems(configuration, State(), History(folder), NOON) == ()


def test_whoever_has_no_budget_pays_nothing_for_it(configuration: Configuration, tmp_path: Path) -> None:
    without = replace(configuration, budgets=())
    assert budget_problems(without, State(), History(tmp_path / "nowhere"), NOON + timedelta(1)) == ()


def test_lines_without_an_order_are_passed_over(configuration: Configuration, history: History) -> None:
    history.append("order", at=at(-30), run_id="r", order=None)
    assert spent(configuration, history, at(60 * 24)) == ["813.00"]
