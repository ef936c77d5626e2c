"""The shell around the core: signals, waiting, logs, progress, and what happens to our own bugs."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from iodcal import signals
from iodcal.cli import boundary, logs
from iodcal.cli.options import Common, LogFormat, Output
from iodcal.cli.progress import Progress
from iodcal.commands import sync as sync_module
from iodcal.commands.requests import SyncRequest
from iodcal.commands.sync import sync
from iodcal.config.load import load_configuration
from iodcal.errors import StateError
from iodcal.http import Deadline
from iodcal.pipeline.attempts import read_all
from iodcal.store.store import StateStore
from tests.domain.minutes import SOURCE
from tests.e2e.test_sandbox import CALENDAR, RULES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "calendar.ics").write_text(CALENDAR)
    (tmp_path / "rules.yaml").write_text(RULES.format(orders="all"))
    return tmp_path


def silent(_text: str) -> None:
    """No progress."""


def synced(folder: Path, time: str = "12:00") -> sync_module.Synced:
    configuration = load_configuration(folder / "rules.yaml")
    asked = SyncRequest(terminal=False, now=f"2026-11-24T{time}:00Z")
    return sync(configuration, folder / "state.json", asked=asked, progress=silent)


def test_a_state_that_cannot_be_saved_after_an_acceptance_is_saved_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, real = [], StateStore.save

    def save(self: StateStore, state: Any) -> None:
        saved.append(state)
        if len(saved) > 1:  # the first save is the intent's
            raise StateError("unwritable", path=str(self.path), reason="No space left on device")
        real(self, state)

    monkeypatch.setattr(StateStore, "save", save)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(folder))
    report = synced(folder).report
    (place,) = report.lost_state
    assert report.exit == 1
    ((circuit_state,),) = (
        of_account.values() for of_account in json.loads(Path(place).read_text())["circuits"].values()
    )
    assert circuit_state["order"]["outcome"] == "accepted"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_waits_until_the_answer_is_recorded(number: signal.Signals) -> None:
    recorded = False

    def order_and_record() -> None:
        nonlocal recorded
        with signals.deferred():
            signal.raise_signal(number)
            recorded = True

    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signals.install()
    assert callable(signal.getsignal(number))  # else it would end these tests
    with pytest.raises(signals.Interrupted):
        signal.raise_signal(number)
    signals.reset()
    with pytest.raises(signals.Interrupted):
        order_and_record()
    assert recorded


def test_under_nohup_a_terminal_that_goes_away_is_no_matter() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals.install()
    signal.raise_signal(signal.SIGHUP)
    assert not signals.stop_wanted()


def test_progress_on_a_terminal_that_is_gone_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def isatty(self) -> bool:
            return True

        def write(self, _text: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("sys.stderr", Gone())
    monkeypatch.setattr("iodcal.cli.progress._PATIENCE", 0.0)
    with Progress(shown=True) as progress:
        while not progress._visible:
            progress("reading")
        progress("ordering")


def test_whoever_presses_ctrl_c_again_gets_the_same_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    tell = logs.say

    def pressed_again(line: str) -> None:
        for number in before:
            os.kill(os.getpid(), number)
        tell(line)

    def pressed(*_: object) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return 0

    monkeypatch.setattr(boundary, "_run", pressed)
    monkeypatch.setattr(logs, "say", pressed_again)
    try:
        assert boundary.run_command(["sync", "-o", "json"]) == 130
    finally:
        signals.reset()
        for number, handler in before.items():
            signal.signal(number, handler)
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "interrupted"


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [("plan -c nowhere.yaml", 78, "configuration"), ("plan --bogus", 2, "usage"), ("plam", 2, "usage")],
)
def test_a_signal_that_comes_while_an_error_is_told_changes_nothing(
    line: str, status: int, code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tell = logs.say

    def pressed(told: str) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
        tell(told)

    monkeypatch.setattr(logs, "say", pressed)
    assert boundary.run_command([*line.split(), "-o", "json"]) == status
    assert json.loads(capsys.readouterr().out)["error"]["code"] == code


def test_our_own_bug_is_told_in_two_lines_and_kept_for_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "s3cr3t-in-a-local-variable"

    def broken(*_: object, **__: object) -> int:
        password = secret
        raise ZeroDivisionError(str(len(password)))

    monkeypatch.setattr(boundary, "_run", broken)
    monkeypatch.setattr(boundary, "install", lambda: None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert boundary.run_command(["plan", "-o", "json", "-v"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["code"] == "bug"
    (kept,) = tmp_path.glob("iodcal-bug-*.txt")
    assert "ZeroDivisionError" in kept.read_text()
    assert secret not in out + err + kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_common_options_may_stand_before_or_behind_the_command() -> None:
    before = Common(config=Path("a.yaml"), output=Output.JSON, verbose=True)
    behind = Common(config=Path("b.yaml"))
    assert behind.over(before) == Common(config=Path("b.yaml"), output=Output.JSON, verbose=True)
    assert behind.over(None) is behind


@pytest.mark.parametrize("log_format", list(LogFormat))
def test_log_lines_are_ours_only(log_format: LogFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    logger = logging.getLogger("iodcal")
    handlers, level = list(logger.handlers), logger.level
    try:
        logs.configure(verbose=True, log_format=log_format)
        logging.getLogger("iodcal.test").info("hello %s", "there")
        logging.getLogger("urllib3").warning("not ours")
    finally:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = True
    line = stderr.getvalue()
    assert "hello there" in line
    assert "not ours" not in line
    if log_format is LogFormat.JSON:
        assert json.loads(line)["level"] == "info"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_shows_after_a_second_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress(shown=True) as progress:
        progress("reading 2 calendars")
        assert terminal.getvalue() == ""
        progress._appear()
        progress("reading circuits")
    assert "reading 2 calendars ..." in terminal.getvalue()
    assert "reading circuits ..." in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[2K")
    quiet = Terminal()
    monkeypatch.setattr("sys.stderr", quiet)
    with Progress(shown=False) as hidden:
        hidden("nothing")
        hidden._appear()
    assert quiet.getvalue() == ""


def test_no_calendar_is_no_reading() -> None:
    from iodcal.domain.localtime import Interval

    now = datetime.now(UTC)
    assert read_all([], Interval(now, now), Deadline.after(1)) == {}
    assert SOURCE.label == "noc"
