"""What is kept of orders, people's changes and memory, field by field: the next run lives on nothing else."""

from __future__ import annotations

from decimal import Decimal

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Change
from iodcal.domain.circuit_state import CircuitState, Drift, SourceMemory
from iodcal.domain.circuits import Acceptance, Quote, Reading, Status
from iodcal.domain.events import CalendarReading, Event, MatchedEvent, Source, Timed, mark_of, short_id
from iodcal.domain.last_known_good import (
    LastKnownGood,
    end_absent,
    memories_of,
    memory_of,
    recall_events,
    remember_reading,
)
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import (
    BootTime,
    Order,
    Outcome,
    adoptable,
    as_kept_order,
    make_intent,
    settle_order,
    waited_too_long,
    with_answer,
    with_end,
)
from iodcal.domain.overrides import apply_manual_change, held_by_person, note_level
from iodcal.domain.structs import replace
from tests.domain.minutes import PATIENCE, SOURCE, Ask, at, circuit_state_at, timeline_of

OLD, OTHER, NEW = Bandwidth(100), Bandwidth(500), Bandwidth(1000)
BOOT = BootTime("boot", 60)
CLOSED: dict[str, object] = {"quote_id": None, "boot": None}


def sent(**changes: object) -> Order:
    """An order up from 100 Mbps to 1 Gbps, sent at noon, a minute after the machine started."""
    order = make_intent(
        id="a1",
        circuit_key="key",
        circuit="den-a",
        old=OLD,
        quote=Quote("q", NEW, at(0)),
        now=at(0),
        demand="call",
        resends=1,
        run_id="run",
        boot=BOOT,
    )
    return replace(order, **changes)  # type: ignore[arg-type]  # fields by name


def taken(**changes: object) -> Order:
    return replace(with_answer(sent(), Acceptance(at(1), "42")), **changes)  # type: ignore[arg-type]  # as above


def shows(minute: float, mbps: int, status: Status = Status.ACTIVE) -> Reading:
    return Reading(at(minute), status, Bandwidth(mbps), str(status))


def test_the_intent_holds_all_that_a_later_run_needs() -> None:
    assert sent() == Order(
        id="a1",
        circuit_key="key",
        circuit="den-a",
        old=OLD,
        new=NEW,
        created_at=at(0),
        outcome=Outcome.SENDING,
        quote_id="q",
        resends=1,
        demand="call",
        run_id="run",
        boot=BOOT,
    )


@pytest.mark.parametrize(
    ("quote", "price", "currency"),
    [
        (Quote("q", NEW, at(0)), None, None),
        (Quote("q", NEW, at(0), Decimal("1.06"), "EUR"), Decimal("1.06"), "EUR"),
    ],
    ids=["no price told", "a price"],
)
def test_the_intent_holds_the_price_and_what_it_is_needed_for(
    quote: Quote, price: Decimal | None, currency: str | None
) -> None:
    made = make_intent(
        id="a1",
        circuit_key="key",
        circuit="den-a",
        old=OLD,
        quote=quote,
        now=at(0),
        demand="call",
        resends=0,
        run_id="run",
        needed_by=at(30),
    )
    assert (made.price_per_hour, made.currency, made.needed_by) == (price, currency, at(30))


def test_an_answer_adds_when_and_the_carriers_own_id() -> None:
    accepted = replace(sent(), outcome=Outcome.ACCEPTED, accepted_at=at(1), carrier_order_id="42")
    assert with_answer(sent(), Acceptance(at(1), "42")) == accepted


@pytest.mark.parametrize(
    ("outcome", "settled"),
    [
        (Outcome.REFUSED, at(2)),
        (Outcome.NOT_SENT, at(2)),
        (Outcome.FAILED, at(2)),
        (Outcome.UNKNOWN, None),
        (Outcome.OVERDUE, None),
    ],
)
def test_only_an_order_that_is_settled_says_when(outcome: Outcome, settled: object) -> None:
    kept = {} if settled is None else CLOSED
    told = {"outcome": outcome, "settled_at": settled, "reason": "code", **kept}
    assert with_end(sent(), outcome, at(2), "code") == sent(**told)
    assert with_end(sent(), outcome, at(2)).reason == ""


