"""`explain`, `plan --unmatched` and `plan --diff` with the real command, Microsoft and the carrier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Done
from tests.e2e.conftest import World
from tests.servers.faults import html
from tests.servers.graph import event
from tests.servers.lumen import INVENTORY, ORDER, QUOTE

EVENTS = "events@contoso.example"


def fresh(world: World) -> None:
    """Nothing may have been written."""
    assert not (world.iodcal.folder / "state").exists()
    assert world.lumen.calls[ORDER] == world.lumen.calls[QUOTE] == 0


def edited(world: World, *changes: tuple[str, str]) -> str:
    """Another rules file beside today's."""
    text = (world.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    world.iodcal.write("new.yaml", text)
    return "new.yaml"


def add(world: World, subject: str, minutes: float = 120, length: float = 60, **changes: Any) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)
    meeting = event(subject, start, start + timedelta(minutes=length))
    meeting.update(changes)
    world.graph.mailboxes[EVENTS].append(meeting)


def both(world: World, *arguments: str) -> tuple[Done, Any]:
    text, done = world.iodcal(*arguments), world.iodcal(*arguments, "-o", "json")
    assert text.status == done.status
    assert done.json["exit"] == done.status
    return text, done.json


def test_the_first_line_and_the_events_below_it_are_told_in_one_zone(world: World) -> None:
    rules = (world.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
    world.iodcal.write("rules.yaml", rules.replace("timezone: America/Denver\n", "timezone: Asia/Tokyo\n", 1))
    asked = ("--at", "2026-11-24T15:00:00Z", "--now", "2026-11-24T12:00:00Z")
    for which in (("--event", "x"), ("--calendar", "company")):
        first, *_ = world.iodcal("explain", *which, *asked).out.splitlines()
        assert first == "Tue 24 Nov 2026 21:00 JST, 3 days ahead"
    first, *_ = world.iodcal("explain", "den-a", *asked).out.splitlines()  # told in its own zone
    assert first == "Tue 24 Nov 2026 05:00 MST, 3 days ahead"


def test_why_a_circuit_is_up(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    text, found = both(world, "explain", "den-a")
    assert (text.status, text.err) == (0, "")
    assert "asks for it    1 Gbps for All-Hands" in text.out
    assert "due now        up 100 Mbps to 1 Gbps" in text.out
    (circuit,) = found["circuits"]
    assert [(one["role"], one["subject"]) for one in circuit["demands"]] == [("decides", "All-Hands")]
    assert (circuit["target_mbps"], circuit["level_mbps"], circuit["baseline"]["role"]) == (
        1000,
        100,
        "exceeded",
    )
    fresh(world)
    assert world.iodcal("sync").status == 0
    text, found = both(world, "explain")
    assert "open order     pending: 100 Mbps to 1 Gbps" in text.out
    assert found["circuits"][0]["open_order"]["outcome"] == "pending"
    assert len(found["circuits"]) == 2
    offline = world.iodcal("explain", "den-a", "--cached", IODCAL_CLIENT_SECRET="", LUMEN_CLIENT_SECRET="")
    assert (offline.status, "All-Hands" in offline.out) == (0, True)


def test_why_at_another_time(world: World) -> None:
    world.meeting("All-Hands", 200, 260)
    far = world.iodcal("explain", "den-a", "--at", "+100h", "-o", "json").json
    assert far["circuits"][0]["target_mbps"] == 100
    then = world.iodcal("explain", "den-a", "--at", "+210m", "-o", "json").json["circuits"][0]
    assert (then["target_mbps"], then["level_mbps"]) == (1000, 1000)
    text, past = both(world, "explain", "den-a", "--at", "-30m")
    assert "iodcal history --circuit den-a" in text.out
    assert past["circuits"][0]["level_mbps"] is None


def test_why_as_if_it_were_another_time(world: World) -> None:
    """As `plan --now`: what is due then, where --at looks ahead at what will be by today's plan."""
    world.meeting("All-Hands", 200, 260)
    (circuit,) = world.iodcal("explain", "den-a", "--now", "+180m", "-o", "json").json["circuits"]
    assert (circuit["target_mbps"], circuit["level_mbps"], circuit["changes"][0]["due"]) == (1000, 100, True)
    moved = world.iodcal("explain", "den-a", "--now", "+180m", "--at", "+120m", "-o", "json").json
    assert moved["circuits"][0]["target_mbps"] == 100  # 300 minutes from now it is over
    before = world.iodcal("explain", "den-a", "--now", "+400m", "--at", "-180m", "-o", "json").json
    assert before["circuits"][0]["target_mbps"] == 1000
    found = world.iodcal("explain", "--event", "all-hands", "--now", "+180m", "-o", "json").json
    assert (found["searched"], found["events"][0]["matched"]) == (1, True)
    over = world.iodcal("explain", "--event", "all-hands", "--now", "+400m", "-o", "json").json
    assert over["searched"] == 0
    assert world.iodcal("explain", "--now", "noonish").status == 2
    fresh(world)


def test_why_an_event_did_not_match(world: World) -> None:
    add(world, "Townhall: Q3")
    add(world, "Town Hall", length=15)
    add(world, "Town Hall of fame", 300, isCancelled=True)
    add(world, "Town Hall: merger", 400, sensitivity="private")
    text, found = both(world, "explain", "--event", "town hall")
    assert text.status == 0
    assert "duration 15m, rule wants longer than 15m" in text.out
    assert 'title "Townhall: Q3", rule wants "All-Hands", "Town Hall"' in text.out
    assert "does not count: it is cancelled" in text.out
    assert "1 event has a title that must not be seen" in text.out
    assert "merger" not in text.out + text.err + str(found)
    assert [one["matched"] for one in found["events"]] == [False, False, False]
    assert (found["searched"], found["hidden"]) == (4, 1)
    listed = world.iodcal("explain", "--calendar", "company", "--at", "+410m")
    assert "(title hidden)" in listed.out
    assert "Company-wide events: matched" in listed.out
    assert "merger" not in listed.out
    fresh(world)
    assert world.lumen.calls[INVENTORY] == 0


def test_an_event_to_come_is_tried_offline(world: World) -> None:
    asked = ["--subject", "Town Hall", "--calendar", "company", "--at", "2026-12-01 15:00"]
    text, found = both(world, "explain", *asked, "--duration", "1h")
    assert "Company-wide events: matched" in text.out
    (rule, other) = found["events"][0]["rules"]
    assert (rule["matched"], other["matched"], found["tried"]) == (True, False, True)
    assert rule["circuits"][0]["window"] == {"start": "2026-12-01T21:30:00Z", "end": "2026-12-01T23:10:00Z"}
    short = world.iodcal("explain", *asked, "--duration", "15m").out
    assert "duration 15m, rule wants longer than 15m" in short
    stranger = world.iodcal("explain", *asked, "--duration", "1h", "--organizer", "x@evil.example").out
    assert "does not count: its organizer is not among settings.organizers" in stranger
    assert world.graph.requests == []
    fresh(world)


def test_an_unreadable_calendar_is_a_problem_of_the_search_too(world: World) -> None:
    world.graph.script(EVENTS, [html(503)] * 4)
    done = world.iodcal("explain", "--event", "x", "-o", "json")
    assert done.status == 3
    assert [problem["id"] for problem in done.json["problems"]] == ["calendar_unreadable:company"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["den-b"], "There is no circuit den-b. Did you mean den-a?"),
        (["den-a", "--event", "x"], "a circuit and --event do not go together"),
        (["--at", "half past"], "'half past' is not a time such as"),
        (["--at", "2031-01-01"], "2031-01-01 is too far from now"),
        (["--calendar", "compnay"], "There is no calendar compnay. Did you mean company?"),
        (["--event", "x", "--subject", "y"], "--event and --subject do not go together"),
        (["--event", "x", "--cached"], "--cached cannot look for any"),
        (["--subject", "x", "--calendar", "noc"], "--subject needs --at, --duration too"),
        (["--duration", "1h"], "--duration describe an event to try"),
        (["--subject", "x", "--calendar", "noc", "--at", "1:2", "--duration", "1h"], "is not a time such as"),
        (["--subject", "x", "--calendar", "noc", "--at", "+1h", "--duration", "0m"], "longer than 0m"),
        (["--subject", "x", "--calendar", "noc", "--at", "+1h", "--duration", "soon"], "not a duration"),
    ],
)
def test_a_question_that_makes_no_sense(world: World, arguments: list[str], says: str) -> None:
    done = world.iodcal("explain", *arguments)
    assert (done.status, done.out) == (2, "")
    assert says in done.err
    assert "Traceback" not in done.err


