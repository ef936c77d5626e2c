"""How a run says whether a circuit is ready for an event that is about to begin, or has begun."""

from __future__ import annotations

from typing import Any

import pytest

from iodcal.domain.circuit_state import CircuitState, Drift
from iodcal.domain.circuits import Orders
from iodcal.domain.structs import replace
from iodcal.problems.at_risk import PreflightCheck, causes_of, check_readiness
from tests.domain.minutes import CIRCUIT, TIERS, Ask, at, circuit_state_at, plan_of

CALL = Ask(30, 90, name="call")
UNREAD = replace(circuit_state_at(1000), reading=None)
BY_HAND = replace(circuit_state_at(1000), confirmed=TIERS[0], drift=Drift(TIERS[-1], at(29), at(20)))


def check(
    now: float,
    *,
    circuit_state: CircuitState,
    before: CircuitState | None = None,
    cause: str | None = None,
    earlier: str | None = None,
    **circuit: Any,
) -> PreflightCheck:
    plan = plan_of(CALL, now=now, circuit_state=circuit_state, circuit=replace(CIRCUIT, **circuit))
    (window,) = plan.timeline.windows
    place = check_readiness(plan, window, before=before, now=at(now), causes={}, earlier={}).event.place
    causes, known = ({place: found} if found else {} for found in (cause, earlier))
    return check_readiness(plan, window, before=before, now=at(now), causes=causes, earlier=known)


@pytest.mark.parametrize(
    ("now", "circuit_state", "before", "cause", "told"),
    [
        (27, circuit_state_at(1000), circuit_state_at(1000), None, ("ready", None, True)),
        (27, circuit_state_at(1000), circuit_state_at(100), None, ("ready", None, True)),
        (27, circuit_state_at(100), circuit_state_at(100), None, ("expected", None, False)),
        (20, circuit_state_at(100), circuit_state_at(100), "quota", ("at_risk", "quota", False)),
        (29, circuit_state_at(100), circuit_state_at(100), "quota", ("late", "quota", False)),
        (30, circuit_state_at(100), circuit_state_at(100), "quota", ("late", "quota", True)),
        (31, circuit_state_at(1000, read_at=31), circuit_state_at(100), None, ("late", "price", True)),
        (31, circuit_state_at(1000, read_at=30), circuit_state_at(100), None, ("ready", None, True)),
        (31, circuit_state_at(1000, read_at=31), circuit_state_at(1000), None, ("ready", None, True)),
        (31, circuit_state_at(1000, read_at=31), None, None, ("ready", None, True)),
        (31, UNREAD, circuit_state_at(100), None, ("late", "price", True)),
        (31, BY_HAND, BY_HAND, None, ("ready", None, True)),
    ],
)  # fmt: skip
def test_how_a_circuit_stands_to_an_event(
    now: float,
    circuit_state: CircuitState,
    before: CircuitState | None,
    cause: str | None,
    told: tuple[str, str | None, bool],
) -> None:
    found = check(now, circuit_state=circuit_state, before=before, cause=cause, earlier="price")
    assert (found.readiness, found.cause, found.final) == told


def test_what_is_not_final_is_kept_with_its_verdict() -> None:
    expected = check(27, circuit_state=circuit_state_at(100), before=circuit_state_at(100))
    assert expected.mark == f"{expected.event.event} expected"
    ready = check(27, circuit_state=circuit_state_at(1000), before=None)
    assert (ready.mark, ready.subject, ready.needs) == (ready.event.event, "call", TIERS[-1])
    assert ready.running == TIERS[-1]


def test_nobody_orders_for_a_circuit_that_is_only_observed() -> None:
    found = check(20, circuit_state=circuit_state_at(100), before=None, orders=Orders.NONE)
    assert (found.readiness, found.cause) == ("at_risk", "observe")
    ready = check(20, circuit_state=circuit_state_at(1000), before=None, orders=Orders.NONE)
    assert (ready.readiness, ready.cause) == ("ready", None)


def test_causes_are_those_of_problems_that_have_one() -> None:
    assert causes_of([("a", {"cause": "quota"}), ("b", {}), ("c", {"cause": None})]) == {"a": "quota"}
