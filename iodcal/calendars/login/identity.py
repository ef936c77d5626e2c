"""Logins without a secret of ours: the identity of a machine in Azure, and that of a workload elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from iodcal.bounds import read_bytes
from iodcal.calendars.login.tokens import Application, Token, token_from
from iodcal.errors import CalendarError
from iodcal.http import Deadline
from iodcal.http.answers import printable
from iodcal.redaction import remember_secrets

if TYPE_CHECKING:
    import requests

# learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token: 404 and 410 while
# the service is being updated, the latter for up to 70 seconds; 429 and 5xx as everywhere.
_PASSING = frozenset({404, 410, 429})
_MOST_TRIES = 8
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 20.0
_MOST_BYTES = 64 * 1024

_TENANT, _CLIENT = "AZURE_TENANT_ID", "AZURE_CLIENT_ID"
_TOKEN_FILE, _AUTHORITY = "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"


def token_of_machine(application: Application, deadline: Deadline) -> Token:
    """The token of the machine's managed identity (the one with `client_id`, where that is set).

    Raises CalendarError.
    """
    import msal

    from iodcal.http.transport import LocalSession

    named = application.client_id
    identity = (
        msal.UserAssignedManagedIdentity(client_id=named) if named else msal.SystemAssignedManagedIdentity()
    )
    session = _PatientSession(LocalSession(deadline), deadline)
    try:
        client = msal.ManagedIdentityClient(identity, http_client=session)
        result = client.acquire_token_for_client(resource=application.scope.removesuffix("/.default"))
    except (PermissionError, FileNotFoundError) as error:
        # Azure Arc proves who asks by a file that only some may read.
        file = str(error.filename or "its key file")
        raise CalendarError("login_identity_key", file=file, reason=str(error.strerror)) from None
    except OSError:
        raise CalendarError("login_identity_unreachable") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, msal.exceptions.MsalError):
        # msal takes the shape of this answer on trust.
        raise CalendarError("login_identity_wrong", error="an answer that makes no sense") from None
    if "access_token" not in result:
        raise CalendarError("login_identity_wrong", error=printable(str(result.get("error")), 64))
    return token_from(result)


class _PatientSession:
    """msal's `http_client` for the machine's own address: asks again while the answer is one that passes."""

    def __init__(self, session: requests.Session, deadline: Deadline) -> None:
        self._session = session
        self._deadline = deadline

    def get(self, url: str, **asked: Any) -> requests.Response:
        from iodcal.http import session

        for number in range(_MOST_TRIES):
            response = self._session.get(url, **asked)
            wait = max(min(_FIRST_WAIT * 2**number, _LONGEST_WAIT), _asked_wait(response.headers))
            passing = response.status_code in _PASSING or response.status_code >= 500
            if not passing or number == _MOST_TRIES - 1 or wait >= self._deadline.left:
                break
            session.sleep(wait)
        return response

    def close(self) -> None:
        """Nothing: the process ends soon."""


def _asked_wait(headers: Mapping[str, str]) -> float:
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() and len(text) < 6 else 0.0


class Workload(Struct, frozen=True):
    """A workload with a federated identity, as the application that it logs in as: what the settings do not
    say stands in the environment (learn.microsoft.com/azure/aks/workload-identity-overview)."""

    tenant_id: str | None
    client_id: str | None
    authority_url: str
    scope: str
    token_file: Path

    @property
    def credential(self) -> Mapping[str, Callable[[], str]]:
        """What msal takes: the proof is short-lived and changes, so it is read for each login."""
        return {"client_assertion": self._assertion}

    def _assertion(self) -> str:
        try:
            text = read_bytes(self.token_file, _MOST_BYTES).decode("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it holds no token"
        else:
            reason = "" if text else "it is empty"
        if reason:
            raise CalendarError("login_workload_file", file=str(self.token_file), reason=reason)
        remember_secrets(text)
        return text


def workload_of(application: Application, authority: str | None, environment: Mapping[str, str]) -> Workload:
    """The workload that `environment` speaks of; the settings come first. `authority` is the one that was
    set, with the tenant. Raises CalendarError (`login_workload_missing`)."""
    tenant = application.tenant_id or environment.get(_TENANT)
    client = application.client_id or environment.get(_CLIENT)
    file = environment.get(_TOKEN_FILE)
    wanted = {_TENANT: tenant, _CLIENT: client, _TOKEN_FILE: file}
    missing = ", ".join(name for name, value in wanted.items() if not value)
    if missing or file is None:
        raise CalendarError("login_workload_missing", missing=missing)
    host = environment.get(_AUTHORITY, "").strip().rstrip("/")
    default = application.authority_url.rpartition("/")[0]
    base = authority or (host if host else default)
    return Workload(
        tenant, client, authority_url=f"{base}/{tenant}", scope=application.scope, token_file=Path(file)
    )


def environment() -> Mapping[str, str]:
    """The process's own."""
    return os.environ
