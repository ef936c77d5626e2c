"""iCalendar files and URLs: published Outlook calendars, and those of any other server."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Struct

from iodcal.calendars import CalendarContext
from iodcal.calendars.failures import unread
from iodcal.calendars.local_file import read_file
from iodcal.calendars.overlap import divided
from iodcal.config.fields import Flag
from iodcal.config.forms import Scalar, Section
from iodcal.config.secrets import Secret
from iodcal.domain.events import CalendarReading, Source
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError, SecretError
from iodcal.http import Deadline, HttpError, ReadingSession, host_of, require_secure
from iodcal.places import expanded

_MOST_BYTES = 10 * 1024 * 1024
_SHORTEST_SECRET = 6
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


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
            content, clock_error = self._fetch(_https(place), deadline)
        else:
            content = read_file(self.directory / expanded(place), _MOST_BYTES)
        try:
            events = parse_events(self.source, content, window, deadline)
        except CalendarError as error:
            if "first_words" not in error.facts:
                raise
            words = _without(str(error.facts["first_words"]), place)
            raise CalendarError(error.code, first_words=words) from None
        inside, elsewhere = divided(events, window)
        return CalendarReading(
            self.source, window, datetime.now(UTC), inside, clock_error, elsewhere=elsewhere
        )

    def _fetch(self, url: str, deadline: Deadline) -> tuple[bytes, float | None]:
        host = host_of(url)

        def may_redirect(target: str) -> None:
            other = host_of(target).casefold()
            if other != host.casefold() and not self.private_network and _is_private(other):
                raise HttpError("redirect_private", sent=True, host=host)

        session = ReadingSession(
            max_bytes=_MOST_BYTES,
            allow_redirects=True,
            may_redirect=may_redirect,
            secret_urls=True,
        )
        try:
            require_secure(url)
            answer = session.get(url, headers={"Accept": "text/calendar"}, deadline=deadline)
        except HttpError as error:
            raise unread(error) from None
        finally:
            session.close()
        if answer.status != 200:
            raise CalendarError("ics_status", host=host, status=answer.status)
        return answer.body, answer.clock_error


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


def _without(text: str, url: str) -> str:
    """`text`, which the server sent, without the parts of a secret address, should it repeat them."""
    parts = urlsplit(url)
    for part in re.split(r"[/?&=@:]+", f"{parts.netloc}/{parts.path}?{parts.query}"):
        if len(part) >= _SHORTEST_SECRET and part != parts.hostname:
            text = text.replace(part, "***")
    return text


def _is_private(host: str) -> bool:
    """True for this machine and for private networks, whether `host` is an address or a name of one."""
    try:
        return _leads_inside(ipaddress.ip_address(host))
    except ValueError:
        pass
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False  # then only a proxy can know it, which has its own rules
    addresses = (ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_, place in found)
    return any(map(_leads_inside, addresses))


def _leads_inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """True for an address that is not out in the world, also where it only wraps up one that is not."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
        inner = wrapped or address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return not inner.is_global
    return not address.is_global


plugin = IcsPlugin()
