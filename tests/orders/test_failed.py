"""S7: orders that come to nothing, again and again: told, retried ever later, and no burden to others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Orders
from iodcal.domain.holds import Hold
from iodcal.domain.structs import replace
from iodcal.problems.kinds import Problem
from iodcal.problems.messages import describe
from iodcal.result import Report
from tests.machine.world import (
    ELSEWHERE,
    EVERY,
    HIGH,
    LOW,
    MIDDLE,
    PROVISIONING,
    QUOTA,
    TIMEOUT,
    Company,
    Line,
    MemoryCarrier,
    minutes,
)
from tests.orders.runs import Office, at, held, kinds, minute_of, one_circuit, outcomes

NEVER_DONE = "not_seen"
FAULTS = ("fine", NEVER_DONE, "fails", "refused", "elsewhere", "lost_before", "gateway", "pending")


class Sick(MemoryCarrier):
    """A carrier that accepts orders for a circuit, and does nothing about them."""

    def _take(self, request, fault):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        super()._take(request, fault)
        if fault == NEVER_DONE:
            line = self.lines[request.service_id]
            line.target = line.done_at = None


def sick(fault: str, *, length: int = 600, both: bool = False, start: float = 30) -> Office:
    """An office whose den-a needs 500 Mbps, and meets `fault` with every order; with `both` there is lon-a,
    which is well."""
    company = Company(carrier=Sick(always={"a": fault}))
    if not both:
        del company.names["b"]
    office = Office(company)
    office.meets("call", start, length)
    return office


def sent(office: Office, service_id: str = "a") -> list[float | None]:
    """The minutes at which orders for a circuit were handed over."""
    name = office.company.names[service_id]
    noted = [line["order"] for line in office.noted("order") if line["order"].outcome == "sending"]
    return [minute_of(order.created_at) for order in noted if order.circuit == name]


def gaps(times: Iterable[float | None]) -> list[float]:
    known = [time for time in times if time is not None]
    return [later - earlier for earlier, later in pairwise(known)]


def of_kind(report: Report, kind: str) -> Problem:
    (found,) = [problem for problem in report.problems if problem.kind == kind]
    return found


# --- a: told, whatever else the run does


@pytest.mark.parametrize("demand", ["event", "hold", "baseline"])
def test_a_raise_that_is_accepted_and_comes_to_nothing_is_told_until_a_reading_shows_it(demand: str) -> None:
    office = (
        sick(NEVER_DONE) if demand == "event" else Office(Company(carrier=Sick(always={"a": NEVER_DONE})))
    )
    office.company.names.pop("b", None)
    office.run(-60)
    if demand == "hold":
        office.change(hold=Hold(Bandwidth(MIDDLE), at(0), at(600), "pat"))
    elif demand == "baseline":
        office.company.special["a"] = {"floor": Bandwidth(MIDDLE)}
    first = None
    for minute in range(0, 300, EVERY):
        report = office.run(minute)
        failing = "order_failed" in kinds(report)
        first = minute if failing and first is None else first
        assert failing == (first is not None)
    assert first == TIMEOUT
    problem = of_kind(report, "order_failed")
    assert problem.facts["count"] == len(sent(office)) - (office.circuit_state().order is not None)
    words = describe(problem)
    assert f"failed {problem.facts['count']} times since" in words.message
    office.carrier.always.clear()
    healed = [office.run(minute) for minute in range(300, 350, EVERY)]
    assert "order_failed" in kinds(healed[0])
    assert kinds(healed[-1]) == set()
    assert office.circuit_state().failed == ()


def test_it_is_told_once_and_over_when_nothing_asks_for_it_any_more() -> None:
    office = sick(NEVER_DONE, length=120)
    told: list[float] = []
    gone: list[float] = []
    for minute in range(0, 240, EVERY):
        office.run(minute)
        assert office.telling is not None
        told += [minute for one in office.telling.new if one.kind == "order_failed"]
        gone += [minute for one in office.telling.cleared if one.kind == "order_failed"]
    assert (told, gone) == ([TIMEOUT], [160])


def test_failed_then_healed_then_failed_again_is_counted_from_the_beginning() -> None:
    office = sick(NEVER_DONE)
    for minute in range(0, 100, EVERY):
        office.run(minute)
    office.carrier.always.clear()
    for minute in range(100, 140, EVERY):
        office.run(minute)
    assert office.circuit_state().failed == ()
    office.carrier.always["a"] = NEVER_DONE
    office.in_the_portal(LOW)
    office.meets("hands", 200, 400, "company")
    reports = [office.run(minute) for minute in range(140, 240, EVERY)]
    failing = [report for report in reports if "order_failed" in kinds(report)]
    assert of_kind(failing[0], "order_failed").facts["count"] == 1


@pytest.mark.parametrize("fault", [NEVER_DONE, "fails", "refused", "elsewhere"])
def test_the_cause_told_of_an_event_is_the_true_one(fault: str) -> None:
    office = sick(fault)
    causes = []
    for minute in range(0, 120, EVERY):
        found = office.run(minute).problems
        causes.append({problem.facts["cause"] for problem in found if problem.kind == "event_late"})
    expected = {"refused": "order_refused", "elsewhere": "other_bandwidth"}.get(fault, "order_failed")
    assert causes[-1] == {expected}
    assert causes[8:] == [{expected}] * len(causes[8:]) or fault == "elsewhere"


def test_an_order_seen_under_way_and_back_where_it_began_has_failed_at_once() -> None:
    office = sick("fails")
    office.run(0)
    office.run(2)
    report = office.run(PROVISIONING)
    assert (outcomes(report), held(report)) == ([("den-a", "failed")], {"den-a": "pending"})
    assert outcomes(office.run(PROVISIONING + 1)) == [("den-a", "accepted")]  # another look says the same


def test_a_copy_that_lags_behind_what_was_seen_under_way_causes_no_second_order() -> None:
    office = sick("fine")
    office.run(0)
    office.run(2)
    office.carrier.lines["a"].shown_late = at(5)
    assert outcomes(office.run(PROVISIONING)) == [("den-a", "failed")]
    assert outcomes(office.run(6)) == [("den-a", "confirmed")]
    assert len(sent(office)) == 1
    assert office.circuit_state().failed == ()


# --- b: the back-off of one demand, and the account's share


def test_orders_that_come_to_nothing_wait_longer_after_the_second() -> None:
    office = sick(NEVER_DONE)
    for minute in range(0, 300, EVERY):
        office.run(minute)
    # Each takes its time-out to fail; after two the wait begins to grow.
    assert gaps(sent(office))[:6] == [20, 30, 35, 35, 35, 35]


def test_refusals_wait_too_but_never_beyond_what_the_event_allows() -> None:
    office = sick("refused", start=45)
    for minute in range(15, 120, EVERY):
        office.run(minute)
    # The run at minute 40 is the last that can order in time.
    assert sent(office) == [15, 20, 30, 40, 55, 70, 85, 100, 115]
    assert held(office.run(120)) == {"den-a": "backoff"}


def test_a_bigger_demand_and_a_new_one_do_not_wait() -> None:
    office = sick("refused")
    for minute in range(0, 60, EVERY):
        office.run(minute)
    assert held(office.run(61)) == {"den-a": "backoff"}
    office.meets("hands", 90, 60, "company")
    office.run(62)
    assert sent(office)[-1] == 62
    assert office.carrier.requests[-1].new.mbps == HIGH
    other = sick("refused")
    for minute in range(0, 60, EVERY):
        other.run(minute)
    assert held(other.run(61)) == {"den-a": "backoff"}
    other.meets("another", 90, 60)
    other.run(62)
    assert sent(other)[-1] == 62


def test_what_is_left_of_a_demand_is_no_new_one() -> None:
    office = sick("refused")
    office.meets("short", 30, 22)
    for minute in range(0, 60, EVERY):
        office.run(minute)
    assert held(office.run(61)) == held(office.run(63)) == {"den-a": "backoff"}


def test_a_circuit_that_came_up_elsewhere_twice_is_told_as_that_and_left_alone_for_that_demand() -> None:
    office = sick("elsewhere")
    reports = {minute: office.run(minute) for minute in range(0, 200, EVERY)}
    assert len(sent(office)) == 2
    last = reports[195]
    assert held(last) == {"den-a": "other_bandwidth"}
    problem = of_kind(last, "order_failed")
    assert (problem.facts["shown"], problem.facts["given_up"]) == (f"{ELSEWHERE} Mbps", "yes")
    assert "left it at 300 Mbps" in describe(problem).message
    assert "drift" not in kinds(last)
    office.carrier.always.clear()
    office.meets("another", 230, 60)
    assert outcomes(office.run(200)) == [("den-a", "accepted")]


def test_a_third_bandwidth_is_told_when_it_is_seen_and_ordered_for_only_once_it_is_seen_again() -> None:
    """Nothing more comes of an order once the circuit rests at another bandwidth: the time-out need not be
    waited for. One reading alone may be a copy that lags."""
    office = sick("elsewhere")
    reports = {minute: office.run(minute) for minute in range(0, 60, EVERY)}
    first, second = (minute for minute in sent(office) if minute is not None)
    seen = next(minute for minute, report in reports.items() if "order_failed" in kinds(report))
    assert seen - first < TIMEOUT
    assert second == seen + EVERY
    assert held(reports[seen]) == {"den-a": "pending"}
    assert "drift" not in {kind for report in reports.values() for kind in kinds(report)}


class Stepping(MemoryCarrier):
    """A carrier that brings a circuit up in two steps, each at rest as far as readings tell."""

    def settle(self) -> None:
        super().settle()
        for line in self.lines.values():
            if line.bandwidth == ELSEWHERE and self.now >= self.taken[-1][0] + minutes(13):
                line.bandwidth = self.taken[-1][3]


def test_a_carrier_that_comes_up_in_steps_is_ordered_from_once() -> None:
    company = Company(
        names={"a": "den-a"},
        special={"a": {"provisioning": minutes(10)}},
        carrier=Stepping(always={"a": "elsewhere"}),
    )
    office = Office(company)
    office.meets("call", 30, 60)
    reports = {minute: office.run(minute) for minute in range(0, 90, EVERY)}
    assert sent(office) == [0]
    assert office.circuit_state().confirmed == Bandwidth(MIDDLE)
    assert [held(reports[minute]) for minute in (5, 10)] == [{"den-a": "pending"}] * 2
    assert kinds(reports[15]) == set()


def test_a_circuit_that_stays_between_is_ordered_for_once_provisioning_is_over() -> None:
    office = Office(one_circuit(provisioning=minutes(10)))
    office.carrier.always["a"] = "elsewhere"
    office.meets("call", 30, 60)
    for minute in range(0, 30, EVERY):
        office.run(minute)
    assert sent(office) == [0, 15]


def test_a_hold_lifts_what_was_given_up() -> None:
    office = sick("lost_before")
    for minute in range(0, 60, EVERY):
        report = office.run(minute)
    assert (len(sent(office)), held(report)) == (3, {"den-a": "unknown_order"})
    assert "given up" in describe(of_kind(report, "order_lost")).message
    assert "iodcal hold den-a 500 Mbps" in describe(of_kind(report, "order_lost")).remedy
    late = of_kind(report, "event_late")
    assert (late.facts["cause"], "iodcal hold den-a" in describe(late).remedy) == ("given_up", True)
    office.carrier.always.clear()
    office.change(hold=Hold(Bandwidth(MIDDLE), at(60), at(300), "pat"))
    assert outcomes(office.run(60)) == [("den-a", "accepted")]


def test_a_refusal_between_lost_orders_gives_no_new_resends() -> None:
    office = sick("lost_before")
    for minute in range(0, 60, EVERY):
        office.carrier.always["a"] = "refused" if minute == 15 else "lost_before"
        office.run(minute)
    lost = [line["order"] for line in office.noted("order") if line["order"].outcome == "lost"]
    assert [order.resends for order in lost] == [0, 1, 2]


def test_a_part_of_what_was_given_up_is_given_up_too() -> None:
    office = sick("lost_before")
    office.meets("short", 30, 40)
    for minute in range(0, 70, EVERY):
        office.run(minute)
    assert held(office.run(81)) == {"den-a": "unknown_order"}


def test_an_order_that_was_refused_is_never_adopted() -> None:
    office = sick("refused")
    office.run(0)
    office.in_the_portal(MIDDLE)
    report = office.run(1)
    assert ("den-a", "confirmed") not in outcomes(report)


@pytest.mark.parametrize(
    ("fault", "counts"),
    [(NEVER_DONE, False), ("refused", False), ("refused", True), ("elsewhere", False), ("gateway", False)],
)
def test_one_sick_circuit_does_not_use_up_the_account(fault: str, counts: bool) -> None:
    """A whole day of the quota, from midnight to midnight."""
    office = sick(fault, both=True, start=4 * 60 + 40, length=23 * 60)
    office.carrier.counts_refused = counts
    office.meets("hands", 26 * 60 + 30, 60, "company")
    late = 0
    for minute in range(4 * 60, 28 * 60, EVERY):
        office.run(minute)
        needs = 26 * 60 + 30 <= minute < 27 * 60 + 30
        late += EVERY * (needs and office.carrier.lines["b"].bandwidth < HIGH)
    assert late == 0
    assert "quota_exceeded" not in {line["order"].reason for line in office.noted("order")}
    assert (len(sent(office, "b")), office.carrier.lines["b"].bandwidth) == (2, LOW)


# --- d and e: what a run that waits has not seen to be over


def test_a_lowering_refused_all_day_is_one_problem_until_it_is_accepted() -> None:
    office = Office()
    office.in_the_portal(HIGH)
    office.carrier.always["a"] = "refused"
    office.run(-1)
    new = cleared = 0
    for minute in range(4, 6 * 60, EVERY):
        office.carrier.words = f"no capacity, request 7f{minute:04d}-a at 2026-11-24T20:{minute % 60:02d}:07Z"
        report = office.run(minute)
        assert "order_refused" in kinds(report), minute
        assert office.telling is not None
        new += sum(one.kind == "order_refused" for one in (*office.telling.new, *office.telling.changed))
        cleared += sum(one.kind == "order_refused" for one in office.telling.cleared)
    assert (new, cleared) == (1, 0)  # the words of the first one were others
    assert len(sent(office)) <= 10
    office.carrier.always.clear()
    for minute in range(6 * 60, 8 * 60, EVERY):
        report = office.run(minute)
    assert kinds(report) == set()
    assert office.carrier.lines["a"].bandwidth == LOW


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("fault", ["refused", "pending"])
def test_a_raise_refused_all_day_is_not_told_anew_with_every_try(fault: str, both: bool) -> None:
    """More refusals than the account has changes: that they may count is no news with each of them."""
    office = sick(fault, start=4 * 60 + 40, length=23 * 60, both=both)
    news: Counter[str] = Counter()
    for minute in range(4 * 60, 27 * 60, EVERY):
        office.run(minute)
        assert office.telling is not None
        news.update(str(one.kind) for one in (*office.telling.new, *office.telling.changed))
    assert len(sent(office)) > QUOTA
    assert max(news.values()) == 1, news


def test_another_text_is_told_and_the_same_is_not() -> None:
    office = sick("refused")
    told: list[str] = []
    for minute in range(0, 120, EVERY):
        office.carrier.words = "no capacity" if minute < 60 else "billing hold"
        office.run(minute)
        assert office.telling is not None
        for one in (*office.telling.new, *office.telling.changed):
            told += [str(one.facts["message"])] if one.kind == "order_refused" else []
    assert told == ["no capacity", "billing hold"]


def test_the_carriers_words_stand_in_the_history() -> None:
    office = sick("refused")
    office.carrier.words = "no capacity"
    office.run(0)
    assert [line["order"].said for line in office.noted("order")] == ["", "no capacity"]
    assert office.circuit_state().recent[-1].said == "no capacity"


def test_a_change_that_stays_pending_only_in_answers_is_waited_for_longer() -> None:
    office = sick("pending", length=1200)
    for minute in range(0, 300, EVERY):
        office.run(minute)
    assert len(sent(office)) < 25
    assert "order_refused" not in kinds(office.run(300))


def test_what_was_never_sent_is_no_repetition_and_uses_the_reserve() -> None:
    office = sick("not_sent")
    for minute in (0, 5, 10):
        office.run(minute)
    quota = {key: replace(one, used=QUOTA - 1) for key, one in office.disk.state.quotas.items()}
    office.disk.state = replace(office.disk.state, quotas=quota)
    office.carrier.always.clear()
    assert outcomes(office.run(15)) == [("den-a", "accepted")]


def test_a_circuit_that_is_only_observed_has_no_failures() -> None:
    office = sick("refused")
    office.company.special["a"] = {"orders": Orders.NONE}
    office.run(0)
    assert office.circuit_state().failed == ()


def test_a_state_of_an_earlier_version_keeps_what_it_told() -> None:
    office = sick(NEVER_DONE)
    for minute in range(0, 45, EVERY):
        office.run(minute)
    assert (office.circuit_state().order, held(office.run(45))) == (None, {"den-a": "backoff"})
    office.change(failed=())
    office.carrier.unreadable = True
    assert {"order_failed"} <= kinds(office.run(46))
    lowering = Office()
    lowering.in_the_portal(HIGH)
    lowering.carrier.always["a"] = "refused"
    lowering.run(0)
    lowering.change(failed=())
    assert "order_refused" in kinds(lowering.run(1))


# --- whatever happens


@settings(max_examples=settings().max_examples // 4)  # half a second each
@given(
    faults=st.lists(
        st.sampled_from(
            ["fine", NEVER_DONE, "fails", "refused", "elsewhere", "lost_before", "gateway", "pending"]
        ),
        min_size=1,
        max_size=12,
    ),
    step=st.integers(1, EVERY),
    start=st.integers(5, 60),
)
def test_no_demand_is_ordered_for_twice_within_its_back_off(faults: list[str], step: int, start: int) -> None:
    """And never beside an open order; no more than the account has; never for what is so already."""
    company = Company(carrier=Sick(lines={"a": Line()}), names={"a": "den-a"})
    office = Office(company)
    office.meets("call", start, 400)
    for number, minute in enumerate(range(0, 240, step)):
        before = office.circuit_state() if number else None
        office.carrier.next_order = faults[number % len(faults)]
        count = len(office.carrier.requests)
        office.run(minute)
        ordered = len(office.carrier.requests) > count
        if not (ordered and before is not None):
            continue
        (known,) = before.failed or (None,)
        retry_at = known.retry_at(minutes(EVERY), minutes(60)) if known is not None else None
        in_time = at(start - PROVISIONING - EVERY)
        last_chance = known is not None and known.last_at < in_time <= at(minute)
        assert retry_at is None or at(minute) >= retry_at or last_chance
        assert before.order is None or office.circuit_state().order != before.order
    assert office.carrier.duplicates == []
    assert all(count <= QUOTA for count in office.carrier.arrived.values())
