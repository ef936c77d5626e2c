"""The first line: what it says, and when it has weight."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from iodcal.output.heading import (
    doctor_heading,
    history_heading,
    plan_heading,
    report_heading,
    simulation_heading,
    trial_heading,
)
from iodcal.output.text import is_plain

DENVER = ZoneInfo("America/Denver")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
AHEAD = timedelta(hours=72)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("zone", "cached", "test", "text"),
    [
        (DENVER, False, False, "Tue 24 Nov 2026 05:00 MST, 3 days ahead\n"),
        (DENVER, True, False, "Tue 24 Nov 2026 05:00 MST, 3 days ahead, from the last run's readings\n"),
        (None, False, False, "Tue 24 Nov 2026 12:00 UTC, 3 days ahead\n"),
        (
            DENVER,
            False,
            True,
            "TEST environment: no production circuit is changed\nTue 24 Nov 2026 05:00 MST, 3 days ahead\n",
        ),
    ],
    ids=["plan", "cached", "no circuit", "test environment"],
)
def test_a_plan(zone: ZoneInfo | None, cached: bool, test: bool, text: str) -> None:
    assert plan_heading(NOW, zone, AHEAD, cached=cached, test=test, plain=True) == text


def test_the_others() -> None:
    assert report_heading(NOW, LATER, DENVER, plain=True) == (
        "From Tue 24 Nov 2026 05:00 MST to Fri 27 Nov 2026 05:00 MST\n"
    )
    assert simulation_heading(NOW, LATER, DENVER, plain=True) == (
        "simulated Tue 24 Nov 2026 05:00 MST to Fri 27 Nov 2026 05:00 MST\n"
    )
    assert history_heading(DENVER, plain=True) == "times are those of America/Denver\n"
    assert trial_heading(plain=True).startswith("An event that does not exist")
    rules = Path("/etc/iodcal/rules\x1b[2J.yaml")
    assert doctor_heading(NOW, DENVER, rules, plain=True) == (
        "Tue 24 Nov 2026 05:00 MST, /etc/iodcal/rules\N{REPLACEMENT CHARACTER}[2J.yaml\n"
    )


def test_weight_on_a_terminal() -> None:
    assert plan_heading(NOW, DENVER, AHEAD, cached=False, test=True, plain=False) == (
        "\x1b[1;7mTEST environment: no production circuit is changed\x1b[0m\n"
        "\x1b[1mTue 24 Nov 2026 05:00 MST\x1b[0m, 3 days ahead\n"
    )


@pytest.mark.parametrize(
    ("stream", "color", "environment", "plain"),
    [
        (Terminal(), None, {}, False),
        (Terminal(), False, {}, True),
        (Terminal(), False, {"FORCE_COLOR": "1"}, True),
        (Terminal(), None, {"NO_COLOR": "1"}, True),
        (Terminal(), None, {"NO_COLOR": ""}, False),
        (Terminal(), None, {"TERM": "dumb"}, True),
        (Terminal(), None, {"TERM": "dumb", "FORCE_COLOR": "1"}, False),
        (io.StringIO(), None, {}, True),
        (io.StringIO(), True, {}, False),
        (io.StringIO(), True, {"NO_COLOR": "1"}, False),
        (io.StringIO(), None, {"FORCE_COLOR": "1"}, False),
        (io.StringIO(), None, {"FORCE_COLOR": "0"}, True),
        (io.StringIO(), None, {"FORCE_COLOR": ""}, True),
        (io.StringIO(), None, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True),
    ],
)
def test_where_text_is_plain(
    stream: io.StringIO,
    color: bool | None,
    environment: dict[str, str],
    plain: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert is_plain(stream, color=color) is plain
