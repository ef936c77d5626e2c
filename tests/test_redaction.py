"""Secrets that went out are left out of what comes back."""

from __future__ import annotations

import pytest
from rich.pretty import pretty_repr

from iodcal.calendars.login.tokens import Token
from iodcal.config.secrets import Secret, SecretValue
from iodcal.http import Answer, Deadline, Session
from iodcal.redaction import redact_body, redact_text, remember_secrets
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
    remember_secrets("bytes-masking")
    assert redact_body(b"\xff\xfebytes-masking\x00", credentials_too=False) == b"\xff\xfe***\x00"


@pytest.mark.parametrize(
    ("status", "secret", "body"),
    [
        (200, True, b"Bearer masking-token"),
        (200, False, b"Bearer ***"),
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
        headers = {"Authorization": "Bearer masking-token"}
        got = session.post(server.url, headers=headers, deadline=Deadline.after(20), answer_is_secret=secret)
        session.close()
    assert (got.body, got.headers["x-request-id"]) == (body, "Bearer ***")
    assert got.headers["Location"] == "/Bearer masking-token"  # where a redirect leads is never told


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
