"""Runs for the company in memory, at minutes after `START`, on a disk that may refuse to write."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from iodcal.commands.requests import SyncRequest
from iodcal.commands.sync import finish
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.orders import BootTime, Order
from iodcal.domain.structs import replace
from iodcal.errors import StateError
from iodcal.http import Deadline
from iodcal.pipeline.alerts import AlertDecision
from iodcal.pipeline.context import Request, RunContext
from iodcal.pipeline.journal import Journal
from iodcal.pipeline.run import run
from iodcal.result import Report
from iodcal.store.state import State
from tests.machine.world import SECOND, START, Company, Line, MemoryCarrier, event_of, minutes

NEVER = Deadline(math.inf)
TIMER = SyncRequest(terminal=False)


def at(minute: float) -> datetime:
    return START + minutes(minute)


def minute_of(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - START) / timedelta(minutes=1)


class Disk:
    """State and history in memory. `happened` is what was written, and in which order. Of its writes those
    whose numbers, from 0 on, are in `refuses` find no space left. `elsewhere` is the other place, None where
    there is none either."""

    def __init__(self, happened: list[str]) -> None:
        self.state = State()
        self.lines: list[dict[str, Any]] = []
        self.happened = happened
        self.refuses: Container[int] = ()
        self.writes = 0
        self.elsewhere: str | None = "/elsewhere"
        self.saved_elsewhere: State | None = None

    @property
    def history(self) -> Disk:
        return self

    def load(self, *, read_only: bool = False) -> State:  # noqa: ARG002 - the protocol's
        return self.state

    def save(self, state: State) -> None:
        self._write("save")
        self.state = state

    def save_answer(self, state: State, order: Order) -> None:  # noqa: ARG002 - the protocol's
        self.save(state)

    def claim(self) -> None:
        """Nobody else is here."""

    may_order = True

    def save_elsewhere(self, state: State) -> str | None:
        self.saved_elsewhere = state
        return self.elsewhere

    def append(self, kind: str, *, at: datetime, run_id: str, **facts: Any) -> None:
        self._write(f"note {kind}")
        self.lines.append({"kind": kind, "at": at, "run_id": run_id, **facts})

    def rotate(self, now: datetime, keep: timedelta) -> None:
        """There is no file that could be old."""

    def _write(self, what: str) -> None:
        number, self.writes = self.writes, self.writes + 1
        if number in self.refuses:
            raise StateError("unwritable", path="state.json", reason="No space left on device")
        self.happened.append(what)


def one_circuit(**special: Any) -> Company:
    """A company with den-a only."""
    return Company(names={"a": "den-a"}, special={"a": special})


def two_accounts() -> Company:
    """den-a and lon-a of one account, ams-a of another."""
    second = MemoryCarrier(lines={"c": Line()}, account=SECOND)
    return Company(names={"a": "den-a", "b": "lon-a", "c": "ams-a"}, second=second)


@dataclass
class Office:
    """A company, and iodcal at work for it. `telling` is what the last run told, `boot` the clock that nobody
    sets."""

    company: Company = field(default_factory=one_circuit)
    disk: Disk = field(init=False)
    boot: BootTime | None = None
    runs: int = 0
    telling: AlertDecision | None = None

    def __post_init__(self) -> None:
        self.disk = Disk(self.carrier.calls)

    @property
    def carrier(self) -> MemoryCarrier:
        return self.company.carrier

    def meets(self, subject: str, start: float, length: int, calendar: str = "noc", uid: str = "") -> None:
        """A meeting, by minutes. Of `noc` it asks for 500 Mbps on den-a, as `work` for exactly 100 Mbps; of
        `company` as `hands` for 1 Gbps on every circuit."""
        uid = uid or subject
        self.company.calendars[calendar].events[uid] = event_of(calendar, uid, at(start), length, subject)

    def run(self, minute: float, **asked: Any) -> Report:
        """What the timer does at `minute`; `asked` are fields of the request."""
        self.company.at(at(minute))
        self.runs += 1
        configuration = self.company.configuration()
        request = Request("sync", at(minute), configuration.settings.window, f"run-{self.runs}", **asked)
        journal = self.journal(minute, run_id=request.run_id)
        around = RunContext(lambda: at(minute), NEVER, NEVER, lambda _: None, lambda: self.boot)
        report = run(configuration, self.disk.load(), request=request, context=around, journal=journal)
        self.telling = finish(journal, report, TIMER, timedelta(days=400))
        return replace(report, lost_state=tuple(journal.lost))

    def plan(self, minute: float) -> Report:
        """What a run at `minute` would do."""
        self.company.at(at(minute))
        configuration = self.company.configuration()
        request = Request("plan", at(minute), configuration.settings.window, "look")
        around = RunContext(lambda: at(minute), NEVER, NEVER, lambda _: None, lambda: self.boot)
        return run(configuration, self.disk.load(), request=request, context=around)

    def journal(self, minute: float, run_id: str = "run") -> Journal:
        return Journal(self.disk, self.disk.load(), run_id, lambda: at(minute), stamp={"iodcal": "test"})

    def circuit_state(self, service_id: str = "a") -> CircuitState:
        """What is on disk of a circuit."""
        return self.disk.state.circuits[f"memory|memory:|1|{service_id}"]

    def change(self, service_id: str = "a", **fields: Any) -> None:
        """Changes what is on disk of a circuit."""
        circuit_state = replace(self.circuit_state(service_id), **fields)
        circuits = {**self.disk.state.circuits, circuit_state.key: circuit_state}
        self.disk.state = replace(self.disk.state, circuits=circuits)

    def noted(self, kind: str) -> list[dict[str, Any]]:
        """The history's lines of a kind."""
        return [line for line in self.disk.lines if line["kind"] == kind]

    def used(self) -> dict[str, int]:
        """How many changes each account has used of the day it was last ordered from."""
        return {number: quota.used for (_, number), quota in self.disk.state.quotas.items()}

    def in_the_portal(self, mbps: int, service_id: str = "a") -> None:
        """A person changes a circuit by hand."""
        self.carrier.lines[service_id] = Line(mbps)


def outcomes(report: Report) -> list[tuple[str, str]]:
    """What became of orders in a run."""
    return [(order.circuit, str(order.outcome)) for order in report.orders]


def kinds(report: Report) -> set[str]:
    """The kinds of problems, but for the timer, which stands still between the minutes of a test."""
    return {str(problem.kind) for problem in report.problems} - {"late_run"}


def held(report: Report) -> dict[str, str]:
    """Why due changes wait, by circuit."""
    dues = {plan.circuit.name: plan.due for plan in report.plans}
    return {name: str(due.held.reason) for name, due in dues.items() if due is not None and due.held}
