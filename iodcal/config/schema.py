"""The shape of `rules.yaml`: every key, what it takes, what it is when it is not given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from iodcal.config import OnDrift
from iodcal.config.fields import (
    WANTED,
    BusinessDays,
    Currency,
    Days,
    EndOfDay,
    GroupId,
    HolidaysAsSunday,
    Keywords,
    Length,
    OrganizerList,
    Pattern,
    PositiveLength,
    Price,
    Prices,
    Rate,
    Rates,
    StartOfDay,
    Strict,
    Text,
    Texts,
    Zone,
    kind_of,
    nearest,
    one_of,
    rate,
    shape,
)
from iodcal.config.holidays import HolidaysSection
from iodcal.config.microsoft365 import Microsoft365
from iodcal.config.notify import NotifySection
from iodcal.domain.circuits import Orders
from iodcal.domain.money import Billing
from iodcal.domain.rules import Allow, FromEvent, Highest, Mode, Wanted


def _subjects(value: object) -> bool:
    if value not in ("show", "hide"):
        raise ValueError(f"{kind_of(value)} is not one of show, hide")
    return value == "hide"


def _wanted(value: object) -> object:
    words = {"highest": Highest.HIGHEST, "from_event": FromEvent.FROM_EVENT}
    if isinstance(value, str) and value in words:
        return words[value]
    if isinstance(value, str) and value.replace("_", "").replace("-", "").isalpha():
        raise ValueError(
            f"{value!r} is neither a bandwidth nor one of highest, from_event{nearest(value, words)}"
        )
    return rate(value)


Hidden = Annotated[bool, BeforeValidator(_subjects), WithJsonSchema({"enum": ["show", "hide"]})]
Count = Annotated[int, Field(ge=0, le=100_000, strict=True)]


class SettingsSection(Strict):
    state: Text | None = None
    window: PositiveLength = timedelta(hours=72)
    every: PositiveLength = timedelta(minutes=5)
    lead: Length = timedelta(minutes=30)
    trail: Length = timedelta(minutes=10)
    min_gap: Length = timedelta(minutes=60)
    verify_every: PositiveLength = timedelta(hours=1)
    on_drift: Annotated[OnDrift, one_of(OnDrift)] = OnDrift.REPORT
    order_timeout: PositiveLength = timedelta(minutes=20)
    lost_answer_grace: PositiveLength = timedelta(minutes=15)
    max_unplanned_downs: Count = 3
    quota_reserve: Count = 4
    orders: Annotated[Orders, one_of(Orders)] = Orders.ALL
    organizers: OrganizerList | None = None
    subjects: Hidden = False
    history_keep: PositiveLength = timedelta(days=400)
    group: GroupId | None = None
    holidays: Text | None = None
    metrics_file: Text | None = None
    notify_within: PositiveLength = timedelta(seconds=10)


class SiteSection(Strict):
    timezone: Zone | None = None
    holidays: Text | None = None
    labels: Mapping[Text, Text] = {}


class CalendarSection(Strict):
    """The keys that every calendar has; the others are its kind's."""

    site: Text | None = None
    subjects: Hidden = False


class CarrierSection(Strict):
    """The keys that every carrier has; the others are its type's."""

    provisioning: PositiveLength | None = None
    changes_per_day: Annotated[int, Field(ge=1, le=100_000, strict=True)] | None = None
    rates: Prices | None = None
    currency: Currency | None = None
    billing: Annotated[Billing, one_of(Billing)] = Billing.MINUTE


class PeakSection(Strict):
    days: Days = frozenset()
    business_days: BusinessDays = frozenset()
    holidays: HolidaysAsSunday = False
    start: StartOfDay = Field(alias="from")
    end: EndOfDay = Field(alias="to")
    bandwidth: Rate

    @model_validator(mode="after")
    def _some_days(self) -> PeakSection:
        if not self.days and not self.business_days:
            raise ValueError("a peak needs days or business_days")
        return self


class BaselineSection(Strict):
    off_peak: Rate
    peaks: tuple[PeakSection, ...] = ()


def _baseline(value: object) -> object:
    """A baseline stands inline, or by its name."""
    return value if isinstance(value, dict) else {"name": value}


