"""A made-up company with known truth: what its circuits would carry if nothing limited them, where its rules
and baselines ask for too much or too little, and the files that `iodcal` would see of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from iodcal.analysis.advice import AdviceKind
from iodcal.analysis.usage import BIN
from iodcal.domain.localtime import Interval, instant

ZONE = ZoneInfo("America/Denver")
TIERS = (100, 200, 500, 1000, 2000, 5000)
FIRST = date(2025, 12, 1)
_WINDOW = (timedelta(minutes=10), timedelta(minutes=5))  # traffic around an event
_DECOYS = ("Team sync", "1:1", "Budget review", "Lunch and learn", "Interview")
HEADROOM = 1.25

Plant = tuple[AdviceKind, str]


@dataclass
class Site:
    """One circuit: its levels in the file, and what it truly wants, in Mbps."""

    name: str
    off_peak: int
    peak: int
    wants_off: float
    wants_peak: float
    busy_until: float = 18.5
    seasonal: bool = False


@dataclass
class Meeting:
    """The events of one title on some circuits: of the rule with that name, or of none, where `tier` is 0."""

    title: str
    sites: tuple[str, ...]
    tier: int
    wants: float
    starts: list[datetime] = field(default_factory=list)
    lead: int = 25
    trail: int = 10


def lower(tier: int) -> int:
    return TIERS[TIERS.index(tier) - 1]


class Company:
    """`sites` circuits over `weeks`, made of `seed`. `planted` is what advice should find."""

    def __init__(self, seed: int, sites: int, weeks: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a made-up company
        self.days = weeks * 7
        self.span = Interval(_at(FIRST, 0), _at(FIRST + timedelta(days=self.days), 0))
        self.planted: set[Plant] = set()
        self.sites = [self._site(number) for number in range(sites)]
        self.meetings = [
            meeting for number, site in enumerate(self.sites) for meeting in self._meetings(number, site)
        ]
        self.decoys = [(self.chance.choice(_DECOYS), self._start()) for _ in range(weeks * 6)]

    def _wants(self, tier: int, plant: str) -> float:
        """Most that is wanted where `tier` is asked for: too little, too much or right by a good margin."""
        match plant:
            case "low":
                return tier * self.chance.uniform(1.1, 1.5)
            case "high":
                return lower(tier) * self.chance.uniform(0.4, 0.75)
            case _:
                return self.chance.uniform(lower(tier) * 0.85, tier * 0.75)

    def _site(self, number: int) -> Site:
        name = f"c{number:02}"
        plant = ("ok", "high", "low", "ok", "late", "short", "ok", "seasonal")[number % 8]
        peak_plant = ("ok", "ok", "ok", "high", "ok", "ok", "low", "ok")[number % 8]
        off_peak = self.chance.choice((200, 500))
        peak = 1000
        site = Site(
            name,
            off_peak,
            peak,
            wants_off=self._wants(off_peak, plant),
            wants_peak=self._wants(peak, peak_plant),
            busy_until={"late": 20.0, "short": 16.0}.get(plant, 18.5),
            seasonal=plant == "seasonal",
        )
        if plant in ("high", "low"):
            kind = AdviceKind.BASELINE_TOO_HIGH if plant == "high" else AdviceKind.BASELINE_TOO_LOW
            self.planted.add((kind, f"the baseline of {name}, off peak"))
        if peak_plant != "ok":
            kind = AdviceKind.BASELINE_TOO_HIGH if peak_plant == "high" else AdviceKind.BASELINE_TOO_LOW
            self.planted.add((kind, f"the baseline of {name}, peak"))
        if plant in ("late", "short"):
            self.planted.add((AdviceKind.PEAK_HOURS, f"the baseline of {name}"))
        return site

    def _meetings(self, number: int, site: Site) -> list[Meeting]:
        tier = 2000
        plant = ("ok", "low", "high", "lead", "trail", "high", "low", "ok")[number % 8]
        title = f"All-Hands {site.name}"
        meeting = Meeting(title, (site.name,), tier, self._wants(tier, plant))
        meeting.starts = [self._start() for _ in range(max(8, self.days // 10))]
        kinds = {
            "low": AdviceKind.TIER_AT_LIMIT,
            "high": AdviceKind.TIER_NOT_NEEDED,
            "lead": AdviceKind.LEAD_TOO_LONG,
            "trail": AdviceKind.TRAIL_TOO_LONG,
        }
        if plant in kinds:
            self.planted.add((kinds[plant], title))
        meeting.lead = 120 if plant == "lead" else 25
        meeting.trail = 90 if plant == "trail" else 10
        found = [meeting]
        if number % 8 in (0, 4):
            launch = Meeting(f"Launch of product {site.name}x", (site.name,), 0, site.peak * 1.4)
            launch.starts = [self._start() for _ in range(6)]
            self.planted.add((AdviceKind.RULE_MISSING, "Launch of product"))
            found.append(launch)
        return found

    def _start(self) -> datetime:
        day = FIRST + timedelta(days=self.chance.randrange(self.days))
        while day.weekday() > 4:
            day -= timedelta(days=1)
        return _at(max(day, FIRST), self.chance.choice((9, 10, 11, 13, 14)))

    def wanted(self, site: Site) -> list[float]:
        """What the circuit would carry, bin by bin."""
        bins = self.span.length // BIN
        busy = [False] * bins
        extra = [0.0] * bins
        for day in range(self.days):
            on = FIRST + timedelta(days=day)
            if on.weekday() < 5:
                for n in range(self._bin(_at(on, 7.5)), self._bin(_at(on, site.busy_until))):
                    busy[n] = True
        for meeting in self.meetings:
            for start in meeting.starts if site.name in meeting.sites else ():
                first, last = start - _WINDOW[0], start + timedelta(hours=1) + _WINDOW[1]
                for n in range(self._bin(first), min(bins, self._bin(last))):
                    extra[n] = meeting.wants
        chance = self.chance.random
        return [
            extra[n] * (0.9 + 0.1 * chance())
            if extra[n]
            else (site.wants_peak if busy[n] else site.wants_off)
            * (0.6 + 0.4 * chance())
            * (0.5 if site.seasonal and not self._quarter_ends(n) else 1.0)
            for n in range(bins)
        ]

    def _quarter_ends(self, number: int) -> bool:
        at = self.span.start + number * BIN
        return (at + timedelta(days=7)).month != at.month and at.month % 3 == 0

    def _bin(self, at: datetime) -> int:
        return (at - self.span.start) // BIN

    def observed(self, wanted: list[float], levels: list[int]) -> list[float | None]:
        """What counters tell of it: no more than was ordered, with gaps, resets and spikes."""
        chance = self.chance
        seen: list[float | None] = [
            min(want, level * chance.uniform(0.96, 0.99)) for want, level in zip(wanted, levels, strict=True)
        ]
        for _ in range(len(seen) // 4000):
            first = chance.randrange(len(seen))
            seen[first : first + 12] = [None] * len(seen[first : first + 12])
            seen[chance.randrange(len(seen))] = chance.choice((-5.0, 1e9, float("nan")))
        return seen

    def write(self, folder: Path) -> Path:
        """The rules file, and the calendar beside it."""
        lines = [
            "version: 1",
            "timezone: America/Denver",
            f"settings: {{state: {folder}/state.json}}  # kept short",
            "calendars: {company: {ics: calendar.ics}}",
            "carriers:",
            f"  lab: {{type: sandbox, file: {folder}/sandbox.json, provisioning: 10m,",
            "        rates: {100 Mbps: 0.4, 200 Mbps: 0.6, 500 Mbps: 1, 1 Gbps: 1.5, 2 Gbps: 2.4,",
            "                5 Gbps: 4}}",
            "circuits:",
        ]
        tiers = ", ".join(f"{tier} Mbps" for tier in TIERS)
        for site in self.sites:
            lines += [
                f"  {site.name}:",
                f'    {{carrier: lab, service_id: "{site.name}", tiers: [{tiers}],',
                f"     baseline: {{off_peak: {site.off_peak} Mbps,  # at night",
                '         peaks: [{days: mon-fri, from: "07:30", to: "18:30",'
                f" bandwidth: {site.peak} Mbps}}]}}}}",
            ]
        lines.append("rules:")
        for meeting in self.meetings:
            if meeting.tier:
                lines += [
                    f"  - name: {meeting.title}",
                    "    calendars: [company]",
                    f"    match: {{subject: {meeting.title}}}",
                    f"    circuits: [{', '.join(meeting.sites)}]",
                    f"    bandwidth: {meeting.tier} Mbps  # asked for by hand",
                    f"    lead: {meeting.lead}m",
                    f"    trail: {meeting.trail}m",
                ]
        (folder / "calendar.ics").write_text(self._calendar(), encoding="utf-8")
        path = folder / "rules.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def _calendar(self) -> str:
        events = [(m.title, start) for m in self.meetings for start in m.starts] + self.decoys
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN"]
        for number, (title, start) in enumerate(events):
            end = start + timedelta(hours=1)
            lines += [
                *("BEGIN:VEVENT", f"UID:{number}@contoso.example", "DTSTAMP:20251101T000000Z"),
                *(f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{end:%Y%m%dT%H%M%SZ}"),
                *(f"SUMMARY:{title}", "END:VEVENT"),
            ]
        return "\r\n".join([*lines, "END:VCALENDAR", ""])


def _at(day: date, hour: float) -> datetime:
    return instant(datetime.combine(day, time()) + timedelta(hours=hour), ZONE).astimezone(UTC)
