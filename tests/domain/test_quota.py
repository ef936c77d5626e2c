"""S10 and the quota: the cheapest use of what is left, against trying everything; and what always holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iodcal.domain.courses import EVE, MIDNIGHT, LevelMove, Need, WalkStep
from iodcal.domain.quota import Allotment, QuotaFit, allot_quota, follow_plan
from iodcal.domain.structs import replace

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
        steps.append(WalkStep(int(hour * HOUR), wanted, wanted < before, number))
        before = wanted
    here, later = steps[: len(levels)], steps[len(levels) :]
    close = int(end * HOUR)
    return Need(name, level, tuple(here), close, tuple(later), close + DAY, RATES, period, ready, close - 600)


def moves(allotment: Allotment, name: str = "a") -> list[tuple[float, int]]:
    return [(move.at / HOUR, move.level) for move in allotment.moves[name]]


VALLEY = ((1, 100), (13, 500))
TWO = ((1, 100), (3, 500), (8, 100), (16, 500))


@pytest.mark.parametrize(
    ("wanted", "left", "fit", "expected"),
    [
        pytest.param(need(*VALLEY, level=500), 2, QuotaFit.PLENTY, [(1, 100), (13, 500)], id="plenty"),
        pytest.param(need(*VALLEY, level=500), 1, QuotaFit.PLANNED, [], id="half a valley is none"),
        pytest.param(
            need(*TWO, level=500), 3, QuotaFit.PLANNED, [(8, 100), (16, 500)], id="the longer valley"
        ),
        pytest.param(need(*TWO, level=500), 4, QuotaFit.PLENTY, list(TWO), id="both valleys"),
        pytest.param(
            need((1, 200), (2, 500), (3, 1000)), 1, QuotaFit.UPS_ONLY, [(1, 1000)], id="early, and stays"
        ),
        pytest.param(
            need((1, 200), (2, 500), (20, 1000)),
            2,
            QuotaFit.UPS_ONLY,
            [(1, 500), (20, 1000)],
            id="as late as can be",
        ),
        pytest.param(
            need((1, 500), (2, 100)), 1, QuotaFit.PLANNED, [(1, 500)], id="ups come before lowerings"
        ),
        pytest.param(need((1, 500), (2, 100)), 0, QuotaFit.SHORT, [(1, 500)], id="not even one up"),
        pytest.param(
            need((1, 200), (2, 500)), 0, QuotaFit.SHORT, [(1, 500)], id="the fewest, though too many"
        ),
        pytest.param(need(), 0, QuotaFit.PLENTY, [], id="nothing to do"),
        pytest.param(
            need((1, 100), (5, 500), (18, 100), (20, 1000), level=1000),
            2,
            QuotaFit.PLANNED,
            [(1, 500), (20, 1000)],
            id="lowered to the middle for longer",
        ),
    ],
)
def test_one_circuit(wanted: Need, left: int, fit: QuotaFit, expected: list[tuple[float, int]]) -> None:
    found = allot_quota([wanted], left, 0)
    assert (found.fit, moves(found)) == (fit, expected)


def test_an_account_without_circuits_to_plan_for_has_plenty() -> None:
    assert allot_quota([], 0, 4) == Allotment(QuotaFit.PLENTY, {})


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        pytest.param(need(*TWO, level=500), 0, id="back to where it stands"),
        pytest.param(need((1, 200), (2, 100), (3, 500), (4, 200), level=100), 2, id="ever higher"),
    ],
)
def test_what_is_asked_for_are_the_raises_of_a_circuit_that_never_falls(wanted: Need, asked: int) -> None:
    assert allot_quota([wanted], 1, 0).asked == asked


def test_what_saves_least_is_left_out_first() -> None:
    deep = need((1, 100), (6, 1000), level=1000, name="deep")
    long = need((1, 100), (13, 500), level=500, name="long")
    short = need((1, 100), (4, 500), level=500, name="short")
    found = allot_quota([short, deep, long], 4, 0)
    assert [name for name in ("deep", "long", "short") if found.moves[name]] == ["deep", "long"]


def test_lowerings_leave_the_reserve_and_ups_after_the_last_one_may_use_it() -> None:
    wanted = need((1, 100), (13, 500), level=500)
    assert allot_quota([wanted], 5, 4).fit is QuotaFit.PLENTY
    assert allot_quota([wanted], 4, 4).fit is QuotaFit.PLANNED
    assert moves(allot_quota([wanted], 4, 4)) == []


def test_a_raise_after_the_last_lowering_needs_a_change_all_the_same() -> None:
    down, up = need((1, 100), level=500, name="down"), need((13, 500), name="up")
    found = allot_quota([down, up], 0, 0)
    assert (found.fit, found.moves["down"], moves(found, "up")) == (QuotaFit.SHORT, (), [(13, 500)])
    assert [len(path) for path in allot_quota([down, up], 1, 0).moves.values()] == [0, 1]


def test_a_lowering_at_the_end_counts_as_long_as_its_valley_lasts_beyond_midnight() -> None:
    night = need((23, 100), level=500, name="night", beyond=[(30, 500)])
    brief = need((18, 100), (23.5, 500), level=500, name="brief")
    found = allot_quota([night, brief], 1, 0)
    assert (found.moves["night"] != (), found.moves["brief"]) == (True, ())


def test_what_is_lowered_tomorrow_anyhow_counts_until_then() -> None:
    bump = need((12, 1000), (13, 500), level=500, name="bump", beyond=[(25.5, 100)])
    whole = need((13, 100), (22, 500), level=500, name="whole", beyond=[(25.5, 100)])
    found = allot_quota([bump, whole], 3, 0)
    assert [name for name in ("bump", "whole") if len(found.moves[name]) == 2] == ["whole"]
    assert len(allot_quota([bump], 2, 0).moves["bump"]) == 2


def test_an_exactly_window_goes_before_any_money() -> None:
    work = need((1, 200), (2, 500), level=500, name="work")
    work = replace(work, steps=(replace(work.steps[0], exact=True), work.steps[1]))
    dear = need((1, 100), (20, 1000), level=1000, name="dear")
    found = allot_quota([work, dear], 2, 0)
    assert [name for name in ("dear", "work") if found.moves[name]] == ["work"]


def exactly(start: float, end: float, level: int, name: str) -> Need:
    """An `exactly` window at 200 Mbps on a circuit that stands at `level` before and after it."""
    made = need((start, 200), (end, level), level=level, name=name)
    return replace(made, steps=(replace(made.steps[0], exact=True), made.steps[1]))


@pytest.mark.parametrize("names", [*permutations("abc")])
@pytest.mark.parametrize(
    "windows",
    [
        pytest.param([(1, 3, 500), (20, 21, 1000), (9, 10, 500)], id="the longest"),
        pytest.param([(1, 3, 1000), (5, 7, 500), (9, 11, 500)], id="of as long ones what saves most"),
    ],
)
def test_of_exactly_windows_goes_first(names: Sequence[str], windows: Sequence[tuple[int, int, int]]) -> None:
    made = [exactly(*window, name) for window, name in zip(windows, names, strict=True)]
    found = allot_quota(made, 2, 0)
    assert [name for name, path in found.moves.items() if path] == [names[0]]


def test_a_higher_tier_that_costs_less_is_no_reason_to_go_up() -> None:
    odd = need((1, 100), (3, 500), (20, 1000), level=500)
    odd = replace(odd, rates={**RATES, 1000: 1})
    assert moves(allot_quota([odd], 1, 0)) == [(20, 1000)]


def test_a_step_that_goes_up_lowers_no_circuit_that_stands_higher() -> None:
    left_up = replace(need((2, 200), (4, 500)), level=1000)
    valley = need(*VALLEY, level=500, name="b")
    assert moves(allot_quota([left_up, valley], 1, 0)) == []


@pytest.mark.parametrize(
    ("period", "lowered"),
    [(60, ["early"]), (HOUR, ["early"]), (DAY, ["late"])],
    ids=["minute", "hour", "day"],
)
def test_what_a_lowering_saves_depends_on_how_it_is_billed(period: int, lowered: list[str]) -> None:
    """By the day's highest tier a lowering after a peak saves nothing today: only the night after counts."""
    early = need((0, 100), (23, 500), level=500, name="early", period=period, beyond=[(24.5, 1000)])
    late = need((20, 100), level=500, name="late", period=period, beyond=[(36, 500)])
    found = allot_quota([early, late], 2 if period != DAY else 1, 0)
    assert [name for name in ("early", "late") if found.moves[name]] == lowered


