"""The state stays small, however many circuits there are and whatever a carrier refuses all day long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState, Foreseen, SourceMemory
from iodcal.domain.circuits import Quote, Reading, Status
from iodcal.domain.conditions import Conditions
from iodcal.domain.events import Event, MatchedEvent, Source, Timed
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import match_events
from iodcal.domain.money import QuotedPrice
from iodcal.domain.orders import BootTime, Order, Outcome, make_intent, with_end
from iodcal.domain.overrides import forget_old_orders
from iodcal.domain.rules import Rule
from iodcal.domain.structs import replace
from iodcal.store.state import State
from iodcal.store.store import StateStore
from tests.store.strategies import kept

NOW = datetime(2026, 11, 24, 12, 34, 56, 123456, tzinfo=UTC)
SOON = datetime(2026, 11, 24, 15, tzinfo=UTC)
OFF_PEAK, PEAK = Bandwidth(100), Bandwidth(500)
RULE = Rule("Conference rooms", {"rooms": ("den-a",)}, PEAK, Conditions())
CIRCUITS, MAILBOXES = 500, 200


def key(number: int) -> str:
    return f"lumen|https://api.lumen.com|1-ABCDE|7700000{number:04d}"


def order(number: int, outcome: Outcome, to: Bandwidth = PEAK, minutes: int = 0) -> Order:
    made = make_intent(
        id=f"{number:016x}",
        circuit_key=key(number),
        circuit=f"site-{number:03d}-a",
        old=OFF_PEAK,
        quote=Quote("NaaS-1466", to, NOW),
        now=NOW + timedelta(minutes=minutes),
        demand=f"uid/{number:024x}/2026-11-24T15:00:00+00:00/{RULE.name}",
        resends=0,
        run_id="0123456789abcdef",
        boot=BootTime("0b5e6a52-4a65-4a22-9d2f-1b1f0a0a0a0a", 12345.678),
    )
    return with_end(made, outcome, NOW)


def circuit_state(number: int, *recent: Order) -> CircuitState:
    return CircuitState(
        key(number),
        f"site-{number:03d}-a",
        "lumen",
        "1-ABCDE",
        off_peak=OFF_PEAK,
        confirmed=OFF_PEAK,
        reading=Reading(NOW, Status.ACTIVE, OFF_PEAK, "Active"),
        recent=recent,
        level=OFF_PEAK,
        stepped_down_at=NOW,
        foreseen=(Foreseen(SOON, OFF_PEAK),),
    )


def known(source: Source, number: int) -> MatchedEvent:
    """What is kept of an event whose names are as long as Exchange's are."""
    event = Event(
        source, f"{number:0>152}", f"{number:0>112}", Timed(SOON, SOON + timedelta(hours=1)), "Quarter"
    )
    (matched,) = match_events([event], [RULE]).matched
    return matched


def state_of(circuits: list[CircuitState], events: int) -> State:
    """A state with these circuits and 200 mailboxes that have so many matched events each."""
    remembered = []
    for number in range(MAILBOXES):
        source = Source(f"graph:t/room-{number:03d}@contoso.example/", "rooms", f"rooms/room-{number:03d}")
        kept_now = tuple(known(source, 10 * number + place) for place in range(events))
        remembered.append(
            SourceMemory(
                source.key,
                source.label,
                NOW,
                Interval(NOW, NOW + timedelta(days=3)),
                kept_now,
                frozenset([RULE.name]),
            )
        )
    return State(
        circuits={one.key: one for one in circuits}, remembered={one.source_key: one for one in remembered}
    )


def at_rest() -> State:
    """A fifth of the circuits changed in the last 24 hours."""
    confirmed = [(order(number, Outcome.CONFIRMED),) if number % 5 == 0 else () for number in range(CIRCUITS)]
    return state_of([circuit_state(number, *orders) for number, orders in enumerate(confirmed)], events=1)


def busy() -> State:
    """Every circuit changed today and was refused something, and every room has several events to come."""
    orders = [
        (order(number, Outcome.REFUSED, Bandwidth(1000)), order(number, Outcome.CONFIRMED, minutes=9))
        for number in range(CIRCUITS)
    ]
    return state_of([circuit_state(number, *made) for number, made in enumerate(orders)], events=5)


def priced() -> State:
    """The same with a carrier that numbers its orders and quotes prices, while an event is on everywhere."""
    made = busy()
    price: dict[str, Any] = {"price_per_hour": Decimal("1.2345"), "currency": "USD", "needed_by": SOON}
    circuits = {}
    for name, circuit_state in made.circuits.items():
        refused, confirmed = (replace(one, **price) for one in circuit_state.recent)
        taken = replace(confirmed, accepted_at=NOW, carrier_order_id="ORDER-12345678")
        circuits[name] = replace(
            circuit_state,
            recent=(refused, taken),
            quotes=tuple(QuotedPrice(tier, Decimal("1.2345"), "USD", NOW) for tier in (OFF_PEAK, PEAK)),
            preflight_checks=((f"uid/{0:024x}/{SOON.isoformat()}/{RULE.name}", SOON),),
        )
    return replace(made, circuits=circuits)


@pytest.mark.parametrize(
    ("made", "limit"),
    [(at_rest(), 225_000), (busy(), 470_000), (priced(), 725_000)],
    ids=["rest", "busy", "priced"],
)
def test_with_500_circuits_and_200_mailboxes_it_is_a_few_hundred_kilobytes(
    tmp_path: Path, made: State, limit: int
) -> None:
    store = StateStore(tmp_path / "state.json")
    store.save(made)
    assert store.path.stat().st_size < limit
    assert StateStore(store.path).load() == kept(made)


def test_a_carrier_that_refuses_all_day_does_not_fill_it() -> None:
    refused = [order(n, Outcome.REFUSED, Bandwidth(500 + 500 * (n % 2)), n) for n in range(288)]
    lost, done = order(900, Outcome.LOST, minutes=-5), order(901, Outcome.CONFIRMED, minutes=-4)
    kept_now = forget_old_orders(circuit_state(0, lost, done, *refused), NOW).recent
    assert kept_now == (lost, done, *refused[-2:])
