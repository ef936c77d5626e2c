"""Which problems are told when: the life of one problem over many runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from iodcal.domain.structs import Fact
from iodcal.pipeline.alerts import AlertDecision, decide_alerts
from iodcal.problems.kinds import Kind, Problem
from iodcal.store.state import AlertRecord

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def drift(**facts: Fact) -> Problem:
    return Problem(Kind.DRIFT, "den-a", {"observed": "1 Gbps", "ordered": "100 Mbps", **facts})


def run(
    told: Mapping[str, AlertRecord], *problems: Problem, at: timedelta = timedelta(), terminal: bool = False
) -> AlertDecision:
    return decide_alerts(problems, told, examined=lambda _kind, _where: True, now=NOW + at, terminal=terminal)


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
    blind = decide_alerts(
        (), first.told, examined=lambda _kind, where: where != "den-a", now=NOW, terminal=False
    )
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


def at_risk(kind: Kind = Kind.EVENT_AT_RISK, place: str = "den-a/r/2026-11-24T12:30Z/1a2b3c4d") -> Problem:
    return Problem(kind, place, {"circuit": "den-a", "cause": "quota"})


def test_a_problem_that_turned_into_a_worse_one_has_not_cleared() -> None:
    first = run({}, at_risk())
    second = run(first.told, at_risk(Kind.EVENT_LATE), at=HOUR)
    assert ([one.kind for one in second.new], second.cleared) == ([Kind.EVENT_LATE], ())
    assert set(second.told) == {at_risk(Kind.EVENT_LATE).id}
    assert [gone.kind for gone in run(second.told, at=HOUR).cleared] == ["event_late"]
    # For a person who reads along the milder one is over all the same, and not told as cleared later on.
    seen = run(first.told, at_risk(Kind.EVENT_LATE), at=HOUR, terminal=True)
    assert (seen.cleared, run(seen.told, at_risk(Kind.EVENT_LATE), at=2 * HOUR).cleared) == ((), ())


def test_another_event_that_is_late_clears_nothing_and_a_better_kind_is_an_end() -> None:
    other = at_risk(Kind.EVENT_LATE, "den-a/r/2026-11-24T12:30Z/5e6f7a8b")
    first = run({}, at_risk())
    assert [gone.kind for gone in run(first.told, other, at=HOUR).cleared] == ["event_at_risk"]
    late = run({}, at_risk(Kind.EVENT_LATE))
    assert [gone.kind for gone in run(late.told, at_risk(), at=HOUR).cleared] == ["event_late"]


def test_an_event_that_the_first_versions_named_otherwise_goes_on() -> None:
    first = run({}, at_risk(place="den-a/r/2026-11-24T12:30Z"))
    for kind in (Kind.EVENT_AT_RISK, Kind.EVENT_LATE):
        assert run(first.told, at_risk(kind), at=HOUR).cleared == ()
