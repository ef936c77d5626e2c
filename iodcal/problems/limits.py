"""Problems of money and quota: what is too dear, budgets used up, changes that run out, circuits left up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from iodcal.domain.budgets import MoneyBudget
from iodcal.domain.changes import Reason
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Account, Circuit, Quote, parts_of
from iodcal.domain.costs import cost_beyond_baseline
from iodcal.domain.held import price_ceiling
from iodcal.domain.money import Cost, add_up
from iodcal.domain.planning import CircuitPlan, daily_limit
from iodcal.domain.policy import Policy
from iodcal.domain.structs import Fact
from iodcal.problems.at_risk import event_of, need
from iodcal.problems.kinds import Kind, Problem

_A_DAY = timedelta(days=1)


def of_prices(plan: CircuitPlan, quote: Quote | None) -> Iterator[Problem]:
    """The raise that is too dear, or whose price nobody tells, and the `quote` of this run that is in
    another currency."""
    name, tariff, due = plan.circuit.name, plan.tariff, plan.due
    if due is not None and due.held is not None and due.held.reason is Reason.PRICE:
        facts: dict[str, Fact] = {
            "circuit": name,
            "to": str(due.new),
            "price": _plain(tariff.per_hour(due.new)),
            "limit": _plain(price_ceiling(due, plan.timeline)),
            "currency": tariff.currency,
        }
        yield Problem(Kind.PRICE if facts["price"] is not None else Kind.PRICE_MISSING, name, facts)
    if quote is not None and quote.price_per_hour is not None and quote.currency != tariff.currency:
        told: dict[str, Fact] = {
            "circuit": name,
            "to": str(quote.bandwidth),
            "currency": quote.currency,
            "wanted": tariff.currency,
        }
        yield Problem(Kind.PRICE_UNKNOWN, name, told)


def _plain(amount: Decimal | None) -> str | None:
    return str(amount) if amount is not None else None


def of_quotas(plans: Iterable[CircuitPlan], policy: Policy, used: Mapping[Account, int]) -> Iterator[Problem]:
    """For each account: that its changes are used up, or what they have no room for."""
    plans = tuple(plans)
    for account in sorted({plan.circuit.account for plan in plans}):
        of_account = [plan for plan in plans if plan.circuit.account == account]
        limit = daily_limit(of_account)
        if limit is not None:
            yield from _of_account(account, of_account, limit=limit, policy=policy, used=used.get(account, 0))


def _of_account(
    account: Account, plans: list[CircuitPlan], limit: int, policy: Policy, used: int
) -> Iterator[Problem]:
    name = account.number or plans[0].circuit.carrier
    # A circuit that was ordered while others were still being read has the plan of that moment.
    for shortage in next((plan.shortages[:1] for plan in plans if plan.shortages), ()):
        short: dict[str, Fact] = {
            "account": name,
            "day": shortage.day.isoformat(),
            "asked": shortage.asked,
            "left": shortage.left,
            "unmet": shortage.unmet,
        }
        yield Problem(Kind.QUOTA_SHORT, name, short)
    dues = [plan.due for plan in plans if plan.due is not None]
    waiting = [due for due in dues if due.held is not None and due.held.reason is Reason.QUOTA]
    left_out = [left for plan in plans for left in plan.left_out]
    if waiting and (any(due.up for due in waiting) or limit - used <= policy.quota_reserve):
        facts: dict[str, Fact] = {
            "account": name,
            "used": used,
            "limit": limit,
            "reserve": policy.quota_reserve,
            "held": len(waiting),
        }
        yield Problem(Kind.QUOTA, name, facts)
    elif left_out:
        cost = ", ".join(_told(total) for total in add_up(left.cost for left in left_out))
        planned: dict[str, Fact] = {"account": name, "count": len(left_out), "cost": cost}
        yield Problem(Kind.QUOTA_PLANNED, name, planned)


def long_windows(plan: CircuitPlan, now: datetime) -> Iterator[Problem]:
    """A warning for each event of more than a local day that raises the circuit beyond its baseline, from
    now on or later, by a rule without `longest`: such an entry often only notes something."""
    zone, lowest = plan.circuit.zone, plan.circuit.sold(plan.circuit.baseline.off_peak)
    for window in plan.timeline.windows:
        demand, wanted = window.demand, need(plan, window)
        start, end = (
            edge.astimezone(zone).replace(tzinfo=None) for edge in (demand.event.start, demand.event.end)
        )
        capped = demand.rule.longest is not None or not window.serves_event
        if capped or demand.span.end <= now or wanted <= lowest or end - start <= _A_DAY:
            continue
        cost = cost_beyond_baseline(plan.circuit, wanted, demand.span)
        facts: dict[str, Fact] = {
            "circuit": plan.circuit.name,
            "rule": demand.rule.name,
            "subject": demand.subject,
            "start": demand.event.start.isoformat(),
            "end": demand.event.end.isoformat(),
            "zone": zone.key,
            "needs": str(wanted),
            "length": f"{(end - start) / _A_DAY:.3g} days",
            "cost": _told(cost) if cost is not None else None,
        }
        yield Problem(Kind.WINDOW_LONG, event_of(plan, window).place, facts)


def _told(total: Cost) -> str:
    if total.complete:
        return f"{total.rounded} {total.currency}"
    return f"at least {total.rounded} {total.currency}" if total.amount else "an unknown amount"


def left_up(known: Mapping[str, CircuitState], circuits: Iterable[Circuit]) -> Iterator[Problem]:
    """A problem for each of those in state (`known`, by key) that none of the configured `circuits` is, as
    long as it is above its last off-peak tier or an order of it is open."""
    circuits = tuple(circuits)
    configured = {circuit.key for circuit in circuits}
    for key, circuit_state in sorted(known.items()):
        if key in configured or circuit_state.ordered is None or circuit_state.off_peak is None:
            continue
        if circuit_state.order is not None or circuit_state.ordered > circuit_state.off_peak:
            facts: dict[str, Fact] = {
                "name": circuit_state.name,
                "bandwidth": str(circuit_state.ordered),
                "off_peak": str(circuit_state.off_peak),
                "order": "yes" if circuit_state.order is not None else "no",
            }
            yield Problem(Kind.LEFT_UP, circuit_state.name, facts | _moved(circuit_state, circuits))


def _moved(circuit_state: CircuitState, circuits: tuple[Circuit, ...]) -> dict[str, Fact]:
    """What of its key was changed, if a configured circuit has its service ID or its name still: state
    cannot tell whether that is the same line. Nothing if there is none."""
    carrier_type, address, account, service_id = parts_of(circuit_state.key)
    alike = [
        circuit
        for circuit in circuits
        if circuit.name == circuit_state.name
        or (circuit.account.carrier_type, circuit.service_id) == (carrier_type, service_id)
    ]
    if not alike:
        return {}
    now = max(alike, key=lambda one: (one.service_id == service_id, one.name == circuit_state.name))
    ways = {
        "service_id": (service_id, now.service_id),
        "carrier_type": (carrier_type, now.account.carrier_type),
        "address": (address, now.account.base_url),
        "account": (account, now.account.number),
    }
    changed = [way for way, (old, new) in ways.items() if old != new]
    if "carrier_type" in changed:  # another carrier has its own addresses and accounts
        changed = [way for way in changed if way not in ("address", "account")]
    return {
        "now": now.name,
        "changed": ", ".join(changed),
        "was": ", ".join(ways[way][0] for way in changed),
        "is": ", ".join(ways[way][1] for way in changed),
    }


BUDGET_WARNINGS = (100, 80)  # percent


class BudgetUse(Struct, frozen=True):
    """What is `spent` of the `monthly` money of one budget: `name` says whose."""

    name: str
    spent: Cost
    monthly: Decimal


def budget_uses(budgets: Sequence[MoneyBudget], costs: Iterable[tuple[Circuit, Cost]]) -> Iterator[BudgetUse]:
    """How much of each budget is used up by `costs`; a label's has a line for each of its values."""
    known = list(costs)
    own = {(budget.label, budget.value) for budget in budgets if budget.value is not None}
    for budget in budgets:
        for value in _budget_values(budget, known):
            if budget.value is None and (budget.label, value) in own:
                continue  # that one has a budget of its own
            of_value = (cost for circuit, cost in known if _counts_against(circuit, budget.label, value))
            totals = [one for one in add_up(of_value) if budget.currency in (None, one.currency)]
            name = "all circuits" if budget.label is None else f"{budget.label}={value}"
            for total in totals:
                yield BudgetUse(
                    f"{name}/{total.currency}" if len(totals) > 1 else name, total, budget.monthly
                )