@pytest.mark.parametrize(
    ("order", "reading", "after"),
    [
        (taken(), shows(5, 1000), taken(outcome=Outcome.CONFIRMED, settled_at=at(5), **CLOSED)),
        (taken(), shows(21, 100), taken(outcome=Outcome.FAILED, settled_at=at(21), **CLOSED)),
        (taken(), shows(20, 100), taken()),
        (sent(), shows(15, 100), sent(outcome=Outcome.LOST, settled_at=at(15), **CLOSED)),
    ],
    ids=["confirmed", "failed", "the time-out counts from the acceptance", "lost"],
)
def test_what_a_reading_settles_is_dated_by_it(order: Order, reading: Reading, after: Order) -> None:
    assert settle_order(order, reading, PATIENCE) == after


def test_an_accepted_order_ages_by_both_clocks_too() -> None:
    young, old = BootTime("boot", 60 + 19 * 60), BootTime("boot", 60 + 21 * 60)
    assert settle_order(taken(), shows(300, 100), PATIENCE, young).outcome is Outcome.ACCEPTED
    assert settle_order(taken(), shows(300, 100), PATIENCE, old).outcome is Outcome.FAILED
    assert waited_too_long(taken(), at(300), PATIENCE, young).outcome is Outcome.ACCEPTED
    assert waited_too_long(taken(), at(300), PATIENCE, old).outcome is Outcome.OVERDUE
    at_once = replace(sent(), boot=BootTime("boot", 60))
    assert settle_order(at_once, shows(0, 100), PATIENCE, BootTime("boot", 6000)).outcome is Outcome.UNKNOWN


def test_what_is_settled_or_never_answered_is_not_overdue() -> None:
    assert waited_too_long(taken(outcome=Outcome.CONFIRMED), at(99), PATIENCE).outcome is Outcome.CONFIRMED
    unanswered = taken(accepted_at=None)
    assert waited_too_long(unanswered, at(99), PATIENCE) == unanswered


def test_of_two_own_orders_the_later_is_adopted_up_to_a_day_later() -> None:
    early, late = taken(outcome=Outcome.LOST), taken(outcome=Outcome.LOST, id="b2", created_at=at(30))
    assert adoptable([early, late], shows(60, 1000)) is late
    assert adoptable([late, early], shows(60, 1000)) is late
    assert adoptable([early], shows(24 * 60, 1000)) is early


def failing(**changes: object) -> CircuitState:
    circuit_state = replace(
        circuit_state_at(100), failures=3, retry_at=at(90), drift=Drift(OTHER, at(-9), at(-20))
    )
    return replace(circuit_state, **changes)  # type: ignore[arg-type]  # fields by name


def test_a_confirmed_order_ends_drift_and_back_off() -> None:
    after = apply_manual_change(failing(order=taken()), shows(5, 1000), PATIENCE)
    assert (after.confirmed, after.drift, after.failures, after.retry_at) == (NEW, None, 0, None)
    closed = taken(outcome=Outcome.CONFIRMED, settled_at=at(5), **CLOSED)
    assert (after.order, after.recent) == (None, (closed,))


def test_an_order_that_goes_on_is_kept_as_the_reading_left_it() -> None:
    after = apply_manual_change(failing(order=taken()), shows(5, 100, Status.PENDING), PATIENCE)
    assert after.order is not None
    assert after.order.outcome is Outcome.PENDING
    assert after.drift == Drift(OTHER, at(-9), at(-20))


def test_the_clock_that_nobody_sets_has_its_say_when_a_reading_is_absorbed() -> None:
    young = BootTime("boot", 60 + 60)
    after = apply_manual_change(
        failing(order=sent(outcome=Outcome.UNKNOWN)), shows(300, 100), PATIENCE, young
    )
    assert after.order is not None


def test_an_adopted_order_ends_drift_and_back_off_and_the_others_stay() -> None:
    lost, refused = taken(outcome=Outcome.LOST), taken(id="b2", outcome=Outcome.REFUSED, new=OTHER)
    after = apply_manual_change(failing(recent=(refused, lost)), shows(60, 1000), PATIENCE)
    adopted = replace(lost, outcome=Outcome.CONFIRMED, settled_at=at(60))
    assert after.recent == (refused, adopted)
    assert (after.confirmed, after.drift, after.failures, after.retry_at) == (NEW, None, 0, None)


