"""Sessions against a server on loopback: what comes back, what is tried again, what is refused."""

from __future__ import annotations

import base64
import gzip
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from iodcal.http import AnswerError, Deadline, HttpError, ReadingSession, Session
from tests.servers.tls import LocalServer, Reply, Request, TestAuthority

OK = Reply.of({"fine": True})
Play = Callable[..., str]


class Stage:
    """A server that gives one reply after the other, and the last one for ever."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.requests: list[Request] = []

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a session would have waited between tries."""
    waited: list[float] = []
    monkeypatch.setattr("iodcal.http.session.sleep", waited.append)
    return waited


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def server(stage: Stage) -> Iterator[LocalServer]:
    with LocalServer(stage.answer) as server:
        yield server


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session()
    yield session
    session.close()


def soon() -> Deadline:
    return Deadline.after(60)


def status(number: int, **headers: str) -> Reply:
    return Reply(number, b"", {name.replace("_", "-"): value for name, value in headers.items()})


def test_an_answer_carries_status_headers_body_and_address(
    stage: Stage, server: LocalServer, session: Session
) -> None:
    stage.replies = [Reply.of({"a": [1]}, 418, X_Kind="teapot")]
    answer = session.get(f"{server.url}/pot", params={"secret": "x y"}, deadline=soon())
    assert (answer.status, answer.headers["x-KIND"], answer.json()) == (418, "teapot", {"a": [1]})
    assert answer.url == f"{server.url}/pot"
    assert stage.requests[0].query == {"secret": "x y"}
    assert stage.requests[0].headers["user-agent"].startswith("iodcal/")


def test_one_connection_serves_many_requests(stage: Stage, server: LocalServer, session: Session) -> None:
    stage.replies = [Reply.of(list(range(50_000))), OK]
    for _ in range(3):
        session.get(server.url, deadline=soon())
    assert server.connections == 1


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        pytest.param(status(429), 2, id="429"),
        pytest.param(status(500), 2, id="500"),
        pytest.param(status(502), 2, id="502"),
        pytest.param(status(503), 2, id="503"),
        pytest.param(status(504), 2, id="504"),
        pytest.param(Reply(body=b"{", missing=5), 2, id="body cut short"),
        pytest.param(Reply(dropped=True), 2, id="connection dropped"),
        pytest.param(
            Reply(body=b"not gzip", headers={"Content-Encoding": "gzip"}), 2, id="body that does not unpack"
        ),
        pytest.param(Reply(body=b"<html>"), 1, id="HTML is taken where JSON is not asked for"),
        pytest.param(status(501), 1, id="501"),
        pytest.param(status(404), 1, id="404"),
        pytest.param(status(401), 1, id="401"),
    ],
)
def test_what_a_get_tries_again(
    stage: Stage, server: LocalServer, session: Session, waits: list[float], fault: Reply, tries: int
) -> None:
    stage.replies = [fault, OK]
    session.get(server.url, deadline=soon())
    assert (len(stage.requests), len(waits)) == (tries, tries - 1)


@pytest.mark.parametrize("body", [b"<html>", b'{"half":', b"", b"\xff\xfe\xfa", b"[" * 100_000])
def test_a_get_that_wants_json_tries_again_for_it(
    stage: Stage, server: LocalServer, session: Session, waits: list[float], body: bytes
) -> None:
    stage.replies = [Reply(body=body), OK]
    assert session.get(server.url, deadline=soon(), wants_json=True).json() == {"fine": True}
    assert len(waits) == 1


def test_four_tries_with_growing_waits_then_the_last_answer(
    stage: Stage, server: LocalServer, session: Session, waits: list[float]
) -> None:
    stage.replies = [status(503)]
    assert session.get(server.url, deadline=soon()).status == 503
    assert len(stage.requests) == 4
    assert [0.5 <= waits[0] <= 1.5, 1 <= waits[1] <= 2, 2 <= waits[2] <= 3] == [True] * 3


