"""S10 and the quota: the cheapest use of what is left, against trying everything; and what always holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iodcal.domain.quota import Allotment, Fit, allot, follow
from iodcal.domain.walk import EVE, MIDNIGHT, Move, Need, Step

HOUR, DAY = 3600, 86_400
LEVELS = (100, 200, 500, 1000)
RATES = {0: 0, 100: 460_000, 200: 580_000, 500: 820_000, 1000: 1_060_000}


def need(
    *levels: tuple[float, int],
    level: int = 100,
    name: str = "a",
    end: float = 24,
    beyond: Sequence[tuple[float, int]] = (),
    period: int = 60,
    ready: int = 0,
) -> Need:
    """A day in hours: at each hour another level."""
    steps, before = [], level
    for number, (hour, wanted) in enumerate((*levels, *beyond)):
        steps.append(Step(int(hour * HOUR), wanted, wanted < before, number))
        before = wanted
    here, later = steps[: len(levels)], steps[len(levels) :]
    close = int(end * HOUR)
    return Need(
        name, level, level, tuple(here), close, tuple(later), close + DAY, RATES, period, ready, close - 600
    )


def moves(allotment: Allotment, name: str = "a") -> list[tuple[float, int]]:
    return [(move.at / HOUR, move.level) for move in allotment.moves[name]]


VALLEY = ((1, 100), (13, 500))
TWO = ((1, 100), (3, 500), (8, 100), (16, 500))


@pytest.mark.parametrize(
    ("wanted", "left", "fit", "expected"),
    [
        pytest.param(need(*VALLEY, level=500), 2, Fit.PLENTY, [(1, 100), (13, 500)], id="plenty"),
        pytest.param(need(*VALLEY, level=500), 1, Fit.PLANNED, [], id="half a valley is none"),
        pytest.param(need(*TWO, level=500), 3, Fit.PLANNED, [(8, 100), (16, 500)], id="the longer valley"),
        pytest.param(need(*TWO, level=500), 4, Fit.PLENTY, list(TWO), id="both valleys"),
        pytest.param(
            need((1, 200), (2, 500), (3, 1000)), 1, Fit.UPS_ONLY, [(1, 1000)], id="early, and stays"
        ),
        pytest.param(
            need((1, 200), (2, 500), (20, 1000)),
            2,
            Fit.UPS_ONLY,
            [(1, 500), (20, 1000)],
            id="as late as can be",
        ),
        pytest.param(need((1, 500), (2, 100)), 1, Fit.PLANNED, [(1, 500)], id="ups come before lowerings"),
        pytest.param(need((1, 500), (2, 100)), 0, Fit.SHORT, [(1, 500)], id="not even one up"),
        pytest.param(
            need((1, 100), (5, 500), (18, 100), (20, 1000), level=1000),
            2,
            Fit.PLANNED,
            [(1, 500), (20, 1000)],
            id="lowered to the middle for longer",
        ),
    ],
)
def test_one_circuit(wanted: Need, left: int, fit: Fit, expected: list[tuple[float, int]]) -> None:
    found = allot([wanted], left, 0)
    assert (found.fit, moves(found)) == (fit, expected)


def test_what_saves_least_is_left_out_first() -> None:
    deep = need((1, 100), (6, 1000), level=1000, name="deep")
    long = need((1, 100), (13, 500), level=500, name="long")
    short = need((1, 100), (4, 500), level=500, name="short")
    found = allot([short, deep, long], 4, 0)
    assert [name for name in ("deep", "long", "short") if found.moves[name]] == ["deep", "long"]


def test_lowerings_leave_the_reserve_and_ups_after_the_last_one_may_use_it() -> None:
    wanted = need((1, 100), (13, 500), level=500)
    assert allot([wanted], 5, 4).fit is Fit.PLENTY
    assert allot([wanted], 4, 4).fit is Fit.PLANNED
    assert moves(allot([wanted], 4, 4)) == []


def test_a_raise_after_the_last_lowering_needs_a_change_all_the_same() -> None:
    down, up = need((1, 100), level=500, name="down"), need((13, 500), name="up")
    found = allot([down, up], 0, 0)
    assert (found.fit, found.moves["down"], moves(found, "up")) == (Fit.SHORT, (), [(13, 500)])
    assert [len(path) for path in allot([down, up], 1, 0).moves.values()] == [0, 1]


def test_a_lowering_at_the_end_counts_as_long_as_its_valley_lasts_beyond_midnight() -> None:
    night = need((23, 100), level=500, name="night", beyond=[(30, 500)])
    brief = need((18, 100), (23.5, 500), level=500, name="brief")
    found = allot([night, brief], 1, 0)
    assert (found.moves["night"] != (), found.moves["brief"]) == (True, ())


def test_what_is_lowered_tomorrow_anyhow_counts_until_then() -> None:
    bump = need((12, 1000), (13, 500), level=500, name="bump", beyond=[(25.5, 100)])
    whole = need((13, 100), (22, 500), level=500, name="whole", beyond=[(25.5, 100)])
    found = allot([bump, whole], 3, 0)
    assert [name for name in ("bump", "whole") if len(found.moves[name]) == 2] == ["whole"]
    assert len(allot([bump], 2, 0).moves["bump"]) == 2


def test_an_exactly_window_goes_before_any_money() -> None:
    work = need((1, 200), (2, 500), level=500, name="work")
    work = replace(work, steps=(replace(work.steps[0], exact=True), work.steps[1]))
    dear = need((1, 100), (20, 1000), level=1000, name="dear")
    found = allot([work, dear], 2, 0)
    assert [name for name in ("dear", "work") if found.moves[name]] == ["work"]


@pytest.mark.parametrize(
    ("period", "lowered"),
    [(60, ["early"]), (HOUR, ["early"]), (DAY, ["late"])],
    ids=["minute", "hour", "day"],
)
def test_what_a_lowering_saves_depends_on_how_it_is_billed(period: int, lowered: list[str]) -> None:
    """By the day's highest tier a lowering after a peak saves nothing today: only the night after counts."""
    early = need((0, 100), (23, 500), level=500, name="early", period=period, beyond=[(24.5, 1000)])
    late = need((20, 100), level=500, name="late", period=period, beyond=[(36, 500)])
    found = allot([early, late], 2 if period != DAY else 1, 0)
    assert [name for name in ("early", "late") if found.moves[name]] == lowered


