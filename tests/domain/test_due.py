"""S5, minute by minute. Noon is minute 0; runs come every 5 minutes, an order takes 10, the billing hour 60.

Each row: what events ask for, what is ordered at noon, and what is due then. `1000@2` is due up to 1000
since, or as of, minute 2.
"""

from __future__ import annotations

from datetime import datetime, time
from itertools import pairwise

import pytest

from iodcal.domain.changes import Cause, CauseKind, Change, of_window
from iodcal.domain.circuits import Baseline, Peak
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.domain.windows import open_windows
from tests.domain.minutes import CIRCUIT, TIERS, Ask, at, minute_of, paced, plan_of

NOTHING = None


def work(start: float, end: float, mbps: int, name: str = "") -> Ask:
    """Maintenance: exactly this bandwidth, whatever else is asked for."""
    return Ask(start, end, mbps, exactly=True, priority=10, name=name)


def shown(change: Change | None) -> str | None:
    if change is None:
        return None
    return f"{change.new.mbps}@{minute_of(change.at):g}"


@pytest.mark.parametrize(
    ("asks", "ordered", "due"),
    [
        # --- up, as soon as the next run would be too late to look
        pytest.param([Ask(4, 60)], 100, "1000@4", id="begins before the next run"),
        pytest.param([Ask(5, 60)], 100, NOTHING, id="begins when the next run comes: that run orders"),
        pytest.param([Ask(-20, 60)], 100, "1000@-20", id="a late run: overdue since it began"),
        pytest.param([Ask(-20, 99_999)], 100, "1000@-20", id="no end in sight"),
        pytest.param([Ask(4, 60)], 1000, NOTHING, id="ordered already"),
        pytest.param([Ask(4, 60, 50)], 100, NOTHING, id="asks for less than there is"),
        # --- staircases: a small step never blocks a bigger one
        pytest.param([Ask(2, 60, 200), Ask(14, 60)], 100, "1000@2", id="the bigger step within 5 + 10"),
        pytest.param([Ask(2, 60, 200), Ask(15, 60)], 100, "200@2", id="the bigger step later"),
        pytest.param([Ask(-9, 60, 200), Ask(9, 60)], 200, NOTHING, id="the bigger step is not due yet"),
        # --- a demand that an order cannot reach
        pytest.param([Ask(-30, 9)], 100, NOTHING, id="over before an order could be carried out"),
        pytest.param([Ask(-30, 10)], 100, "1000@-30", id="over the very minute an order could be done"),
        pytest.param([Ask(-30, 11)], 100, "1000@-30", id="just worth it"),
        pytest.param([Ask(-30, 3), Ask(3, 60, 500)], 100, "500@-30", id="the level that lasts is ordered"),
        pytest.param([Ask(-30, 3), Ask(12, 60)], 100, "1000@-30", id="wanted again when it could be there"),
        # --- down, only where nothing asks for it during the billing hour
        pytest.param([], 1000, "100@-10080", id="nobody asks: down to the baseline"),
        pytest.param([Ask(-60, 0)], 1000, "100@0", id="over: down at once"),
        pytest.param([Ask(-60, 0), Ask(59, 90)], 1000, NOTHING, id="the next one within the hour"),
        pytest.param([Ask(-60, 0), Ask(60, 90)], 1000, "100@0", id="the next one after the hour"),
        pytest.param([Ask(-60, 0), Ask(30, 40, 500)], 1000, "500@0", id="down to what is about to be needed"),
        pytest.param([Ask(-60, 1)], 1000, NOTHING, id="not over yet"),
        pytest.param([Ask(-60, 0), Ask(0, 60)], 1000, NOTHING, id="back to back"),
        # --- vanished and moved
        pytest.param([Ask(90, 120)], 1000, "100@-10080", id="moved away while the circuit was up"),
        pytest.param([Ask(30, 90)], 1000, NOTHING, id="moved by less than the hour"),
        # --- an `exactly` window ends what a look ahead may see
        pytest.param([Ask(-60, 90), work(3, 30, 100)], 100, NOTHING, id="just before maintenance: too late"),
        pytest.param([Ask(-60, 90), work(12, 30, 100)], 100, "1000@-60", id="before maintenance: worth it"),
        pytest.param([Ask(-5, 30), work(3, 9, 1000)], 100, "1000@-5", id="maintenance that lowers nothing"),
        pytest.param([Ask(-60, 90), work(0, 30, 100)], 1000, "100@0", id="maintenance begins: down"),
        pytest.param([Ask(-60, 90), work(-5, 2, 100)], 1000, "100@-5", id="it lowers, however short"),
        pytest.param([Ask(-60, 90), work(-20, 3, 100)], 100, NOTHING, id="not past its end"),
        pytest.param([Ask(-60, 90), work(-20, 0, 100)], 100, "1000@0", id="its end: up again"),
        pytest.param([Ask(-60, 0), work(20, 40, 500)], 1000, "100@0", id="a gap before it is used"),
        pytest.param([work(4, 60, 500)], 100, NOTHING, id="not entered early"),
        pytest.param([work(0, 60, 500)], 100, "500@0", id="entered when it begins"),
    ],
)
def test_what_is_due_at_noon(asks: list[Ask], ordered: int, due: str | None) -> None:
    assert shown(plan_of(*asks, ordered=ordered).due) == due


