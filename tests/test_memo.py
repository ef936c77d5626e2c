"""Results used again: only for the very same inputs."""

from __future__ import annotations

from iodcal.memo import Memo


def test_the_same_inputs_give_the_same_result_without_work() -> None:
    memo, made, one = Memo(), iter(("first", "second")), object()
    assert [memo.get("a", (one,), lambda: next(made)) for _ in range(2)] == ["first", "first"]


def test_an_equal_input_is_not_the_same_one() -> None:
    memo, one, equal = Memo(), [1], [1]
    assert memo.get("a", (one,), lambda: 1) == 1
    assert memo.get("a", (equal,), lambda: 2) == 2


def test_fewer_inputs_are_others_and_each_name_has_its_own() -> None:
    memo, one = Memo(), object()
    assert memo.get("a", (one, one), lambda: 1) == 1
    assert memo.get("a", (one,), lambda: 2) == 2
    assert memo.get("b", (one,), lambda: 3) == 3


def test_it_does_not_keep_results_for_ever() -> None:
    memo, one = Memo(), object()
    for number in range(300):
        memo.get(f"{number}", (one,), lambda: "old")
    assert memo.get("0", (one,), lambda: "new") == "new"
    assert memo.get("299", (one,), lambda: "new") == "old"