def test_circuits_go_up_before_midnight_where_tomorrow_has_no_room() -> None:
    needs = [
        need(name=name, ready=500, beyond=[(hour, 500)])
        for name, hour in (("a", 30.0), ("b", 25.0), ("c", 31.0))
    ]
    found = allot(needs, 2, 0, ready=1)
    assert (found.fit, [name for name in "abc" if found.moves[name]]) == (Fit.UPS_ONLY, ["b"])
    assert [move.id for move in found.moves["b"]] == [EVE]
    held = [need((12, 100), level=500, name=name, ready=500, beyond=[(30, 500)]) for name in "ab"]
    assert [len(path) for path in allot(held, 2, 0, ready=1).moves.values()] == [1, 0]
    assert allot(held, 1, 0, ready=2).fit is Fit.PLANNED
    assert allot([needs[0]], 0, 0, ready=1).moves["a"] == ()


def test_a_new_day_lowers_what_was_left_up() -> None:
    fresh = need((0, 100), (20, 500), level=500)
    fresh = replace(fresh, floor=100, steps=(replace(fresh.steps[0], id=MIDNIGHT), fresh.steps[1]))
    assert moves(allot([fresh], 2, 0)) == [(0, 100), (20, 500)]
    left_up = replace(need(level=500), floor=100, steps=(Step(0, 100, True, MIDNIGHT),))
    assert moves(allot([left_up], 0, 0)) == []


def test_a_circuit_that_was_left_up_is_not_raised_by_a_smaller_step() -> None:
    left_up = replace(need((6, 200), level=100), level=500)
    assert allot([left_up], 0, 0) == Allotment(Fit.PLENTY, {"a": ()})


