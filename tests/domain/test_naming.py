"""Events that name their circuits: what counts as named, what rules then ask for, and what is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.circuit_names import NameBook, names_circuit
from iodcal.domain.events import CalendarReading, Event, MatchedEvent, NamedCircuits
from iodcal.domain.explain import Explainer, RuleEvaluation
from iodcal.domain.last_known_good import end_absent, recall_events, remember_reading
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import Organizers, Visibility, match_events
from iodcal.domain.resolution import CircuitResolver, find_events_without_circuit
from iodcal.domain.rules import Mode, Rule
from iodcal.domain.structs import replace
from iodcal.domain.windows import open_freezes, open_windows
from iodcal.messages.results import condition_words
from tests.domain.minutes import CIRCUIT, NOON
from tests.domain.test_matching import COMPANY, EVENT, HOUR, ROOMS, rule

DEN_A = replace(CIRCUIT, name="den-a", service_id="77000000001", site="den")
DEN_B = replace(CIRCUIT, name="den-b", service_id="IOD-77/2", site="den")
LON_A = replace(CIRCUIT, name="lon-a", service_id="77000000003", site="lon", zone=ZoneInfo("Europe/London"))
TOK = replace(CIRCUIT, name="東京", service_id="77", site="--")
CIRCUITS = {circuit.name: circuit for circuit in (DEN_A, DEN_B, LON_A, TOK)}
ALL = tuple(CIRCUITS)
DR_TEST = replace(EVENT, subject="DR Test", locations=(), categories=())


def by_name(name: str = "dr", allowed: tuple[str, ...] = ALL, **conditions: Any) -> Rule:
    circuits = {"company": allowed, "rooms": allowed}
    return replace(rule(name, circuits, **conditions), named_in_event=True)


def titled(subject: str, **more: Any) -> Event:
    return replace(DR_TEST, subject=subject, **more)


def matched(*events: Event, rules: tuple[Rule, ...]) -> tuple[MatchedEvent, ...]:
    return match_events(events, rules, circuits=CIRCUITS.values()).matched


def asked(*events: Event, rules: tuple[Rule, ...] = ()) -> list[str]:
    """The circuits that windows open on."""
    wanted = rules or (by_name(),)
    opened = open_windows(matched(*events, rules=wanted), wanted, CIRCUITS.values())
    return [name for name, windows in opened.items() if windows]


@pytest.mark.parametrize(
    ("subject", "named"),
    [
        ("DR Test LON", ["lon-a"]),
        ("DR test den", ["den-a", "den-b"]),
        ("DR Test DEN\N{EN DASH}A", ["den-a"]),
        ("den a and Lon", ["den-a", "lon-a"]),
        ("den-a, then all of den", ["den-a", "den-b"]),
        ("den-a, den-a", ["den-a"]),
        ("move 77000000003", ["lon-a"]),
        ("move iod 77/2 tonight", ["den-b"]),
        ("room 77", ["東京"]),
        ("(lon-a)", ["lon-a"]),
        ("明日は東京です", ["東京"]),
        ("London, Denver", []),
        ("770000000031", []),
        ("--", []),
        ("", []),
    ],
)
def test_names_are_whole_words_and_the_longest_counts(subject: str, named: list[str]) -> None:
    found = NameBook(CIRCUITS.values()).named_in(titled(subject))
    assert [name for name, circuit in CIRCUITS.items() if names_circuit(found, circuit)] == named
    assert bool(found) is bool(named)


@pytest.mark.parametrize(
    "where", [{"subject": "LON"}, {"locations": ("x", "Site LON")}, {"categories": ("y", "lon-a")}]
)
def test_a_circuit_is_named_in_the_title_a_location_or_a_category(where: dict[str, Any]) -> None:
    assert asked(replace(DR_TEST, **where)) == ["lon-a"]


def test_a_name_at_the_end_of_a_longer_one_is_not_meant() -> None:
    longer = replace(LON_A, name="new-den", site=None)
    found = NameBook([DEN_A, longer]).named_in(titled("DR New Den"))
    assert found == NamedCircuits(frozenset({longer.key}))


def test_a_name_may_be_one_letter() -> None:
    short = replace(LON_A, name="a", site=None)
    assert NameBook([short]).named_in(titled("A")) == NamedCircuits(frozenset({short.key}))


def test_one_name_of_two_things_means_both() -> None:
    twin = replace(LON_A, name="den", service_id="5")
    found = NameBook([DEN_A, twin]).named_in(titled("DR den"))
    assert found == NamedCircuits(frozenset({twin.key}), frozenset({"den"}))


@given(st.text(st.sampled_from("abdenlo7 -"), max_size=30))
def test_whatever_is_named_stands_in_the_text(text: str) -> None:
    found = NameBook(CIRCUITS.values()).named_in(titled(text))
    squeezed = text.replace("-", " ")
    for circuit in CIRCUITS.values():
        if circuit.key in found.circuits:
            names = (circuit.name, circuit.service_id)
            assert any(name.replace("-", " ") in " ".join(squeezed.split()) for name in names)
    assert all(site in squeezed for site in found.sites)


def test_where_none_is_named_all_that_the_rule_allows_are_asked_for() -> None:
    assert asked(DR_TEST) == list(ALL)
    assert asked(DR_TEST, rules=(by_name(allowed=("den-a", "lon-a")),)) == ["den-a", "lon-a"]


def test_what_the_rule_does_not_allow_is_not_asked_for() -> None:
    limited = by_name(allowed=("den-a", "lon-a"))
    assert asked(titled("DR Test den"), rules=(limited,)) == ["den-a"]
    assert asked(titled("DR Test den-b"), rules=(limited,)) == []


def test_a_rule_that_does_not_ask_for_names_does_not_mind_them() -> None:
    plain = rule(circuits={"company": ALL})
    assert asked(titled("DR Test LON"), rules=(plain,)) == list(ALL)
    (kept,) = matched(titled("DR Test LON"), rules=(plain,))
    assert kept.named is None


def test_what_one_copy_names_all_copies_name() -> None:
    copy = titled("Ines Duarte", source=ROOMS, id="2")
    assert asked(titled("DR Test LON"), copy) == ["lon-a"]
    assert asked(copy, titled("DR Test LON")) == ["lon-a"]
    elsewhen = replace(copy, uid="another")
    assert asked(titled("DR Test LON"), elsewhen) == list(ALL)


def test_a_hidden_event_names_circuits_and_its_title_stays_hidden() -> None:
    secret = titled("Merger, LON", sensitivity="private")
    (kept,) = matched(secret, rules=(by_name(),))
    assert (kept.subject, kept.named) == (None, NamedCircuits(sites=frozenset({"lon"})))
    assert asked(secret) == ["lon-a"]


def test_a_freeze_freezes_what_the_event_names() -> None:
    freeze = replace(by_name(), mode=Mode.FREEZE, bandwidth=None)
    frozen = open_freezes(matched(titled("Freeze lon"), rules=(freeze,)), [freeze], CIRCUITS.values())
    assert [name for name, freezes in frozen.items() if freezes] == ["lon-a"]


def remembered(subject: str, wanted: Rule) -> tuple[MatchedEvent, ...]:
    """What is left of an event in the calendar's next, failed reading."""
    event = titled(subject)
    covers = Interval(NOON - HOUR, NOON + 9 * HOUR)
    reading = CalendarReading(COMPANY, covers, NOON, (event,))
    kept = end_absent(
        remember_reading(reading, matched(event, rules=(wanted,)), None), lambda _: False
    ).remembered
    return recall_events(COMPANY, kept).events


