"""S10, S13: what a run writes down, what it counts, and what happens where it cannot be written."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from iodcal import __version__
from iodcal.actor import author
from iodcal.domain.orders import Outcome, with_end
from iodcal.domain.structs import replace
from iodcal.errors import StateError
from iodcal.pipeline.journal import stamp_of, used_today
from iodcal.store.state import Quota, State
from tests.machine.world import ACCOUNT, HIGH, MIDDLE, QUOTA, SECOND, START, Company
from tests.orders.runs import Office, at, held, kinds, one_circuit, outcomes, two_accounts

TODAY = START.date()
AFTER_THE_INTENT = range(3, 99)  # which takes three writes: itself and the reading in the history; the state


def meeting(company: Company | None = None) -> Office:
    """An office whose circuits need 1 Gbps from minute 0 on."""
    office = Office(company or Company())
    office.meets("hands", 30, 60, "company")
    return office


# --- the disk is full


@pytest.mark.parametrize("first", [0, 1])
def test_what_cannot_be_written_down_is_not_ordered(first: int) -> None:
    office = meeting()
    office.disk.refuses = range(first, 99)
    before = office.disk.state
    with pytest.raises(StateError):
        office.run(0)
    assert (office.carrier.requests, office.disk.state) == ([], before)
    office.disk.refuses = ()
    assert outcomes(office.run(1)) == [("den-a", "accepted"), ("lon-a", "accepted")]
    assert office.used() == {"1": 2}


def test_an_intent_that_could_not_be_written_leaves_the_ledger_as_it_was() -> None:
    office = meeting()
    office.run(0)
    circuit_state, (circuit, _) = office.circuit_state(), office.company.configuration().circuits.values()
    order = circuit_state.order
    assert order is not None
    journal = office.journal(1)
    office.disk.refuses = range(99)
    with pytest.raises(StateError):
        journal.record_intent(circuit, circuit_state, replace(order, id="another"), ())
    assert journal.state == office.disk.state
    assert journal.noted == {}


@pytest.mark.parametrize(("elsewhere", "lost"), [("/elsewhere", "/elsewhere"), (None, "")])
def test_what_was_taken_and_cannot_be_written_goes_elsewhere_and_nothing_more_is_ordered(
    elsewhere: str | None, lost: str
) -> None:
    office = meeting()
    office.disk.refuses, office.disk.elsewhere = AFTER_THE_INTENT, elsewhere
    report = office.run(0)
    assert (report.lost_state, report.exit) == ((lost,), 1)
    assert [request.service_id for request in office.carrier.requests] == ["a"]
    saved = office.disk.saved_elsewhere
    assert saved is not None
    assert [
        order.outcome for circuit_state in saved.circuits.values() for order in circuit_state.all_orders
    ] == [Outcome.ACCEPTED]
    assert saved.last_run is not None
    assert saved.last_run.run_id == "run-1"


def test_a_disk_that_can_be_written_again_in_the_end_has_all_of_it() -> None:
    office = meeting()
    office.disk.refuses = {4}
    report = office.run(0)
    assert (report.lost_state, report.exit) == ((), 0)
    assert outcomes(report) == [("den-a", "accepted")]
    assert [line["order"].outcome for line in office.noted("order")] == [Outcome.SENDING, Outcome.ACCEPTED]
    order = office.circuit_state().order
    assert order is not None
    assert order.outcome is Outcome.ACCEPTED


def test_an_answer_that_the_history_has_not_got_is_noted_at_the_end() -> None:
    office = meeting()
    office.disk.refuses = {3}
    assert office.run(0).lost_state == ()
    assert [line["order"].outcome for line in office.noted("order")] == [Outcome.SENDING, Outcome.ACCEPTED]


def test_what_a_reading_settled_is_in_the_history_before_the_state_has_it() -> None:
    """Else a kill between the next order's intent and the end of the run would lose it for good."""
    office = Office()
    office.meets("call", 30, 60)
    office.run(0)
    office.meets("hands", 30, 60, "company")
    begun = len(office.carrier.calls)
    assert outcomes(office.run(5))[:2] == [("den-a", "confirmed"), ("den-a", "accepted")]
    of_second = office.carrier.calls[begun:]
    assert of_second[: of_second.index("save")].count("note order") == 2  # the intent, and what settled
    assert [line["order"].outcome for line in office.noted("order")][:4] == [
        Outcome.SENDING,
        Outcome.ACCEPTED,
        Outcome.CONFIRMED,
        Outcome.SENDING,
    ]


