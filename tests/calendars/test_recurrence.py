"""Recurrence rules: beside an independent reader, and within bounds."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from iodcal.calendars.ics.recurrence import StepBudget, TooDenseError, expand, parse_rule

START = datetime(2024, 1, 31, 9, 30)  # noqa: DTZ001 - local time
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def until(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - local time


def made(text: str, first: datetime, last: datetime, start: datetime = START) -> list[datetime]:
    return list(
        expand(parse_rule(text, start, until), start, first=first, last=last, budget=StepBudget(10**6))
    )


def some(name: str, least: int, most: int) -> st.SearchStrategy[str]:
    numbers = st.lists(st.integers(least, most).filter(bool), min_size=1, max_size=3, unique=True)
    return st.one_of(st.just(""), numbers.map(lambda found: f";{name}={','.join(map(str, found))}"))


def weekdays(*, numbered: bool) -> st.SearchStrategy[str]:
    """All with a number or none: where both stand side by side, dateutil takes what is both, not either."""
    plain = st.sampled_from(DAYS)
    nth = st.tuples(st.sampled_from(["1", "-1", "2", "5"]), plain).map("".join)
    kinds = [plain, nth] if numbered else [plain]
    days = st.one_of([st.lists(kind, min_size=1, max_size=3, unique=True) for kind in kinds])
    return st.one_of(st.just(""), days.map(lambda found: f";BYDAY={','.join(found)}"))


RULES = st.one_of(
    st.tuples(
        st.just("FREQ=DAILY"), some("BYMONTH", 1, 12), some("BYMONTHDAY", -31, 31), weekdays(numbered=False)
    ),
    st.tuples(
        st.just("FREQ=WEEKLY"), weekdays(numbered=False), some("BYMONTH", 1, 12), some("BYHOUR", 1, 23)
    ),
    st.tuples(
        st.just("FREQ=MONTHLY"), some("BYMONTHDAY", -31, 31), weekdays(numbered=True), some("BYSETPOS", -3, 3)
    ),
    st.tuples(
        st.just("FREQ=YEARLY"), some("BYMONTH", 1, 12), weekdays(numbered=True), some("BYMONTHDAY", -31, 31)
    ),
    st.tuples(st.just("FREQ=YEARLY"), some("BYWEEKNO", -53, 53), weekdays(numbered=False).filter(bool)),
    st.tuples(st.just("FREQ=YEARLY"), some("BYYEARDAY", -366, 366), some("BYMONTH", 1, 12)),
    st.tuples(
        st.just("FREQ=HOURLY"), some("BYHOUR", 1, 23), weekdays(numbered=False), some("BYMONTH", 1, 12)
    ),
).map("".join)
STEPS = st.sampled_from(["", ";INTERVAL=2", ";INTERVAL=3", ";WKST=SU", ";INTERVAL=2;WKST=SU"])


@given(RULES, STEPS, st.none() | st.integers(1, 400), st.integers(0, 1500))
def test_rules_are_expanded_as_an_independent_reader_does(
    rule: str, steps: str, count: int | None, days: int
) -> None:
    text = f"{rule}{steps}"
    first = START + timedelta(days=days)
    last = first + timedelta(days=60)
    # With an end, since it would look for a day that is none until the year 9999.
    try:
        oracle = islice(rrulestr(f"{text};UNTIL=20290101T000000", dtstart=START), count)
    except ValueError:  # it refuses hours that no step of an hourly rule comes to; they are no time at all
        oracle = islice((), 0)
    expected = [at for at in oracle if first <= at <= last]
    assert made(text if count is None else f"{text};COUNT={count}", first, last) == expected


def test_days_with_and_without_a_number_all_count() -> None:
    """RFC 5545, 3.3.10: each entry of BYDAY adds its days."""
    found = made("FREQ=MONTHLY;BYDAY=MO,-1TH", datetime(2024, 4, 1), datetime(2024, 5, 1))  # noqa: DTZ001
    assert [at.day for at in found] == [1, 8, 15, 22, 25, 29]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("FREQ=HOURLY;BYSETPOS=2", 0),
        ("FREQ=MINUTELY;BYSETPOS=-2;BYMONTH=2", 0),
        ("FREQ=DAILY;BYMONTH=2;BYDAY=MO;BYMONTHDAY=29", 0),
        ("FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6", 0),
        ("FREQ=DAILY;COUNT=999999999", 11),
        ("FREQ=WEEKLY;BYDAY=MO,TU;COUNT=999999999", 3),
        ("FREQ=HOURLY;COUNT=999999999", 10 * 24 + 1),
        ("FREQ=MINUTELY;INTERVAL=30;COUNT=999999999", 10 * 48 + 1),
        ("FREQ=WEEKLY;INTERVAL=99999999999999999999", 0),
        ("FREQ=YEARLY;INTERVAL=99999999999999999999", 0),
    ],
)
def test_a_rule_that_finds_little_ends_soon(text: str, count: int) -> None:
    """From the year 1 on, within a budget of few steps."""
    start = datetime(1, 1, 1, 9)  # noqa: DTZ001 - local time
    first = datetime(2026, 12, 1, 9)  # noqa: DTZ001 - local time
    found = expand(
        parse_rule(text, start, until),
        start,
        first=first,
        last=first + timedelta(days=10),
        budget=StepBudget(50_000),
    )
    assert len(list(found)) == count


def test_a_rule_that_is_too_dense_is_given_up() -> None:
    with pytest.raises(TooDenseError):
        list(
            expand(
                parse_rule("FREQ=SECONDLY", START, until),
                START,
                first=START,
                last=START + timedelta(days=2),
                budget=StepBudget(1000),
            )
        )


def test_the_clock_is_looked_at_between_two_occurrences() -> None:
    looks: list[int] = []
    rule = parse_rule("FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=1", START, until)
    budget = StepBudget(10**6, lambda: looks.append(1))
    assert not list(expand(rule, START, first=START, last=START + timedelta(days=30), budget=budget))
    assert len(looks) > 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FREQ=OFTEN",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY;BYHOUR=25",
        "FREQ=DAILY;BYMONTH=0",
        "FREQ=DAILY;UNTL=20260101",
        "FREQ=MONTHLY;SKIP=FORWARD",
        "RSCALE=HEBREW;FREQ=YEARLY",
        "D1 #3",
    ],
)
def test_a_rule_that_is_not_understood_is_told(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it carries nothing
        parse_rule(text, START, until)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("FREQ=DAILY;X-ACME=1;COUNT=3", "FREQ=DAILY;COUNT=3"),
        ("FREQ=DAILY;COUNT=-1", "FREQ=DAILY"),
        ("freq=weekly;byday=mo, tu ;", "FREQ=WEEKLY;BYDAY=MO,TU"),
        ("RSCALE=GREGORIAN;FREQ=DAILY;SKIP=OMIT", "FREQ=DAILY"),
        ("FREQ=MONTHLY;BYYEARDAY=-1;BYMONTHDAY=-1", "FREQ=MONTHLY;BYMONTHDAY=-1"),
    ],
)
def test_what_other_readers_leave_out_is_left_out(text: str, same: str) -> None:
    assert parse_rule(text, START, until) == parse_rule(same, START, until)