def test_what_no_rule_took_is_shown_and_never_kept(world: World) -> None:
    add(world, "Lunch")
    add(world, "Townhall")
    add(world, "Town Hall", length=15)
    add(world, "Secret talks", sensitivity="confidential")
    text, found = both(world, "plan", "--unmatched")
    lines = text.out[text.out.index("Taken by no rule") :].splitlines()
    assert [line.split("  ")[0] for line in lines[2:5]] == ["Town Hall", "Townhall", "Lunch"]
    assert "company: 1 event more, whose titles must not be seen" in text.out
    assert [(one["subject"], one["keyword"]) for one in found["unmatched"]["titles"]] == [
        ("Town Hall", "Town Hall"),
        ("Townhall", "Town Hall"),
        ("Lunch", None),
    ]
    (failed,) = found["unmatched"]["titles"][0]["failed"]
    assert (failed["found"], failed["wanted"]) == ("15m", "15m")
    assert "Secret" not in text.out + str(found)
    fresh(world)
    assert world.iodcal("sync").status == 0
    kept = "".join(path.read_text(encoding="utf-8") for path in state_files(world))
    assert "Lunch" not in kept
    assert "unmatched" not in world.iodcal("plan", "-o", "json").json
    refused = world.iodcal("plan", "--unmatched", "--cached")
    assert (refused.status, "nothing is kept" in refused.err) == (2, True)


