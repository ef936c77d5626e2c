"""S4: whose word counts, floor and ceiling, tiers; and the baseline in local time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import lay_out
from iodcal.domain.circuits import Baseline, Circuit, Peak
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import replace
from iodcal.domain.timeline import draw_timeline
from iodcal.domain.windows import open_windows
from iodcal.domain.workdays import is_chosen
from iodcal.problems.at_risk import overruled
from iodcal.problems.kinds import Kind, Problem
from tests.domain.minutes import CIRCUIT, TIERS, Ask, at, levels, minutes, plan_of, timeline_of


@pytest.mark.parametrize(
    ("asks", "expected"),
    [
        pytest.param([], [(0, 100)], id="the baseline"),
        pytest.param([Ask(10, 20)], [(0, 100), (10, 1000), (20, 100)], id="half open"),
        pytest.param([Ask(10, 20, lead=5, trail=7)], [(0, 100), (5, 1000), (27, 100)], id="lead and trail"),
        pytest.param(
            [Ask(10, 30, 500), Ask(20, 40, 200)],
            [(0, 100), (10, 500), (30, 200), (40, 100)],
            id="the highest",
        ),
        pytest.param(
            [Ask(10, 30), Ask(20, 40)], [(0, 100), (10, 1000), (40, 100)], id="as much as the one before it"
        ),
        pytest.param([Ask(10, 20, 300)], [(0, 100), (10, 500), (20, 100)], id="rounded up to a tier"),
        pytest.param([Ask(10, 20, 5000)], [(0, 100), (10, 1000), (20, 100)], id="down to the highest tier"),
        pytest.param(
            [Ask(0, 40), Ask(10, 20, 200, True)], [(0, 1000), (40, 100)], id="equal priority: at_least adds"
        ),
        pytest.param(
            [Ask(0, 40), Ask(10, 20, 200, True, 1)],
            [(0, 1000), (10, 200), (20, 1000), (40, 100)],
            id="exactly above overrules",
        ),
        pytest.param(
            [Ask(0, 40, priority=2), Ask(10, 20, 200, True, 1)],
            [(0, 1000), (40, 100)],
            id="at_least above adds all the same",
        ),
        pytest.param(
            [Ask(0, 40, 200, True, 1), Ask(10, 20, 500, True, 2)],
            [(0, 200), (10, 500), (20, 200), (40, 100)],
            id="the higher exactly",
        ),
        pytest.param(
            [Ask(0, 40, 200, True), Ask(10, 20, 500, True)],
            [(0, 200), (10, 500), (20, 200), (40, 100)],
            id="tie: the highest",
        ),
        pytest.param(
            [Ask(0, 40, name="call", event="e"), Ask(0, 40, 200, True, 1, name="work", event="e")],
            [(0, 200), (40, 100)],
            id="one event, two rules: exactly of higher priority drops the other",
        ),
        pytest.param(
            [
                Ask(0, 40, name="call", event="e", lead=0, trail=30),
                Ask(0, 40, 200, True, 1, name="w", event="e"),
            ],
            [(0, 200), (40, 100)],
            id="its trail goes with it",
        ),
        pytest.param(
            [Ask(0, 40, name="call", event="e", priority=2), Ask(0, 40, 200, True, 1, name="w", event="e")],
            [(0, 1000), (40, 100)],
            id="but not where the other's priority is higher",
        ),
        pytest.param(
            [
                Ask(0, 40, 200, True, 5, name="w", event="e"),
                Ask(0, 40, 500, True, 1, name="v", event="e"),
                Ask(0, 40, name="call", event="e", priority=3, trail=10),
            ],
            [(0, 200), (40, 100)],
            id="of two exactly rules the higher one drops what is below it",
        ),
    ],
)
def test_targets(asks: list[Ask], expected: list[tuple[float, int]]) -> None:
    assert levels(timeline_of(*asks), 0, 60) == expected


@pytest.mark.parametrize(
    ("changes", "wanted", "sold"),
    [
        ({}, 1, 100),
        ({"floor": Bandwidth(150)}, 100, 200),
        ({"ceiling": Bandwidth(500)}, 1000, 500),
        ({"ceiling": Bandwidth(400)}, 1000, 200),
        ({"ceiling": Bandwidth(400)}, 300, 200),
        ({"ceiling": Bandwidth(700), "tiers": (Bandwidth(300), Bandwidth(1000))}, 1000, 300),
        ({"floor": Bandwidth(300), "ceiling": Bandwidth(600)}, 100, 500),
        ({"floor": Bandwidth(200), "ceiling": Bandwidth(200)}, 1000, 200),
    ],
)
def test_floor_and_ceiling_come_before_the_tiers(
    changes: dict[str, Bandwidth], wanted: int, sold: int
) -> None:
    assert replace(CIRCUIT, **changes).sold(Bandwidth(wanted)) == Bandwidth(sold)  # type: ignore[arg-type]  # fields by name


def test_a_circuit_without_a_tier_in_its_bounds_is_no_circuit() -> None:
    assert replace(CIRCUIT, floor=Bandwidth(300), ceiling=Bandwidth(600)).allowed == (Bandwidth(500),)
    assert replace(CIRCUIT, floor=Bandwidth(300), ceiling=Bandwidth(400)).allowed == ()
    with pytest.raises(ValueError, match="no tier between its floor and its ceiling"):
        replace(CIRCUIT, floor=Bandwidth(300), ceiling=Bandwidth(400)).sold(Bandwidth(100))


def test_an_overruled_window_is_told_as_soon_as_it_is_visible() -> None:
    plan = plan_of(Ask(300, 400, name="call"), Ask(320, 330, 100, True, 5, name="work"))
    (problem,) = overruled(plan, at(0))
    assert problem.where.startswith("den-a/call/2026-11-24T17:00Z/")
    assert problem == Problem(
        Kind.OVERRULED,
        problem.where,
        {
            "circuit": "den-a",
            "rule": "call",
            "subject": "call",
            "start": "2026-11-24T17:00:00+00:00",
            "zone": "America/Denver",
            "needs": "1 Gbps",
            "by": "work",
            "by_subject": "work",
        },
    )
    quiet = plan_of(Ask(300, 400, 100, name="call"), Ask(320, 330, 100, True, 5, name="work"))
    assert not list(overruled(quiet, plan.timeline.span.start))


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        pytest.param([Ask(-60, 60), Ask(-60, 1, 100, True, 5)], ["-60-60"], id="now"),
        pytest.param([Ask(-60, 60), Ask(-60, 0, 100, True, 5)], [], id="until just now"),
        pytest.param([Ask(-60, 0), Ask(-60, 60, 100, True, 5)], [], id="over just now"),
        pytest.param([Ask(0, 60, 500, True, 1), Ask(0, 60, 100, True, 5)], [], id="maintenance by other"),
        pytest.param(
            [Ask(0, 60, name="a"), Ask(5, 60, name="b"), Ask(0, 9, 100, True, 5), Ask(20, 29, 100, True, 5)],
            ["a", "b"],
            id="each that is overruled, once",
        ),
    ],
)
def test_who_is_overruled(asks: list[Ask], told: list[str]) -> None:
    assert [problem.facts["rule"] for problem in overruled(plan_of(*asks), at(0))] == told


def peak(days: str, start: str, end: str | None, mbps: int = 500, lead: int = 0) -> Peak:
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    chosen = frozenset(names.index(day) for day in days.split())
    ends = time.fromisoformat(end) if end else None
    return Peak(chosen, time.fromisoformat(start), ends, Bandwidth(mbps), lead=timedelta(minutes=lead))


CHRISTMAS = frozenset({date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 31), date(2027, 1, 1)})


@pytest.mark.parametrize(
    ("numbers", "month", "holidays", "expected"),
    [
        ([-2, -1, 1], "2026-11", frozenset(), [2, 27, 30]),
        ([-2, -1, 1], "2026-12", CHRISTMAS, [1, 29, 30]),
        ([-1, 1], "2027-01", CHRISTMAS, [4, 29]),
        ([1, -1], "2026-02", frozenset(), [2, 27]),
        ([23], "2026-12", frozenset(), [31]),
        ([23], "2026-11", frozenset(), []),
        ([-21], "2026-11", frozenset(), [2]),
    ],
    ids=[
        "month end",
        "before the holidays",
        "after New Year",
        "February",
        "all of them",
        "none",
        "from the end",
    ],
)
def test_business_days_are_counted_from_both_ends_of_the_month(
    numbers: list[int], month: str, holidays: frozenset[date], expected: list[int]
) -> None:
    close = Peak(frozenset(), time(8), time(9), Bandwidth(500), business_days=frozenset(numbers))
    first = date.fromisoformat(f"{month}-01")
    days = [first + timedelta(days=number) for number in range(31)]
    chosen = [day.day for day in days if day.month == first.month and is_chosen(close, day, holidays)]
    assert chosen == expected


@pytest.mark.parametrize(
    ("days", "as_sunday", "expected"),
    [
        ("thu fri", False, True),
        ("thu fri", True, False),
        ("sun", False, False),
        ("sun", True, True),
    ],
)
def test_a_holiday_counts_as_a_sunday_where_asked(days: str, as_sunday: bool, expected: bool) -> None:
    asked = replace(peak(days, "08:00", "09:00"), holidays_as_sunday=as_sunday)
    assert is_chosen(asked, date(2026, 12, 25), CHRISTMAS) is expected
    assert is_chosen(asked, date(2026, 12, 18), CHRISTMAS) is ("fri" in days)


def test_days_and_business_days_must_both_hold() -> None:
    asked = replace(peak("mon", "08:00", "09:00"), business_days=frozenset({-1}))
    assert is_chosen(asked, date(2026, 11, 30), frozenset())
    assert not is_chosen(asked, date(2026, 12, 31), frozenset())
    assert not is_chosen(asked, date(2026, 11, 23), frozenset())


def test_a_circuit_keeps_the_holidays_of_its_place() -> None:
    asked = replace(peak("fri", "08:00", "09:00"), holidays_as_sunday=True)
    circuit = replace(CIRCUIT, baseline=Baseline(TIERS[0], (asked,)), holidays=CHRISTMAS)
    week = Interval(datetime(2026, 12, 24, tzinfo=UTC), datetime(2026, 12, 27, tzinfo=UTC))
    assert {segment.target for segment in draw_timeline(circuit, (), week).segments} == {TIERS[0]}
    assert len(draw_timeline(replace(circuit, holidays=frozenset()), (), week).segments) == 3


def stretches(zone: str, first: str, last: str, *peaks: Peak) -> list[str]:
    """The peaks between two UTC instants as `day hour:minute-hour:minute mbps`, in UTC."""
    over = Interval(*(datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (first, last)))
    laid_out = lay_out(Baseline(TIERS[0], peaks), ZoneInfo(zone), over)
    assert laid_out[0].span.start == over.start
    assert laid_out[-1].span.end == over.end
    return [f"{s.span.start:%d %H:%M}-{s.span.end:%d %H:%M} {s.bandwidth.mbps}" for s in laid_out if s.peak]


@pytest.mark.parametrize(
    ("zone", "first", "last", "peaks", "expected"),
    [
        pytest.param(
            "UTC", "2026-11-23", "2026-11-25", [peak("mon tue", "07:30", "18:30")],
            ["23 07:30-23 18:30 500", "24 07:30-24 18:30 500"], id="by weekday",
        ),
        pytest.param(
            "UTC", "2026-11-23", "2026-11-25", [peak("mon", "22:00", "02:00")],
            ["23 22:00-24 02:00 500"], id="past midnight: of its first day",
        ),
        pytest.param(
            "UTC", "2026-11-23T01:00", "2026-11-23T12:00", [peak("sun", "22:00", "02:00")],
            ["23 01:00-23 02:00 500"], id="past midnight, seen from behind it; the week wraps",
        ),
        pytest.param(
            "UTC", "2026-11-23", "2026-11-25", [peak("mon", "20:00", None)],
            ["23 20:00-24 00:00 500"], id="24:00",
        ),
        pytest.param(
            "UTC", "2026-11-23", "2026-11-25", [peak("mon", "08:00", "10:00"), peak("mon", "10:00", "12:00")],
            ["23 08:00-23 12:00 500"], id="two that touch are one",
        ),
        pytest.param(
            "UTC", "2026-11-23", "2026-11-24",
            [peak("mon", "08:00", "12:00"), peak("mon", "10:00", "11:00", 1000)],
            ["23 08:00-23 10:00 500", "23 10:00-23 11:00 1000", "23 11:00-23 12:00 500"], id="overlapping",
        ),
        pytest.param(
            "UTC", "2026-11-23", "2026-11-25", [peak("mon", "09:00", "09:00")],
            ["23 09:00-24 09:00 500"], id="to not after from: all round the clock",
        ),
        pytest.param(
            "America/Denver", "2026-03-08", "2026-03-09", [peak("sun", "01:00", "04:00")],
            ["08 08:00-08 10:00 500"], id="forward: an hour is missing",
        ),
        pytest.param(
            "America/Denver", "2026-03-08", "2026-03-09", [peak("sun", "02:15", "02:45")],
            [], id="wholly inside the gap: lost",
        ),
        pytest.param(
            "America/Denver", "2026-03-08", "2026-03-09", [peak("sun", "02:30", "03:30")],
            ["08 09:00-08 09:30 500"], id="begins in the gap",
        ),
        pytest.param(
            "America/Denver", "2026-11-01", "2026-11-02", [peak("sun", "00:30", "01:30")],
            ["01 06:30-01 07:30 500"], id="back: the first 01:30",
        ),
        pytest.param(
            "Europe/London", "2026-10-25", "2026-10-26", [peak("sun", "00:30", "03:00")],
            ["25 00:00-25 03:00 500"], id="London goes back",
        ),
        pytest.param(
            "Pacific/Kiritimati", "2026-11-22", "2026-11-23", [peak("mon", "00:00", "06:00")],
            ["22 10:00-22 16:00 500"], id="far east: Monday begins on Sunday",
        ),
        pytest.param(
            "Pacific/Pago_Pago", "2026-11-24", "2026-11-25", [peak("mon", "20:00", None)],
            ["24 07:00-24 11:00 500"], id="far west: Monday ends on Tuesday",
        ),
        pytest.param(
            "Pacific/Pago_Pago", "2026-11-24T02:00", "2026-11-24T08:00", [peak("sun", "22:00", "16:00")],
            ["24 02:00-24 03:00 500"], id="far west: Sunday's night lasts into Tuesday",
        ),
        pytest.param(
            "Asia/Tokyo", "2026-11-23T18:00", "2026-11-23T23:30", [peak("tue", "08:00", "10:00")],
            ["23 23:00-23 23:30 500"], id="far east: Tuesday has begun",
        ),
        pytest.param(
            "UTC", "2026-11-23T09:00", "2026-11-23T13:00",
            [peak("mon", "08:00", "12:00"), peak("mon", "10:00", "11:00")],
            ["23 09:00-23 12:00 500"], id="one within another",
        ),
        pytest.param(
            "UTC", "2026-11-23", "2026-11-23T13:00", [peak("mon", "08:00", "12:00", 100)],
            ["23 08:00-23 12:00 100"], id="no higher than off-peak, and a peak all the same",
        ),
        pytest.param(
            "Asia/Kolkata", "2026-11-23", "2026-11-24", [peak("mon", "09:00", "10:00")],
            ["23 03:30-23 04:30 500"], id="half an hour off",
        ),
        pytest.param(
            "UTC", "2026-11-23", "2026-11-24", [peak("mon", "08:00", "10:00", lead=10)],
            ["23 07:50-23 10:00 500"], id="asked for by its lead earlier",
        ),
        pytest.param(
            "UTC", "2026-11-23", "2026-11-24",
            [peak("mon", "08:00", "10:00", lead=10), peak("mon", "10:05", "11:00", lead=10)],
            ["23 07:50-23 11:00 500"], id="a gap that is shorter than the lead",
        ),
        pytest.param(
            "UTC", "2026-11-22T12:00", "2026-11-23", [peak("mon", "00:05", "06:00", lead=10)],
            ["22 23:55-23 00:00 500"], id="a lead that begins the day before",
        ),
        pytest.param(
            "UTC", "2026-11-20", "2026-11-21", [peak("mon", "08:00", "10:00", lead=3 * 24 * 60)],
            ["20 08:00-21 00:00 500"], id="a lead of days",
        ),
        pytest.param(
            "UTC", "2026-11-23", "2026-11-24",
            [peak("mon", "08:00", "12:00", lead=10), peak("mon", "10:00", "11:00", 1000, lead=30)],
            ["23 07:50-23 09:30 500", "23 09:30-23 11:00 1000", "23 11:00-23 12:00 500"], id="each its own",
        ),
        pytest.param(
            "America/Denver", "2026-03-08", "2026-03-09", [peak("sun", "03:05", "04:00", lead=10)],
            ["08 08:55-08 10:00 500"], id="a lead over the missing hour is as long as any",
        ),
    ],
)  # fmt: skip
def test_the_baseline_in_local_time(
    zone: str, first: str, last: str, peaks: list[Peak], expected: list[str]
) -> None:
    assert stretches(zone, first, last, *peaks) == expected


def test_a_peak_is_named_by_its_own_beginning() -> None:
    monday = Interval(*(datetime(2026, 11, day, tzinfo=UTC) for day in (23, 24)))
    both = (peak("mon", "08:00", "12:00", lead=10), peak("mon", "10:00", "11:00", 1000, lead=30))
    laid_out = lay_out(Baseline(TIERS[0], both), ZoneInfo("UTC"), monday)
    assert [f"{one.begins:%H:%M}" for one in laid_out] == ["00:00", "08:00", "10:00", "11:00", "12:00"]


def test_each_circuit_has_its_own_zone() -> None:
    circuit: Circuit = replace(CIRCUIT, zone=ZoneInfo("Asia/Tokyo"))
    assert timeline_of(Ask(0, 10), circuit=circuit).circuit.zone.key == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("longest", "span", "event_end"),
    [
        pytest.param(None, (5, 107), 100, id="no limit"),
        pytest.param(200, (5, 107), 100, id="longer than the window"),
        pytest.param(97, (5, 102), 100, id="into the trail"),
        pytest.param(30, (5, 35), 35, id="within the event"),
    ],
)
def test_longest_caps_a_window_with_lead_and_trail(
    longest: float | None, span: tuple[float, float], event_end: float
) -> None:
    ask = Ask(10, 100, lead=5, trail=7)
    rule = replace(ask.rule(), longest=None if longest is None else minutes(longest))
    (window,) = open_windows([ask.matched()], [rule], [CIRCUIT])[CIRCUIT.name]
    assert window.demand.span == Interval(*map(at, span))
    assert window.demand.event == Interval(at(10), at(event_end))
