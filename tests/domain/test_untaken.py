"""Titles that no rule took: which may be shown."""

from __future__ import annotations

from datetime import time

from iodcal.domain.events import Event, Floating
from iodcal.domain.matching import Visibility
from iodcal.domain.rules import Rule
from iodcal.domain.structs import replace
from iodcal.domain.unmatched import untaken_titles
from tests.domain.minutes import CIRCUIT, NOON
from tests.domain.test_matching import EVENT, HOUR, ROOMS, match, rule

OTHER = replace(EVENT, id="2", uid="uid-2", subject="Townhall")


def titles(
    *events: Event, hidden: tuple[str, ...] = (), rules: tuple[Rule, ...] = (rule(subject=["All-Hands"]),)
) -> tuple[str, ...]:
    visibility = Visibility.over(events, frozenset(hidden))
    matching = match(*events, rules=list(rules))
    return untaken_titles(
        events,
        matching,
        rules=rules,
        circuits={CIRCUIT.name: CIRCUIT},
        visibility=visibility,
        now=NOON - 3 * HOUR,
    )


def test_what_a_rule_took_is_left_out_and_the_rest_comes_once_in_order() -> None:
    later = replace(OTHER, id="3", uid="", subject="Budget")
    all_day = Floating(NOON.replace(tzinfo=None) - 2 * HOUR, NOON.replace(tzinfo=None))
    early = replace(OTHER, id="4", uid="uid-4", subject="Breakfast", span=all_day)
    assert titles(EVENT, OTHER, replace(OTHER, id="5"), later, early) == ("Breakfast", "Townhall", "Budget")


def test_what_a_rule_took_is_left_out_however_long_its_id_is() -> None:
    assert titles(replace(EVENT, id="A" * 152, uid="0" * 112)) == ()
    assert titles(replace(EVENT, id="A" * 152, uid="")) == ()


def test_what_must_not_be_seen_is_not() -> None:
    private = replace(OTHER, source=ROOMS, id="9", sensitivity="private")
    assert titles(OTHER, private) == ()
    assert titles(private) == ()
    assert titles(OTHER, hidden=("company",)) == ()


def test_what_does_not_count_is_left_out() -> None:
    assert (
        titles(replace(OTHER, cancelled=True), replace(OTHER, declined=True), replace(OTHER, subject=" "))
        == ()
    )


def test_a_rule_that_fits_at_no_circuits_place_took_nothing_and_a_copy_that_is_taken_counts_for_all() -> None:
    early = rule(subject=["Townhall"], start_from=time(20))
    copy = replace(OTHER, source=ROOMS, id="9", subject="Pat Doe")
    assert titles(OTHER, rules=(early,)) == ("Townhall",)
    assert titles(OTHER, copy, rules=(rule(subject=["Townhall"]),)) == ()


def test_what_is_over_is_left_out() -> None:
    over = Floating(NOON.replace(tzinfo=None) - 9 * HOUR, NOON.replace(tzinfo=None) - 4 * HOUR)
    assert titles(replace(OTHER, span=over)) == ()
