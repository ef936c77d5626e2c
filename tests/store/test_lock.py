"""One run at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from iodcal.domain.structs import replace
from iodcal.errors import LockHeldError, StateError
from iodcal.store.lock import locked

HOLD = """
import sys
from pathlib import Path
from iodcal.store.lock import locked
with locked(Path(sys.argv[1]), command="sync", wait_seconds=0):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json.lock"


def hold(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_who_holds_it_is_told_and_death_frees_it(path: Path) -> None:
    with hold(path) as holder:
        with pytest.raises(LockHeldError) as caught, locked(path, command="sync", wait_seconds=0):
            pytest.fail("two at once")
        assert caught.value.facts["pid"] == holder.pid
        assert caught.value.facts["command"] == "sync"
        assert caught.value.facts["since"] is not None
        holder.kill()
    with locked(path, command="sync", wait_seconds=0):
        pass


BEAR = """
import subprocess, sys
from pathlib import Path
from iodcal.store.lock import locked
with locked(Path(sys.argv[1]), command="sync", wait_seconds=0):
    child = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    subprocess.Popen(child, stdin=int(sys.argv[2]), stdout=subprocess.DEVNULL, close_fds=False)
    print("born", flush=True)
    sys.stdin.read()
"""


def test_a_child_that_outlives_the_run_does_not_hold_its_lock(path: Path) -> None:
    """Such as a webhook's or a secret's command. The child lives until this test closes its pipe."""
    reading, writing = os.pipe()
    command = [sys.executable, "-c", BEAR, str(path), str(reading)]
    with (
        os.fdopen(writing, "w"),
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[reading]
        ) as holder,
    ):
        os.close(reading)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "born\n"
        holder.kill()
        holder.wait()
        with locked(path, command="sync", wait_seconds=0):
            pass


def test_waiting_ends_when_it_is_free(path: Path) -> None:
    with hold(path) as holder:
        naps: list[float] = []

        def sleep(seconds: float) -> None:
            naps.append(seconds)
            holder.kill()
            holder.wait()

        with locked(path, command="sync", wait_seconds=30, sleep=sleep):
            assert naps


def test_a_lock_file_that_says_nothing_is_still_a_lock(path: Path) -> None:
    with hold(path) as holder:
        os.truncate(path, 0)
        with pytest.raises(LockHeldError) as caught, locked(path, command="sync", wait_seconds=0):
            pytest.fail("two at once")
        assert caught.value.facts["pid"] is None
        holder.kill()


def test_a_symbolic_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    path.symlink_to(tmp_path / "precious")
    with pytest.raises(StateError), locked(path, command="sync", wait_seconds=0):
        pytest.fail("followed")
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize("call", ["os.pwrite", "fcntl.flock"])
def test_a_full_disk_or_one_without_locks_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(call, fail)
    with pytest.raises(StateError) as caught, locked(path, command="sync", wait_seconds=0):
        pytest.fail("locked")
    assert (caught.value.code, caught.value.facts["reason"]) == ("unwritable", "No space left on device")


def test_containers_on_one_machine_are_one_host(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "pod-1")
    with locked(path, command="sync", wait_seconds=0):
        pass
    monkeypatch.setattr("socket.gethostname", lambda: "pod-2")
    with locked(path, command="sync", wait_seconds=0) as before:
        assert before is not None
        assert before.host == "pod-1"
        assert not before.elsewhere
    monkeypatch.setattr("iodcal.store.lock.boot_id", lambda: "another machine's")
    with locked(path, command="sync", wait_seconds=0) as before:
        assert before is not None
        assert not before.elsewhere  # its name is ours
        assert replace(before, host="pod-3").elsewhere
