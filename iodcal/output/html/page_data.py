"""The report page as values: circuits as lanes, with what was, what is asked for, and why; and what they
cost. Times are UTC."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from iodcal.analysis.load import load_past_before
from iodcal.analysis.past import CircuitPast, circuit_pasts, running, tells_of_circuits
from iodcal.commands.page_costs import PageCosts, page_costs, page_costs_since
from iodcal.commands.requests import PreviewRequest, clock_of
from iodcal.commands.spans import PageRequest, check_page
from iodcal.commands.sync import plan
from iodcal.config import Configuration
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Change
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Account, Circuit
from iodcal.domain.localtime import Interval
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.steps import Steps
from iodcal.domain.structs import replace
from iodcal.domain.timeline import Timeline
from iodcal.output.html.bars import Bar, bars_of, in_rows
from iodcal.pipeline.detect import STOPPED_AFTER
from iodcal.problems.kinds import Kind, Problem, Severity
from iodcal.problems.messages import describe, describe_recorded
from iodcal.result import Report, SourceReport
from iodcal.store.address import StateAddress
from iodcal.store.entries import HELD, Entry, Hidden, entries_of, hidden_by
from iodcal.store.history import (
    CurtainUp,
    Past,
    PastChange,
    PastOrder,
    PastProblem,
    PastReading,
    Stamp,
)
from iodcal.store.state import LastRun, State
from iodcal.store.store import store_of

# What a page may hold in all, so that it opens at once for fifty circuits too; shared among the lanes.
_MOST_BARS, _MOST_ENTRIES, _MOST_TROUBLES = 3000, 1500, 1000
_FEW = 12  # what every lane may hold, however many there are
PLANNED, DUE = "to come", "due now"


class Block(Struct, frozen=True):
    """A level of one lane. `planned` is True right of now: there it is what is asked for, left of it what
    the carrier showed."""

    span: Interval
    level: Bandwidth
    planned: bool


class Trouble(Struct, frozen=True):
    """A problem of one circuit, in the picture: when it began and ended (now, if it lasts)."""

    span: Interval
    message: str


class Lane(Struct, frozen=True):
    """One circuit. `baseline` is what its schedule alone would have it at now; `entries` is what happened,
    `coming` the changes to come, both in order of time; `left_out` counts what there was no room for."""

    circuit: Circuit
    circuit_state: CircuitState
    target: Bandwidth
    baseline: Bandwidth
    blocks: tuple[Block, ...]
    bars: tuple[Bar, ...]
    troubles: tuple[Trouble, ...]
    entries: tuple[Entry, ...]
    coming: tuple[Entry, ...]
    left_out: int = 0

    @property
    def rows(self) -> int:
        """How many rows of bars there are."""
        return max((bar.row + 1 for bar in self.bars), default=0)

    @property
    def now(self) -> Bandwidth | None:
        """The level that the circuit is known to run at."""
        return running(self.circuit_state.drift, self.circuit_state.confirmed)

    @property
    def is_up(self) -> bool:
        """True where it runs above its baseline, as far as is known."""
        return self.now is not None and self.now > self.baseline


class CurrentProblem(Struct, frozen=True):
    """A problem that stands, in words."""

    id: str
    severity: Severity | None
    since: datetime | None
    message: str
    remedy: str


class Page(Struct, frozen=True):
    """All that the page shows. `zone` is that of its axis; `unreadable` counts lost lines of the history,
    `runbook` is the address of the page for people on call. `read_until` is how far ahead every calendar is
    known, `every` the longest time between two runs; `live` is False where the page shows another time than
    that of its making. `quotas` are each account's changes of this UTC day, and how many it may make."""

    now: datetime
    window: Interval
    zone: ZoneInfo
    lanes: tuple[Lane, ...]
    problems: tuple[CurrentProblem, ...]
    sources: tuple[SourceReport, ...]
    last_run: LastRun | None
    config_digest: str
    test: bool
    unreadable: int
    runbook: str | None = None
    read_until: datetime | None = None
    every: timedelta = timedelta(minutes=5)
    live: bool = False
    quotas: Mapping[Account, tuple[int, int]] = field(default_factory=dict)
    costs: PageCosts | None = None

    @property
    def unread(self) -> Interval | None:
        """The time of the page for which no calendar was read: there it knows baselines alone."""
        if self.read_until is None or self.read_until >= self.window.end:
            return None
        return Interval(max(self.read_until, self.now), self.window.end)

    @property
    def stopped(self) -> bool:
        """True where the last run is so long ago that what stands here is old."""
        age = self.now - self.last_run.started_at if self.last_run is not None else timedelta()
        return age > self.every * STOPPED_AFTER