def test_four_tries_then_the_last_fault(
    stage: Stage, server: LocalServer, session: Session, waits: list[float]
) -> None:
    stage.replies = [Reply(dropped=True)]
    with pytest.raises(HttpError, match="unreachable") as caught:
        session.get(server.url, deadline=soon())
    assert (len(stage.requests), len(waits), caught.value.sent) == (4, 3, True)


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        pytest.param("7", 7, 7.5, id="seconds"),
        pytest.param("1.5", 1.5, 2, id="parts of a second"),
        pytest.param("0", 0, 0.5, id="at once"),
        pytest.param("-4", 0.5, 1.5, id="negative: our own wait"),
        pytest.param("nan", 0.5, 1.5, id="no number: our own wait"),
        pytest.param("soon", 0.5, 1.5, id="no date: our own wait"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0.5, id="a date gone by"),
    ],
)
def test_retry_after_is_honoured(
    stage: Stage,
    server: LocalServer,
    session: Session,
    waits: list[float],
    header: str,
    low: float,
    high: float,
) -> None:
    stage.replies = [status(429, Retry_After=header), OK]
    session.get(server.url, deadline=soon())
    assert low <= waits[0] <= high


def test_a_retry_after_date_is_by_the_servers_clock(
    stage: Stage, server: LocalServer, session: Session, waits: list[float]
) -> None:
    server_now = datetime.now(UTC) + timedelta(hours=5)
    stage.replies = [
        status(
            503,
            Date=format_datetime(server_now, usegmt=True),
            Retry_After=format_datetime(server_now + timedelta(seconds=20), usegmt=True),
        ),
        OK,
    ]
    session.get(server.url, deadline=soon())
    assert 18 <= waits[0] <= 21


def test_a_wait_that_outlasts_the_deadline_is_not_begun(
    stage: Stage, server: LocalServer, session: Session, waits: list[float]
) -> None:
    stage.replies = [status(429, Retry_After="61")]
    assert session.get(server.url, deadline=soon()).status == 429
    assert (len(stage.requests), waits) == (1, [])


def test_a_post_is_sent_once_unless_retries_are_asked_for(
    stage: Stage, server: LocalServer, session: Session, waits: list[float]
) -> None:
    stage.replies = [status(503)]
    assert session.post(server.url, json={"a": 1}, deadline=soon()).status == 503
    assert (len(stage.requests), waits) == (1, [])
    session.post(server.url, form={"a": "1"}, deadline=soon(), retry=True)
    assert (len(stage.requests), len(waits)) == (5, 3)


def test_a_post_sends_json_form_and_credentials(stage: Stage, server: LocalServer, session: Session) -> None:
    stage.replies = [OK]
    session.post(server.url, json={"a": 1}, headers={"X-Own": "1"}, deadline=soon())
    session.post(server.url, form={"b": "ü&"}, auth=("name", "wörd→"), deadline=soon())
    first, second = stage.requests
    assert (first.body, first.headers["content-type"], first.headers["x-own"]) == (
        b'{"a": 1}',
        "application/json",
        "1",
    )
    assert second.form == {"b": "ü&"}
    assert second.headers["authorization"] == "Basic " + base64.b64encode("name:wörd→".encode()).decode()


def test_a_post_whose_answer_is_lost_may_have_arrived(
    stage: Stage, server: LocalServer, session: Session
) -> None:
    stage.replies = [Reply(dropped=True)]
    with pytest.raises(HttpError) as caught:
        session.post(server.url, deadline=soon())
    assert caught.value.sent


@pytest.mark.parametrize("number", [301, 302, 303, 307, 308])
def test_redirects_are_refused_unless_allowed(
    stage: Stage, server: LocalServer, session: Session, number: int
) -> None:
    stage.replies = [status(number, Location="/elsewhere")]
    for send in (session.get, session.post):
        with pytest.raises(HttpError, match="redirect"):
            send(server.url, deadline=soon())
    following = Session(allow_redirects=True)
    with pytest.raises(HttpError, match="redirect") as caught:
        following.post(server.url, deadline=soon())
    assert caught.value.sent
    following.close()


