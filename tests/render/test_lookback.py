"""A look back on the screen, as JSON, as CSV and as a page, with a title and a label that mean harm."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from iodcal.analysis.figures import CostReason, Lookback, Served
from iodcal.commands.lookback import look_back
from iodcal.commands.page_costs import PageCosts
from iodcal.domain.changes import Cause
from iodcal.domain.circuits import Account
from iodcal.domain.orders import Outcome
from iodcal.domain.structs import replace
from iodcal.messages.results import event_name, spent_on
from iodcal.output.costs import print_lookback, spare_text
from iodcal.output.costs_view import COLUMNS, lookback_csv, lookback_view
from iodcal.output.html.page import page_html
from iodcal.output.html.page_data import page_of
from iodcal.output.json import dump
from iodcal.problems.messages import why_late
from iodcal.store.entries import Hidden
from iodcal.store.history import Past
from iodcal.store.state import State
from tests.analysis.past import (
    AFTERNOON,
    HIGH,
    LOW,
    MIDDLE,
    at,
    cause,
    circuit,
    late,
    look,
    order,
    span,
)
from tests.render.test_golden import check, report, shown
from tests.store.past import HOSTILE

DENVER = ZoneInfo("America/Denver")


def harmless_looking(made: Cause) -> Cause:
    return replace(made, subject=HOSTILE)


def found() -> Lookback:
    """Two circuits and one that left; an event in time, one late, one that nobody looked at; a gap."""
    den = circuit("den-a", baseline=AFTERNOON)
    lon = circuit("lon-a", labels=(("cost_center", "=4712"),), tiers=(LOW, HIGH))
    old = circuit("old-a", account=Account("sandbox", "file:old", "old"))
    up = replace(order(0, LOW, HIGH, Outcome.CONFIRMED, harmless_looking(cause(30, 90))))
    orders = (
        up,
        order(105, HIGH, LOW, Outcome.CONFIRMED, cause(30, 90, ended=True)),
        order(236, LOW, HIGH, Outcome.CONFIRMED, cause(240, 300, "Tests")),
        order(310, HIGH, MIDDLE),
        order(0, MIDDLE, LOW, of=lon),
        order(200, HIGH, LOW, of=lon),
        order(0, LOW, HIGH, of=old),
    )
    looks = (replace(look(30, 90, ready=True), subject=HOSTILE), look(240, 300, ready=False, rule="Tests"))
    problems = (late(240, "late_run", "Tests"), late(330, "quota"))
    past = Past(orders, preflight_checks=looks, problems=problems, unreadable=1)
    return look_back(
        past, (den, lon), circuit_states={}, over=span(-60 * 24 * 30, 360), now=at(360), zone=DENVER
    )


@pytest.mark.parametrize("width", [80, 120])
def test_the_tables(width: int) -> None:
    text = shown(lambda out, _: print_lookback(found(), out, everything=width > 100), width)
    check(f"lookback-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "at least" in text


def test_one_circuit_and_a_quiet_time() -> None:
    calm = look_back(
        Past((order(0, LOW, HIGH),)),
        (circuit(labels=()),),
        circuit_states={},
        over=span(-60, -1),
        now=at(0),
        zone=DENVER,
    )
    text = shown(lambda out, _: print_lookback(calm, out, everything=False), 80)
    assert "together" not in text
    assert "Service" not in text
    assert "at least" not in text


def test_the_json_and_the_csv() -> None:
    check("lookback.json", dump(lookback_view(found())) + "\n")
    check("lookback.csv", lookback_csv(found()))


def test_nothing_in_the_csv_is_a_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(lookback_csv(found()))))
    assert list(rows[0]) == list(COLUMNS)
    texts = [cell for row in rows for name, cell in row.items() if name in ("name", "circuit", "reason")]
    assert any(text.startswith("'=cmd(") for text in texts)
    assert not any(text.startswith("=") for text in texts)


def costs_html(found: Lookback) -> str:
    """The tab of the costs alone."""
    page = page_of(report(), Past(), State(), Hidden(False, frozenset(), frozenset()), timedelta(days=1))
    text = page_html(replace(page, costs=PageCosts(found)))
    return text[text.index('<div id="costs">') : text.index("<footer>")]


def test_a_page_of_many_circuits_is_bounded() -> None:
    circuits = [circuit(f"c-{number}") for number in range(300)]
    orders = tuple(order(number, LOW, HIGH, of=one) for number, one in enumerate(circuits))
    many = look_back(Past(orders), circuits, circuit_states={}, over=span(0, 360), now=at(360), zone=DENVER)
    page = costs_html(many)
    assert page.count('class="meter"') == 2 * 200 + 4
    assert "The first 200 of 300; -o csv has all." in page
    assert len(page) < 400_000


def test_a_page_without_events_or_labels() -> None:
    calm = look_back(
        Past((order(0, LOW, HIGH),)),
        (circuit(labels=()),),
        circuit_states={},
        over=span(-60, -1),
        now=at(0),
        zone=DENVER,
    )
    page = costs_html(calm)
    assert page.count('class="meter"') == 3
    assert "What it was for" not in page


@pytest.mark.parametrize(
    ("served", "text"),
    [
        (Served("a", CostReason("event"), HIGH, ready=True, spare=timedelta(seconds=1795.9)), "1795 s"),
        (Served("a", CostReason("event"), HIGH, ready=True), "all along"),
        (Served("a", CostReason("event"), HIGH, ready=False), "never in time"),
        (Served("a", CostReason("event"), HIGH, ready=False, spare=timedelta(seconds=-60)), "late by 60 s"),
    ],
)
def test_the_time_to_spare(served: Served, text: str) -> None:
    assert spare_text(served) == text


def test_names() -> None:
    assert spent_on(CostReason("later")) == "later"
    assert spent_on(CostReason("by_hand")) == "changed by hand"
    assert event_name(CostReason("hold")) == "a hold"
    assert event_name(CostReason("event", rule="Calls")) == "an event of Calls"
    assert why_late("later_cause") == "later_cause"
    assert why_late("unknown") == "nothing on record says why"
