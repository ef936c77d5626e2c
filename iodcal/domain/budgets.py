"""Budgets: what circuits may cost in a month before somebody is warned. No order depends on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from msgspec import Struct

from iodcal.domain.circuits import Circuit
from iodcal.domain.money import Cost, add_up
from iodcal.problems.kinds import Fact, Kind, Problem

WARNINGS = (100, 80)  # percent


class MoneyBudget(Struct, frozen=True):
    """`monthly` money for all circuits; with `label` for those of each of its values, or of `value` alone.
    Costs in another `currency` do not count; None takes each currency by itself."""

    monthly: Decimal
    label: str | None = None
    value: str | None = None
    currency: str | None = None


def over_budget(
    budgets: Sequence[MoneyBudget], costs: Iterable[tuple[Circuit, Cost]], month: str
) -> Iterator[Problem]:
    """A problem for each budget of which 80 or 100 % are used up by `costs`, those of `month` (`2026-11`)
    so far."""
    known = list(costs)
    own = {(budget.label, budget.value) for budget in budgets if budget.value is not None}
    for budget in budgets:
        for value in _values(budget, known):
            if budget.value is None and (budget.label, value) in own:
                continue  # that one has a budget of its own
            of_value = (cost for circuit, cost in known if _counts(circuit, budget.label, value))
            totals = [one for one in add_up(of_value) if budget.currency in (None, one.currency)]
            for total in totals:
                yield from _judge(budget, value, total, month, several=len(totals) > 1)


def _values(budget: MoneyBudget, known: Iterable[tuple[Circuit, Cost]]) -> list[str | None]:
    if budget.label is None or budget.value is not None:
        return [budget.value]
    found = {dict(circuit.labels).get(budget.label) for circuit, _ in known}
    return [*sorted(value for value in found if value is not None)]


def _counts(circuit: Circuit, label: str | None, value: str | None) -> bool:
    return label is None or dict(circuit.labels).get(label) == value


def _judge(
    budget: MoneyBudget, value: str | None, total: Cost, month: str, *, several: bool
) -> Iterator[Problem]:
    level = next((one for one in WARNINGS if total.amount * 100 >= budget.monthly * one), None)
    if level is None:
        return
    name = "all circuits" if budget.label is None else f"{budget.label}={value}"
    facts: dict[str, Fact] = {
        "budget": name,
        "level": level,
        "month": month,
        "spent": str(total.rounded),
        "monthly": str(budget.monthly),
        "currency": total.currency,
        "percent": int(total.amount * 100 / budget.monthly),
        "at_least": "" if total.complete else "at least ",
    }
    yield Problem(Kind.BUDGET, f"{name}/{total.currency}" if several else name, facts)
