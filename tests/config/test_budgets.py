"""`budget`, one or a list, and what is wrong or doubtful about it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from iodcal.domain.budgets import MoneyBudget
from tests.config.test_load import BASE, doubts_beside, faults, loaded

LABELLED = BASE.replace('service_id: "77",', 'service_id: "77", labels: {cost_center: "4711"},')


def with_budget(text: str) -> str:
    return f"{LABELLED}budget: {text}\n"


def test_one_budget_or_several(tmp_path: Path) -> None:
    assert loaded(tmp_path, LABELLED).budgets == ()
    assert loaded(tmp_path, with_budget("[]")).budgets == ()
    one = loaded(tmp_path, with_budget("{monthly: 400, label: cost_center}"))
    assert one.budgets == (MoneyBudget(Decimal(400), "cost_center"),)
    text = '[{monthly: "99.50", currency: EUR}, {monthly: 1, currency: USD}, {monthly: 9, label: cost_center, value: "4711"}]'
    assert loaded(tmp_path, with_budget(text)).budgets == (
        MoneyBudget(Decimal("99.50"), currency="EUR"),
        MoneyBudget(Decimal(1), currency="USD"),
        MoneyBudget(Decimal(9), "cost_center", "4711"),
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{monthly: 0}", "a budget is more than nothing"),
        ("{monthly: -4}", "budget"),
        ("{monthly: 4, value: x}", "value needs a label"),
        ("{monthly: 4, lable: x}", "unknown key; did you mean label?"),
        ("{label: cost_center}", "monthly: this key is missing"),
        ("[{monthly: 4}, {monthly: 5}]", "these circuits have a budget already"),
        ("[{monthly: 4, currency: EUR}, {monthly: 5}]", "these circuits have a budget already"),
    ],
)
def test_what_is_wrong(tmp_path: Path, text: str, fault: str) -> None:
    (found,) = faults(tmp_path, with_budget(text))
    assert fault in found


@pytest.mark.parametrize("text", ["{monthly: 4, label: owner}", "{monthly: 4, label: cost_center, value: x}"])
def test_what_nothing_counts_against(tmp_path: Path, text: str) -> None:
    (warning,) = doubts_beside(loaded(tmp_path, with_budget(text)).warnings)
    assert "nothing counts against this budget" in str(warning)
