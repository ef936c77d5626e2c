"""The history on the screen, as JSON and as CSV, with a title that means harm."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from msgspec import json

from iodcal.commands.history import HistoryAsked, HistoryReport, history
from iodcal.config.load import load_configuration
from iodcal.output.history import print_history, unreadable_line
from iodcal.output.history_view import COLUMNS, HistoryView, history_csv, history_view
from iodcal.output.html.document import for_html
from iodcal.output.json import dump
from iodcal.output.past import fact_text, held, who
from iodcal.output.text import csv_text, for_csv
from iodcal.problems.messages import describe_recorded
from tests.config.test_load import BASE, write
from tests.domain.minutes import DENVER
from tests.render.test_golden import check, shown
from tests.store.past import HOSTILE, PAT, TIMER, at, fill, history_in


@pytest.fixture
def report(tmp_path: Path) -> HistoryReport:
    fill(history_in(tmp_path / "state"))
    configuration = load_configuration(write(tmp_path, BASE.replace("UTC", "America/Denver")))
    return history(configuration, tmp_path / "state" / "state.json", HistoryAsked(everything=True), at(180))


@pytest.mark.parametrize("width", [80, 120])
def test_the_history(report: HistoryReport, width: int) -> None:
    text = shown(lambda out, _: print_history(report, out, ids=width > 100), width)
    check(f"history-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_json_and_the_csv_of_a_history(report: HistoryReport) -> None:
    printed = dump(history_view(report))
    check("history.json", printed + "\n")
    assert dump(json.decode(printed, type=HistoryView)) == printed
    check("history.csv", history_csv(report))


def test_a_title_is_never_a_formula(report: HistoryReport) -> None:
    rows = list(csv.DictReader(io.StringIO(history_csv(report))))
    assert list(rows[0]) == list(COLUMNS)
    assert rows[0]["causes"].startswith("'=cmd(")
    assert rows[0]["labels"] == "cost_center=4711; owner=Pat"
    for row in rows:
        assert not any(cell[:1] in tuple("=+-@\t\r") for cell in row.values() if cell)
    assert "\x1b" not in history_csv(report)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'=1"),
        ("\r\n=1", "'=1"), ("\u200b=1", "'=1"), ("\uff1d1", "'\uff1d1"), ("a=1", "a=1"), ("", ""),
    ],
)  # fmt: skip
def test_cells(text: str, cell: str) -> None:
    assert for_csv(text) == cell
    assert list(csv.reader(io.StringIO(csv_text(("a", "b"), [{"a": text, "b": -1}]))))[1] == [cell, "-1"]


def test_a_cell_with_everything_in_it_comes_back_as_one() -> None:
    text = csv_text(("a", "b"), [{"a": 'say "x", then\ny', "b": None}])
    assert list(csv.reader(io.StringIO(text))) == [["a", "b"], ['say "x", then y', ""]]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('" onload="x', "&quot; onload=&quot;x"),
        ("' & <b>", "&#x27; &amp; &lt;b&gt;"),
        ("evil\u202etxt\x00", "eviltxt\ufffd"),
    ],
)
def test_html_is_no_markup_and_turns_no_line_round(text: str, html: str) -> None:
    assert for_html(text) == html


def test_nothing_on_record(report: HistoryReport) -> None:
    empty = HistoryReport(report.now, None, None, (), 0, report.zone)
    assert shown(lambda out, _: print_history(empty, out, ids=False), 80) == "Nothing on record.\n"
    assert history_csv(empty) == ",".join(COLUMNS) + "\n"


def test_lines_that_cannot_be_read_are_told(report: HistoryReport) -> None:
    def told(count: int) -> str | None:
        return unreadable_line(HistoryReport(report.now, None, None, (), count, report.zone))

    assert told(0) is None
    assert told(1) == "warning: 1 line of the history cannot be read and is not shown"
    assert told(2) == "warning: 2 lines of the history cannot be read and are not shown"


def test_words_for_what_later_versions_write() -> None:
    assert (who(None), who(PAT), who(TIMER)) == ("not recorded", "pat", "timer")
    assert held("sunspots") == "held back (sunspots)"
    assert describe_recorded("sunspots:den-a", {}).message == "sunspots den-a"
    assert fact_text("mbps", 500, DENVER) == "500 Mbps"
    assert fact_text("until", at(0).isoformat(), DENVER) == "Tue 24 Nov 05:00"
    assert fact_text("until", "2026-11-24", DENVER) == "2026-11-24"
    assert fact_text("note", [True, {"b": HOSTILE}], DENVER).startswith('[true, {"b": ')
