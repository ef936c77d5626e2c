"""Runs, people, faults and crashes in any order; see `Everything` for what must hold after each step."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from iodcal.actor import Person
from iodcal.commands import overrides
from iodcal.commands.overrides import Act, OverrideRequest
from iodcal.commands.requests import SyncRequest
from iodcal.commands.sync import Synced, sync
from iodcal.config import Configuration, Settings
from iodcal.domain.changes import Held, Reason
from iodcal.domain.holds import longest_pause
from iodcal.domain.orders import Outcome
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.service_level import EventOnCircuit
from iodcal.errors import StateError, UsageError
from iodcal.problems.kinds import Kind
from iodcal.result import Report
from iodcal.store.log import History
from iodcal.store.state import State
from iodcal.store.store import StateStore
from tests.machine.world import (
    ACCOUNT,
    EVERY,
    GRACE,
    HIGH,
    LEAD,
    LOW,
    MIDDLE,
    MIN_GAP,
    PROVISIONING,
    QUOTA,
    START,
    TIMEOUT,
    Company,
    event_of,
    minutes,
    moved,
)

ORDER_FAULTS = ("lost_before", "lost_after", "lost_after_lagging", "lagging", "refused", "not_sent")
CARRIER_FAULTS = ("stuck", "fails", "no_quote")
_OF_EVENTS = (Kind.EVENT_AT_RISK, Kind.EVENT_LATE)


class Crash(BaseException):
    """The process ends here and now."""


@dataclass
class Fuse:
    """Counts what reaches the disk, and ends the process before or after the chosen write."""

    left: int | None = None
    before: bool = True

    def around(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            burns = self._burns()
            if burns and self.before:
                raise Crash
            result = write(*arguments, **named)
            if burns:
                raise Crash
            return result

        return wrapped

    def _burns(self) -> bool:
        if self.left is None:
            return False
        self.left -= 1
        return self.left < 0


@dataclass
class LastRun:
    """What the last run left behind: what it told of events, and the circuits with an open order, by key."""

    at: datetime = START
    told: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()


@dataclass
class Diary:
    """What an observer would write down."""

    disturbed_at: datetime = START  # the last time at which anything but the clock changed
    news: bool = True  # something changed since the last run
    stopped_until: datetime = START  # when the last hold or pause that was asked for ends
    lowered: dict[str, datetime] = field(default_factory=dict)  # by service ID, the last lowering of ours
    by_hand: dict[str, datetime] = field(default_factory=dict)  # by service ID, the last order in the portal
    last: LastRun = field(default_factory=LastRun)


class Everything(RuleBasedStateMachine):
    """After every step: no order for what is so already, no external ID twice, the quota kept.

    After every run: at tier when an event runs, or somebody was told; told by the last run before it began,
    unless something happened since or an order was under way; no lowering taken back within the billing hour
    unless the world changed; what state says was answered is known to the carrier; another run at the same
    time orders nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "state.json"
        self.company, self.now, self.fuse, self.diary = Company(), START, Fuse(), Diary()
        self.number = 0
        save = self.fuse.around(StateStore.save)
        append = self.fuse.around(History.append)
        self.patches: list[Any] = [
            mock.patch.object(StateStore, "save", lambda *given: save(*given)),
            mock.patch.object(History, "append", lambda *given, **named: append(*given, **named)),
            mock.patch.object(os, "fsync", return_value=None),
        ]
        for patch in self.patches:
            patch.start()
        self.run()

    def teardown(self) -> None:
        for patch in self.patches:
            patch.stop()
        self.folder.cleanup()

    @initialize(
        calendar=st.sampled_from(["noc", "company"]), ahead=st.integers(0, 120), length=st.integers(30, 300)
    )
    def an_event_is_near(self, calendar: str, ahead: int, length: int) -> None:
        self.somebody_invites(calendar=calendar, subject="hands", ahead=ahead, length=length)

    # --- time and runs

    @rule(gap=st.integers(1, EVERY))
    def a_run_on_time(self, gap: int) -> None:
        self.pass_time(gap)
        self.run()

    @rule(count=st.integers(1, 30))
    def runs_on_time(self, count: int) -> None:
        for _ in range(count):
            self.pass_time(EVERY)
            self.run()

    @rule(gap=st.integers(EVERY + 1, 300))
    def the_timer_stood_still(self, gap: int) -> None:
        self.pass_time(gap)
        self.disturb()
        self.run()

    @rule(gap=st.integers(1, EVERY), write=st.integers(0, 12), before=st.booleans())
    def a_run_dies(self, gap: int, write: int, before: bool) -> None:
        self.pass_time(gap)
        self.fuse.left, self.fuse.before = write, before
        self.disturb()
        try:
            self.run()
        except Crash:
            pass
        finally:
            self.fuse.left = None

    # --- calendars

    @rule(
        calendar=st.sampled_from(["noc", "company"]),
        subject=st.sampled_from(["hands", "other", "work"]),
        ahead=st.integers(-20, 240),
        length=st.integers(1, 150),
    )
    def somebody_invites(self, calendar: str, subject: str, ahead: int, length: int) -> None:
        self.number += 1
        uid, start = f"event-{self.number}", self.now + minutes(ahead)
        self.company.calendars[calendar].events[uid] = event_of(calendar, uid, start, length, subject)
        self.disturb()

    @rule(calendar=st.sampled_from(["noc", "company"]), which=st.integers(0, 5), by=st.integers(-120, 120))
    def somebody_moves(self, calendar: str, which: int, by: int) -> None:
        events = self.company.calendars[calendar].events
        if not (events and by):
            return
        uid = sorted(events)[which % len(events)]
        events[uid] = moved(events[uid], by)
        self.disturb()

    @rule(calendar=st.sampled_from(["noc", "company"]), which=st.integers(0, 5))
    def somebody_deletes(self, calendar: str, which: int) -> None:
        events = self.company.calendars[calendar].events
        if not events:
            return
        del events[sorted(events)[which % len(events)]]
        self.disturb()

    @rule(calendar=st.sampled_from(["noc", "company"]), which=st.integers(0, 5))
    def one_reading_misses_an_event(self, calendar: str, which: int) -> None:
        events = self.company.calendars[calendar].events
        if not events:
            return
        self.company.calendars[calendar].missing = sorted(events)[which % len(events)]
        self.disturb()

    @rule(calendar=st.sampled_from(["noc", "company"]))
    def a_calendar_goes_away_or_comes_back(self, calendar: str) -> None:
        mine = self.company.calendars[calendar]
        mine.failing = not mine.failing
        self.disturb()

    # --- carrier and people

    @rule(fault=st.sampled_from(ORDER_FAULTS + CARRIER_FAULTS))
    def the_next_order_goes_wrong(self, fault: str) -> None:
        self.company.carrier.next_order = fault
        self.disturb()

    @rule()
    def the_carrier_cannot_be_read_or_can_again(self) -> None:
        self.company.carrier.unreadable = not self.company.carrier.unreadable
        self.disturb()

    @rule()
    def the_carrier_shows_a_strange_status_or_no_longer(self) -> None:
        self.company.carrier.strange = not self.company.carrier.strange
        self.disturb()

    @rule()
    def the_carrier_refuses_every_order_or_no_longer(self) -> None:
        self.company.carrier.refuses = not self.company.carrier.refuses
        self.disturb()

    @rule(service_id=st.sampled_from(["a", "b"]))
    def the_carrier_ends_what_hung(self, service_id: str) -> None:
        line = self.company.carrier.lines[service_id]
        if line.target is None or line.done_at is not None:
            return
        line.done_at = self.now
        self.disturb()

    @rule(service_id=st.sampled_from(["a", "b"]), level=st.sampled_from([LOW, MIDDLE, HIGH]))
    def a_person_orders_in_the_portal(self, service_id: str, level: int) -> None:
        self.company.carrier.settle()
        line = self.company.carrier.lines[service_id]
        if line.target is not None or line.bandwidth == level:
            return
        line.bandwidth, line.shown_late = level, None
        self.diary.by_hand[service_id] = self.now
        self.disturb()

    # --- people's commands

    @rule(
        service_id=st.sampled_from(["a", "b"]),
        level=st.sampled_from([LOW, MIDDLE, HIGH]),
        length=st.integers(PROVISIONING, 200),
        exactly=st.booleans(),
    )
    def somebody_holds(self, service_id: str, level: int, length: int, exactly: bool) -> None:
        asked = self.asked(length=minutes(length))
        name = self.company.names[service_id]
        if self.done(
            lambda c: overrides.hold(
                c, self.path, names=[name], bandwidth=f"{level} Mbps", asked=asked, exactly=exactly
            )[0]
        ):
            self.diary.stopped_until = max(self.diary.stopped_until, self.now + minutes(length))

    @rule(service_id=st.sampled_from(["a", "b"]))
    def somebody_releases(self, service_id: str) -> None:
        self.done(
            lambda c: overrides.release(c, self.path, [self.company.names[service_id]], self.asked())[0]
        )

    @rule(service_id=st.sampled_from(["a", "b", None]), length=st.integers(1, 200))
    def somebody_pauses(self, service_id: str | None, length: int) -> None:
        names = [self.company.names[service_id]] if service_id else []
        asked = self.asked(length=minutes(length))
        if self.done(lambda c: overrides.pause(c, self.path, names, asked)[0]):
            self.diary.stopped_until = max(self.diary.stopped_until, self.now + minutes(length))

    @rule(service_id=st.sampled_from(["a", "b", None]))
    def somebody_resumes(self, service_id: str | None) -> None:
        names = [self.company.names[service_id]] if service_id else []
        self.done(lambda c: overrides.resume(c, self.path, names, self.asked())[0])

    @rule()
    def somebody_parks(self) -> None:
        self.done(lambda c: overrides.park(c, self.path, self.asked()))

    # --- operators

    @rule(trail=st.integers(0, 60))
    def somebody_edits_the_rules(self, trail: int) -> None:
        self.company.trail = trail
        self.disturb()

    @rule(service_id=st.sampled_from(["a", "b"]))
    def somebody_renames_a_circuit(self, service_id: str) -> None:
        self.number += 1
        self.company.names[service_id] = f"{service_id}-{self.number}"
        self.disturb()

    @rule(seconds=st.sampled_from([None, -200.0, 200.0]))
    def the_clock_is_wrong_or_right(self, seconds: float | None) -> None:
        for calendar in self.company.calendars.values():
            calendar.clock_error = seconds
        self.disturb()

    @precondition(lambda self: self.path.exists())
    @rule(content=st.sampled_from(["", "{", '{"version": 1}']))
    def the_state_file_is_damaged(self, content: str) -> None:
        self.path.write_text(content)
        self.disturb()

    # --- what must hold

    @invariant()
    def nothing_was_ordered_twice(self) -> None:
        carrier = self.company.carrier
        assert carrier.duplicates == []
        assert all(count == 1 for count in carrier.external_ids.values())

    @invariant()
    def the_quota_is_kept(self) -> None:
        assert all(count <= QUOTA for count in self.company.carrier.arrived.values())

    # --- machinery

    def disturb(self) -> None:
        self.diary.disturbed_at, self.diary.news = self.now, True

    def pass_time(self, gap: int) -> None:
        self.now += minutes(gap)
        self.company.at(self.now)
        self.company.carrier.settle()

    def run(self) -> None:
        ordered = len(self.company.carrier.taken)
        carrier = self.company.carrier
        refusing = carrier.refuses or carrier.next_order != "fine"  # then the second run may try again
        before = StateStore(self.path).load(read_only=True)
        report = self.sync().report
        self.nothing_ordered_while_stopped(before, ordered)
        self.nothing_lowered_blindly(ordered)
        self.nothing_taken_back(ordered)
        self.state_is_true()
        self.at_tier_or_told(report)
        again = self.sync().report
        self.diary.last = self.left_behind(report, again)
        ordered_again = [order for order in again.orders if order.run_id == again.run_id]
        assert self.diary.news or refusing or not ordered_again, "a second run ordered"
        self.diary.news = False

    def left_behind(self, *reports: Report) -> LastRun:
        state = StateStore(self.path).load(read_only=True)
        under_way = frozenset(key for key, known in state.circuits.items() if known.order is not None)
        return LastRun(
            self.now, frozenset(place for one in reports for place in told_of_events(one)), under_way
        )

    def asked(self, **given: Any) -> OverrideRequest:
        return OverrideRequest(
            Person("pat", "pat"), terminal=False, now=f"{self.now:%Y-%m-%dT%H:%M:%SZ}", **given
        )

    def done(self, act: Callable[[Configuration], Act]) -> bool:
        """False where the command refuses, which it may: the world, or a damaged state, does not fit."""
        self.disturb()
        try:
            act(self.company.configuration())
        except (UsageError, StateError):
            return False
        return True

    def nothing_ordered_while_stopped(self, before: State, since: int) -> None:
        """Not for whom a pause is for, and for nobody a raise while all is parked."""
        paused = {key for key, known in before.circuits.items() if longest_pause((known.pause,), self.now)}
        for _, service_id, old, new in self.company.carrier.taken[since:]:
            key = "|".join((ACCOUNT.carrier_type, ACCOUNT.base_url, ACCOUNT.number, service_id))
            assert longest_pause((before.pause,), self.now) is None, "ordered while all is paused"
            assert key not in paused, "ordered while paused"
            assert before.parked is None or new == LOW, f"raised to {new} from {old} while parked"

    def sync(self) -> Synced:
        asked = SyncRequest(terminal=False, now=f"{self.now:%Y-%m-%dT%H:%M:%SZ}")
        return sync(self.company.configuration(), self.path, asked=asked, progress=lambda text: None)  # noqa: ARG005

    def nothing_lowered_blindly(self, since: int) -> None:
        carrier = self.company.carrier
        lowered = [change for change in carrier.taken[since:] if change[3] < change[2]]
        clocks = [calendar.clock_error for calendar in self.company.calendars.values()]
        readable = [not calendar.failing for calendar in self.company.calendars.values()]
        if any(clock for clock, good in zip(clocks, readable, strict=True) if good):
            assert lowered == [], "lowered although the clock is wrong"
        assert not (lowered and carrier.unreadable), "lowered a circuit that could not be read"

    def nothing_taken_back(self, since: int) -> None:
        for at, service_id, old, new in self.company.carrier.taken[since:]:
            if new < old:
                self.diary.lowered[service_id] = at
            elif service_id in self.diary.lowered:
                lowered_at = self.diary.lowered[service_id]
                quiet = self.diary.disturbed_at < lowered_at and not self.worked_between(lowered_at, at)
                quiet = quiet and self.diary.stopped_until < lowered_at
                assert not (quiet and at - lowered_at < minutes(MIN_GAP - EVERY)), "lowered for too short"

    def state_is_true(self) -> None:
        carrier, state = self.company.carrier, StateStore(self.path).load(read_only=True)
        for circuit_state in state.circuits.values():
            for order in circuit_state.all_orders:
                answered = order.outcome in (Outcome.ACCEPTED, Outcome.CONFIRMED) and order.carrier_order_id
                assert not answered or order.external_id in carrier.external_ids
                if order.outcome is Outcome.REFUSED:
                    assert order.external_id not in carrier.external_ids

    def at_tier_or_told(self, report: Report) -> None:
        told = told_of_events(report)
        settled = self.now - self.diary.disturbed_at > minutes(LEAD + GRACE + TIMEOUT + 2 * EVERY)
        for plan in report.plans:
            line = self.company.carrier.lines[plan.circuit.service_id]
            for window in (*plan.timeline.windows, *plan.timeline.shelved):
                event = window.demand.event
                if not window.serves_event or self.now not in event:
                    continue
                need = plan.circuit.sold(window.bandwidth).mbps
                governed = not report.parked and plan.timeline.at(self.now).target.mbps < need
                if line.bandwidth >= need or governed or self.nobody_looked(plan, report):
                    continue
                demand = window.demand
                place = EventOnCircuit(plan.circuit.name, demand.rule.name, event.start, demand.id).place
                assert place in told, f"too slow for {place} and nobody was told"
                if self.diary.last.at < event.start and not self.came_as_a_surprise(plan):
                    assert place in self.diary.last.told, f"{place} was told when it was too late"
                if self.stopped_since(self.now - minutes(EVERY + PROVISIONING), report):
                    continue
                if self.worked_between(self.now - minutes(EVERY + PROVISIONING), self.now):
                    continue  # what `exactly` kept low is raised when that has ended, not before
                if plan.due is not None and plan.due.held == Held(Reason.PERSON):
                    continue  # lowered by hand once more after it was raised again: whoever does so insists
                assert not settled or self.cannot_be_helped(plan.circuit.service_id), f"late for {place}"

    def came_as_a_surprise(self, plan: CircuitPlan) -> bool:
        """True if the last run could not know that the circuit would be too slow by now."""
        last = self.diary.last
        return self.diary.disturbed_at >= last.at or plan.circuit.key in last.open

    def nobody_looked(self, plan: CircuitPlan, report: Report) -> bool:
        """True if somebody ordered in the portal since the last reading, and the next is not due yet, or was
        not to be had, which the report says of the circuit."""
        service_id = plan.circuit.service_id
        by_hand, read_at = self.diary.by_hand.get(service_id), self.company.carrier.read_at[service_id]
        if by_hand is None or read_at > by_hand:
            return False
        unread = {problem.where for problem in report.problems if problem.kind is Kind.CARRIER_UNREADABLE}
        return self.now - read_at < Settings().verify_every or plan.circuit.name in unread

    def stopped_since(self, start: datetime, report: Report) -> bool:
        """True if people's commands may have kept a circuit low at any time since."""
        return self.diary.stopped_until >= start or report.parked is not None

    def worked_between(self, start: datetime, end: datetime) -> bool:
        """True if an `exactly` window governed at any time between."""
        events = self.company.calendars["noc"].events.values()
        spans = [event.span.within(ZoneInfo("UTC")) for event in events if event.subject == "work"]
        return any(span.start <= end and span.end >= start for span in spans)

    def cannot_be_helped(self, service_id: str) -> bool:
        """What lasts on after the disturbance that began it."""
        carrier = self.company.carrier
        line = carrier.lines[service_id]
        hung = line.target is not None and line.done_at is None
        spent = carrier.arrived[self.now.date()] >= QUOTA
        return hung or spent or carrier.refuses or carrier.unreadable or carrier.strange


def told_of_events(report: Report) -> set[str]:
    return {problem.where for problem in report.problems if problem.kind in _OF_EVENTS}


TestEverything = Everything.TestCase
TestEverything.settings = settings(settings.default, stateful_step_count=30)