def state_files(world: World) -> list[Path]:
    return [path for path in (world.iodcal.folder / "state").iterdir() if path.is_file()]


def test_an_edit_is_reviewed_before_it_is_installed(world: World) -> None:
    add(world, "Townhall", 120)
    add(world, "All-Hands", 600)
    new = edited(
        world, ("[All-Hands, Town Hall]", "[Townhall]"), ("bandwidth: highest", "bandwidth: 500 Mbps")
    )
    text, found = both(world, "plan", "--diff", new)
    assert (text.status, text.err) == (0, "")
    assert "+ window" in text.out
    assert "500 Mbps for Townhall" in text.out
    assert "- window" in text.out
    assert "Nothing changes for lon-a" in text.out
    den, lon = found["diff"]["circuits"]
    assert [one["subject"] for one in den["windows_gained"]] == ["Townhall"]
    assert [one["subject"] for one in den["windows_lost"]] == ["All-Hands"]
    assert (den["same"], lon["same"], found["diff"]["same"]) == (False, True, False)
    assert found["diff"]["rules"]["changed"] == ["Company-wide events"]
    assert world.iodcal("plan", "--diff", new, "--detailed-exitcode").status == 4
    assert world.iodcal("plan", "--diff", "rules.yaml", "--detailed-exitcode").status == 0
    fresh(world)