@pytest.mark.parametrize(
    ("provisioning", "asks", "ordered", "due"),
    [
        pytest.param(1, [Ask(-30, 3)], 100, "1000@-30", id="a quick carrier reaches a short demand"),
        pytest.param(60, [Ask(4, 200)], 100, "1000@4", id="a slow one is asked as early"),
        pytest.param(60, [Ask(4, 59)], 100, NOTHING, id="but not for what it cannot reach"),
        pytest.param(90, [Ask(-60, 0), Ask(80, 99)], 1000, NOTHING, id="and not lowered within 5 + 90"),
        pytest.param(60, [Ask(2, 200, 200), Ask(64, 200)], 100, "1000@2", id="it looks 5 + 60 ahead"),
    ],
)
def test_slow_and_quick_carriers(provisioning: int, asks: list[Ask], ordered: int, due: str | None) -> None:
    circuit, policy = paced(provisioning=provisioning)
    assert shown(plan_of(*asks, ordered=ordered, circuit=circuit, policy=policy).due) == due


PEAK = Peak(frozenset(range(7)), time(5, 0), time(7, 0), TIERS[2])  # noon to two o'clock UTC, in Denver


@pytest.mark.parametrize(
    ("asks", "now", "ordered", "due"),
    [
        pytest.param([], -4, 100, "500@0", id="the peak comes"),
        pytest.param([], 0, 500, NOTHING, id="the peak is here"),
        pytest.param([], 119, 500, NOTHING, id="the peak is about to end"),
        pytest.param([], 120, 500, "100@120", id="the peak is over"),
        pytest.param(
            [Ask(-60, -30)], -30, 1000, "500@-30", id="a gap before the peak: down to the peak only"
        ),
        pytest.param([Ask(130, 160)], 120, 500, NOTHING, id="a gap behind the peak is too short"),
        pytest.param([Ask(30, 60)], 60, 1000, "500@60", id="an event within the peak ends"),
    ],
)
def test_the_baseline_counts_like_any_demand(
    asks: list[Ask], now: int, ordered: int, due: str | None
) -> None:
    circuit = replace(CIRCUIT, baseline=Baseline(TIERS[0], (PEAK,)))
    assert shown(plan_of(*asks, ordered=ordered, now=now, circuit=circuit).due) == due


@pytest.mark.parametrize(
    ("asks", "ordered", "changes"),
    [
        pytest.param([Ask(30, 60)], 100, ["1000@30", "100@60"], id="up and down"),
        pytest.param([Ask(30, 60), Ask(100, 130)], 100, ["1000@30", "100@130"], id="a short gap is bridged"),
        pytest.param(
            [Ask(30, 60), Ask(120, 130)],
            100,
            ["1000@30", "100@60", "1000@120", "100@130"],
            id="a long one not",
        ),
        pytest.param(
            [Ask(30, 90, 200), Ask(40, 60)], 100, ["200@30", "1000@40", "200@60", "100@90"], id="steps"
        ),
        pytest.param(
            [Ask(2, 60, 200), Ask(12, 30)], 100, ["1000@2", "200@30", "100@60"], id="after a due one"
        ),
        pytest.param(
            [Ask(30, 200), work(60, 70, 100)],
            100,
            ["1000@30", "100@60", "1000@70", "100@200"],
            id="exactly",
        ),
        pytest.param([Ask(800, 900)], 100, [], id="behind the window"),
        pytest.param([Ask(700, 800)], 100, ["1000@700"], id="its end behind the window"),
        pytest.param([Ask(0, 9)], 100, [], id="what begins now is not to come, though it is too late for it"),
    ],
)
def test_what_is_to_come(asks: list[Ask], ordered: int, changes: list[str]) -> None:
    assert [shown(change) for change in plan_of(*asks, ordered=ordered).changes] == changes


