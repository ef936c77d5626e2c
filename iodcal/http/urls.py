"""Addresses: which may be used, and how much of one may be seen."""

from __future__ import annotations

import ipaddress
from urllib.parse import unquote, urlsplit, urlunsplit

from iodcal.http.answers import HttpError


def require_secure(url: str) -> None:
    """Raises HttpError (`insecure_url`) unless `url` is https, or http to this very machine."""
    try:
        parts = urlsplit(url)
        scheme, host, _ = parts.scheme, parts.hostname or "", parts.port  # a bad port raises here
        secure = bool(host) and (scheme == "https" or (scheme == "http" and _names_loopback(host)))
    except ValueError:
        scheme, host, secure = "", "", False
    if not secure:
        raise HttpError("insecure_url", sent=False, host=host or None, scheme=scheme or None)


def is_loopback(url: str) -> bool:
    """True if `url` leads to this very machine."""
    try:
        return _names_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False


def _names_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """The host that `url` names, for messages."""
    return urlsplit(url).hostname or ""


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: where they are the same, a token may go. Raises ValueError for a bad port."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return (parts.scheme, parts.hostname or "", port)


def without_userinfo(url: str) -> tuple[str, tuple[str, str] | None]:
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    name, _, password = userinfo.partition(":")
    return urlunsplit(parts._replace(netloc=host)), (unquote(name), unquote(password))


def password_in(url: object) -> str:
    """The password that `url` holds; empty where there is none, or where it is no address."""
    try:
        return unquote(urlsplit(str(url)).password or "")
    except ValueError:
        return ""


def shown(url: str, *, hide_path: bool) -> str:
    parts = urlsplit(url)
    path = "/..." if hide_path else parts.path
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))
