"""The servers for a trial by hand lead from nothing to a confirmed order, as the page about them says."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import ROOT, Iodcal


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Iodcal]:
    """The command, with the environment that `python -m tests.servers` wrote."""
    serving = subprocess.Popen(
        [sys.executable, "-m", "tests.servers", str(tmp_path / "trial")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert serving.stdout is not None
    assert "run until Ctrl-C" in serving.stdout.readline()
    lines = shlex.split((tmp_path / "trial" / "env").read_text(encoding="utf-8"))
    yield Iodcal(tmp_path, dict(line.split("=", 1) for line in lines if line != "export"))
    serving.send_signal(signal.SIGINT)
    serving.communicate(timeout=60)
    assert serving.returncode == 0


def test_a_trial_goes_from_a_plan_to_an_order(trial: Iodcal) -> None:
    plan = trial("plan", "--unmatched")
    assert plan.status == 0, plan.err
    assert re.search(r"All-Hands", plan.out)
    assert "Townhall with the board" in plan.out
    doctor = trial("doctor", "-o", "json")
    assert doctor.status == 0, doctor.out
    ordered = trial("sync", "-o", "json")
    assert [order["to_mbps"] for order in ordered.json["orders"]] == [1000, 500]


@pytest.mark.parametrize(("given", "status"), [([], 2), (["--help"], 0)])
def test_it_says_how_it_is_used(given: list[str], status: int) -> None:
    command = [sys.executable, "-m", "tests.servers", *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert "Usage: python -m tests.servers FOLDER" in done.stderr
