"""The configuration: from `rules.yaml` to values. The shape in memory is here; `load` makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from iodcal.calendars import CalendarContext, CalendarPlugin
from iodcal.carriers import CarrierContext, CarrierPlugin
from iodcal.domain.circuits import Circuit, Orders
from iodcal.domain.money import UNPRICED, Tariff
from iodcal.domain.orders import Patience
from iodcal.domain.rules import Rule
from iodcal.errors import Fault


class OnDrift(StrEnum):
    REPORT = "report"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class Settings:
    """The `settings` section; lengths of time are timedeltas, `group` is the ID of the group that may look at
    the state."""

    state: Path | None = None
    window: timedelta = timedelta(hours=72)
    every: timedelta = timedelta(minutes=5)
    lead: timedelta = timedelta(minutes=30)
    trail: timedelta = timedelta(minutes=10)
    min_gap: timedelta = timedelta(minutes=60)
    verify_every: timedelta = timedelta(hours=1)
    on_drift: OnDrift = OnDrift.REPORT
    order_timeout: timedelta = timedelta(minutes=20)
    lost_answer_grace: timedelta = timedelta(minutes=15)
    max_unplanned_downs: int = 3
    quota_reserve: int = 4
    orders: Orders = Orders.ALL
    organizers: tuple[str, ...] | None = None
    hide_subjects: bool = False
    history_keep: timedelta = timedelta(days=400)
    group: int | None = None

    @property
    def patience(self) -> Patience:
        return Patience(self.order_timeout, self.lost_answer_grace)


@dataclass(frozen=True, slots=True)
class CalendarConfig:
    """One entry of `calendars`, its `options` checked by its plugin's model."""

    name: str
    plugin: CalendarPlugin
    options: Any
    context: CalendarContext
    site: str | None = None
    hide_subjects: bool = False


@dataclass(frozen=True, slots=True)
class CarrierConfig:
    """One entry of `carriers`, its `options` checked by its plugin's model."""

    name: str
    type: str
    plugin: CarrierPlugin
    options: Any
    provisioning: timedelta
    changes_per_day: int | None
    tariff: Tariff = UNPRICED


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that `rules.yaml` says. `zone` is where times on the command line are judged, `digest` that of
    the file's bytes, `warnings` what `check` tells, `trusted` that nobody else can have written the file,
    `microsoft365` that section.
    """

    path: Path
    digest: str
    zone: ZoneInfo
    settings: Settings
    calendars: Mapping[str, CalendarConfig]
    carriers: Mapping[str, CarrierConfig]
    circuits: Mapping[str, Circuit]
    rules: Sequence[Rule]
    warnings: tuple[Fault, ...] = field(default=())
    trusted: bool = True
    microsoft365: Any = None

    @property
    def directory(self) -> Path:
        """Where relative paths start."""
        return self.path.parent


__all__ = [
    "CalendarConfig",
    "CarrierConfig",
    "CarrierContext",
    "Configuration",
    "OnDrift",
    "Settings",
]
