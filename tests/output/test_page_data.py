"""The page's values: levels that were, events in rows, and what there is room for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from iodcal.analysis.past import CircuitPast, circuit_pasts
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Held, Reason
from iodcal.domain.circuit_state import CircuitState, Drift
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Outcome
from iodcal.domain.structs import replace
from iodcal.output.html.bars import MOST_ROWS, Bar, bars_of, in_rows
from iodcal.output.html.document import Html, tag, together
from iodcal.output.html.page import page_html
from iodcal.output.html.page_data import page_of, past_blocks, planned_blocks
from iodcal.problems.kinds import Kind, Problem
from iodcal.store.entries import Hidden
from iodcal.store.history import Past, PastOrder, PastReading, Stamp, Transition
from iodcal.store.lines import read_past
from iodcal.store.state import AlertRecord, State
from tests.domain.minutes import CIRCUIT, NOON, Ask, at, circuit_state_at, minutes, plan_of, timeline_of
from tests.render.test_golden import report
from tests.store import past as records

NOTHING = Hidden(False, frozenset(), frozenset())
DAY = Interval(at(0), at(600))
STAMP = Stamp(NOON, "r")


def confirmed(minute: float, old: int, new: int, outcome: Outcome = Outcome.CONFIRMED) -> PastOrder:
    order = replace(records.order(minute, old, new), circuit_key=CIRCUIT.key, outcome=outcome,
                    settled_at=at(minute + 5), run_id="r")  # fmt: skip
    return PastOrder(STAMP, order, (Transition(STAMP, outcome),))


def reading(minute: float, mbps: int | None, drift: int | None = None) -> PastReading:
    shown = Drift(Bandwidth(drift), at(minute), at(minute)) if drift else None
    level = Bandwidth(mbps) if mbps else None
    return PastReading(Stamp(at(minute), "r"), "den-a", CIRCUIT.key, level, None, shown)


def past_of(past: Past, circuit_state: CircuitState) -> CircuitPast:
    return circuit_pasts(past, {circuit_state.key: circuit_state})[circuit_state.key]


@pytest.mark.parametrize(
    ("past", "ordered", "levels"),
    [
        (Past(), 100, [(0, 100)]),
        (Past(), None, []),
        (
            Past(orders=(confirmed(29, 100, 1000),), readings=(reading(30, 100),)),
            1000,
            [(30, 100), (34, 1000)],  # the run that read the circuit first ordered at once
        ),
        (Past(orders=(confirmed(60, 100, 1000),)), 1000, [(0, 100), (65, 1000)]),
        (Past(orders=(confirmed(-60, 100, 1000),)), 1000, [(0, 1000)]),
        (Past(orders=(confirmed(60, 100, 1000, Outcome.FAILED),)), 100, [(0, 100)]),
        (
            Past(orders=(confirmed(60, 100, 1000),), readings=(reading(65, 1000),)),
            1000,
            [(0, 100), (65, 1000)],
        ),
        (
            Past(orders=(confirmed(60, 100, 1000),), readings=(reading(30, 100),)),
            1000,
            [(30, 100), (65, 1000)],
        ),
        (Past(readings=(reading(30, 100), reading(90, 100, 500))), 100, [(30, 100), (90, 500)]),
        (Past(readings=(reading(30, 100), reading(90, None))), 100, [(30, 100)]),
    ],
)
def test_levels_that_were(past: Past, ordered: int | None, levels: list[tuple[int, int]]) -> None:
    found = list(past_blocks(past_of(past, circuit_state_at(ordered)), DAY))
    assert [((block.span.start - NOON) / minutes(1), block.level.mbps) for block in found] == levels
    assert not any(block.planned for block in found)
    if found and past.readings[-1:] != (reading(90, None),):
        assert found[-1].span.end == DAY.end


def test_a_drift_is_where_the_circuit_runs() -> None:
    circuit_state = replace(circuit_state_at(100), drift=Drift(Bandwidth(500), at(0), at(0)))
    assert [block.level for block in past_blocks(past_of(Past(), circuit_state), DAY)] == [Bandwidth(500)]


def test_levels_that_are_asked_for_are_those_of_the_timeline_and_leave_no_gap() -> None:
    found = list(planned_blocks(timeline_of(Ask(60, 120, lead=30, trail=10)), DAY))
    levels = [((block.span.start - NOON) / minutes(1), block.level.mbps) for block in found]
    assert levels == [(0, 100), (30, 1000), (130, 100)]
    assert [block.span.end for block in found] == [at(30), at(130), DAY.end]


def bar(start: float, end: float) -> Bar:
    span = Interval(at(start), at(end))
    return Bar(f"{start}", span, span, "r", "s")


def test_bars_of_one_row_never_cover_each_other() -> None:
    placed, left_out = in_rows([bar(0, 60), bar(30, 90), bar(60, 120), bar(61, 70)])
    assert ([one.row for one in placed], left_out) == ([0, 1, 0, 2], 0)
    crowd, left_out = in_rows([bar(0, 60)] * (MOST_ROWS + 3))
    assert (len(crowd), left_out) == (MOST_ROWS, 3)


def test_an_event_has_one_bar_whoever_tells_of_it(tmp_path: Path) -> None:
    history = records.history_in(tmp_path)
    records.fill(history, "All-Hands")
    timeline = timeline_of(Ask(300, 360, name="Town Hall", lead=30))
    first, later = bars_of(read_past(history), timeline, DAY, NOTHING, now=at(240))
    assert (first.subject, first.ready, first.asks) == ("All-Hands", True, Interval(at(0), at(100)))
    assert (later.subject, later.ready, later.asks) == ("Town Hall", None, Interval(at(270), at(360)))
    other = timeline_of(circuit=replace(CIRCUIT, name="lon-a"))
    assert [one.subject for one in bars_of(read_past(history), other, DAY, NOTHING, now=at(240))] == [
        "Town Hall"
    ]
    hidden = Hidden(False, frozenset({"noc"}), frozenset())
    assert [one.subject for one in bars_of(Past(), timeline, DAY, hidden, now=at(240))] == [None]


def test_what_stands_on_the_page_beside_the_lanes(tmp_path: Path) -> None:
    history = records.history_in(tmp_path)
    records.fill(history)
    told = {
        "drift:den-a": AlertRecord(
            "drift", "den-a", {"circuit": "den-a", "observed": "1 Gbps"}, (), NOON, NOON
        ),
        "sunspots:den-a": AlertRecord("sunspots", "den-a", {}, (), NOON, None),
    }
    due = plan_of(Ask(2, 62))
    assert due.due is not None
    held = replace(due, changes=(replace(due.due, held=Held(Reason.QUOTA, at(90))), *due.changes[1:]))
    late = Problem(Kind.LATE_RUN, "timer", {"minutes": 9, "every": "5m"}, NOON)
    made = report(plans=(held,), problems=(late,), test=True)
    page = page_of(made, read_past(history), state=State(told=told), hidden=NOTHING, back=timedelta(hours=2))
    assert [problem.id for problem in page.problems] == ["drift:den-a", "late_run:timer", "sunspots:den-a"]
    assert page.window == Interval(at(-120), at(720))
    coming = page.lanes[0].coming[0]
    assert (coming.outcome, coming.reason, coming.until) == ("held", "quota", at(90))
    text = page_html(page)
    assert "TEST environment" in text
    assert "sunspots den-a" in text
    assert "the day&#x27;s changes are needed elsewhere" in text


def test_html_is_safe_by_its_type() -> None:
    assert tag(
        "p", "<b>", Html("<b>x</b>"), None, 7, class_='a"b', data_x=None, open=True, hidden=False
    ) == Html('<p class="a&quot;b" open>&lt;b&gt;<b>x</b>7</p>')
    assert tag("meta", charset="utf-8") == Html('<meta charset="utf-8">')
    assert together(" a ", tag("b", " b"), "") == Html(" a <b> b</b>")


def test_many_problems_do_not_hide_the_picture() -> None:
    many = tuple(
        Problem(Kind.DRIFT, f"c-{number:03}", {"circuit": f"c-{number:03}"}, NOON) for number in range(400)
    )
    made = report(problems=many)
    text = page_html(page_of(made, Past(), state=State(), hidden=NOTHING, back=timedelta(hours=2)))
    assert "and 396 more" in text
    assert text.count("Warning</b>") == 300
    assert text.index("c-003 runs at") < text.index("<summary>and 396 more") < text.index("c-004 runs at")
