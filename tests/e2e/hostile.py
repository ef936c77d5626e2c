"""Hostile text, planted wherever foreign text comes from: calendars, carriers, people, configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.e2e.command import Iodcal
from tests.servers.entra import CLIENT_ID, TENANT
from tests.servers.entra import SECRET as ENTRA_SECRET
from tests.servers.faults import Fault
from tests.servers.graph import EventJson, GraphServer, NamedCalendar, event
from tests.servers.hook import Hook
from tests.servers.lumen import CUSTOMER, KEY, ORDER, QUOTE, SECRET, FakeCircuit, LumenServer, instead, wrong
from tests.servers.tls import LocalServer, Reply, Request

_STRANGE = ("markup", "csi", "lines", "half", "long")
"""What strangers invite to: enough, as each of them is told in every notice."""

MARK = "Zq"
"""Stands in every planted text, so that it can be found wherever it comes out."""

PAYLOADS: Mapping[str, str] = {
    "markup": "[red]Zq[/red] [link=https://evil.example]Zq[/link] [/] [bold",
    "emoji": ":skull:Zq:skull:",
    "csi": "\x1b[8mZq\x1b[2J\x1b[1;1H\x1b[38;5;201mpwned",
    "osc": "\x1b]0;Zq\x07\x1b]8;;https://evil.example\x1b\\Zq\x1b]8;;\x1b\\\x1b]52;c;cHduZWQ=\x07",
    "c1": "\x9b31mZq\x9d0;Zq\x9c\x90Zq\x85",
    "bidi": "\u202eZq\u2066\u2067Zq\u2069\u202c\u061c\u200f\u200e",
    "lines": "Zq\nERROR iodcal.forged: Zq\r\nerror: Zq forged\x0bforged\x0cforged",
    "separators": "Zq\u2028error: Zq forged\u2029<0>forged\x1cforged\x1e",
    "unseen": "Z\u200bq\ufeffZq\u2060\u180e\u00ad\U000e0041Zq\ue000\ufff9",
    "script": '<script>alert("Zq")</script><img src=x onerror=Zq> zq-attr="1"',
    "breakout": "\"'><zq-tag zq-attr=1>Zq</textarea></style></title></svg></summary></td><!-- Zq",
    "entity": "&#x3c;zq-tag&#62;Zq&lt;zq-tag&gt;&amp;",
    "template": '", "severity": "Zq", "$host": "${run_id} %(message)s {0} {{7*7}} \\u0022Zq\\',
    "metric": 'Zq"} 1\n# HELP Zq forged\nZq{a="b"} 1',
    "half": "Zq\ud800Zq\udfff",
    "long": "Zq" * 10_000,
    "nul": "Zq\x00\x08\x7fZq",
}
FORMULAS = ("=cmd|' /C calc'!A0 Zq", "+Zq", "-1+Zq", "@SUM(Zq)", "\t=1+Zq", "\r=Zq", "\uff1dZq")

HOSTILE_NAME = "\x1b[38;5;201m[red]Zq\u202e</td><zq-tag>"
"""For names of things in the configuration, where a name may be any text."""

YAML_NAME = json.dumps(HOSTILE_NAME)
RULES = """\
version: 1
timezone: America/Denver
settings:
  state: state/state.json
  every: 5m
  window: 96h
  organizers: ["@contoso.example"]
  metrics_file: iodcal.prom
  notify_within: 5s
microsoft365:
  tenant_id: {tenant}
  client_id: {client}
  client_secret: {{env: IODCAL_CLIENT_SECRET}}
  authority: {authority}
  graph: {graph}
sites:
  den: {{timezone: America/Denver, labels: {{{name}: {name}}}}}
  {name}: {{}}
calendars:
  company: {{mailbox: events@contoso.example}}
  named: {{mailbox: noc@contoso.example, calendar: Company events}}
  {name}: {{mailbox: other@contoso.example}}
  denied: {{mailbox: denied@contoso.example}}
  published: {{ics: {{env: PUBLISHED}}}}
  portal: {{ics: {{env: PORTAL}}}}
  local: {{graph_json: answer.json}}
