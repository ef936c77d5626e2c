"""A company to simulate: five circuits, three calendars, and any number of events by a seed."""

from __future__ import annotations

import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iodcal.config import Configuration
from iodcal.config.load import load_configuration
from iodcal.domain.events import CalendarReading, Event, Source, Timed
from iodcal.domain.localtime import Interval
from iodcal.pipeline.fetch import calendars_in_use

START = datetime(2026, 3, 1, tzinfo=UTC)
_RULES = """\
version: 1
timezone: America/Denver
settings: {{organizers: ["@contoso.example"]}}
sites:
  den: {{timezone: America/Denver}}
  lon: {{timezone: Europe/London}}
  tok: {{timezone: Asia/Tokyo}}
calendars:
  company: {{ics: company.ics}}
  noc: {{ics: noc.ics}}
  rooms: {{ics: rooms.ics, site: den}}
carriers:
  lab:
    type: sandbox
    file: sandbox.json
    provisioning: {provisioning}{quota}
    rates: {{100 Mbps: 0.46, 200 Mbps: 0.58, 500 Mbps: 0.82, 1 Gbps: 1.06}}
baselines:
  office:
    off_peak: 100 Mbps
    peaks:
      - {{days: mon-fri, from: "07:30", to: "18:30", bandwidth: 200 Mbps}}
defaults:
  circuit: {{carrier: lab, tiers: [100 Mbps, 200 Mbps, 500 Mbps, 1 Gbps], baseline: office}}
circuits:
  den-a: {{site: den, service_id: "1"}}
  den-b: {{site: den, service_id: "2"}}
  lon-a: {{site: lon, service_id: "3", ceiling: 500 Mbps}}
  lon-b: {{site: lon, service_id: "4"}}
  tok-a: {{site: tok, service_id: "5"}}
rules:
  - name: Company-wide events
    calendars: [company]
    match: {{subject: [All-Hands, Town Hall, Live Stream], longer_than: 30m}}
    circuits: all
    bandwidth: highest
  - name: Network operations
    calendars: [noc]
    circuits: [den-a, lon-a]
    bandwidth: 500 Mbps
    lead: 45m
  - name: Conference rooms
    calendars: [rooms]
    match: {{longer_than: 30m}}
    circuits: same_site
    bandwidth: 500 Mbps
"""
_SUBJECTS = {
    "company": ("All-Hands", "Town Hall: Q3", "Live Stream", "Budget review", "Lunch talk", "Onboarding"),
    "noc": ("Change window", "DR Test"),
    "rooms": ("Ines Duarte", "Pat Doe", "Ola Nordmann"),
}
_SHARE = (("company", 4), ("noc", 2), ("rooms", 4))


def configuration(*, provisioning: str = "10m", changes_per_day: int | None = None) -> Configuration:
    """Its rules file, with a carrier that takes so long and so many orders a day."""
    quota = "" if changes_per_day is None else f"\n    changes_per_day: {changes_per_day}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yaml"
        path.write_text(_RULES.format(provisioning=provisioning, quota=quota), encoding="utf-8")
        return load_configuration(path)


def readings(of: Configuration, span: Interval, events: int, seed: int = 1) -> dict[Source, CalendarReading]:
    """What its calendars hold over `span`: so many events, the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a benchmark, not a secret
    sources = [
        source
        for calendar in calendars_in_use(of)
        for source in calendar.plugin.sources(calendar.name, calendar.options, calendar.context)
    ]
    by_calendar = {source.calendar: source for source in sources}
    drawn: dict[str, list[Event]] = {source.key: [] for source in sources}
    for number in range(events):
        name = chance.choices([name for name, _ in _SHARE], [share for _, share in _SHARE])[0]
        event = _event(by_calendar[name], number, span, chance)
        drawn[event.source.key].append(event)
    return {source: CalendarReading(source, span, span.start, tuple(drawn[source.key])) for source in sources}


def _event(source: Source, number: int, span: Interval, chance: random.Random) -> Event:
    """Mostly by day; sometimes at any minute of the hour, as people write their meetings."""
    days = (span.end - span.start).days
    day = span.start + timedelta(days=chance.randrange(days))
    hour = chance.randrange(24) if source.calendar == "noc" else chance.randrange(7, 24)
    start = day + timedelta(hours=hour, minutes=chance.choice((0, 0, 0, 30, 15, 45, 5, 7)))
    length = timedelta(minutes=chance.choice((30, 45, 60, 60, 90, 120)))
    return Event(
        source,
        f"event-{number}",
        f"uid-{number}",
        Timed(start, start + length),
        chance.choice(_SUBJECTS[source.calendar]),
        organizer="ines.duarte@contoso.example",
    )
