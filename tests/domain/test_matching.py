"""S3: which rules take which events, what is kept of them, and whose events do not count."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.conditions import Conditions
from iodcal.domain.events import Event, Floating, Match, MatchedEvent, NamedCircuits, Source, Timed, short_id
from iodcal.domain.matching import Matching, Organizers, holds_at_place, match_events
from iodcal.domain.rules import FromEvent, Highest, Rule
from iodcal.domain.structs import replace
from iodcal.domain.text_match import Keyword, Pattern, SearchBudget, TooSlowError
from iodcal.domain.windows import Demand, Window, open_windows
from iodcal.domain.workdays import Place
from tests.domain.minutes import CIRCUIT, NOON, at

COMPANY, ROOMS = Source("c", "company", "company"), Source("r", "rooms", "rooms/board")
HOUR = timedelta(hours=1)
EVENT = Event(
    COMPANY,
    "1",
    "uid-1",
    Timed(NOON, NOON + HOUR),
    subject="All-Hands: Q3",
    organizer="Ines.Duarte@contoso.example",
    locations=("Auditorium 2", "Teams"),
    categories=("Streaming",),
    show_as="busy",
    attendees=50,
    online_meeting=True,
)


def rule(name: str = "r", circuits: Mapping[str, tuple[str, ...]] | None = None, **conditions: Any) -> Rule:
    for field in ("subject", "not_subject", "location"):
        if field in conditions:
            conditions[field] = tuple(Keyword(text) for text in conditions[field])
    named = {"company": ("den-a",)} if circuits is None else circuits
    return Rule(name, named, Bandwidth(500), Conditions(**conditions))


def match(*events: Event, rules: list[Rule] | None = None, **options: Any) -> Matching:
    return match_events(events, rules or [rule()], **options)


@pytest.mark.parametrize(
    ("conditions", "taken"),
    [
        ({}, True),
        ({"subject": ["Town Hall", "All-Hands"]}, True),
        ({"subject": ["Town Hall"]}, False),
        ({"subject": ["All-Hands"], "not_subject": ["Q3"]}, False),
        ({"subject_regex": Pattern(r"Q\d$")}, True),
        ({"subject_regex": Pattern(r"^Q\d")}, False),
        ({"longer_than": timedelta(minutes=59)}, True),
        ({"longer_than": HOUR}, False),
        ({"shorter_than": timedelta(minutes=61)}, True),
        ({"shorter_than": HOUR}, False),
        ({"categories": ("streaming", "other")}, True),
        ({"categories": ("stream",)}, False),
        ({"organizer": ("ines.duarte@contoso.example",)}, True),
        ({"organizer": ("@contoso.example",)}, True),
        ({"organizer": ("@example",)}, False),
        ({"organizer": ("duarte@contoso.example",)}, False),
        ({"location": ["auditorium"]}, True),
        ({"location": ["Board room"]}, False),
        ({"show_as": ("busy", "oof")}, True),
        ({"show_as": ("free",)}, False),
        ({"sensitivity": ("normal",)}, True),
        ({"sensitivity": ("private",)}, False),
        ({"online_meeting": True}, True),
        ({"online_meeting": False}, False),
        ({"min_attendees": 50}, True),
        ({"min_attendees": 51}, False),
        ({"all_day": False}, True),
        ({"subject": ["Q3 hands"]}, False),
        ({"all_day": True}, False),
        ({"subject": ["All-Hands"], "show_as": ("free",)}, False),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else str(value),
)
def test_every_condition_must_hold(conditions: dict[str, Any], taken: bool) -> None:
    assert bool(match(EVENT, rules=[rule(**conditions)]).matched) is taken


def test_what_is_kept_of_an_event() -> None:
    given = replace(EVENT, all_day=True, uid="x" * 99)
    (kept,) = match(given, rules=[rule("a"), rule("b")]).matched
    assert kept == MatchedEvent(
        COMPANY, "1", short_id("x" * 99), EVENT.span, True, "All-Hands: Q3", (Match("a"), Match("b"))
    )


@pytest.mark.parametrize("subject", ["今天的全体会议", "all hands"])
def test_a_rule_may_have_keywords_of_scripts_with_and_without_spaces(subject: str) -> None:
    both = rule(subject=["全体", "All-Hands"])
    assert len(match(replace(EVENT, subject=subject), rules=[both]).matched) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"cancelled": True},
        {"declined": True},
        {"span": Timed(NOON, NOON)},
        {"source": ROOMS},
    ],
    ids=["cancelled", "declined", "no length", "another calendar"],
)
def test_what_is_no_event_of_the_rule(change: dict[str, Any]) -> None:
    found = match(replace(EVENT, **change))
    assert (found.matched, found.invalid, found.refused) == ((), (), ())


@pytest.mark.parametrize(
    ("shown", "taken"), [("gruebleen", True), ("OOF", False), ("free", False), ("Busy", True)]
)
def test_a_showing_never_seen_before_counts_as_busy(shown: str, taken: bool) -> None:
    found = match(replace(EVENT, show_as=shown), rules=[rule(show_as=("busy",))])
    assert bool(found.matched) is taken
    assert match(replace(EVENT, show_as="gruebleen"), rules=[rule(show_as=("oof",))]).matched == ()


def test_an_event_that_ends_before_it_starts_is_told() -> None:
    found = match(replace(EVENT, span=Timed(NOON, NOON - HOUR)))
    assert (found.matched, len(found.invalid)) == ((), 1)


@pytest.mark.parametrize(
    ("organizer", "counts"),
    [
        ("pat@contoso.example", True),
        ("PAT@CONTOSO.EXAMPLE", True),
        ("boss@partner.example", True),
        ("other@partner.example", False),
        ("pat@contoso.example.evil.example", False),
        ("pat@evilcontoso.example", False),
        ("pat@contoso.example@evil.example", False),
        ('"pat@home"@contoso.example', True),
        ("/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn=1", True),
        (None, True),
    ],
)
def test_only_the_events_of_known_organizers_count(organizer: str | None, counts: bool) -> None:
    known = Organizers(frozenset({"@contoso.example", "boss@partner.example"}))
    found = match(replace(EVENT, organizer=organizer), organizers=known)
    assert (len(found.matched), len(found.refused)) == ((1, 0) if counts else (0, 1))
    assert found.refused_by == (() if counts else (organizer,))


def test_an_address_of_exchanges_own_directory_may_be_named_itself() -> None:
    address = "/o=ExchangeLabs/cn=Recipients/cn=Pat"
    known = Organizers(frozenset({address.casefold()}))
    assert known.allow(address)
    assert not known.allow(f"{address}2")


def test_nobody_sees_who_organizes_a_private_event_that_is_refused() -> None:
    known = Organizers(frozenset({"@contoso.example"}))
    stranger = replace(EVENT, organizer="x@evil.example", sensitivity="private")
    assert match(stranger, organizers=known).refused_by == (None,)


@pytest.mark.parametrize(
    ("change", "conditions", "told"),
    [
        pytest.param({}, {"min_attendees": 51}, True, id="too few are shown, and more may come"),
        pytest.param({"attendees": None}, {"min_attendees": 51}, True, id="none is shown"),
        pytest.param({}, {"min_attendees": 50}, False, id="enough are shown"),
        pytest.param({}, {"subject": ["All-Hands"]}, False, id="nobody counts"),
        pytest.param({}, {"min_attendees": 51, "show_as": ("oof",)}, False, id="another condition fails"),
        pytest.param({"more_attendees": False}, {"min_attendees": 51}, False, id="all are shown"),
        pytest.param({"organizer": "x@evil.example"}, {"min_attendees": 51}, False, id="a stranger's"),
    ],
)
def test_an_event_that_a_rule_would_take_if_more_were_invited_is_told(
    change: dict[str, Any], conditions: dict[str, Any], told: bool
) -> None:
    event = replace(EVENT, **{"attendees": 50, "more_attendees": True, **change})
    known = Organizers(frozenset({"@contoso.example"}))
    found = match(event, rules=[rule(**conditions)], organizers=known)
    assert [(kept.id, name) for kept, name in found.uncounted] == (
        [(short_id(EVENT.id, 12), "r")] if told else []
    )


def test_nothing_is_kept_of_what_no_rule_takes() -> None:
    stranger = replace(EVENT, subject="Crypto", organizer="x@evil.example")
    known = Organizers(frozenset({"@contoso.example"}))
    found = match(stranger, rules=[rule(subject=["All-Hands"])], organizers=known)
    assert found == Matching(())


def test_a_subject_is_hidden_where_any_copy_is_private() -> None:
    copy = replace(EVENT, source=ROOMS, id="2", subject="Ines Duarte", sensitivity="Confidential")
    rules = [rule(circuits={"company": ("den-a",), "rooms": ("den-a",)})]
    assert [kept.subject for kept in match(EVENT, copy, rules=rules).matched] == [None, None]
    elsewhen = replace(copy, span=Timed(NOON + HOUR, NOON + 2 * HOUR))
    assert [kept.subject for kept in match(EVENT, elsewhen, rules=rules).matched] == ["All-Hands: Q3", None]


@pytest.mark.parametrize(("before", "kept"), [(245, " All-Hands"), (246, " All-Han…"), (999, "xxxxxxxxx…")])
def test_a_subject_counts_whole_and_is_kept_as_long_as_exchange_keeps_one(before: int, kept: str) -> None:
    long = replace(EVENT, subject="x" * before + " All-Hands")
    (found,) = match(long, rules=[rule(subject=["All-Hands"])]).matched
    assert found.subject is not None
    assert (len(found.subject), found.subject[-len(kept) :]) == (255, kept)


def test_a_hidden_calendar_hides_its_subjects() -> None:
    (kept,) = match(EVENT, hidden_calendars=frozenset({"company"})).matched
    assert kept.subject is None


def windows(found: Matching, *rules: Rule) -> tuple[Window, ...]:
    return open_windows(found.matched, rules, [CIRCUIT])["den-a"]


def test_copies_merge_by_uid_and_start_and_the_longest_end_wins() -> None:
    both = {"company": ("den-a",), "rooms": ("den-a",)}
    copy = replace(EVENT, source=ROOMS, id="2", subject="Ines", span=Timed(NOON, NOON + 2 * HOUR))
    one = rule(circuits=both)
    for events in ([EVENT, copy], [copy, EVENT]):
        (window,) = windows(match(*events, rules=[one]), one)
        assert (window.demand.event.end, window.demand.calendar) == (NOON + 2 * HOUR, "rooms")
    (window,) = windows(match(EVENT, replace(copy, span=EVENT.span), rules=[one]), one)
    assert window.demand.calendar == "company"
    two = windows(match(EVENT, replace(copy, uid="uid-2"), rules=[one]), one)
    assert len(two) == 2
    alone = windows(match(replace(EVENT, uid=""), replace(copy, uid=""), rules=[one]), one)
    assert len(alone) == 2


def test_a_copy_hidden_in_one_calendar_is_hidden_in_the_cause() -> None:
    both = {"company": ("den-a",), "rooms": ("den-a",)}
    one = rule(circuits=both)
    copy = replace(EVENT, source=ROOMS, id="2")
    found = match(EVENT, copy, rules=[one], hidden_calendars=frozenset({"rooms"}))
    assert windows(found, one)[0].demand.subject is None


def merged(one: dict[str, Any], other: dict[str, Any]) -> Demand:
    """What becomes of two copies of the event in one calendar, by what they differ in."""
    (event,) = match(EVENT).matched
    copies = [replace(event, id="1", **one), replace(event, id="2", **other)]
    (window,) = open_windows(copies, [rule()], [CIRCUIT])["den-a"]
    return window.demand


@pytest.mark.parametrize(
    ("one", "other", "subject"),
    [("A", "B", "A"), ("B", "A", "A"), (None, "A", None), ("A", None, None), (None, None, None)],
)
def test_of_two_subjects_the_first_in_the_alphabet_is_shown_and_none_that_is_hidden_in_one(
    one: str | None, other: str | None, subject: str | None
) -> None:
    assert merged({"subject": one}, {"subject": other}).subject == subject


@pytest.mark.parametrize(
    ("one", "other", "since"),
    [(None, None, None), (-60, None, None), (None, -60, None), (-60, -5, -60), (-5, -60, -60)],
)
def test_copies_are_remembered_only_where_no_reading_of_today_shows_one(
    one: int | None, other: int | None, since: int | None
) -> None:
    ages = [{"remembered_since": None if minute is None else at(minute)} for minute in (one, other)]
    assert merged(*ages).remembered_since == (None if since is None else at(since))


def test_the_event_names_the_bandwidth() -> None:
    pattern = Pattern(r"Start: (?P<bandwidth>\S* \S*)")
    wanted = replace(rule(subject_regex=pattern), bandwidth=FromEvent.FROM_EVENT)
    good, bad = (
        replace(EVENT, subject="IoD | Start: 200 Mbps"),
        replace(EVENT, subject="Start: soon now", id="9"),
    )
    found = match(good, bad, rules=[wanted])
    assert [window.bandwidth.mbps for window in windows(found, wanted)] == [200]
    unreadable = MatchedEvent(COMPANY, "9", "uid-1", EVENT.span, False, "Start: soon now", (Match("r"),))
    assert found.unreadable == ((unreadable, "r"),)
    copy = replace(good, source=ROOMS, id="2", subject="IoD | Start: 500 Mbps")
    both = replace(wanted, circuits={"company": ("den-a",), "rooms": ("den-a",)})
    assert [w.bandwidth.mbps for w in windows(match(good, copy, rules=[both]), both)] == [500]


def test_what_an_unreadable_event_names_is_kept_too() -> None:
    pattern = Pattern(r"Start: (?P<bandwidth>\S*)")
    wanted = replace(rule(subject_regex=pattern), bandwidth=FromEvent.FROM_EVENT, named_in_event=True)
    found = match(replace(EVENT, subject="Start: soon, den-a"), rules=[wanted], circuits=[CIRCUIT])
    assert [event.named for event, _ in found.unreadable] == [NamedCircuits(frozenset({CIRCUIT.key}))]


def test_without_an_expression_an_event_can_name_no_bandwidth() -> None:
    wanted = replace(rule(), bandwidth=FromEvent.FROM_EVENT)
    found = match(replace(EVENT, subject="500 Mbps"), rules=[wanted])
    assert (found.matched, [name for _, name in found.unreadable]) == ((), ["r"])


def test_highest_is_the_circuits_own_highest_within_its_ceiling() -> None:
    wanted = replace(rule(), bandwidth=Highest.HIGHEST)
    low = replace(CIRCUIT, ceiling=Bandwidth(500))
    found = match(EVENT, rules=[wanted]).matched
    assert open_windows(found, [wanted], [low])["den-a"][0].bandwidth == Bandwidth(500)


@pytest.mark.parametrize(
    ("zone", "conditions", "holds"),
    [
        pytest.param("UTC", {"days": {1}}, True, id="a Tuesday"),
        pytest.param("UTC", {"days": {2}}, False, id="no Wednesday"),
        pytest.param("Pacific/Kiritimati", {"days": {2}}, True, id="Wednesday in the far east"),
        pytest.param("UTC", {"start_from": time(12)}, True, id="from its very minute"),
        pytest.param("UTC", {"start_to": time(12)}, False, id="to is half open"),
        pytest.param("UTC", {"start_from": time(11), "start_to": time(12)}, False, id="so it is with from"),
        pytest.param(
            "UTC", {"start_from": time(12), "start_to": time(6)}, True, id="the night's first minute"
        ),
        pytest.param("UTC", {"start_from": time(20), "start_to": time(12)}, False, id="behind its last"),
        pytest.param("UTC", {"start_from": time(9), "start_to": time(9)}, True, id="equal: any time of day"),
        pytest.param("America/Denver", {"start_from": time(5), "start_to": time(6)}, True, id="local hours"),
        pytest.param("Europe/Berlin", {"start_from": time(22), "start_to": time(6)}, False, id="night"),
        pytest.param("Asia/Tokyo", {"start_from": time(20), "start_to": time(6)}, True, id="past midnight"),
        pytest.param("UTC", {"longer_than": HOUR}, False, id="length"),
    ],
)
def test_local_time_is_judged_in_the_circuits_zone(
    zone: str, conditions: dict[str, Any], holds: bool
) -> None:
    given = {**conditions, **({"days": frozenset(conditions["days"])} if "days" in conditions else {})}
    assert holds_at_place(Conditions(**given), EVENT.span, Place(ZoneInfo(zone))) is holds


def test_one_event_may_match_for_one_circuit_only() -> None:
    tokyo = replace(CIRCUIT, name="tok-a", service_id="2", zone=ZoneInfo("Asia/Tokyo"))
    evening = rule(circuits={"company": ("den-a", "tok-a")}, start_from=time(20))
    opened = open_windows(match(EVENT, rules=[evening]).matched, [evening], [CIRCUIT, tokyo])
    assert {name: len(found) for name, found in opened.items()} == {"den-a": 0, "tok-a": 1}


@pytest.mark.parametrize(
    ("zone", "start", "hours"),
    [
        pytest.param("America/Denver", datetime(2026, 3, 8, 7, tzinfo=UTC), 23, id="23 hours"),
        pytest.param("America/Denver", datetime(2026, 11, 1, 6, tzinfo=UTC), 25, id="25 hours"),
        pytest.param(
            "Asia/Tokyo", datetime(2026, 11, 23, 15, tzinfo=UTC), 24, id="the evening before in UTC"
        ),
    ],
)
def test_an_all_day_event_spans_local_midnights(zone: str, start: datetime, hours: int) -> None:
    day = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    span = Floating(day, day + timedelta(days=1))
    circuit = replace(CIRCUIT, zone=ZoneInfo(zone))
    found = match(replace(EVENT, span=span, all_day=True))
    (window,) = open_windows(found.matched, [rule()], [circuit])["den-a"]
    assert window.demand.event.start == start
    assert window.demand.event.end - start == timedelta(hours=hours)


def test_how_long_a_day_is_depends_on_the_circuits_clock() -> None:
    day = datetime(2026, 11, 1)  # noqa: DTZ001 - floating: 25 hours in Denver
    event = replace(EVENT, span=Floating(day, day + timedelta(days=1)), all_day=True)
    longer, shorter = rule(longer_than=24 * HOUR), rule(shorter_than=25 * HOUR)
    assert len(windows(match(event, rules=[longer]), longer)) == 1
    assert windows(match(event, rules=[shorter]), shorter) == ()


def test_a_span_wholly_inside_the_gap_is_lost() -> None:
    span = Floating(datetime(2026, 3, 8, 2, 10), datetime(2026, 3, 8, 2, 50))  # noqa: DTZ001 - floating
    assert windows(match(replace(EVENT, span=span)), rule()) == ()


def test_a_rule_that_is_gone_makes_no_window() -> None:
    found = match(EVENT, rules=[rule("old")])
    assert windows(found, rule("new")) == ()


def test_without_an_organizer_no_organizer_condition_holds() -> None:
    assert match(replace(EVENT, organizer=None), rules=[rule(organizer=("@contoso.example",))]).matched == ()


def test_circuits_of_one_zone_share_a_demand_and_unknown_ones_have_none() -> None:
    other = replace(CIRCUIT, name="den-b", service_id="2")
    both = rule(circuits={"company": ("den-a", "den-b", "gone")})
    opened = open_windows(match(EVENT, rules=[both]).matched, [both], [CIRCUIT, other])
    assert opened["den-a"][0].demand is opened["den-b"][0].demand
    assert set(opened) == {"den-a", "den-b"}


def test_circuits_of_one_place_are_judged_once_and_holidays_make_another_place() -> None:
    kept = frozenset({NOON.date()})
    names = {"den-a": frozenset(), "den-b": kept, "den-c": frozenset(kept), "den-d": frozenset()}
    circuits = [
        replace(CIRCUIT, name=name, service_id=name, holidays=holidays) for name, holidays in names.items()
    ]
    one = rule(circuits={"company": tuple(names)}, business_days=frozenset(range(1, 24)))
    opened = open_windows(match(EVENT, rules=[one]).matched, [one], circuits)
    assert {name: len(found) for name, found in opened.items()} == {
        "den-a": 1,
        "den-b": 0,
        "den-c": 0,
        "den-d": 1,
    }
    assert opened["den-a"][0].demand is opened["den-d"][0].demand


def test_lead_and_trail_surround_the_event() -> None:
    wide = replace(rule(), lead=timedelta(minutes=30), trail=timedelta(minutes=10))
    (window,) = windows(match(EVENT, rules=[wide]), wide)
    assert (window.demand.span.start, window.demand.span.end) == (at(-30), at(70))


# A search for `a`s and `aa`s to the end of it is far too long, and yet it ends: a test can fail, not hang.
BOMB = replace(EVENT, subject="a" * 38 + "!", id="bomb")


def test_a_subject_made_to_hang_an_expression_is_given_up_and_told() -> None:
    wanted = rule("evil", subject_regex=Pattern(r"^(a|aa)+$|Q3$"))
    found = match(BOMB, EVENT, rules=[wanted, rule("fine")])
    assert found.undecided == {("company", "evil")}
    taken = {event.id: [match.rule for match in event.matches] for event in found.matched}
    assert taken == {"bomb": ["fine"], "1": ["evil", "fine"]}


def test_an_event_that_is_given_up_names_no_bandwidth_either() -> None:
    pattern = Pattern(r"^(?P<bandwidth>(a|aa)+)$")
    wanted = replace(rule("evil", subject_regex=pattern), bandwidth=FromEvent.FROM_EVENT)
    assert match(BOMB, rules=[wanted]).matched == ()


def test_nobody_searches_more_of_a_subject_than_exchange_keeps() -> None:
    pattern = Pattern("end$")
    assert pattern.search("x" * 252 + "end", SearchBudget()) is not None
    assert pattern.search("x" * 253 + "end", SearchBudget()) is None


def test_a_thousand_such_subjects_cost_little_more_than_a_few() -> None:
    budget, pattern = SearchBudget(), Pattern(r"^(a|aa)+$")
    allowed = []
    for _ in range(50):
        allowed.append(budget.next)
        with pytest.raises(TooSlowError):
            pattern.search(BOMB.subject, budget)
    assert allowed[0] == pytest.approx(0.05)
    assert allowed[-1] == pytest.approx(0.002)
    assert pattern.search("a", budget) is not None


def test_a_rules_budget_ends_and_the_runs_with_it() -> None:
    run = SearchBudget.for_run()
    spent, other = SearchBudget(of_run=run), SearchBudget(of_run=run)
    spent.spend(1.0)
    assert spent.next == 0.0
    with pytest.raises(TooSlowError):
        Pattern("a").search("a", spent)
    assert Pattern("a").search("a", other) is not None
    run.spend(3.0)
    assert other.next == 0.0


def test_searches_that_end_just_in_time_are_paid_for_and_quick_ones_are_free() -> None:
    slow, budget = Pattern("(a*)*$"), SearchBudget()
    searches = 0
    while budget.next:
        searches += 1
        with suppress(TooSlowError):
            slow.search("a" * 254 + "!", budget)
    assert searches < 10_000
    full = SearchBudget()
    full.spend(0.0004)
    assert full.left == SearchBudget().left


def test_a_slow_rule_is_undecided_and_strangers_subjects_spend_nothing_of_our_own() -> None:
    evil = rule("evil", subject_regex=Pattern("(a*)*$|^All"))
    strange = replace(BOMB, subject="a" * 254 + "!", organizer="win@elsewhere.example")
    bombs = [replace(strange, id=f"bomb {number}", uid=f"bomb {number}") for number in range(1000)]
    found = match_events([*bombs, EVENT], [evil], organizers=Organizers(frozenset({"@contoso.example"})))
    assert [one.subject for one in found.matched] == [EVENT.subject]
    assert {name for _, name in found.undecided} == {"evil"}


def test_an_expression_says_what_its_groups_are_and_what_is_wrong_with_it() -> None:
    assert Pattern(r"(?P<bandwidth>\d+)").groups == {"bandwidth"}
    with pytest.raises(ValueError, match="not a regular expression"):
        Pattern("(")
