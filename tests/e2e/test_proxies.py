"""What stands between iodcal and a server: a proxy that refuses the way to it, or is not there, and a page
that answers in the server's place. It is told as that, with what to do, and nothing is lowered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Done, Iodcal
from tests.e2e.conftest import DEN, LON, RULES
from tests.servers.entra import CLIENT_ID, TENANT
from tests.servers.entra import SECRET as ENTRA_SECRET
from tests.servers.graph import GraphServer
from tests.servers.lumen import CUSTOMER, KEY, SECRET, FakeCircuit, LumenServer
from tests.servers.proxy import SIGN_IN, Proxy
from tests.servers.tls import Reply

GRAPH, LOGIN, LUMEN, PUBLISHED = (
    f"{name}.contoso.example" for name in ("graph", "login", "lumen", "outlook")
)
HOSTS = {"noc": GRAPH, "microsoft365": LOGIN, "lumen": LUMEN, "published": PUBLISHED}
EMPTY = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"


@pytest.fixture
def proxy(iodcal: Iodcal, tmp_path: Path) -> Iterator[Proxy]:
    """Microsoft, Lumen and a published calendar behind a proxy, and a configuration for them."""
    with GraphServer(tmp_path) as graph, LumenServer() as lumen, Proxy(tmp_path) as proxy:
        graph.entra.url, graph.entra.resource = f"https://{LOGIN}", f"https://{GRAPH}"
        graph.mailboxes.update({"noc@contoso.example": [], "events@contoso.example": []})
        lumen.circuits.update(
            {DEN: FakeCircuit("1000 Mbps"), LON: FakeCircuit(site="PL0002", partner="43558")}
        )
        proxy.hosts = {GRAPH: graph.answer, LOGIN: graph.answer, LUMEN: lumen.answer}
        proxy.hosts[PUBLISHED] = lambda _: Reply(200, EMPTY)
        secrets = {
            "IODCAL_CLIENT_SECRET": ENTRA_SECRET,
            "LUMEN_CLIENT_ID": KEY,
            "LUMEN_CLIENT_SECRET": SECRET,
        }
        iodcal.environment.update(proxy.environment, **secrets)
        rules = RULES.format(
            tenant=TENANT,
            client=CLIENT_ID,
            authority=f"https://{LOGIN}",
            graph=f"https://{GRAPH}/v1.0",
            lumen=f"https://{LUMEN}",
            customer=CUSTOMER,
            den=DEN,
            lon=LON,
        )
        own = f"calendars:\n  published: {{ics: https://{PUBLISHED}/planted-path/cal.ics}}"
        rules = rules.replace("calendars:", own, 1).replace("[company]", "[company, published]")
        iodcal.write("rules.yaml", rules)
        yield proxy
        assert lumen.circuits[DEN].orders == [], "with a calendar unread nothing is lowered"


def told(done: Done, name: str) -> tuple[str, str]:
    """What is said of the server called `name` by a run or by doctor, and what to do about it."""
    where = {"microsoft365": ("microsoft365", "noc", "company"), "lumen": ("lumen", "den-a")}.get(
        name, (name,)
    )
    found: list[Any] = done.json.get("problems") or done.json["findings"]
    (first, *_) = (
        one
        for one in found
        if one["where"] in where and one.get("light", "red") == "red" and one.get("kind") != "event_at_risk"
    )
    return first["message"], first["remedy"]


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize(
    ("status", "message", "remedy"),
    [
        (
            407,
            "the proxy {proxy} lets nobody through to {host} without a login of its own",
            "put its user and",
        ),
        (403, "the proxy {proxy} forbids the way to {host} (status 403)", "ask whoever runs the proxy"),
        (502, "the proxy {proxy} makes no connection to {host} (status 502)", "check the address, and ask"),
    ],
)
def test_a_proxy_that_refuses_is_named_with_what_to_do(
    iodcal: Iodcal, proxy: Proxy, name: str, status: int, message: str, remedy: str
) -> None:
    host = HOSTS[name]
    proxy.hosts[host] = status
    for command in ("sync", "doctor"):
        done = iodcal(command, "-o", "json")
        said, todo = told(done, name)
        assert message.format(proxy=proxy.address, host=host) in said
        assert todo.casefold().startswith(remedy)
        assert (done.status, "proxy-password" in done.out + done.err) == (3, False)
    tries = proxy.connects.count(host)
    assert tries <= 8 if status != 502 else tries > 2, "only what may pass is tried again"


@pytest.mark.parametrize("name", HOSTS)
def test_a_sign_in_page_in_between_is_told_as_one(iodcal: Iodcal, proxy: Proxy, name: str) -> None:
    proxy.hosts[HOSTS[name]] = lambda _: SIGN_IN
    for command in ("sync", "doctor"):
        done = iodcal(command, "-o", "json")
        message, remedy = told(done, name)
        assert "Guest network: please sign in" in message
        assert (
            "a proxy or a sign-in page may stand in between: check HTTPS_PROXY"
            in remedy[:1].lower() + remedy[1:]
        )
        assert "NO_PROXY" in remedy
        assert done.status == 3


@pytest.mark.parametrize("name", ["noc", "microsoft365", "lumen"])
def test_a_redirect_to_a_sign_in_page_is_told_as_one(iodcal: Iodcal, proxy: Proxy, name: str) -> None:
    proxy.hosts[HOSTS[name]] = lambda _: Reply(302, headers={"Location": "https://portal.invalid/planted"})
    for command in ("sync", "doctor"):
        done = iodcal(command, "-o", "json")
        message, remedy = told(done, name)
        assert HOSTS[name] in message
        assert "sign-in page" in remedy
        assert "HTTPS_PROXY and NO_PROXY" in remedy
        assert (done.status, "planted" in done.out + done.err) == (3, False)


def test_a_proxy_that_is_not_there_is_named(iodcal: Iodcal, proxy: Proxy) -> None:
    iodcal.environment["HTTPS_PROXY"] = "http://proxy-user:proxy-password@127.0.0.1:1"
    for command in ("sync", "doctor"):
        done = iodcal(command, "-o", "json")
        for name, host in {**HOSTS, "noc": LOGIN}.items():
            if (command, name) != ("doctor", "noc"):  # which is not tried without a login
                told_of = told(done, name)
                assert (
                    f"the proxy 127.0.0.1:1, through which {host} is asked, cannot be reached" in told_of[0]
                )
                assert told_of[1].casefold().startswith("check https_proxy")
        assert (done.status, "proxy-password" in done.out + done.err) == (3, False)
    assert proxy.connects == []
