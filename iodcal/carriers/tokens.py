"""Bearer tokens by OAuth 2 client credentials: one a run, kept in memory only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iodcal.config.secrets import Secret
from iodcal.errors import CarrierError, SecretError
from iodcal.http import Answer, AnswerError, Deadline, HttpError, Session, error_text

_RENEW_EARLY = 60.0  # seconds
_UNKNOWN_LIFETIME = 600.0  # seconds, where the answer does not say
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

    def token(self, deadline: Deadline) -> str:
        """A token that is good for a while. Raises CarrierError."""
        if not self._token or time.monotonic() >= self._until:
            self._renew(deadline)
        return self._token

    def drop(self) -> None:
        """The token was refused: the next one is new."""
        self._token = ""

    def _renew(self, deadline: Deadline) -> None:
        refusal: Answer | None = None
        for client_id, client_secret in self._credentials():
            answer = self._ask(client_id, client_secret, deadline)
            if answer.status < 300 and not _says_no(answer):
                self._keep(answer)
                return
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

    def _keep(self, answer: Answer) -> None:
        try:
            document: Any = answer.json()
        except AnswerError as error:
            raise CarrierError(error.code, **error.facts) from None
        token = document.get("access_token") if isinstance(document, dict) else None
        if not isinstance(token, str) or not token or not token.isprintable():
            raise CarrierError("answer_wrong", what="no access_token in the login's answer")
        self._token = token
        self._until = time.monotonic() + max(0.0, _lifetime(document.get("expires_in")) - _RENEW_EARLY)


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
