"""Fetching an iCalendar from a URL, which may be a secret and may redirect."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from iodcal.calendars.failures import unread
from iodcal.calendars.ics import MOST_BYTES
from iodcal.errors import CalendarError
from iodcal.http import Deadline, HttpError, ReadingSession, host_of, require_secure

_SHORTEST_SECRET = 6
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def fetch(url: str, deadline: Deadline, *, private_network: bool) -> tuple[bytes, float | None]:
    """What an https `url` holds, and the server's clock less ours in seconds, where it told. Redirects lead
    into private networks only with `private_network`. Raises CalendarError, which names the host alone."""
    host = host_of(url)

    def may_redirect(target: str) -> None:
        other = host_of(target).casefold()
        if other != host.casefold() and not private_network and _is_private(other):
            raise HttpError("redirect_private", sent=True, host=host)

    session = ReadingSession(
        max_bytes=MOST_BYTES,
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


def without_address(text: str, url: str) -> str:
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
