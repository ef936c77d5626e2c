"""From `budget`, one or a list, to budgets."""

from __future__ import annotations

from collections.abc import Iterator

from iodcal.config.build import Builder
from iodcal.config.document import KeyPath
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


def doubts_about_budgets(builder: Builder) -> Iterator[tuple[KeyPath, str]]:
    """Budgets that nothing counts against."""
    labels = {pair for circuit in builder.circuits.values() for pair in circuit.labels}
    for number, budget in enumerate(builder.file.budget):
        missing = budget.label is not None and all(name != budget.label for name, _ in labels)
        if missing or (budget.value is not None and (budget.label, budget.value) not in labels):
            what = budget.label if budget.value is None else f"{budget.label}: {budget.value}"
            yield ("budget", number), f"no circuit has the label {what}: nothing counts against this budget"
