"""Calendars: where events come from. One module per kind behind one small protocol."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from iodcal.domain.events import CalendarReading, Source, SpoiledEvent
from iodcal.domain.localtime import Interval

if TYPE_CHECKING:
    from iodcal.config.forms import Section
    from iodcal.http import Deadline


__all__ = [
    "CalendarContext",
    "CalendarPlugin",
    "CalendarReader",
    "CalendarReading",
    "Probing",
    "Source",
    "SpoiledEvent",
]


class CalendarReader(Protocol):
    """Reads one source. A reader may be used from any thread, but from one at a time.

    `group` names what readers share and may be overloaded: readers of one group are read one after another.
    `read` may be called again where it raised a PassingError, or ran into a deadline that was short.
    """

    @property
    def source(self) -> Source: ...

    @property
    def group(self) -> str: ...

    def read(self, window: Interval, deadline: Deadline) -> CalendarReading:
        """Every event that overlaps `window`, cancelled and declined ones too, in no order.

        Must read to the end or raise CalendarError: a short list is never an answer. A single event that
        cannot be understood, and may overlap `window`, is a `SpoiledEvent` of the answer. Changes nothing at
        the calendar. Raises CalendarError also when `deadline` passes.
        """
        ...


@runtime_checkable
class Probing(Protocol):
    """What a `CalendarReader` may offer beside: a test that costs less than a reading, for `doctor`."""

    def probe(self, day: Interval, deadline: Deadline) -> float | None:
        """Asks for one event of `day`; the server's clock less ours in seconds, where it told.

        Raises CalendarError.
        """
        ...


@runtime_checkable
class LoggingIn(Protocol):
    """What a `CalendarReader` may offer beside: readers with one `shared` use one server as one application.
    It gets one login before the first reading, and a refusal that concerns the application counts for them
    all."""

    @property
    def shared(self) -> str: ...

    def log_in(self, deadline: Deadline) -> None:
        """What must come before the first reading. Raises CalendarError."""
        ...


@runtime_checkable
class Shareable(Protocol):
    """What a `CalendarReader` may offer beside: of readers with one `Source.key` and one `manner` only the
    first reads, and what it reads counts for all. `manner` is whatever of the configuration changes what is
    read. A reader without it reads for itself."""

    @property
    def manner(self) -> Hashable: ...


class SourceHint(Struct, frozen=True):
    """What earlier runs learnt of one source: the page size that worked, that it was read in the last hour,
    and that the id of its named calendar is due to be looked up again."""

    page_size: int | None = None
    read_lately: bool = False
    id_due: bool = False


class CalendarContext(Struct, frozen=True):
    """What a calendar may need of its surroundings.

    `directory` is where relative paths start. `calendar_ids` are the ids that named calendars were found
    under in earlier runs, `hints` what else was learnt, both by `Source.key`. `shared` is a common section,
    such as `microsoft365`, or None. `attendees` says that some rule counts attendees, so that they must be
    read. `zones` is what the configuration says that names of time zones mean.
    """

    directory: Path
    calendar_ids: Mapping[str, str] = field(default_factory=dict)
    shared: Any = None
    attendees: bool = False
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    hints: Mapping[str, SourceHint] = field(default_factory=dict)


class CalendarPlugin(Protocol):
    """What an entry point of the group `iodcal.calendars` names.

    `Options` is the section of the calendar's keys, other than the common ones `type`, `site` and
    `subjects`. `readers` makes one reader per source; it opens nothing.
    """

    @property
    def Options(self) -> type[Section]: ...  # noqa: N802 - it is a class

    def sources(self, name: str, options: Any, context: CalendarContext) -> Sequence[Source]: ...

    def readers(self, name: str, options: Any, context: CalendarContext) -> Sequence[CalendarReader]: ...
