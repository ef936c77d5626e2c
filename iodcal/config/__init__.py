"""The configuration: from `rules.yaml` to values. The shape in memory is here; `load` makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from iodcal.calendars import CalendarContext, CalendarPlugin
from iodcal.carriers import CarrierContext, CarrierPlugin
from iodcal.domain.budgets import MoneyBudget
from iodcal.domain.circuits import ChangeLimit, Circuit, Labels, Orders, Status
from iodcal.domain.installation import Installation
from iodcal.domain.money import UNPRICED, Tariff
from iodcal.domain.orders import OrderTimeouts
from iodcal.domain.rules import Rule
from iodcal.domain.workdays import Holidays
from iodcal.errors import Fault
from iodcal.notify import Notice, NoticeKind
from iodcal.store.address import StateAddress

if TYPE_CHECKING:
    from iodcal.config.secrets import Secret
    from iodcal.config.state_store import StateStoreSection
    from iodcal.config.usage import UsageSource
    from iodcal.notify.template import Template


class OnDrift(StrEnum):
    REPORT = "report"
    ENFORCE = "enforce"


class Settings(Struct, frozen=True):
    """The `settings` section; lengths of time are timedeltas, `group` is the ID of the group that may look at
    the state, `notify_within` how long a run waits for all its notices together, `name` the installation's
    where one is given, `state_store` how to reach the store of a shared state, `runbook` the address of the
    page for people on call, `labels` what a fleet is filtered by."""

    name: str | None = None
    state: StateAddress | None = None
    state_store: StateStoreSection | None = None
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
    metrics_file: Path | None = None
    feed_file: Path | None = None
    notify_within: timedelta = timedelta(seconds=10)
    runbook: str | None = None
    labels: Labels = ()

    @property
    def order_timeouts(self) -> OrderTimeouts:
        return OrderTimeouts(self.order_timeout, self.lost_answer_grace)


class CalendarConfig(Struct, frozen=True):
    """One entry of `calendars`, its `options` read as its plugin's section."""

    name: str
    plugin: CalendarPlugin
    options: Any
    context: CalendarContext
    site: str | None = None
    hide_subjects: bool = False


class CarrierConfig(Struct, frozen=True):
    """One entry of `carriers`, its `options` read as its plugin's section."""

    name: str
    type: str
    plugin: CarrierPlugin
    options: Any
    provisioning: timedelta
    changes_per_day: int | None
    tariff: Tariff = UNPRICED
    circuit_limits: tuple[ChangeLimit, ...] = ()
    status_words: Mapping[str, Status] = {}


class Way(StrEnum):
    """How a target is reached: the key that holds its address."""

    WEBHOOK = "webhook"
    TEAMS = "teams"
    PING = "ping"
    APPRISE = "apprise"


class NotifyTarget(Struct, frozen=True):
    """One entry of `notify`. `circuits` are the names that it selects, by name, site and label together;
    None where it selects all. The daily summary goes out from `daily_at` (local time) on."""

    name: str
    way: Way
    address: Secret
    kinds: frozenset[NoticeKind]
    circuits: frozenset[str] | None = None
    template: Template | None = None
    authorization: Secret | None = None
    daily_at: time = time(7)

    def takes(self, notice: Notice) -> bool:
        """True if `notice` is for this target. One that concerns no circuit in particular concerns all."""
        if notice.kind not in self.kinds:
            return False
        return self.circuits is None or not notice.circuits or not self.circuits.isdisjoint(notice.circuits)


def usual_name(path: Path) -> str:
    """What an installation is called that gives itself no name: as its file, or where that is `rules.yaml` as
    the folder that holds it."""
    whole = path.absolute()
    return (whole.parent.name if whole.stem == "rules" else whole.stem) or "iodcal"


class Configuration(Struct, frozen=True):
    """All that `rules.yaml` says. `zone` is where times on the command line are judged, `digest` that of
    the file's bytes, those of the file that it `extends` among them, `trusted` that nobody else can have
    written either, `microsoft365` that section. `usage` says where the use of a circuit is known, by its
    name.
    """

    path: Path
    digest: str
    zone: ZoneInfo
    settings: Settings
    calendars: Mapping[str, CalendarConfig]
    carriers: Mapping[str, CarrierConfig]
    circuits: Mapping[str, Circuit]
    rules: Sequence[Rule]
    trusted: bool = True
    extends: Path | None = None
    microsoft365: Any = None
    notify: Mapping[str, NotifyTarget] = field(default_factory=dict)
    budgets: tuple[MoneyBudget, ...] = ()
    holidays: Mapping[str, Holidays] = field(default_factory=dict)
    usage: Mapping[str, UsageSource] = field(default_factory=dict)
    _warnings: Callable[[], tuple[Fault, ...]] = tuple

    @property
    def warnings(self) -> tuple[Fault, ...]:
        """What `check` tells, worked out when it is asked for: a run has no need of it."""
        return self._warnings()

    @property
    def is_test(self) -> bool:
        """True where a carrier's environment is one for tests."""
        return any(carrier.plugin.is_test(carrier.options) for carrier in self.carriers.values())

    @property
    def name(self) -> str:
        """What the installation is called."""
        return self.settings.name or usual_name(self.path)

    @property
    def installation(self) -> Installation:
        """Which installation this is the configuration of."""
        return Installation(self.name, given=self.settings.name is not None, rules=str(self.path))

    @property
    def directory(self) -> Path:
        """Where relative paths start."""
        return self.path.parent


__all__ = [
    "CalendarConfig",
    "CarrierConfig",
    "CarrierContext",
    "Configuration",
    "NotifyTarget",
    "OnDrift",
    "Settings",
    "Way",
]
