"""The login of the local server: a tenant's discovery document and its token endpoint."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.servers.tls import Reply, Request

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT_ID = "66666666-7777-8888-9999-000000000000"
SECRET = "correct-horse-battery-staple"

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Entra:
    """Issues tokens to one application. `certificate` is what is registered for it, in PEM form; with
    `claims` tokens can be looked into, as Microsoft's can today. A token is good for `lifetime` seconds of
    `clock`. `federated` are the proofs of a workload that it takes; `resource` is where tokens are good, by
    default `url`."""

    url: str = ""
    tenant: str = TENANT
    client_id: str = CLIENT_ID
    secrets: set[str] = field(default_factory=lambda: {SECRET})
    certificate: str | None = None
    claims: dict[str, object] | None = None
    resource: str = ""
    tokens: set[str] = field(default_factory=set)
    lifetime: int = 3599
    clock: Callable[[], float] = time.monotonic
    federated: set[str] = field(default_factory=set)
    _ends: dict[str, float] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def good(self, token: str) -> bool:
        """True if `token` is one of ours that has not ended."""
        return token in self.tokens and self.clock() < self._ends.get(token, float("inf"))

    def discovery(self, request: Request) -> Reply:
        if request.path.split("/")[1] != self.tenant:
            return login_error(400, "invalid_tenant", 90002)
        base = f"{self.url}/{self.tenant}"
        return Reply.of(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            }
        )

    def token(self, request: Request) -> Reply:
        form = request.form
        if form.get("grant_type") != "client_credentials":
            return login_error(400, "unsupported_grant_type", 70003)
        if form.get("client_id") != self.client_id:
            return login_error(400, "unauthorized_client", 700016)
        if form.get("scope") != f"{self.resource or self.url}/.default":
            return login_error(400, "invalid_scope", 1002012)
        return self._refusal(request) or self._issue()

    def _refusal(self, request: Request) -> Reply | None:
        form = request.form
        if assertion := form.get("client_assertion"):
            if form.get("client_assertion_type") != _ASSERTION_TYPE:
                return login_error(401, "invalid_client", 7000216)
            return None if assertion in self.federated else self._unsigned(assertion)
        if not form.get("client_secret"):
            return login_error(401, "invalid_client", 7000218)
        return None if form["client_secret"] in self.secrets else login_error(401, "invalid_client", 7000215)

    def _unsigned(self, assertion: str) -> Reply | None:
        """Why `assertion` is not one of the registered certificate, which is found by its thumbprint; None if
        it is."""
        unknown = login_error(401, "invalid_client", 700027)
        if self.certificate is None:
            return unknown
        certificate = x509.load_pem_x509_certificate(self.certificate.encode())
        audience = f"{self.url}/{self.tenant}/oauth2/v2.0/token"
        try:
            named = jwt.get_unverified_header(assertion).get("x5t#S256")
            if str(named).rstrip("=") != _thumbprint(certificate):
                return unknown
            claims = jwt.decode(assertion, certificate.public_key(), algorithms=["PS256"], audience=audience)  # type: ignore[arg-type]  # an RSA key, as the tests make it
        except jwt.PyJWTError:
            return unknown
        if not certificate.not_valid_before_utc <= datetime.now(UTC) < certificate.not_valid_after_utc:
            return login_error(401, "invalid_client", 1000502)
        return None if claims["iss"] == claims["sub"] == self.client_id else unknown

    def _issue(self) -> Reply:
        token = f"test-token-{next(self._numbers)}"
        if self.claims is not None:
            claims = {"aud": self.url, "appid": self.client_id, "jti": token, **self.claims}
            token = jwt.encode(claims, "a key of the tests, of thirty-two bytes", algorithm="HS256")
        self.tokens.add(token)
        self._ends[token] = self.clock() + self.lifetime
        return Reply.of({"token_type": "Bearer", "expires_in": self.lifetime, "access_token": token})


def _thumbprint(certificate: x509.Certificate) -> str:
    return base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")


def login_error(status: int, error: str, number: int) -> Reply:
    return Reply.of(
        {
            "error": error,
            "error_description": f"AADSTS{number}: Text that nobody may rely on.",
            "error_codes": [number],
            "timestamp": "2026-11-22 14:52:00Z",
            "trace_id": "0a0a0a0a",
            "correlation_id": "0b0b0b0b-1111",
        },
        status,
    )
