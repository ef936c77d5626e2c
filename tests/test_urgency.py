"""Where time may run out, the circuits that need an up soonest are looked at first."""

from __future__ import annotations

import pytest

from iodcal.domain.circuits import Circuit
from iodcal.domain.planning import daily_limit
from iodcal.domain.structs import replace
from iodcal.domain.timeline import Timeline
from iodcal.domain.together import plan_together
from iodcal.pipeline.poll import most_urgent_first
from tests.domain.minutes import CIRCUIT, POLICY, Ask, at, circuit_state_at, plan_of, timeline_of


def circuit(name: str) -> Circuit:
    return replace(CIRCUIT, name=name, service_id=name)


def timeline(name: str, *asks: Ask) -> Timeline:
    return timeline_of(*asks, circuit=circuit(name), now=0, policy=POLICY)


def test_circuits_are_read_in_the_order_in_which_they_need_an_up() -> None:
    quiet, later, soon, now = (
        timeline("quiet"),
        timeline("later", Ask(60, 120)),
        timeline("soon", Ask(10, 120)),
        timeline("now", Ask(-5, 120)),
    )
    up = circuit("up")  # ordered already, so nothing is urgent
    circuit_states = {up.key: replace(circuit_state_at(1000), key=up.key)}
    found = most_urgent_first([timeline("up", Ask(-5, 120)), quiet, later, now, soon], circuit_states, at(0))
    assert [one.circuit.name for one in found] == ["now", "soon", "later", "up", "quiet"]


def test_of_circuits_that_nobody_has_read_any_step_above_the_lowest_tier_counts() -> None:
    small, later = timeline("small", Ask(10, 120, 200)), timeline("later", Ask(60, 120))
    found = most_urgent_first([later, small], {}, at(0))
    assert [one.circuit.name for one in found] == ["small", "later"]


@pytest.mark.parametrize(("limits", "most"), [((None, 24), 24), ((24, 3), 3), ((None, None), None)])
def test_two_entries_for_one_account_have_the_smaller_limit(
    limits: tuple[int | None, ...], most: int | None
) -> None:
    plans = [
        plan_of(Ask(-5, 120), circuit=replace(circuit(str(number)), changes_per_day=limit))
        for number, limit in enumerate(limits)
    ]
    assert daily_limit(plans) == most
    together = plan_together(plans, at(0), POLICY, {CIRCUIT.account: 3})
    held = {plan.due.held.reason if plan.due and plan.due.held else None for plan in together}
    assert held == ({"quota"} if most == 3 else {None})