def opened(events: tuple[MatchedEvent, ...], wanted: Rule, *circuits: Any) -> list[str]:
    found = open_windows(events, [wanted], circuits or CIRCUITS.values())
    return [name for name, windows in found.items() if windows]


def test_a_remembered_event_still_names_its_circuits_and_todays_rule_allows_them() -> None:
    events = remembered("DR Test den", by_name())
    assert opened(events, by_name()) == ["den-a", "den-b"]
    assert opened(events, by_name(allowed=("den-b", "lon-a"))) == ["den-b"]
    assert opened(events, replace(by_name(), named_in_event=False)) == list(ALL)
    new = replace(DEN_A, name="den-c", service_id="9")
    assert opened(events, by_name(allowed=(*ALL, "den-c")), DEN_A, LON_A, new) == ["den-a", "den-c"]
    renamed = replace(DEN_A, name="denver", site="den")
    assert opened(remembered("den-a", by_name()), by_name(allowed=("denver", "lon-a")), renamed, LON_A) == [
        "denver"
    ]


def test_a_remembered_event_that_nobody_asked_for_names_counts_for_all_that_is_allowed() -> None:
    events = remembered("DR Test LON", replace(by_name(), named_in_event=False))
    assert opened(events, by_name()) == list(ALL)


def test_a_remembered_event_asks_for_nothing_once_its_rule_reads_other_calendars() -> None:
    elsewhere = replace(by_name(), circuits={"rooms": ALL})
    assert opened(remembered("DR Test LON", by_name()), elsewhere) == []