def over_budget(
    budgets: Sequence[MoneyBudget], costs: Iterable[tuple[Circuit, Cost]], month: str
) -> Iterator[Problem]:
    """A problem for each budget of which 80 or 100 % are used up by `costs`, those of `month` (`2026-11`)
    so far."""
    for use in budget_uses(budgets, costs):
        yield from _judge_budget(use, month)


def _budget_values(budget: MoneyBudget, known: Iterable[tuple[Circuit, Cost]]) -> list[str | None]:
    if budget.label is None or budget.value is not None:
        return [budget.value]
    found = {dict(circuit.labels).get(budget.label) for circuit, _ in known}
    return [*sorted(value for value in found if value is not None)]


def _counts_against(circuit: Circuit, label: str | None, value: str | None) -> bool:
    return label is None or dict(circuit.labels).get(label) == value


def _judge_budget(use: BudgetUse, month: str) -> Iterator[Problem]:
    total, monthly = use.spent, use.monthly
    level = next((one for one in BUDGET_WARNINGS if total.amount * 100 >= monthly * one), None)
    if level is None:
        return
    facts: dict[str, Fact] = {
        "budget": use.name.removesuffix(f"/{total.currency}"),
        "level": level,
        "month": month,
        "spent": str(total.rounded),
        "monthly": str(monthly),
        "currency": total.currency,
        "percent": int(total.amount * 100 / monthly),
        "at_least": "" if total.complete else "at least ",
    }
    yield Problem(Kind.BUDGET, use.name, facts)