def test_money_labels_holidays_and_freezes_are_reviewed_too(world: World) -> None:
    """The meeting is raised for under both files; the other one finds its price too high, and has a
    freeze."""
    world.meeting("All-Hands", 120, 180)
    world.meeting("Change freeze", 240, 600)
    freeze = "calendars: [company], match: {subject: Change freeze}, circuits: all, mode: freeze"
    new = edited(
        world,
        ("settings:\n", "holidays: {ours: {dates: [2030-12-25]}}\nsettings:\n  holidays: ours\n"),
        ("den-a: {site: den", "den-a: {labels: {cost_center: '7'}, max_price_per_hour: 0.90, site: den"),
        ("rules:\n", f"rules:\n  - {{name: Quiet, {freeze}}}\n"),
    )
    text, found = both(world, "plan", "--diff", new)
    assert "configured otherwise: holidays, max_price_per_hour, labels" in text.out
    assert "+ freeze" in text.out
    assert "no lowering, rule Quiet" in text.out
    assert "held back: it costs more than max_price_per_hour" in text.out
    den, lon = found["diff"]["circuits"]
    assert den["settings"] == ["holidays", "max_price_per_hour", "labels"]
    assert [one["subject"] for one in den["freezes_gained"]] == ["Change freeze"]
    assert lon["freezes_gained"][0]["allow"] == "ups"
    assert den["freezes_lost"] == []
    assert {one["held"]["reason"] for one in den["changes_added"] if one["held"]} == {"price"}
    assert "event_at_risk" in {one["kind"] for one in found["diff"]["new_problems"]}
    back = world.iodcal("plan", "-c", new, "--diff", "rules.yaml", "-o", "json").json["diff"]
    assert [one["rule"] for one in back["circuits"][0]["freezes_lost"]] == ["Quiet"]
    assert "event_at_risk" in {one["kind"] for one in back["gone_problems"]}


def test_both_plans_come_from_the_same_readings(world: World) -> None:
    add(world, "All-Hands", 20)
    add(world, "Budget", 20)
    new = edited(
        world,
        ("[All-Hands, Town Hall], longer_than: 15m", "[All-Hands], min_attendees: 1"),
        ("company: {mailbox", "renamed: {mailbox"),
        ("calendars: [company]", "calendars: [renamed]"),
        ("circuits: [lon-a]", "circuits: [den-a]"),
    )
    done = world.iodcal("plan", "--diff", new, "-o", "json")
    assert len(world.graph.paths("/calendarView")) == 2  # one page for each mailbox, for both plans
    assert world.lumen.calls[INVENTORY] <= 2
    before, after = done.json["before"], done.json["after"]
    assert [one["read_at"] for one in before["calendars"]] == [one["read_at"] for one in after["calendars"]]
    assert [one["name"] for one in after["calendars"]] == ["noc", "renamed"]
    assert before["circuits"][0]["observed_at"] == after["circuits"][0]["observed_at"]


def test_todays_plan_knows_as_much_as_the_other(world: World) -> None:
    """The other rules make a change due, so a circuit is read; a hand-made change is then seen by both."""
    world.meeting("Budget", 20, 60)
    assert world.iodcal("sync").status == 0
    world.den.bandwidth = "500 Mbps"
    new = edited(world, ("[All-Hands, Town Hall]", "[Budget]"))
    found = world.iodcal("plan", "--diff", new, "-o", "json").json
    observed = [found[side]["circuits"][0]["observed_mbps"] for side in ("before", "after")]
    assert observed == [500, 500]


def test_the_other_file_is_checked_and_its_problems_count(world: World) -> None:
    add(world, "All-Hands", 20)
    wrong = edited(world, ("longer_than", "longer_then"))
    done = world.iodcal("plan", "--diff", wrong, "-o", "json")
    assert (done.status, "did you mean longer_than" in done.err) == (78, True)
    assert world.iodcal("plan", "--diff", "nowhere.yaml").status == 78
    assert world.iodcal("plan", "--diff", "rules.yaml", "--unmatched").status == 2
    assert world.iodcal("plan", "--diff", "rules.yaml", "--circuit", "den-b").status == 2
    assert world.iodcal("plan", "--diff", "rules.yaml", "--circuit", "lon-a").status == 0
    world.graph.script(EVENTS, [html(503)] * 8)
    failed = world.iodcal("plan", "--diff", "rules.yaml", "-o", "json")
    assert (failed.status, failed.json["diff"]["new_problems"]) == (3, [])


def test_from_memory_what_could_not_be_tried_is_named(world: World) -> None:
    add(world, "All-Hands", 120)
    assert world.iodcal("sync").status == 0
    new = edited(
        world, ("longer_than: 15m", "longer_than: 90m"), ("bandwidth: highest", "bandwidth: 500 Mbps")
    )
    text, found = both(world, "plan", "--diff", new, "--cached")
    assert "Not tried" in text.out
    assert found["diff"]["rules"]["untried"] == ["Company-wide events"]
