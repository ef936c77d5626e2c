"""A world with a secret of its own in every place where the configuration takes one, and servers that repeat
whatever they are sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.e2e.conftest import World
from tests.e2e.test_doctor import NOW, certificate
from tests.servers.entra import SECRET as ENTRA_SECRET
from tests.servers.faults import Fault as OfMicrosoft
from tests.servers.lumen import INVENTORY, KEY, ORDER, QUOTE, SECRET, TOKEN
from tests.servers.lumen import Fault as OfLumen
from tests.servers.tls import LocalServer, Reply, Request

PASSWORD, PATH, QUERY = "planted-password-123", "planted-in-the-path-4711", "planted-in-the-query-0815"
HOOK, TEAMS, PING, MAIL = (f"planted-address-of-{name}" for name in ("a-hook", "teams", "a-ping", "a-mail"))
AUTHORIZATION = "planted-authorization-77"
PLANTED = {SECRET, ENTRA_SECRET, PASSWORD, PATH, QUERY, HOOK, TEAMS, PING, MAIL, AUTHORIZATION}
PLANTED.add(base64.b64encode(f"{KEY}:{SECRET}".encode()).decode())

_MORE = """
notify:
  hook: {{webhook: {{env: HOOK}}, authorization: {{file: authorization}}}}
  chat: {{teams: "{url}/${{TEAMS}}"}}
  dog: {{ping: {{command: "cat ping"}}}}
  mail: {{apprise: {{credential: mail}}}}
