"""From `budget`, one or a list, to budgets."""

from __future__ import annotations

from iodcal.config.build import Builder
from iodcal.domain.budgets import Budget


def build_budgets(builder: Builder) -> tuple[Budget, ...]:
    """The budgets; two for the same circuits are one too many."""
    made: list[Budget] = []
    for section in builder.file.budget:
        budget = Budget(section.monthly, section.label, section.value, section.currency)
        same = [one for one in made if (one.label, one.value) == (budget.label, budget.value)]
        if any(None in (one.currency, budget.currency) or one.currency == budget.currency for one in same):
            builder.faults.add(section.place, "these circuits have a budget already")
        made.append(budget)
    return tuple(made)
