"""Saved answers of Microsoft Graph's calendarView, for replays and tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from iodcal.bounds import JsonBoundsError, load_json
from iodcal.calendars import CalendarContext
from iodcal.calendars.graph.events import parse_page
from iodcal.calendars.readings import divided, read_file, spoils
from iodcal.config.fields import Texts
from iodcal.config.forms import Section
from iodcal.domain.events import CalendarReading, Event, Source, SpoiledEvent
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError
from iodcal.http import Deadline
from iodcal.paths import expanded

_MOST_BYTES = 64 * 1024 * 1024


class GraphJsonOptions(Section, frozen=True):
    """`graph_json` is the path of a saved page, or a list of them; a file may hold a list of pages."""

    graph_json: Texts


class GraphJsonReader(Struct, frozen=True):
    """Reads saved pages, in their order."""

    source: Source
    paths: tuple[Path, ...]

    @property
    def group(self) -> str:
        return self.source.key

    @property
    def manner(self) -> str:
        """As `Shareable.manner`: the key says all."""
        return ""

    def read(self, window: Interval, deadline: Deadline) -> CalendarReading:  # noqa: ARG002 - a file answers at once
        """See `CalendarReader.read`."""
        pages = [page for path in self.paths for page in _pages(path)]
        events: dict[str, Event] = {}
        spoiled: list[SpoiledEvent] = []
        for number, page in enumerate(pages, start=1):
            found, following = parse_page(self.source, page)
            events.update({event.id: event for event in found if isinstance(event, Event)})
            spoiled += [event for event in found if isinstance(event, SpoiledEvent)]
            if following and number == len(pages):
                raise CalendarError("saved_page_missing", file=str(self.paths[-1]))
        inside, elsewhere = divided(events.values(), window)
        return CalendarReading(
            self.source,
            window,
            datetime.now(UTC),
            inside,
            elsewhere=elsewhere,
            spoiled=tuple(one for one in spoiled if spoils(one, window)),
        )


class GraphJsonPlugin:
    """`graph_json: ...`."""

    Options = GraphJsonOptions

    def sources(self, name: str, options: GraphJsonOptions, context: CalendarContext) -> Sequence[Source]:
        paths = ",".join(str(path) for path in _paths(options, context))
        return (Source(f"graph_json:{paths}", name, name),)

    def readers(
        self, name: str, options: GraphJsonOptions, context: CalendarContext
    ) -> Sequence[GraphJsonReader]:
        (source,) = self.sources(name, options, context)
        return (GraphJsonReader(source, _paths(options, context)),)


def _paths(options: GraphJsonOptions, context: CalendarContext) -> tuple[Path, ...]:
    return tuple(context.directory / expanded(path) for path in options.graph_json)


def _pages(path: Path) -> Iterator[Any]:
    try:
        document = load_json(read_file(path, _MOST_BYTES))
    except JsonBoundsError as error:
        raise CalendarError("file_json_bounds", file=str(path), what=error.what, limit=error.limit) from None
    except ValueError:
        raise CalendarError("file_not_json", file=str(path)) from None
    yield from document if isinstance(document, list) else [document]


plugin = GraphJsonPlugin()
