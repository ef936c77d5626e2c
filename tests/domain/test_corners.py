"""Corners that the tables do not reach."""

from __future__ import annotations

from datetime import time

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import baseline_tiers, lay_out
from iodcal.domain.changes import CauseKind
from iodcal.domain.circuits import Baseline, Peak
from iodcal.domain.localtime import Interval
from iodcal.domain.planning import in_order
from iodcal.domain.policy import SafetyFlags
from iodcal.domain.structs import Fact, replace
from iodcal.domain.together import plan_together
from iodcal.problems.kinds import Kind, Problem, Severity
from tests.domain.minutes import (
    CIRCUIT,
    NOON,
    POLICY,
    TIERS,
    Ask,
    at,
    circuit_state_at,
    minutes,
    plan_of,
    timeline_of,
)
from tests.domain.test_orders import order


def test_a_peak_that_ends_is_a_cause_that_ended() -> None:
    peak = Peak(frozenset(range(7)), time(4), time(5), TIERS[2])  # until noon UTC, in Denver
    plan = plan_of(ordered=500, circuit=replace(CIRCUIT, baseline=Baseline(TIERS[0], (peak,))))
    assert plan.due is not None
    assert [(cause.kind, cause.ended) for cause in plan.due.causes] == [
        (CauseKind.BASELINE, True),
        (CauseKind.BASELINE, False),
    ]


def test_a_stretch_of_no_length_has_no_baseline() -> None:
    assert lay_out(CIRCUIT.baseline, CIRCUIT.zone, Interval(NOON, NOON)) == ()


def test_the_next_step_down_is_none_where_nothing_steps_down() -> None:
    timeline = timeline_of(Ask(30, 60))
    assert timeline.next_step_down(at(0)) == at(60)
    assert timeline.next_step_down(at(61)) is None


def test_the_target_takes_no_step_where_the_baseline_steps_below_it() -> None:
    peak = Peak(frozenset(range(7)), time(5), time(6), TIERS[2])  # from noon to one o'clock UTC, in Denver
    timeline = timeline_of(Ask(-30, 90), circuit=replace(CIRCUIT, baseline=Baseline(TIERS[0], (peak,))))
    assert timeline.next_step_down(at(-20)) == at(90)


def test_a_segment_lasts_as_long_as_nothing_changes() -> None:
    timeline = timeline_of(Ask(0, 60), Ask(10, 20, 500), Ask(15, 60))
    assert [segment.span.start for segment in timeline.segments] == [timeline.span.start, at(0), at(60)]


def test_every_kind_of_problem_has_a_nature() -> None:
    for kind in Kind:
        problem = Problem(kind, "here", {"direction": "up", "minutes": 5})
        assert problem.severity in Severity
        assert "minutes" not in dict(problem.stable_facts)
        assert problem.id == f"{kind}:here"


@pytest.mark.parametrize(
    ("kind", "severity", "stable"),
    [
        (Kind.ORDER_FAILED, Severity.ERROR, {"direction": "up", "to": "1 Gbps"}),
        (Kind.DRIFT, Severity.WARNING, {"observed": "1 Gbps", "ordered": "100 Mbps"}),
        (Kind.CLOCK, Severity.ERROR, {}),
        (Kind.LATE_RUN, Severity.WARNING, {}),
    ],
)
def test_what_makes_a_problem_another_one(kind: Kind, severity: Severity, stable: dict[str, Fact]) -> None:
    problem = Problem(kind, "den-a", {**stable, "minutes": 5, "order_id": "a1"})
    assert problem.severity is severity
    assert problem.stable_facts == tuple(stable.items())


def test_all_orders_are_the_settled_ones_and_the_open_one() -> None:
    circuit_state = circuit_state_at(100)
    assert circuit_state.all_orders == ()
    assert replace(circuit_state, order=order()).all_orders == (order(),)


def test_a_change_has_a_direction() -> None:
    directions = [str(change.direction) for change in plan_of(Ask(30, 60)).changes]
    assert directions == ["up", "down"]


def test_a_plan_without_changes_is_not_held() -> None:
    plans = plan_together([plan_of()], at(0), POLICY, {})
    assert in_order(plans) == []


@pytest.mark.parametrize("minute", [-20_000, 20_000])
def test_beyond_its_ends_a_timeline_goes_on_as_it_is(minute: int) -> None:
    assert timeline_of().at(at(minute)).target == TIERS[0]
    assert timeline_of().baseline_at(at(minute)).bandwidth == TIERS[0]


def test_knowledge_of_another_circuit_is_none_of_ours() -> None:
    plan = plan_of(ordered=1000, knowledge=SafetyFlags({"other": at(0)}, frozenset({"other"})))
    assert plan.to_order is not None
    assert plan.to_order.at <= at(0) + minutes(1)


def test_a_baseline_alone_asks_for_tiers() -> None:
    """A peak at a level that is not sold, and another at the tier that stands for it: one step up."""
    odd = Peak(frozenset(range(7)), time(6), time(7), Bandwidth(TIERS[1].mbps - 1))  # 13:00 to 14:00 UTC
    even = Peak(frozenset(range(7)), time(7), time(8), TIERS[1])
    circuit = replace(CIRCUIT, baseline=Baseline(TIERS[0], (odd, even)))
    found = baseline_tiers(circuit, Interval(at(0), at(240)))
    assert (found.starts, found.values) == ((at(0), at(60), at(180)), (TIERS[0], TIERS[1], TIERS[0]))
