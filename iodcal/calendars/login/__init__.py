"""The Microsoft login: once per run, for all calendars that need it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from iodcal.calendars.login.refusals import CREDENTIAL_REFUSED
from iodcal.calendars.login.tokens import Application, Token, from_certificate, token_for
from iodcal.errors import CalendarError, SecretError
from iodcal.http import Deadline

if TYPE_CHECKING:
    from iodcal.http import Session


_FAILURE_SECONDS = 60.0
_MOST_RENEWALS = 3
_WAITS = (1.0, 2.0, 4.0)  # seconds


class _Revealing(Protocol):
    def reveal(self) -> str: ...


class _Candidates(Protocol):
    def candidates(self, directory: Path) -> Iterator[_Revealing]: ...


class LoginSettings(Application, Protocol):
    """What the login needs of the section `microsoft365`; secrets are references that resolve late."""

    @property
    def client_secret(self) -> _Candidates | None: ...
    @property
    def certificate(self) -> _Candidates | None: ...
    @property
    def managed_identity(self) -> bool: ...
    @property
    def workload_identity(self) -> bool: ...
    @property
    def authority(self) -> str | None: ...


class Login:
    """Hands out the token that all readers of one `microsoft365` section share; any thread may ask.

    The token stays in memory. A login that failed is not tried again for a minute: 200 mailboxes must not
    make 200 attempts. `directory` is where relative paths of secrets start.
    """

    def __init__(self, settings: LoginSettings, directory: Path) -> None:
        self._settings = settings
        self._directory = directory
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._renewals = 0
        self._failure: CalendarError | None = None
        self._failed_at = 0.0

    def token(self, deadline: Deadline, *, refused: str | None = None, claims: str | None = None) -> str:
        """A token that should be good. `refused` is one that Graph just would not take, `claims` (JSON) what
        it wants the next one to have.

        Where another thread has had it replaced already, the new one is given; it is replaced a few times
        at most. Raises CalendarError.
        """
        with self._lock:
            if self._token is not None and self._token.good and not self._must_renew(refused):
                return self._token.text
            self._raise_recent_failure()
            try:
                self._token = self._log_in(deadline, claims)
            except CalendarError as failure:
                self._failure, self._failed_at = failure, time.monotonic()
                raise
            return self._token.text

    def _must_renew(self, refused: str | None) -> bool:
        if self._token is None or self._token.text != refused or self._renewals >= _MOST_RENEWALS:
            return False
        self._renewals += 1
        return True

    def _raise_recent_failure(self) -> None:
        if self._failure is not None and time.monotonic() - self._failed_at < _FAILURE_SECONDS:
            raise CalendarError(self._failure.code, **self._failure.facts)

    def _log_in(self, deadline: Deadline, claims: str | None) -> Token:
        if self._settings.managed_identity:
            from iodcal.calendars.login.identity import token_of_machine

            return token_of_machine(self._settings, deadline)
        from iodcal.http import Session

        session = Session(max_bytes=1024 * 1024)
        try:
            if self._settings.workload_identity:
                from iodcal.calendars.login.identity import environment, workload_of

                workload = workload_of(self._settings, self._settings.authority, environment())
                return _asked(
                    workload, workload.credential, session=session, deadline=deadline, claims=claims
                )
            return self._first_accepted(session, deadline, claims)
        finally:
            session.close()

    def _first_accepted(self, session: Session, deadline: Deadline, claims: str | None) -> Token:
        """The token for the first secret that the login takes; one that it refuses gives way to the next."""
        refused: CalendarError | None = None
        try:
            for text, is_certificate in self._secrets():
                try:
                    credential = from_certificate(text) if is_certificate else text
                    return _asked(
                        self._settings, credential, session=session, deadline=deadline, claims=claims
                    )
                except CalendarError as error:
                    if error.code not in CREDENTIAL_REFUSED:
                        raise
                    refused = error
        except SecretError as error:
            refused = refused or CalendarError(f"login_{error.code}", **error.facts)
        raise refused or CalendarError("login_secret_empty", reference="nothing")

    def _secrets(self) -> Iterator[tuple[str, bool]]:
        """The secrets as text, each with whether it is a certificate."""
        for secret, is_certificate in (
            (self._settings.client_secret, False),
            (self._settings.certificate, True),
        ):
            if secret is not None:
                for candidate in secret.candidates(self._directory):
                    yield candidate.reveal(), is_certificate


def _asked(
    application: Application,
    credential: str | Mapping[str, Any],
    session: Session,
    deadline: Deadline,
    claims: str | None,
) -> Token:
    """The token, asked for again where the login says itself that its trouble passes. Raises
    CalendarError."""
    from iodcal.http import session as http

    for wait in _WAITS:
        try:
            return token_for(application, credential, session, deadline, claims=claims)
        except CalendarError as error:
            if error.code != "login_passing" or wait >= deadline.left:
                raise
        http.sleep(wait)
    return token_for(application, credential, session, deadline, claims=claims)
