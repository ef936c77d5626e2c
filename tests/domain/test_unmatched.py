"""What no rule took, the likeliest slips of the pen first; and how titles resemble keywords."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.events import Event, Floating, Timed
from iodcal.domain.explain import Explainer
from iodcal.domain.matching import Organizers, Visibility, match_events
from iodcal.domain.rules import FromEvent, Rule
from iodcal.domain.structs import replace
from iodcal.domain.text_match import Keyword, Pattern, normalise_text
from iodcal.domain.unmatched import MOST_TITLES, NEAR, Nearest, Unmatched, likeness, resembles, unmatched
from iodcal.messages.results import condition_words
from tests.domain.minutes import CIRCUIT, NOON
from tests.domain.test_matching import COMPANY, EVENT, HOUR, ROOMS, rule

CIRCUITS = {CIRCUIT.name: CIRCUIT}
WORDS = ["All-Hands", "Town Hall", "Live Stream", "DR Test", "全体会议"]
NEAREST = Nearest([Keyword(word) for word in WORDS])


@pytest.mark.parametrize(
    ("title", "keyword"),
    [
        ("Townhall: Q3 with the board", "Town Hall"),
        ("Twon Hall", "Town Hall"),
        ("Town Hal", "Town Hall"),
        ("All Hand", "All-Hands"),
        ("allhands", "All-Hands"),
        ("Product launch: livestream", "Live Stream"),
        ("D.R. Test", "DR Test"),
        ("DR Tset", "DR Test"),
        ("Town Hall", "Town Hall"),
        ("今天的全体会", "全体会议"),
        ("Overall handset review", None),
        ("Lunch", None),
        ("Hall of fame", None),
        ("DR", None),
        ("", None),
        ("!!!", None),
    ],
)
def test_the_keyword_that_a_title_is_nearest_to(title: str, keyword: str | None) -> None:
    found = NEAREST.find(normalise_text(title))
    assert (found[0].text if found else None) == keyword


def test_likeness_is_1_where_the_words_stand_there() -> None:
    for wanted, title in (("town hall", "our town hall, 3 p.m."), ("全体", "今天的全体会议"), ("c", "a c d")):
        assert likeness(wanted, title) == 1.0
    assert likeness("town hall", "") == likeness("", "town hall") == likeness("", "") == 0.0
    assert Nearest([]).find("town hall") is None
    assert Nearest([]).rough("town hall") == 0.0


@pytest.mark.parametrize(
    ("wanted", "title", "expected"),
    [
        pytest.param("town", "to wn", 1.0, id="a word split in two"),
        pytest.param("town", "t o wn", 6 / 7, id="a word may be split once"),
        pytest.param("d.r. test", "drtest: failover", 1.0, id="three words written together"),
        pytest.param("hands", "han", 6 / 8, id="two letters of five are missing"),
        pytest.param("town", "to", 0.0, id="too short, whatever its letters are"),
        pytest.param("全体会议", "的全体会", 6 / 8, id="a wrong letter in a script without spaces"),
        pytest.param("全体会议", "今天的全体会", 6 / 8, id="at the end of a title"),
        pytest.param("全体会议" * 60, "的" + ("全体会议" * 60)[:-1], 239 / 240, id="however long"),
    ],
)
def test_likeness_counts_the_letters_that_agree(wanted: str, title: str, expected: float) -> None:
    assert likeness(wanted, title) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("keyword", "title", "expected"),
    [
        ("Town Hall", "our town hall 3", 1.0),
        ("Town Hall", "town hal", 6 / 7),
        ("DR", "dr test", 1.0),
        ("DR", "lunch", 0.0),
    ],
)
def test_a_rough_look_counts_the_pairs_of_letters_that_stand_there(
    keyword: str, title: str, expected: float
) -> None:
    assert Nearest([Keyword(keyword)]).rough(title) == pytest.approx(expected)


def test_the_nearest_is_found_among_many_that_share_some_letters() -> None:
    crowd = Nearest(
        [Keyword(text) for text in ("Town Hall", "Hallway", "All-Hands", "Tall order", "Small talk")]
    )
    assert crowd.find("townhall") == (Keyword("Town Hall"), 1.0)


@pytest.mark.parametrize(
    ("text", "title", "alike"),
    [
        ("town", "Townhall", True),
        ("TOWN HALL", "Q3 Townhall", True),
        ("hands", "Handz-on", True),
        ("road", "The roxd", True),
        ("road", "The rxxd", False),
        ("budget", "Town Hall", False),
    ],
)
def test_what_resembles_a_text(text: str, title: str, alike: bool) -> None:
    assert resembles(text, title) is alike


@given(st.sampled_from(WORDS[:4]), st.integers(0, 7), st.sampled_from("abxyz"))
def test_one_wrong_letter_is_always_forgiven(word: str, position: int, letter: str) -> None:
    at = min(position, len(word) - 1)
    assert likeness(normalise_text(word), normalise_text(word[:at] + letter + word[at + 1 :])) >= NEAR


def left(
    *events: Event, rules: Iterable[Rule], organizers: Organizers | None = None, hide: str = ""
) -> Unmatched:
    rules = list(rules)
    known, hidden = organizers or Organizers(), frozenset({hide})
    matching = match_events(events, rules, organizers=known, hidden_calendars=hidden)
    explainer = Explainer(
        rules, CIRCUITS, windows={}, organizers=known, visibility=Visibility.over(events, hidden)
    )
    return unmatched(events, matching, rules=rules, circuits=CIRCUITS, explainer=explainer, now=NOON)


def event(subject: str, number: int = 0, **changes: Any) -> Event:
    start = changes.pop("start", NOON + HOUR)
    span = changes.pop("span", Timed(start, start + HOUR))
    return replace(EVENT, id=f"{subject}{number}", uid="", span=span, subject=subject, **changes)


HALL = rule(subject=["Town Hall"], longer_than=timedelta(minutes=30))


def titles(found: Unmatched) -> list[tuple[str, str | None]]:
    return [(one.event.subject, one.keyword.text if one.keyword else None) for one in found.titles]


def test_the_nearest_keyword_comes_first() -> None:
    events = event("Lunch"), event("Town Hal"), event("Town Hall"), event("Townhall", start=NOON + 3 * HOUR)
    found = left(*events, rules=[HALL])
    assert titles(found) == [("Townhall", "Town Hall"), ("Town Hal", "Town Hall"), ("Lunch", None)]
    assert [one.likeness for one in found.titles][::2] == [1.0, 0.0]
    assert [one.evaluation for one in found.titles] == [None] * 3  # the keyword itself stands in none of them
    assert (found.hidden, found.compared) == ({}, True)


def test_what_else_kept_a_rule_from_an_event_with_its_keyword() -> None:
    short = event("Town Hall", span=Timed(NOON, NOON + timedelta(minutes=30)))
    other = rule("other", circuits={"rooms": ("den-a",)}, subject=["Town Hall"], min_attendees=99)
    (one,) = left(short, rules=[other, HALL]).titles
    assert one.evaluation is not None
    failed = [condition_words(finding) for finding in one.evaluation.findings if not finding.holds]
    assert failed == ["duration 30m, rule wants longer than 30m"]


def test_an_event_whose_local_time_does_not_fit_is_taken_by_none() -> None:
    early = rule(subject=["Town Hall"], start_from=time(20))
    (one,) = left(event("Town Hall"), rules=[early]).titles
    assert one.evaluation is not None
    assert not one.evaluation.matched


def test_a_series_is_one_line_and_copies_count_once() -> None:
    copies = [replace(event("Lunch", source=source), uid="u") for source in (COMPANY, COMPANY)]
    series = [event("lunch", day, start=NOON + timedelta(days=day)) for day in (3, 1, 2)]
    (one,) = left(*copies, *series, rules=[HALL]).titles
    assert (one.count, one.first.start) == (4, NOON + HOUR)
    (near,) = left(event("Townhall"), event("Townhall", 1), rules=[HALL]).titles
    assert (near.keyword and near.keyword.text, near.count) == ("Town Hall", 2)


@pytest.mark.parametrize(
    "change",
    [
        {"cancelled": True},
        {"declined": True},
        {"span": Timed(NOON - HOUR, NOON)},
        {"subject": "Town Hall"},
        {"subject": "Town Hall", "span": Timed(NOON + HOUR, NOON + HOUR / 2)},
        {"subject": "Town Hall", "organizer": "x@evil.example"},
        {"subject": "Town Hall", "uid": "u"},
    ],
    ids=["cancelled", "declined", "over", "taken", "ends before it starts", "refused", "a copy is taken"],
)
def test_what_is_not_left(change: dict[str, Any]) -> None:
    known = Organizers(frozenset({"@contoso.example"}))
    copy = replace(event("Ines Duarte", source=ROOMS), uid="u")
    copies = [copy] if "uid" in change else []
    given = replace(event("Townhall"), **change)
    hall = rule(circuits={"company": ("den-a", "gone"), "rooms": ("den-a",)}, subject=["Town Hall"])
    assert left(given, *copies, rules=[hall], organizers=known).titles == ()


def test_an_event_that_names_no_bandwidth_is_told_elsewhere() -> None:
    wanted = replace(rule(subject_regex=Pattern("(?P<bandwidth>Town)")), bandwidth=FromEvent.FROM_EVENT)
    assert left(event("Town"), rules=[wanted]).titles == ()


def test_hidden_titles_are_only_counted() -> None:
    secret = event("Townhall", sensitivity="private")
    found = left(secret, event("Townhall", 1), event("Townhall", 2, source=ROOMS), rules=[HALL], hide="rooms")
    assert titles(found) == [("Townhall", "Town Hall")]
    assert found.hidden == {"company": 1, "rooms": 1}


def test_a_floating_event_is_left_too() -> None:
    day = datetime(2026, 11, 25)  # noqa: DTZ001 - floating
    (one,) = left(event("Holiday", span=Floating(day, day + timedelta(days=1))), rules=[HALL]).titles
    assert one.first.start.hour == 0


def test_a_calendar_without_keywords_has_no_nearest_one() -> None:
    everything = rule(circuits={"rooms": ("den-a",)}, longer_than=5 * HOUR)
    assert titles(left(event("Townhall", source=ROOMS), rules=[everything])) == [("Townhall", None)]


def test_many_titles_are_listed_but_not_all_compared() -> None:
    events = [event(f"Meeting {number}", start=NOON + HOUR) for number in range(MOST_TITLES)]
    last = event("Townhall", start=NOON + 2 * HOUR)
    found = left(*events, last, rules=[HALL])
    assert (len(found.titles), found.compared) == (MOST_TITLES + 1, False)
    assert titles(found)[-1] == ("Townhall", None)
    first = left(*events[:-1], last, rules=[HALL])
    assert (titles(first)[0], first.compared) == (("Townhall", "Town Hall"), True)
