"""The section `microsoft365`: which tenant, which credential, which cloud."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, model_validator

from iodcal.config.fields import Strict, Text, one_of
from iodcal.config.secrets import Secret
from iodcal.http import HttpError, require_secure


class Cloud(StrEnum):
    GLOBAL = "global"
    US_GOV = "us-gov"
    US_DOD = "us-dod"
    CHINA = "china"


# learn.microsoft.com/graph/deployments: the login's host and Graph's, which belong together.
_HOSTS = {
    Cloud.GLOBAL: ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    Cloud.US_GOV: ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    Cloud.US_DOD: ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    Cloud.CHINA: ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
}


def secure_url(value: str) -> str:
    """An https URL without a slash at its end; plain http only to this machine itself."""
    try:
        require_secure(value)
    except HttpError:
        raise ValueError(f"{value!r} is not an https URL (plain http is for this machine only)") from None
    return value.rstrip("/")


SecureUrl = Annotated[Text, AfterValidator(secure_url)]


class Microsoft365(Strict):
    """Exactly one of `client_secret`, `certificate` and `managed_identity` says who iodcal is."""

    tenant_id: Text | None = None
    client_id: Text | None = None
    client_secret: Secret | None = None
    certificate: Secret | None = None
    managed_identity: bool = False
    cloud: Annotated[Cloud, one_of(Cloud)] = Cloud.GLOBAL
    authority: SecureUrl | None = None
    graph: SecureUrl | None = None

    @model_validator(mode="after")
    def _one_credential(self) -> Microsoft365:
        given = [self.client_secret is not None, self.certificate is not None, self.managed_identity]
        if sum(given) != 1:
            raise ValueError("give exactly one of client_secret, certificate and managed_identity")
        if not self.managed_identity and not (self.tenant_id and self.client_id):
            raise ValueError("tenant_id and client_id are needed beside the credential")
        return self

    @property
    def authority_url(self) -> str:
        """Where to log in, with the tenant."""
        return f"{self.authority or _HOSTS[self.cloud][0]}/{self.tenant_id or 'organizations'}"

    @property
    def graph_url(self) -> str:
        """Graph's base URL, with the version."""
        return self.graph or f"{_HOSTS[self.cloud][1]}/v1.0"

    @property
    def scope(self) -> str:
        """The one scope that an app without a user can ask for."""
        origin = "/".join(self.graph_url.split("/")[:3])
        return f"{origin}/.default"