def report_page(configuration: Configuration, state_path: StateAddress, asked: PageRequest) -> Page:
    """The page, from the last run's readings and the history: nothing is asked of anybody.

    Raises UsageError, StateError.
    """
    check_page(configuration, asked)
    _, now = clock_of(configuration, asked.now)
    ahead = asked.far_ahead(configuration.settings.window)
    preview = PreviewRequest(now=asked.now, window=ahead, circuits=asked.circuits, cached=True)
    report = plan(configuration, state_path, preview, lambda _: None)
    state = store_of(configuration, state_path).load(read_only=True)
    since = min(report.now - asked.far_back, page_costs_since(configuration, asked, now))
    past = load_past_before(configuration, state_path, state.circuits, since)
    page = page_of(report, past, state=state, hidden=hidden_by(configuration), back=asked.far_back)
    return replace(
        page,
        runbook=configuration.settings.runbook,
        every=configuration.settings.every,
        live=asked.now is None,
        costs=page_costs(
            configuration, past, state=state, state_path=state_path, asked=asked, now=report.now
        ),
    )


def page_of(report: Report, past: Past, state: State, hidden: Hidden, back: timedelta) -> Page:
    """The page: `back` to the left of now, the plan's window to the right."""
    window = Interval(report.now - back, report.window.end)
    circuit_states = (
        {plan.circuit.key: plan.circuit_state for plan in report.plans} if tells_of_circuits(past) else {}
    )
    pasts, lanes, parts = circuit_pasts(past, circuit_states), list[Lane](), _by_circuit(past)
    for one in report.plans:
        own = pasts.get(one.circuit.key, CircuitPast(one.circuit.key))
        part = parts.get(one.circuit.name, Past())
        part = replace(part, wishes=past.wishes, others=past.others)
        lanes.append(_lane(one, part, own=own, window=window, report=report, hidden=hidden))
    zones = [plan.circuit.zone for plan in report.plans]
    known = [memory.covers.end for memory in state.remembered.values()]
    return Page(
        report.now,
        window,
        zone=max(zones, key=zones.count),
        lanes=tuple(lanes),
        problems=tuple(_problems(report, state, hidden)),
        sources=report.sources,
        last_run=report.last_run,
        config_digest=report.config_digest,
        test=report.test,
        unreadable=past.unreadable,
        read_until=min(known, default=None),
        quotas=report.quotas,
    )


def _by_circuit(past: Past) -> dict[str, Past]:
    """The past, parted by the circuits' names: each lane has to look through its own only."""
    orders, changes = defaultdict[str, list[PastOrder]](list), defaultdict[str, list[PastChange]](list)
    looks, readings = defaultdict[str, list[CurtainUp]](list), defaultdict[str, list[PastReading]](list)
    problems = defaultdict[str, list[PastProblem]](list)
    for order in past.orders:
        orders[order.order.circuit].append(order)
    for change in past.changes:
        changes[change.circuit].append(change)
    for look in past.preflight_checks:
        looks[look.circuit].append(look)
    for reading in past.readings:
        readings[reading.circuit].append(reading)
    for problem in past.problems:
        problems[str(problem.facts.get("circuit"))].append(problem)
    return {
        name: Past(
            tuple(orders[name]),
            tuple(changes[name]),
            preflight_checks=tuple(looks[name]),
            readings=tuple(readings[name]),
            problems=tuple(problems[name]),
        )
        for name in {*orders, *changes, *looks, *readings, *problems}
    }


