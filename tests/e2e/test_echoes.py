"""Servers that repeat short secrets in good answers: none is shown, sent or kept, and rules still match."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.conftest import LON, World
from tests.e2e.test_isolation import EVENT
from tests.echoes import SPELLINGS, readings
from tests.servers import lumen
from tests.servers.faults import graph_error, instead
from tests.servers.graph import NamedCalendar
from tests.servers.hook import Hook
from tests.servers.lumen import ORDER, QUOTE, LumenServer
from tests.servers.tls import Reply

SHORT = "tide-7x"
"""A secret that no answer can be searched for without doing harm to honest ones."""
CHOSEN = (
    "plain",
    "percent",
    "percent twice",
    "JSON's units",
    "JSON in JSON",
    "HTML in decimals",
    "HTML in hexadecimals",
    "HTML twice",
    "percent of HTML",
)
MORE = """\
calendars:
  ill: {mailbox: ill@contoso.example}
  published: {ics: calendar.ics}
  named: {mailbox: named@contoso.example, calendar: Rooms}
"""
COMMANDS = (
    ("sync", "-v"),
    ("sync", "-o", "json"),
    ("plan", "--unmatched"),
    ("history", "-o", "json"),
    ("status", "-o", "json"),
    ("report", "--html", "page.html"),
)
PLACES = (
    *("subject", "id", "uid", "organizer", "location", "calendar's name", "Graph's error"),
    *("published summary", "published uid", "published zone", "published name"),
    *("status", "order's id", "quote's id", "order's status", "refusal", "webhook's answer"),
)


def renamed(server: LumenServer, echo: str) -> Callable[[Callable[[], Reply]], Reply]:
    """A fault that gives what Lumen made, a quote or an order, an id with `echo` in it."""

    def fault(make: Callable[[], Reply]) -> Reply:
        reply = make()
        if "id" not in reply.document:
            return reply
        old, new = reply.document["id"], f"{reply.document['id']} {echo}"
        if old in server._quotes:
            server._quotes[new] = server._quotes[old]
        return Reply.of({**reply.document, "id": new}, reply.status)

    return fault


def plant(world: World, echo: str) -> None:
    """Puts `echo` into each of PLACES."""
    world.meeting(f"All-Hands, {echo}", 20, 80)
    (meeting,) = world.graph.mailboxes["events@contoso.example"]
    meeting |= {"id": f"id{echo}", "iCalUId": f"uid{echo}", "location": {"displayName": echo}}
    meeting["organizer"] = {"emailAddress": {"name": echo, "address": "pat@contoso.example"}}
    world.meeting(f"DR Test {echo}", 20, 80, "noc")
    (stranger,) = world.graph.mailboxes["noc@contoso.example"]
    stranger["organizer"] = {"emailAddress": {"name": echo, "address": f"{echo}@elsewhere.example"}}
    world.graph.mailboxes["ill@contoso.example"] = []
    refusal = graph_error(403, "ErrorAccessDenied").document
    refusal["error"] |= {"code": f"E{echo}", "message": echo}
    world.graph.script("ill@contoso.example", [instead(Reply.of(refusal, 403, request_id=echo))] * 20)
    world.graph.mailboxes["named@contoso.example"] = []
    world.graph.calendars["named@contoso.example"] = [NamedCalendar("1", f"it is {echo}", [])]
    now = datetime.now(UTC)
    start, end = (now + timedelta(minutes=minutes) for minutes in (30, 60))
    ics = EVENT.format(start=start, end=end).replace("UID:1", f"UID:u{echo}")
    ics = ics.replace("SUMMARY:All-Hands", f"SUMMARY:All-Hands {echo}\nLOCATION:{echo}")
    bad = f"BEGIN:VEVENT\nUID:b{echo}\nDTSTART;TZID={echo}:20990101T000000\nSUMMARY:x{echo}\nEND:VEVENT\n"
    ics = ics.replace("END:VCALENDAR", f"{bad}END:VCALENDAR").replace("VERSION:2.0", f"X-WR-CALNAME:{echo}")
    world.iodcal.write("calendar.ics", ics)
    world.lumen.circuits[LON].status = f"Active {echo}"
    world.lumen.script(QUOTE, *[renamed(world.lumen, echo)] * 4)
    refused = lumen.instead(Reply.of({"reason": f"no, {echo}", "code": echo}, 400))
    world.lumen.script(ORDER, renamed(world.lumen, echo), refused, refused)


@pytest.mark.parametrize("spelling", CHOSEN)
def test_no_short_secret_that_comes_back_is_shown_sent_or_kept(
    world: World, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """17 places, nine spellings: 153 combinations."""
    assert len(PLACES) * len(CHOSEN) == 153
    monkeypatch.setattr("tests.servers.lumen.SECRET", SHORT)
    world.graph.entra.secrets = {SHORT}
    world.iodcal.environment.update(IODCAL_CLIENT_SECRET=SHORT, LUMEN_CLIENT_SECRET=SHORT)
    echo = SPELLINGS[spelling](SHORT)
    plant(world, echo)
    rules = world.iodcal.folder / "rules.yaml"
    text = rules.read_text(encoding="utf-8").replace("calendars:\n", MORE, 1)
    text = text.replace("[company]", "[company, ill, named, published]")
    with Hook(status=400, body=f"no: {echo}".encode()) as hook:
        text = text.replace("  every: 5m\n", "  every: 5m\n  metrics_file: iodcal.prom\n", 1)
        rules.write_text(f"{text}notify:\n  hook: {{webhook: {hook.url}}}\n", encoding="utf-8")
        for command in COMMANDS:
            done = world.iodcal(*command)
            reveals(f"{command}", done.out + done.err)
        assert hook.requests
        for request in hook.requests:
            reveals("a notice", request.body.decode())
    for path in world.iodcal.folder.rglob("*"):
        if path.is_file() and path.name not in ("rules.yaml", "calendar.ics"):
            reveals(str(path), path.read_text(encoding="utf-8", errors="replace"))
    assert world.den.orders, "nothing else is lost"


def test_a_title_that_is_a_secret_still_counts_and_is_not_shown(world: World) -> None:
    world.graph.entra.secrets = {"All-Hands"}
    world.meeting("Global All-Hands", 20, 80)
    done = world.iodcal("sync", "-o", "json", IODCAL_CLIENT_SECRET="All-Hands")
    assert [(one["circuit"], one["outcome"]) for one in done.json["orders"]] == [("den-a", "accepted")]
    del world.graph.mailboxes["events@contoso.example"]
    again = world.iodcal("sync", "-o", "json", IODCAL_CLIENT_SECRET="All-Hands")
    assert [one["kind"] for one in again.json["problems"]] == ["calendar_unreadable"]
    assert world.den.target == "1000 Mbps", "which is remembered, and counts on"
    assert "All-Hands" not in done.out + again.out + str(world.iodcal.state) + str(world.iodcal.history)


def reveals(place: str, text: str) -> None:
    """Fails where a secret can be read in `text`, or in what decodings make of it."""
    for one in readings(text):
        at = one.find(SHORT)
        assert at < 0, f"{place}: {one[max(0, at - 200) : at + 100]}"
