"""The report page as values: circuits as lanes, with what was, what is asked for, and why. Times are UTC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from iodcal.analysis.cost_reasons import cause_id
from iodcal.analysis.load import load_past_before
from iodcal.analysis.past import CircuitPast, circuit_pasts, tells_of_circuits
from iodcal.analysis.service_level import verdict
from iodcal.commands.requests import PreviewRequest
from iodcal.commands.spans import PageRequest, check_page
from iodcal.commands.sync import plan
from iodcal.config import Configuration
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Cause, Change
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Circuit
from iodcal.domain.localtime import Interval
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.service_level import Readiness
from iodcal.domain.steps import Steps
from iodcal.domain.structs import replace
from iodcal.domain.timeline import Timeline
from iodcal.problems.kinds import Kind, Problem, Severity
from iodcal.problems.messages import describe, describe_recorded
from iodcal.result import Report, SourceReport
from iodcal.store.entries import HELD, Entry, Hidden, entries_of, hidden_by
from iodcal.store.history import CurtainUp, Past, Stamp
from iodcal.store.state import LastRun, State
from iodcal.store.store import store_of

# What a page may hold in all, so that it opens at once for fifty circuits too; shared among the lanes.
_MOST_BARS, _MOST_ENTRIES, _MOST_TROUBLES = 3000, 1500, 1000
_FEW = 12  # what every lane may hold, however many there are
PLANNED, DUE = "to come", "due now"
MOST_ROWS = 4  # of bars above a lane


class Block(Struct, frozen=True):
    """A level of one lane. `planned` is True right of now: there it is what is asked for, left of it what
    the carrier showed."""

    span: Interval
    level: Bandwidth
    planned: bool


class Bar(Struct, frozen=True):
    """An event above a lane: its own time, and `asks` with lead and trail. `subject` is None where it must
    not be seen; `ready` is what the last look before it found; `row` keeps bars from covering each other."""

    id: str
    event: Interval
    asks: Interval
    rule: str | None
    subject: str | None
    ready: bool | None = None
    row: int = 0


class Trouble(Struct, frozen=True):
    """A problem of one circuit, in the picture: when it began and ended (now, if it lasts)."""

    span: Interval
    message: str


class Lane(Struct, frozen=True):
    """One circuit. `entries` is what happened, `coming` the changes to come, both in order of time;
    `left_out` counts what there was no room for."""

    circuit: Circuit
    circuit_state: CircuitState
    target: Bandwidth
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
        return self.circuit_state.running


class CurrentProblem(Struct, frozen=True):
    """A problem that stands, in words."""

    id: str
    severity: Severity | None
    since: datetime | None
    message: str
    remedy: str


class Page(Struct, frozen=True):
    """All that the page shows. `zone` is that of its axis; `unreadable` counts lost lines of the history,
    `runbook` is the address of the page for people on call."""

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


def report_page(configuration: Configuration, state_path: Path, asked: PageRequest) -> Page:
    """The page, from the last run's readings and the history: nothing is asked of anybody.

    Raises UsageError, StateError.
    """
    check_page(configuration, asked)
    preview = PreviewRequest(now=asked.now, window=asked.window, circuits=asked.circuits, cached=True)
    report = plan(configuration, state_path, preview, lambda _: None)
    state = store_of(configuration, state_path).load(read_only=True)
    past = load_past_before(configuration, state_path, state.circuits, report.now - asked.far_back)
    page = page_of(report, past, state=state, hidden=hidden_by(configuration), back=asked.far_back)
    return replace(page, runbook=configuration.settings.runbook)


def page_of(report: Report, past: Past, state: State, hidden: Hidden, back: timedelta) -> Page:
    """The page: `back` to the left of now, the plan's window to the right."""
    window = Interval(report.now - back, report.window.end)
    circuit_states = (
        {plan.circuit.key: plan.circuit_state for plan in report.plans} if tells_of_circuits(past) else {}
    )
    pasts, lanes = circuit_pasts(past, circuit_states), list[Lane]()
    for one in report.plans:
        own = pasts.get(one.circuit.key, CircuitPast(one.circuit.key))
        lanes.append(_lane(one, past, own=own, window=window, report=report, hidden=hidden))
    zones = [plan.circuit.zone for plan in report.plans]
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
    )


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


def bars_of(past: Past, timeline: Timeline, over: Interval, hidden: Hidden, *, now: datetime) -> list[Bar]:
    """One bar for each event and rule that asked this circuit for something during `over`, by start; those
    that were looked at with what is known of them at `now`."""
    circuit = timeline.circuit.name
    looks = [look for look in past.preflight_checks if look.circuit == circuit]
    found: dict[str, Bar] = {}
    for bar in (*_of_looks(looks), *_of_history(past, circuit), *_of_timeline(timeline, hidden)):
        found[bar.id] = bar  # a look knows no lead and trail; what today's calendars say counts most
    results = _results(past, timeline.circuit.key, looks, now)
    shown = (replace(bar, ready=results.get(bar.id)) for bar in found.values() if bar.asks.overlaps(over))
    return sorted(shown, key=lambda bar: (bar.asks.start, bar.id))


def _results(past: Past, circuit: str, looks: Iterable[CurtainUp], now: datetime) -> dict[str, bool]:
    """Whether events were in time, by id; not where that cannot be known yet."""
    orders = [one for one in past.orders if one.order.circuit_key == circuit]
    readings = [one for one in past.readings if one.key == circuit]
    shown = CircuitPast(circuit, orders, readings).shown()
    last = {look.about.id: verdict(look, shown, now)[0] for look in looks}
    told = {Readiness.READY: True, Readiness.LATE: False}
    return {id_: told[found] for id_, found in last.items() if found in told}


def in_rows(bars: Iterable[Bar]) -> tuple[list[Bar], int]:
    """Bars, each in the first row where it covers no other; and how many found no row."""
    ends: list[Interval] = []
    placed: list[Bar] = []
    left_out = 0
    for bar in bars:
        row = next((number for number, last in enumerate(ends) if last.end <= bar.asks.start), len(ends))
        if row == MOST_ROWS:
            left_out += 1
            continue
        ends[row : row + 1] = [bar.asks]
        placed.append(replace(bar, row=row))
    return placed, left_out


def _of_history(past: Past, circuit: str) -> Iterator[Bar]:
    for order in past.orders:
        if order.order.circuit == circuit:
            yield from _of_causes(order.causes)
    for change in past.changes:
        if change.circuit == circuit:
            yield from _of_causes(change.causes)


def _of_causes(causes: Iterable[Cause]) -> Iterator[Bar]:
    for cause in causes:
        if cause.kind == "event":
            span = Interval(cause.start, cause.end)
            yield Bar(cause_id(cause), span, asks=cause.asks or span, rule=cause.rule, subject=cause.subject)


def _of_looks(looks: Iterable[CurtainUp]) -> Iterator[Bar]:
    for look in looks:
        if look.end is not None:
            span = Interval(look.start, look.end)
            yield Bar(look.about.id, span, asks=span, rule=look.rule, subject=look.subject)


def _of_timeline(timeline: Timeline, hidden: Hidden) -> Iterator[Bar]:
    for window in timeline.windows:
        demand = window.demand
        subject = None if hidden.covers(demand.calendar, demand.rule.name) else demand.subject
        yield Bar(demand.id, demand.event, asks=demand.span, rule=demand.rule.name, subject=subject)
