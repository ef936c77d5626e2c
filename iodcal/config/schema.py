"""The shape of `rules.yaml`: every key, what it takes, what it is when it is not given."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Annotated, Any

from msgspec import Meta, defstruct, field

from iodcal.config import OnDrift, Way
from iodcal.config.fields import (
    WANTED,
    BusinessDays,
    ChangeLimits,
    Currency,
    Days,
    EndOfDay,
    Flag,
    GroupId,
    HolidaysAsSunday,
    Keywords,
    Length,
    LongLength,
    OrganizerList,
    PatternField,
    PositiveLength,
    Price,
    Prices,
    Rate,
    Rates,
    StartOfDay,
    Text,
    Texts,
    WebPage,
    Zone,
    either,
    kind_of,
    one_of,
    parse_rate,
    suggest_nearest,
    text_shape,
    whole_number,
)
from iodcal.config.forms import ANY_NUMBER, ONE_OR_MORE, Scalar, Section, SectionForm
from iodcal.config.holidays import HolidaysSection
from iodcal.config.microsoft365 import Microsoft365
from iodcal.config.secrets import Secret
from iodcal.config.state_store import StatePlace, StateStoreSection
from iodcal.config.usage import UsageSection
from iodcal.domain.circuits import Orders, Status, fold_status
from iodcal.domain.conditions import Conditions, ValueKind, rows
from iodcal.domain.money import Billing
from iodcal.domain.rules import Allow, FromEvent, Highest, Mode, Wanted
from iodcal.domain.text_match import Keyword
from iodcal.notify import NoticeKind
from iodcal.notify.template import Template


def _wanted(value: object) -> Wanted:
    words: dict[str, Wanted] = {"highest": Highest.HIGHEST, "from_event": FromEvent.FROM_EVENT}
    if isinstance(value, str) and value in words:
        return words[value]
    if isinstance(value, str) and value.replace("_", "").replace("-", "").isalpha():
        raise ValueError(
            f"{value!r} is neither a bandwidth nor one of highest, from_event{suggest_nearest(value, words)}"
        )
    return parse_rate(value)


def _options(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"a mapping of keys is wanted, not {kind_of(value)}")
    return value


_MANY = 100_000
Hidden = Annotated[bool, either("show", "hide", true="hide")]
Count = Annotated[int, whole_number(0, _MANY)]
SomeCount = Annotated[int, whole_number(1, _MANY)]
Options = Annotated[dict[str, Any], Scalar(_options, {"type": "object"})]
"""The keys of a calendar or a carrier, which its kind's own section reads."""


class SettingsSection(Section, frozen=True):
    name: Text | None = None
    state: StatePlace | None = None
    state_store: StateStoreSection | None = None
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
    history_keep: LongLength = timedelta(days=400)
    group: GroupId | None = None
    holidays: Text | None = None
    metrics_file: Text | None = None
    feed_file: Text | None = None
    notify_within: PositiveLength = timedelta(seconds=10)
    runbook: WebPage | None = None
    zones: Mapping[Text, Zone] = {}
    labels: Mapping[Text, Text] = {}


class SiteSection(Section, frozen=True):
    timezone: Zone | None = None
    holidays: Text | None = None
    labels: Mapping[Text, Text] = {}


class CalendarSection(Section, frozen=True):
    """The keys that every calendar has; the others are its kind's."""

    site: Text | None = None
    subjects: Hidden = False
    zones: Mapping[Text, Zone] = {}


class StatusWords(Section, frozen=True):
    """What a carrier's words for a circuit's status mean, where iodcal does not know them."""

    active: Texts = ()
    pending: Texts = ()

    def __post_init__(self) -> None:
        both = set(map(fold_status, self.active)) & set(map(fold_status, self.pending))
        if both:
            raise ValueError(f"{min(both)!r} cannot be both active and pending")

    @property
    def meanings(self) -> Mapping[str, Status]:
        """The status by each word, folded."""
        told = ((Status.ACTIVE, self.active), (Status.PENDING, self.pending))
        return {fold_status(word): status for status, words in told for word in words}