def test_what_a_slow_carrier_keeps_up_now_is_not_to_come_either() -> None:
    circuit, policy = paced(provisioning=90)
    plan = plan_of(Ask(-60, 0), Ask(80, 99), ordered=1000, circuit=circuit, policy=policy)
    assert [shown(change) for change in plan.changes] == ["100@99"]


def test_changes_follow_from_one_another() -> None:
    changes = plan_of(Ask(2, 60, 200), Ask(12, 30), Ask(200, 210, 500)).changes
    assert {change.circuit for change in changes} == {"den-a"}
    assert [change.due for change in changes] == [True] + [False] * (len(changes) - 1)
    for earlier, later in pairwise(changes):
        assert earlier.new == later.old


def test_an_up_to_several_steps_counts_from_where_the_highest_begins() -> None:
    """It stands at the highest until that comes; where even a short gap is used, it is not lowered before."""
    circuit, policy = paced(min_gap=0)
    plan = plan_of(Ask(2, 60, 200), Ask(12, 30), circuit=circuit, policy=policy)
    assert [shown(change) for change in plan.changes] == ["1000@2", "200@30", "100@60"]


def causes(change: Change) -> list[tuple[str | None, bool]]:
    return [(cause.subject, cause.ended) for cause in change.causes]


def test_an_up_names_all_that_asks_for_its_level() -> None:
    up = plan_of(Ask(-10, 60, name="a"), Ask(-5, 90, name="b"), Ask(-5, 90, 500, name="c")).changes[0]
    assert causes(up) == [("a", False), ("b", False)]


def test_a_down_names_what_ended_and_what_remains() -> None:
    down = plan_of(Ask(-60, 0, name="over"), Ask(-60, 60, 500, name="still on"), ordered=1000).changes[0]
    assert causes(down) == [("still on", False), ("over", True)]


def test_what_ended_below_the_level_that_remains_is_no_cause() -> None:
    circuit = replace(CIRCUIT, baseline=Baseline(TIERS[0], (replace(PEAK, start=time(4), end=time(5)),)))
    asks = Ask(-60, 0, name="over"), Ask(-60, 0, 500, name="as much"), Ask(-60, 60, 500, name="still on")
    down = plan_of(*asks, ordered=1000, circuit=circuit).changes[0]
    assert causes(down) == [("still on", False), ("over", True)]


def test_a_cause_tells_all_of_its_event_and_rule() -> None:
    ask = Ask(10, 60, lead=30, trail=5, name="call", remembered=True)
    rule = replace(ask.rule(), labels=(("cost_center", "1"),))
    (window,) = open_windows([ask.matched()], [rule], [CIRCUIT])["den-a"]
    assert of_window(window) == Cause(
        CauseKind.EVENT,
        window.demand.id,
        at(10),
        at(60),
        rule="call",
        calendar="noc",
        subject="call",
        remembered_since=at(-60),
        asks=Interval(at(-20), at(65)),
        labels=(("cost_center", "1"),),
    )


def test_what_a_change_is_for_is_named_alike_in_every_run() -> None:
    """A peak by its start; off-peak times have none that stays."""
    circuit = replace(CIRCUIT, baseline=Baseline(TIERS[0], (PEAK,)))
    up, down = plan_of(circuit=circuit, now=-4).changes
    assert [change.demand for change in (up, down)] == ["peak/2026-11-24T12:00:00+00:00", "off-peak"]
    assert [(cause.start, cause.end) for cause in up.causes] == [(at(0), at(120))]


def test_a_down_into_maintenance_names_the_maintenance_only() -> None:
    down = plan_of(Ask(-60, 60, name="meeting"), work(0, 30, 100, name="work"), ordered=1000).changes[0]
    assert causes(down) == [("work", False)]


def test_a_down_to_the_baseline_names_it() -> None:
    down = plan_of(Ask(-60, 0, name="over"), ordered=1000).changes[0]
    assert [(cause.kind, cause.ended) for cause in down.causes] == [("baseline", False), ("event", True)]


def test_too_late_is_told_with_the_level_and_its_end() -> None:
    plan = plan_of(Ask(-30, 3), Ask(3, 60, 500))
    assert plan.too_late is not None
    assert (plan.too_late[0].mbps, minute_of(plan.too_late[1])) == (1000, 3)


def test_an_unknown_circuit_has_a_target_but_no_change() -> None:
    plan = plan_of(Ask(-10, 60), ordered=None)
    assert (plan.target.mbps, plan.changes) == (1000, ())


def test_the_present_level_began_a_week_ago_at_most() -> None:
    change = plan_of(ordered=1000).due
    assert change is not None
    assert isinstance(change.at, datetime)
