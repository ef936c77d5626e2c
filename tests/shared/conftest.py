"""A store of each kind, started once for all tests of a process, and a prefix of its own for each test."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from iodcal.config import Configuration
from iodcal.config.forms import keys_of
from iodcal.config.secrets import Secret
from iodcal.config.state_store import StateStoreSection
from iodcal.store.address import StoreUrl
from tests.servers.object_stores import MOTO, ObjectStoreServer, StoreKind
from tests.servers.store_proxy import StoreProxy

if TYPE_CHECKING:  # there may be no obstore
    from iodcal.store.objects import ObjectFolder
    from iodcal.store.shared import SharedStateStore

EVERY = timedelta(minutes=5)


class Stores:
    """Starts a store when it is first asked for."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._started: dict[str, ObjectStoreServer] = {}

    def start(self, kind: StoreKind) -> ObjectStoreServer:
        """Skips the test where the store cannot be had."""
        if kind.missing is not None:
            pytest.skip(kind.missing)
        if kind.name not in self._started:
            server = ObjectStoreServer(kind, self._folder / kind.name)
            self._started[kind.name] = self._stack.enter_context(server)
        return self._started[kind.name]


@dataclass
class HostClock:
    """The clocks of one host: the wall's, which may be wrong, and the one since boot."""

    ahead: timedelta = timedelta()
    passed: float = 0.0

    def wall(self) -> datetime:
        return datetime.now(UTC) + self.ahead + timedelta(seconds=self.passed)

    def boot(self) -> float:
        return 1000.0 + self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


@dataclass
class Prefix:
    """One prefix in one store, behind a proxy."""

    server: ObjectStoreServer
    proxy: StoreProxy
    local: Path
    url: StoreUrl = field(init=False)

    def __post_init__(self) -> None:
        self.url = StoreUrl(self.server.kind.scheme, "bucket", f"iodcal/{secrets.token_hex(6)}/")

    @property
    def kind(self) -> StoreKind:
        return self.server.kind

    @property
    def endpoint(self) -> str:
        return f"{self.proxy.origin}{self.kind.path}"

    @property
    def environment(self) -> dict[str, str]:
        return self.server.secrets(self.proxy.origin)

    @property
    def settings(self) -> str:
        """The lines of `settings` that name it."""
        login = dict(self.kind.login) | {"endpoint": self.endpoint}
        told = ", ".join(f"{name}: {value}" for name, value in login.items())
        return f"  state: {self.url}\n  state_store: {{{told}}}\n"

    def section(self) -> StateStoreSection:
        values: dict[str, object] = {}
        for name, value in self.kind.login.items():
            if value.startswith("{env: "):
                values[name] = Secret.parse(self.environment[value[6:-1]])
            else:
                values[name] = value
        assert values.keys() <= keys_of(StateStoreSection).keys()
        return StateStoreSection(**values, endpoint=self.endpoint)  # type: ignore[arg-type]  # by name

    def folder(self, seconds: float = 10.0) -> ObjectFolder:
        from iodcal.store.objects import open_folder

        return open_folder(self.url, self.section(), Path(), seconds)

    def host(
        self,
        clock: HostClock | None = None,
        configuration: Configuration | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> SharedStateStore:
        """The store as one host opens it."""
        from iodcal.store.shared import SharedStateStore

        clock = clock or HostClock()
        folder = self.folder()
        folder._sleep = lambda _seconds: None
        return SharedStateStore(
            folder,
            lasts=EVERY * 0.9,
            local=self.local,
            configuration=configuration,
            wall=clock.wall,
            boot=clock.boot,
            sleep=sleep or clock.sleep,
        )


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with ExitStack() as stack:
        yield Stores(stack, tmp_path_factory.mktemp("stores"))


@pytest.fixture
def opened(stores: Stores, tmp_path: Path) -> Iterator[Callable[[StoreKind], Prefix]]:
    """A new prefix in a store of a kind."""
    with ExitStack() as stack:

        def open_prefix(kind: StoreKind) -> Prefix:
            server = stores.start(kind)
            return Prefix(server, stack.enter_context(StoreProxy(server.origin)), tmp_path)

        yield open_prefix


@pytest.fixture
def prefix(opened: Callable[[StoreKind], Prefix]) -> Prefix:
    """A new prefix in moto, the quickest."""
    return opened(MOTO)