def test_what_is_no_longer_configured_names_nothing() -> None:
    assert opened(remembered("DR Test lon-a", by_name()), by_name(), DEN_A, DEN_B) == ["den-a", "den-b"]


def told(*events: Event, rules: tuple[Rule, ...]) -> list[tuple[str, str, str]]:
    kept = matched(*events, rules=rules)
    found = tuple(find_events_without_circuit(kept, rules, CircuitResolver(kept, CIRCUITS)))
    assert all(one.event in kept for one in found)
    return [(one.rule.name, ", ".join(one.allowed), one.outside) for one in found]


def test_an_event_that_names_no_circuit_is_told_once_for_each_rule() -> None:
    copy = titled("Ines Duarte", source=ROOMS, id="2")
    few = by_name("few", ("den-a",))
    assert told(DR_TEST, copy, rules=(by_name(), few)) == [
        ("dr", "den-a, den-b, lon-a, 東京", ""),
        ("few", "den-a", ""),
    ]
    assert told(titled("DR Test LON"), copy, rules=(by_name(),)) == []
    plain = rule(circuits={"company": ALL})
    assert told(DR_TEST, rules=(plain,)) == []
    assert told(DR_TEST, rules=(plain, few)) == [("few", "den-a", "")]


def test_an_event_that_names_others_is_told_unless_another_rule_serves_them() -> None:
    den, lon = by_name("den", ("den-a",)), by_name("lon", ("lon-a",))
    assert told(titled("DR Test den-b, lon"), rules=(den,)) == [("den", "den-a", "den-b, the site lon")]
    assert told(titled("DR Test LON"), rules=(den, lon)) == []
    plain = rule("plain", {"company": ("lon-a",)})
    assert told(titled("DR Test LON"), rules=(den, plain)) == []


def test_an_event_that_asks_for_nothing_is_not_told() -> None:
    assert told(DR_TEST, rules=(by_name(days=frozenset({6})),)) == []
    assert told(DR_TEST, rules=(by_name(allowed=()),)) == []
    (window,) = (by_name(shorter_than=timedelta(minutes=90)),)
    assert [name for name, _, _ in told(DR_TEST, rules=(window,))] == ["dr"]


def tried(event: Event, wanted: Rule, *copies: Event) -> RuleEvaluation:
    kept = matched(event, *copies, rules=(wanted,))
    windows = open_windows(kept, [wanted], CIRCUITS.values())
    explainer = Explainer(
        [wanted],
        CIRCUITS,
        windows=windows,
        organizers=Organizers(),
        visibility=Visibility.over((event, *copies)),
        matched=kept,
    )
    (evaluation,) = explainer.try_event(event).rules
    return evaluation


