"""Saved answers of calendarView."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iodcal.calendars import CalendarContext
from iodcal.calendars.graph_json import GraphJsonOptions, plugin
from iodcal.config.parse import section_of
from iodcal.domain.events import CalendarReading
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError
from iodcal.http import Deadline
from tests.servers.graph import event

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = Interval(NOON, NOON + timedelta(days=1))
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "calendarview.json"


def page(*subjects: str, following: str | None = None) -> dict[str, object]:
    hours = timedelta(hours=1)
    made: dict[str, object] = {
        "value": [event(subject, NOON + hours, NOON + 2 * hours) for subject in subjects]
    }
    return {**made, "@odata.nextLink": following} if following else made


def read(folder: Path, *documents: object) -> CalendarReading:
    names = []
    for number, document in enumerate(documents):
        names.append(f"page-{number}.json")
        text = document if isinstance(document, str) else json.dumps(document)
        (folder / names[-1]).write_text(text)
    options = section_of(GraphJsonOptions, {"graph_json": names})
    (reader,) = plugin.readers("replay", options, CalendarContext(folder))
    return reader.read(DAY, Deadline.after(20))


def test_one_page(tmp_path: Path) -> None:
    assert [event.subject for event in read(tmp_path, page("a", "b")).events] == ["a", "b"]


def test_several_pages_in_files_or_in_one(tmp_path: Path) -> None:
    first, last = page("a", following="https://graph.example/2"), page("b", "a")
    assert len(read(tmp_path, first, last).events) == 2
    assert len(read(tmp_path, [first, last]).events) == 2


def test_an_event_outside_is_set_apart(tmp_path: Path) -> None:
    reading = read(tmp_path, {"value": [event("old", NOON - timedelta(days=2), NOON - timedelta(days=1))]})
    assert (len(reading.events), len(reading.elsewhere)) == (0, 1)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (page("a", following="https://graph.example/2"), "saved_page_missing"),
        ("<html>", "file_not_json"),
        ("[" * 100_000, "file_json_bounds"),
        ({"value": 1}, "answer_wrong"),
        ([], None),
    ],
    ids=["a page is missing", "HTML", "too deep", "no list", "no page at all"],
)
def test_what_is_no_saved_answer(tmp_path: Path, document: object, code: str | None) -> None:
    if code is None:
        assert read(tmp_path, document).events == ()
        return
    with pytest.raises(CalendarError) as caught:
        read(tmp_path, document)
    assert caught.value.code == code


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    options = section_of(GraphJsonOptions, {"graph_json": "gone.json"})
    (reader,) = plugin.readers("replay", options, CalendarContext(tmp_path))
    with pytest.raises(CalendarError) as caught:
        reader.read(DAY, Deadline.after(20))
    assert caught.value.code == "file_unreadable"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    options = section_of(GraphJsonOptions, {"graph_json": "pipe.json"})
    (reader,) = plugin.readers("replay", options, CalendarContext(tmp_path))
    with pytest.raises(CalendarError) as caught:
        reader.read(DAY, Deadline.after(20))
    assert (caught.value.code, caught.value.facts["reason"]) == ("file_unreadable", "not a file but a pipe")


def test_the_example_is_one() -> None:
    options = section_of(GraphJsonOptions, {"graph_json": str(EXAMPLE)})
    (reader,) = plugin.readers("replay", options, CalendarContext(EXAMPLE.parent))
    reading = reader.read(DAY, Deadline.after(20))
    assert len(reading.events) + len(reading.elsewhere) >= 3
