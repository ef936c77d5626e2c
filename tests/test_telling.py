"""Which problems are told when: the life of one problem over many runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from iodcal.problems.alerts import AlertDecision, tell
from iodcal.problems.kinds import Fact, Kind, Problem
from iodcal.state import Told

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def drift(**facts: Fact) -> Problem:
    return Problem(Kind.DRIFT, "den-a", {"observed": "1 Gbps", "ordered": "100 Mbps", **facts})


def run(
    told: Mapping[str, Told], *problems: Problem, at: timedelta = timedelta(), terminal: bool = False
) -> AlertDecision:
    return tell(problems, told, examined=lambda _kind, _where: True, now=NOW + at, terminal=terminal)


def test_a_problem_is_told_once_and_again_after_six_hours() -> None:
    first = run({}, drift())
    assert first.new == (drift(),)
    second = run(first.told, drift(), at=5 * HOUR)
    assert [second.new, second.changed, second.reminded, second.cleared] == [(), (), (), ()]
    third = run(second.told, drift(), at=6 * HOUR)
    assert third.reminded == (drift(),)
    assert not run(third.told, drift(), at=7 * HOUR).reminded


def test_a_change_of_stable_facts_is_told_and_of_others_not() -> None:
    first = run({}, drift(lowers_at="12:00"))
    later = drift(lowers_at="13:00")
    assert not run(first.told, later, at=HOUR).changed
    other = drift(observed="500 Mbps")
    changed = run(first.told, other, at=HOUR)
    assert changed.changed == (other,)
    assert not run(changed.told, other, at=2 * HOUR).changed


def test_what_is_gone_is_told_as_cleared_once() -> None:
    first = run({}, drift())
    second = run(first.told, at=HOUR)
    assert [gone.where for gone in second.cleared] == ["den-a"]
    assert not run(second.told, at=HOUR).cleared


def test_only_what_a_run_examined_can_clear() -> None:
    first = run({}, drift())
    blind = tell((), first.told, examined=lambda _kind, where: where != "den-a", now=NOW, terminal=False)
    assert not blind.cleared
    assert blind.told == first.told


def test_a_run_on_a_terminal_does_not_count_as_told() -> None:
    looked_at = run({}, drift(), terminal=True)
    assert run(looked_at.told, drift(), at=HOUR).new == (drift(),)
    assert run(looked_at.told, drift(), at=HOUR).told["drift:den-a"].since == NOW


def test_what_clears_before_a_terminal_is_told_to_cron_later() -> None:
    first = run({}, drift())
    on_terminal = run(first.told, at=HOUR, terminal=True)
    assert [gone.where for gone in run(on_terminal.told, at=2 * HOUR).cleared] == ["den-a"]


@pytest.mark.parametrize("terminal", [True, False])
def test_what_was_never_told_clears_in_silence(terminal: bool) -> None:
    looked_at = run({}, drift(), terminal=True)
    assert not run(looked_at.told, at=HOUR, terminal=terminal).cleared


def test_what_cleared_before_a_terminal_stands_no_longer() -> None:
    first = run({}, drift())
    on_terminal = run(first.told, at=HOUR, terminal=True)
    assert on_terminal.told["drift:den-a"].over
    assert not run(on_terminal.told, drift(), at=HOUR).told["drift:den-a"].over
