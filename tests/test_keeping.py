"""What goes into the history at the end of a run: problems with beginning and end, each once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from iodcal.domain.values import replace
from iodcal.keeping import note_problems
from iodcal.ledger import Ledger
from iodcal.problems.alerts import decide_alerts
from iodcal.problems.kinds import Kind, Problem
from iodcal.state import State, Told
from iodcal.state.store import StateStore
from tests.domain.minutes import NOON

DRIFT = Problem(Kind.DRIFT, "den-a", {"observed": "1 Gbps", "ordered": "100 Mbps", "lowers_at": "x"}, NOON)
MOVED = replace(DRIFT, facts={**DRIFT.facts, "lowers_at": "y"})
CHANGED = replace(DRIFT, facts={**DRIFT.facts, "observed": "500 Mbps"})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(StateStore(tmp_path / "state.json"), State(), "r", lambda: NOON, stamp={"iodcal": "0.1.0"})


def run(ledger: Ledger, problems: tuple[Problem, ...], *, terminal: bool) -> None:
    told: Mapping[str, Told] = decide_alerts(
        problems, ledger.state.told, examined=lambda *_: True, now=NOON, terminal=terminal
    ).told
    note_problems(ledger, problems, told)
    ledger.state = replace(ledger.state, told=told)


def read(ledger: Ledger) -> list[dict[str, Any]]:
    assert isinstance(ledger.store, StateStore)
    return list(ledger.store.history.read())


def lines(ledger: Ledger) -> list[tuple[Any, Any]]:
    return [(record["kind"], record["id"]) for record in read(ledger)]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_problem_is_noted_once_whoever_looks_on(ledger: Ledger, terminal: bool) -> None:
    for problems in ((DRIFT,), (DRIFT,), (MOVED,), (CHANGED,), (CHANGED,)):
        run(ledger, problems, terminal=terminal)
    assert lines(ledger) == [("problem", "drift:den-a")] * 2
    run(ledger, (), terminal=terminal)
    run(ledger, (), terminal=terminal)
    assert lines(ledger)[2:] == [("recovered", "drift:den-a")]


def test_every_line_has_the_stamp_and_what_is_said_beside_it_counts_more(ledger: Ledger) -> None:
    ledger.note("hold", iodcal="of the caller")
    run(ledger, (DRIFT,), terminal=False)
    assert [record["iodcal"] for record in read(ledger)] == ["of the caller", "0.1.0"]