def test_in_a_large_account_all_that_can_be_are_made_ready() -> None:
    fleet = [need(name=f"c{number:02}", ready=500, beyond=[(30, 500)]) for number in range(90)]
    up = [need((12, 100), level=500, name=f"u{number}", ready=500, beyond=[(30, 500)]) for number in range(9)]
    found = allot([*fleet, *up], 70, 4, ready=80)
    assert sum(len(path) for path in found.moves.values()) == 70
    assert all(found.moves[f"u{number}"] == () for number in range(9)), "lowered though it is wanted tomorrow"


# --- against trying everything


@st.composite
def needs(draw: st.DrawFn, name: str, *, most: int, period: int | None = None) -> Need:
    level = draw(st.sampled_from(LEVELS))
    hours = sorted(draw(st.sets(st.integers(0, 23), max_size=most)))
    steps, before = [], level
    for number, hour in enumerate(hours):
        wanted = draw(st.sampled_from([other for other in LEVELS if other != before]))
        exact = draw(st.integers(0, 9)) == 0
        steps.append(
            Step(hour * HOUR + 60 * draw(st.integers(0, 59)), wanted, wanted < before, number, exact)
        )
        before = wanted
    beyond = []
    if draw(st.booleans()):
        wanted = draw(st.sampled_from([other for other in LEVELS if other != before]))
        beyond = [Step(DAY + draw(st.integers(0, DAY - 1)), wanted, wanted < before, 99)]
    rates = {each: draw(st.integers(1, 10**6)) for each in LEVELS}
    period = period or draw(st.sampled_from([60, HOUR, DAY]))
    ready = draw(st.sampled_from([0, 0, *LEVELS]))
    return Need(name, level, level, tuple(steps), DAY, tuple(beyond), 2 * DAY, rates, period, ready, DAY - 1)


def every_way(wanted: Need, *, lowering: bool) -> Iterator[tuple[Move, ...]]:
    """All paths that are never below the plan's level and lower only where it does."""
    levels = sorted({wanted.level, *(step.level for step in wanted.steps)})
    for path in product(levels, repeat=len(wanted.steps)):
        level, made = wanted.level, []
        for step, new in zip(wanted.steps, path, strict=True):
            if new < step.level or (new < level and not (step.down and lowering)):
                break
            if new > level >= step.level:
                break  # nothing asks for it yet
            if new != level:
                made.append(Move(step.at, new, step.id))
            level = new
        else:
            yield tuple(made)
            if level < wanted.ready:
                yield (*made, Move(wanted.eve, wanted.ready, EVE))


def level_at(wanted: Need, path: Sequence[Move], second: int) -> int:
    level = wanted.level
    for move in path:
        if move.at <= second and move.id != EVE:
            level = move.level
    return level


def price(wanted: Need, path: Sequence[Move]) -> int:
    """The bill of the day period by period, then what staying up costs afterwards."""
    total, edges = 0, sorted({*(move.at for move in path if move.id != EVE), 0, DAY})
    for start in range(0, DAY, wanted.period):
        inside = [start, *(edge for edge in edges if start < edge < start + wanted.period)]
        total += wanted.rates[max(level_at(wanted, path, second) for second in inside)] * wanted.period
    for step, after in pairwise((*wanted.steps, Step(DAY, 0, False, 0))):
        if step.exact and level_at(wanted, path, step.at) > step.level:
            total += 10**24 * (after.at - step.at)
    level = path[-1].level if path else wanted.level
    floor = wanted.steps[-1].level if wanted.steps else wanted.level
    until, floors = 2 * DAY, [(DAY, floor)]
    for step in wanted.beyond:
        if floor < level:
            until = step.at if step.down or step.level >= level else until
        floors.append((step.at, step.level))
    for (start, below), end in zip(floors, [*(at for at, _ in floors[1:]), 2 * DAY], strict=True):
        if below < level and start < until:
            total += (wanted.rates[level] - wanted.rates[below]) * (min(end, until) - start)
        else:
            break
    return total


