"""How a shared state is reached: certificates, proxies, and where a login is looked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from iodcal.config.state_store import StateStoreSection
from iodcal.errors import StateError
from iodcal.store.address import StoreUrl
from tests.e2e.command import Iodcal
from tests.servers.proxy import Proxy
from tests.servers.tls import Reply, Request
from tests.shared.conftest import Hosts

STORE = "store.contoso.example"


@pytest.fixture
def behind(hosts: Hosts, tmp_path: Path) -> Iterator[tuple[Iodcal, Proxy]]:
    """A host whose store answers over TLS, behind a proxy, under the name of a company's own authority."""

    def answer(request: Request) -> Reply:
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        status, given, body = hosts.proxy._pass_on(
            request.method,
            request.raw_path,
            {**headers, "host": urlsplit(hosts.proxy.upstream).netloc},
            request.body,
        )
        left = {"content-length", "connection", "transfer-encoding"}
        return Reply(status, body, {name: value for name, value in given if name.lower() not in left})

    host = hosts.host()
    rules = (host.folder / "rules.yaml").read_text()
    assert hosts.proxy.origin in rules
    host.write("rules.yaml", rules.replace(hosts.proxy.origin, f"https://{STORE}"))
    with Proxy(tmp_path) as proxy:
        proxy.hosts = {STORE: answer}
        bundle = Path(proxy.environment["REQUESTS_CA_BUNDLE"]).read_text()
        own = host.environment.get("REQUESTS_CA_BUNDLE")
        host.write("bundle.pem", bundle + (Path(own).read_text() if own else ""))
        host.environment |= {**proxy.environment, "REQUESTS_CA_BUNDLE": str(host.folder / "bundle.pem")}
        yield host, proxy


def test_a_store_is_reached_through_a_proxy_with_a_companys_authority(behind: tuple[Iodcal, Proxy]) -> None:
    host, proxy = behind
    done = host("status")
    assert done.status == 0, done.err
    assert any(one.startswith(STORE) for one in proxy.connects)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NO_PROXY", f"127.0.0.1,{STORE}"),
        ("HTTPS_PROXY", "http://proxy-user:proxy-password@127.0.0.1:9"),
    ],
)
def test_a_store_that_no_proxy_leads_to_is_not_reached(
    behind: tuple[Iodcal, Proxy], variable: str, value: str
) -> None:
    host, proxy = behind
    host.environment[variable] = value
    done = host("sync")
    assert (done.status, done.err.count("\n")) == (1, 1), done.err
    assert "cannot be reached" in done.err
    assert "proxy-password" not in done.err
    assert not any(one.startswith(STORE) for one in proxy.connects)


def test_a_store_under_an_authority_that_nobody_knows_is_not_reached(behind: tuple[Iodcal, Proxy]) -> None:
    host, _ = behind
    del host.environment["REQUESTS_CA_BUNDLE"]
    done = host("status")
    assert (done.status, done.err.count("\n")) == (1, 1), done.err
    assert "cannot be reached" in done.err


def test_a_bundle_that_is_not_there_is_named(behind: tuple[Iodcal, Proxy]) -> None:
    host, _ = behind
    host.environment["REQUESTS_CA_BUNDLE"] = "/nowhere/bundle.pem"
    done = host("status")
    assert (done.status, done.err.count("\n")) == (1, 1), done.err
    assert "/nowhere/bundle.pem" in done.err


# Where a login is looked for

_LOGIN = (
    b'{"AccessKeyId": "platform", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"}'
)


@contextmanager
def platform(answer: Callable[[], bytes]) -> Iterator[tuple[str, list[str]]]:
    """What gives a workload its login: its origin, and the authorizations of what was asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization", ""))
            content = answer()
            self.send_response_only(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_of: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def _read(section: StateStoreSection, seconds: float = 10.0) -> None:
    from iodcal.store.objects import open_folder

    folder = open_folder(StoreUrl("s3", "bucket", "iodcal/x/"), section, Path(), seconds)
    folder._sleep = lambda _seconds: None
    folder.read("state.json")


@pytest.mark.parametrize("workload_identity", [False, True])
def test_only_a_workload_identity_asks_the_platform(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, workload_identity: bool
) -> None:
    (tmp_path / "token").write_text("the-token")
    section = StateStoreSection(
        region="us-east-1", endpoint=hosts.prefix.endpoint, workload_identity=workload_identity
    )
    with platform(lambda: _LOGIN) as (origin, asked):
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{origin}/login")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
        if workload_identity:
            _read(section)
            assert asked == ["the-token"]
            return
        told = hosts.prefix.section()
        _read(told)
        assert asked == []


def test_a_platform_that_does_not_answer_holds_no_run_up(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("the-token")
    section = StateStoreSection(region="us-east-1", endpoint=hosts.prefix.endpoint, workload_identity=True)
    over = threading.Event()

    def never() -> bytes:
        over.wait(60)
        return b"{}"

    with platform(never) as (origin, asked):
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{origin}/login")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
        with pytest.raises(StateError) as caught:
            _read(section, seconds=0.5)
        assert not over.is_set()
        over.set()
    assert caught.value.code == "state_unreachable"
    assert 1 <= len(asked) <= 3
