"""Bearer tokens by OAuth 2 client credentials: one a run, kept in memory only."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakValueDictionary

from iodcal.config.secrets import Secret
from iodcal.errors import CarrierError, SecretError
from iodcal.http import Answer, AnswerError, Deadline, HttpError, Session, error_text
from iodcal.tenant import run_label

_RENEW_EARLY = 60.0  # seconds
_UNKNOWN_LIFETIME = 600.0  # seconds, where the answer does not say
_WAIT = 1.0  # seconds in which another lane may be logging in
_GRANT = {"grant_type": "client_credentials"}


class Tokens:
    """Gives out a bearer token of the login at `url`, asks for a new one when it is used up or was refused.

    `client_secret` may be a list: the next is tried where the login refuses one. With `in_query` the grant
    stands in the query instead of the body.
    """

    def __init__(
        self,
        session: Session,
        url: str,
        *,
        client_id: Secret,
        client_secret: Secret,
        directory: Path,
        in_query: bool = False,
    ) -> None:
        self._session = session
        self._url = url
        self._client_id = client_id
        self._client_secret = client_secret
        self._directory = directory
        self._in_query = in_query
        self._token = ""
        self._until = 0.0
        self._renewing = threading.Lock()

    def token(self, deadline: Deadline) -> str:
        """A token that is good for a while; may be asked for by several lanes at once. A login that is slow
        or hangs in one of them holds up no other for longer than a moment. Raises CarrierError."""
        alone = self._renewing.acquire(timeout=max(0.0, min(_WAIT, deadline.left)))
        try:
            if not self._token or time.monotonic() >= self._until:
                return self._renew(deadline)
            return self._token
        finally:
            if alone:
                self._renewing.release()

    def drop(self) -> None:
        """The token was refused: the next one is new."""
        self._token = ""

    def _renew(self, deadline: Deadline) -> str:
        refusal: Answer | None = None
        for client_id, client_secret in self._credentials():
            answer = self._ask(client_id, client_secret, deadline)
            if answer.status < 300 and not _says_no(answer):
                return self._keep(answer)
            refusal = answer
        assert refusal is not None  # noqa: S101 - without credentials SecretError came first
        code = "login_refused" if refusal.status in (400, 401, 403) or refusal.status < 300 else "refused"
        raise CarrierError(code, status=refusal.status, message=error_text(refusal))

    def _credentials(self) -> Iterator[tuple[str, str]]:
        """Each pair of key and secret; a list of secrets is tried in turn where the login refuses one."""
        try:
            client_id = self._client_id.resolve(self._directory).reveal()
            for secret in self._client_secret.candidates(self._directory):
                yield client_id, secret.reveal()
        except SecretError as error:
            raise CarrierError(error.code, **error.facts) from None

    def _ask(self, client_id: str, client_secret: str, deadline: Deadline) -> Answer:
        try:
            return self._session.post(
                self._url,
                form=None if self._in_query else _GRANT,
                params=_GRANT if self._in_query else None,
                headers={"Accept": "application/json", **_form_type(in_query=self._in_query)},
                auth=(client_id, client_secret),
                deadline=deadline,
                retry=True,
                answer_is_secret=True,
            )
        except HttpError as error:
            raise CarrierError(error.code, **error.facts) from None

    def _keep(self, answer: Answer) -> str:
        try:
            document: Any = answer.json()
        except AnswerError as error:
            raise CarrierError(error.code, **error.facts) from None
        token = document.get("access_token") if isinstance(document, dict) else None
        if not isinstance(token, str) or not token or not token.isprintable():
            raise CarrierError("answer_wrong", what="no access_token in the login's answer")
        self._token = token
        self._until = time.monotonic() + max(0.0, _lifetime(document.get("expires_in")) - _RENEW_EARLY)
        return token


def _says_no(answer: Answer) -> bool:
    """True for an error that comes with a good status, as Megaport's may."""
    try:
        document: Any = answer.json()
    except AnswerError:
        return False
    return isinstance(document, dict) and bool(document.get("error")) and "access_token" not in document


def _form_type(*, in_query: bool) -> dict[str, str]:
    """`requests` names the type of a form by itself, but not of a body that is empty."""
    return {"Content-Type": "application/x-www-form-urlencoded"} if in_query else {}


def _lifetime(expires_in: object) -> float:
    """Seconds; they come as a text from Lumen, as a number from others."""
    try:
        return min(float(str(expires_in)), 86_400.0)
    except ValueError:
        return _UNKNOWN_LIFETIME


class LoginOptions(Protocol):
    """What a login is made with."""

    @property
    def login_url(self) -> str: ...

    @property
    def client_id(self) -> Secret: ...

    @property
    def client_secret(self) -> Secret: ...


_SHARED: WeakValueDictionary[tuple[str, Secret, Secret, Path, str], Tokens] = WeakValueDictionary()
_SHARING = threading.Lock()


def shared_tokens(login: LoginOptions, directory: Path) -> Tokens:
    """The tokens of whoever logs in at the same address with the same key: the products of one carrier and
    their lanes log in once in a run. Kept for as long as one of them lives."""
    key = (login.login_url, login.client_id, login.client_secret, directory, run_label().run_id)
    with _SHARING:
        tokens = _SHARED.get(key)
        if tokens is None:
            tokens = Tokens(
                Session(),
                login.login_url,
                client_id=login.client_id,
                client_secret=login.client_secret,
                directory=directory,
            )
            _SHARED[key] = tokens
        return tokens