def best(given_needs: Sequence[Need], left: int, reserve: int, ready: int) -> tuple[int, int] | None:
    """The most that can be ready, and the lowest price of that, by trying everything."""
    downs = [step.at for wanted in given_needs for step in wanted.steps if step.down]
    last = max(downs, default=None)
    found: list[tuple[int, int]] = []
    ways = [list(every_way(wanted, lowering=True)) for wanted in given_needs]
    for chosen in product(*ways):
        lowers = any(_lowers(wanted, path) for wanted, path in zip(given_needs, chosen, strict=True))
        counted = sum(move.id == EVE or last is None or move.at <= last for path in chosen for move in path)
        total = sum(len(path) for path in chosen)
        if total <= left and (not lowers or counted <= left - reserve):
            met = sum(_last(n, p) >= n.ready for n, p in zip(given_needs, chosen, strict=True))
            cost = sum(price(wanted, path) for wanted, path in zip(given_needs, chosen, strict=True))
            found.append((-min(ready, met), cost))
    return min(found) if found else None


def _last(wanted: Need, path: Sequence[Move]) -> int:
    return path[-1].level if path else wanted.level


def _lowers(wanted: Need, path: Sequence[Move]) -> bool:
    level = wanted.level
    for move in path:
        if move.level < level:
            return True
        level = move.level
    return False


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(0, 6), st.integers(0, 3), st.integers(0, 2))
def test_nothing_is_cheaper(data: st.DataObject, left: int, reserve: int, ready: int) -> None:
    made = [data.draw(needs(name, most=3)) for name in "ab"[: data.draw(st.integers(1, 2))]]
    found = allot(made, left, reserve, ready)
    cheapest = best(made, left, reserve, ready)
    if found.fit is Fit.SHORT:
        assert cheapest is None
        return
    assert cheapest is not None
    met = sum(_last(wanted, found.moves[wanted.name]) >= wanted.ready for wanted in made)
    total = sum(price(wanted, found.moves[wanted.name]) for wanted in made)
    if found.fit is Fit.PLENTY:
        assert met >= ready
        return  # it is the plan itself, which no rate has a say in
    assert min(ready, met) == -cheapest[0]
    assert total == cheapest[1]


# --- what must always hold


fleets = st.integers(1, 12).flatmap(
    lambda count: st.tuples(*(needs(f"c{number:02}", most=8) for number in range(count)))
)


@settings(deadline=None)
@given(fleets, st.integers(0, 60), st.integers(0, 6), st.integers(0, 12), st.randoms(use_true_random=False))
def test_what_must_always_hold(
    made: tuple[Need, ...], left: int, reserve: int, ready: int, random: object
) -> None:
    found = allot(made, left, reserve, ready)
    own = {wanted.name: tuple(follow(wanted)) for wanted in made}
    for wanted in made:
        path = found.moves[wanted.name]
        for step in wanted.steps:
            assert level_at(wanted, path, step.at) >= step.level, "below the plan's level"
        for move in path:
            at_step = [step for step in wanted.steps if step.id == move.id]
            before = level_at(wanted, path, move.at - 1)
            assert move.level > before or (at_step and at_step[0].down), "lowered where the plan does not"
    count = sum(len(path) for path in found.moves.values())
    if found.fit is not Fit.SHORT:
        assert count <= left
    if found.fit is Fit.SHORT:
        assert all(len(path) <= 1 for path in found.moves.values())
    if sum(map(len, own.values())) <= left - reserve and not ready:
        assert found.moves == own, "not its own plan though there are changes to spare"
    lowered = [
        move.at
        for wanted in made
        for move in found.moves[wanted.name]
        if move.level < level_at(wanted, found.moves[wanted.name], move.at - 1)
    ]
    if lowered:
        before = sum(move.at <= max(lowered) for path in found.moves.values() for move in path)
        assert before <= left - reserve, "lowered on the reserve"
    shuffled = list(made)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' own Random
    assert allot(shuffled, left, reserve, ready) == found
