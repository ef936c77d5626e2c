"""The state stays small, however many circuits there are and whatever a carrier refuses all day long."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Quote, Reading, Status
from iodcal.domain.events import Event, MatchedEvent, Source, Timed
from iodcal.domain.localtime import Interval
from iodcal.domain.matching import match_events
from iodcal.domain.orders import BootTime, Order, Outcome, intent
from iodcal.domain.people import forget_old_orders
from iodcal.domain.rules import Conditions, Rule
from iodcal.domain.standing import Foreseen, Remembered, Standing
from iodcal.state import State
from iodcal.state.store import StateStore

NOW = datetime(2026, 11, 24, 12, 34, 56, 123456, tzinfo=UTC)
OFF_PEAK, PEAK = Bandwidth(100), Bandwidth(500)
RULE = Rule("Conference rooms", {"rooms": ("den-a",)}, PEAK, Conditions())
CIRCUITS, MAILBOXES = 500, 200


def key(number: int) -> str:
    return f"lumen|https://api.lumen.com|1-ABCDE|7700000{number:04d}"


def order(number: int, outcome: Outcome, to: Bandwidth = PEAK, minutes: int = 0) -> Order:
    made = intent(
        id=f"{number:032x}",
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
    return replace(made, outcome=outcome, settled_at=NOW)


def standing(number: int, *recent: Order) -> Standing:
    return Standing(
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
        foreseen=(Foreseen(NOW, OFF_PEAK),),
    )


def kept(source: Source, number: int) -> MatchedEvent:
    """What is kept of an event whose names are as long as Exchange's are."""
    event = Event(
        source, f"{number:0>152}", f"{number:0>112}", Timed(NOW, NOW + timedelta(hours=1)), "Quarter"
    )
    (matched,) = match_events([event], [RULE]).matched
    return matched


def test_with_500_circuits_and_200_mailboxes_it_is_a_few_hundred_kilobytes(tmp_path: Path) -> None:
    circuits = [
        standing(number, *([order(number, Outcome.CONFIRMED)] if number % 5 == 0 else []))
        for number in range(CIRCUITS)
    ]
    remembered = []
    for number in range(MAILBOXES):
        source = Source(f"graph:t/room-{number:03d}@contoso.example/", "rooms", f"rooms/room-{number:03d}")
        events = (kept(source, number),)
        remembered.append(
            Remembered(source.key, source.label, NOW, Interval(NOW, NOW + timedelta(days=3)), events)
        )
    state = State(
        circuits={one.key: one for one in circuits}, remembered={one.source_key: one for one in remembered}
    )
    store = StateStore(tmp_path / "state.json")
    store.save(state)
    assert store.path.stat().st_size < 600_000
    assert StateStore(store.path).load() == state


def test_a_carrier_that_refuses_all_day_does_not_fill_it() -> None:
    refused = [order(n, Outcome.REFUSED, Bandwidth(500 + 500 * (n % 2)), n) for n in range(288)]
    lost, done = order(900, Outcome.LOST, minutes=-5), order(901, Outcome.CONFIRMED, minutes=-4)
    kept_now = forget_old_orders(standing(0, lost, done, *refused), NOW).recent
    assert kept_now == (lost, done, *refused[-2:])
