"""A secret that comes back: in every place where foreign text enters, in every spelling."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from iodcal.calendars.graph.errors import error_of
from iodcal.calendars.login.refusals import refusal
from iodcal.carriers.lumen.inventory import find_service
from iodcal.cli.boundary import traceback_of
from iodcal.cli.logs import _Json, _Text
from iodcal.config.secrets import SecretValue
from iodcal.errors import CarrierError
from iodcal.http import Answer, AnswerError, Deadline, HttpError, ReadingSession, Session, error_text
from tests.echoes import SPELLINGS, reveals
from tests.servers.tls import LocalServer, Reply

SECRET = "Planted/echo+9f_secret-0123456789.abc=="
UNKNOWN = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7dE9"


def exchange(reply: Reply, *, redirects: bool = False) -> Answer:
    """What a session makes of `reply`, once it has sent the secret."""
    with LocalServer(lambda _: reply) as server:
        session = Session(allow_redirects=redirects)
        session._raw.trust_env = False
        try:
            headers = {"Authorization": f"Bearer {SECRET}"}
            return session.post(server.url, headers=headers, deadline=Deadline.after(30))
        finally:
            session.close()


def document(echo: str, status: int) -> Answer:
    """An answer with a JSON text that holds `echo` as it is, already escaped."""
    said = echo if "\\" in echo else json.dumps(echo)[1:-1]
    template = json.dumps({"error": {"code": "@@", "message": "@@", "innerError": {"request-id": "@@"}}})
    return exchange(Reply(status, template.replace("@@", f"it is {said}.").encode()))


def inventory(echo: str) -> str:
    said = echo if "\\" in echo else json.dumps(echo)[1:-1]
    item = {"serviceId": "7", "product": {"status": "Active @@", "productCharacteristic": []}}
    body = json.dumps({"serviceInventory": [item]}).replace("@@", said)
    service = find_service(exchange(Reply(200, body.encode())).json(), "7")
    assert service is not None
    return repr(service.reading(datetime.now(UTC)))


def told(answer: Answer) -> str:
    """All that may be told of an answer."""
    try:
        said = json.dumps(answer.json(), ensure_ascii=False)
    except AnswerError as error:
        said = str(error.facts)
    shown = " ".join([said, answer.first_words, error_text(answer), *answer.headers.values(), answer.url])
    return shown + answer.body.decode("utf-8", "replace").replace("\0", "")


def redirected(echo: str) -> str:
    location = f"https://{echo}.invalid/{echo}?{echo}".replace("\r\n ", "")
    with LocalServer(lambda _: Reply(302, headers={"Location": location})) as server:
        session = ReadingSession(allow_redirects=True)
        with pytest.raises(HttpError) as caught:
            session.get(server.url, headers={"Authorization": f"Bearer {SECRET}"}, deadline=Deadline.after(1))
        session.close()
    return str(caught.value) + repr(caught.value.facts)


def logged(echo: str) -> str:
    record = logging.LogRecord("iodcal.http", 10, "", 0, "GET %s", (echo,), None)
    message: str = json.loads(_Json().format(record))["message"]
    return _Text(several=True).format(record) + message


def raised(echo: str) -> str:
    SecretValue(SECRET).reveal()
    try:
        try:
            raise ValueError(f"a plug-in: {echo}")
        except ValueError as error:
            raise RuntimeError(f"a plug-in, too: {echo}") from error
    except RuntimeError as error:
        return traceback_of(error)


def of_login(echo: str) -> str:
    words = dict.fromkeys(("error", "error_description", "correlation_id", "timestamp"), echo)
    body = exchange(Reply.of(words, 400)).json()
    return str(refusal(body, tenant="t"))


PLACES: dict[str, Callable[[str], str]] = {
    "a field of a refusal": lambda echo: told(document(echo, 400)),
    "a field of a good answer": lambda echo: told(document(echo, 200)),
    "a page in HTML": lambda echo: told(exchange(Reply(502, f"<html><p>{echo}</p>".encode()))),
    "plain text": lambda echo: told(exchange(Reply(200, f"it is {echo}, is it?".encode()))),
    "UTF-16": lambda echo: told(exchange(Reply(500, f'"it is {echo}"'.encode("utf-16-le")))),
    "a header": lambda echo: told(exchange(Reply(403, headers={"request-id": echo.replace("\r\n ", "")}))),
    "where a redirect leads": redirected,
    "a carrier's status": inventory,
    "Graph's error": lambda echo: str(error_of(document(echo, 403), "id")),
    "the login's error": of_login,
    "what a plug-in raises": lambda echo: str(CarrierError("refused", message=f"it is {echo}.")),
    "a traceback": raised,
    "a log line": logged,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_that_comes_back_is_left_out(place: str, spelling: str) -> None:
    SecretValue(SECRET).reveal()
    echo = SPELLINGS[spelling](SECRET)
    assert reveals(echo, SECRET), "or the search would find nothing"
    assert not reveals(PLACES[place](echo), SECRET)


@pytest.mark.parametrize(
    "place",
    [
        place
        for place in PLACES
        if place not in ("plain text", "a field of a good answer", "where a redirect leads", "a header")
    ],
)
@pytest.mark.parametrize(
    "shape",
    [
        f"Bearer {UNKNOWN}",
        f"token={UNKNOWN}",
        f"https://a.example/?access_token={UNKNOWN}",
        f"https://user:{UNKNOWN}@a.example/",
        f"client_secret: '{UNKNOWN}'",
        f"eyJhbGciOiJSUzI1NiJ9.{UNKNOWN}.{UNKNOWN}",
    ],
)
def test_what_looks_like_a_credential_is_left_out_though_nobody_knows_it(place: str, shape: str) -> None:
    assert UNKNOWN not in PLACES[place](shape)


@pytest.mark.parametrize(
    "text",
    [
        "AADSTS7000215: Invalid client secret provided.",
        "Trace ID: 11112222-3333-4444-5555-666677778888 Correlation ID: 11112222-3333-4444-5555-666677778889",
        "the token is expired; the signature is not valid",
        "No matching rule found for portSpeed=0 and deviceCode=null",
        "/var/lib/iodcal/Plugins/carrier_v2/lib/python3/site-packages/some_long_name_of_a_module/client.py",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ],
)
def test_what_support_asks_for_is_kept(text: str) -> None:
    assert CarrierError("refused", message=text).facts["message"] == text
