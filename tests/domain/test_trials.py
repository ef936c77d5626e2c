"""What `explain --event` says of an event: every rule, each condition that failed, and never another verdict
than matching itself came to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Circuit
from iodcal.domain.conditions import Conditions, judge_event
from iodcal.domain.events import Event, Floating, Source, Timed
from iodcal.domain.explain import EventEvaluation, Explainer, RuleEvaluation
from iodcal.domain.judges import Finding
from iodcal.domain.matching import Obstacle, Organizers, Visibility, match_events
from iodcal.domain.rules import FromEvent, Mode, Rule, Wanted
from iodcal.domain.structs import replace
from iodcal.domain.text_match import Keyword, Pattern, SearchBudget
from iodcal.domain.windows import open_windows
from iodcal.messages.results import condition_words
from tests.domain.minutes import CIRCUIT, NOON
from tests.domain.test_matching import BOMB, COMPANY, EVENT, HOUR, ROOMS, rule

TOKYO = replace(
    CIRCUIT, name="tok-a", service_id="2", zone=ZoneInfo("Asia/Tokyo"), holidays=frozenset({NOON.date()})
)
CIRCUITS = {CIRCUIT.name: CIRCUIT, TOKYO.name: TOKYO}
BOTH = {"company": ("den-a", "tok-a")}
WEEK, SUNDAY = frozenset(range(5)), frozenset({6})
MONTH_END = {"business_days": frozenset({-2, -1, 1})}


def explainer(
    events: Iterable[Event],
    rules: Iterable[Rule],
    organizers: Organizers | None = None,
    circuits: Mapping[str, Circuit] = CIRCUITS,
) -> Explainer:
    events, rules = tuple(events), tuple(rules)
    allowed = organizers or Organizers()
    matched = match_events(events, rules, organizers=allowed).matched
    windows = open_windows(matched, rules, circuits.values())
    return Explainer(rules, circuits, windows=windows, organizers=allowed, visibility=Visibility.over(events))


def tried(event: Event, *rules: Rule, organizers: Organizers | None = None) -> EventEvaluation:
    return explainer([event], rules, organizers).try_event(event)


def only(event: Event, one: Rule) -> RuleEvaluation:
    (evaluation,) = tried(event, one).rules
    return evaluation


def failures(evaluation: RuleEvaluation) -> list[str]:
    return [condition_words(finding) for finding in evaluation.findings if not finding.holds]


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"subject": ["Town Hall", "DR Test"]}, 'title "All-Hands: Q3", rule wants "Town Hall", "DR Test"'),
        ({"not_subject": ["Q3"]}, 'title "All-Hands: Q3", rule wants none of "Q3"'),
        ({"subject_regex": Pattern(r"^Q\d")}, r'title "All-Hands: Q3", rule wants the pattern ^Q\d'),
        ({"location": ["Board room"]}, 'location Auditorium 2, Teams, rule wants "Board room"'),
        ({"categories": ("blue", "red")}, "category Streaming, London, rule wants blue, red"),
        ({"organizer": ("@x.example",)}, "organizer Ines.Duarte@contoso.example, rule wants @x.example"),
        ({"show_as": ("free", "oof")}, "shown as busy, rule wants free, oof"),
        ({"sensitivity": ("private",)}, "sensitivity normal, rule wants private"),
        ({"online_meeting": False}, "online meeting true, rule wants false"),
        ({"min_attendees": 51}, "attendees 50, rule wants at least 51"),
        ({"all_day": True}, "all day false, rule wants true"),
        ({"longer_than": HOUR}, "duration 1h, rule wants longer than 1h"),
        ({"shorter_than": timedelta(minutes=30)}, "duration 1h, rule wants shorter than 30m"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_a_condition_that_failed_says_what_it_found_and_wanted(
    conditions: dict[str, Any], words: str
) -> None:
    evaluation = only(replace(EVENT, categories=("Streaming", "London")), rule(**conditions))
    assert failures(evaluation) == [words]
    assert (evaluation.holds, evaluation.matched, evaluation.failed) == (False, False, 1)


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"days": frozenset({2, 4})}, "on tue, rule wants wed, fri"),
        ({"start_from": time(6)}, "begins at 05:00, rule wants 06:00-24:00"),
        ({"start_to": time(4)}, "begins at 05:00, rule wants 00:00-04:00"),
        ({"start_from": time(22), "start_to": time(4)}, "begins at 05:00, rule wants 22:00-04:00"),
    ],
)
def test_local_time_is_explained_for_each_circuit(conditions: dict[str, Any], words: str) -> None:
    evaluation = only(EVENT, rule(circuits=BOTH, **conditions))
    denver, tokyo = evaluation.circuits
    assert [condition_words(finding) for finding in denver.findings] == [words]
    assert (denver.matched, denver.window) == (False, None)
    assert (tokyo.zone.key, tokyo.event.start) == ("Asia/Tokyo", NOON)
    assert evaluation.holds


CHRISTMAS = date(2026, 12, 25)
KEPT = replace(CIRCUIT, name="den-b", service_id="3", holidays=frozenset({CHRISTMAS, date(2026, 11, 3)}))


@pytest.mark.parametrize(
    ("day", "conditions", "plain", "kept"),
    [
        ((2026, 12, 25), {"days": WEEK}, None,
         "on Friday 25 Dec, a holiday, which counts as a Sunday, rule wants mon, tue, wed, thu, fri"),
        ((2026, 12, 25), {"days": SUNDAY}, "on fri, rule wants sun", None),
        ((2026, 12, 24), {"days": SUNDAY}, "on thu, rule wants sun", "on thu, rule wants sun"),
        ((2026, 11, 4), MONTH_END, "business day 3 (-19 from the end), rule wants -2, -1, 1",
         "business day 2 (-19 from the end), rule wants -2, -1, 1"),
        ((2026, 11, 3), {"business_days": frozenset({2})}, None,
         "Tuesday 3 Nov, a holiday, is no business day, rule wants 2"),
        ((2026, 11, 28), MONTH_END, "Saturday 28 Nov is no business day, rule wants -2, -1, 1",
         "Saturday 28 Nov is no business day, rule wants -2, -1, 1"),
        ((2026, 11, 30), MONTH_END, None, None),
        ((2026, 12, 30), MONTH_END, None, None),
        ((2026, 11, 2), MONTH_END, None, None),
    ],
    ids=["holiday", "a Sunday", "ordinary", "day 3", "holiday is none", "Saturday", "last", "-2", "first"],
)  # fmt: skip
def test_days_are_judged_by_the_holidays_of_each_circuit(
    day: tuple[int, int, int], conditions: dict[str, Any], plain: str | None, kept: str | None
) -> None:
    start = datetime(*day)  # noqa: DTZ001 - floating
    event = replace(EVENT, span=Floating(start, start + timedelta(days=1)), all_day=True)
    wanted = rule(circuits={"company": ("den-a", "den-b")}, holidays_as_sunday=True, **conditions)
    circuits = {"den-a": CIRCUIT, "den-b": KEPT}
    (evaluation,) = explainer([event], [wanted], circuits=circuits).try_event(event).rules
    for circuit, expected in zip(evaluation.circuits, (plain, kept), strict=True):
        told = [condition_words(finding) for finding in circuit.findings if not finding.holds]
        assert circuit.matched is (expected is None)
        assert told == ([] if expected is None else [expected])


def test_one_event_matches_for_one_circuit_only_and_it_says_which() -> None:
    evaluation = only(EVENT, rule(circuits=BOTH, start_from=time(20)))
    assert [(circuit.circuit, circuit.matched) for circuit in evaluation.circuits] == [
        ("den-a", False),
        ("tok-a", True),
    ]
    assert evaluation.matched
    assert evaluation.circuits[1].window is not None


def test_nothing_is_found_where_there_is_nothing() -> None:
    bare = replace(EVENT, organizer=None, locations=(), attendees=None)
    evaluation = only(bare, rule(organizer=("@x.example",), location=["Teams"], min_attendees=1))
    assert failures(evaluation) == [
        'location none, rule wants "Teams"',
        "organizer none, rule wants @x.example",
        "attendees 0, rule wants at least 1",
    ]


def test_a_rule_of_another_calendar_says_which_it_reads() -> None:
    evaluation = only(replace(EVENT, source=ROOMS), rule(circuits=BOTH))
    assert failures(evaluation) == ["calendar rooms, rule wants company"]
    assert evaluation.circuits == ()
    of_two = rule(circuits={**BOTH, "noc": ("den-a",)})
    assert failures(only(replace(EVENT, source=ROOMS), of_two)) == ["calendar rooms, rule wants company, noc"]


@pytest.mark.parametrize(
    ("change", "obstacle"),
    [
        ({"cancelled": True}, Obstacle.CANCELLED),
        ({"declined": True}, Obstacle.DECLINED),
        ({"categories": ("Blue", " Iodcal planned change")}, Obstacle.OWN_CHANGE),
        ({"uid": "7f@Feed.iodcal"}, Obstacle.OWN_CHANGE),
        ({"span": Timed(NOON, NOON)}, Obstacle.NO_LENGTH),
        ({"span": Timed(NOON, NOON - HOUR)}, Obstacle.ENDS_BEFORE_START),
        ({"organizer": "x@evil.example"}, Obstacle.ORGANIZER),
        ({}, None),
    ],
)
def test_what_keeps_an_event_from_counting_at_all(change: dict[str, Any], obstacle: Obstacle | None) -> None:
    known = Organizers(frozenset({"@contoso.example"}))
    evaluation = tried(replace(EVENT, **change), rule(), organizers=known)
    assert evaluation.obstacle is obstacle
    assert evaluation.rules[0].holds
    assert evaluation.matched is (obstacle is None)


def test_an_event_that_somebody_skipped_does_not_count() -> None:
    circuits = {name: CIRCUITS[name] for name in CIRCUITS}
    known = Explainer(
        (rule(),),
        circuits,
        windows={},
        organizers=Organizers(),
        visibility=Visibility(),
        skipped=(EVENT.copy_key,),
    )
    assert known.try_event(EVENT).obstacle is Obstacle.SKIPPED
    cancelled = replace(EVENT, cancelled=True)
    assert known.try_event(cancelled).obstacle is Obstacle.CANCELLED


def test_a_negative_length_is_shown_as_one() -> None:
    backwards = replace(EVENT, span=Timed(NOON, NOON - HOUR))
    assert failures(only(backwards, rule(longer_than=HOUR))) == ["duration -1h, rule wants longer than 1h"]
    nothing = replace(EVENT, span=Timed(NOON, NOON))
    assert failures(only(nothing, rule(longer_than=HOUR))) == ["duration 0m, rule wants longer than 1h"]


def test_an_event_that_names_no_bandwidth_is_told_apart() -> None:
    pattern = Pattern(r"Start: (?P<bandwidth>\S* \S*)")
    wanted = replace(rule(subject_regex=pattern), bandwidth=FromEvent.FROM_EVENT)
    bad, good = (only(replace(EVENT, subject=f"Start: {text}"), wanted) for text in ("soon now", "1 Gbps"))
    assert (bad.unnamed, bad.matched) == (True, False)
    assert (good.unnamed, good.matched) == (False, True)


def test_what_gives_way_to_an_exactly_rule_names_it() -> None:
    above = replace(rule("above"), priority=20)  # no `exactly`: nothing gives way to it
    for low, high in (("x", "y"), ("y", "x")):
        exact = [
            replace(rule(name), mode=Mode.EXACTLY, priority=level) for name, level in ((low, 5), (high, 10))
        ]
        evaluation = tried(EVENT, rule("plain"), above, *exact)
        gives_way = {
            one.rule.name: circuit.yields_to and circuit.yields_to.demand.rule.name
            for one in evaluation.rules
            for circuit in one.circuits
        }
        assert gives_way == {"plain": high, low: high, high: None, "above": None}
        assert [one.matched for one in evaluation.rules] == [True] * 4


def test_an_all_day_event_is_as_long_as_the_day_is_where_the_circuit_stands() -> None:
    day = datetime(2026, 3, 8)  # noqa: DTZ001 - floating: 23 hours in Denver
    event = replace(EVENT, span=Floating(day, day + timedelta(days=1)), all_day=True)
    evaluation = only(event, rule(circuits=BOTH, longer_than=timedelta(hours=23)))
    denver, tokyo = evaluation.circuits
    assert [finding.found for finding in denver.findings] == ["23h"]
    assert (denver.matched, tokyo.matched) == (False, True)


def test_an_event_that_the_clock_skips_is_told() -> None:
    span = Floating(datetime(2026, 3, 8, 2, 10), datetime(2026, 3, 8, 2, 50))  # noqa: DTZ001 - floating
    denver, tokyo = only(replace(EVENT, span=span), rule(circuits=BOTH)).circuits
    assert (denver.skipped, denver.matched) == (True, False)
    assert (tokyo.skipped, tokyo.matched) == (False, True)


def test_nothing_of_a_private_event_is_shown_but_that_it_matched() -> None:
    given: dict[str, Any] = {
        "subject": ["Town"],
        "location": ["Board"],
        "organizer": ("@x",),
        "categories": ("y",),
    }
    secret = replace(EVENT, sensitivity="private")
    evaluation = tried(secret, rule(**given, not_subject=["Z"], subject_regex=Pattern("Q"), longer_than=HOUR))
    assert (evaluation.hidden, evaluation.subject) == (True, None)
    shown = {finding.key: finding.found for finding in evaluation.rules[0].findings}
    told = {"calendars": "company", "longer_than": "1h"}
    assert shown == dict.fromkeys([*given, "not_subject", "subject_regex"]) | told
    assert "hidden" in failures(evaluation.rules[0])[0]


def test_a_private_copy_hides_its_open_copies() -> None:
    copy = replace(EVENT, source=ROOMS, id="2", sensitivity="private")
    assert explainer([EVENT, copy], [rule()]).try_event(EVENT).subject is None
    assert tried(EVENT, rule()).subject == "All-Hands: Q3"


def test_a_calendar_that_hides_its_subjects_is_hidden() -> None:
    hiding = Explainer(
        [rule()],
        CIRCUITS,
        windows={},
        organizers=Organizers(),
        visibility=Visibility(calendars=frozenset({"company"})),
    )
    assert hiding.try_event(EVENT).subject is None


KEYWORDS = tuple(Keyword(text) for text in ("All-Hands", "Town Hall", "Q3", "全体", "C++"))
SUBJECTS = [(), KEYWORDS[:1], KEYWORDS[:2], KEYWORDS[3:4], KEYWORDS[:4], KEYWORDS[2:]]
CHOICES: dict[str, list[Any]] = {
    "not_subject": [KEYWORDS[2:3], KEYWORDS[:1]],
    "subject_regex": [Pattern(r"(?P<bandwidth>\d+ Mbps)"), Pattern(r"(?P<bandwidth>Q?)")],
    "location": [(Keyword("Teams"),), (Keyword("Board"),)],
    "categories": [("Streaming",), ("blue",)],
    "organizer": [("@contoso.example",), ("x@y.example",)],
    "show_as": [("busy",), ("free",)],
    "sensitivity": [("normal",), ("private",)],
    "online_meeting": [True, False],
    "min_attendees": [1, 51],
    "all_day": [True, False],
    "longer_than": [timedelta(minutes=30), timedelta(hours=23)],
    "shorter_than": [timedelta(hours=24), timedelta(minutes=31)],
    "days": [frozenset({5}), frozenset({6, 0})],
    "business_days": [frozenset({1, -5}), frozenset(range(1, 24))],
    "holidays_as_sunday": [True],
    "start_from": [time(2), time(20)],
    "start_to": [time(3), time(21)],
}


@st.composite
def conditions(draw: st.DrawFn) -> Conditions:
    """Few at a time, so that some of them match."""
    names = draw(st.lists(st.sampled_from(list(CHOICES)), max_size=2, unique=True))
    others = {name: draw(st.sampled_from(CHOICES[name])) for name in names}
    return Conditions(subject=draw(st.sampled_from(SUBJECTS)), **others)


WANTED: list[Wanted] = [Bandwidth(500), Bandwidth(500), FromEvent.FROM_EVENT]


@st.composite
def any_rules(draw: st.DrawFn) -> list[Rule]:
    return [
        Rule(
            f"rule {number}",
            draw(st.sampled_from([BOTH, {"rooms": ("tok-a",)}, {**BOTH, "rooms": ("den-a",)}])),
            draw(st.sampled_from(WANTED)),
            draw(conditions()),
            draw(st.sampled_from([Mode.AT_LEAST, Mode.EXACTLY])),
            draw(st.integers(-1, 1)),
        )
        for number in range(draw(st.integers(2, 5)))
    ]


@st.composite
def any_event(draw: st.DrawFn) -> Event:
    start = datetime(2026, 3, 7, draw(st.sampled_from([2, 3, 9, 20])), 10, tzinfo=UTC)
    length = timedelta(minutes=draw(st.sampled_from([-10, 0, 30, 31, 60, 1440])))
    local = start.replace(tzinfo=None) + timedelta(days=1)
    return replace(
        EVENT,
        source=draw(st.sampled_from([COMPANY, ROOMS, Source("n", "noc", "noc")])),
        id=str(draw(st.integers(0, 10**6))),
        uid=draw(st.sampled_from(["", "a"])),
        span=draw(st.just(Timed(start, start + length)) | st.just(Floating(local, local + length))),
        subject=draw(
            st.sampled_from(["All-Hands", "all hands Q3", "全体会議", "C++ day 500 Mbps", "Town Halls", ""])
        ),
        sensitivity=draw(st.sampled_from(["normal", "private"])),
        organizer=draw(st.sampled_from([None, "a@contoso.example", "x@evil.example"])),
        all_day=draw(st.booleans()),
        cancelled=draw(st.integers(0, 9)) == 0,
        declined=draw(st.integers(0, 9)) == 0,
    )


@settings(max_examples=300)
@given(st.lists(any_event(), min_size=1, max_size=4, unique_by=lambda event: event.id), any_rules())
def test_explained_as_matched_is_what_matching_matched(events: list[Event], rules: list[Rule]) -> None:
    known = Organizers(frozenset({"@contoso.example"}))
    judge = explainer(events, rules, known)
    for event in events:
        evaluation = judge.try_event(event)
        # Each copy is matched by itself, so alone it must come to the same.
        alone = match_events([event], rules, organizers=known).matched
        opened = open_windows(alone, _unranked(rules), CIRCUITS.values())
        expected = {(name, window.demand.rule.name) for name, found in opened.items() for window in found}
        matched = {
            (circuit.circuit, one.rule.name)
            for one in evaluation.rules
            for circuit in one.circuits
            if circuit.matched
        }
        assert matched == expected
        assert evaluation.matched is bool(expected)
        for one in evaluation.rules:
            for circuit in one.circuits:
                # What matched asks for something, or gives way to something that does.
                assert circuit.matched is (circuit.window is not None or circuit.yields_to is not None)


def _unranked(rules: Iterable[Rule]) -> list[Rule]:
    """The same rules, none giving way to another: what matched, not what came of it."""
    return [replace(one, mode=Mode.AT_LEAST) for one in rules]


def test_an_expression_that_is_given_up_is_said_to_be() -> None:
    _, finding = only(BOMB, rule(subject_regex=Pattern(r"^(a|aa)+$"))).findings
    told = "a subject that the expression takes too long on"
    assert finding == Finding("subject_regex", False, told, r"^(a|aa)+$")


def test_a_condition_shows_what_it_found_unless_told_to_hide_it() -> None:
    given = Conditions(subject=(Keyword("Q3"),), subject_regex=Pattern("Q3"))
    for condition, thing in judge_event(given, EVENT, SearchBudget()):
        assert condition.find(thing).found == EVENT.subject
        assert condition.find(thing, hidden=True).found is None
