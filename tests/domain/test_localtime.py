"""Local times at the ends of the calendar, which programmes write for "never"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from iodcal.domain.localtime import Interval, instant, widened

DENVER = ZoneInfo("America/Denver")
HOUR = timedelta(hours=1)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("local", [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)])  # noqa: DTZ001 - local
def test_a_time_that_means_never_is_the_same_everywhere(local: datetime) -> None:
    assert instant(local, DENVER) == local.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (Interval(FIRST + 9 * HOUR, LAST - 9 * HOUR), Interval(FIRST + 8 * HOUR, LAST - 7 * HOUR)),
        (Interval(FIRST, LAST), Interval(FIRST, LAST)),
        (Interval(FIRST + HOUR, LAST - 2 * HOUR), Interval(FIRST, LAST)),
    ],
)
def test_a_span_is_widened_as_far_as_years_go(span: Interval, expected: Interval) -> None:
    assert widened(span, HOUR, 2 * HOUR) == expected