def test_it_is_explained_circuit_by_circuit() -> None:
    evaluation = tried(titled("DR Test LON, den-a"), by_name())
    words = {
        circuit.circuit: [condition_words(finding) for finding in circuit.findings if not finding.holds]
        for circuit in evaluation.circuits
    }
    assert words == {
        "den-a": [],
        "den-b": ["names only den-a, the site lon"],
        "lon-a": [],
        "東京": ["names only den-a, the site lon"],
    }
    found = {circuit.circuit: circuit.findings[0] for circuit in evaluation.circuits}
    assert (found["den-b"].key, found["den-b"].wanted) == ("circuits", "den-b")
    matches = [circuit.circuit for circuit in evaluation.circuits if circuit.matched]
    assert (evaluation.nameless, matches) == (False, ["den-a", "lon-a"])


def test_what_an_event_names_is_explained_though_the_rule_does_not_take_it() -> None:
    evaluation = tried(titled("DR Test LON"), by_name(longer_than=9 * HOUR))
    names = {circuit.circuit: circuit.findings[0].found for circuit in evaluation.circuits}
    assert (evaluation.nameless, evaluation.matched) == (False, False)
    assert names == dict.fromkeys(ALL, "the site lon")


def test_an_event_that_names_none_is_explained_as_such() -> None:
    evaluation = tried(DR_TEST, by_name())
    assert (evaluation.nameless, evaluation.matched) == (True, True)
    assert all(circuit.window is not None for circuit in evaluation.circuits)
    copy = titled("Ines Duarte", source=ROOMS, id="2")
    of_copy = tried(copy, by_name(), titled("DR Test LON"))
    assert (of_copy.nameless, [one.circuit for one in of_copy.circuits if one.matched]) == (False, ["lon-a"])


TITLES = st.sampled_from(["DR Test", "LON", "den-a", "den", "Red lon-a, den-b", "77000000001", "東京"])
EVENTS = st.lists(
    st.builds(
        lambda title, source, uid, private: titled(
            title, source=source, id=f"{title} {source.key}", uid=uid, sensitivity=private
        ),
        TITLES,
        st.sampled_from([COMPANY, ROOMS]),
        st.sampled_from(["one", "two"]),
        st.sampled_from(["normal", "private"]),
    ),
    max_size=4,
    unique_by=lambda event: event.id,
)
RULES = st.lists(
    st.builds(
        lambda allowed, named: replace(by_name(f"{allowed} {named}", allowed), named_in_event=named),
        st.lists(st.sampled_from(ALL), min_size=1, unique=True).map(tuple),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda one: one.name,
)


@given(EVENTS, RULES)
def test_explaining_and_planning_agree_and_no_event_is_lost_without_a_word(
    events: list[Event], rules: list[Rule]
) -> None:
    kept = matched(*events, rules=tuple(rules))
    windows = open_windows(kept, rules, CIRCUITS.values())
    explainer = Explainer(
        rules,
        CIRCUITS,
        windows=windows,
        organizers=Organizers(),
        visibility=Visibility.over(events),
        matched=kept,
    )
    explained = {
        (circuit.circuit, one.rule.name, event.copy_key)
        for event in events
        for one in explainer.try_event(event).rules
        for circuit in one.circuits
        if circuit.matched
    }
    planned = {
        (name, window.demand.rule.name, window.demand.key)
        for name, of_circuit in windows.items()
        for window in of_circuit
    }
    assert explained == planned
    told_of = {
        one.event.copy_key
        for one in find_events_without_circuit(kept, rules, CircuitResolver(kept, CIRCUITS))
    }
    asked_for = {key for _, _, key in planned}
    assert {event.copy_key for event in kept} <= asked_for | told_of
