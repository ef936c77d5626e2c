"""Odd standard streams: closed, full, or of an encoding that lacks letters. They cost no order."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.conftest import World
from tests.e2e.terminal import Terminal
from tests.e2e.test_sandbox import CALENDAR, NOON, Lab
from tests.servers.faults import html


@pytest.fixture
def lab(iodcal: Iodcal) -> Lab:
    return Lab(iodcal)


@pytest.mark.parametrize(
    ("command", "status"), [("schema", 1), ("schema -o json", 1), ("frob -o json", 2), ("--help", 1)]
)
def test_output_of_any_length_that_cannot_be_written_is_no_bug(
    iodcal: Iodcal, command: str, status: int
) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m iodcal {command} >/dev/full"],
        cwd=iodcal.folder,
        env=iodcal.around(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "bug" in done.stderr, "ignored" in done.stderr) == (status, False, False)


@pytest.mark.parametrize(
    ("redirection", "status"), [(">&-", 0), (">&- 2>&-", 0), ("<&- >&- 2>&-", 0), (">/dev/full", 1)]
)
@pytest.mark.parametrize("output", ["table", "json"])
def test_output_that_cannot_be_written_costs_no_order(
    lab: Lab, redirection: str, status: int, output: str
) -> None:
    command = f"{sys.executable} -m iodcal sync --now {NOON} -o {output} {redirection}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=lab.iodcal.folder,
        env=lab.iodcal.around(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "bug" in done.stderr, "Traceback" in done.stderr) == (status, False, False)
    assert ("cannot be written" in done.stderr) == bool(status)
    (circuit_state,) = lab.iodcal.circuit_states.values()
    assert circuit_state["order"]["outcome"] == "accepted"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("command", ["plan", "sync"])
def test_letters_that_the_output_cannot_hold_stop_nothing(lab: Lab, encoding: str, command: str) -> None:
    title = "All-Hands \N{EM DASH} \N{CJK UNIFIED IDEOGRAPH-4F1A} " + "long " * 20
    lab.iodcal.write("calendar.ics", CALENDAR.replace("All-Hands", title))
    done = lab.iodcal(command, "--now", NOON, PYTHONIOENCODING=encoding)
    assert (done.status, done.err) == (0, "")
    assert "All-Hands" in done.out


@pytest.mark.parametrize(
    ("stream", "told", "by"),
    [
        (None, True, "timer"),
        ("stdin", True, "person"),
        ("stdout", False, "person"),
        ("stderr", False, "person"),
    ],
)
def test_which_stream_is_a_terminal_says_who_reads_and_who_began(
    lab: Lab, stream: str | None, by: str, *, told: bool
) -> None:
    (lab.iodcal.folder / "calendar.ics").unlink()
    ours, theirs = pty.openpty()
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "iodcal", "sync", "--now", NOON],
            cwd=lab.iodcal.folder,
            env=lab.iodcal.around(),
            stdin=theirs if stream == "stdin" else subprocess.DEVNULL,
            stdout=theirs if stream == "stdout" else subprocess.PIPE,
            stderr=theirs if stream == "stderr" else subprocess.PIPE,
            text=True,
        )
        _, err = process.communicate(timeout=120)
    os.close(theirs)
    seen = (err or "") if stream != "stderr" else os.read(ours, 65536).decode()
    os.close(ours)
    (known,) = lab.iodcal.state["problems"].values()
    assert (known["told_at"] is not None) is told
    assert ("cannot be read" in seen) is not told  # the second time only whoever reads along is told
    assert lab.iodcal.history[-1]["by"]["kind"] == by


def test_what_libraries_warn_of_is_no_mail_from_cron(lab: Lab) -> None:
    zoned = "DTSTART;TZID=/mozilla.org/20050126_1/Europe/London:20261124T123000"
    lab.iodcal.write("calendar.ics", CALENDAR.replace("DTSTART:20261124T123000Z", zoned))
    done = lab.iodcal("sync", "--now", NOON)
    assert (done.status, done.err) == (0, "")


def test_a_quiet_sync_tells_a_terminal_of_problems_only(world: World) -> None:
    with Terminal(world.iodcal, "sync", "-q") as terminal:
        assert (terminal.end(), terminal.text) == (0, "")
    world.graph.script("noc@contoso.example", [html(503)] * 6)
    with Terminal(world.iodcal, "sync", "-q") as terminal:
        assert terminal.end() == 3
    assert terminal.text.startswith("error: The calendar noc cannot be read")
