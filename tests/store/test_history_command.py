"""What `iodcal history` finds: by circuit, time and outcome."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from iodcal.commands.history import HistoryAsked, HistoryReport, history
from iodcal.config import Configuration
from iodcal.config.load import load_configuration
from iodcal.errors import StateError, UsageError
from tests.config.test_load import BASE, write
from tests.store.past import at, fill, history_in


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    fill(history_in(tmp_path / "state"))
    return load_configuration(write(tmp_path, BASE))


def ask(configuration: Configuration, asked: HistoryAsked) -> HistoryReport:
    return history(configuration, configuration.directory / "state" / "state.json", asked, at(180))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (HistoryAsked(), "order change hold pause later order"),
        (HistoryAsked(everything=True), "order curtain_up change problem reading hold pause later order"),
        (HistoryAsked(circuits=("lon-a",)), "change pause"),
        (
            HistoryAsked(circuits=("den-a",), everything=True),
            "order curtain_up problem reading hold pause later order",
        ),
        (HistoryAsked(start="2026-11-24T12:30:00Z"), "change hold pause later order"),
        (HistoryAsked(start="12:00", end="12:30"), "order"),
        (HistoryAsked(end="-2h"), "order change"),
        (HistoryAsked(since=timedelta(hours=2)), "hold pause later order"),
        (HistoryAsked(outcomes=("confirmed",)), "order"),
        (HistoryAsked(outcomes=("held",)), "change"),
        (HistoryAsked(outcomes=("observe", "refused")), "change order"),
        (HistoryAsked(outcomes=("ready",), everything=True), "curtain_up"),
        (HistoryAsked(outcomes=("failed",)), ""),
        (HistoryAsked(start="1900-01-01T00:00:00Z"), "order change hold pause later order"),
    ],
    ids=str,
)
def test_what_is_found(configuration: Configuration, asked: HistoryAsked, found: str) -> None:
    assert " ".join(entry.kind for entry in ask(configuration, asked).entries) == found


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (HistoryAsked(circuits=("par-a",)), "no_such_circuit"),
        (HistoryAsked(outcomes=("confirmd",)), "no_such_outcome"),
        (HistoryAsked(start="soon"), "bad_time"),
        (HistoryAsked(end="+99999d99999d"), "bad_time"),
        (HistoryAsked(start="13:00", end="12:00"), "empty_span"),
        (HistoryAsked(start="13:00", since=timedelta(hours=1)), "from_and_since"),
    ],
    ids=str,
)
def test_what_cannot_be_asked(configuration: Configuration, asked: HistoryAsked, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(configuration, asked)
    assert caught.value.code == code


def test_a_history_that_cannot_be_read_is_named(configuration: Configuration) -> None:
    path = configuration.directory / "state" / "history.jsonl"
    path.unlink()
    assert ask(configuration, HistoryAsked()).entries == ()
    path.mkdir()
    with pytest.raises(StateError) as caught:
        ask(configuration, HistoryAsked())
    assert caught.value.facts["path"] == str(path)
