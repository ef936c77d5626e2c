"""Why a circuit is asked for its bandwidth: who decides, who is overruled, what a gap adds."""

from __future__ import annotations

from datetime import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import CauseKind
from iodcal.domain.circuits import Baseline, Circuit, Peak
from iodcal.domain.explain import Explanation, Role, explain
from iodcal.domain.structs import replace
from tests.domain.minutes import CIRCUIT, POLICY, TIERS, Ask, at, circuit_state_at, minutes, plan_of
from tests.domain.test_properties import LAST, mixed

GOVERNS, DECIDES, EXCEEDED, OVERRULED = Role
PEAKED = replace(
    CIRCUIT,
    baseline=Baseline(TIERS[0], (Peak(frozenset(range(7)), time(4), time(6), TIERS[2]),)),  # 11:00-13:00 UTC
)


def why(
    *asks: Ask, when: float = 0, now: float = 0, ordered: int | None = 100, circuit: Circuit = CIRCUIT
) -> Explanation:
    plan = plan_of(*asks, ordered=ordered, now=now, circuit=circuit)
    return explain(plan, at(when), at(now), POLICY.timing(circuit))


def roles(explained: Explanation) -> list[tuple[str, Role]]:
    """Each part by its rule and role, the baseline last."""
    parts = [(part.window.demand.rule.name, part.role) for part in explained.parts]
    return [*parts, ("baseline", explained.ground.role)]


@pytest.mark.parametrize(
    ("asks", "circuit", "target", "expected"),
    [
        pytest.param([], CIRCUIT, 100, [("baseline", DECIDES)], id="the baseline alone"),
        pytest.param([], PEAKED, 500, [("baseline", DECIDES)], id="its peak"),
        pytest.param(
            [Ask(-5, 5, 500, name="x"), Ask(-9, 9, 1000, name="y")],
            CIRCUIT,
            1000,
            [("y", DECIDES), ("x", EXCEEDED), ("baseline", EXCEEDED)],
            id="the highest decides",
        ),
        pytest.param(
            [Ask(-5, 5, 200, name="x")],
            PEAKED,
            500,
            [("x", EXCEEDED), ("baseline", DECIDES)],
            id="the peak is higher than the event",
        ),
        pytest.param(
            [Ask(-5, 5, 100, exactly=True, priority=1, name="m"), Ask(-5, 5, name="x")],
            PEAKED,
            100,
            [("m", GOVERNS), ("x", OVERRULED), ("baseline", OVERRULED)],
            id="an exactly rule governs",
        ),
        pytest.param(
            [
                Ask(-5, 5, 200, exactly=True, name="m"),
                Ask(-5, 5, 500, exactly=True, priority=-1, name="n"),
                Ask(-5, 5, name="x"),
            ],
            CIRCUIT,
            1000,
            [("m", GOVERNS), ("x", DECIDES), ("n", OVERRULED), ("baseline", OVERRULED)],
            id="an equal priority is heard, a lower exactly is not",
        ),
        pytest.param(
            [Ask(-5, 5, name="x")],
            replace(CIRCUIT, ceiling=Bandwidth(500)),
            500,
            [("x", DECIDES), ("baseline", EXCEEDED)],
            id="up to the ceiling",
        ),
        pytest.param([Ask(5, 9), Ask(-9, 0)], CIRCUIT, 100, [("baseline", DECIDES)], id="half open"),
    ],
)
def test_each_part_has_its_role(
    asks: list[Ask], circuit: Circuit, target: int, expected: list[tuple[str, Role]]
) -> None:
    explained = why(*asks, circuit=circuit)
    assert explained.segment.target == Bandwidth(target)
    assert roles(explained) == expected


def test_what_it_needs_is_what_is_sold() -> None:
    (part,) = why(Ask(-5, 5, 300)).parts
    assert (part.window.bandwidth, part.needs) == (Bandwidth(300), Bandwidth(500))


def test_the_baseline_needs_what_its_level_is_sold_as() -> None:
    assert why(Ask(-5, 5), circuit=PEAKED).ground.needs == Bandwidth(500)
    odd = replace(CIRCUIT, baseline=Baseline(Bandwidth(150)))
    assert why(circuit=odd).ground.needs == Bandwidth(200)


def test_how_long_the_same_parts_ask() -> None:
    explained = why(Ask(-5, 30, 500, name="x"), Ask(-9, 20, 200, name="y"), Ask(-60, -10, name="z"))
    assert (explained.lasts.start, explained.lasts.end) == (at(-5), at(20))
    assert why(circuit=PEAKED).lasts.end == at(60)


def test_a_gap_that_is_not_worth_lowering_says_for_what() -> None:
    explained = why(Ask(-30, 0, name="x"), Ask(50, 90, name="y"), ordered=1000)
    assert explained.kept is not None
    assert (explained.level, explained.kept.level) == (Bandwidth(1000), Bandwidth(1000))
    assert [cause.rule for cause in explained.kept.causes] == ["y"]
    assert explained.kept.sight.end == at(60)


@pytest.mark.parametrize(
    ("asks", "ordered"),
    [
        pytest.param([Ask(-30, 0), Ask(61, 90)], 1000, id="what comes later keeps nothing"),
        pytest.param([Ask(-30, 30)], 1000, id="the target itself asks for it"),
        pytest.param([Ask(50, 90)], 100, id="what is not up is not kept up"),
    ],
)
def test_no_gap_keeps_what_is_not_kept(asks: list[Ask], ordered: int) -> None:
    assert why(*asks, ordered=ordered).kept is None


