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


def plugin_fault(plugin: object) -> str:
    """Why nothing that belongs to `plugin` can be served; empty where that is not known."""
    if not isinstance(plugin, GuardedCarrierPlugin | GuardedCalendarPlugin) or not plugin.code.fault:
        return ""
    return f"the plug-in {plugin.name}: {plugin.code.fault}"


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

    code = ForeignCode(_name(point), _SECONDS[point.group])
    return (
        GuardedCarrierPlugin(plugin, code) if point.group == CARRIERS else GuardedCalendarPlugin(plugin, code)
    )


def _name(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value


def known_kinds(group: str) -> Iterable[str]:
    """The kinds that a configuration can name here."""
    return sorted({*_OURS[group], *(point.name for point in _entry_points(group))})


_Value = TypeVar("_Value")
# For what needs no network. Without its account a circuit is another one, so that is waited for a little.
_SECONDS = {CARRIERS: 5.0, CALENDARS: 2.0}
_GRACE = 1.0  # seconds after its deadline in which a reading may still come back


class ForeignCode(Struct):
    """The code of one plug-in, for calls that need no network and take at most so many `seconds`. `name` is
    that of its package, with its version; `fault` why nothing more is asked of it."""

    name: str
    seconds: float
    fault: str = ""

    def ask(self, call: Callable[[], _Value], kind: type | tuple[type, ...]) -> _Value:
        """What `call` returns, in time and of the right `kind`. Raises ForeignError. Whoever hangs once is
        not waited for again: the run has other circuits to serve."""
        if self.fault:
            raise ForeignError(self.fault)
        try:
            value = call_within(self.seconds, lambda: call_foreign(call))
        except TimeoutError:
            self.fault = f"it did not come back within {self.seconds:.0f} seconds"
            raise ForeignError(self.fault) from None
        if not isinstance(value, kind):
            raise ForeignError(f"it returned a value of the type {type(value).__name__}")
        return value

    def constant(self, call: Callable[[], _Value], kind: type | tuple[type, ...], default: _Value) -> _Value:
        """What `call` returns; where it fails `default`, and then nothing more is asked of the plug-in."""
        try:
            return self.ask(call, kind)
        except ForeignError as error:
            self.fault = self.fault or error.what
            return default


class GuardedCarrierPlugin(Struct):
    """Somebody else's `CarrierPlugin`, whose constants are asked for once. Where they make no sense no client
    can be made, so that its circuits fail, and no others."""

    plugin: Any
    code: ForeignCode
    defaults: PluginDefaults = field(default_factory=PluginDefaults)
    default_provisioning: timedelta = timedelta(minutes=10)
    default_changes_per_day: int | None = None
    virtual: bool = False
    _accounts: dict[int, Account | ForeignError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plugin, constant = self.plugin, self.code.constant
        self.defaults = constant(lambda: defaults_of(plugin), PluginDefaults, self.defaults)
        self.default_provisioning = constant(
            lambda: plugin.default_provisioning, timedelta, self.default_provisioning
        )
        self.default_changes_per_day = constant(
            lambda: plugin.default_changes_per_day, (int, type(None)), self.default_changes_per_day
        )
        self.virtual = constant(lambda: plugin.virtual, bool, self.virtual)

    @property
    def name(self) -> str:
        return self.code.name

    @property
    def Options(self) -> Any:  # noqa: N802 - the protocol's
        return self.plugin.Options

    def is_test(self, options: Any) -> bool:
        try:
            test: bool = self.code.ask(lambda: self.plugin.is_test(options), bool)
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
                found: Account | ForeignError = self.code.ask(
                    lambda: self.plugin.account(options, context), Account
                )
            except ForeignError as error:
                found = error
            self._accounts[id(options)] = found
        return self._accounts[id(options)]


class GuardedCalendarPlugin(Struct):
    """Somebody else's `CalendarPlugin`."""

    plugin: Any
    code: ForeignCode

    @property
    def name(self) -> str:
        return self.code.name

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
            sources = [self.code.ask(lambda one=one: one.source, Source) for one in made]  # type: ignore[misc]
            groups = [self.code.ask(lambda one=one: one.group, str) for one in made]  # type: ignore[misc]
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
        found: tuple[Any, ...] = self.code.ask(lambda: tuple(call()), tuple)
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