@pytest.mark.parametrize(
    ("valley", "saves_less", "saves_more"),
    [
        pytest.param((1.5, 4), (6, 7.75), (6, 9), id="the hour that has begun is paid for"),
        pytest.param((1, 3), (6.5, 8.75), (6.5, 10), id="an hour that begins now is not"),
        pytest.param((1, 3 + 1 / HOUR), (6, 7.75), (6, 9), id="a second of the next hour pays for it"),
        pytest.param((1, 3 - 1 / HOUR), (6, 6.75), (6, 8), id="up a second early the hour is paid for"),
    ],
)
def test_by_the_hour_only_whole_hours_are_saved(
    valley: tuple[float, float], saves_less: tuple[float, float], saves_more: tuple[float, float]
) -> None:
    def lowered(start: float, end: float, name: str) -> Need:
        return need((start, 100), (end, 500), level=500, name=name, period=HOUR)

    for name, other in (("a", "b"), ("b", "a")):
        for span, expected in ((saves_less, name), (saves_more, other)):
            found = allot_quota([lowered(*valley, name), lowered(*span, other)], 2, 0)
            assert [each for each, path in found.moves.items() if path] == [expected]


def test_circuits_go_up_before_midnight_where_tomorrow_has_no_room() -> None:
    needs = [
        need(name=name, ready=500, beyond=[(hour, 500)])
        for name, hour in (("a", 30.0), ("b", 25.0), ("c", 31.0))
    ]
    found = allot_quota(needs, 2, 0, ready=1)
    assert (found.fit, [name for name in "abc" if found.moves[name]]) == (QuotaFit.UPS_ONLY, ["b"])
    assert [move.id for move in found.moves["b"]] == [EVE]
    held = [need((12, 100), level=500, name=name, ready=500, beyond=[(30, 500)]) for name in "ab"]
    assert [len(path) for path in allot_quota(held, 2, 0, ready=1).moves.values()] == [1, 0]
    assert allot_quota(held, 1, 0, ready=2).fit is QuotaFit.PLANNED
    assert allot_quota([needs[0]], 0, 0, ready=1).moves["a"] == ()