def _lane(
    plan: CircuitPlan, past: Past, *, own: CircuitPast, window: Interval, report: Report, hidden: Hidden
) -> Lane:
    circuits = len(report.plans)
    bars, left_out = in_rows(bars_of(past, plan.timeline, window, hidden, now=report.now))
    troubles = [*_troubles(plan, past, window, report.now)]
    happened = [entry for entry in entries_of(past, everything=False) if _belongs(entry, plan, window)]
    most = _share(_MOST_ENTRIES, circuits)
    shown = _share(_MOST_BARS, circuits)
    left_out += max(0, len(bars) - shown) + max(0, len(happened) - most)
    return Lane(
        plan.circuit,
        plan.circuit_state,
        target=plan.target,
        baseline=plan.circuit.sold(plan.timeline.at(report.now).baseline),
        blocks=(
            *past_blocks(own, Interval(window.start, report.now)),
            *planned_blocks(plan.timeline, Interval(report.now, window.end)),
        ),
        bars=tuple(bars[-shown:]),
        troubles=tuple(troubles[-_share(_MOST_TROUBLES, circuits) :]),
        entries=tuple(happened[-most:]),
        coming=tuple(_coming(change, report.now, hidden) for change in plan.changes[:most]),
        left_out=left_out,
    )


def past_blocks(past: CircuitPast, over: Interval) -> Iterator[Block]:
    """The levels that the carrier showed during `over`; nothing where none is known."""
    for span, level in past.shown().pieces(over):
        if level is not None:
            yield Block(span, level, planned=False)


def planned_blocks(timeline: Timeline, over: Interval) -> Iterator[Block]:
    """The levels that the timeline asks for during `over`."""
    targets = Steps.of((segment.span.start, segment.target) for segment in timeline.over(over))
    for span, level in targets.pieces(over):
        yield Block(span, level, planned=True)


def _share(most: int, circuits: int) -> int:
    return max(_FEW, most // circuits)


def _belongs(entry: Entry, plan: CircuitPlan, window: Interval) -> bool:
    return entry.concerns(plan.circuit.name) and entry.at in window


def _coming(change: Change, now: datetime, hidden: Hidden) -> Entry:
    """A change to come, in the shape of those that were; one that is due is due now."""
    return Entry(
        "plan",
        max(change.at, now),
        stamp=Stamp(now, ""),
        circuit=change.circuit,
        old=change.old,
        new=change.new,
        outcome=HELD if change.held is not None else DUE if change.due else PLANNED,
        reason=str(change.held.reason) if change.held is not None else None,
        until=change.held.until if change.held is not None else None,
        causes=hidden.causes(change.causes),
    )


def _troubles(plan: CircuitPlan, past: Past, window: Interval, now: datetime) -> Iterator[Trouble]:
    for problem in past.problems:
        if problem.facts.get("circuit") != plan.circuit.name:
            continue
        span = Interval(problem.stamp.at, problem.ended or now)
        if span.start < now and span.overlaps(window):
            yield Trouble(span, describe_recorded(problem.id, problem.facts).message)


def _problems(report: Report, state: State, hidden: Hidden) -> Iterator[CurrentProblem]:
    """What stood when the last run ended, and what the readings of then mean by now; errors first."""
    circuit_state: dict[str, CurrentProblem] = {}
    for key, told in state.told.items():
        if told.over:
            continue
        words = describe_recorded(key, hidden.facts(told.facts))
        circuit_state[key] = CurrentProblem(
            key, _severity(key), since=told.since, message=words.message, remedy=words.remedy
        )
    for problem in report.problems:
        words = describe(Problem(problem.kind, problem.where, hidden.facts(problem.facts)))
        circuit_state[problem.id] = CurrentProblem(
            problem.id, problem.severity, since=problem.since, message=words.message, remedy=words.remedy
        )
    yield from sorted(circuit_state.values(), key=lambda one: (one.severity is not Severity.ERROR, one.id))


def _severity(id_: str) -> Severity | None:
    try:
        return Problem(Kind(id_.partition(":")[0]), "").severity
    except ValueError:
        return None
