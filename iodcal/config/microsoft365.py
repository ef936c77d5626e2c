"""The section `microsoft365`: which tenant, which credential, which cloud."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from iodcal.config.fields import Flag, Text, one_of, text_that
from iodcal.config.forms import ONE_OR_MORE, Section
from iodcal.config.secrets import Secret
from iodcal.http import HttpError, require_secure


class Cloud(StrEnum):
    GLOBAL = "global"
    US_GOV = "us-gov"
    US_DOD = "us-dod"
    CHINA = "china"


MOST_ATTENDEES = 500
"""How many attendees of an event Microsoft Graph shows (learn.microsoft.com/graph/api/resources/event)."""

_UPN = re.compile(r"[^@\s/\\]+@[^@\s/\\]+")
_OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# learn.microsoft.com/graph/deployments: the login's host and Graph's, which belong together.
_HOSTS = {
    Cloud.GLOBAL: ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    Cloud.US_GOV: ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    Cloud.US_DOD: ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    Cloud.CHINA: ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
}


def secure_url(url: str) -> str:
    """An https URL without a slash at its end; plain http only to this machine itself."""
    try:
        require_secure(url)
    except HttpError:
        raise ValueError(f"{url!r} is not an https URL (plain http is for this machine only)") from None
    return url.rstrip("/")


def parse_mailbox(address: str) -> str:
    """A user principal name or an object ID."""
    if address.casefold().lstrip("/").startswith("groups/"):
        raise ValueError(
            "the calendar of a Microsoft 365 group cannot be read by an application: "
            "use a shared mailbox, a room or a user's calendar in its place"
        )
    if not (_UPN.fullmatch(address) or _OBJECT_ID.fullmatch(address)):
        raise ValueError(
            f"{address!r} is neither a user principal name such as noc@contoso.example nor an object ID"
        )
    return address


SecureUrl = Annotated[str, text_that(secure_url, or_number=False)]
Mailbox = Annotated[str, text_that(parse_mailbox, or_number=False)]
Mailboxes = Annotated[tuple[Mailbox, ...], ONE_OR_MORE]


class Microsoft365(Section, frozen=True):
    """Exactly one of `client_secret`, `certificate`, `managed_identity` and `workload_identity` says who
    iodcal is."""

    tenant_id: Text | None = None
    client_id: Text | None = None
    client_secret: Secret | None = None
    certificate: Secret | None = None
    managed_identity: Flag = False
    workload_identity: Flag = False
    cloud: Annotated[Cloud, one_of(Cloud)] = Cloud.GLOBAL
    authority: SecureUrl | None = None
    graph: SecureUrl | None = None
    must_not_read: Mailboxes = ()

    def __post_init__(self) -> None:
        own = self.managed_identity, self.workload_identity
        given = [self.client_secret is not None, self.certificate is not None, *own]
        if sum(given) != 1:
            raise ValueError(
                "give exactly one of client_secret, certificate, managed_identity and workload_identity"
            )
        if not any(own) and not (self.tenant_id and self.client_id):
            raise ValueError("tenant_id and client_id are needed beside the credential")
        if not any(own) and (self.authority is None) != (self.graph is None):
            raise ValueError(
                "give both authority and graph or neither: a login of one cloud is none for another's Graph"
            )

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
