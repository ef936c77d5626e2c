"""Rules by date, and events that name their circuits, with the real command."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.command import Done, Iodcal
from tests.e2e.conftest import World

RULES = """\
version: 1
timezone: UTC
settings: {state: state/state.json, organizers: ["@contoso.example"]}
holidays: {uk: {dates: [2026-12-25, 2026-12-28]}, us: {dates: [2026-12-25]}}
sites: {den: {timezone: America/Denver, holidays: us}, lon: {timezone: Europe/London, holidays: uk}}
calendars: {noc: {ics: noc.ics}}
carriers: {lab: {type: sandbox, file: sandbox.json, provisioning: 2m}}
defaults: {circuit: {carrier: lab, tiers: [100 Mbps, 1 Gbps], baseline: {off_peak: 100 Mbps}}}
circuits:
  den-a: {site: den, service_id: "77000000001"}
  den-b: {site: den, service_id: "77000000002"}
  lon-a: {site: lon, service_id: "77000000003"}
rules:
"""
BY_NAME = (
    "  - {name: DR, calendars: [noc], match: {subject: DR Test}, circuits: named_in_event, "
    "bandwidth: 1 Gbps}\n"
)
MONTH_END = (
    "  - {name: Close, calendars: [noc], match: {subject: Close, business_days: [-3, -1]}, circuits: all, "
    "bandwidth: 1 Gbps}\n"
)
WORKING_DAYS = (
    "  - {name: Week, calendars: [noc], match: {days: mon-fri, holidays: as_sunday}, circuits: all, "
    "bandwidth: 1 Gbps}\n"
)


class Lab:
    """Three circuits at two sites, and an iCalendar file."""

    def __init__(self, iodcal: Iodcal) -> None:
        self.iodcal = iodcal

    def rules(self, *rules: str) -> None:
        self.iodcal.write("rules.yaml", RULES + "".join(rules))

    def events(self, *events: str) -> None:
        """Each event as its lines, apart with `|`; one at 12:30 on 24 November where no time is given."""
        blocks = []
        for number, event in enumerate(events):
            timed = "" if "DTSTART" in event else "DTSTART:20261124T123000Z|DTEND:20261124T133000Z|"
            lines = f"BEGIN:VEVENT|UID:{number}|{timed}{event}|END:VEVENT"
            blocks.append(lines.replace("|", "\r\n"))
        body = "\r\n".join(blocks)
        self.iodcal.write("noc.ics", f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{body}\r\nEND:VCALENDAR\r\n")

    def __call__(self, command: str, at: str = "2026-11-24T12:00:00Z", *arguments: str) -> Done:
        return self.iodcal(command, "--now", at, *arguments)

    def raised(self, command: str = "plan", at: str = "2026-11-24T12:00:00Z") -> list[str]:
        """The circuits that must go up now."""
        circuits = self(command, at, "-o", "json").json["circuits"]
        return [one["name"] for one in circuits if any(_is_up_now(change) for change in one["changes"])]


def _is_up_now(change: Any) -> bool:
    return bool(change["due"] and change["direction"] == "up")


@pytest.fixture
def lab(iodcal: Iodcal) -> Lab:
    return Lab(iodcal)


@pytest.mark.parametrize(
    ("event", "raised"),
    [
        ("SUMMARY:DR Test LON", ["lon-a"]),
        ("SUMMARY:DR Test den-b", ["den-b"]),
        ("SUMMARY:DR Test DEN", ["den-a", "den-b"]),
        ("SUMMARY:DR Test|LOCATION:Circuit 77000000003", ["lon-a"]),
        ("SUMMARY:DR Test|CATEGORIES:Den A", ["den-a"]),
    ],
)
def test_an_event_names_its_circuits(lab: Lab, event: str, raised: list[str]) -> None:
    lab.rules(BY_NAME)
    lab.events(event)
    assert lab.raised() == raised
    assert lab("plan").status == 0


def test_one_that_names_none_is_told_once_and_raises_all(lab: Lab) -> None:
    lab.rules(BY_NAME)
    lab.events("SUMMARY:DR Test London")
    first = lab("sync")
    assert first.status == 0
    assert (
        'warning: "DR Test London" in noc names no circuit, site or service ID: the rule DR asks for all '
        "that it allows (den-a, den-b, lon-a)."
    ) in first.err
    assert "such as den-a" in first.err
    assert "names no circuit" not in lab("sync", "2026-11-24T12:05:00Z").err
    (problem,) = lab("plan", "2026-11-24T12:05:00Z", "-o", "json").json["problems"]
    assert (problem["kind"], problem["severity"]) == ("no_circuit", "warning")
    assert problem["where"] == "noc/2026-11-24T12:30:00+00:00/DR"
    lab.events("SUMMARY:DR Test LON")
    assert lab("sync", "2026-11-24T12:10:00Z").err == f"recovered: no_circuit {problem['where']}\n"


def test_the_rule_limits_what_an_event_may_name(lab: Lab) -> None:
    lab.rules(BY_NAME.replace("named_in_event", "{named_in_event: [den-a, lon-a]}"))
    lab.events("SUMMARY:DR Test DEN")
    assert lab.raised() == ["den-a"]
    lab.events("SUMMARY:DR Test den-b")
    assert lab.raised() == []
    told = lab("plan")
    text = " ".join(told.err.split())
    assert "names den-b, which the rule DR does not allow (den-a, lon-a): it asks for nothing" in text


def test_named_circuits_are_remembered_and_no_text_is_kept(lab: Lab) -> None:
    lab.rules(BY_NAME)
    lab.events("SUMMARY:DR Test|LOCATION:Bunker of LON|CLASS:PRIVATE|CATEGORIES:Red")
    assert lab.raised("sync") == ["lon-a"]
    kept = lab.iodcal.state
    (event,) = next(iter(kept["calendars"].values()))["events"]
    assert (event.get("subject"), event["named"]) == (None, {"circuits": [], "sites": ["lon"]})
    written = "".join(
        path.read_text(encoding="utf-8") for path in (lab.iodcal.folder / "state").iterdir() if path.is_file()
    )
    assert "Bunker" not in written
    assert '"Red"' not in written
    lab.iodcal.write("noc.ics", "no calendar")
    later = lab("sync", "2026-11-24T12:40:00Z", "-o", "json").json
    causes = {
        one["name"]: [c for change in one["changes"] for c in change["causes"]] for one in later["circuits"]
    }
    assert later["calendars"][0]["remembered"] is True
    assert any(cause["remembered_since"] for cause in causes["lon-a"])
    assert not any(cause["remembered_since"] for cause in causes["den-a"])


def test_other_rules_that_want_names_cannot_be_tried_on_what_is_remembered_without(lab: Lab) -> None:
    lab.rules(BY_NAME.replace("named_in_event", "all"))
    lab.events("SUMMARY:DR Test LON")
    assert len(lab.raised("sync")) == 3
    lab.iodcal.write("new.yaml", RULES + BY_NAME)
    diff = ("--diff", "new.yaml", "-o", "json")
    now = "2026-11-24T12:00:00Z"
    assert lab("plan", now, *diff, "--cached").json["diff"]["rules"]["untried"] == ["DR"]
    fresh = lab("plan", now, *diff).json["diff"]
    assert (fresh["rules"]["changed"], fresh["rules"]["untried"]) == (["DR"], [])
    assert [one["name"] for one in fresh["circuits"] if one["windows_lost"]] == ["den-a", "den-b"]


def test_it_is_explained(lab: Lab) -> None:
    lab.rules(BY_NAME)
    asked = ("--calendar", "noc", "--at", "2026-11-24T12:30:00Z", "--duration", "1h")
    one = lab.iodcal("explain", "--subject", "DR Test LON", *asked)
    assert "DR: matched" in one.out
    assert "den-a, den-b: no, names only the site lon" in [line.strip() for line in one.out.splitlines()]
    none = lab.iodcal("explain", "--subject", "DR Test", *asked)
    assert "matched, for all that the rule allows: it names no circuit, site or service ID" in " ".join(
        none.out.split()
    )
    found = lab.iodcal("explain", "--subject", "DR Test", *asked, "-o", "json").json
    assert found["events"][0]["rules"][0]["names_no_circuit"] is True


def test_a_month_end_close_all_day_long_goes_by_each_circuits_holidays(lab: Lab) -> None:
    lab.rules(MONTH_END)
    # The last but two is Tuesday 29 December everywhere: Monday is a holiday in London before it.
    lab.events("DTSTART;VALUE=DATE:20261229|DTEND;VALUE=DATE:20261230|SUMMARY:Close")
    assert lab.raised(at="2026-12-28T23:30:00Z") == ["lon-a"]
    assert lab.raised(at="2026-12-29T06:30:00Z") == ["den-a", "den-b", "lon-a"]
    lab.events("DTSTART;VALUE=DATE:20261230|DTEND;VALUE=DATE:20261231|SUMMARY:Close")
    assert lab.raised(at="2026-12-30T06:30:00Z") == []
    asked = ("--calendar", "noc", "--at", "2026-12-28T16:00:00Z", "--duration", "1h")
    told = " ".join(lab.iodcal("explain", "--subject", "Close", *asked).out.split())
    assert "business day 19 (-4 from the end), rule wants -3, -1 (America/Denver)" in told
    assert "Monday 28 Dec, a holiday, is no business day, rule wants -3, -1 (Europe/London)" in told


def test_a_holiday_counts_as_a_sunday_where_it_is_one(lab: Lab) -> None:
    lab.rules(WORKING_DAYS)
    lab.events("DTSTART:20261228T160000Z|DTEND:20261228T170000Z|SUMMARY:Call")
    assert lab.raised(at="2026-12-28T15:35:00Z") == ["den-a", "den-b"]
    asked = ("--calendar", "noc", "--at", "2026-12-28T16:00:00Z", "--duration", "1h")
    told = " ".join(lab.iodcal("explain", "--subject", "Call", *asked).out.split())
    assert (
        "lon-a: no, on Monday 28 Dec, a holiday, which counts as a Sunday, rule wants mon, tue, wed, thu"
        in told
    )


def test_microsofts_locations_and_categories_name_circuits(world: World) -> None:
    path = world.iodcal.folder / "rules.yaml"
    text = path.read_text(encoding="utf-8")
    assert "circuits: [lon-a]" in text
    path.write_text(text.replace("circuits: [lon-a]", "circuits: named_in_event"), encoding="utf-8")
    world.meeting("DR Test", 20, 60, "noc")
    (meeting,) = world.graph.mailboxes["noc@contoso.example"]
    meeting["locations"] = [{"displayName": "Site LON, room 3"}]
    planned = world.iodcal("plan", "-o", "json").json
    assert [one["name"] for one in planned["circuits"] if one["changes"]] == ["lon-a"]
    meeting.update(locations=[], categories=["den-a"], sensitivity="private")
    planned = world.iodcal("plan", "-o", "json").json
    assert [one["name"] for one in planned["circuits"] if one["changes"]] == ["den-a"]
    assert planned["problems"] == []
