"""Budgets: which costs count against which, and when that is told."""

from __future__ import annotations

from decimal import Decimal

import pytest

from iodcal.domain.budgets import MoneyBudget
from iodcal.domain.money import Cost
from iodcal.problems.kinds import Kind
from iodcal.problems.limits import over_budget
from tests.analysis.past import circuit

A = circuit("a", labels=(("cost_center", "1"),))
B = circuit("b", labels=(("cost_center", "2"),))
C = circuit("c", labels=())
HUNDRED = Decimal(100)


def warned(*budgets: MoneyBudget, costs: tuple[str, str, str] = ("79.99", "80", "100"), currency: str = "USD",
           complete: bool = True) -> list[tuple[str, object]]:  # fmt: skip
    found = [
        (one, Cost(Decimal(amount), "USD" if one is not C else currency, complete))
        for one, amount in zip((A, B, C), costs, strict=True)
    ]
    return [(one.where, one.facts["level"]) for one in over_budget(budgets, found, "2026-11")]


@pytest.mark.parametrize(
    ("budgets", "expected"),
    [
        ([MoneyBudget(Decimal(400))], []),
        ([MoneyBudget(Decimal(300))], [("all circuits", 80)]),
        ([MoneyBudget(Decimal("259.99"))], [("all circuits", 100)]),
        ([MoneyBudget(HUNDRED, "cost_center")], [("cost_center=2", 80)]),
        ([MoneyBudget(Decimal(50), "cost_center", "1")], [("cost_center=1", 100)]),
        # the budget of one value stands in place of that for each
        ([MoneyBudget(Decimal(50), "cost_center"), MoneyBudget(HUNDRED, "cost_center", "2")],
         [("cost_center=1", 100), ("cost_center=2", 80)]),
        (
            [MoneyBudget(Decimal(50), "cost_center"), MoneyBudget(HUNDRED, "cost_center", "1")],
            [("cost_center=2", 100)],
        ),
        ([MoneyBudget(HUNDRED, "nobody")], []),
        ([MoneyBudget(HUNDRED, currency="EUR")], []),
    ],
)  # fmt: skip
def test_what_is_told(budgets: list[MoneyBudget], expected: list[tuple[str, object]]) -> None:
    assert warned(*budgets) == expected


def test_each_currency_counts_by_itself() -> None:
    assert warned(MoneyBudget(HUNDRED), currency="EUR") == [
        ("all circuits/EUR", 100),
        ("all circuits/USD", 100),
    ]


def test_the_facts_of_a_budget() -> None:
    spent = [(A, Cost(Decimal("70.006"), "USD")), (B, Cost(Decimal(20), "USD"))]
    (one,) = over_budget([MoneyBudget(HUNDRED)], spent, "2026-11")
    assert (one.kind, one.facts) == (
        Kind.BUDGET,
        {
            "budget": "all circuits",
            "level": 80,
            "month": "2026-11",
            "spent": "90.01",
            "monthly": "100",
            "currency": "USD",
            "percent": 90,
            "at_least": "",
        },
    )


def test_an_incomplete_sum_says_so() -> None:
    (one,) = over_budget([MoneyBudget(Decimal(1))], [(A, Cost(Decimal(2), "USD", complete=False))], "2026-11")
    assert (one.facts["at_least"], one.facts["percent"], one.severity) == ("at least ", 200, "warning")
