"""What the tests of the login and of Graph share: settings that point to the local server, and secrets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from iodcal.errors import SecretError
from tests.servers.entra import CLIENT_ID, SECRET, TENANT
from tests.servers.graph import GraphServer


@dataclass(frozen=True)
class Revealed:
    text: str

    def reveal(self) -> str:
        return self.text


@dataclass(frozen=True)
class Secrets:
    """A secret reference that resolves to `texts`, one after the other, and then fails if `broken`."""

    texts: tuple[str, ...] = (SECRET,)
    broken: bool = False

    def candidates(self, directory: Path) -> Iterator[Revealed]:  # noqa: ARG002 - nothing lies in a file here
        yield from map(Revealed, self.texts)
        if self.broken:
            raise SecretError("secret_env_missing", reference="env IODCAL_CLIENT_SECRET")


@dataclass(frozen=True)
class Settings:
    """A section `microsoft365` for the tests."""

    authority_url: str
    graph_url: str
    scope: str
    tenant_id: str | None = TENANT
    client_id: str | None = CLIENT_ID
    client_secret: Secrets | None = field(default_factory=Secrets)
    certificate: Secrets | None = None
    managed_identity: bool = False
    workload_identity: bool = False
    authority: str | None = None


def settings_for(server: GraphServer, **changes: object) -> Settings:
    given: dict[str, object] = {
        "authority_url": f"{server.authority}/{TENANT}",
        "graph_url": server.graph,
        "scope": f"{server.authority}/.default",
        **changes,
    }
    return Settings(**given)  # type: ignore[arg-type]  # the tests name the fields as they are
