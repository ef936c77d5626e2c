"""From lines to values: an order in one piece, problems with their end, and lines that say nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Outcome, with_end
from iodcal.domain.structs import replace
from iodcal.store.entries import Hidden, conceal
from iodcal.store.history import Past, PastWish
from iodcal.store.lines import gather, read_past
from iodcal.store.log import History
from iodcal.store.rebuild import rebuild
from tests.store.past import HOSTILE, NOON, PAT, TIMER, at, fill, history_in, order


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = history_in(tmp_path)
    fill(made)
    return made


def test_an_order_has_its_causes_its_steps_and_its_end(history: History) -> None:
    up, down = read_past(history).orders
    assert [(step.stamp.run_id, step.outcome) for step in up.transitions] == [
        ("r1", Outcome.SENDING),
        ("r1", Outcome.ACCEPTED),
        ("r2", Outcome.CONFIRMED),
    ]
    assert [step.stamp.by for step in up.transitions] == [TIMER, TIMER, PAT]
    assert (up.order.settled_at, up.order.carrier_order_id) == (at(5), "C-1")
    assert (up.stamp.by, up.stamp.version, up.labels) == (
        TIMER,
        "0.1.0",
        (("cost_center", "4711"), ("owner", "Pat")),
    )
    (cause,) = up.causes
    assert (cause.subject, cause.asks) == (HOSTILE, Interval(at(0), at(100)))
    assert cause.labels == (("change_ref", "CHG7"),)
    assert (down.order.outcome, down.order.reason) == (Outcome.REFUSED, "rejected")


def test_what_was_noted_again_after_a_state_that_could_not_be_saved_happened_once(history: History) -> None:
    up = read_past(history).orders[0]
    history.append("order", at=at(10), run_id="r3", order=replace(up.order, settled_at=at(10)))
    assert read_past(history).orders[0] == up


def test_each_other_kind_has_its_value(history: History) -> None:
    past = read_past(history)
    (change,), (look,), (reading,), (problem,), (hold, pause), (other,) = (
        past.changes, past.preflight_checks, past.readings, past.problems, past.wishes, past.others
    )  # fmt: skip
    assert (change.circuit, change.reason, change.new, change.until) == (
        "lon-a",
        "observe",
        Bandwidth(500),
        None,
    )
    assert (look.ready, look.needs, look.end) == (True, Bandwidth(1000), at(90))
    assert reading.drift is not None
    assert (reading.confirmed, reading.drift.observed) == (Bandwidth(1000), Bandwidth(500))
    assert (problem.kind, problem.ended, problem.severity) == ("event_late", at(45), "error")
    assert (other.kind, other.circuit, other.facts["mbps"], other.stamp.by) == ("later", "den-a", 500, PAT)
    assert hold == PastWish(
        hold.stamp,
        "hold",
        "den-a",
        "pat",
        "for the demo",
        at(120),
        Bandwidth(500),
        exactly=True,
        account="root",
    )
    assert (pause.kind, pause.circuit, pause.who, pause.until) == ("pause", None, "pat", at(90))
    assert past.circuits == {"den-a", "lon-a"}
    assert past.unreadable == 0


def test_lines_of_the_first_version_are_read(tmp_path: Path) -> None:
    history = history_in(tmp_path)
    old = {"kind": "event", "rule": "r", "calendar": "c", "subject": "s", "start": NOON.isoformat(),
           "end": at(60).isoformat(), "ended": False}  # fmt: skip
    history.append("order", at=NOON, run_id="r", order=order(0, 100, 500), causes=[old])
    history.append("change", at=NOON, run_id="r", circuit="a", from_mbps=100, to_mbps=500, held="observe")
    history.append("curtain_up", at=NOON, run_id="r", circuit="a", rule="r", start=NOON, result="late")
    history.append("problem", at=NOON, run_id="r", id="drift:a", facts={"circuit": "a"})
    past = read_past(history)
    assert past.unreadable == 0
    assert (past.orders[0].stamp.by, past.orders[0].causes[0].asks) == (None, None)
    assert (past.problems[0].where, past.problems[0].ended) == ("a", None)
    assert not past.preflight_checks[0].ready


def test_a_problem_that_changes_ends_the_one_before_it() -> None:
    line = {"at": NOON.isoformat(), "run_id": "r", "kind": "problem", "id": "drift:a", "facts": {}}
    later = {**line, "at": at(5).isoformat()}
    past = gather([line, later, {**later, "kind": "recovered", "id": "other"}])
    assert [problem.ended for problem in past.problems] == [at(5), None]


HEAD = '{"at": "2026-11-24T12:00:00Z", "run_id": "r", "kind": '
STEP = '"change", "circuit": "a", "held": "x", "from_mbps": '


@pytest.mark.parametrize(
    "line",
    [
        *("", "{", "[]", "7", '"x"', "{}", '{"kind": "order"}', "\x00\x01", "[" * 5000),
        '{"at": "yesterday", "run_id": "r", "kind": "hold"}',
        '{"at": "2026-11-24T12:00:00", "run_id": "r", "kind": "hold"}',
        '{"at": "2026-11-24T12:00:00Z", "run_id": 7, "kind": "hold"}',
        HEAD + '"hold", "by": {"kind": "robot"}}',
        HEAD + STEP + '0, "to_mbps": 1}',
        HEAD + STEP + '1, "to_mbps": 2, "labels": {"a": 1}}',
    ],
)
def test_a_line_that_says_nothing_is_counted_and_stops_nothing(history: History, line: str) -> None:
    with history.path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    history.append("hold", at=at(200), run_id="later", circuit="den-a")
    past = read_past(history)
    assert past.unreadable == 1
    assert past.wishes[-1].stamp.run_id == "later"
    assert len(past.orders) == 2


def test_months_that_were_over_before_are_left_out(tmp_path: Path) -> None:
    history = history_in(tmp_path)
    for months in (60, 30, 0):
        history.append("hold", at=NOON - timedelta(days=months), run_id=str(months))
        history.rotate(NOON - timedelta(days=months - 30), timedelta(days=400))
    assert len(read_past(history).wishes) == 3
    assert [wish.stamp.run_id for wish in read_past(history, NOON).wishes] == ["0"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    history = history_in(tmp_path_factory.mktemp("records"))
    fill(history)
    return list(history.read())


@given(data=st.data())
def test_no_damage_is_more_than_one_line_lost(records: list[dict[str, Any]], data: st.DataObject) -> None:
    damaged = list(records)
    index = data.draw(st.integers(0, len(records) - 1))
    key = data.draw(st.sampled_from(sorted(records[index])))
    damaged[index] = {**records[index], key: data.draw(JSON)}
    assert gather(json.loads(json.dumps(record)) for record in damaged).unreadable <= 1


EVERYTHING = Hidden(True, frozenset(), frozenset())
COMPANY = Hidden(False, frozenset({"company"}), frozenset({"Company-wide events"}))
NOTHING = Hidden(False, frozenset({"rooms"}), frozenset({"Rooms"}))


def subjects(past: Past) -> set[object]:
    causes = [cause for one in past.orders for cause in one.causes]
    causes += [cause for one in past.changes for cause in one.causes]
    facts = [problem.facts.get("subject") for problem in past.problems]
    return (
        {cause.subject for cause in causes if cause.kind == "event"}
        | {look.subject for look in past.preflight_checks}
        | set(facts)
    )


def test_what_is_hidden_today_is_hidden_in_what_was_written_before(history: History) -> None:
    past = read_past(history)
    assert subjects(conceal(past, EVERYTHING)) == {None}
    assert subjects(conceal(past, COMPANY)) == {None}
    assert subjects(conceal(past, NOTHING)) == subjects(past) == {HOSTILE, "Town Hall"}
    source = replace(past.problems[0], facts={"calendar": "rooms/board@x.example", "subject": "Secret"})
    of_room = conceal(Past(problems=(source,)), NOTHING)
    assert of_room.problems[0].facts["subject"] is None
    by = replace(past.problems[0], facts={"by": "Rooms", "by_subject": "Secret", "subject": "s", "rule": "r"})
    assert conceal(Past(problems=(by,)), NOTHING).problems[0].facts == {**by.facts, "by_subject": None}


def test_a_state_that_is_rebuilt_knows_when_orders_went_out_that_count_against_a_circuits_limits(
    tmp_path: Path,
) -> None:
    """S13: orders of weeks ago count against 100 a month; what never left does not."""
    made = history_in(tmp_path)
    week = 7 * 24 * 60
    for number, minute in enumerate([-80 * week, -3 * week, -2 * week, -5]):
        sent = order(minute, 100, 500, str(number))
        made.append("order", at=at(minute), run_id="r1", order=sent)
        outcome = Outcome.NOT_SENT if minute == -2 * week else Outcome.REFUSED
        made.append("order", at=at(minute), run_id="r1", order=with_end(sent, outcome, at(minute)))
    (circuit_state,) = rebuild(made.read(), at(0)).circuits.values()
    assert circuit_state.changed_at == (at(-3 * week), at(-5))
    assert [one.id for one in circuit_state.recent] == ["3"]


def test_what_was_forgotten_since_is_not_rebuilt_for_its_limits(tmp_path: Path) -> None:
    made = history_in(tmp_path)
    made.append("order", at=at(0), run_id="r1", order=order(0, 100, 500))
    made.append("forget", at=at(1), run_id="r2", key=order(0, 100, 500).circuit_key, circuit="den-a")
    assert rebuild(made.read(), at(2)).circuits == {}
