"""From the keys about money to tariffs: a carrier's list, the file's rates, a circuit's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from iodcal.calendars import CalendarContext
from iodcal.carriers import CarrierContext, CarrierPlugin, defaults_of
from iodcal.config import CalendarConfig, CarrierConfig, Settings
from iodcal.config.document import KeyPath
from iodcal.config.fields import suggest_nearest
from iodcal.config.forms import Section, keys_of
from iodcal.config.holidays import HolidayCalendar
from iodcal.config.parse import FaultList
from iodcal.config.plugins import CALENDARS, CARRIERS, KIND_BY_KEY, load_plugin
from iodcal.config.schema import (
    BaselineSection,
    CalendarSection,
    CarrierSection,
    CircuitSection,
    File,
    PeakSection,
    SettingsSection,
)
from iodcal.config.state_store import faults_of_state
from iodcal.config.usage import UsageSection
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Baseline, ChangeLimit, Circuit, Labels, Peak, contradiction, labels_of
from iodcal.domain.money import Rate, RateSource, Tariff
from iodcal.domain.structs import replace
from iodcal.domain.workdays import Holidays
from iodcal.paths import expanded


def carrier_tariff(section: CarrierSection, plugin: CarrierPlugin) -> Tariff:
    """What a carrier's tiers cost: its public list, if it is in the same currency, under the file's rates."""
    defaults = defaults_of(plugin)
    listed = defaults.list_prices
    currency = section.currency or (listed.currency if listed is not None else "USD")
    known = listed.rates if listed is not None and listed.currency == currency else ()
    billing = section.billing or defaults.default_billing
    return Tariff(currency, billing, known).over(_configured(section.rates or {}))


def circuit_tariff(section: CircuitSection, of_carrier: Tariff) -> Tariff:
    """What a circuit's tiers cost: its own rates over its carrier's, if those are in its currency."""
    own = _configured(section.rates or {})
    if section.currency in (None, of_carrier.currency):
        return of_carrier.over(own) if own else of_carrier
    return replace(of_carrier, currency=section.currency or "", rates=()).over(own)


def _configured(rates: Mapping[Bandwidth, Decimal]) -> dict[Bandwidth, Rate]:
    return {tier: Rate(price, RateSource.CONFIGURED) for tier, price in rates.items()}


_Section = TypeVar("_Section", bound=Section)
_ENTRIES = {
    "baselines": "baseline",
    "calendars": "calendar",
    "carriers": "carrier",
    "circuits": "circuit",
    "holidays": "entry of holidays",
    "sites": "site",
}
_CALENDAR_KEYS = ("type", *keys_of(CalendarSection))
_CARRIER_KEYS = ("type", *keys_of(CarrierSection))


class Builder(Struct):
    """Builds the parts of one configuration; `faults` collects what is wrong with them. `file` has what could
    be read of what is `written`: all of it, unless there are faults already."""

    file: File
    written: Mapping[str, Any]
    faults: FaultList
    directory: Path
    calendars: dict[str, CalendarConfig] = field(default_factory=dict)
    carriers: dict[str, CarrierConfig] = field(default_factory=dict)
    circuits: dict[str, Circuit] = field(default_factory=dict)
    holidays: dict[str, Holidays] = field(default_factory=dict)
    carrier_usage: dict[str, UsageSection] = field(default_factory=dict)
    _plugins: dict[tuple[str, str], Any] = field(default_factory=dict)

    def lacks(self, section: str) -> bool:
        """True if the file has no such section; False also where a misspelt key may have meant it."""
        return section not in self.written and self.written.keys() <= keys_of(File).keys()

    def names_of(self, section: str) -> Iterable[str] | None:
        """How the file names the entries of a section, also of those that cannot be read; None where nobody
        can tell."""
        entries = self.written.get(section, {} if self.lacks(section) else None)
        return entries if isinstance(entries, dict) else None

    def known(self, section: str, name: str | None, path: KeyPath, *words: str) -> bool:
        """True if an entry of `section` has this `name`, or nobody can tell; if none is named, or one of
        `words` is. Where there is none, that is a fault."""
        names = self.names_of(section)
        if name is None or names is None or name in names or name in words:
            return True
        message = f"there is no {_ENTRIES[section]} {name!r}{suggest_nearest(name, [*names, *words])}"
        self.faults.add(path, message)
        return False

    def check_state(self) -> None:
        """Whether the state can be where the settings have it."""
        for path, message in faults_of_state(self.file.settings):
            self.faults.add(path, message)

    def build_holidays(self) -> None:
        """`holidays`, and whether those that settings and sites name are there."""
        self.holidays = {name: HolidayCalendar(section) for name, section in self.file.holidays.items()}
        named: dict[KeyPath, str | None] = {("settings",): self.file.settings.holidays}
        named |= {("sites", name): site.holidays for name, site in self.file.sites.items()}
        for path, name in named.items():
            self.known("holidays", name, (*path, "holidays"))

    def build_calendars(self) -> None:
        """`calendars`, each with the options of its kind."""
        counts = any(rule.match.conditions().min_attendees is not None for rule in self.file.rules)
        for name, section in self.file.calendars.items():
            path: KeyPath = ("calendars", name)
            plugin = self._calendar_plugin(section, path)
            common = self._common(CalendarSection, section, _CALENDAR_KEYS, path)
            options = self._options(plugin, section, _CALENDAR_KEYS, path)
            site = None if common is None else common.site
            self.known("sites", site, (*path, "site"))
            if common is None or options is None:
                continue
            shared = self.file.microsoft365
            surroundings = CalendarContext(
                self.directory,
                shared=shared,
                attendees=counts,
                zones={**self.file.settings.zones, **common.zones},
            )
            self.calendars[name] = CalendarConfig(
                name, plugin, options=options, context=surroundings, site=site, hide_subjects=common.subjects
            )

    def check_sources(self) -> None:
        """A place stands once in a calendar: its events must not count, or be forgotten, twice."""
        for name, calendar in self.calendars.items():
            sources = calendar.plugin.sources(name, calendar.options, calendar.context)
            if len({source.key for source in sources}) < len(sources):
                self.faults.add(("calendars", name), "one place stands in it twice")

    def build_carriers(self) -> None:
        """`carriers`, each with the options of its type."""
        for name, section in self.file.carriers.items():
            path: KeyPath = ("carriers", name)
            plugin = self._plugin(CARRIERS, section.get("type"), (*path, "type"))
            common = self._common(CarrierSection, section, _CARRIER_KEYS, path)
            options = self._options(plugin, section, _CARRIER_KEYS, path)
            if common is None or options is None:
                continue
            if common.usage is not None:
                self.carrier_usage[name] = common.usage
            self.carriers[name] = CarrierConfig(
                name,
                section["type"],
                plugin=plugin,
                options=options,
                provisioning=common.provisioning or plugin.default_provisioning,
                changes_per_day=common.changes_per_day or plugin.default_changes_per_day,
                tariff=carrier_tariff(common, plugin),
                circuit_limits=self._circuit_limits(common, plugin, path),
                status_words=common.status_words.meanings if common.status_words else {},
            )

    def _circuit_limits(
        self, section: CarrierSection, plugin: CarrierPlugin, path: KeyPath
    ) -> tuple[ChangeLimit, ...]:
        """How often one circuit may be changed: as the file says, else as the plug-in does."""
        given = section.changes_per_circuit
        limits = defaults_of(plugin).circuit_limits if given is None else given
        if (fault := contradiction(limits)) is not None:
            self.faults.add((*path, "changes_per_circuit"), fault)
        return tuple(sorted(limits, key=lambda limit: limit.length))

    def build_circuits(self) -> None:
        """`circuits` over `defaults.circuit`; two entries for one service are one too many."""
        if not (self.lacks("defaults") or "defaults" in self.file.given):
            return  # nobody can tell what they lack
        keys: dict[str, str] = {}
        for name, own in self.file.circuits.items():
            path: KeyPath = ("circuits", name)
            if name in ("all", "same_site", "named_in_event"):
                self.faults.add(path, f"{name} already means something in a rule: choose another name")
            circuit = self._circuit(name, _over(own, self.file.defaults.circuit), path)
            if circuit is None:
                continue
            if circuit.key in keys:
                self.faults.add(path, f"the same service as {keys[circuit.key]}: one circuit has one entry")
            keys.setdefault(circuit.key, name)
            self.circuits[name] = circuit

    def _calendar_plugin(self, section: Mapping[str, Any], path: KeyPath) -> Any:
        kinds = {KIND_BY_KEY[key] for key in section if key in KIND_BY_KEY}
        if "type" in section:
            return self._plugin(CALENDARS, section["type"], (*path, "type"))
        if len(kinds) != 1:
            found = "says two kinds at once" if kinds else "does not say what it is"
            strange = [key for key in section if key not in KIND_BY_KEY and key not in _CALENDAR_KEYS]
            close = "".join(suggest_nearest(key, KIND_BY_KEY) for key in strange)
            wanted = "one of mailbox, mailboxes, ics, graph_json or type"
            self.faults.add(path, f"this calendar {found}: give {wanted}{close}")
            return None
        kind = kinds.pop()
        if kind == "microsoft365" and self.lacks("microsoft365"):
            self.faults.add(path, "a mailbox needs the section microsoft365, which is missing")
        return self._plugin(CALENDARS, kind, path)

    def _plugin(self, group: str, kind: object, path: KeyPath) -> Any:
        if not isinstance(kind, str):
            self.faults.add(path, "this key is missing: it says the type")
            return None
        try:
            if (group, kind) not in self._plugins:
                self._plugins[group, kind] = load_plugin(group, kind)
        except ValueError as error:
            self.faults.add(path, str(error))
            return None
        return self._plugins[group, kind]

    def _common(
        self, kind: type[_Section], section: Mapping[str, Any], keys: Iterable[str], path: KeyPath
    ) -> _Section | None:
        given = {key: value for key, value in section.items() if key in keys and key != "type"}
        return self.faults.read(kind, given, path)

    def _options(
        self, plugin: Any, section: Mapping[str, Any], common: Sequence[str], path: KeyPath
    ) -> Section | None:
        """What the kind itself makes of its keys, which are those that are not `common`."""
        if plugin is None:
            return None
        own = {key: value for key, value in section.items() if key not in common}
        options: Section | None = self.faults.read(plugin.Options, own, path, common)
        return options

    def _circuit(self, name: str, section: CircuitSection, path: KeyPath) -> Circuit | None:
        self.known("carriers", section.carrier, (*path, "carrier"))
        site_known = self.known("sites", section.site, (*path, "site"))
        self.known("holidays", section.holidays, (*path, "holidays"))
        missing = [
            key for key in ("service_id", "carrier", "tiers", "baseline") if getattr(section, key) is None
        ]
        for key in missing:
            self.faults.add((*path, key), "this key is missing, here and in defaults.circuit")
        carrier = self.carriers.get(section.carrier or "")
        baseline = self._baseline(section.baseline, path) if section.baseline else None
        if missing or carrier is None or baseline is None or not site_known:
            return None
        circuit = self._make(name, section, carrier, _baseline_of(baseline, carrier.provisioning))
        self._check_levels(circuit, path)
        return circuit

    def _make(
        self, name: str, section: CircuitSection, carrier: CarrierConfig, baseline: Baseline
    ) -> Circuit:
        provisioning, limit = carrier.provisioning, carrier.changes_per_day
        context = CarrierContext(self.directory, lambda: datetime.now(UTC), provisioning, limit)
        return Circuit(
            name=name,
            service_id=section.service_id or "",
            carrier=carrier.name,
            account=carrier.plugin.account(carrier.options, context),
            zone=self._zone(section),
            tiers=tuple(sorted(set(section.tiers or ()))),
            baseline=baseline,
            site=section.site,
            floor=section.floor,
            ceiling=section.ceiling,
            orders=section.orders or self.file.settings.orders,
            provisioning=provisioning,
            changes_per_day=limit,
            limits=carrier.circuit_limits,
            idempotent=defaults_of(carrier.plugin).idempotent,
            holidays=self._holidays(section),
            tariff=circuit_tariff(section, carrier.tariff),
            max_price_per_hour=section.max_price_per_hour,
            labels=self._labels(name, section.site),
        )

    def _labels(self, circuit: str, site: str | None) -> Labels:
        """A circuit's own labels over those of its site, and these over the defaults."""
        section = self.file.sites.get(site or "")
        of_site = section.labels if section is not None else {}
        return labels_of(self.file.defaults.circuit.labels, of_site, self.file.circuits[circuit].labels)

    def _zone(self, section: CircuitSection) -> ZoneInfo:
        site = self.file.sites.get(section.site or "")
        return section.timezone or (site.timezone if site else None) or self.file.timezone

    def _holidays(self, section: CircuitSection) -> Holidays:
        site = self.file.sites.get(section.site or "")
        name = section.holidays or (site.holidays if site else None) or self.file.settings.holidays
        return self.holidays.get(name or "", frozenset())

    def _baseline(self, given: str | BaselineSection, path: KeyPath) -> BaselineSection | None:
        """A baseline stands inline, or by its name."""
        if isinstance(given, BaselineSection):
            return given
        self.known("baselines", given, (*path, "baseline"))
        return self.file.baselines.get(given)

    def _check_levels(self, circuit: Circuit, path: KeyPath) -> None:
        sold = ", ".join(str(tier) for tier in circuit.tiers)
        levels = {"off_peak": circuit.baseline.off_peak} | {
            f"peaks[{number}]": peak.bandwidth for number, peak in enumerate(circuit.baseline.peaks)
        }
        for what, level in levels.items():
            if level not in circuit.tiers:
                self.faults.add((*path, "baseline"), f"{what} {level} is not one of its tiers ({sold})")
        floor, ceiling = circuit.floor, circuit.ceiling
        if floor is not None and ceiling is not None and floor > ceiling:
            self.faults.add((*path, "floor"), f"{floor} is above the ceiling, {ceiling}")
        elif ceiling is not None and ceiling < circuit.tiers[0]:
            self.faults.add((*path, "ceiling"), f"{ceiling} is below the lowest tier ({sold})")
        elif floor is not None and floor > circuit.tiers[-1]:
            self.faults.add((*path, "floor"), f"{floor} is above the highest tier ({sold})")
        elif floor is not None and ceiling is not None and not circuit.allowed:
            told = f"no tier ({sold}) lies between the floor, {floor}, and the ceiling, {ceiling}"
            self.faults.add((*path, "ceiling"), told)