def test_a_plan_that_ends_as_high_as_tomorrow_needs_is_kept() -> None:
    assert allot_quota([need((5, 500), ready=500)], 1, 0, ready=1).fit is QuotaFit.PLENTY


def test_being_ready_for_tomorrow_goes_before_what_lowerings_save() -> None:
    waiting = [need(name=name, ready=500, beyond=[(30, 500)]) for name in "ab"]
    dear = need((12, 100), level=1000, name="dear")
    found = allot_quota([*waiting, dear], 3, 2, ready=3)
    assert [name for name, path in found.moves.items() if path] == ["a", "b"]


def test_a_raise_on_the_evening_before_does_not_bring_others_forward_that_may_use_the_reserve() -> None:
    early = need(name="a", ready=500, beyond=[(30, 500)])
    stairs = need((5, 200), (20, 500), name="b", ready=1000)
    down = need((23, 100), level=200, name="c", ready=1000, beyond=[(24.2, 200)])
    found = allot_quota([early, stairs, down], 3, 1, ready=1)
    assert moves(found, "b") == [(5, 200), (20, 500)]
    assert ([move.id for move in found.moves["a"]], found.moves["c"]) == ([EVE], ())


def test_a_new_day_lowers_what_was_left_up() -> None:
    fresh = need((0, 100), (20, 500), level=500)
    fresh = replace(fresh, steps=(replace(fresh.steps[0], id=MIDNIGHT), fresh.steps[1]))
    assert moves(allot_quota([fresh], 2, 0)) == [(0, 100), (20, 500)]
    left_up = replace(need(level=500), steps=(WalkStep(0, 100, True, MIDNIGHT),))
    assert moves(allot_quota([left_up], 0, 0)) == []


