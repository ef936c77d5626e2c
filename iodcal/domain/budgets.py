"""Budgets: what circuits may cost in a month before somebody is warned. No order depends on them."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class MoneyBudget(Struct, frozen=True):
    """`monthly` money for all circuits; with `label` for those of each of its values, or of `value` alone.
    Costs in another `currency` do not count; None takes each currency by itself."""

    monthly: Decimal
    label: str | None = None
    value: str | None = None
    currency: str | None = None
