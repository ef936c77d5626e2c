"""What holds for every test: no way out of this machine, none of the caller's environment, quick examples."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from iodcal.redaction import forget_secrets
from iodcal.signals import reset
from iodcal.tenant import begin_run

# The same examples every time for whoever runs the tests; `HYPOTHESIS_PROFILE=search` looks for new ones.
_PATIENT = [HealthCheck.too_slow]
settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True)
settings.register_profile(
    "ci", max_examples=300, deadline=None, derandomize=True, suppress_health_check=_PATIENT
)
settings.register_profile("search", max_examples=5000, deadline=None, suppress_health_check=_PATIENT)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

_FOREIGN = ("IODCAL_CONFIG", "IODCAL_STATE", "STATE_DIRECTORY", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Most tests wait for a process, and some for a time-out, so `-n auto` takes more workers than cores."""
    return 2 * (os.cpu_count() or 1)


# What needs no other process and no server; and the main job, once, with the real command.
_QUICK_FOLDERS = frozenset({"analysis", "config", "domain", "output", "problems", "render", "store"})
_QUICK_TESTS = frozenset({"test_an_event_raises_the_circuit_and_its_end_lowers_it"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what `pytest -m quick` runs: those folders without the random examples, and the main job."""
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0]
        plain = folder in _QUICK_FOLDERS and item.get_closest_marker("hypothesis") is None
        if plain or item.name in _QUICK_TESTS:
            item.add_marker("quick")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    home: Path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    os.umask(0o022)  # some of what tests write must not be writable by a group
    for name in (*_FOREIGN, "XDG_CONFIG_HOME", "XDG_STATE_HOME", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """What the program makes of signals ends with the test that ran it in this process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    reset()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _own_run() -> Iterator[None]:
    """What one test keeps secret may be any word of another, and its run is no other's: a run of the program
    is a process of its own."""
    begin_run("")
    yield
    forget_secrets()


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not _is_loopback(str(address[0])):
            raise AssertionError(f"a test wants to leave this machine for {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
