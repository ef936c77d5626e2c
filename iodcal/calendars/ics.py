"""iCalendar files and URLs: published Outlook calendars, and those of any other server."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Struct

from iodcal.calendars import CalendarContext
from iodcal.calendars.local_file import read_file
from iodcal.calendars.overlap import divided
from iodcal.config.fields import Flag
from iodcal.config.forms import Scalar, Section
from iodcal.config.secrets import Secret
from iodcal.domain.events import CalendarReading, Source
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError, SecretError
from iodcal.http import Deadline, HttpError, require_secure
from iodcal.paths import expanded

MOST_BYTES = 10 * 1024 * 1024


def _secure_place(value: object) -> Secret:
    """Of an address that stands in the configuration it can be said at once that it will be refused."""
    place = Secret.parse(value)
    if place.literal and _is_url(url := place.references[0].name):
        try:
            require_secure(_https(url))
        except HttpError:
            raise ValueError("an https address is wanted: plain http is for this machine only") from None
    return place


class IcsOptions(Section, frozen=True):
    """`ics` is a path, an https (or webcal) URL, or a secret that holds one. With `private_network` its
    server may redirect to other hosts of private networks."""

    ics: Annotated[Secret, Scalar(_secure_place, Secret.SHAPE)]
    private_network: Flag = False


class IcsReader(Struct, frozen=True):
    """Reads one iCalendar file or URL."""

    source: Source
    secret: Secret
    directory: Path
    private_network: bool = False

    @property
    def group(self) -> str:
        """Every place is read beside the others."""
        return self.source.key

    def read(self, window: Interval, deadline: Deadline) -> CalendarReading:
        """See `CalendarReader.read`."""
        from iodcal.calendars.ics_events import parse_events

        try:
            place = self.secret.resolve(self.directory).reveal().strip()
        except SecretError as error:
            raise CalendarError(error.code, **error.facts) from None
        clock_error = None
        if _is_url(place):
            from iodcal.calendars.ics_url import fetch

            content, clock_error = fetch(_https(place), deadline, private_network=self.private_network)
        else:
            content = read_file(self.directory / expanded(place), MOST_BYTES)
        try:
            events = parse_events(self.source, content, window, deadline)
        except CalendarError as error:
            if "first_words" not in error.facts:
                raise
            from iodcal.calendars.ics_url import without_address

            words = without_address(str(error.facts["first_words"]), place)
            raise CalendarError(error.code, first_words=words) from None
        inside, elsewhere = divided(events, window)
        return CalendarReading(
            self.source, window, datetime.now(UTC), inside, clock_error, elsewhere=elsewhere
        )


class IcsPlugin:
    """`ics: ...`."""

    Options = IcsOptions

    def sources(self, name: str, options: IcsOptions, context: CalendarContext) -> Sequence[Source]:
        return (Source(_key(options.ics, context.directory), name, name),)

    def readers(self, name: str, options: IcsOptions, context: CalendarContext) -> Sequence[IcsReader]:
        (source,) = self.sources(name, options, context)
        return (IcsReader(source, options.ics, context.directory, options.private_network),)


def _key(secret: Secret, directory: Path) -> str:
    """Names the place without telling it: a URL may be a secret even where it stands in the file."""
    if not secret.literal:
        return f"ics:{secret.shown}"
    place = secret.references[0].name
    if _is_url(place):
        return f"ics:{hashlib.sha256(_https(place).encode()).hexdigest()[:24]}"
    return f"ics:{directory / expanded(place)}"


def _is_url(place: str) -> bool:
    return urlsplit(place).scheme.casefold() in ("http", "https", "webcal", "webcals")


def _https(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"https://{rest}" if scheme.casefold().startswith("webcal") else url


plugin = IcsPlugin()
