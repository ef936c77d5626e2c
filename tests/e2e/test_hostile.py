"""Hostile text comes from everywhere, and every place that it comes out at is searched."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import subprocess
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from iodcal.metrics.families import FAMILIES
from tests.e2e.command import Done, Iodcal
from tests.e2e.hostile import FORMULAS, HOSTILE_NAME, MARK, PAYLOADS, HostileWorld, hostile_world
from tests.e2e.test_report import Structure

ALWAYS = ("markup", "script", "breakout", "csi", "lines")
"""Payloads that must be seen to have come out somewhere, or the search has searched nothing."""

JOINERS = "\u200c\u200d\ufe0f"
_ONE = "(?:[0-47]|[39][0-7])"
COLOURS = re.compile(rf"\x1b\[{_ONE}(?:;{_ONE})*m")
PROGRESS = re.compile(r"\r\x1b\[2K")
LINKS = re.compile(r"\x1b\]8")
LOG_LINE = re.compile(
    r"(DEBUG|INFO|WARNING|ERROR) iodcal\.[a-z]+ \[[0-9a-f]*( hostile0)?\]: "
    r"|(error|warning|recovered)\b|iodcal: "
)

ON_A_TERMINAL: tuple[tuple[str, ...], ...] = (
    ("plan", "--unmatched"),
    ("sync", "-v"),
    ("status",),
    ("check",),
    ("explain", "den-a"),
    ("explain", "--event", "All-Hands"),
    ("history", "--all"),
    ("report",),
    ("doctor",),
    ("hold", "den-a", "500 Mbps", "--for", "2h", "--note", PAYLOADS["csi"] + PAYLOADS["osc"]),
    ("simulate", "--from", "{today}", "--to", "{tomorrow}", "--every", "1h", "--config", "calm.yaml"),
)
TRIED = (
    *("--subject", PAYLOADS["csi"] + PAYLOADS["lines"] + " All-Hands"),
    *("--at", "+1h", "--duration", "1h", "--calendar", HOSTILE_NAME, "--organizer", PAYLOADS["osc"]),
)
IN_TEXT: tuple[tuple[str, ...], ...] = (
    ("plan", "--unmatched"),
    ("plan", "--cached"),
    ("plan", "--diff", "other.yaml"),
    ("status",),
    ("check", "-v"),
    ("explain",),
    ("explain", "--event", "All-Hands"),
    ("explain", *TRIED),
    ("history", "--all", "-v"),
    ("report",),
    ("doctor",),
    ("simulate", "--from", "{today}", "--to", "{tomorrow}", "--every", "1h"),
    ("hold", HOSTILE_NAME, "500 Mbps", "--for", "2h", "--note", PAYLOADS["lines"] + PAYLOADS["markup"]),
    ("pause", "den-b", "--for", "1h", "--note", "=cmd() " + PAYLOADS["lines"] + PAYLOADS["csi"]),
    ("release", HOSTILE_NAME),
    ("hold", PAYLOADS["csi"] + PAYLOADS["lines"], PAYLOADS["csi"], "--for", PAYLOADS["osc"]),
    ("explain", PAYLOADS["csi"] + PAYLOADS["lines"]),
    ("status", "--circuit", PAYLOADS["osc"]),
    ("plan", "--config", "no-\x1b[31m\nerror: forged Zq.yaml"),
    ("check", "--config", "broken.yaml"),
)
IN_JSON: tuple[tuple[str, ...], ...] = (
    ("plan", "--unmatched"),
    ("plan", "--diff", "other.yaml"),
    ("sync",),
    ("status",),
    ("check",),
    ("explain",),
    ("explain", "--event", "All-Hands"),
    ("history", "--all"),
    ("report",),
    ("doctor",),
    ("simulate", "--from", "{today}", "--to", "{tomorrow}", "--every", "1h", "--config", "calm.yaml"),
    ("hold", "den-a", "1 Gbps", "--for", "1h", "--note", "=1+Zq \udcff" + PAYLOADS["bidi"]),
    ("hold", PAYLOADS["csi"], "1 Gbps", "--for", "1h"),
    ("check", "--config", "broken.yaml"),
)


@dataclass
class Told:
    """All that came out of a world of hostile text, by the sink that it came out at."""

    world: HostileWorld
    text: dict[str, Done] = field(default_factory=dict)
    terminal: dict[str, str] = field(default_factory=dict)
    json: dict[str, Done] = field(default_factory=dict)
    csv: dict[str, Done] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with hostile_world(tmp_path_factory.mktemp("hostile")) as world:
        yield _everything(Told(world))


def _everything(told: Told) -> Told:
    world, run = told.world, told.world.iodcal
    rules = (run.folder / "rules.yaml").read_text(encoding="utf-8")
    run.write(
        "other.yaml", rules.replace("1 Gbps]", "2 Gbps]").replace("longer_than: 15m", "longer_than: 20m")
    )
    run.write("calm.yaml", re.sub(r"named, |denied, |, portal", "", rules))
    run.write("broken.yaml", rules.replace("bandwidth: highest", 'bandwidth: "\\e[31m\\nZq"'))
    world.refuse()
    told.logs.append(run("sync", "-v", "--log-format", "json").err)  # quotes are refused
    told.text["sync"] = run("sync", "-v")  # orders are refused
    world.accept()
    told.text["sync again"] = run("sync")  # orders are accepted
    for arguments in IN_TEXT:
        told.text[_name(arguments)] = run(*_dated(arguments))
    for arguments in IN_JSON:
        told.json[_name(arguments)] = run(*_dated(arguments), "-o", "json")
    for arguments in ON_A_TERMINAL:
        told.terminal[_name(arguments)] = on_a_terminal(run, *_dated(arguments))
    told.csv["history"] = run("history", "--all", "-o", "csv")
    told.csv["report"] = run("report", "-o", "csv")
    month = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m}"
    told.pages += [run("report", *span, "--html", "-").out for span in ((), ("--from", month))]
    return told


def _name(arguments: tuple[str, ...]) -> str:
    return " ".join(ascii(one)[1:30] for one in arguments)


def _dated(arguments: tuple[str, ...]) -> list[str]:
    today = datetime.now(UTC).date()
    days = {"{today}": today.isoformat(), "{tomorrow}": (today + timedelta(days=1)).isoformat()}
    return [days.get(one, one) for one in arguments]


def on_a_terminal(iodcal: Iodcal, *arguments: str) -> str:
    """All that the command writes to a terminal that shows colours and is wide enough for every table."""
    ours, theirs = pty.openpty()
    environment = iodcal.around(TERM="xterm-256color", COLUMNS="240")
    process = iodcal.run(arguments, environment=environment, streams=(subprocess.DEVNULL, theirs, theirs))
    os.close(theirs)
    got = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        got += piece
    os.close(ours)
    process.wait(timeout=120)
    return got.decode("utf-8").replace("\r\n", "\n")


def harmful(text: str) -> set[str]:
    """The characters of `text` that could do something to whoever looks at it."""
    return {
        f"U+{ord(character):04X}"
        for character in text
        if character not in "\n" + JOINERS
        and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    }


def test_text_that_is_piped_holds_no_control(told: Told) -> None:
    for name, done in told.text.items():
        assert harmful(done.out + done.err) == set(), name
        assert "This is a bug" not in done.err, name
        assert "Traceback" not in done.err, name
    shown = "".join(done.out + done.err for done in told.text.values())
    for name in ALWAYS:
        assert visible(name) in shown, name


def visible(name: str) -> str:
    """The beginning of a payload, as it is to be seen."""
    return "".join("\ufffd" if harmful(c) else c for c in PAYLOADS[name]).partition("\n")[0][:12].strip()


def test_a_terminal_gets_our_colours_and_nothing_else(told: Told) -> None:
    for name, shown in told.terminal.items():
        assert not LINKS.search(shown), name
        assert harmful(COLOURS.sub("", PROGRESS.sub("", shown))) == set(), name
    everything = COLOURS.sub("", "".join(told.terminal.values()))
    assert "[red]Zq[/red]" in everything
    assert "Zq[/red]" not in everything.replace("[red]Zq[/red]", "")
    assert ":skull:Zq:skull:" in everything
    assert any(COLOURS.search(shown) for shown in told.terminal.values())


def test_no_title_makes_a_line_of_its_own(told: Told) -> None:
    for name, done in told.text.items():
        lines = done.err.splitlines() + (done.out.splitlines() if name.startswith("sync") else [])
        for line in lines:  # a table may break a title: that is no record
            assert not re.match(r"(ERROR iodcal\.forged|error: Zq|<0>|forged)", line), (name, line)
    (simulated,) = (done.err for name, done in told.text.items() if name.startswith("simulate"))
    assert "has no calendar named Company events; it has: Calendar" in simulated
    lines = told.text["sync"].err.splitlines()
    assert [line for line in lines if not LOG_LINE.match(line)] == []
    assert max(map(len, lines)) < 2000


def test_a_json_log_is_one_record_a_line(told: Told) -> None:
    (log,) = told.logs
    assert log.isascii()
    records = [json.loads(line) for line in log.splitlines()]
    assert {frozenset(record) for record in records} == {
        frozenset({"at", "level", "logger", "run_id", "message", *more}) for more in ((), ("installation",))
    }
    assert harmful("".join(record["message"] for record in records)) == set()
    assert any(MARK in record["message"] for record in records)


def test_json_can_be_read_and_shown(told: Told) -> None:
    for name, done in told.json.items():
        assert done.out.isascii(), name
        assert harmful(done.out + done.err) == set(), name
        assert done.json["exit"] == done.status, name
    assert MARK in "".join(done.out for done in told.json.values())


def test_no_cell_of_csv_is_a_formula(told: Told) -> None:
    starts = 0
    for name, done in told.csv.items():
        header, *rows = csv.reader(StringIO(done.out))
        assert rows, name
        assert harmful(done.out) == set(), name
        for row in rows:
            assert len(row) == len(header), name
            for cell in row:
                assert not cell.lstrip().startswith(("=", "+", "@", "\uff1d")), (name, cell)
                assert not cell.startswith("-") or re.fullmatch(r"-\d+(\.\d+)?", cell), (name, cell)
                starts += cell.startswith("'")
    assert starts


class Page(Structure):
    """Also what a page says, and its comments."""

    def __init__(self, text: str) -> None:
        self.texts: list[str] = []
        self.comments: list[str] = []
        super().__init__(text)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def test_no_title_becomes_a_part_of_the_page(told: Told) -> None:
    for text in told.pages:
        _is_harmless(Page(text))
        assert harmful(text) == set()


def _is_harmless(page: Page) -> None:
    assert page.open == []
    assert page.comments == []
    assert page.tags.count("script") == 1  # its own
    assert not {"img", "zq-tag", "textarea", "iframe", "object"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not {name for name in names if name.startswith(("on", "zq"))}
    assert not [value for name, value in page.attributes if name in ("href", "src") and MARK in value]
    assert not [
        value for name, value in page.attributes if name in ("style", "class", "id") and MARK in value
    ]
    assert "<zq-tag" in "".join(page.texts)


def test_notices_are_harmless_wherever_they_are_read(told: Told) -> None:
    bodies = told.world.hook.bodies
    names = (
        "id",
        "circuits",
        "circuit",
        "service_id",
    )  # which are the configuration's own, for programs to compare
    data = [body.get("change") or {} for body in bodies]
    shown = [{key: value for key, value in body.items() if key not in names} for body in (*bodies, *data)]
    shown = [{key: value for key, value in body.items() if key != "change"} for body in shown]
    texts = [text for body in shown for text in _texts(body)]
    assert any(MARK in text for text in texts)
    assert harmful("".join(texts)) == set()
    plain = [body for body in bodies if "msg" in body]
    assert plain
    assert {frozenset(body) for body in plain} == {frozenset({"msg", "severity", "title", "remedy"})}
    assert {body["severity"] for body in plain} <= {"error", "warning", "info"}
    cards = [body for body in bodies if body.get("attachments")]
    assert cards
    for card in cards:
        (attachment,) = card["attachments"]
        assert {block["type"] for block in attachment["content"]["body"]} == {"RichTextBlock"}
        runs = [run for block in attachment["content"]["body"] for run in block["inlines"]]
        assert {run["type"] for run in runs} == {"TextRun"}
    mails = [body for body in bodies if "message" in body]
    assert mails


def _texts(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for value in document.values():
            yield from _texts(value)
    elif isinstance(document, list):
        for value in document:
            yield from _texts(value)


def test_metrics_are_what_prometheus_reads(told: Told) -> None:
    text = (told.world.iodcal.folder / "iodcal.prom").read_text(encoding="utf-8")
    families = list(text_string_to_metric_families(text))
    known = {family.name: set(family.labels) for family in FAMILIES}
    samples = [sample for family in families for sample in family.samples]
    assert {sample.name for sample in samples} <= set(known)
    for sample in samples:
        assert set(sample.labels) == known[sample.name] | {"installation"}
    assert any(MARK in value for sample in samples for value in sample.labels.values())
    assert harmful(text) == set()


def test_what_is_kept_is_json_in_plain_letters(told: Told) -> None:
    folder = told.world.iodcal.folder / "state"
    read = 0
    for path in folder.rglob("*"):
        if path.suffix not in (".json", ".jsonl"):
            continue
        content = path.read_text(encoding="ascii")
        assert harmful(content) == set(), path
        for document in content.splitlines() if path.suffix == ".jsonl" else [content]:
            assert isinstance(json.loads(document), dict)
            read += 1
    assert read > 10
    assert not list(folder.glob("*damaged*"))
    history = told.world.iodcal.history
    assert {frozenset(one) >= {"at", "run_id", "kind"} for one in history} == {True}
    assert MARK in json.dumps(history)


def test_the_carrier_gets_no_text_of_a_calendar(told: Told) -> None:
    for circuit in told.world.lumen.circuits.values():
        for order in circuit.orders:
            assert "All-Hands" not in json.dumps(order)
    sent = [request for request in told.world.lumen.requests if request.method == "POST"]
    assert sent
    assert not [request for request in sent if b"All-Hands" in request.body]


def test_every_formula_was_planted() -> None:
    assert {text[0] for text in FORMULAS} == set("=+-@\t\r\uff1d")