carriers:
  lumen:
    type: lumen
    environment: production
    base_url: {lumen}
    customer_number: {customer}
    client_id: {{env: LUMEN_CLIENT_ID}}
    client_secret: {{env: LUMEN_CLIENT_SECRET}}
    contact: {{name: Pat Doe, email: noc@contoso.example, phone: "+13035550100", organization: Contoso}}
defaults:
  circuit:
    carrier: lumen
    tiers: [100 Mbps, 500 Mbps, 1 Gbps]
    baseline: {{off_peak: 100 Mbps}}
    rates: {{100 Mbps: 0.1, 500 Mbps: 0.5, 1 Gbps: 1}}
    currency: USD
circuits:
  den-a: {{site: den, service_id: "77000000001", labels: {{{name}: {name}, formula: "=1+Zq"}}}}
  den-b: {{site: den, service_id: "77000000002"}}
  den-c: {{site: {name}, service_id: "77000000003"}}
  {name}: {{site: den, service_id: "77000000004"}}
rules:
  - name: {name}
    calendars: [company, named, {name}, denied, published, portal, local]
    match: {{subject: [All-Hands, Town Hall], longer_than: 15m}}
    circuits: all
    bandwidth: highest
    labels: {{{name}: "=1+Zq"}}
notify:
  {name}:
    webhook: {{env: HOOK}}
    kinds: [change, problem, recovered, ready, late, daily]
    daily_at: "00:00"
  form:
    webhook: {{env: HOOK}}
    template: '{{"msg": $text, "severity": $severity, "title": $title, "remedy": $remedy}}'
  chat: {{teams: {{env: HOOK}}}}
  mail: {{apprise: {{env: MAIL}}}}
  deaf: {{webhook: {{env: DEAF}}, kinds: change}}
budget: {{monthly: 1, label: {name}, value: {name}}}
"""


@contextmanager
def hostile_world(folder: Path) -> Iterator[HostileWorld]:
    """The command in `folder`, and servers every one of which is hostile."""
    with ExitStack() as stack:
        graph = stack.enter_context(GraphServer(folder))
        lumen = stack.enter_context(LumenServer())
        hook, deaf = stack.enter_context(Hook()), stack.enter_context(Hook(status=500))
        published = stack.enter_context(LocalServer(_published))
        portal = stack.enter_context(LocalServer(_portal))
        iodcal = Iodcal(folder, dict(graph.environment))
        made = HostileWorld(iodcal, graph, lumen, hook)
        iodcal.environment.update(
            IODCAL_CLIENT_SECRET=ENTRA_SECRET,
            LUMEN_CLIENT_ID=KEY,
            LUMEN_CLIENT_SECRET=SECRET,
            PUBLISHED=f"{published.url}/a.ics",
            PORTAL=f"{portal.url}/b.ics",
            HOOK=hook.url,
            DEAF=deaf.url,
            MAIL=hook.url.replace("http://", "json://").partition("?")[0],
            SUDO_USER=PAYLOADS["csi"],
        )
        iodcal.write(
            "rules.yaml",
            RULES.format(
                tenant=TENANT,
                client=CLIENT_ID,
                authority=graph.authority,
                graph=graph.graph,
                lumen=lumen.base_url,
                customer=CUSTOMER,
                name=YAML_NAME,
            ),
        )
        made.plant()
        yield made


class HostileWorld:
    """What `hostile_world` makes; `ahead` is how far Lumen's clock is ahead of the real one."""

    def __init__(self, iodcal: Iodcal, graph: GraphServer, lumen: LumenServer, hook: Hook) -> None:
        self.iodcal, self.graph, self.lumen, self.hook = iodcal, graph, lumen, hook
        self.ahead = timedelta()
        lumen.now = lambda: datetime.now(UTC) + self.ahead

    def plant(self) -> None:
        """Fills calendars and inventory, and prepares what the carrier will answer."""
        now = datetime.now(UTC).replace(microsecond=0)
        self.graph.mailboxes.update(
            {
                "events@contoso.example": list(_matched(now)),
                "other@contoso.example": list(_unmatched(now)),
                "noc@contoso.example": [],
                "denied@contoso.example": [],
            }
        )
        named = [NamedCalendar(f"id-{n}", text, []) for n, text in enumerate(PAYLOADS.values())]
        self.graph.calendars["noc@contoso.example"] = named
        self.graph.script("denied@contoso.example", [_graph_refusal()] * 40)
        self.iodcal.write("answer.json", json.dumps({"value": list(_matched(now, "local"))}))
        self.lumen.circuits.update(
            {
                "77000000001": FakeCircuit(),
                "77000000002": FakeCircuit(status=PAYLOADS["csi"] + PAYLOADS["half"]),
                "77000000003": FakeCircuit(status="Active " + PAYLOADS["osc"]),
                "77000000004": FakeCircuit(),
            }
        )

    def refuse(self) -> None:
        """The carrier refuses the next quotes and orders, in words made to harm."""
        said = " ".join(PAYLOADS[name] for name in ("markup", "lines", "csi", "script", "half"))
        self.lumen.script(QUOTE, instead(wrong(400, said)), instead(wrong(400, PAYLOADS["osc"])))
        self.lumen.script(ORDER, *[instead(wrong(400, said))] * 2)

    def accept(self) -> None:
        """The carrier takes the next order, and calls it by a name made to harm."""
        reply = Reply.of({"id": "=Zq " + PAYLOADS["csi"] + PAYLOADS["script"]}, 201)
        self.lumen.script(ORDER, *[instead(reply)] * 4)