def test_a_redirect_on_one_host_keeps_the_headers_and_credentials(stage: Stage, server: LocalServer) -> None:
    stage.replies = [status(302, Location="/new"), OK]
    session = ReadingSession(allow_redirects=True)
    address = server.url.replace("http://", "http://user:pass%20word@")
    answer = session.get(address, params={"a": "1"}, headers={"X-Own": "1"}, deadline=soon())
    session.close()
    assert answer.url == f"{server.url}/new"
    assert [request.headers["x-own"] for request in stage.requests] == ["1", "1"]
    expected = "Basic " + base64.b64encode(b"user:pass word").decode()
    assert [request.headers["authorization"] for request in stage.requests] == [expected] * 2
    assert [dict(request.query) for request in stage.requests] == [{"a": "1"}, {}]


def test_a_redirect_to_another_origin_takes_no_header_along(stage: Stage, server: LocalServer) -> None:
    other = Stage()
    other.replies = [OK]
    session = ReadingSession(allow_redirects=True)
    with LocalServer(other.answer) as elsewhere:
        stage.replies = [status(307, Location=f"{elsewhere.url}/new")]
        session.get(server.url, headers={"Authorization": "Bearer secret"}, deadline=soon())
    session.close()
    assert "authorization" not in other.requests[0].headers


@pytest.mark.parametrize(
    ("location", "code"),
    [
        pytest.param("http://a.example/", "insecure_url", id="to plain http"),
        pytest.param("file:///etc/passwd", "insecure_url", id="to a file"),
        pytest.param("http://[::1/", "redirect", id="to nonsense"),
        pytest.param("https://a.example:99999/", "insecure_url", id="to an impossible port"),
        pytest.param("", "redirect", id="to nowhere"),
        pytest.param("/again", "redirect", id="in a circle"),
    ],
)
def test_redirects_that_are_not_followed(stage: Stage, server: LocalServer, location: str, code: str) -> None:
    stage.replies = [status(302, Location=location)]
    session = ReadingSession(allow_redirects=True)
    with pytest.raises(HttpError) as caught:
        session.get(server.url, deadline=soon())
    session.close()
    assert caught.value.code == code
    assert len(stage.requests) == (6 if location == "/again" else 1)


def test_the_caller_may_refuse_a_redirect(stage: Stage, server: LocalServer) -> None:
    stage.replies = [status(302, Location="https://10.0.0.1/")]

    def refuse(address: str) -> None:
        raise HttpError("redirect", sent=True, host=address)

    session = ReadingSession(allow_redirects=True, may_redirect=refuse)
    with pytest.raises(HttpError, match=r"https://10\.0\.0\.1/"):
        session.get(server.url, deadline=soon())
    session.close()


def test_a_body_beyond_the_limit_is_refused(stage: Stage, server: LocalServer) -> None:
    packed = gzip.compress(b"x" * 200_000)
    for body, headers in ((b"x" * 100_001, {}), (packed, {"Content-Encoding": "gzip"})):
        stage.replies = [Reply(body=body, headers=headers)]
        session = ReadingSession(max_bytes=100_000)
        with pytest.raises(HttpError, match="too_large") as caught:
            session.get(server.url, deadline=soon())
        session.close()
        assert caught.value.facts["limit"] == 100_000
    assert len(stage.requests) == 2


def test_nothing_is_sent_after_the_deadline(stage: Stage, server: LocalServer, session: Session) -> None:
    stage.replies = [OK]
    with pytest.raises(HttpError, match="deadline") as caught:
        session.get(server.url, deadline=Deadline.after(0))
    assert (caught.value.sent, stage.requests) == (False, [])


def test_the_deadline_cuts_a_body_that_keeps_coming(
    stage: Stage, server: LocalServer, session: Session
) -> None:
    stage.replies = [Reply(drip=(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 200_000))]
    with pytest.raises(HttpError, match="deadline") as caught:
        session.get(server.url, deadline=Deadline.after(0.3))
    assert caught.value.sent


