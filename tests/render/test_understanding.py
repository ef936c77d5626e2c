"""What `explain`, `plan --unmatched` and `plan --diff` show, letter by letter."""

from __future__ import annotations

import json
import re
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from iodcal.commands.diff import RuleDifferences, RulesComparison
from iodcal.commands.explain import ExplainedCircuits, ExplainedEvents
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Held, Reason
from iodcal.domain.circuit_state import Drift
from iodcal.domain.circuits import Baseline
from iodcal.domain.diff import circuit_differences
from iodcal.domain.events import Event, Floating, Timed
from iodcal.domain.explain import EventEvaluation, Explainer, explain
from iodcal.domain.holds import Parked, Pause
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import Organizers, Visibility, match_events
from iodcal.domain.money import Cost, Rate, RateSource
from iodcal.domain.orders import Outcome
from iodcal.domain.planning import LeftOut
from iodcal.domain.rules import FromEvent, Mode, Rule
from iodcal.domain.structs import replace
from iodcal.domain.text_match import Keyword, Pattern
from iodcal.domain.unmatched import Unmatched, Untaken
from iodcal.domain.windows import open_windows
from iodcal.output.diff import print_diff
from iodcal.output.diff_view import diff_view
from iodcal.output.events import print_events, print_unmatched
from iodcal.output.explain import print_circuits
from iodcal.output.explain_view import circuits_view, events_view
from iodcal.output.json import dump
from iodcal.output.unmatched_view import unmatched_view
from iodcal.problems.kinds import Kind, Problem
from tests.domain.minutes import (
    CIRCUIT,
    DENVER,
    NOON,
    POLICY,
    TIERS,
    Ask,
    at,
    circuit_state_at,
    minutes,
    plan_of,
)
from tests.domain.test_matching import EVENT, HOUR, rule
from tests.domain.test_orders import order
from tests.domain.test_targets import peak
from tests.render.plain import plain
from tests.render.test_golden import HOSTILE, check, report, shown

TOKYO = replace(CIRCUIT, name="tok-a", service_id="2", zone=ZoneInfo("Asia/Tokyo"), ceiling=Bandwidth(500))
CIRCUITS = {CIRCUIT.name: CIRCUIT, TOKYO.name: TOKYO}
BOTH = {"company": ("den-a", "tok-a")}
WIDTHS = pytest.mark.parametrize("width", [80, 120])


def circuits(when: float = 0) -> ExplainedCircuits:
    """Maintenance that overrules a hostile title; a gap; an open order, a hand-made change, nothing known."""
    office = Baseline(TIERS[0], (peak("mon tue wed thu fri", "04:30", "18:30"),))
    den = plan_of(
        Ask(-30, 40, 200, exactly=True, priority=5, name="Maintenance"),
        Ask(-20, 62, 300, name=HOSTILE, lead=10, trail=10, remembered=True),
        Ask(-20, 30, 500, priority=9, name="DR Test", lead=5),
        ordered=1000,
        circuit=replace(CIRCUIT, baseline=office),
    )
    gap = plan_of(Ask(-30, 0, name="All-Hands"), Ask(50, 90, name="Town Hall"), ordered=1000, circuit=TOKYO)
    opened = plan_of(
        Ask(2, 62, name="All-Hands"),
        Ask(0, 4, 200, name="too short"),
        circuit=replace(CIRCUIT, name="ord-a"),
        circuit_state=replace(
            circuit_state_at(100), order=replace(order(Outcome.ACCEPTED), carrier_order_id="77")
        ),
    )
    held = plan_of(Ask(2, 62), circuit=replace(CIRCUIT, name="held"))
    held = replace(held, changes=(replace(held.changes[0], held=Held(Reason.QUOTA, at(60))),))
    dark = plan_of(Ask(2, 62), ordered=None, circuit=replace(CIRCUIT, name="dark"))
    plans = (den, gap, opened, held, dark)
    now = at(max(0, -when)) if when < 0 else NOON
    explained = tuple(explain(plan, at(when), now, POLICY.timing(plan.circuit)) for plan in plans)
    return ExplainedCircuits(at(when), report(plans=plans, problems=report().problems[:1]), explained)


