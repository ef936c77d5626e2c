"""The outbox: what it keeps, for how long, and that no damage of its file matters."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iodcal.domain.structs import replace
from iodcal.notify import NoticeKind
from iodcal.notify.outbox import MOST_WAITING, Memory, Outbox, load
from iodcal.store.files import OWNER_ONLY
from iodcal.store.store import NoticeFile
from tests.notices.test_shapes import NOTICE

NOW = NOTICE.at
HOUR = timedelta(hours=1)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    memory = Memory(NOW, NOW + HOUR, "it hangs", (replace(NOTICE, tries=2),), NOW.date(), "run:bug", NOW, NOW)
    box = NoticeFile(tmp_path / "notices.json", OWNER_ONLY)
    outbox = Outbox(box, {"noc": memory, "other": Memory()})
    assert outbox.save()
    assert load(box) == outbox
    assert box.path.stat().st_mode & 0o777 == 0o600


def test_what_is_old_or_was_tried_too_often_is_due_no_more() -> None:
    waiting = (NOTICE, replace(NOTICE, id="tried", tries=3), replace(NOTICE, id="young", at=NOW + HOUR))
    memory = Memory(waiting=waiting)
    assert [notice.id for notice in memory.due(NOW + HOUR)] == [NOTICE.id, "young"]
    assert [notice.id for notice in memory.due(NOW + 24 * HOUR)] == ["young"]


def test_a_summary_never_waits_and_not_more_than_so_many_others() -> None:
    daily = replace(NOTICE, kind=NoticeKind.DAILY)
    many = tuple(replace(NOTICE, id=str(number)) for number in range(MOST_WAITING + 7))
    after = Memory().after((daily, *many, daily), "it hangs", NOW, delivered=False)
    assert [notice.id for notice in after.waiting] == [notice.id for notice in many[7:]]
    assert (after.failing_since, after.fault, after.delivered_at) == (NOW, "it hangs", None)
    later = after.after(after.waiting, "it still hangs", NOW + HOUR, delivered=True)
    assert (later.failing_since, later.delivered_at) == (NOW, NOW + HOUR)
    assert later.after((), "", NOW + HOUR, delivered=True).failing_since is None


def test_the_log_warns_of_a_target_once_and_again_after_six_hours() -> None:
    first = Memory().faulty("it hangs", NOW)
    assert first.warned_at == NOW
    assert first.faulty("it hangs", NOW + 5 * HOUR).warned_at == NOW
    assert first.faulty("it hangs", NOW + 6 * HOUR).warned_at == NOW + 6 * HOUR
    assert first.faulty("", NOW + HOUR) == Memory()


GOOD = {
    "version": 1,
    "targets": {
        "noc": {
            "delivered_at": None,
            "failing_since": None,
            "fault": "",
            "waiting": [
                {
                    "kind": "change",
                    "id": "x",
                    "severity": "info",
                    "title": "t",
                    "text": "t",
                    "at": "2026-11-24T12:00:00+00:00",
                    "run_id": "r",
                    "remedy": "",
                    "circuits": [],
                    "tries": 0,
                }
            ],
            "daily_on": None,
            "failure_told": "",
            "failure_told_at": None,
            "warned_at": None,
        }
    },
}


def test_the_file_is_read_for_ever(tmp_path: Path) -> None:
    (tmp_path / "notices.json").write_text(json.dumps(GOOD))
    (notice,) = load(NoticeFile(tmp_path / "notices.json", OWNER_ONLY)).of("noc").waiting
    assert (notice.kind, notice.at) == (NoticeKind.CHANGE, datetime(2026, 11, 24, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"targets"', '"others"'),
        ('"noc": {', '"noc": null, "x": {'),
        ('"change"', '"nonsense"'),
        ("12:00:00+00:00", "12:00:00"),
        ("2026-11-24T", "yesterday"),
        ('"tries": 0', '"tries": null'),
        ('"waiting": [', '"waiting": [7, '),
        ("{", "["),
    ],
)
def test_a_damaged_file_is_an_empty_one_and_said_to_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    monkeypatch.setattr(logging.getLogger("iodcal"), "propagate", True)
    text = json.dumps(GOOD)
    assert old in text
    (tmp_path / "notices.json").write_text(text.replace(old, new, 1))
    assert load(NoticeFile(tmp_path / "notices.json", OWNER_ONLY)).targets == {}
    assert "cannot be understood" in caplog.text


def test_a_file_that_cannot_be_written_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("iodcal"), "propagate", True)
    assert not Outbox(NoticeFile(tmp_path / "missing" / "notices.json", OWNER_ONLY), {"noc": Memory()}).save()
    assert "cannot be written: No such file or directory; notices may come again" in caplog.text