class CarrierSection(Section, frozen=True):
    """The keys that every carrier has; the others are its type's."""

    provisioning: PositiveLength | None = None
    changes_per_day: SomeCount | None = None
    rates: Prices | None = None
    currency: Currency | None = None
    billing: Annotated[Billing, one_of(Billing)] | None = None
    changes_per_circuit: ChangeLimits | None = None
    status_words: StatusWords | None = None
    usage: UsageSection | None = None


class PeakSection(Section, frozen=True, kw_only=True):
    days: Days = frozenset()
    business_days: BusinessDays = frozenset()
    holidays: HolidaysAsSunday = False
    start: StartOfDay = field(name="from")
    end: EndOfDay = field(name="to")
    bandwidth: Rate
    lead: Length | None = None

    def __post_init__(self) -> None:
        if not self.days and not self.business_days:
            raise ValueError("a peak needs days or business_days")


class BaselineSection(Section, frozen=True):
    off_peak: Rate
    peaks: tuple[PeakSection, ...] = ()
    lead: Length | None = None


class CircuitSection(Section, frozen=True):
    """A circuit's keys; `defaults.circuit` has the same. What is not given there is missing here."""

    site: Text | None = None
    timezone: Zone | None = None
    holidays: Text | None = None
    service_id: Text | None = None
    carrier: Text | None = None
    tiers: Rates | None = None
    baseline: Text | BaselineSection | None = None
    floor: Rate | None = None
    ceiling: Rate | None = None
    orders: Annotated[Orders, one_of(Orders)] | None = None
    rates: Prices | None = None
    currency: Currency | None = None
    max_price_per_hour: Price | None = None
    labels: Mapping[Text, Text] = {}
    usage: UsageSection | None = None


class DefaultsSection(Section, frozen=True):
    circuit: CircuitSection = field(default_factory=CircuitSection)


_MATCH_VALUES: Mapping[ValueKind, Any] = {
    ValueKind.KEYWORDS: Keywords,
    ValueKind.PATTERN: PatternField | None,
    ValueKind.TEXTS: Texts,
    ValueKind.ORGANIZERS: OrganizerList,
    ValueKind.FLAG: Flag | None,
    ValueKind.COUNT: SomeCount | None,
    ValueKind.LENGTH: Length | None,
    ValueKind.POSITIVE_LENGTH: PositiveLength | None,
    ValueKind.DAYS: Days,
    ValueKind.BUSINESS_DAYS: BusinessDays,
    ValueKind.HOLIDAYS: HolidaysAsSunday,
    ValueKind.START_OF_DAY: StartOfDay | None,
    ValueKind.END_OF_DAY: EndOfDay,
}


class MatchSectionBase(Section, frozen=True):
    """What every `match` section does; its keys are the rows of `domain.conditions`."""

    def __post_init__(self) -> None:
        given = self.conditions()
        if given.holidays_as_sunday and not given.days and not given.business_days:
            raise ValueError("holidays: as_sunday needs days or business_days, which it is about")
        if given.plurals and not given.subject:
            raise ValueError("plurals needs subject, whose keywords it is about")

    def conditions(self) -> Conditions:
        """What is given, ready to judge."""
        given = {name: getattr(self, name) for name in rows()}
        if given["plurals"]:
            given["subject"] = tuple(Keyword(keyword.text, plurals=True) for keyword in given["subject"])
        return Conditions(**given)


MatchSection: type[MatchSectionBase] = defstruct(  # type: ignore[assignment]  # its bases say what it is
    "MatchSection",
    [
        (
            name,
            Annotated[_MATCH_VALUES[row.kind], Meta(description=row.meaning)],
            field(default=getattr(Conditions(), name), name=row.key),
        )
        for name, row in rows().items()
    ],
    bases=(MatchSectionBase,),
    frozen=True,
    kw_only=True,
)


class NamedInEvent(Section, frozen=True):
    """The circuits that an event must name, and among which it may: names, `all` or `same_site`."""

    named_in_event: Texts


