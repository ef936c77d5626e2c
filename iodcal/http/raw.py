"""The sessions of `requests` that lie below ours, without its habits that would do harm here."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from iodcal import __version__
from iodcal.http.deadline import Deadline

_CONNECTIONS = 16  # kept per host: more than calendars are read side by side


class RawSession(requests.Session):
    """Keeps no cookie, since one session serves many threads, and leaves redirects alone."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["User-Agent"] = f"iodcal/{__version__}"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))

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
