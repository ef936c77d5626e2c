"""Money as people read it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from iodcal.domain.costing import list_prices_of, window_cost
from iodcal.domain.money import Cost, add_up
from iodcal.domain.planning import CircuitPlan
from iodcal.render.when import local, rough
from iodcal.result import Report

_MOST_LEFT_OUT = 3
_BILLED = {"minute": "by the minute", "hour": "by the started hour", "day": "by the day's highest tier"}


def amount(cost: Cost) -> str:
    """`33.12 USD`; `at least` where some rate is not known."""
    return f"{'' if cost.complete else 'at least '}{cost.rounded} {cost.currency}"


def effect(cost: Cost | None) -> Text:
    """What a change costs or saves: `+0.70 USD`, `-5.20 USD`."""
    if cost is None or not cost.complete:
        return Text("" if cost is None else "no rate", style="dim")
    return Text(f"{cost.rounded:+} {cost.currency}", style="dim")


def window_line(plan: CircuitPlan, report: Report) -> Iterator[Text]:
    """What the circuit costs in the window, if anything is known of that."""
    cost = window_cost(plan, report.window)
    if cost is not None:
        length = rough(report.window.length)
        yield Text(f"{length} cost {amount(cost)}, billed {_BILLED[plan.tariff.billing]}", style="dim")


def left_out_lines(plan: CircuitPlan) -> Iterator[Text]:
    """What the account's quota has no room for, and what that costs."""
    for left in plan.left_out[:_MOST_LEFT_OUT]:
        zone = plan.circuit.zone
        since = "now" if left.change.due else local(left.change.at, zone)
        text = f"left out for the quota: {left.change.direction} to {left.change.new} {since}; "
        price = f", {effect(left.cost)}" if plan.tariff.rates else ""
        yield Text(f"{text}at {left.kept} until {local(left.until, zone)}{price}")
    if len(plan.left_out) > _MOST_LEFT_OUT:
        yield Text(f"and {len(plan.left_out) - _MOST_LEFT_OUT} more left out", style="dim")


def total_lines(report: Report) -> Iterator[Text]:
    """What all circuits cost together, by what prices."""
    costs = [window_cost(plan, report.window) for plan in report.plans]
    known = [cost for cost in costs if cost is not None]
    day = list_prices_of(report.plans)
    if not known or (len(costs) == 1 and not day):
        return  # what one circuit costs stands beside it
    totals = " and ".join(amount(total) for total in add_up(known))
    unknown = len(costs) - len(known)
    missing = f", {unknown} of {len(costs)} without any rate" if unknown else ""
    listed = f" (list prices of {day} where nothing better is known)" if day else ""
    yield Text(f"All circuits: {totals}{missing}{listed}", style="bold")