class RuleSection(Section, frozen=True, kw_only=True):
    name: Text
    calendars: Texts
    match: Annotated[MatchSectionBase, SectionForm(MatchSection)] = MatchSection()
    circuits: Texts | NamedInEvent
    bandwidth: Annotated[Wanted | None, Scalar(_wanted, WANTED)] = None
    mode: Annotated[Mode, one_of(Mode)] = Mode.AT_LEAST
    priority: Annotated[int, whole_number(-99, 99)] = 0
    lead: Length | None = None
    trail: Length | None = None
    longest: PositiveLength | None = None
    allow: Annotated[Allow, one_of(Allow)] | None = None
    max_price_per_hour: Price | None = None
    labels: Mapping[Text, Text] = {}


class BudgetSection(Section, frozen=True):
    monthly: Price
    label: Text | None = None
    value: Text | None = None
    currency: Currency | None = None

    def __post_init__(self) -> None:
        if not self.monthly:
            raise ValueError("a budget is more than nothing")
        if self.value is not None and self.label is None:
            raise ValueError("value needs a label")


class File(Section, frozen=True):
    """The whole file. Calendars and carriers are read by their kinds' own sections."""

    version: Annotated[int, whole_number(1, 1)]
    timezone: Zone
    extends: Text | None = None
    settings: SettingsSection = field(default_factory=SettingsSection)
    microsoft365: Microsoft365 | None = None
    sites: Mapping[Text, SiteSection] = {}
    holidays: Mapping[Text, HolidaysSection] = {}
    calendars: Mapping[Text, Options] = {}
    carriers: Mapping[Text, Options] = {}
    baselines: Mapping[Text, BaselineSection] = {}
    defaults: DefaultsSection = field(default_factory=DefaultsSection)
    circuits: Mapping[Text, CircuitSection] = {}
    rules: tuple[RuleSection, ...] = ()
    notify: Mapping[Text, NotifySection] = {}
    budget: Annotated[tuple[BudgetSection, ...], ANY_NUMBER] = ()
    usage: UsageSection | None = None


_USUAL = tuple(kind for kind in NoticeKind if kind is not NoticeKind.DAILY)


def _template(value: object) -> Template:
    if not isinstance(value, str):
        raise ValueError(f"a template is a text, not {kind_of(value)}: put it in quotes, or behind |")
    return Template.parse(value)


Kinds = Annotated[tuple[Annotated[NoticeKind, one_of(NoticeKind)], ...], ONE_OR_MORE]


class NotifySection(Section, frozen=True):
    """Exactly one of `webhook`, `teams`, `ping`, `apprise` holds the address, which is a secret."""

    webhook: Secret | None = None
    teams: Secret | None = None
    ping: Secret | None = None
    apprise: Secret | None = None
    template: Annotated[Template, Scalar(_template, text_shape())] | None = None
    authorization: Secret | None = None
    kinds: Kinds = _USUAL
    circuits: Texts | None = None
    sites: Texts | None = None
    labels: Mapping[Text, Text] | None = None
    daily_at: StartOfDay = time(7)

    @property
    def way(self) -> Way:
        """The one way that is given."""
        return next(way for way in Way if getattr(self, way) is not None)

    def __post_init__(self) -> None:
        ways = [way for way in Way if getattr(self, way) is not None]
        if len(ways) != 1:
            found = "says two ways at once" if ways else "does not say where to"
            raise ValueError(f"this target {found}: give one of {', '.join(Way)}")
        if self.template is not None and self.webhook is None:
            raise ValueError("only a webhook has a template")
        if self.authorization is not None and self.webhook is None:
            raise ValueError("only a webhook has an authorization")
        selected = {"kinds", "circuits", "sites", "labels", "daily_at"} & self.given
        if self.ping is not None and selected:
            raise ValueError(f"a ping tells of every run: {', '.join(sorted(selected))} can select nothing")
        if self.apprise is not None and importlib.util.find_spec("apprise") is None:
            raise ValueError("Apprise is not installed here: pip install 'iodcal[apprise]'")
