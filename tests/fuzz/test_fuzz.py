"""Spoiled answers, calendars and configurations: a result or a documented error, in bounded time.

`IODCAL_FUZZ=100000` is the long form: so many answers, and a fifth of it of each kind of file.
"""

from __future__ import annotations

import json
import os
import random
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iodcal.calendars.graph.events import parse_page
from iodcal.calendars.ics.parse import parse_events
from iodcal.carriers.lumen.bodies import read_quote
from iodcal.carriers.lumen.inventory import find_service
from iodcal.config.load import load_configuration_copy
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.events import Source
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError, CarrierError, ConfigurationError, StateError
from iodcal.store.codec import DamagedError, decode
from iodcal.store.legacy import migrate
from tests.fuzz.mutations import spoil, spoil_lines
from tests.servers.graph import event

ANSWERS = int(os.environ.get("IODCAL_FUZZ", "2000"))
FILES = ANSWERS // 5
LONGEST = 2.0  # seconds of CPU for any one input: a bound, far above what any should take
HERE = Path(__file__).parent
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WINDOW = Interval(NOW - timedelta(days=1), NOW + timedelta(days=4))
SOURCE = Source("fuzz", "fuzz", "fuzz")
PAGE = {
    "@odata.nextLink": "https://graph.microsoft.com/v1.0/users/a/calendarView?$skip=10",
    "value": [
        {**event("All-Hands", NOW, NOW + timedelta(hours=1)), "isOnlineMeeting": True},
        {**event("Day off", NOW, NOW + timedelta(days=1)), "isAllDay": True, "sensitivity": "private"},
    ],
}
INVENTORY = {
    "serviceInventory": [
        {
            "serviceId": "77000000001",
            "billingAccount": {"id": "5-ABCDEFGH", "name": "Example Corp"},
            "location": {"masterSiteid": "PL0001"},
            "locationProfile": {"dataCenter": True, "relatedParty": {"id": "43558"}},
            "product": {
                "status": "Active",
                "productCharacteristic": [
                    {"name": "Bandwidth", "value": "100 Mbps"},
                    {"name": "UNI Service ID", "value": "77000000009"},
                ],
            },
        }
    ]
}
QUOTE = {
    "id": "1466",
    "priceRequest": {"speed": "500 Mbps"},
    "price": [{"speed": "500 Mbps", "price": "$0.82", "term": "Hourly Rate"}],
}


def wild(count: int, one: Callable[[random.Random], Any], fine: tuple[type[Exception], ...]) -> int:
    """Runs `one` so often; the number that were understood. Anything but `fine` fails with its seed."""
    understood = 0
    for seed in range(count):
        before = time.process_time()
        try:
            one(random.Random(seed))  # noqa: S311 - the same inputs every time
            understood += 1
        except fine:
            pass
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error
        assert time.process_time() - before < LONGEST, f"seed {seed} took too long"
    return understood


def test_graph_pages() -> None:
    assert (
        0 < wild(ANSWERS, lambda chance: parse_page(SOURCE, spoil(PAGE, chance)), (CalendarError,)) < ANSWERS
    )


def test_lumen_inventory() -> None:
    def read(chance: random.Random) -> None:
        service = find_service(spoil(INVENTORY, chance), "77000000001")
        if service is not None:
            service.reading(NOW)

    assert wild(ANSWERS, read, (CarrierError,)) > 0


def test_lumen_quotes() -> None:
    def read(chance: random.Random) -> None:
        assert read_quote(spoil(QUOTE, chance), Bandwidth(500), NOW).bandwidth == Bandwidth(500)

    assert 0 < wild(ANSWERS, read, (CarrierError,)) < ANSWERS


def test_state_files() -> None:
    golden = json.loads((HERE.parent / "store" / "golden" / "states" / "v1" / "v1-last.json").read_text())

    def read(chance: random.Random) -> None:
        decode(migrate(spoil(golden, chance), "state.json"))

    assert 0 < wild(FILES, read, (DamagedError, StateError)) < FILES


def test_configurations() -> None:
    text = (HERE.parent / "config" / "full.yaml").read_text(encoding="utf-8")

    def load(chance: random.Random) -> None:
        content = spoil_lines(text, chance).encode("utf-8", "surrogatepass")
        load_configuration_copy(content, HERE / "rules.yaml", trusted=True)

    wild(FILES, load, (ConfigurationError,))


@pytest.mark.parametrize("name", ["calendar.ics", "wild.ics"])
def test_icalendar_files(name: str) -> None:
    path = HERE.parent.parent / "examples" / name if name == "calendar.ics" else HERE / name
    text = path.read_bytes().decode("utf-8")

    def read(chance: random.Random) -> None:
        parse_events(SOURCE, spoil_lines(text, chance).encode("utf-8", "surrogatepass"), WINDOW)

    assert wild(FILES, read, (CalendarError,)) > 0


def test_memory_stays_within_bounds() -> None:
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_000_000  # KiB, of the whole test process
