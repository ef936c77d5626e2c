"""Kinds of calendars and carriers: ours by a small table, others' by their entry points.

A kind is imported only when the configuration names it.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from iodcal import __version__
from iodcal.config.fields import nearest
from iodcal.config.forms import keys_of

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
    raise ValueError(f"{kind!r} is not a known type{nearest(kind, known)} (known here: {', '.join(known)})")


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
    from iodcal.config.guarded import GuardedCalendarPlugin, GuardedCarrierPlugin

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