def test_an_intent_that_never_got_into_the_state_is_taken_back_in_the_history() -> None:
    """Else it would stand there as an order that may have been sent, for ever."""
    office = meeting()
    office.disk.refuses = {2}
    with pytest.raises(StateError):
        office.run(0)
    intent, taken_back = office.noted("order")
    assert (intent["order"].outcome, taken_back["order"].outcome) == (Outcome.SENDING, Outcome.NOT_SENT)
    assert (taken_back["order"].id, taken_back["order"].reason) == (intent["order"].id, "unwritable")
    assert (office.carrier.requests, office.used()) == ([], {})
    assert outcomes(office.run(1)) == [("den-a", "accepted"), ("lon-a", "accepted")]


def test_an_answer_is_noted_once() -> None:
    office = meeting()
    office.run(0)
    assert [(line["order"].circuit, line["order"].outcome) for line in office.noted("order")] == [
        ("den-a", "sending"),
        ("den-a", "accepted"),
        ("lon-a", "sending"),
        ("lon-a", "accepted"),
    ]


def test_a_run_that_ordered_nothing_and_cannot_be_written_fails() -> None:
    office = Office()
    office.run(-10)
    office.disk.refuses = range(office.disk.writes, 99)
    with pytest.raises(StateError):
        office.run(-5)


# --- the quota


@pytest.mark.parametrize(
    ("outcome", "used"),
    [
        (Outcome.ACCEPTED, 6),
        (Outcome.UNKNOWN, 6),
        (Outcome.REFUSED, 5),
        (Outcome.NOT_SENT, 5),
    ],
)
def test_accepted_and_unknown_orders_count(outcome: Outcome, used: int) -> None:
    office = meeting()
    office.run(0)
    office.disk.state = replace(office.disk.state, quotas={("memory:", "1"): Quota(TODAY, 5)})
    circuit_state, (circuit, _) = office.circuit_state(), office.company.configuration().circuits.values()
    order, journal = circuit_state.order, office.journal(1)
    assert order is not None
    journal.record_intent(circuit, circuit_state, order, ())
    assert office.used() == {"1": 6}
    closed = journal.record_outcome(circuit, circuit_state, with_end(order, outcome, at(1)))
    assert office.used() == {"1": used}
    assert (closed.order is None) == (outcome in (Outcome.REFUSED, Outcome.NOT_SENT))
    assert [one.outcome for one in closed.all_orders] == [outcome]


def test_every_account_and_every_day_has_its_own_count() -> None:
    office = meeting(two_accounts())
    yesterday = Quota(date(2026, 11, 23), 23)
    office.disk.state = State(quotas={("memory:", "1"): yesterday, ("memory:", "2"): Quota(TODAY, 3)})
    office.run(0)
    assert office.disk.state.quotas == {
        ("memory:", "1"): Quota(TODAY, 2),
        ("memory:", "2"): Quota(TODAY, 4),
    }


def test_what_is_used_of_today_is_what_was_counted_today_of_these_accounts() -> None:
    quotas = {
        ("memory:", "1"): Quota(TODAY, 3),
        ("memory:", "2"): Quota(date(2026, 11, 23), 9),
        ("memory:", "3"): Quota(TODAY, 9),
    }
    state = State(quotas=quotas)
    assert used_today(state, [ACCOUNT, SECOND], START) == {ACCOUNT: 3}
    assert used_today(state, [SECOND], datetime(2026, 11, 23, 1, tzinfo=UTC)) == {SECOND: 9}


