"""A generated year with known truth: what is planted is found, and no advice would have hurt."""

from __future__ import annotations

from pathlib import Path

import pytest

from iodcal.analysis.advice import AdviceKind
from tests.usage.generated import Company
from tests.usage.learning import Lesson, learn


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Lesson:
    """Eight circuits: levels, hours, rules, leads and trails that are right, too much or too little; meetings
    that mean nothing, gaps, spikes, resets, and a circuit that is only busy at the ends of quarters."""
    return learn(Company(2, sites=8, weeks=52), tmp_path_factory.mktemp("year"))


def test_at_least_nineteen_of_twenty_planted_are_found(year: Lesson) -> None:
    planted = year.company.planted
    assert {kind for kind, _ in planted} == set(AdviceKind)
    assert len(planted & year.found) >= 0.95 * len(planted)


def test_nothing_is_found_that_was_not_planted(year: Lesson) -> None:
    assert year.found <= year.company.planted


def test_no_advice_would_have_made_anything_short(year: Lesson) -> None:
    assert [one.where for one in year.advice if year.short_by(one)] == []


def test_a_circuit_busy_at_the_ends_of_quarters_only_keeps_its_tiers(year: Lesson) -> None:
    seasonal = [site.name for site in year.company.sites if site.seasonal]
    assert seasonal
    assert [one for one in year.advice if set(one.circuits) & set(seasonal) and not one.raises] == []


@pytest.mark.parametrize("seed", [3, 4])
def test_a_quarter_teaches_the_same(seed: int, tmp_path: Path) -> None:
    quarter = learn(Company(seed, sites=6, weeks=13), tmp_path)
    assert quarter.found == quarter.company.planted
    assert not any(quarter.short_by(one) for one in quarter.advice)