@WIDTHS
def test_why_a_circuit_is_asked_for_its_bandwidth(width: int) -> None:
    text = shown(lambda out, err: print_circuits(circuits(), out, err), width)
    check(f"explain-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text


def test_why_in_time_to_come_and_past() -> None:
    text = shown(lambda out, err: print_circuits(circuits(45), out, err), 100)
    assert "planned" in text
    past = shown(lambda out, err: print_circuits(circuits(-15), out, err), 100)
    assert "iodcal history --circuit den-a tells it" in past
    assert "open order" not in past


def test_too_many_changes_and_a_level_that_comes_too_late() -> None:
    many = plan_of(*(Ask(100 * number, 100 * number + 20) for number in range(1, 7)))
    late = plan_of(Ask(-5, 3), circuit=replace(CIRCUIT, name="late"))
    drifted = plan_of(circuit=replace(CIRCUIT, name="hand"))
    circuit_state = replace(drifted.circuit_state, drift=Drift(Bandwidth(500), at(-9), at(-20)))
    plans = (many, late, replace(drifted, circuit_state=circuit_state))
    explained = tuple(explain(plan, NOON, NOON, POLICY.timing(plan.circuit)) for plan in plans)
    made = ExplainedCircuits(NOON, report(plans=plans, problems=()), explained)
    text = shown(lambda out, err: print_circuits(made, out, err), 100)
    assert re.search(r"and \d+ more: see iodcal plan", text)
    assert "too late" in text
    assert "set by hand: iodcal had ordered" in text


def test_what_people_asked_for_and_what_the_quota_has_no_room_for() -> None:
    plan = plan_of(Ask(2, 62))
    rate = Rate(Decimal(1), RateSource.LIST)
    tariff = replace(plan.circuit.tariff, rates=((TIERS[0], rate),), currency="USD")
    left = LeftOut(plan.changes[0], Bandwidth(500), at(90), Cost(Decimal("0.90"), "USD"))
    plan = replace(
        plan,
        circuit=replace(plan.circuit, tariff=tariff),
        circuit_state=replace(plan.circuit_state, pause=Pause(at(-5), at(5), "pat", HOSTILE)),
        left_out=(left,),
    )
    explained = (explain(plan, NOON, NOON, POLICY.timing(plan.circuit)),)
    parked = replace(report(plans=(plan,), problems=()), parked=Parked(at(-5), "pat"))
    made = ExplainedCircuits(NOON, parked, explained)
    text = shown(lambda out, err: print_circuits(made, out, err), 200)
    assert "PARKED since" in text
    assert re.search(r"in force +paused until .*, by pat: ", text)
    assert re.search(r"left out for the quota: up to .* at 500 Mbps until .*, \+0\.90 USD", text)
    assert "\x1b" not in text
    document = plain(circuits_view(made))
    assert document["parked"]["who"] == "pat"
    (circuit,) = document["circuits"]
    assert (circuit["pause"]["who"], circuit["hold"], circuit["freezes"]) == ("pat", None, [])
    assert circuit["left_out"][0]["cost"] == {"amount": "0.90", "currency": "USD", "complete": True}


RULES = [
    replace(
        rule("Company-wide", circuits=BOTH, subject=["All-Hands", "Town Hall"], longer_than=HOUR / 2),
        lead=minutes(30),
        trail=minutes(10),
    ),
    rule("Evenings", circuits=BOTH, start_from=time(20)),
    replace(rule("Work", circuits={"company": ("den-a",)}, organizer=("noc@contoso.example",)), priority=1),
    rule("Elsewhere", circuits={"rooms": ("den-a",)}),
    rule("No circuit", circuits={"company": ()}),
    replace(
        rule("Named", circuits={"company": ("den-a",)}, subject_regex=Pattern("(?P<bandwidth>Hall)")),
        bandwidth=FromEvent.FROM_EVENT,
    ),
]


def evaluations(*events: Event, rules: list[Rule] | None = None) -> tuple[EventEvaluation, ...]:
    rules = rules or RULES
    known = Organizers(frozenset({"@contoso.example"}))
    matched = match_events(events, rules, organizers=known).matched
    windows = open_windows(matched, rules, CIRCUITS.values())
    explainer = Explainer(
        rules, CIRCUITS, windows=windows, organizers=known, visibility=Visibility.over(events)
    )
    return tuple(explainer.try_event(event) for event in events)


def events(**changes: Any) -> ExplainedEvents:
    def on(day: int, subject: str, minutes_long: int = 60, **more: Any) -> Event:
        start = NOON + timedelta(days=day)
        span = Timed(start, start + minutes(minutes_long))
        return replace(EVENT, id=f"{day}{subject}", uid="", subject=subject, span=span, **more)

    made = evaluations(
        on(0, HOSTILE),
        on(0, "Town Hall", 30),
        on(1, "Town Hall: Q3"),
        on(2, "Town Hall: Q3"),
        on(1, "All-Hands of a stranger", organizer="x@evil.example"),
        on(1, "All-Hands backwards", -30),
        on(1, "Hall of secrets", sensitivity="private"),
    )
    found = ExplainedEvents(
        NOON, Interval(NOON, at(3000)), DENVER, made, searched=42, hidden=1, text="hall\x1b[2J"
    )
    return replace(found, **changes)


@WIDTHS
def test_what_every_rule_makes_of_an_event(width: int) -> None:
    problem = report().problems[1]
    text = shown(lambda out, err: print_events(events(problems=(problem,)), out, err), width)
    check(f"explain-event-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text
    assert "secrets" not in text


def test_an_event_that_is_tried_and_one_that_is_not_found() -> None:
    made = events(tried=True, text=None)
    text = shown(lambda out, err: print_events(made, out, err), 100)
    assert text.startswith('\n"')
    none = events(evaluations=(), searched=1, hidden=2)
    text = shown(lambda out, err: print_events(none, out, err), 100)
    assert text.startswith('0 of 1 event resemble "hall')
    assert "2 events have titles that must not be seen" in text
    listed = shown(lambda out, err: print_events(events(text=None), out, err), 100)
    assert listed.startswith("7 of 42 events\n")


def test_what_gives_way_and_what_the_clock_skips() -> None:
    strict = replace(RULES[0], name="Strict", mode=Mode.EXACTLY, priority=5)
    skipped = Floating(datetime(2026, 3, 8, 2, 10), datetime(2026, 3, 8, 2, 50))  # noqa: DTZ001 - floating
    made = evaluations(EVENT, replace(EVENT, id="2", uid="", span=skipped), rules=[RULES[0], strict])
    text = shown(lambda out, err: print_events(events(evaluations=made), out, err), 100)
    assert "gives way to the rule Strict (exactly)" in text
    assert "the clocks in America/Denver skip its time" in text


def test_the_json_of_explanations() -> None:
    document = plain(circuits_view(circuits()))
    normal = re.sub(r"io[A-Z2-7]{18}", "io...", dump(document))
    check("explain.json", normal + "\n")
    check("explain-event.json", dump(events_view(events())) + "\n")
    assert "secrets" not in dump(events_view(events()))
    assert {"version", "command", "exit", "now", "at", "circuits", "problems"} <= set(document)
    past = plain(circuits_view(circuits(-15)))["circuits"][2]
    assert (past["open_order"], past["ordered_mbps"], past["level_mbps"]) == (None, None, None)


def left(count: int = 1) -> Unmatched:
    hall, short = (
        Keyword("Town Hall"),
        evaluations(replace(EVENT, subject="Town Hall", span=Timed(NOON, at(30)))),
    )
    found = [
        Untaken(short[0].event, 1, hall, 1.0, short[0].rules[0]),
        Untaken(replace(EVENT, subject="Townhall Q3"), 3, hall, 1.0),
        *(Untaken(replace(EVENT, subject=f"{HOSTILE} {number}"), 1) for number in range(count)),
        Untaken(replace(EVENT, subject=""), 1),
    ]
    return Unmatched(tuple(found), {"rooms": 2, "board": 1})


@WIDTHS
def test_what_no_rule_took(width: int) -> None:
    text = shown(lambda out, _: print_unmatched(left(), DENVER, out), width)
    check(f"unmatched-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text


def test_what_no_rule_took_in_other_cases() -> None:
    many = replace(left(30), compared=False)
    text = shown(lambda out, _: print_unmatched(many, DENVER, out), 100)
    assert "and 13 more titles" in text
    assert "too many titles" in text
    assert "is taken by a rule" in shown(lambda out, _: print_unmatched(Unmatched((), {}), DENVER, out), 100)
    check("unmatched.json", dump(unmatched_view(left())) + "\n")


def comparison() -> RulesComparison:
    """One circuit that changes, one that is new, one that is gone, one that stays."""
    hands, hall = Ask(100, 160, name=HOSTILE), Ask(300, 360, name="Town Hall")
    many = [Ask(400 + number, 401 + number, 200, name=f"n{number}") for number in range(20)]
    before = [
        plan_of(hands, Ask(200, 240, 500, name="DR Test")),
        plan_of(hall, circuit=replace(CIRCUIT, service_id="8", name="old")),
        plan_of(hall, circuit=replace(CIRCUIT, service_id="9", name="same")),
    ]
    after = [
        plan_of(
            replace(hands, mbps=500, exactly=True, priority=2, lead=30),
            hall,
            *many,
            circuit=replace(CIRCUIT, ceiling=Bandwidth(500)),
        ),
        plan_of(hall, circuit=replace(CIRCUIT, service_id="7", name="new", zone=ZoneInfo("Europe/London"))),
        before[2],
    ]
    problems = report().problems
    old, new = (
        report(plans=tuple(plans), problems=told)
        for plans, told in ((before, problems), (after, (problems[1], Problem(Kind.QUOTA, "q", {}))))
    )
    within = Interval(NOON, at(720))
    rules = RuleDifferences(("New rule",), ("Old rule",), ("Changed\x1b rule",), ("New rule",))
    return RulesComparison(
        Path("/etc/iodcal/new.yaml"), old, new, circuit_differences(before, after, within), rules
    )


@WIDTHS
def test_two_plans_beside_each_other(width: int) -> None:
    text = shown(lambda out, err: print_diff(comparison(), out, err), width)
    check(f"diff-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text


def test_two_plans_as_json() -> None:
    document = plain(diff_view(comparison()))
    assert set(document["diff"]) == {
        "file",
        "same",
        "rules",
        "circuits",
        "new_problems",
        "gone_problems",
    }
    check("diff.json", json.dumps(document["diff"], indent=2) + "\n")
    assert document["before"]["command"] == "plan"


def test_the_exit_status_of_a_comparison() -> None:
    made = comparison()
    calm = report(plans=made.after.plans, problems=())
    differs = replace(made, after=calm, before=replace(calm, plans=made.before.plans))
    same = replace(differs, circuits=tuple(part for part in made.circuits if part.same))
    assert (made.exit, differs.exit) == (3, 0)
    assert replace(differs, detailed_exitcode=True).exit == 4
    assert replace(same, detailed_exitcode=True).exit == 0
    assert replace(same, detailed_exitcode=True, before=made.before).exit == 4
