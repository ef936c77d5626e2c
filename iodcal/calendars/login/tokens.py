"""Tokens for Microsoft Graph, and the certificate to log in with: the one of a PEM text that has its key."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from iodcal.calendars.login.refusals import refusal
from iodcal.calendars.readings import unread
from iodcal.domain.structs import Opaque
from iodcal.errors import CalendarError
from iodcal.http import Answer, AnswerError, Deadline, HttpError, Session, host_of
from iodcal.redaction import remember_secrets

if TYPE_CHECKING:
    from cryptography import x509


_PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class KeyPair(Struct, frozen=True):
    """A private key and its certificate, each in PEM form."""

    private_key: str
    certificate: str

    def __repr__(self) -> str:
        return "KeyPair(***)"


def key_pair(pem: str) -> KeyPair:
    """The private key in `pem` and its certificate, wherever in a chain that stands: Azure's Key Vault, for
    one, puts the root first. Raises ValueError, whose text says what is missing and holds nothing of
    `pem`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key, certificates = _PRIVATE_KEY.search(pem), _CERTIFICATE.findall(pem)
    if key is None or not certificates:
        missing = "private key" if key is None else "certificate"
        raise ValueError(f"it holds no {missing} in PEM form")
    if "ENCRYPTED" in key[0]:
        raise ValueError("its private key is encrypted")
    try:
        private_key = load_pem_private_key(key[0].encode(), None)
        own = [text for text in certificates if _loaded(text).public_key() == private_key.public_key()]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        own = None
    if own is None:
        raise ValueError("it cannot be used")
    if not isinstance(private_key, RSAPrivateKey):
        raise ValueError("its private key is no RSA key, and Microsoft's login takes no other")
    if not own:
        raise ValueError("none of its certificates belongs to its private key")
    return KeyPair(key[0], own[0])


def certificate_in(pem: str) -> x509.Certificate:
    """The certificate that counts in `pem`: the private key's, or the first where there is no key to go by.

    Raises ValueError.
    """
    try:
        return _loaded(key_pair(pem).certificate)
    except ValueError:
        found = _CERTIFICATE.search(pem)
    return _loaded(found[0] if found else pem)


def _loaded(pem: str) -> x509.Certificate:
    from cryptography import x509

    return x509.load_pem_x509_certificate(pem.encode())


_ERROR_PROPERTIES = ("error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id")
_EARLY_SECONDS = 300.0


class Application(Protocol):
    """Who logs in where. `scope` is Graph's address with `/.default`; `client_id` may be missing where the
    machine's own identity is meant."""

    @property
    def tenant_id(self) -> str | None: ...
    @property
    def client_id(self) -> str | None: ...
    @property
    def authority_url(self) -> str: ...
    @property
    def scope(self) -> str: ...


class Token(Opaque, frozen=True):
    """A bearer token; `good_until` is a time of the monotonic clock, some minutes before it ends."""

    text: str
    good_until: float

    def __repr__(self) -> str:
        return f"Token(***, good_until={self.good_until})"

    @property
    def good(self) -> bool:
        return time.monotonic() < self.good_until


def from_certificate(pem: str) -> dict[str, str]:
    """What msal wants to know of a certificate. Raises CalendarError (`login_certificate_wrong`)."""
    try:
        pair = key_pair(pem)
    except ValueError as error:
        reason = str(error)
    else:
        remember_secrets(pair.private_key)
        return {"private_key": pair.private_key, "public_certificate": pair.certificate}
    raise CalendarError("login_certificate_wrong", reason=reason)


def token_for(
    application: Application,
    credential: str | Mapping[str, Any],
    session: Session,
    deadline: Deadline,
    *,
    claims: str | None = None,
) -> Token:
    """Logs in as the application with a client secret, or with what `from_certificate` or a workload made.
    `claims` (JSON) is what Graph wants the token to have beside.

    Costs two requests. Raises CalendarError; its facts hold no secret.
    """
    import msal

    try:
        client = msal.ConfidentialClientApplication(
            application.client_id,
            client_credential=credential,
            authority=application.authority_url,
            http_client=_Checked(session, deadline, str(application.tenant_id)),
            instance_discovery=False,
            azure_region=False,
        )
        result = client.acquire_token_for_client(scopes=[application.scope], claims_challenge=claims)
    except _faults_of_msal():
        # Whatever the server said was checked, so what is left to be wrong is what msal was given.
        of_certificate = not isinstance(credential, str) and "private_key" in credential
        code = "login_certificate_wrong" if of_certificate else "login_settings_wrong"
        raise CalendarError(code, reason="it cannot be used", authority=application.authority_url) from None
    return token_from(result, tenant=str(application.tenant_id), client_id=str(application.client_id))


