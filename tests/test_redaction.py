"""Secrets that went out are left out of what comes back."""

from __future__ import annotations

import json
import time

import pytest
from rich.pretty import pretty_repr

from iodcal.calendars.login.tokens import Token
from iodcal.config.secrets import Secret, SecretValue
from iodcal.http import Answer, Deadline, Session
from iodcal.redaction import redact_data, redact_refusal, redact_text, remember_secrets
from tests.servers.tls import LocalServer, Reply, Request


@pytest.mark.parametrize(
    ("secret", "told", "shown"),
    [
        ("hunter2-masking", "it is hunter2-masking.", "it is ***."),
        ('qu"ote\\masking', r"{qu\"ote\\masking}", "{***}"),
        ("a b&c/masking", "a%20b%26c%2Fmasking a+b%26c%2Fmasking", "*** ***"),
        ("first-of-lines\nsecond-of-lines\n", "second-of-lines", "***"),
        ("within-masking-within", "within-masking-within", "***"),
        ("short", "short", "short"),
        ("", "nothing", "nothing"),
    ],
)
def test_a_secret_is_left_out_however_it_is_spelt(secret: str, told: str, shown: str) -> None:
    remember_secrets(secret)
    assert redact_text(told) == shown


def test_the_longer_secret_goes_first() -> None:
    remember_secrets("masking-part", "masking-part-and-more")
    assert redact_text("masking-part-and-more") == "***"


def test_what_is_no_text_stays_as_it_is() -> None:
    remember_secrets("bytes-masking-0123456789")
    for redact in (redact_data, redact_refusal):
        assert redact(b"\xff\xfebytes-masking-0123456789\x00") == b"\xff\xfe***\x00"


@pytest.mark.parametrize("secret", ["hands-on", "CEO All-Hands", "global-all-hands-meeting", "AB/12/345678"])
def test_a_secret_that_may_be_honest_data_stays_in_good_answers(secret: str) -> None:
    """Or a password that is a word of the subject would take the event from its rule."""
    remember_secrets(secret)
    said = json.dumps({"subject": f"our {secret} in Denver"}).encode()
    assert redact_data(said) == said
    assert redact_data(said.decode().encode("utf-16-le")) == said.decode().encode("utf-16-le")
    assert secret.encode() not in redact_refusal(said)


@pytest.mark.parametrize(
    ("status", "secret", "body"),
    [
        (200, True, b"Bearer masking-token-0123456789"),
        (200, False, b"Bearer ***"),
        (300, True, b"Bearer ***"),
        (304, True, b""),
        (400, True, b"Bearer ***"),
        (503, False, b"Bearer ***"),
    ],
)
def test_an_answer_repeats_no_credential_but_a_token_that_was_asked_for_stays_as_it_is(
    status: int, secret: bool, body: bytes
) -> None:
    def answer(request: Request) -> Reply:
        said = request.headers["authorization"]
        return Reply(status, said.encode(), {"X-Request-Id": said, "Location": f"/{said}"})

    with LocalServer(answer) as server:
        session = Session()
        headers = {"Authorization": "Bearer masking-token-0123456789"}
        got = session.post(server.url, headers=headers, deadline=Deadline.after(20), answer_is_secret=secret)
        session.close()
    assert (got.body, got.headers["x-request-id"]) == (body, "Bearer ***")
    assert (
        got.headers["Location"] == "/Bearer masking-token-0123456789"
    )  # where a redirect leads is never told


@pytest.mark.parametrize(
    "holder",
    [
        SecretValue("planted-secret"),
        Secret.parse("planted-secret"),
        Token("planted-secret", 1.0),
        Answer(200, {"Set-Cookie": "planted-secret"}, b"planted-secret", "https://a.example"),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_what_holds_a_secret_shows_none(holder: object) -> None:
    """Nor where rich draws it, as it does in tracebacks of those who have it installed for that."""
    assert "planted" not in repr(holder) + str(holder) + pretty_repr(holder) + pretty_repr([holder])


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        pytest.param("ABcdef/masking-1", "token=ABcdef%2Fmasking-1", id="after an equals sign"),
        pytest.param("masking/2-abc==", "masking%2F2-abc==\nnext", id="at a line's end"),
        pytest.param("masking%41-3", "<masking%41-3&amp;>", id="which holds an escape itself"),
        pytest.param("masking/\U0001f600-4", r"masking\/\ud83d\ude00-4", id="beyond the basic plane"),
        pytest.param("masking/ü-5", "masking%2f%c3%bc-5", id="not ASCII"),
        pytest.param("masking-a-key-6", "masking-a-k\r\n ey-6\r\n more", id="within folded lines"),
        pytest.param("masking-a-host-7", "masking-A-HOST-7".lower(), id="as a host"),
    ],
)
def test_a_secret_is_found_whatever_stands_around_it(secret: str, told: str) -> None:
    remember_secrets(secret)
    assert secret[-6:].rstrip("=") not in redact_text(told)
    assert "***" in redact_text(told)


def test_what_stands_around_a_secret_is_kept() -> None:
    remember_secrets("masking/kept\\secret")
    told = json.dumps({"a": 'x"y', "b": "before masking/kept\\secret after", "c": [1, "\u00fc"]})
    shown = json.loads(redact_text(told.replace("/", "\\/")))
    assert shown == {"a": 'x"y', "b": "before *** after", "c": [1, "\u00fc"]}


@pytest.mark.parametrize(
    "unit", ["%", "\\", "&amp;", "=3D", "token=", "Bearer ", "eyJ", "\\u00", "%25", "a-"]
)
def test_redaction_takes_a_time_that_grows_with_the_text_only(unit: str) -> None:
    remember_secrets("masking-never-there-0815")
    begun = time.thread_time()
    redact_refusal((unit * 100_000).encode())
    redact_data((unit * 100_000).encode())
    assert time.thread_time() - begun < 60, "the square of it would take hours"
