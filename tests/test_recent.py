"""Results used again: only for the very same inputs."""

from __future__ import annotations

from iodcal.recent import Recent


def test_the_same_inputs_give_the_same_result_without_work() -> None:
    recent, made, one = Recent(), iter(("first", "second")), object()
    assert [recent.get("a", (one,), lambda: next(made)) for _ in range(2)] == ["first", "first"]


def test_an_equal_input_is_not_the_same_one() -> None:
    recent, one, equal = Recent(), [1], [1]
    assert recent.get("a", (one,), lambda: 1) == 1
    assert recent.get("a", (equal,), lambda: 2) == 2


def test_fewer_inputs_are_others_and_each_name_has_its_own() -> None:
    recent, one = Recent(), object()
    assert recent.get("a", (one, one), lambda: 1) == 1
    assert recent.get("a", (one,), lambda: 2) == 2
    assert recent.get("b", (one,), lambda: 3) == 3


def test_it_does_not_keep_results_for_ever() -> None:
    recent, one = Recent(), object()
    for number in range(300):
        recent.get(f"{number}", (one,), lambda: "old")
    assert recent.get("0", (one,), lambda: "new") == "new"
    assert recent.get("299", (one,), lambda: "new") == "old"