def test_a_server_that_says_nothing(
    session: Session, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    monkeypatch.setattr("iodcal.http.session._READ_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(HttpError) as caught:
        session.get(f"http://127.0.0.1:{silent.getsockname()[1]}/", deadline=soon())
    assert (caught.value.code, caught.value.sent, len(waits)) == ("timeout", True, 3)


def test_a_server_that_says_nothing_until_the_deadline(session: Session, waits: list[float]) -> None:
    """The clock moves, from before the deadline to after it, as the request arrives: no machine is too
    slow."""
    asked, over = threading.Event(), threading.Event()

    def answer(_: Request) -> Reply:
        asked.set()
        over.wait(60)
        return Reply()

    deadline = Deadline(60.0, lambda: 61.0 if asked.is_set() else 0.0)
    with LocalServer(answer) as server:
        with pytest.raises(HttpError) as caught:
            session.get(server.url, deadline=deadline)
        over.set()
    assert (caught.value.code, caught.value.sent, len(waits)) == ("deadline", True, 0)


def test_a_refused_connection_never_reached_the_server(session: Session, waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(HttpError) as caught:
        session.post(f"http://127.0.0.1:{port}/", deadline=soon())
    assert (caught.value.code, caught.value.sent) == ("unreachable", False)
    assert caught.value.facts == {"host": "127.0.0.1", "reason": "Connection refused"}
    assert waits == []


def test_faults_carry_neither_the_query_nor_the_foreign_exception(
    session: Session, waits: list[float]
) -> None:
    with pytest.raises(HttpError) as caught:
        session.get("https://nowhere.invalid/p", params={"key": "planted-secret"}, deadline=soon())
    assert (caught.value.code, caught.value.sent, len(waits)) == ("unreachable", False, 3)
    assert "planted-secret" not in str(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_tls_is_verified(
    stage: Stage, tmp_path: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.replies = [OK]
    authority = TestAuthority(tmp_path)
    with LocalServer(stage.answer, authority.server_context()) as server:
        with pytest.raises(HttpError) as caught:
            session.post(server.url, deadline=soon())
        assert (caught.value.code, caught.value.sent, stage.requests) == ("tls", False, [])
        assert "certificate" in str(caught.value.facts["reason"])
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_path))
        assert session.get(server.url, deadline=soon()).status == 200


def test_a_certificate_for_another_name_is_refused(
    stage: Stage, tmp_path: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.replies = [OK]
    authority = TestAuthority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_path))
    server = LocalServer(stage.answer, authority.server_context("other.example"))
    with server, pytest.raises(HttpError) as caught:
        session.get(server.url, deadline=soon())
    assert (caught.value.code, caught.value.sent) == ("tls", False)


@pytest.mark.parametrize("content", [None, "no certificate at all"], ids=["missing", "garbage"])
def test_a_bad_file_of_authorities_is_named(
    stage: Stage,
    tmp_path: Path,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    content: str | None,
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    stage.replies = [OK]
    server = LocalServer(stage.answer, TestAuthority(tmp_path).server_context())
    with server, pytest.raises(HttpError, match="tls"):
        session.get(server.url, deadline=soon())
    assert stage.requests == []


def test_tls_to_a_plain_server_never_arrives(server: LocalServer, session: Session) -> None:
    with pytest.raises(HttpError) as caught:
        session.post(server.url.replace("http://", "https://"), deadline=soon())
    assert (caught.value.code, caught.value.sent) == ("tls", False)


def test_a_server_that_hangs_up_within_tls_is_asked_again(
    stage: Stage, tmp_path: Path, session: Session, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    authority = TestAuthority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_path))
    stage.replies = [Reply(dropped=True), OK]
    with LocalServer(stage.answer, authority.server_context()) as server:
        assert session.get(server.url, deadline=soon()).status == 200
    assert len(waits) == 1


def test_netrc_has_no_say(
    stage: Stage, server: LocalServer, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login them password theirs\n")
    monkeypatch.setenv("NETRC", str(netrc))
    stage.replies = [OK]
    session.get(server.url, headers={"Authorization": "Bearer ours"}, deadline=soon())
    assert stage.requests[0].headers["authorization"] == "Bearer ours"


def test_cookies_are_not_kept(stage: Stage, server: LocalServer, session: Session) -> None:
    stage.replies = [status(200, Set_Cookie="a=b"), OK]
    for _ in range(2):
        session.get(server.url, deadline=soon())
    assert "cookie" not in stage.requests[1].headers


def test_the_proxy_of_the_environment_is_used(
    stage: Stage, server: LocalServer, session: Session, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    stage.replies = [status(403)]
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    with pytest.raises(HttpError) as caught:
        session.get("https://nowhere.invalid/", deadline=soon())
    assert (caught.value.code, caught.value.sent) == ("proxy_fails", False)  # no CONNECT there: status 501
    assert caught.value.facts["proxy"] == server.url.removeprefix("http://")
    assert (server.connections, len(waits)) == (4, 3)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_loopback_never_goes_through_a_proxy(
    stage: Stage,
    server: LocalServer,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    host: str,
) -> None:
    stage.replies = [OK]
    with LocalServer(lambda _: Reply(502)) as proxy:
        monkeypatch.setenv(name, proxy.url)
        own = server.url.replace("127.0.0.1", host)
        for headers in ({}, {"Authorization": "Bearer in-clear"}):
            assert session.get(own, headers=headers, deadline=soon()).status == 200
    assert (proxy.connections, len(stage.requests)) == (0, 2)


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:1", "socks5://127.0.0.1:1", "http://[::1"])
def test_a_proxy_that_makes_no_sense(
    session: Session, monkeypatch: pytest.MonkeyPatch, waits: list[float], proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(HttpError) as caught:
        session.get("https://nowhere.invalid/", deadline=soon())
    assert (caught.value.code, caught.value.sent, len(waits)) == ("unreachable", False, 3)


def test_a_header_that_cannot_be_written_is_not_sent(
    stage: Stage, server: LocalServer, session: Session
) -> None:
    with pytest.raises(HttpError) as caught:
        session.post(server.url, headers={"X-Own": "→"}, deadline=soon())
    assert (caught.value.sent, stage.requests) == (False, [])


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [pytest.param(90, 90, id="fast"), pytest.param(-3600, -3600, id="slow")],
)
def test_the_servers_clock_is_compared_with_ours(
    stage: Stage, server: LocalServer, session: Session, ahead: int, expected: int
) -> None:
    told = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    stage.replies = [status(200, Date=told)]
    error = session.get(server.url, deadline=soon()).clock_error
    assert error is not None
    assert abs(error - expected) < 5


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Foo 2026 00:00:00 GMT"])
def test_an_unreadable_date_tells_nothing(
    stage: Stage, server: LocalServer, session: Session, date: str
) -> None:
    stage.replies = [status(200, Date=date)]
    assert session.get(server.url, deadline=soon()).clock_error is None


def test_log_lines_name_method_path_status_and_ids_but_no_secret(
    stage: Stage, server: LocalServer, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    stage.replies = [status(200, request_id="abc-123")]
    with caplog.at_level(logging.DEBUG, logger="iodcal.http"):
        session.get(
            f"{server.url}/p/ath",
            params={"key": "planted-query"},
            headers={"Authorization": "planted-header"},
            deadline=soon(),
        )
    told = [record.getMessage() for record in caplog.records if record.name == "iodcal.http"]
    assert len(told) == 1
    assert "GET" in told[0]
    assert "/p/ath: 200" in told[0]
    assert "request-id=abc-123" in told[0]
    assert "planted" not in told[0]


def test_of_a_secret_address_only_the_host_is_seen(
    stage: Stage, server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    stage.replies = [OK, Reply(dropped=True)]
    session = Session(secret_urls=True)
    with caplog.at_level(logging.DEBUG, logger="iodcal.http"):
        answer = session.get(f"{server.url}/planted", deadline=soon())
        with pytest.raises(HttpError) as caught:
            session.post(f"{server.url}/planted", deadline=soon())
    session.close()
    told = [record.getMessage() for record in caplog.records if record.name == "iodcal.http"]
    assert len(told) == 2
    assert answer.url == f"{server.url}/..."
    assert not any("planted" in text for text in (*told, answer.url, str(caught.value)))


def test_not_json_says_what_came_instead(stage: Stage, server: LocalServer, session: Session) -> None:
    stage.replies = [
        Reply(502, b"\n<html>\x1b[31m<title>Bad \x00Gateway</title>", {"Content-Type": "text/html"})
    ]
    answer = session.post(server.url, deadline=soon())
    with pytest.raises(AnswerError) as caught:
        answer.json()
    assert caught.value.facts == {
        "status": 502,
        "content_type": "text/html",
        "first_words": "<html> [31m<title>Bad Gateway</title>",
    }
