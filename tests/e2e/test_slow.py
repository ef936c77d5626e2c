"""A calendar that answers a letter at a time: half of `every` is lost to it, and no event of another one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.e2e.command import Iodcal
from tests.e2e.test_sandbox import CALENDAR, RULES
from tests.http.test_cutting import slow


def test_a_slow_calendar_costs_no_order_of_another_one(iodcal: Iodcal) -> None:
    now = datetime.now(UTC)
    begins, ends = (f"{now + timedelta(minutes=minutes):%Y%m%dT%H%M%SZ}" for minutes in (20, 80))
    text = CALENDAR.replace("20261124T123000Z", begins).replace("20261124T133000Z", ends)
    iodcal.write("calendar.ics", text)
    with slow(b"HTTP/1.1 200 OK\r\nX-Long: ") as server:
        rules = RULES.format(orders="all").replace("settings: {", "settings: {every: 4s, ")
        rules = rules.replace("{local: ", f'{{slow: {{ics: "{server.url}"}}, local: ')
        iodcal.write("rules.yaml", rules.replace("calendars: [local]", "calendars: [local, slow]"))
        done = iodcal("sync", "-o", "json").json
    assert [(one["kind"], one["where"]) for one in done["problems"]] == [("calendar_unreadable", "slow")]
    assert [order["outcome"] for order in done["orders"]] == ["accepted"]
