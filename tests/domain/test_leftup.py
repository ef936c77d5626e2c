"""What is told of a circuit that costs on, though the configuration does not name it as state does (S14)."""

from __future__ import annotations

from typing import Any

import pytest

from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Account, Circuit
from iodcal.domain.orders import Outcome
from iodcal.domain.structs import replace
from iodcal.problems.kinds import Problem
from iodcal.problems.limits import left_up
from iodcal.problems.messages import describe
from tests.domain.minutes import CIRCUIT, TIERS
from tests.domain.test_orders import order

OFF_PEAK, _, _, GIGABIT = TIERS
OTHER = replace(CIRCUIT, name="lon-a", service_id="77000000002")


def circuit_state(**changes: Any) -> CircuitState:
    """den-a, up, as a run left it in state."""
    account = CIRCUIT.account
    known = CircuitState(CIRCUIT.key, CIRCUIT.name, account.carrier_type, account.number, OFF_PEAK, GIGABIT)
    return replace(known, **changes)


def told(known: CircuitState, *circuits: Circuit) -> Problem | None:
    return next(left_up({known.key: known}, circuits), None)


def of_account(circuit: Circuit, **changes: str) -> Circuit:
    return replace(circuit, account=replace(circuit.account, **changes))


@pytest.mark.parametrize(
    "known",
    [
        circuit_state(confirmed=OFF_PEAK),
        circuit_state(confirmed=None),
        circuit_state(off_peak=None),
    ],
)
def test_what_does_not_cost_is_no_problem(known: CircuitState) -> None:
    assert told(known, OTHER) is None


def test_what_is_configured_is_none_either() -> None:
    assert told(circuit_state(), OTHER, CIRCUIT) is None


def test_what_is_gone_altogether() -> None:
    problem = told(circuit_state(), OTHER)
    assert problem is not None
    words = describe(problem)
    assert (
        words.message == "den-a is no longer in the configuration, and stands at 1 Gbps (off-peak 100 Mbps)"
    )
    assert words.remedy == (
        "Put it back until it is lowered; or lower it in the carrier's portal, then: iodcal forget den-a"
    )
    assert problem.stable_facts == (("bandwidth", "1 Gbps"),)


MOVED: dict[str, tuple[tuple[Circuit, ...], str]] = {
    "account": (
        (of_account(CIRCUIT, number="1-B"),),
        "den-a: its carrier's account was changed from 1-A to 1-B in the configuration",
    ),
    "address": (
        (OTHER, of_account(CIRCUIT, base_url="file:new")),
        "den-a: its carrier's address was changed from file:lab to file:new in the configuration",
    ),
    "both": (
        (of_account(CIRCUIT, base_url="file:new", number="1-B"),),
        "den-a: its carrier's address and carrier's account were changed from "
        "file:lab, 1-A to file:new, 1-B in the configuration",
    ),
    "another carrier has another address, too": (
        (replace(CIRCUIT, account=Account("lumen", "https://api.lumen.com", "1-C")),),
        "den-a: its carrier's type was changed from lab to lumen in the configuration",
    ),
    "renamed at once; who has its service ID is meant, not who has its name": (
        (replace(OTHER, name="den-a"), of_account(replace(CIRCUIT, name="den-1"), number="1-B")),
        "den-a (now den-1): its carrier's account was changed from 1-A to 1-B in the configuration",
    ),
    "among circuits of one service ID the one of its name is meant": (
        (
            of_account(replace(CIRCUIT, name="b"), number="1-B"),
            of_account(CIRCUIT, number="1-C"),
            of_account(replace(CIRCUIT, name="d"), number="1-D"),
        ),
        "den-a: its carrier's account was changed from 1-A to 1-C in the configuration",
    ),
}


@pytest.mark.parametrize("case", MOVED)
def test_what_was_only_changed_is_not_said_to_be_gone(case: str) -> None:
    circuits, message = MOVED[case]
    problem = told(circuit_state(), *circuits)
    assert problem is not None
    words = describe(problem)
    ones = "ones" if " were " in message else "one"
    assert words.message == f"{message}; under the old {ones} it still stands at 1 Gbps (off-peak 100 Mbps)"
    assert words.remedy == (
        "Set it back until it is lowered; if the old and the new are one and the same circuit: "
        "iodcal forget den-a"
    )


def test_another_service_id_is_another_circuit_at_the_carrier() -> None:
    problem = told(circuit_state(), replace(OTHER, name="den-a"))
    assert problem is not None
    words = describe(problem)
    assert words.message.startswith(
        "den-a: its service ID was changed from 77000000001 to 77000000002 in the configuration"
    )
    assert words.remedy == (
        "Set it back until it is lowered; or lower the old one in the carrier's portal, then: "
        "iodcal forget den-a"
    )


def test_the_same_number_at_another_kind_of_carrier_means_nothing() -> None:
    elsewhere = of_account(replace(CIRCUIT, name="lab-1"), carrier_type="lumen")
    problem = told(circuit_state(), elsewhere)
    assert problem is not None
    assert "changed" not in problem.facts


def test_an_open_order_is_said_to_be_open() -> None:
    problem = told(
        circuit_state(confirmed=OFF_PEAK, order=order(Outcome.ACCEPTED)), of_account(CIRCUIT, number="1-B")
    )
    assert problem is not None
    assert describe(problem).message.endswith(" it still has an open order to 1 Gbps (off-peak 100 Mbps)")
