"""The sessions of `requests` that lie below ours, without its habits that would do harm here."""

from __future__ import annotations

import io
import socket
from collections.abc import Mapping
from http.client import HTTPResponse as WireResponse
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from iodcal import __version__
from iodcal.http.exchange import Deadline, current_exchange, run_exchange
from iodcal.http.urls import is_loopback, password_in
from iodcal.redaction import remember_secrets

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CONNECTIONS = 32  # kept per host: as many as calendars are read side by side


class _CountedReader(io.RawIOBase):
    """What comes from a socket, counted: a line without end, such as a chunk's extension, would fill all
    memory."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        number: int | None = self._raw.readinto(buffer)
        exchange = current_exchange()
        if exchange is not None and number:
            exchange.count(number)
        return number

    def fileno(self) -> int:
        return self._raw.fileno()

    def close(self) -> None:
        self._raw.close()
        super().close()


class _CountedResponse(WireResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_CountedReader(self.fp.detach()))


class _Breakable:
    """A connection whose exchange can be broken off, whatever it waits for; comes before urllib3's class."""

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]  # urllib3's
        if (exchange := current_exchange()) is not None:
            try:
                exchange.use(sock)
            except TimeoutError:
                sock.close()
                raise
        return sock

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        connection: Any = self
        if (exchange := current_exchange()) is not None:
            if connection.sock is None:
                connection.connect()  # as http.client would do while it sends
            else:
                exchange.use(connection.sock)
            exchange.begin_sending()
        super().endheaders(*args, **kwargs)  # type: ignore[misc]  # http.client's


class _Connection(_Breakable, HTTPConnection):
    response_class = _CountedResponse


class _SecureConnection(_Breakable, HTTPSConnection):
    response_class = _CountedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """An adapter whose exchanges can be broken off."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


class RawSession(requests.Session):
    """Keeps no cookie, since one session serves many threads, leaves redirects alone, and reaches loopback
    directly."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["User-Agent"] = f"iodcal/{__version__}"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Adapter(pool_maxsize=_CONNECTIONS))

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - the base class's signature
        """None. Else `requests` would read a redirect's whole body, whatever its size, even if told not to
        follow it."""
        return

    def merge_environment_settings(self, url: Any, *args: Any, **kwargs: Any) -> Any:
        """The environment's proxies, but none for loopback: its plain http would take credentials off this
        machine."""
        settings: Mapping[str, Any] = super().merge_environment_settings(url, *args, **kwargs)
        if is_loopback(str(url)):
            return {**settings, "proxies": {}}
        remember_secrets(*filter(None, map(password_in, settings["proxies"].values())))
        return settings


class LocalSession(RawSession):
    """For the address at which a machine in Azure asks for its own identity.

    Plain http is right here: the address is link-local and never leaves the machine's host. For the same
    reason no proxy and no ~/.netrc has a say. Every request ends within a few seconds and within `deadline`.
    It is given to msal, which asks for a `requests.Session`.
    """

    _MOST_SECONDS = 10.0
    _MOST_BYTES = 1024 * 1024

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self.trust_env = False
        self._deadline = deadline

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """See `requests.Session.request`. Raises TimeoutError, too."""
        limit = self._deadline.or_after(self._MOST_SECONDS)
        kwargs["timeout"] = max(0.001, limit.left)
        ask = super().request
        return run_exchange(lambda: ask(*args, **kwargs), limit, repeatable=True, most_bytes=self._MOST_BYTES)
