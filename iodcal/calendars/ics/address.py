"""What `ics:` names: an address, however it was copied, or a path. An address is secret, and not shown."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from msgspec import Struct

from iodcal import __version__
from iodcal.calendars.readings import unread
from iodcal.errors import CalendarError, PassingError
from iodcal.http import Answer, Deadline, HttpError, ReadingSession, host_of, require_secure
from iodcal.http.answers import worth_retrying

MOST_BYTES = 10 * 1024 * 1024

_ASSIGNED = re.compile(r"(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*[=:]\s*(?=[\"'<]|[a-z]+:/)")
_WRAPPED = ('""', "''", "<>", "“”", "«»", "()", "[]", "``")
_SCHEME = re.compile(
    r"(?:(?:feed|url):(?://)?(?=[a-z]+:))?(https?|webcals?|feeds?)://(?=[^\s/])", re.IGNORECASE
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:/|^//|^(?:https?|webcals?|feeds?|mailto|data):", re.IGNORECASE)
_HOST = re.compile(r"(?:[^/@\s]+@)?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?::\d+)?[/?]", re.IGNORECASE)


class IcsPlace(Struct, frozen=True):
    """An http or https `url`, or else a `path`; one that is `doubtful` may be an address without its
    https://, and is not shown."""

    url: str | None = None
    path: str = ""
    doubtful: bool = False


def understand_place(text: str) -> IcsPlace:
    """The place that `text` names: also in quotes or brackets, with `NAME=` before it, as `feed:` or
    `webcal:`. Raises CalendarError (`ics_place_unclear`), which does not show it."""
    text = _bare(_only_line(text))
    found = _SCHEME.match(text)
    if found is not None:
        scheme = "http" if found.group(1).casefold() == "http" else "https"
        rest = text[found.end() :]
        if any(letter.isspace() for letter in rest):
            raise CalendarError("ics_place_unclear")
        return IcsPlace(url=f"{scheme}://{rest}")
    if not text or _ADDRESS.search(text):
        raise CalendarError("ics_place_unclear")
    return IcsPlace(path=text, doubtful=_HOST.match(text) is not None)


def _only_line(text: str) -> str:
    """The one line that is neither empty nor a remark."""
    text = text.removeprefix("\ufeff").strip()
    if "\n" not in text and "\r" not in text:
        return text
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]
    if len(lines) != 1:
        raise CalendarError("ics_place_unclear")
    return lines[0]


def _bare(text: str) -> str:
    """`text` without what it is wrapped in."""
    while True:
        before = text
        text = _ASSIGNED.sub("", text, count=1) if _ASSIGNED.match(text) else text
        text = text.strip().removesuffix(";").strip()
        if len(text) > 1 and text[0] + text[-1] in _WRAPPED:
            text = text[1:-1].strip()
        if text == before:
            return text


_SHORTEST_SECRET = 6
# Outlook's servers send agents that name no browser to an error page (since 2025).
_USER_AGENT = f"Mozilla/5.0 (compatible; iodcal/{__version__})"
_MOST_REDIRECTS = 5
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def fetch(
    url: str, deadline: Deadline, *, private_network: bool, user_agent: str | None = None
) -> tuple[bytes, float | None]:
    """What an https `url` holds, and the server's clock less ours in seconds, where it told. Redirects lead
    into private networks only with `private_network`. One try: whoever reads many calendars knows
    when another is due. Raises CalendarError, which names the host alone: PassingError where it may help."""
    host = host_of(url)
    followed = []

    def may_redirect(target: str) -> None:
        followed.append(target)
        other = host_of(target).casefold()
        if urlsplit(target).path.casefold().endswith("/errorfe.aspx"):
            raise HttpError("ics_agent_refused", sent=True, host=host)
        if other != host.casefold() and not private_network and _is_private(other):
            raise HttpError("redirect_private", sent=True, host=host)

    session = ReadingSession(
        max_bytes=MOST_BYTES,
        allow_redirects=True,
        may_redirect=may_redirect,
        secret_urls=True,
        user_agent=user_agent or _USER_AGENT,
    )
    try:
        require_secure(url)
        answer = session.get(url, headers={"Accept": "text/calendar"}, deadline=deadline, retry=False)
    except HttpError as error:
        if error.code == "redirect":
            code = "redirect_circle" if len(followed) >= _MOST_REDIRECTS else "redirect_nowhere"
            raise CalendarError(code, host=host) from None
        told = unread(error)
        raise (
            PassingError(told.code, told.facts) if worth_retrying(error, wants_json=False) else told
        ) from None
    finally:
        session.close()
    if worth_retrying(answer, wants_json=False):
        from iodcal.http.retries import retry_after

        raise PassingError("ics_status", {"host": host, "status": answer.status}, wait=retry_after(answer))
    if answer.status != 200:
        raise CalendarError("ics_status", host=host, status=answer.status)
    return answer.body, _clock_error(answer)


def _clock_error(answer: Answer) -> float | None:
    """The server's clock less ours; a cache's answer tells the time of its making, and its age."""
    age = answer.headers.get("Age", "").strip()
    if answer.clock_error is None or not age:
        return answer.clock_error
    return answer.clock_error + int(age) if age.isascii() and age.isdigit() and len(age) < 10 else None


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
