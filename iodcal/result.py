"""What a command found out and did: values that rendering turns into text or JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from iodcal.domain.circuits import Account
from iodcal.domain.events import MatchedEvent, Source
from iodcal.domain.holds import Parked, Pause, Skip
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import Order
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.unmatched import Unmatched
from iodcal.errors import Fault
from iodcal.exits import Exit
from iodcal.problems.at_risk import PreflightCheck
from iodcal.problems.kinds import Problem, Severity
from iodcal.store.state import LastRun


class SourceReport(Struct, frozen=True):
    """One source in this run. `read_at` (UTC) is None where it was never read; `events` counts what the
    reading held, or what is remembered of it; `refused` are matching events of foreign organizers."""

    source: Source
    read_at: datetime | None
    remembered: bool
    events: int
    matched: int
    refused: tuple[MatchedEvent, ...] = ()


class TargetReport(Struct, frozen=True):
    """How notices fare at one target: how many messages this run `sent`, how many notices wait, when the
    last message arrived, since when none does and why. Times are UTC."""

    target: str
    sent: int
    waiting: int
    delivered_at: datetime | None
    failing_since: datetime | None
    fault: str


class Report(Struct, frozen=True):
    """The result of `plan`, `sync` or `status`. Times are UTC.

    `orders` are those placed, or settled, in this run, in that order. `test` is True where any carrier's
    environment is a test one. `cached` is True where nothing was read and the last run's readings serve.
    With `due_only` only what is due is shown, though all is planned. `unmatched` is None unless it was asked
    for; `pause` and `parked` are what somebody asked for all circuits, `skips` events that do not count.
    `untaken` are titles that no rule took: for a daily summary, never stored. `quotas` are the changes that
    an account has used of this UTC day, and how many it may.
    """

    command: str
    run_id: str
    now: datetime
    window: Interval
    config_digest: str
    sources: tuple[SourceReport, ...]
    plans: tuple[CircuitPlan, ...]
    orders: tuple[Order, ...] = ()
    problems: tuple[Problem, ...] = ()
    last_run: LastRun | None = None
    test: bool = False
    cached: bool = False
    detailed_exitcode: bool = False
    due_only: bool = False
    waited_out: bool = False
    config_path: str = ""
    faults: tuple[Fault, ...] = ()
    lost_state: tuple[str, ...] = field(default=())
    unmatched: Unmatched | None = None
    pause: Pause | None = None
    parked: Parked | None = None
    skips: tuple[Skip, ...] = ()
    preflight_checks: tuple[PreflightCheck, ...] = ()
    untaken: tuple[str, ...] = ()
    quotas: Mapping[Account, tuple[int, int]] = field(default_factory=dict)
    notices: tuple[TargetReport, ...] = ()

    @property
    def shown(self) -> tuple[CircuitPlan, ...]:
        """The plans that are to be seen: with `due_only` those of circuits that have a change due."""
        return tuple(plan for plan in self.plans if plan.due is not None or not self.due_only)

    @property
    def zone(self) -> ZoneInfo:
        """Whose times the heading shows: the first circuit's."""
        return self.plans[0].circuit.zone if self.plans else ZoneInfo("UTC")

    @property
    def exit(self) -> Exit:
        """The exit status that this result asks for."""
        if self.faults:
            return Exit.CONFIGURATION
        if self.lost_state:
            return Exit.FAILED
        if self.waited_out or any(problem.severity is Severity.ERROR for problem in self.problems):
            return Exit.PROBLEM
        if self.detailed_exitcode and any(plan.to_order is not None for plan in self.plans):
            return Exit.CHANGES_DUE
        return Exit.OK

    @property
    def digest(self) -> str:
        """Names the changes that are due and not held back, so that a reviewed plan can be recognised."""
        return changes_digest(self.plans)


def changes_digest(plans: Iterable[CircuitPlan]) -> str:
    """SHA-256 over the sorted (account, service ID, from, to) of the changes due and not held back."""
    rows = sorted(
        (plan.circuit.account.number, plan.circuit.service_id, change.old.mbps, change.new.mbps)
        for plan in plans
        if (change := plan.to_order) is not None
    )
    return "sha256:" + hashlib.sha256(json.dumps(rows).encode()).hexdigest()