def settings_of(section: SettingsSection, directory: Path) -> Settings:
    """The section `settings`, with its paths made whole."""
    elsewhere = ("subjects", "holidays", "zones", "labels")
    names = [key.field for key in keys_of(SettingsSection).values() if key.field not in elsewhere]
    values: dict[str, Any] = {name: getattr(section, name) for name in names}
    for name in ("state", "metrics_file", "feed_file"):
        if isinstance(values[name], str):
            values[name] = directory / expanded(values[name])
    labels = tuple(sorted(section.labels.items()))
    return Settings(**{**values, "hide_subjects": section.subjects, "labels": labels})


def _over(own: CircuitSection, defaults: CircuitSection) -> CircuitSection:
    return replace(defaults, **{name: getattr(own, name) for name in own.given})


def _baseline_of(section: BaselineSection, provisioning: timedelta) -> Baseline:
    """Peaks are asked for early enough to be there in time: by default as long as a change takes."""
    lead = section.lead if section.lead is not None else provisioning
    return Baseline(section.off_peak, tuple(_peak(peak, lead) for peak in section.peaks))


def _peak(section: PeakSection, lead: timedelta) -> Peak:
    return Peak(
        section.days,
        section.start,
        section.end,
        section.bandwidth,
        business_days=section.business_days,
        holidays_as_sunday=section.holidays,
        lead=section.lead if section.lead is not None else lead,
    )