def test_drift_says_what_was_seen_when() -> None:
    agreed = replace(circuit_state_at(100), reading=shows(-30, 100))
    assert apply_manual_change(agreed, shows(5, 500), PATIENCE).drift == Drift(OTHER, at(5), at(-30))
    unread = replace(circuit_state_at(100), reading=None)
    assert apply_manual_change(unread, shows(5, 500), PATIENCE).drift == Drift(OTHER, at(5), at(5))


def test_the_level_is_kept_and_when_it_last_fell() -> None:
    circuit_state = replace(circuit_state_at(100), level=NEW, stepped_down_at=at(-99))
    fell = note_level(circuit_state, OTHER, at(0))
    assert (fell.level, fell.stepped_down_at) == (OTHER, at(0))
    same = note_level(circuit_state, NEW, at(0))
    assert (same.level, same.stepped_down_at) == (NEW, at(-99))


def test_a_step_down_at_the_very_reading_that_agreed_is_no_leave_to_lower() -> None:
    drift, down = Drift(NEW, at(0), at(-30)), Change("den-a", at(0), True, NEW, OLD)
    raised = replace(circuit_state_at(100), drift=drift, stepped_down_at=at(-30))
    assert held_by_person(raised, down, timeline_of(), at(0), enforce=False) is not None
    later = replace(raised, stepped_down_at=at(-29))
    assert held_by_person(later, down, timeline_of(), at(0), enforce=False) is None


# --- memory

RANGE = Interval(at(-60), at(600))
CALL = Ask(-30, 60, name="call")


def before_us(*events: MatchedEvent) -> SourceMemory:
    return SourceMemory(SOURCE.key, "an old name", at(-5), Interval(at(-70), at(500)), events)


def test_a_good_reading_is_kept_with_what_rules_took_and_what_was_missed_once() -> None:
    seen = Event(SOURCE, "other", "other", Timed(at(10), at(20)), subject="other")
    reading = CalendarReading(SOURCE, RANGE, at(0), (seen,))
    matched = Ask(10, 20, name="other").matched()
    asked: list[MatchedEvent] = []

    def covers_now(found: MatchedEvent) -> bool:
        asked.append(found)
        return True

    elsewhere = replace(SOURCE, label="an old name")
    old = replace(CALL.matched(), source=elsewhere)
    rules = frozenset({"Company-wide events"})
    known = remember_reading(reading, [matched], remembered=before_us(old), asked=rules)
    recalled = end_absent(known, covers_now)
    missed = replace(CALL.matched(), source=SOURCE, absent=True, remembered_since=at(-5))
    assert asked == [missed]
    assert recalled == LastKnownGood(
        source=SOURCE,
        events=(matched, missed),
        known_until=RANGE.end,
        remembered=SourceMemory(
            SOURCE.key, SOURCE.label, at(0), RANGE, (matched, replace(missed, remembered_since=None)), rules
        ),
        fresh=True,
    )


def test_what_cannot_be_read_is_recalled_under_its_present_name() -> None:
    old = replace(CALL.matched(), source=replace(SOURCE, calendar="old", label="an old name"))
    recalled = recall_events(SOURCE, before_us(old))
    now = replace(CALL.matched(), source=SOURCE, remembered_since=at(-5))
    kept = replace(before_us(CALL.matched()), label=SOURCE.label)
    assert recalled == LastKnownGood(SOURCE, (now,), at(500), kept, fresh=False)
    assert recall_events(SOURCE, None) == LastKnownGood(SOURCE, (), None, None, fresh=False)


def test_an_id_is_never_taken_for_a_uid() -> None:
    # What one event has for its id may be what another has for its uid.
    nameless = replace(CALL.matched(), id="same", uid="")
    twin = Event(SOURCE, "other", "same", Timed(at(300), at(360)), subject="twin")
    reading = CalendarReading(SOURCE, RANGE, at(0), (twin,))
    recalled = end_absent(
        remember_reading(reading, (), before_us(nameless)), lambda found: found.id == "same"
    )
    assert [event.id for event in recalled.events] == ["same"]


