"""The login of the local server: a tenant's discovery document and its token endpoint."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import jwt
from cryptography import x509

from tests.servers.tls import Reply, Request

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT_ID = "66666666-7777-8888-9999-000000000000"
SECRET = "correct-horse-battery-staple"

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Entra:
    """Issues tokens to one application. `certificate` is what is registered for it, in PEM form; with
    `claims` tokens can be looked into, as Microsoft's can today."""

    url: str = ""
    tenant: str = TENANT
    client_id: str = CLIENT_ID
    secrets: set[str] = field(default_factory=lambda: {SECRET})
    certificate: str | None = None
    claims: dict[str, object] | None = None
    tokens: set[str] = field(default_factory=set)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

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
        if form.get("scope") != f"{self.url}/.default":
            return login_error(400, "invalid_scope", 1002012)
        return self._refusal(request) or self._issue()

    def _refusal(self, request: Request) -> Reply | None:
        form = request.form
        if assertion := form.get("client_assertion"):
            fits = form.get("client_assertion_type") == _ASSERTION_TYPE and self._signed(assertion)
            return None if fits else login_error(401, "invalid_client", 700027)
        if not form.get("client_secret"):
            return login_error(401, "invalid_client", 7000218)
        return None if form["client_secret"] in self.secrets else login_error(401, "invalid_client", 7000215)

    def _signed(self, assertion: str) -> bool:
        if self.certificate is None:
            return False
        key = x509.load_pem_x509_certificate(self.certificate.encode()).public_key()
        audience = f"{self.url}/{self.tenant}/oauth2/v2.0/token"
        try:
            claims = jwt.decode(assertion, key, algorithms=["PS256"], audience=audience)  # type: ignore[arg-type]  # an RSA key, as the tests make it
        except jwt.PyJWTError:
            return False
        return bool(claims["iss"] == claims["sub"] == self.client_id)

    def _issue(self) -> Reply:
        token = f"test-token-{next(self._numbers)}"
        if self.claims is not None:
            claims = {"aud": self.url, "appid": self.client_id, "jti": token, **self.claims}
            token = jwt.encode(claims, "a key of the tests, of thirty-two bytes", algorithm="HS256")
        self.tokens.add(token)
        return Reply.of({"token_type": "Bearer", "expires_in": 3599, "access_token": token})


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
