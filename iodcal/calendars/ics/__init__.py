"""iCalendar files and URLs: published Outlook calendars, and those of any other server."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from iodcal.calendars import CalendarContext
from iodcal.calendars.ics.address import MOST_BYTES, IcsPlace, understand_place
from iodcal.calendars.readings import divided, read_file
from iodcal.config.fields import Flag, Text
from iodcal.config.forms import Scalar, Section
from iodcal.config.secrets import Secret
from iodcal.domain.events import CalendarReading, Source
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError, SecretError
from iodcal.http import Deadline, HttpError, require_secure
from iodcal.paths import expanded


def _secure_place(value: object) -> Secret:
    """Of a place that stands in the configuration it can be said at once that it will be refused."""
    secret = Secret.parse(value)
    for reference in secret.references:
        if reference.kind == "literal" and (url := _literal_place(reference.name).url) is not None:
            try:
                require_secure(url)
            except HttpError:
                raise ValueError("an https address is wanted: plain http is for this machine only") from None
    return secret


def _literal_place(text: str) -> IcsPlace:
    try:
        return understand_place(text)
    except CalendarError:
        raise ValueError(
            "neither an https address nor a path (it is not shown, since it may be secret)"
        ) from None


class IcsOptions(Section, frozen=True):
    """`ics` is a path, an https (or webcal) URL, or a secret that holds one. With `private_network` its
    server may redirect to other hosts of private networks. `user_agent` is what iodcal calls itself there."""

    ics: Annotated[Secret, Scalar(_secure_place, Secret.SHAPE)]
    private_network: Flag = False
    user_agent: Text | None = None


class IcsReader(Struct, frozen=True):
    """Reads one iCalendar file or URL."""

    source: Source
    secret: Secret
    directory: Path
    private_network: bool = False
    user_agent: str | None = None
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """Every place is read beside the others."""
        return self.source.key

    @property
    def manner(self) -> Hashable:
        """As `Shareable.manner`."""
        return (self.private_network, self.user_agent, frozenset(self.zones.items()))

    def read(self, window: Interval, deadline: Deadline) -> CalendarReading:
        """See `CalendarReader.read`."""
        from iodcal.calendars.ics.parse import parse_events

        place = self._place()
        content, clock_error = self._content(place, deadline)
        try:
            parsed = parse_events(self.source, content, window=window, deadline=deadline, zones=self.zones)
        except CalendarError as error:
            if "first_words" not in error.facts or place.url is None:
                raise
            from iodcal.calendars.ics.address import without_address

            words = {name: without_address(str(fact), place.url) for name, fact in error.facts.items()}
            raise CalendarError(error.code, **words) from None
        inside, elsewhere = divided(parsed.events, window)
        return CalendarReading(
            self.source,
            window,
            read_at=datetime.now(UTC),
            events=inside,
            clock_error=clock_error,
            elsewhere=elsewhere,
            spoiled=parsed.spoiled,
        )

    def _place(self) -> IcsPlace:
        try:
            value = self.secret.resolve(self.directory)
        except SecretError as error:
            raise CalendarError(error.code, **error.facts) from None
        try:
            place = understand_place(value.peek())
        except CalendarError:
            value.reveal()
            raise
        if place.url is not None or place.doubtful or not self.secret.literal:
            value.reveal()  # only a path that stands in the rules file itself is no secret
        return place

    def _content(self, place: IcsPlace, deadline: Deadline) -> tuple[bytes, float | None]:
        if place.url is not None:
            from iodcal.calendars.ics.address import fetch

            return fetch(
                place.url, deadline, private_network=self.private_network, user_agent=self.user_agent
            )
        # What a secret holds is not shown, even where it is a path: it may be an address in disguise.
        shown = None if self.secret.literal and not place.doubtful else f"what {self.secret.shown} names"
        return read_file(self.directory / expanded(place.path), MOST_BYTES, shown=shown), None


class IcsPlugin:
    """`ics: ...`."""

    Options = IcsOptions

    def sources(self, name: str, options: IcsOptions, context: CalendarContext) -> Sequence[Source]:
        return (Source(_key(options.ics, context.directory), name, name),)

    def readers(self, name: str, options: IcsOptions, context: CalendarContext) -> Sequence[IcsReader]:
        (source,) = self.sources(name, options, context)
        return (
            IcsReader(
                source,
                options.ics,
                directory=context.directory,
                private_network=options.private_network,
                user_agent=options.user_agent,
                zones=context.zones,
            ),
        )


def _key(secret: Secret, directory: Path) -> str:
    """Names the place without telling it: a URL may be a secret even where it stands in the file."""
    if not secret.literal:
        return f"ics:{secret.shown}"
    place = understand_place(secret.references[0].name)
    if place.url is not None or place.doubtful:
        return f"ics:{hashlib.sha256((place.url or place.path).encode()).hexdigest()[:24]}"
    return f"ics:{directory / expanded(place.path)}"


plugin = IcsPlugin()