@pytest.mark.parametrize(("uid", "digits"), [("0" * 112, 12), ("", 24)])
def test_an_event_with_a_long_id_that_was_moved_is_known_again(uid: str, digits: int) -> None:
    event = Event(SOURCE, "A" * 152, uid, Timed(at(300), at(360)))
    before = replace(CALL.matched(), id=mark_of(event), uid=short_id(uid))
    assert (len(before.id), mark_of(before)) == (digits, before.id)
    assert before.copy_key[:2] == event.copy_key[:2]
    for seen, missed in ((event, 0), (replace(event, id="B" * 152), 1)):
        reading = CalendarReading(SOURCE, RANGE, at(0), (seen,))
        assert (
            len(end_absent(remember_reading(reading, (), before_us(before)), lambda _: True).events) == missed
        )


def test_an_event_that_an_earlier_version_remembered_and_that_was_moved_ends_at_once() -> None:
    event = Event(SOURCE, "A" * 152, "0" * 112, Timed(at(300), at(360)))
    before = replace(CALL.matched(), id=short_id(event.id), uid=short_id(event.uid))
    reading = CalendarReading(SOURCE, RANGE, at(0), (event,))
    assert end_absent(remember_reading(reading, (), before_us(before)), lambda _: True).events == ()


ENDED = taken(settled_at=at(9), outcome=Outcome.FAILED, needed_by=at(30))


@pytest.mark.parametrize(
    ("outcome", "gone"),
    [
        (Outcome.LOST, {}),
        (Outcome.FAILED, {"demand": ""}),
        (Outcome.REFUSED, {"demand": "", "settled_at": None}),
        (Outcome.NOT_SENT, {"demand": "", "settled_at": None}),
        (Outcome.CONFIRMED, {"demand": "", "accepted_at": None, "run_id": ""}),
    ],
)
def test_of_a_settled_order_is_kept_what_a_later_run_needs(outcome: Outcome, gone: dict[str, object]) -> None:
    order = replace(ENDED, outcome=outcome)
    fewer = {**CLOSED, **gone}
    kept = as_kept_order(order)
    assert kept == replace(order, **fewer)  # type: ignore[arg-type]  # fields by name
    assert (as_kept_order(kept), kept.external_id, kept.lead_left) == (
        kept,
        order.external_id,
        order.lead_left,
    )


# --- one place in several calendars


def test_a_reading_is_heard_by_each_calendar_under_its_own_name() -> None:
    seen, outside = (Event(SOURCE, name, name, Timed(at(10), at(20))) for name in ("seen", "outside"))
    reading = CalendarReading(SOURCE, RANGE, at(0), (seen,), elsewhere=(outside,))
    other = replace(SOURCE, calendar="large", label="large")
    assert reading.heard_by(SOURCE) is reading
    heard = reading.heard_by(other)
    assert [event.source for event in (*heard.events, *heard.elsewhere)] == [other, other]
    assert (heard.source, heard.covers, heard.read_at) == (other, RANGE, at(0))


def memory(label: str) -> SourceMemory:
    return SourceMemory(SOURCE.key, label, at(-5), RANGE)


@pytest.mark.parametrize(
    ("calendar", "label", "found"),
    [
        ("large", "large/a@x", "large/a@x"),
        ("large", "large", "large/a@x"),  # it had several mailboxes
        ("rooms", "rooms/a@x", "rooms"),
        ("new", "new", "rooms"),
    ],
)
def test_each_calendar_remembers_a_place_by_itself_and_a_new_one_as_any_other_does(
    calendar: str, label: str, found: str
) -> None:
    kept = {
        SOURCE.key: memory("rooms"),
        "more": memory("large/a@x"),
        "x": replace(memory("new"), source_key="x"),
    }
    remembered = memory_of(Source(SOURCE.key, calendar, label), kept)
    assert remembered is not None
    assert remembered.label == found
    assert memory_of(Source("y", calendar, label), kept) is None


def test_what_several_calendars_remember_of_a_place_is_kept_apart() -> None:
    sources = [
        Source("k", "a", "a"),
        Source("k", "b", "b"),
        Source("k#b", "c", "c"),
        Source("never", "d", "d"),
    ]
    known = [
        recall_events(source, SourceMemory(source.key, source.label, at(0), RANGE)) for source in sources
    ]
    known[-1] = recall_events(sources[-1], None)
    kept = memories_of(known)
    assert {key: one.label for key, one in kept.items()} == {"k": "a", "k#b": "b", "k#b#c": "c"}
    assert [memory_of(source, kept) is not None for source in sources] == [True, True, True, False]
