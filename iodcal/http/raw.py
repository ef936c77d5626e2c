"""The sessions of `requests` that lie below ours, without its habits that would do harm here."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from iodcal import __version__
from iodcal.http.cutting import watched
from iodcal.http.deadline import Deadline

_CONNECTIONS = 32  # kept per host: as many as calendars are read side by side


class _Connection(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own class has it
        with watched(self):
            return super().getresponse()


class _SecureConnection(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own class has it
        with watched(self):
            return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """An adapter whose connections can be cut while they wait."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


class RawSession(requests.Session):
    """Keeps no cookie, since one session serves many threads, and leaves redirects alone."""

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


class LocalSession(RawSession):
    """For the address at which a machine in Azure asks for its own identity.

    Plain http is right here: the address is link-local and never leaves the machine's host. For the same
    reason no proxy and no ~/.netrc has a say. Every request ends within a few seconds and within `deadline`.
    It is given to msal, which asks for a `requests.Session`.
    """

    _MOST_SECONDS = 10.0

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self.trust_env = False
        self._deadline = deadline

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = max(0.001, min(self._MOST_SECONDS, self._deadline.left))
        return super().request(*args, **kwargs)
