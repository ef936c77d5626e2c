"""Kinds of calendars and carriers: ours by a small table, others' by their entry points.

A kind is imported only when the configuration names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct, field

from iodcal import __version__
from iodcal.calendars import CalendarContext, CalendarReader
from iodcal.carriers import Carrier, CarrierContext, PluginDefaults, defaults_of
from iodcal.config.fields import suggest_nearest
from iodcal.config.forms import keys_of
from iodcal.domain.circuits import Account
from iodcal.domain.events import CalendarReading, Event, Source
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError, CarrierError
from iodcal.foreign import ForeignError, call_foreign, call_within
from iodcal.http import Deadline

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


CALENDARS = "iodcal.calendars"
CARRIERS = "iodcal.carriers"

_OURS = {
    CALENDARS: {
        "microsoft365": "iodcal.calendars.graph:plugin",
        "ics": "iodcal.calendars.ics:plugin",
        "graph_json": "iodcal.calendars.graph_json:plugin",
    },
    CARRIERS: {
        "lumen": "iodcal.carriers.lumen:plugin",
        "lumen-efc": "iodcal.carriers.lumen:efc_plugin",
        "megaport": "iodcal.carriers.megaport:plugin",
        "sandbox": "iodcal.carriers.sandbox:plugin",
    },
}
_IMPORT_SECONDS = 15.0
OURS = {group: tuple(kinds) for group, kinds in _OURS.items()}
# A calendar says what kind it is by what it names.
KIND_BY_KEY = {
    "mailbox": "microsoft365",
    "mailboxes": "microsoft365",
    "ics": "ics",
    "graph_json": "graph_json",
}


def load_plugin(group: str, kind: str) -> Any:
    """The plug-in of `kind`. Raises ValueError where there is none, where it cannot be imported, or where it
    does not say what its options are."""
    target = _OURS[group].get(kind)
    if target is not None:
        module, _, name = target.partition(":")
        return getattr(import_module(module), name)
    for point in _entry_points(group):
        if point.name == kind:
            return _foreign(point)
    known = known_kinds(group)
    raise ValueError(
        f"{kind!r} is not a known type{suggest_nearest(kind, known)} (known here: {', '.join(known)})"
    )


def plugin_name(plugin: object) -> str:
    """The name and version of whoever wrote `plugin`, for messages."""
    name = getattr(plugin, "name", None)
    return name if isinstance(name, str) else f"iodcal {__version__}"


def _entry_points(group: str) -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points  # takes longer to import than all of ours that it is for

    return entry_points(group=group)


def _foreign(point: EntryPoint) -> Any:
    from iodcal.foreign import ForeignError, call_foreign, call_within, keep_stdout

    keep_stdout()
    try:
        plugin = call_within(_IMPORT_SECONDS, lambda: call_foreign(point.load))
    except TimeoutError:
        why = f"its import does not end within {_IMPORT_SECONDS:.0f} seconds"
        raise ValueError(f"the plug-in {point.value} cannot be imported: {why}") from None
    except ForeignError as error:
        raise ValueError(f"the plug-in {point.value} cannot be imported: {error}") from None
    misfits = (AttributeError, TypeError, NameError)
    try:
        call_foreign(lambda: keys_of(plugin.Options), misfits)
    except (ForeignError, *misfits) as error:
        raise ValueError(f"the plug-in {point.value} does not fit this iodcal: {error}") from None

    kind = GuardedCarrierPlugin if point.group == CARRIERS else GuardedCalendarPlugin
    try:
        return kind(plugin, _name(point))
    except ForeignError as error:
        raise ValueError(f"the plug-in {point.value} does not fit this iodcal: {error}") from None


def _name(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value


def known_kinds(group: str) -> Iterable[str]:
    """The kinds that a configuration can name here."""
    return sorted({*_OURS[group], *(point.name for point in _entry_points(group))})


_Value = TypeVar("_Value")
_SECONDS = 5.0  # for what needs no network
_GRACE = 1.0  # seconds after its deadline in which a reading may still come back


def _ask(call: Callable[[], _Value], kind: type | tuple[type, ...]) -> _Value:
    """What `call` returns, in time and of the right `kind`. Raises ForeignError."""
    try:
        value = call_within(_SECONDS, lambda: call_foreign(call))
    except TimeoutError:
        raise ForeignError(f"it did not come back within {_SECONDS:.0f} seconds") from None
    if not isinstance(value, kind):
        raise ForeignError(f"it returned a value of the type {type(value).__name__}")
    return value


class GuardedCarrierPlugin(Struct):
    """Somebody else's `CarrierPlugin`. Raises ForeignError as it is made, where its constants make no
    sense."""

    plugin: Any
    name: str
    defaults: PluginDefaults = field(default_factory=PluginDefaults)
    _accounts: dict[int, Account | ForeignError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.defaults = _ask(lambda: defaults_of(self.plugin), PluginDefaults)
        _ask(lambda: self.plugin.default_provisioning, timedelta)
        _ask(lambda: self.plugin.default_changes_per_day, (int, type(None)))
        _ask(lambda: self.plugin.virtual, bool)

    @property
    def virtual(self) -> bool:
        return bool(self.plugin.virtual)

    @property
    def default_provisioning(self) -> timedelta:
        provisioning: timedelta = self.plugin.default_provisioning
        return provisioning

    @property
    def default_changes_per_day(self) -> int | None:
        limit: int | None = self.plugin.default_changes_per_day
        return limit

    @property
    def Options(self) -> Any:  # noqa: N802 - the protocol's
        return self.plugin.Options

    def is_test(self, options: Any) -> bool:
        try:
            test: bool = _ask(lambda: self.plugin.is_test(options), bool)
        except ForeignError:
            return False
        return test

    def account(self, options: Any, context: CarrierContext) -> Account:
        """The account; one that stands in for it where the plug-in does not say, and for which `create`
        fails."""
        account = self._account(options, context)
        return Account(self.name, self.name, "unknown") if isinstance(account, ForeignError) else account

    def create(self, options: Any, context: CarrierContext) -> Carrier:
        """A client. Raises CarrierError, and whatever the plug-in raises."""
        account = self._account(options, context)
        if isinstance(account, ForeignError):
            raise CarrierError("plugin_failed", plugin=self.name, what=account.what)
        made: Carrier = self.plugin.create(options, context)
        return made

    def _account(self, options: Any, context: CarrierContext) -> Account | ForeignError:
        if id(options) not in self._accounts:
            try:
                found: Account | ForeignError = _ask(lambda: self.plugin.account(options, context), Account)
            except ForeignError as error:
                found = error
            self._accounts[id(options)] = found
        return self._accounts[id(options)]


class GuardedCalendarPlugin(Struct):
    """Somebody else's `CalendarPlugin`."""

    plugin: Any
    name: str

    @property
    def Options(self) -> Any:  # noqa: N802 - the protocol's
        return self.plugin.Options

    def sources(self, name: str, options: Any, context: CalendarContext) -> Sequence[Source]:
        try:
            return self._listed(lambda: self.plugin.sources(name, options, context), Source)
        except ForeignError:
            return (_stand_in(name),)

    def readers(self, name: str, options: Any, context: CalendarContext) -> Sequence[CalendarReader]:
        """A guarded reader for each of the plug-in's; one that fails where it makes none."""
        try:
            made = self._listed(lambda: self.plugin.readers(name, options, context), object)
            sources = [_ask(lambda one=one: one.source, Source) for one in made]  # type: ignore[misc]
            groups = [_ask(lambda one=one: one.group, str) for one in made]  # type: ignore[misc]
        except ForeignError as error:
            known = self.sources(name, options, context)
            return [
                GuardedReader(None, source, group=source.key, name=self.name, fault=error.what)
                for source in known
            ]
        return [
            GuardedReader(one, source, group, self.name)
            for one, source, group in zip(made, sources, groups, strict=True)
        ]

    def _listed(self, call: Callable[[], Any], kind: type) -> tuple[Any, ...]:
        found: tuple[Any, ...] = _ask(lambda: tuple(call()), tuple)
        if not found or not all(isinstance(one, kind) for one in found):
            raise ForeignError("it does not list what it reads")
        return found


