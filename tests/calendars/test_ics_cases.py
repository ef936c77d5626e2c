"""iCalendars as the world writes them: each with a rules file beside it, read to the windows that it makes.

`icalendar.jsonl` has a case a line: `ics` (its lines end in CRLF) or `ics_base64`; `now`, `hours` and `zone`
(the circuit's); `match` and `settings` of the rules, as YAML; `expect`: the event windows (UTC) that overlap
that time, or the code of the refusal (`unreadable`: any); `count`: how many events there are.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iodcal.calendars import CalendarReading
from iodcal.config import Configuration
from iodcal.config.load import load_configuration
from iodcal.domain.localtime import Interval
from iodcal.domain.windows import open_windows
from iodcal.errors import CalendarError
from iodcal.http import Deadline
from iodcal.pipeline.fetch import match

_FILE = Path(__file__).parent / "icalendar.jsonl"
CASES = [json.loads(line) for line in _FILE.read_text(encoding="utf-8").splitlines()]
RULES = """
version: 1
timezone: {zone}
settings: {{lead: 0m, trail: 0m, min_gap: 0m, every: 5m{settings}}}
calendars: {{local: {{ics: calendar.ics}}}}
carriers: {{lab: {{type: sandbox, file: sandbox.json, provisioning: 1m}}}}
baselines: {{flat: {{off_peak: 100 Mbps}}}}
circuits: {{a: {{carrier: lab, service_id: "1", tiers: [100 Mbps, 1 Gbps], baseline: flat}}}}
rules: [{{name: all, calendars: [local], circuits: [a], bandwidth: 1 Gbps{match}}}]
"""


def read(case: dict[str, Any], folder: Path, window: Interval) -> tuple[Configuration, CalendarReading]:
    text = case.get("ics", "").replace("\n", "\r\n").encode()
    (folder / "calendar.ics").write_bytes(base64.b64decode(case.get("ics_base64", "")) or text)
    matching = f", match: {case['match']}" if case.get("match") else ""
    rules = RULES.format(zone=case["zone"], settings=case.get("settings") or "", match=matching)
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    configuration = load_configuration(folder / "rules.yaml")
    calendar = configuration.calendars["local"]
    (reader,) = calendar.plugin.readers(calendar.name, calendar.options, calendar.context)
    return configuration, reader.read(window, Deadline.after(60))


def refusals(case: dict[str, Any], folder: Path, window: Interval) -> list[str]:
    """Why the calendar, or an event of it, is not understood. There must be a reason."""
    try:
        _, reading = read(case, folder, window)
    except CalendarError as error:
        return [error.code]
    assert reading.spoiled
    return [spoiled.code for spoiled in reading.spoiled]


@pytest.mark.parametrize("case", CASES, ids=[f"{case['id']}: {case['theme'][:70]}" for case in CASES])
def test_an_icalendar_makes_its_windows(case: dict[str, Any], tmp_path: Path) -> None:
    now = datetime.fromisoformat(case["now"])
    window = Interval(now, now + timedelta(hours=case["hours"]))
    if isinstance(case["expect"], str):
        assert case["expect"] in {*refusals(case, tmp_path, window), "unreadable"}
        return
    configuration, reading = read(case, tmp_path, window)
    matched = match(configuration, reading.events).matched
    opened = open_windows(matched, configuration.rules, configuration.circuits.values())["a"]
    spans = [one.demand.event for one in opened if one.demand.event.overlaps(window)]
    assert not reading.spoiled
    assert [[f"{at:%Y-%m-%d %H:%M}" for at in (span.start, span.end)] for span in spans] == sorted(
        case["expect"]
    )
    assert len(reading.events) == case.get("count", len(reading.events))
