"""Faults that came to light while failures were injected, each by the life of one circuit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from iodcal.config import Settings
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Reading, Status
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Order, Outcome
from iodcal.domain.overrides import apply_manual_change, starting_point
from iodcal.domain.structs import replace
from iodcal.domain.timeline import draw_timeline
from iodcal.pipeline.poll import needs_reading
from tests.domain.minutes import CIRCUIT

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LOW, MIDDLE, HIGH = Bandwidth(100), Bandwidth(500), Bandwidth(1000)
SETTINGS = Settings()


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def confirmed(old: Bandwidth, new: Bandwidth) -> CircuitState:
    """A circuit whose order of 11:50 a reading confirmed at noon."""
    order = Order(
        "1", "key", "den-a", old, new, at(-10), Outcome.CONFIRMED, accepted_at=at(-10), settled_at=at(0)
    )
    reading = Reading(at(0), Status.ACTIVE, new)
    return CircuitState("key", "den-a", "sandbox", "1", confirmed=new, reading=reading, recent=(order,))


def after(circuit_state: CircuitState, minutes: float, shown: Bandwidth) -> CircuitState:
    return apply_manual_change(
        circuit_state, Reading(at(minutes), Status.ACTIVE, shown), SETTINGS.order_timeouts
    )


@pytest.mark.parametrize(("old", "new"), [(LOW, HIGH), (HIGH, LOW)])
def test_a_reading_of_the_past_just_after_an_order_is_no_drift(old: Bandwidth, new: Bandwidth) -> None:
    """It looked like drift: an order for what was already so, or a circuit taken for up that was down."""
    circuit_state = after(confirmed(old, new), 5, old)
    assert (circuit_state.drift, starting_point(circuit_state)) == (None, new)
    timeline = draw_timeline(CIRCUIT, (), Interval(at(-60), at(600)))
    assert needs_reading(circuit_state, timeline, at(10), SETTINGS)
    assert not needs_reading(after(circuit_state, 10, new), timeline, at(15), SETTINGS)


def test_somebody_who_undoes_an_order_is_seen_once_the_past_can_no_longer_show() -> None:
    circuit_state = after(after(confirmed(LOW, HIGH), 5, LOW), 15, LOW)
    assert circuit_state.drift is not None
    assert circuit_state.drift.observed == LOW


@pytest.mark.parametrize(
    "circuit_state",
    [
        replace(confirmed(LOW, HIGH), recent=()),
        replace(
            confirmed(LOW, HIGH), recent=(replace(confirmed(LOW, HIGH).recent[0], outcome=Outcome.LOST),)
        ),
        confirmed(MIDDLE, HIGH),
    ],
)
def test_any_other_difference_is_drift_at_once(circuit_state: CircuitState) -> None:
    assert after(circuit_state, 5, LOW).drift is not None