@pytest.mark.parametrize("step", [200, 500])
def test_a_circuit_that_was_left_up_is_not_raised_by_a_step_that_goes_no_higher(step: int) -> None:
    left_up = replace(need((6, step), level=100), level=500)
    assert allot_quota([left_up], 0, 0) == Allotment(QuotaFit.PLENTY, {"a": ()})


def fleet(circuits: int) -> list[Need]:
    """Circuits that tomorrow needs higher."""
    return [need(name=f"c{number:03}", ready=500, beyond=[(30, 500)]) for number in range(circuits)]


@pytest.mark.parametrize("left", [70, 52, 48])
def test_in_a_large_account_all_that_can_be_are_made_ready(left: int) -> None:
    """Also where only all changes, the reserve with them, make a large account of it."""
    up = [need((12, 100), level=500, name=f"u{number}", ready=500, beyond=[(30, 500)]) for number in range(9)]
    found = allot_quota([*fleet(90), *up], left, 4, ready=80)
    assert sum(len(path) for path in found.moves.values()) == left
    assert all(found.moves[f"u{number}"] == () for number in range(9)), "lowered though it is wanted tomorrow"


@pytest.mark.parametrize(
    ("left", "made_ready"), [pytest.param(127, 31, id="4,096 totals"), pytest.param(128, 128, id="more")]
)
def test_in_a_small_account_no_more_are_made_ready_than_must_be(left: int, made_ready: int) -> None:
    found = allot_quota(fleet(130), left, 0, ready=31)
    assert sum(len(path) for path in found.moves.values()) == made_ready


@pytest.mark.parametrize(
    ("left", "lowered"), [pytest.param(2047, ["b"], id="4,096 totals"), pytest.param(2048, [], id="more")]
)
def test_in_a_small_account_raises_after_the_last_lowering_may_use_the_reserve(
    left: int, lowered: list[str]
) -> None:
    needs = [need(*VALLEY, level=500), need((20, 100), (22, 500), level=500, name="b")]
    found = allot_quota(needs, left, left - 1)
    assert [name for name, path in found.moves.items() if path] == lowered


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
            WalkStep(hour * HOUR + 60 * draw(st.integers(0, 59)), wanted, wanted < before, number, exact)
        )
        before = wanted
    beyond = []
    if draw(st.booleans()):
        wanted = draw(st.sampled_from([other for other in LEVELS if other != before]))
        beyond = [WalkStep(DAY + draw(st.integers(0, DAY - 1)), wanted, wanted < before, 99)]
    rates = {each: draw(st.integers(1, 10**6)) for each in LEVELS}
    period = period or draw(st.sampled_from([60, HOUR, DAY]))
    ready = draw(st.sampled_from([0, 0, *LEVELS]))
    return Need(name, level, tuple(steps), DAY, tuple(beyond), 2 * DAY, rates, period, ready, DAY - 1)


def every_way(wanted: Need, *, lowering: bool) -> Iterator[tuple[LevelMove, ...]]:
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
                made.append(LevelMove(step.at, new, step.id))
            level = new
        else:
            yield tuple(made)
            if level < wanted.ready:
                yield (*made, LevelMove(wanted.eve, wanted.ready, EVE))


def level_at(wanted: Need, path: Sequence[LevelMove], second: int) -> int:
    level = wanted.level
    for move in path:
        if move.at <= second and move.id != EVE:
            level = move.level
    return level


def price(wanted: Need, path: Sequence[LevelMove]) -> int:
    """The bill of the day period by period, then what staying up costs afterwards."""
    total, edges = 0, sorted({*(move.at for move in path if move.id != EVE), 0, DAY})
    for start in range(0, DAY, wanted.period):
        inside = [start, *(edge for edge in edges if start < edge < start + wanted.period)]
        total += wanted.rates[max(level_at(wanted, path, second) for second in inside)] * wanted.period
    for step, after in pairwise((*wanted.steps, WalkStep(DAY, 0, False, 0))):
        if step.exact and level_at(wanted, path, step.at) > step.level:
            total += 10**24 * (after.at - step.at)
    level = path[-1].level if path else wanted.level
    floor = wanted.steps[-1].level if wanted.steps else wanted.level
    joins = (step.at for step in wanted.beyond if step.down or step.level >= level)
    until = next(joins, 2 * DAY)
    floors = [(DAY, floor), *((step.at, step.level) for step in wanted.beyond)]
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