"""


@dataclass
class Planted:
    """`world` with all of its secrets; `repeating` says which of its servers' answers repeat what they were
    sent: names of calls, as scripts for faults have them, and `calendar`."""

    world: World
    url: str = ""
    key_lines: set[str] = field(default_factory=set)
    repeating: dict[str, int] = field(default_factory=dict)
    spell: Callable[[str], str] = str
    requests: list[Request] = field(default_factory=list)

    @property
    def secrets(self) -> set[str]:
        """All that must be found nowhere: what was planted, and the tokens that were given out."""
        tokens = self.world.graph.entra.tokens | self.world.lumen._tokens
        sent = [*self.world.lumen.requests, *self.world.graph.requests, *self.requests]
        said = {request.headers.get("authorization", "").rpartition(" ")[2] for request in sent}
        signed = {request.form["client_assertion"] for request in sent if b"client_assertion" in request.body}
        return PLANTED | self.key_lines | tokens | signed | {one for one in said if one}

    def kept(self) -> Iterator[tuple[Path, str]]:
        """Every file that the command left, with what it says."""
        own = {"rules.yaml", "app.pem", "authorization", "ping", "mail", "test-ca.pem", "literal.yaml"}
        for path in self.world.iodcal.folder.rglob("*"):
            if path.is_file() and path.name not in own:
                yield path, path.read_bytes().decode("latin-1")

    def repeated(self, request: Request) -> bytes:
        """All that came with `request`; in another spelling its secret alone, as messages are cut."""
        if self.spell is str:
            return repeated(request)
        secret = request.headers.get("authorization", "").rpartition(" ")[2] or request.raw_path
        return self.spell(secret).encode()

    def answer(self, request: Request) -> Reply:
        """The calendar's and the notices' server."""
        self.requests.append(request)
        if "calendar" not in request.path:
            return Reply(int(self.repeating.get("notices", 202)), self.repeated(request))
        status = self.repeating.get("calendar", 0)
        if not status:
            return Reply(200, b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n")
        return Reply(
            status, self.repeated(request), {**_headers(request), "Location": self.url + "/elsewhere"}
        )


@contextmanager
def planted(world: World, *, with_certificate: bool) -> Iterator[Planted]:
    """Plants a secret at each place of the world's configuration."""
    made = Planted(world)
    with ExitStack() as stack:
        made.url = stack.enter_context(LocalServer(made.answer)).url
        iodcal = world.iodcal
        rules = (iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
        if with_certificate:
            pem = certificate(NOW - timedelta(days=1), NOW + timedelta(days=90))
            iodcal.write("app.pem", pem)
            world.graph.entra.certificate = pem.partition("-----BEGIN PRIVATE KEY-----")[0]
            made.key_lines = set(pem.partition("-----BEGIN PRIVATE KEY-----\n")[2].splitlines()[:-1])
            rules = _changed(
                rules, "client_secret: {env: IODCAL_CLIENT_SECRET}", "certificate: {file: app.pem}"
            )
        else:
            rules = _changed(rules, "{env: IODCAL_CLIENT_SECRET}", '"${IODCAL_CLIENT_SECRET}"')
        rules = _changed(rules, "{mailbox: noc@contoso.example}", "{ics: {env: CALENDAR}}")
        rules = _changed(
            rules, "settings:\n", "settings:\n  metrics_file: iodcal.prom\n  notify_within: 5s\n"
        )
        iodcal.write("rules.yaml", rules + _MORE.format(url=made.url)).chmod(0o600)
        iodcal.write("authorization", f"Bearer {AUTHORIZATION}\n")
        iodcal.write("ping", f"{made.url}/{PING}\n")
        iodcal.write("credentials/mail", f"json://user:{MAIL}@{made.url.partition('//')[2]}/{MAIL}\n")
        address = made.url.replace("http://", f"http://user:{PASSWORD}@")
        iodcal.environment.update(
            CALENDAR=f"{address}/calendar/{PATH}/a.ics?key={QUERY}",
            HOOK=f"{made.url}/{HOOK}?sig={QUERY}",
            TEAMS=TEAMS,
            CREDENTIALS_DIRECTORY=str(iodcal.folder / "credentials"),
        )
        world.meeting("All-Hands", 20, 60)
        yield made


def _changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def repeat(made: Planted, statuses: dict[str, int]) -> None:
    """From now on the servers answer these calls with a status each, and repeat all they were sent."""
    made.repeating = statuses
    for call, status in statuses.items():
        if call in (TOKEN, INVENTORY, QUOTE, ORDER):
            made.world.lumen.script(call, *[_lumen_with(made, status)] * 40)
        elif call not in ("calendar", "notices"):
            made.world.graph.script(call, [_microsoft_with(made, status)] * 40)


def repeated(request: Request) -> bytes:
    """All that came, as it came and as it was meant."""
    return " ".join([request.raw_path, *request.headers.values(), *_sent(request)]).encode()


def _sent(request: Request) -> list[str]:
    text = request.body.decode("utf-8", "replace")
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    decoded = base64.b64decode(credentials).decode() if scheme == "Basic" else ""
    return [text, *request.form.values(), decoded]


def _headers(request: Request) -> dict[str, str]:
    said = " ".join([request.headers.get("authorization", ""), *_sent(request)[1:]])
    shown = "".join(letter if letter.isprintable() and letter.isascii() else " " for letter in said)
    names = (
        "request-id",
        "client-request-id",
        "x-ms-request-id",
        "trackingid",
        "x-request-id",
        "WWW-Authenticate",
    )
    return {**dict.fromkeys(names, shown[-2000:]), "Date": shown[-100:], "Retry-After": "1"}


def _lumen_with(made: Planted, status: int) -> OfLumen:
    def fault(_answer: object) -> Reply:
        request = made.world.lumen.requests[-1]
        said = made.repeated(request).decode()
        body = {"reason": said, "code": said, "message": said, "exception": {"detail": said}}
        return _reply(status, body, request)

    return fault


def _microsoft_with(made: Planted, status: int) -> OfMicrosoft:
    def fault(_right: Reply, request: Request) -> Reply:
        said = made.repeated(request).decode()
        if "/v1.0/" in request.path:
            inner = {"code": said, "message": said, "innerError": {"request-id": said, "code": said}}
            return _reply(status, {"error": inner}, request)
        words = dict.fromkeys(("error", "error_description", "correlation_id", "timestamp", "trace_id"), said)
        return _reply(status, {**words, "error_codes": [1]}, request)

    return fault


def _reply(status: int, body: object, request: Request) -> Reply:
    location = f"https://127.0.0.1:1/?{ascii(repeated(request))[:500]}"
    return Reply(status, json.dumps(body).encode(), {**_headers(request), "Location": location})