@pytest.mark.parametrize("when", [0, 5, 79])
def test_a_slow_carrier_bridges_a_longer_gap_from_now_on(when: float) -> None:
    slow = replace(CIRCUIT, provisioning=minutes(90))  # looks 95 minutes ahead, the billing hour is 60
    explained = why(Ask(-60, 0, name="x"), Ask(80, 130, name="y"), when=when, ordered=1000, circuit=slow)
    assert explained.kept is not None
    assert (explained.level, explained.kept.causes[0].rule) == (Bandwidth(1000), "y")


def test_only_the_billing_hour_counts_in_a_gap_to_come() -> None:
    slow = replace(CIRCUIT, provisioning=minutes(90))
    asks = Ask(10, 100, name="x"), Ask(150, 170, 500, name="y"), Ask(185, 230, name="z")
    explained = why(*asks, when=120, circuit=slow)
    assert explained.kept is not None
    assert (explained.level, explained.kept.causes[0].rule) == (Bandwidth(500), "y")


def test_a_gap_to_come_is_planned_over() -> None:
    explained = why(Ask(100, 130, name="x"), Ask(160, 200, name="y"), when=140)
    assert (explained.segment.target, explained.level) == (Bandwidth(100), Bandwidth(1000))
    assert explained.kept is not None
    assert [cause.rule for cause in explained.kept.causes] == ["y"]


def test_the_planned_level_follows_the_changes() -> None:
    asks = Ask(5, 40), Ask(200, 240, 500)
    levels = [why(*asks, when=when).level for when in (0, 20, 100, 220, 300)]
    assert [level and level.mbps for level in levels] == [100, 1000, 100, 500, 100]
    assert [change.new.mbps for change in why(*asks, when=220).changes] == [100]
    turn = why(*asks, when=40)  # what is planned for that very minute is done
    assert (turn.level, [change.new.mbps for change in turn.changes]) == (Bandwidth(100), [500, 100])
    due, *later = why(Ask(2, 40), when=1).changes
    assert (due.due, [change.new.mbps for change in later]) == (True, [100])


def test_what_is_due_now_is_not_ordered_yet() -> None:
    explained = why(Ask(-5, 60))
    assert (explained.level, explained.changes[0].due) == (Bandwidth(100), True)


def test_of_the_past_only_the_demands_are_told() -> None:
    gap = why(Ask(-100, -70), Ask(-60, -20), when=-65, ordered=1000)
    assert (gap.level, gap.kept) == (None, None)
    explained = why(Ask(-60, -20, name="x"), when=-30, ordered=1000)
    assert (explained.past, explained.level, explained.kept, explained.changes) == (True, None, None, ())
    assert roles(explained)[0] == ("x", DECIDES)


def test_where_nothing_is_known_there_is_no_level() -> None:
    plan = plan_of(Ask(-5, 5), circuit_state=replace(circuit_state_at(None)))
    explained = explain(plan, at(0), at(0), POLICY.timing(CIRCUIT))
    assert (explained.level, explained.kept) == (None, None)
    assert [part.role for part in explained.parts] == [DECIDES]
    gap = plan_of(Ask(-30, 0), Ask(30, 60), circuit_state=circuit_state_at(None))
    assert explain(gap, at(0), at(0), POLICY.timing(CIRCUIT)).kept is None


def test_a_remembered_demand_says_so() -> None:
    (part,) = why(Ask(-5, 5, remembered=True)).parts
    assert part.window.demand.remembered_since == at(-60)


@given(mixed, st.integers(0, LAST))
def test_who_decides_makes_the_target(asks: list[Ask], when: int) -> None:
    explained = why(*asks, when=when)
    parts = [(part.role, part.needs) for part in explained.parts]
    parts.append((explained.ground.role, explained.ground.needs))
    heard = [needs for role, needs in parts if role in (GOVERNS, DECIDES, EXCEEDED)]
    assert max(heard) == explained.segment.target
    for role, needs in parts:
        if role is DECIDES:
            assert needs == explained.segment.target
        if role is EXCEEDED:
            assert needs < explained.segment.target
    assert sum(role is GOVERNS for role, _ in parts) == (explained.segment.pin is not None)


@given(mixed, st.integers(0, LAST), st.sampled_from([100, 200, 500, 1000]))
def test_what_is_kept_up_is_never_lowered_further(asks: list[Ask], now: int, ordered: int) -> None:
    plan = plan_of(*asks, ordered=ordered, now=now)
    explained = explain(plan, at(now), at(now), POLICY.timing(CIRCUIT))
    due = plan.due
    if explained.kept is not None and due is not None and not due.up:
        assert due.new == explained.kept.level
        assert explained.kept.causes
    if explained.kept is None and due is not None and not due.up:
        assert due.new == explained.segment.target


@given(mixed, st.integers(0, LAST))
def test_the_same_parts_ask_as_long_as_it_says(asks: list[Ask], when: int) -> None:
    explained = why(*asks, when=when)
    assert explained.at in explained.lasts
    span = explained.lasts
    steps = range(int((span.end - span.start) / minutes(1)))
    instants = [span.start + minutes(step) for step in list(steps)[:200]]
    timing = POLICY.timing(CIRCUIT)
    found = [roles(explain(explained.plan, instant, explained.now, timing)) for instant in instants]
    assert all(one == other for one, other in pairwise(found))


def test_causes_have_their_kinds() -> None:
    explained = why(Ask(-30, 0), circuit=PEAKED, ordered=1000)
    assert explained.changes[0].causes[0].kind in list(CauseKind)
