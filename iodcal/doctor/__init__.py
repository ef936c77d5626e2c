"""Trying each configured thing for real, and read-only. What is found is a value; the words are elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from msgspec import Struct, field

from iodcal.config import Configuration
from iodcal.domain.structs import Fact
from iodcal.errors import IodcalError
from iodcal.exits import Exit
from iodcal.http import Deadline
from iodcal.problems.kinds import Kind
from iodcal.store.address import StateAddress


class CheckStatus(StrEnum):
    """How a thing stands; INFO is neither good nor bad."""

    GREEN = "green"
    INFO = "info"
    YELLOW = "yellow"
    RED = "red"


class Area(StrEnum):
    """What was tried, in the order in which it is shown."""

    CONFIGURATION = "configuration"
    SECRETS = "secrets"
    LOGIN = "login"
    PERMISSIONS = "permissions"
    CALENDARS = "calendars"
    CIRCUITS = "circuits"
    CLOCK = "clock"
    STATE = "state"
    RUNS = "runs"
    METRICS = "metrics"
    NOTICES = "notices"


class Diagnosis(Struct, frozen=True):
    """One thing that was tried at `where`. `code` and `facts` choose the words; `edge` says in whose table
    they stand where the fault is one that a run would meet, too. `unquoted` names the tiers for which it let
    no quote come."""

    area: Area
    where: str
    light: CheckStatus
    code: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    edge: Kind | None = None
    unquoted: str = ""

    @classmethod
    def of(cls, area: Area, where: str, light: CheckStatus, error: IodcalError, edge: Kind) -> Diagnosis:
        """What an error of a calendar's or a carrier's edge comes to."""
        return cls(area, where, light=light, code=error.code, facts=error.facts, edge=edge)


class Examination(Struct, frozen=True):
    """All that was found. It is complete where everything could be tried in the time there was."""

    findings: tuple[Diagnosis, ...]

    @property
    def complete(self) -> bool:
        return not any(
            finding.code in ("deadline", "not_tried", "quotes_untried", "untried")
            for finding in self.findings
        )

    @property
    def exit(self) -> Exit:
        """1 where not everything could be tried, 3 where something is red, else 0."""
        if not self.complete:
            return Exit.FAILED
        return Exit.PROBLEM if self.count(CheckStatus.RED) else Exit.OK

    def count(self, light: CheckStatus) -> int:
        return sum(finding.light is light for finding in self.findings)


class DoctorContext(Struct, frozen=True):
    """What is examined, and with what: `now` is UTC, `root` where the system's own files are looked for."""

    configuration: Configuration
    state_path: StateAddress
    now: datetime
    deadline: Deadline
    progress: Callable[[str], None]
    root: Path = Path("/")