def test_a_day_is_utcs_whatever_this_machine_thinks(monkeypatch: pytest.MonkeyPatch) -> None:
    evening = datetime(2026, 11, 24, 17, 30, tzinfo=ZoneInfo("America/Denver"))  # the 25th of UTC
    monkeypatch.setenv("TZ", "America/Denver")
    time.tzset()
    try:
        office = meeting()
        office.run(0)
        (circuit_state, (circuit, _)) = (
            office.circuit_state(),
            office.company.configuration().circuits.values(),
        )
        assert circuit_state.order is not None
        office.journal(1).record_intent(
            circuit, circuit_state, replace(circuit_state.order, created_at=evening), ()
        )
        tomorrow = date(2026, 11, 25)
        assert office.disk.state.quotas == {("memory:", "1"): Quota(tomorrow, 1)}
        assert used_today(office.disk.state, [ACCOUNT], evening) == {ACCOUNT: 1}
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_quota_is_never_exceeded_and_tomorrow_is_another_day() -> None:
    office = Office(Company())
    office.disk.state = State(quotas={("memory:", "1"): Quota(TODAY, QUOTA - 1)})
    office.meets("hands", 200, 300, "company")
    report = office.run(200)
    assert (outcomes(report), held(report)) == ([("den-a", "accepted")], {"lon-a": "quota"})
    assert {"quota", "event_late"} <= kinds(report)
    assert office.used() == {"1": QUOTA}
    office.run(205)
    assert held(office.run(239)) == {"lon-a": "quota"}
    assert outcomes(office.run(240)) == [("lon-a", "accepted")]
    assert office.used() == {"1": 1}


def test_a_day_that_others_used_up_is_known_to_all_circuits_of_the_account_at_once() -> None:
    office = Office(two_accounts())
    office.carrier.arrived[TODAY] = QUOTA  # in the portal, so that nothing was counted here
    office.meets("hands", 100, 300, "company")
    report = office.run(70)
    assert outcomes(report) == [("den-a", "refused"), ("ams-a", "accepted")]
    assert held(report) == {"den-a": "quota", "lon-a": "quota"}
    assert office.carrier.calls.count("order b 500") == 0
    assert office.used() == {"1": QUOTA, "2": 1}
    risks = {
        problem.facts["circuit"]: problem.facts["cause"]
        for problem in report.problems
        if "cause" in problem.facts
    }
    assert risks == {"den-a": "quota", "lon-a": "quota"}
    asked = list(office.carrier.calls)
    again = office.run(75)
    assert (held(again), outcomes(again)) == ({"den-a": "quota", "lon-a": "quota"}, [("ams-a", "confirmed")])
    assert [call for call in office.carrier.calls[len(asked) :] if call.startswith("order")] == []
    assert [outcome for _, outcome in outcomes(office.run(240))] == ["accepted", "accepted"]


def test_not_now_is_told_as_that_and_no_day_is_lost() -> None:
    office = Office(one_circuit())
    office.meets("hands", 100, 300, "company")
    office.carrier.next_order = "not_now"
    report = office.run(70)
    assert (outcomes(report), kinds(report)) == ([("den-a", "refused")], {"order_refused"})
    assert office.used() == {"1": 0}
    assert outcomes(office.run(75)) == [("den-a", "accepted")]


def test_only_the_ups_use_the_reserve() -> None:
    office = Office(Company())
    reserve = office.company.settings.quota_reserve
    office.disk.state = State(quotas={("memory:", "1"): Quota(TODAY, QUOTA - reserve)})
    office.in_the_portal(HIGH, "b")
    office.meets("call", 30, 60)
    report = office.run(0)
    assert (outcomes(report), held(report)) == ([("den-a", "accepted")], {"lon-a": "quota"})
    assert office.carrier.lines["a"].target == MIDDLE


def test_every_line_of_the_history_says_who_started_this_with_which_version_and_rules() -> None:
    assert stamp_of("sha256:x") == {"by": author(), "iodcal": __version__, "rules": "sha256:x"}


def test_a_carrier_that_accepts_beyond_its_limit_does_not_count_what_it_refused() -> None:
    """Refused orders are set aside, since the carrier may count them; an acceptance can show that it does
    not, and then they keep nobody waiting."""
    office = meeting(one_circuit())
    key = (ACCOUNT.base_url, ACCOUNT.number)
    office.disk.state = replace(office.disk.state, quotas={key: Quota(TODAY, QUOTA - 5, refused=4)})
    assert outcomes(office.run(0)) == [("den-a", "accepted")]
    assert office.disk.state.quotas[key] == Quota(TODAY, QUOTA - 4, refused=4)  # just within: nobody knows
    office = meeting(one_circuit())
    office.disk.state = replace(office.disk.state, quotas={key: Quota(TODAY, QUOTA - 5, refused=5)})
    assert outcomes(office.run(0)) == [("den-a", "accepted")]
    assert office.disk.state.quotas[key] == Quota(TODAY, QUOTA - 4)