def _stand_in(name: str) -> Source:
    return Source(f"unknown:{name}", name, name)


class GuardedReader(Struct):
    """Somebody else's `CalendarReader`, or none, and then `fault` says why."""

    reader: Any
    source: Source
    group: str
    name: str
    fault: str = ""

    def read(self, window: Interval, deadline: Deadline) -> CalendarReading:
        """See `CalendarReader.read`. Raises CalendarError and nothing else."""
        if self.reader is None:
            raise self._failed(self.fault)
        try:
            reading = call_within(
                deadline.left + _GRACE,
                lambda: call_foreign(lambda: self.reader.read(window, deadline), CalendarError),
            )
        except TimeoutError:
            raise self._failed("it did not come back in its time") from None
        except ForeignError as error:
            raise self._failed(error.what) from None
        if not isinstance(reading, CalendarReading) or not _is_sound(reading, self.source):
            raise self._failed("what read returned is of another type than the protocol says")
        return reading

    def _failed(self, what: str) -> CalendarError:
        return CalendarError("plugin_failed", plugin=self.name, what=what)


def _is_sound(value: CalendarReading, source: Source) -> bool:
    return (
        value.source == source
        and isinstance(value.covers, Interval)
        and isinstance(value.clock_error, (int, float, type(None)))
        and isinstance(value.calendar_id, (str, type(None)))
        and all(
            isinstance(events, tuple) and all(isinstance(one, Event) for one in events)
            for events in (value.events, value.elsewhere)
        )
    )
