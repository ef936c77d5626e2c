"""iCalendar files and URLs: published Outlook calendars, and those of any other server."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from iodcal.calendars import CalendarContext
from iodcal.calendars.failures import unread
from iodcal.calendars.overlap import divided
from iodcal.config.fields import Strict
from iodcal.config.secrets import Secret
from iodcal.domain.events import CalendarReading, Source
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError, SecretError
from iodcal.http import Deadline, HttpError, ReadingSession, host_of, require_secure

_MOST_BYTES = 10 * 1024 * 1024


class IcsOptions(Strict):
    """`ics` is a path, an https (or webcal) URL, or a secret that holds one."""

    ics: Secret


@dataclass(frozen=True, slots=True)
class IcsReader:
    """Reads one iCalendar file or URL."""

    source: Source
    secret: Secret
    directory: Path

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
            content, clock_error = _fetch(_https(place), deadline, secret=not self.secret.literal)
        else:
            content = _read_file(self.directory / Path(place).expanduser())
        inside, elsewhere = divided(parse_events(self.source, content, window, deadline), window)
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
        return (IcsReader(source, options.ics, context.directory),)


def _key(secret: Secret, directory: Path) -> str:
    """Names the place without telling it: a URL may be a secret even where it stands in the file."""
    if not secret.literal:
        return f"ics:{secret.shown}"
    place = secret.references[0].name
    if _is_url(place):
        return f"ics:{hashlib.sha256(_https(place).encode()).hexdigest()[:24]}"
    return f"ics:{directory / Path(place).expanduser()}"


def _is_url(place: str) -> bool:
    return urlsplit(place).scheme.casefold() in ("http", "https", "webcal", "webcals")


def _https(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"https://{rest}" if scheme.casefold().startswith("webcal") else url


def _fetch(url: str, deadline: Deadline, *, secret: bool) -> tuple[bytes, float | None]:
    def may_redirect(target: str) -> None:
        if _is_private(target) and not _is_private(url):
            raise HttpError("redirect", sent=True, host=host_of(url))

    session = ReadingSession(
        max_bytes=_MOST_BYTES, allow_redirects=True, may_redirect=may_redirect, secret_urls=secret
    )
    try:
        require_secure(url)
        answer = session.get(url, headers={"Accept": "text/calendar"}, deadline=deadline)
    except HttpError as error:
        raise unread(error) from None
    finally:
        session.close()
    if answer.status != 200:
        raise CalendarError("ics_status", host=host_of(url), status=answer.status)
    return answer.body, answer.clock_error


def _is_private(url: str) -> bool:
    """True for this machine and for addresses of private networks, written as such."""
    host = (urlsplit(url).hostname or "").casefold()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    return not address.is_global


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CalendarError("file_unreadable", file=str(path), reason=error.strerror) from None
    if len(content) > _MOST_BYTES:
        raise CalendarError("file_too_large", file=str(path), limit=_MOST_BYTES)
    return content


plugin = IcsPlugin()