class BaselineUse(Strict):
    """Where a circuit says which baseline it has."""

    name: Text | None = None
    off_peak: Rate | None = None
    peaks: tuple[PeakSection, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> BaselineUse:
        if self.name is None and self.off_peak is None:
            raise ValueError("a baseline is a name from `baselines`, or has an off_peak of its own")
        return self


class CircuitSection(Strict):
    """A circuit's keys; `defaults.circuit` has the same. What is not given there is missing here."""

    site: Text | None = None
    timezone: Zone | None = None
    holidays: Text | None = None
    service_id: Text | None = None
    carrier: Text | None = None
    tiers: Rates | None = None
    baseline: (
        Annotated[BaselineUse, BeforeValidator(_baseline, json_schema_input_type=Text | BaselineSection)]
        | None
    ) = None
    floor: Rate | None = None
    ceiling: Rate | None = None
    orders: Annotated[Orders, one_of(Orders)] | None = None
    rates: Prices | None = None
    currency: Currency | None = None
    max_price_per_hour: Price | None = None
    labels: Mapping[Text, Text] = {}


class DefaultsSection(Strict):
    circuit: CircuitSection = Field(default_factory=CircuitSection)


class MatchSection(Strict):
    subject: Keywords = ()
    subject_regex: Pattern | None = None
    not_subject: Keywords = ()
    location: Keywords = ()
    categories: Texts = ()
    organizer: OrganizerList = ()
    show_as: Texts = ()
    sensitivity: Texts = ()
    online_meeting: Annotated[bool, Field(strict=True)] | None = None
    min_attendees: Annotated[int, Field(ge=1, le=100_000, strict=True)] | None = None
    all_day: Annotated[bool, Field(strict=True)] | None = None
    longer_than: Length | None = None
    shorter_than: PositiveLength | None = None
    days: Days = frozenset()
    start_from: StartOfDay | None = Field(default=None, alias="from")
    start_to: EndOfDay = Field(default=None, alias="to")
    business_days: BusinessDays = frozenset()
    holidays: HolidaysAsSunday = False

    @model_validator(mode="after")
    def _some_days(self) -> MatchSection:
        if self.holidays and not self.days and not self.business_days:
            raise ValueError("holidays: as_sunday needs days or business_days, which it is about")
        return self


class NamedInEvent(Strict):
    """The circuits that an event must name, and among which it may: names, `all` or `same_site`."""

    named_in_event: Texts


# The tags in brackets are for pydantic, and are not shown as part of a key's path.
CircuitChoice = Annotated[
    Annotated[Texts, Tag("[list]")] | Annotated[NamedInEvent, Tag("[named]")],
    Discriminator(lambda value: "[named]" if isinstance(value, (dict, NamedInEvent)) else "[list]"),
]


class RuleSection(Strict):
    name: Text
    calendars: Texts
    match: MatchSection = Field(default_factory=MatchSection)
    circuits: CircuitChoice
    bandwidth: Annotated[Any, BeforeValidator(_wanted), shape(WANTED, example="highest")] = None
    mode: Annotated[Mode, one_of(Mode)] = Mode.AT_LEAST
    priority: Annotated[int, Field(ge=-99, le=99, strict=True)] = 0
    lead: Length | None = None
    trail: Length | None = None
    allow: Annotated[Allow, one_of(Allow)] | None = None
    max_price_per_hour: Price | None = None
    labels: Mapping[Text, Text] = {}

    @property
    def wanted(self) -> Wanted | None:
        """The bandwidth, as the core has it."""
        wanted: Wanted | None = self.bandwidth
        return wanted


class BudgetSection(Strict):
    monthly: Price
    label: Text | None = None
    value: Text | None = None
    currency: Currency | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> BudgetSection:
        if not self.monthly:
            raise ValueError("a budget is more than nothing")
        if self.value is not None and self.label is None:
            raise ValueError("value needs a label")
        return self


def _one_or_more(value: object) -> object:
    return value if isinstance(value, list) else [value]


Budgets = Annotated[
    tuple[BudgetSection, ...],
    BeforeValidator(_one_or_more, json_schema_input_type=BudgetSection | tuple[BudgetSection, ...]),
]


class File(Strict):
    """The whole file. Calendars and carriers are checked by their kinds' own models."""

    version: Annotated[int, Field(strict=True)]
    timezone: Zone
    settings: SettingsSection = Field(default_factory=SettingsSection)
    microsoft365: Microsoft365 | None = None
    sites: Mapping[Text, SiteSection] = {}
    holidays: Mapping[Text, HolidaysSection] = {}
    calendars: Mapping[Text, dict[str, Any]] = {}
    carriers: Mapping[Text, dict[str, Any]] = {}
    baselines: Mapping[Text, BaselineSection] = {}
    defaults: DefaultsSection = Field(default_factory=DefaultsSection)
    circuits: Mapping[Text, CircuitSection] = {}
    rules: tuple[RuleSection, ...] = ()
    notify: Mapping[Text, NotifySection] = {}
    budget: Budgets = ()
