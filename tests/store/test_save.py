"""What goes into the history at the end of a run: problems with beginning and end, each once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from iodcal.domain.structs import replace
from iodcal.pipeline.alerts import decide_alerts
from iodcal.pipeline.journal import Journal
from iodcal.pipeline.save import note_problems
from iodcal.problems.kinds import Kind, Problem
from iodcal.store.state import AlertRecord, State
from iodcal.store.store import StateStore
from tests.domain.minutes import NOON

DRIFT = Problem(Kind.DRIFT, "den-a", {"observed": "1 Gbps", "ordered": "100 Mbps", "lowers_at": "x"}, NOON)
MOVED = replace(DRIFT, facts={**DRIFT.facts, "lowers_at": "y"})
CHANGED = replace(DRIFT, facts={**DRIFT.facts, "observed": "500 Mbps"})


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(StateStore(tmp_path / "state.json"), State(), "r", lambda: NOON, stamp={"iodcal": "0.1.0"})


def run(journal: Journal, problems: tuple[Problem, ...], *, terminal: bool) -> None:
    told: Mapping[str, AlertRecord] = decide_alerts(
        problems, journal.state.told, examined=lambda *_: True, now=NOON, terminal=terminal
    ).told
    note_problems(journal, problems, told)
    journal.state = replace(journal.state, told=told)


def read(journal: Journal) -> list[dict[str, Any]]:
    assert isinstance(journal.store, StateStore)
    return list(journal.store.history.read())


def lines(journal: Journal) -> list[tuple[Any, Any]]:
    return [(record["kind"], record["id"]) for record in read(journal)]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_problem_is_noted_once_whoever_looks_on(journal: Journal, terminal: bool) -> None:
    for problems in ((DRIFT,), (DRIFT,), (MOVED,), (CHANGED,), (CHANGED,)):
        run(journal, problems, terminal=terminal)
    assert lines(journal) == [("problem", "drift:den-a")] * 2
    run(journal, (), terminal=terminal)
    run(journal, (), terminal=terminal)
    assert lines(journal)[2:] == [("recovered", "drift:den-a")]


def test_every_line_has_the_stamp_and_what_is_said_beside_it_counts_more(journal: Journal) -> None:
    journal.note("hold", iodcal="of the caller")
    run(journal, (DRIFT,), terminal=False)
    assert [record["iodcal"] for record in read(journal)] == ["of the caller", "0.1.0"]
