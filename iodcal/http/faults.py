"""From the exceptions of `requests` and what lies below it to `HttpError`.

Their texts hold whole addresses, queries included, so no text of theirs is kept but the system's own words.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator

import requests
from urllib3 import exceptions as urllib3_errors

from iodcal.http.answers import HttpError
from iodcal.http.exchange import Deadline, ExchangeTimeoutError, WireLimitError

FOREIGN = (
    requests.RequestException,
    urllib3_errors.HTTPError,
    urllib3_errors.ProxySchemeUnsupported,
    OSError,
    UnicodeError,  # a header that no server could read
)
"""Whatever a request may raise that is not ours."""

_CLOSED = "the connection was closed"
_CLOSE = 0.1  # seconds: a time-out cut to the deadline ends this near to it

# OpenSSL's reasons that only occur before a request is sent. Others may also come afterwards.
_HANDSHAKE = frozenset(
    {
        "BAD_SSL_VERSION",
        "HTTP_REQUEST",
        "NO_PROTOCOLS_AVAILABLE",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV1_ALERT_INTERNAL_ERROR",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "TLSV1_UNRECOGNIZED_NAME",
        "UNSUPPORTED_PROTOCOL",
        "WRONG_VERSION_NUMBER",
    }
)

# The standard library's http.client has the status of a proxy's refusal in nothing but this text.
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")
_PROXY_SAYS = {401: "proxy_login", 407: "proxy_login", 403: "proxy_forbids", 451: "proxy_forbids"}

_UNREACHED = (
    urllib3_errors.NewConnectionError,
    urllib3_errors.ProxyError,
    urllib3_errors.ProxySchemeUnsupported,
    urllib3_errors.LocationValueError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidProxyURL,
    requests.exceptions.InvalidSchema,
    UnicodeError,
)


def fault_of(error: Exception, host: str, deadline: Deadline) -> HttpError:
    """What `error`, one of FOREIGN, means, as an error of ours to raise or return."""
    causes = tuple(_causes(error))
    if isinstance(error, ExchangeTimeoutError):
        return HttpError("deadline", sent=error.sent, host=host)
    if (refusal := _of_proxy(causes, host)) is not None:
        return refusal
    for cause in causes:
        if isinstance(cause, WireLimitError):
            return HttpError("too_large", sent=True, host=host, limit=cause.limit)
    if any(isinstance(cause, ssl.SSLEOFError) for cause in causes):
        # Somebody hung up; that this went through TLS is no matter, and when it was nobody can say.
        return HttpError("unreachable", sent=True, host=host, reason=_CLOSED)
    for cause in causes:
        if isinstance(cause, ssl.SSLError | urllib3_errors.SSLError | requests.exceptions.SSLError):
            return _tls(causes, host)
    for cause in causes:
        if isinstance(cause, _UNREACHED):
            return HttpError("unreachable", sent=False, host=host, reason=_reason(causes))
        if isinstance(cause, urllib3_errors.TimeoutError | requests.Timeout | TimeoutError):
            connecting = isinstance(cause, urllib3_errors.ConnectTimeoutError | requests.ConnectTimeout)
            code = "deadline" if deadline.left < _CLOSE else "timeout"
            return HttpError(code, sent=not connecting, host=host)
    return _broken(causes, host)


def _of_proxy(causes: tuple[BaseException, ...], host: str) -> HttpError | None:
    """What a proxy's own refusal of `host` means, or that the proxy is not there; None where it is none."""
    pools = (cause.pool for cause in causes if isinstance(cause, urllib3_errors.MaxRetryError))
    proxies = (_address(getattr(pool, "proxy", None)) for pool in pools)
    proxy = next(filter(None, proxies), "that the environment names")
    for cause in causes:
        if isinstance(cause, OSError) and (found := _TUNNEL.match(str(cause))):
            status = int(found[1])
            code = _PROXY_SAYS.get(status, "proxy_fails")
            return HttpError(code, sent=False, host=host, proxy=proxy, status=status)
    tls = (ssl.SSLError, urllib3_errors.SSLError, requests.exceptions.SSLError)
    if any(isinstance(cause, urllib3_errors.ProxyError) for cause in causes) and not any(
        isinstance(cause, tls) for cause in causes
    ):
        reason = _reason(causes) or "no reason given"
        return HttpError("proxy_unreachable", sent=False, host=host, proxy=proxy, reason=reason)
    return None


def _address(proxy: object) -> str:
    """Host and port of `proxy`, an address as urllib3 parsed it, without the login that it may hold."""
    name, port = getattr(proxy, "host", None), getattr(proxy, "port", None)
    return f"{name}:{port}" if name and port else str(name or "")


def _tls(causes: tuple[BaseException, ...], host: str) -> HttpError:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return HttpError("tls", sent=False, host=host, reason=cause.verify_message)
        if isinstance(cause, ssl.SSLError) and cause.reason:
            reason = cause.reason.replace("_", " ").lower()
            return HttpError("tls", sent=cause.reason not in _HANDSHAKE, host=host, reason=reason)
    return HttpError("tls", sent=True, host=host, reason=None)


def _broken(causes: tuple[BaseException, ...], host: str) -> HttpError:
    truncated = (
        urllib3_errors.IncompleteRead,
        urllib3_errors.InvalidChunkLength,
        urllib3_errors.DecodeError,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
    )
    if any(isinstance(cause, truncated) for cause in causes):
        return HttpError("truncated", sent=True, host=host)
    if type(causes[0]) is OSError and causes[0].errno is None:
        # requests itself, which looks for the file with the authorities' certificates before it connects.
        reason = "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a file that cannot be read"
        return HttpError("tls", sent=False, host=host, reason=reason)
    return HttpError("unreachable", sent=True, host=host, reason=_reason(causes))


def _reason(causes: tuple[BaseException, ...]) -> str | None:
    """The system's own words, such as "Connection refused"; ours for a server that hangs up without any."""
    for cause in causes:
        if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException) and cause.strerror:
            return cause.strerror
    return _CLOSED if any(isinstance(cause, ConnectionResetError) for cause in causes) else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and all that lies below it, the outermost first."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