def _faults_of_msal() -> tuple[type[Exception], ...]:
    """What msal raises over its own arguments. Asked for only once it did: jwt is slow to import."""
    from jwt.exceptions import PyJWTError
    from msal.exceptions import MsalError

    return (ValueError, TypeError, PyJWTError, MsalError)


def token_from(result: Mapping[str, Any], **facts: str) -> Token:
    """The token in what msal gave. Raises CalendarError; `facts` are added to those of a refusal."""
    if "access_token" not in result:
        raise refusal(result, **facts)
    text, seconds = result["access_token"], float(result.get("expires_in", 0))
    if not isinstance(text, str) or not re.fullmatch(r"[!-~]+", text):
        raise CalendarError("login_answer_wrong", host="the login", status=200, first_words="no usable token")
    return Token(text, time.monotonic() + seconds - min(_EARLY_SECONDS, seconds / 2))


class _MsalResponse(Struct, frozen=True):
    """A response as msal expects it."""

    status_code: int
    text: str
    headers: Mapping[str, str]


class _Checked:
    """msal's `http_client`. Raises CalendarError for every answer that is neither a token nor a refusal."""

    def __init__(self, session: Session, deadline: Deadline, tenant: str) -> None:
        self._session = session
        self._deadline = deadline
        self._tenant = tenant

    def get(self, url: str, **asked: Any) -> _MsalResponse:
        """The discovery document: where tokens are to be had."""
        try:
            answer = self._session.get(
                url, params=asked.get("params"), headers=asked.get("headers"), deadline=self._deadline
            )
        except HttpError as error:
            raise unread(error) from None
        if 400 <= answer.status < 500 and answer.status != 429:
            raise CalendarError("login_tenant_unknown", tenant=self._tenant, status=answer.status)
        document = self._document(answer)
        kept = {name: document.get(name) for name in ("issuer", "authorization_endpoint", "token_endpoint")}
        if not all(isinstance(value, str) for value in kept.values()):
            raise _wrong(answer)
        if not str(kept["token_endpoint"]).startswith("https://"):
            raise _wrong(answer)
        return _MsalResponse(answer.status, json.dumps(kept), answer.headers)

    def post(self, url: str, **asked: Any) -> _MsalResponse:
        """The token, or why there is none. Asking twice does no harm, so it is retried."""
        try:
            answer = self._session.post(
                url,
                form=_texts(asked.get("data") or {}),
                headers=asked.get("headers"),
                deadline=self._deadline,
                retry=True,
                answer_is_secret=True,
            )
        except HttpError as error:
            raise unread(error) from None
        document = self._document(answer)
        if answer.status == 200:
            return _MsalResponse(200, json.dumps(_token_properties(document, answer)), {})
        if not isinstance(document.get("error"), str):
            raise _wrong(answer)
        kept = {name: document[name] for name in _ERROR_PROPERTIES if name in document}
        return _MsalResponse(answer.status, json.dumps(kept), {})

    def _document(self, answer: Answer) -> dict[str, Any]:
        if answer.status == 429 or answer.status >= 500:
            code = "login_throttled" if answer.status == 429 else "login_unavailable"
            raise CalendarError(code, host=host_of(answer.url), status=answer.status)
        try:
            document = answer.json()
        except AnswerError:
            raise _wrong(answer) from None
        if not isinstance(document, dict):
            raise _wrong(answer)
        return document


def _texts(form: Mapping[str, Any]) -> dict[str, str]:
    """msal signs bytes and sends them as they are."""
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in form.items()}


def _token_properties(document: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    token, lifetime = document.get("access_token"), document.get("expires_in", 3599)
    # An error may come with status 200; it has no token either.
    if not isinstance(token, str) or not re.fullmatch(r"\d{1,9}", str(lifetime)):
        raise _wrong(answer)
    return {"token_type": "Bearer", "access_token": token, "expires_in": int(lifetime)}


def _wrong(answer: Answer) -> CalendarError:
    return CalendarError(
        "login_answer_wrong",
        host=host_of(answer.url),
        status=answer.status,
        first_words=answer.first_words or "nothing",
    )
