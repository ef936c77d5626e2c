"""Files in folders that one may not look into, of users who have no home: told, and no bug of ours.

A name that is too long fails as a closed folder does, but for root as well, who may look anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from iodcal.config.find import find_configuration, state_path
from iodcal.config.load import load_configuration
from iodcal.errors import ConfigurationError, SetupError, StateError
from iodcal.init.rules_file import refuse_existing
from iodcal.paths import exists, expanded, is_folder, is_link
from iodcal.store.store import StateStore
from tests.e2e.command import Iodcal

CLOSED = "x" * 300
RULES = """version: 1
timezone: America/Denver
calendars: {company: {ics: company.ics}}
carriers: {lab: {type: sandbox, file: sandbox.json}}
circuits: {den-a: {carrier: lab, service_id: "1", tiers: [100 Mbps, 1 Gbps], baseline: {off_peak: 100 Mbps}}}
rules: [{name: All, calendars: [company], circuits: all, bandwidth: highest}]
"""


@pytest.mark.parametrize("asked", [exists, is_folder, is_link])
def test_of_what_cannot_be_seen_nothing_is_said(asked: Callable[[Path], bool], tmp_path: Path) -> None:
    assert not asked(tmp_path / CLOSED)


def test_nobodys_home_is_no_place() -> None:
    assert expanded("~nobody-of-that-name/a.ics") == Path("~nobody-of-that-name/a.ics")
    assert expanded("~") == Path.home()


@pytest.mark.parametrize("use", [StateStore.load, StateStore.refuse_foreign])
def test_a_state_in_a_closed_folder_is_an_error(use: Callable[[StateStore], object], tmp_path: Path) -> None:
    with pytest.raises(StateError) as caught:
        use(StateStore(tmp_path / CLOSED))
    assert caught.value.code == "unreadable"


def test_a_rules_file_that_is_not_there_can_be_made(tmp_path: Path) -> None:
    refuse_existing(tmp_path / "rules.yaml")
    with pytest.raises(SetupError):
        refuse_existing(tmp_path / CLOSED)


def test_a_configuration_in_a_closed_folder_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be the one that is meant, and to load it says why it is not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IODCAL_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / CLOSED))
    assert find_configuration(None) == tmp_path / CLOSED / "iodcal" / "rules.yaml"
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(find_configuration(None))
    assert "cannot be read" in caught.value.faults[0].message


def test_a_user_without_a_home_names_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("IODCAL_CONFIG", "IODCAL_STATE", "STATE_DIRECTORY", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "home", nowhere)
    (tmp_path / "rules.yaml").write_text(RULES)
    configuration = load_configuration(find_configuration(None))
    assert state_path(configuration, Path("state.json")) == tmp_path / "state.json"
    with pytest.raises(ConfigurationError) as caught:
        state_path(configuration, None)
    assert caught.value.faults[0].path == "settings.state"
    (tmp_path / "rules.yaml").unlink()
    if not Path("/etc/iodcal/rules.yaml").exists():
        with pytest.raises(ConfigurationError) as caught:
            find_configuration(None)
        assert "no configuration found" in caught.value.faults[0].message


@pytest.mark.parametrize(
    "command", ["status", "doctor", "plan", "plan --cached", "hold den-a 1Gbps --for 1h"]
)
def test_no_command_takes_a_closed_folder_for_a_bug(command: str, tmp_path: Path) -> None:
    iodcal = Iodcal(tmp_path)
    iodcal.write("rules.yaml", RULES)
    done = iodcal(*command.split(), "--state", os.path.join(CLOSED, "state.json"))  # noqa: PTH118 - a plain text
    assert done.status in (1, 3)
    assert "File name too long" in done.out + done.err or command == "doctor"
    assert "bug" not in done.err
