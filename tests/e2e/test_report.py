"""`iodcal report --html`: one page by the real command, opened in a real browser."""

from __future__ import annotations

import re
import stat
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browser import Browser, needs_browser
from tests.e2e.command import Iodcal
from tests.e2e.test_sandbox import CALENDAR, Lab

HOSTILE = '</style><script>alert(1)</script><img src=x onerror=alert(2)>\u202e "All-Hands" & {{7*7}}'
TOWN_HALL = """\
BEGIN:VEVENT
UID:2
DTSTART:20261124T180000Z
DTEND:20261124T190000Z
SUMMARY:All-Hands for EMEA
END:VEVENT
END:VCALENDAR
"""
PLANTED = TOWN_HALL.replace("All-Hands for EMEA", HOSTILE)
NOW = "2026-11-24T14:00:00Z"
START, END = datetime(2026, 11, 24, 8, tzinfo=UTC), datetime(2026, 11, 24, 20, tzinfo=UTC)


class Structure(HTMLParser):
    """What a page is made of; it must close what it opens."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "link", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """An All-Hands from 12:30 to 13:30 that went well, and another at 18:00."""
    iodcal = Iodcal(tmp_path_factory.mktemp("morning"))
    made = Lab(iodcal)
    iodcal.write("calendar.ics", CALENDAR.replace("END:VCALENDAR\n", TOWN_HALL))
    for time in ("08:00", "11:56", "12:00", "12:26", "13:41", "13:45", "13:58"):
        made.sync(time)
    return made


@pytest.fixture
def lab(morning: Lab, tmp_path: Path) -> Lab:
    return morning.copied_to(tmp_path / "lab")


def page_of(lab: Lab, *arguments: str) -> Path:
    span = ("--past", "6h", "--window", "6h")
    done = lab.iodcal("report", "--html", "page.html", "--now", NOW, *span, *arguments)
    assert (done.status, done.out, done.err) == (0, "", "")
    return lab.iodcal.folder / "page.html"


def share(time: str) -> float:
    """Where a time of the day lies between 08:00 and 20:00."""
    at = datetime.fromisoformat(f"2026-11-24T{time}:00+00:00")
    return (at - START) / (END - START)


@needs_browser
def test_blocks_events_and_changes_are_where_they_belong(lab: Lab, browser: Browser) -> None:
    browser.open(page_of(lab))
    assert browser.complaints() == []
    found = browser.measured()
    assert browser.overflow() == 0
    assert [name.split(" is at ")[0] for name in found["names"]] == ["den-a"]

    def of(kind: str) -> list[Any]:
        marks = [mark for mark in found["marks"] if mark["kind"] == kind]
        return [mark for mark in marks if "circuit" in mark] if kind != "now" else marks

    levels = [
        (False, "08:00", "12:00", 100),
        (False, "12:00", "13:45", 1000),  # confirmed, until it was confirmed to be down again
        (False, "13:45", "14:00", 100),
        (True, "14:00", "17:30", 100),
        (True, "17:30", "19:10", 1000),  # lead and trail belong to it
        (True, "19:10", "20:00", 100),
    ]
    assert [(block["asked"], block["mbps"]) for block in of("block")] == [
        (asked, str(mbps)) for asked, _, _, mbps in levels
    ]
    for block, (_, start, end, _) in zip(of("block"), levels, strict=True):
        assert block["left"] == pytest.approx(share(start), abs=0.001)
        assert block["right"] == pytest.approx(share(end), abs=0.001)
    low, high = of("block")[0], of("block")[1]
    assert high["height"] > low["height"]
    assert high["background"] != low["background"]

    first, second = of("bar")
    assert (first["left"], first["right"]) == (pytest.approx(share("12:00"), abs=0.002),
                                               pytest.approx(share("13:40"), abs=0.002))  # fmt: skip
    assert (second["left"], second["right"]) == (pytest.approx(share("17:30"), abs=0.002),
                                                 pytest.approx(share("19:10"), abs=0.002))  # fmt: skip
    changes = [(mark["text"], mark["at"][11:16]) for mark in of("mark")]
    assert changes == [("▲", "11:56"), ("▼", "13:41"), ("△", "17:30"), ("▽", "19:10")]
    assert [now["left"] for now in of("now")] == pytest.approx([0.5, 0.5], abs=0.001)  # of lanes and axis


@needs_browser
def test_the_browser_would_complain(tmp_path: Path, browser: Browser) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<!doctype html><title>x</title><script>throw new Error('x')</script>")
    browser.open(page)
    assert browser.complaints()


@needs_browser
def test_trouble_is_marked_where_it_was(lab: Lab, browser: Browser) -> None:
    lab.switch(fail=True)
    for time in ("17:25", "17:40", "17:50", "18:05"):
        lab.sync(time)
    done = lab.iodcal("report", "--html", "page.html", "--now", "2026-11-24T18:10:00Z", "--past", "12h")
    assert done.status == 0
    browser.open(lab.iodcal.folder / "page.html")
    found = browser.measured()
    kinds = [mark["kind"] for mark in found["marks"]]
    assert "trouble" in kinds
    assert "▲✗" in [mark["text"] for mark in found["marks"]]
    assert any("✗ late" in mark["text"] for mark in found["marks"] if mark["kind"] == "title")


@needs_browser
def test_a_hostile_title_is_only_text(lab: Lab, browser: Browser) -> None:
    lab.iodcal.write("calendar.ics", CALENDAR.replace("END:VCALENDAR\n", PLANTED))
    lab.sync("13:59")
    browser.open(page_of(lab))
    assert browser.complaints() == []
    assert any("<script>alert(1)</script>" in mark["text"] for mark in browser.measured()["marks"])


def test_a_hostile_title_adds_no_element(lab: Lab) -> None:
    calm = Structure(page_of(lab).read_text())
    lab.iodcal.write("calendar.ics", CALENDAR.replace("END:VCALENDAR\n", PLANTED))
    lab.sync("13:59")
    text = page_of(lab).read_text()
    hostile = Structure(text)
    assert set(hostile.tags) <= set(calm.tags) | {"em"}
    assert (hostile.tags.count("style"), hostile.tags.count("script")) == (1, 1)
    assert "img" not in hostile.tags
    assert not [name for name, _ in hostile.attributes if name.startswith("on")]
    assert "\u202e" not in text


def test_the_page_needs_nothing_but_itself(lab: Lab) -> None:
    text = page_of(lab).read_text()
    page = Structure(text)
    assert page.open == []
    assert not {"iframe", "img", "object", "form"} & set(page.tags)
    addresses = [value for name, value in page.attributes if name in ("href", "src")]
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "url(" not in text
    assert "@import" not in text


def test_the_policy_names_style_and_script_by_their_digests(lab: Lab) -> None:
    text = page_of(lab).read_text()
    page = Structure(text)
    digests = {}
    for name in ("style", "script"):
        (inside,) = re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        digests[name] = f"'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'"
    assert ("content", f"default-src 'none'; style-src {digests['style']}; script-src {digests['script']}; "
            "img-src data:; base-uri 'none'; form-action 'none'") in page.attributes  # fmt: skip
    names = [name for name, _ in page.attributes]
    assert "style" not in names, "the policy would drop it"
    assert not [name for name in names if name.startswith("on")]


def test_a_screen_reader_finds_a_table_beside_the_picture(lab: Lab) -> None:
    text = page_of(lab).read_text()
    page = Structure(text)
    assert ("lang", "en") in page.attributes
    tables = page.tags.count("table")
    assert tables == page.tags.count("thead") == page.tags.count("tbody")
    assert [value for name, value in page.attributes if name == "scope"].count("col") >= 3 * tables
    assert [tag for tag in page.tags if tag in ("header", "nav", "main", "footer")] == [
        "header",
        "nav",
        "main",
        "footer",
    ]
    assert page.tags.count("h1") == 1
    said = "den-a is at 100 Mbps; next: up 100 Mbps to 1 Gbps, Tue 24 Nov 2026 17:30 UTC; 2 events, 2 entries"
    assert f'role="img" aria-label="{said} in its table"' in text
    assert "All-Hands 12:30-13:30 over" in text
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {value[1:] for name, value in page.attributes if name == "href" and value.startswith("#")}
    assert targets <= set(ids)


def test_a_private_or_hidden_title_is_nowhere(lab: Lab) -> None:
    rules = lab.iodcal.folder / "rules.yaml"
    assert "All-Hands" in page_of(lab).read_text()
    rules.write_text(rules.read_text().replace("{ics: calendar.ics}", "{ics: calendar.ics, subjects: hide}"))
    text = page_of(lab).read_text()
    assert "All-Hands" not in text
    assert "event of Calls" in text


def test_many_circuits_fit_on_one_page_of_bounded_size(iodcal: Iodcal) -> None:
    lab = Lab(iodcal)
    rules = iodcal.folder / "rules.yaml"
    head, tail = rules.read_text().split("circuits:\n", 1)
    circuit, rule = tail.split("rules:\n")
    circuits = "".join(
        circuit.replace("den-a", f"c-{number:02}").replace("77000000001", f"77{number:09}")
        for number in range(50)
    )
    text = f"{head}circuits:\n{circuits}rules:\n{rule}"
    rules.write_text(text.replace("organizers:", "max_unplanned_downs: 99, organizers:"))
    event = CALENDAR[CALENDAR.index("BEGIN:VEVENT") : CALENDAR.index("END:VCALENDAR")]
    long = event.replace("All-Hands", "All-Hands " + "x" * 300)
    events = "".join(
        long.replace("UID:1", f"UID:{hour}")
        .replace("T1230", f"T{hour:02}00")
        .replace("T1330", f"T{hour:02}20")
        for hour in range(24)
    )
    week = [
        events.replace("20261124", f"202611{day}").replace("UID:", f"UID:{day}-") for day in range(22, 30)
    ]
    iodcal.write("calendar.ics", "BEGIN:VCALENDAR\nVERSION:2.0\n" + "".join(week) + "END:VCALENDAR\n")
    lab.sync("12:00")
    done = iodcal(
        "report", "--html", "page.html", "--now", "2026-11-24T12:01:00Z", "--past", "2d", "-o", "json"
    )
    assert done.json["html"] == {"file": "page.html", "bytes": (iodcal.folder / "page.html").stat().st_size}
    assert done.json["html"]["bytes"] < 4 * 1024 * 1024
    text = (iodcal.folder / "page.html").read_text()
    assert text.count('class="lane"') == 50
    assert "more are not shown" in text


def test_the_page_is_replaced_whole_and_keeps_its_mode(lab: Lab) -> None:
    page = page_of(lab)
    page.chmod(0o640)
    inode = page.stat().st_ino
    page_of(lab)
    assert stat.S_IMODE(page.stat().st_mode) == 0o640
    assert page.stat().st_ino != inode
    assert [path.name for path in page.parent.glob(".page*")] == []


def test_it_goes_to_standard_output_as_well(lab: Lab) -> None:
    done = lab.iodcal("report", "--html", "-", "--now", NOW)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("<!doctype html>\n")
    assert Structure(done.out).open == []
    into = lab.iodcal("report", "--html", "/dev/stdout", "--now", NOW)
    assert into.out.startswith("<!doctype html>\n")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (
            ["--html", "no/such/folder/page.html"],
            1,
            "no/such/folder/page.html cannot be written: No such file",
        ),
        (["--html", "."], 1, ". cannot be written: Is a directory. Name a file in a folder"),
        (["--past", "3d"], 2, "--from and --to look back; --past and --window draw the page"),
        (["--html", "x", "--past", "soon"], 2, "'soon' is not a duration"),
        (["--html", "x", "--past", "90d"], 2, "A page shows 62 days at most to either side"),
        (["--html", "x", "--circuit", "den-b"], 2, "There is no circuit den-b"),
        (["--html", "x", "-o", "csv"], 2, "iodcal report --html has no CSV"),
    ],
)
def test_what_cannot_be_done_is_told(lab: Lab, arguments: list[str], status: int, message: str) -> None:
    done = lab.iodcal("report", *arguments)
    assert done.status == status
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_page_before_the_first_run_and_after_damage(iodcal: Iodcal) -> None:
    lab = Lab(iodcal)
    empty = page_of(lab).read_text()
    assert "was never read" in empty
    assert "no run yet" in empty
    lab.sync("13:58")
    with (iodcal.folder / "state" / "history.jsonl").open("a") as file:
        file.write("{\n")
    lab.switch(status="Suspended")
    lab.sync("13:59")
    text = page_of(lab).read_text()
    assert "1 line of the history could not be read" in text