def _last(wanted: Need, path: Sequence[LevelMove]) -> int:
    return path[-1].level if path else wanted.level


def _lowers(wanted: Need, path: Sequence[LevelMove]) -> bool:
    level = wanted.level
    for move in path:
        if move.level < level:
            return True
        level = move.level
    return False


def a_day(chance: Random, name: str) -> Need:
    """A day of up to three steps to the second, its prices, its billing, and what follows midnight."""
    level = before = chance.choice(LEVELS)
    steps: list[WalkStep] = []
    instants = sorted(chance.sample(range(DAY), chance.randint(0, 3)))
    for number, instant in enumerate(instants):
        wanted = chance.choice([other for other in LEVELS if other != before])
        rounded = instant - instant % chance.choice([1, 60, HOUR])
        steps.append(WalkStep(rounded, wanted, wanted < before, number, chance.random() < 0.1))
        before = wanted
    beyond: list[WalkStep] = []
    for instant in sorted(chance.sample(range(DAY, 2 * DAY), chance.randint(0, 2))):
        wanted = chance.choice([other for other in LEVELS if other != before])
        beyond.append(WalkStep(instant, wanted, wanted < before, 99))
        before = wanted
    rates = {each: chance.randint(1, 10**6) for each in LEVELS}
    period, ready = chance.choice([60, HOUR, DAY]), chance.choice([0, 0, *LEVELS])
    return Need(name, level, tuple(steps), DAY, tuple(beyond), 2 * DAY, rates, period, ready, DAY - 1)


@pytest.mark.parametrize("seed", range(8))
def test_on_days_picked_beforehand_nothing_is_cheaper(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - examples, not secrets
    for _ in range(50):
        made = [a_day(chance, name) for name in "ab"]
        if all(earlier.at < later.at for wanted in made for earlier, later in pairwise(wanted.steps)):
            check_against_everything(made, chance.randint(0, 4), chance.randint(0, 2), chance.randint(0, 2))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(0, 6), st.integers(0, 3), st.integers(0, 2))
def test_nothing_is_cheaper(data: st.DataObject, left: int, reserve: int, ready: int) -> None:
    made = [data.draw(needs(name, most=3)) for name in "ab"[: data.draw(st.integers(1, 2))]]
    check_against_everything(made, left, reserve, ready)


def check_against_everything(made: Sequence[Need], left: int, reserve: int, ready: int) -> None:
    """As many are ready as can be, and nothing that is possible costs less."""
    found = allot_quota(made, left, reserve, ready)
    cheapest = best(made, left, reserve, ready)
    if found.fit is QuotaFit.SHORT:
        assert cheapest is None
        return
    assert cheapest is not None
    met = sum(_last(wanted, found.moves[wanted.name]) >= wanted.ready for wanted in made)
    total = sum(price(wanted, found.moves[wanted.name]) for wanted in made)
    if found.fit is QuotaFit.PLENTY:
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
    found = allot_quota(made, left, reserve, ready)
    own = {wanted.name: tuple(follow_plan(wanted)) for wanted in made}
    for wanted in made:
        path = found.moves[wanted.name]
        for step in wanted.steps:
            assert level_at(wanted, path, step.at) >= step.level, "below the plan's level"
        for move in path:
            at_step = [step for step in wanted.steps if step.id == move.id]
            before = level_at(wanted, path, move.at - 1)
            assert move.level > before or (at_step and at_step[0].down), "lowered where the plan does not"
    count = sum(len(path) for path in found.moves.values())
    if found.fit is not QuotaFit.SHORT:
        assert count <= left
    if found.fit is QuotaFit.SHORT:
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
    assert allot_quota(shuffled, left, reserve, ready) == found