def _graph_refusal() -> Fault:
    said = PAYLOADS["csi"] + PAYLOADS["lines"]
    error = {"code": said, "message": said, "innerError": {"request-id": said}}
    reply = Reply.of({"error": error}, 403, request_id="\x1b[31mZq\x9b", Date="\x1b[31mZq")
    return lambda _right, _request: reply


def _matched(now: datetime, place: str = "") -> Iterator[EventJson]:
    """Events that the rule takes, one after the other: the first begins soon, each is on for 30 minutes."""
    for number, text in enumerate([*PAYLOADS.values(), *FORMULAS]):
        start = now + timedelta(minutes=12 + 180 * number)
        yield _event(f"{text} All-Hands {place}", text, start)


def _unmatched(now: datetime) -> Iterator[EventJson]:
    """Slips that nearly match, and events of strangers."""
    for number, text in enumerate([*PAYLOADS.values(), *FORMULAS]):
        start = now + timedelta(minutes=30 + 180 * number)
        yield _event(f"{text} Townhall", text, start)
        if text not in map(PAYLOADS.get, _STRANGE):
            continue
        stranger = {"name": text, "address": f"{text}@elsewhere.example"}
        yield _event(f"{text} All-Hands", text, start, organizer={"emailAddress": stranger})


def _event(subject: str, text: str, start: datetime, **more: object) -> EventJson:
    made: dict[str, object] = {
        "location": {"displayName": text},
        "locations": [{"displayName": text}],
        "categories": [text],
        "organizer": {"emailAddress": {"name": text, "address": "pat@contoso.example"}},
        "iCalUId": f"uid {text[:200]}",
        "id": f"id {text[:200]}",
        "changeKey": text,
        **more,
    }
    return event(subject, start, start + timedelta(minutes=30), **made)


def _published(_request: Request) -> Reply:
    """An iCalendar file whose texts are hostile."""
    now = datetime.now(UTC)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:Zq", f"X-WR-CALNAME:{HOSTILE_NAME}"]
    for number, text in enumerate([*PAYLOADS.values(), *FORMULAS]):
        start = now + timedelta(minutes=20 + 180 * number)
        shown = "".join(" " if ord(c) < 32 and c != "\x1b" else c for c in text).encode("utf-8", "replace")
        said = shown.decode().replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
        lines += [
            "BEGIN:VEVENT",
            f"UID:{number} {said[:100]}",
            f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
            f"DTEND:{start + timedelta(minutes=30):%Y%m%dT%H%M%SZ}",
            f"SUMMARY:{said} All-Hands",
            f"LOCATION:{said}",
            f"CATEGORIES:{said}",
            "ORGANIZER;CN=Zq:mailto:pat@contoso.example",
            "END:VEVENT",
        ]
    return Reply(200, "\r\n".join([*lines, "END:VCALENDAR", ""]).encode())


def _portal(_request: Request) -> Reply:
    """No calendar, but a page that says so in hostile words."""
    return Reply(200, f"{PAYLOADS['csi']} {PAYLOADS['markup']} {PAYLOADS['lines']}".encode())
