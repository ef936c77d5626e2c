"""The daily summary: when it is due."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from iodcal.notify.news import day_due

SEVEN = time(7)
TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("hour", "last", "due"),
    [
        (13, None, None),  # 06:00 in Denver
        (14, None, TODAY),
        (14, date(2026, 11, 23), TODAY),
        (14, TODAY, None),
        (23, TODAY, None),
        (3, TODAY, None),  # 20:00 the day before
    ],
)
def test_it_is_due_once_a_local_day(hour: int, last: date | None, due: date | None) -> None:
    now = datetime(2026, 11, 24, hour, tzinfo=UTC)
    assert day_due(last, SEVEN, now, ZoneInfo("America/Denver")) == due
