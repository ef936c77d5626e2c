"""A company in memory: two calendars, two circuits, their carrier; all of it able to fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from iodcal.calendars import CalendarContext
from iodcal.carriers import CarrierContext, OrderRequest
from iodcal.config import CalendarConfig, CarrierConfig, Configuration, Settings
from iodcal.config.forms import Section
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Account, Baseline, Circuit, Quote, Reading, Status
from iodcal.domain.conditions import Conditions
from iodcal.domain.events import CalendarReading, Event, Source, Timed
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import GATEWAY_ANSWERED
from iodcal.domain.rules import Mode, Rule
from iodcal.domain.structs import replace
from iodcal.domain.text_match import Keyword
from iodcal.errors import (
    AnswerLostError,
    CalendarError,
    CarrierError,
    ChangePendingError,
    OrderNotSentError,
    OrderRefusedError,
    QuotaExceededError,
)
from iodcal.http import Deadline

START = datetime(2026, 11, 24, 20, tzinfo=UTC)  # a day's quota ends after four hours
EVERY, LEAD, TRAIL, PROVISIONING, MIN_GAP = 5, 30, 10, 4, 60  # minutes
GRACE, TIMEOUT, QUOTA = 15, 20, 24
LOW, MIDDLE, HIGH = 100, 500, 1000
ELSEWHERE = 300  # no tier
TIERS = tuple(Bandwidth(mbps) for mbps in (LOW, MIDDLE, HIGH))
ACCOUNT, SECOND = (Account("memory", "memory:", number) for number in "12")
SOURCES = {name: Source(f"memory:{name}", name, name) for name in ("noc", "company")}


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@dataclass
class Line:
    """A circuit at its carrier. `target` is under way until `done_at`; None for `done_at`: it never ends
    by itself. `comes_up_at` is where it leads, if that is another bandwidth.
    `fails` brings it back where it was. `shown_late` is until when readings show the past."""

    bandwidth: int = LOW
    target: int | None = None
    done_at: datetime | None = None
    fails: bool = False
    comes_up_at: int | None = None
    shown_late: datetime | None = None
    before: int = LOW


@dataclass
class MemoryCarrier:
    """As strict as a carrier, and it counts. `duplicates` are orders for what was already so; `calls` is what
    it was asked, in order, and `patience` how many seconds were left for each call."""

    now: datetime = START
    lines: dict[str, Line] = field(default_factory=lambda: {"a": Line(), "b": Line()})
    next_order: str = "fine"
    unreadable: bool = False
    strange: bool = False
    refuses: bool = False  # every order, until it does no more
    always: dict[str, str] = field(default_factory=dict)  # by service ID, what becomes of every order
    words: str = "no"  # of a refusal
    counts_refused: bool = False  # against the quota
    taken: list[tuple[datetime, str, int, int]] = field(default_factory=list)
    external_ids: Counter[str] = field(default_factory=Counter)
    arrived: Counter[date] = field(default_factory=Counter)
    duplicates: list[str] = field(default_factory=list)
    clock_error: float | None = None
    lags: bool = False  # readings after any order show the past for a while
    read_at: dict[str, datetime] = field(default_factory=dict)  # by service ID, the last reading given
    account: Account = ACCOUNT
    price: Decimal | None = None  # per hour, of any bandwidth
    calls: list[str] = field(default_factory=list)
    patience: list[float] = field(default_factory=list)
    requests: list[OrderRequest] = field(default_factory=list)
    context: CarrierContext | None = None
    options: object = None

    def settle(self) -> None:
        for line in self.lines.values():
            if line.target is not None and line.done_at is not None and self.now >= line.done_at:
                if not line.fails:
                    line.before, line.bandwidth = line.bandwidth, line.comes_up_at or line.target
                line.target = line.done_at = None

    def _called(self, what: str, deadline: Deadline) -> None:
        self.calls.append(what)
        self.patience.append(deadline.left)

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        self._called(f"read {service_id}", deadline)
        if self.unreadable:
            raise CarrierError("refused", status=503, message="maintenance")
        self.settle()
        self.read_at[service_id] = self.now
        line = self.lines[service_id]
        if self.strange:
            return Reading(self.now, Status.UNKNOWN, Bandwidth(line.bandwidth), "Suspended")
        if line.shown_late is not None and self.now < line.shown_late:
            return Reading(self.now, Status.ACTIVE, Bandwidth(line.before))
        status = Status.ACTIVE if line.target is None else Status.PENDING
        return Reading(self.now, status, Bandwidth(line.bandwidth))

    def quote(self, service_id: str, bandwidth: Bandwidth, deadline: Deadline) -> Quote:
        self._called(f"quote {service_id} {bandwidth.mbps}", deadline)
        if self.next_order == "no_quote":
            self.next_order = "fine"
            raise CarrierError("refused", status=500, message="no quote today")
        return Quote(f"{service_id}/{bandwidth.mbps}", bandwidth, self.now, self.price)

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:
        self._called(f"order {request.service_id} {request.new.mbps}", deadline)
        self.requests.append(request)
        fault, self.next_order = self.next_order, "fine"
        fault = self.always.get(request.service_id, fault)
        if fault == "not_sent":
            raise OrderNotSentError("not_sent", host="memory", reason="refused")
        if fault == "lost_before":
            raise AnswerLostError("answer_lost", reason="gone")
        if fault == "gateway":
            raise AnswerLostError(GATEWAY_ANSWERED, reason="status 504, upstream timed out")
        if fault == "refused" or self.refuses:
            self.arrived[self.now.date()] += self.counts_refused
            raise OrderRefusedError("refused", status=400, message=self.words)
        if fault == "pending":
            raise ChangePendingError("change_pending", service_id=request.service_id)
        self._take(request, fault)
        if fault in ("lost_after", "lost_after_lagging"):
            raise AnswerLostError("answer_lost", reason="gone")
        return Acceptance(self.now, f"order-{len(self.taken)}")

    def _take(self, request: OrderRequest, fault: str) -> None:
        self.settle()
        line, new = self.lines[request.service_id], request.new.mbps
        if line.target is not None:
            raise ChangePendingError("change_pending", service_id=request.service_id)
        if self.arrived[self.now.date()] >= QUOTA:
            raise QuotaExceededError("quota_exceeded", account="1")
        self.arrived[self.now.date()] += 1
        self.external_ids[request.external_id] += 1
        if new == line.bandwidth:
            self.duplicates.append(f"{request.service_id} to {new} at {self.now:%H:%M}")
        self.taken.append((self.now, request.service_id, line.bandwidth, new))
        line.before, line.target, line.fails = line.bandwidth, new, fault == "fails"
        line.comes_up_at = ELSEWHERE if fault == "elsewhere" else None
        line.done_at = None if fault == "stuck" else self.now + minutes(PROVISIONING)
        if self.lags or fault in ("lagging", "lost_after_lagging"):
            line.shown_late = self.now + minutes(GRACE - 2)


@dataclass
class MemoryCalendar:
    """One calendar; `failing` is as if its server were away, `clock_error` what its Date says."""

    source: Source
    events: dict[str, Event] = field(default_factory=dict)
    failing: bool = False
    missing: str | None = None
    clock_error: float | None = None
    now: datetime = START
    id: str | None = None

    @property
    def group(self) -> str:
        return self.source.key

    def read(self, window: Interval, deadline: Deadline) -> CalendarReading:  # noqa: ARG002
        if self.failing:
            raise CalendarError("refused", status=503, message="away")
        missing, self.missing = self.missing, None
        found = tuple(
            event
            for event in self.events.values()
            if event.uid != missing and event.span.start < window.end and event.span.end > window.start
        )
        return CalendarReading(
            self.source, window, self.now, found, clock_error=self.clock_error, calendar_id=self.id
        )


@dataclass(frozen=True)
class _CalendarPlugin:
    calendar: MemoryCalendar

    @property
    def Options(self) -> type[Section]:  # noqa: N802 - the protocol's
        return Section

    def sources(self, name: str, options: Any, context: CalendarContext) -> Sequence[Source]:  # noqa: ARG002
        return (self.calendar.source,)

    def readers(self, name: str, options: Any, context: CalendarContext) -> Sequence[MemoryCalendar]:  # noqa: ARG002
        return (self.calendar,)


class _CarrierPlugin:
    virtual = True
    default_provisioning = minutes(PROVISIONING)
    default_changes_per_day: int | None = QUOTA

    def __init__(self, carrier: MemoryCarrier) -> None:
        self.carrier = carrier

    @property
    def Options(self) -> type[Section]:  # noqa: N802 - the protocol's
        return Section

    def is_test(self, options: Any) -> bool:  # noqa: ARG002 - the protocol's
        return False

    def account(self, options: Any, context: CarrierContext) -> Account:  # noqa: ARG002
        return self.carrier.account

    def create(self, options: Any, context: CarrierContext) -> MemoryCarrier:
        self.carrier.options, self.carrier.context = options, context
        return self.carrier


@dataclass
class Company:
    """What the configuration says now, over calendars and carriers that live on. `second` is the carrier of
    another account, for the circuits it has lines of; `special` sets circuits apart, by service ID."""

    carrier: MemoryCarrier = field(default_factory=MemoryCarrier)
    calendars: dict[str, MemoryCalendar] = field(
        default_factory=lambda: {name: MemoryCalendar(source) for name, source in SOURCES.items()}
    )
    names: dict[str, str] = field(default_factory=lambda: {"a": "den-a", "b": "lon-a"})
    trail: int = TRAIL
    second: MemoryCarrier | None = None
    settings: Settings = field(default_factory=lambda: Settings(every=minutes(EVERY)))
    special: dict[str, dict[str, Any]] = field(default_factory=dict)

    def at(self, now: datetime) -> None:
        """Everybody's clock shows `now`."""
        for carrier in self.carriers.values():
            carrier.now = now
        for calendar in self.calendars.values():
            calendar.now = now

    @property
    def carriers(self) -> dict[str, MemoryCarrier]:
        """The carriers, by name."""
        return {"memory": self.carrier} | ({"second": self.second} if self.second is not None else {})

    def configuration(self) -> Configuration:
        circuits = {circuit.name: circuit for circuit in self._circuits()}
        return Configuration(
            path=Path("rules.yaml"),
            digest="sha256:memory",
            zone=ZoneInfo("UTC"),
            settings=self.settings,
            calendars={
                name: CalendarConfig(name, _CalendarPlugin(calendar), None, CalendarContext(Path()))
                for name, calendar in self.calendars.items()
            },
            carriers={name: _carrier_config(name, carrier) for name, carrier in self.carriers.items()},
            circuits=circuits,
            rules=tuple(self._rules(circuits)),
        )

    def _circuits(self) -> Iterator[Circuit]:
        homes = {service_id: name for name, carrier in self.carriers.items() for service_id in carrier.lines}
        for service_id, name in self.names.items():
            home = homes[service_id]
            circuit = Circuit(
                name=name,
                service_id=service_id,
                carrier=home,
                account=self.carriers[home].account,
                zone=ZoneInfo("UTC"),
                tiers=TIERS,
                baseline=Baseline(TIERS[0]),
                provisioning=minutes(PROVISIONING),
                changes_per_day=QUOTA,
            )
            yield replace(circuit, **self.special.get(service_id, {}))

    def _rules(self, circuits: Mapping[str, Circuit]) -> Iterator[Rule]:
        both, first = tuple(circuits), (self.names["a"],)
        lead, trail = minutes(LEAD), minutes(self.trail)
        hands, work = Conditions(subject=(Keyword("hands"),)), Conditions(subject=(Keyword("work"),))
        other = Conditions(not_subject=(Keyword("work"),))
        yield Rule("hands", {"company": both}, TIERS[2], hands, lead=lead, trail=trail)
        yield Rule("noc", {"noc": first}, TIERS[1], other, lead=lead, trail=trail)
        yield Rule("work", {"noc": first}, TIERS[0], work, Mode.EXACTLY, priority=10)


def _carrier_config(name: str, carrier: MemoryCarrier) -> CarrierConfig:
    return CarrierConfig(
        name, "memory", _CarrierPlugin(carrier), f"options of {name}", minutes(PROVISIONING), QUOTA
    )


def event_of(calendar: str, uid: str, start: datetime, length: int, subject: str) -> Event:
    """An event of so many minutes."""
    return Event(SOURCES[calendar], uid, uid, Timed(start, start + minutes(length)), subject)


def moved(event: Event, by: int) -> Event:
    """The same event, later by so many minutes."""
    span = event.span
    return replace(event, span=Timed(span.start + minutes(by), span.end + minutes(by)))
