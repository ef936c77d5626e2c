"""Which addresses may be used, and how much of an answer may be seen."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from iodcal.http import Answer, AnswerError, Deadline, HttpError, origin_of, require_secure


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x?y",
        "https://user:word@a.example",
        "http://localhost:8080/",
        "http://127.0.0.1/",
        "http://127.9.9.9/",
        "http://[::1]:80/",
        "HTTPS://A.example/",
    ],
)
def test_addresses_that_may_be_used(url: str) -> None:
    require_secure(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/",
        "http://127.0.0.1.a.example/",
        "http://localhost@a.example/",
        "http://10.0.0.1/",
        "http://[::2]/",
        "ftp://localhost/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "a.example",
        "",
        "http://[::1",
        "https://a.example:99999/",
        "https://a.example:port/",
    ],
)
def test_addresses_that_may_not(url: str) -> None:
    with pytest.raises(HttpError) as caught:
        require_secure(url)
    assert (caught.value.code, caught.value.sent) == ("insecure_url", False)


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://A.example/x") == origin_of("https://a.example:443/y?z")
    assert len({origin_of(url) for url in ("https://a:1", "https://a:2", "http://a:1", "https://b:1")}) == 4


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"  plain  text\r\n here ", "plain text here", id="white space"),
        pytest.param(b'\xef\xbb\xbf {"access_token": "abc', "{...", id="broken JSON may hold anything"),
        pytest.param(b"[1,", "[...", id="a broken list too"),
        pytest.param(b'"text"', '"...', id="a text in JSON too"),
        pytest.param(b"token=" + b"a" * 40 + b" rest", "... rest", id="what looks like a token"),
        pytest.param("a\u202eb\x1b]0;t\x07c".encode(), "a b ]0;t c", id="controls"),
        pytest.param(b"\xff\xfe", "\ufffd\ufffd", id="no text"),
        pytest.param(b"x " * 500, ("x " * 40).rstrip(), id="long"),
        pytest.param(b"", "", id="nothing"),
    ],
)
def test_first_words(body: bytes, words: str) -> None:
    assert Answer(200, {}, body, "https://a.example").first_words.rstrip() == words


def test_not_json_keeps_no_body_behind() -> None:
    answer = Answer(200, {}, b'{"planted-secret": ', "https://a.example")
    with pytest.raises(AnswerError) as caught:
        answer.json()
    assert caught.value.__context__ is None
    assert "planted" not in repr(caught.value) + str(caught.value) + repr(answer)


def test_deadlines_count_down_and_stop_at_nothing() -> None:
    now = 100.0
    deadline = Deadline.after(5, lambda: now)
    assert (deadline.left, deadline.passed) == (5, False)
    now = 106.0
    assert (deadline.left, deadline.passed) == (0, True)


def test_importing_costs_nothing_heavy() -> None:
    heavy = "{'requests', 'urllib3', 'tenacity', 'msal', 'socket', 'email'}"
    code = f"import sys, iodcal.http; print(sorted({heavy} & set(sys.modules)))"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=unmeasured
    )
    assert done.stdout.strip() == "[]"
