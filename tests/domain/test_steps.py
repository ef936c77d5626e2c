"""A value that changes at instants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.localtime import Interval
from iodcal.domain.steps import ALWAYS, EVER, NEVER, Steps
from tests.domain.minutes import at

DAY = Interval(at(0), at(100))


def steps(*changes: tuple[float, str]) -> Steps[str]:
    return Steps.of((at(minute), value) for minute, value in changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], []),
        ([(0, "a"), (10, "b")], [(0, "a"), (10, "b")]),
        ([(0, "a"), (10, "a"), (20, "b")], [(0, "a"), (20, "b")]),  # changes nothing
        ([(0, "a"), (0, "b")], [(0, "b")]),  # replaced at once
        ([(0, "a"), (20, "b"), (10, "c")], [(0, "a"), (10, "c")]),  # overrides what would have come
        ([(0, "a"), (20, "b"), (10, "a")], [(0, "a")]),
    ],
)
def test_only_what_changes_is_a_step(
    changes: list[tuple[float, str]], expected: list[tuple[float, str]]
) -> None:
    found = steps(*changes)
    assert list(zip(found.starts, found.values, strict=True)) == [(at(one), value) for one, value in expected]


def test_the_value_at_an_instant() -> None:
    found = steps((0, "a"), (10, "b"))
    assert [found.at(at(minute)) for minute in (-5, 0, 9.9, 10, 99)] == ["a", "a", "a", "b", "b"]


@pytest.mark.parametrize(
    ("minute", "holds", "since"),
    [(5, "a", 0), (5, "b", None), (25, "c", 20), (25, "bc", 10), (25, "abc", 0), (-5, "a", 0)],
)
def test_since_when_without_a_break(minute: float, holds: str, since: float | None) -> None:
    found = steps((0, "a"), (10, "b"), (20, "c")).since(at(minute), lambda value: value in holds)
    assert found == (None if since is None else at(since))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 30, [(0, 10, "a"), (10, 20, "b"), (20, 30, "a")]),
        (5, 15, [(5, 10, "a"), (10, 15, "b")]),
        (10, 20, [(10, 20, "b")]),
        (-5, 5, [(0, 5, "a")]),  # nothing lies before the first step
        (-9, -5, []),
        (50, 60, [(50, 60, "a")]),
        (5, 5, []),
    ],
)
def test_pieces_are_cut_to_the_span(
    start: float, end: float, expected: list[tuple[float, float, str]]
) -> None:
    found = steps((0, "a"), (10, "b"), (20, "a")).pieces(Interval(at(start), at(end)))
    assert list(found) == [(Interval(at(one), at(other)), value) for one, other, value in expected]


def test_nothing_has_no_pieces_and_everything_lasts_for_ever() -> None:
    assert list(steps().pieces(DAY)) == []
    assert list(Steps((EVER,), ("a",)).pieces(ALWAYS)) == [(Interval(EVER, NEVER), "a")]


def test_two_values_beside_each_other() -> None:
    one, other = steps((0, "a"), (50, "b")), steps((0, "x"), (30, "y"))
    assert [(span.start, value, beside) for span, value, beside in one.beside(other, DAY)] == [
        (at(0), "a", "x"),
        (at(30), "a", "y"),
        (at(50), "b", "y"),
    ]


changes = st.lists(st.tuples(st.integers(0, 120), st.sampled_from("abc")), min_size=1, max_size=9)


@given(changes, changes, st.integers(0, 99))
def test_pieces_lie_side_by_side_and_tell_the_value_everywhere(
    first: list[tuple[int, str]], second: list[tuple[int, str]], minute: int
) -> None:
    one, other = steps((0, "a"), *sorted(first)), steps((0, "b"), *sorted(second))
    pieces = list(one.beside(other, DAY))
    assert [span.start for span, _, _ in pieces] == [at(0), *(span.end for span, _, _ in pieces[:-1])]
    assert pieces[-1][0].end == DAY.end
    ((_, value, beside),) = [piece for piece in pieces if at(minute) in piece[0]]
    assert (value, beside) == (one.at(at(minute)), other.at(at(minute)))
