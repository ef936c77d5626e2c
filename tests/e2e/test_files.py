"""Who may read what a run leaves, and where it must not be led to."""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path

import pytest

from iodcal.config.load import load_configuration
from iodcal.errors import ConfigurationError, OutputError
from iodcal.output.html.file import write_page
from tests.e2e.command import Iodcal
from tests.e2e.conftest import World
from tests.e2e.test_sandbox import Lab

HOOK = "\nnotify:\n  deaf: {webhook: {env: NOT_SET}}\n"


@pytest.fixture
def lab(iodcal: Iodcal) -> Lab:
    return Lab(iodcal)


def with_settings(lab: Lab, settings: str) -> None:
    rules = lab.iodcal.folder / "rules.yaml"
    text = rules.read_text()
    assert "settings: {" in text
    rules.write_text(text.replace("settings: {", f"settings: {{{settings}", 1) + HOOK)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.lstat().st_mode) for path in folder.iterdir() if path.is_file()}


def test_what_is_left_is_for_its_owner_only(lab: Lab) -> None:
    with_settings(lab, "")
    lab.sync("11:56")
    folder = lab.iodcal.folder / "state"
    found = modes(folder)
    assert {"state.json", "history.jsonl", "state.json.lock", "notices.json"} <= set(found)
    assert set(found.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    copies = lab.iodcal.folder / "home/.local/state/iodcal"
    assert set(modes(copies).values()) == {0o600}
    assert stat.S_IMODE(copies.stat().st_mode) == 0o700


def test_a_group_may_look_and_no_more(lab: Lab) -> None:
    name = grp.getgrgid(os.getgid()).gr_name
    with_settings(lab, f"group: {name}, ")
    lab.sync("11:56")
    folder = lab.iodcal.folder / "state"
    found = modes(folder)
    assert (found["state.json"], found["history.jsonl"]) == (0o640, 0o640)
    assert {mode & 0o027 for mode in found.values()} == {0}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    copies = lab.iodcal.folder / "home/.local/state/iodcal"
    assert set(modes(copies).values()) == {0o600}


@pytest.mark.parametrize("place", ["state/notices.json", "iodcal.prom", "copy"])
def test_a_link_is_replaced_and_what_it_leads_to_stays_as_it_was(lab: Lab, place: str) -> None:
    with_settings(lab, "metrics_file: iodcal.prom, ")
    lab.sync("11:00")
    folder = lab.iodcal.folder
    (copy,) = (folder / "home/.local/state/iodcal").glob("last-good-*.yaml")
    link, precious = copy if place == "copy" else folder / place, folder / "precious"
    precious.write_text("precious")
    link.unlink(missing_ok=True)
    link.symlink_to(precious)
    lab.sync("11:56")
    assert precious.read_text() == "precious"
    assert not link.is_symlink()


def test_a_page_follows_ones_own_link_and_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, link = tmp_path / "page.html", tmp_path / "link.html"
    page.write_text("old")
    link.symlink_to(page)
    write_page(link, "new")
    assert (link.is_symlink(), page.read_text()) == (True, "new")
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    if mine == 0:  # root's links are everybody's
        os.chown(link, 4711, -1, follow_symlinks=False)
        monkeypatch.setattr(os, "getuid", lambda: 0)
    with pytest.raises(OutputError):
        write_page(link, "evil")
    assert page.read_text() == "new"


@pytest.mark.parametrize(("mode", "trusted"), [(0o600, True), (0o644, True), (0o664, False), (0o646, False)])
def test_whoever_may_write_the_file_could_have_written_its_commands(
    world: World, mode: int, trusted: bool
) -> None:
    path = world.iodcal.folder / "rules.yaml"
    text = path.read_text().replace("{env: LUMEN_CLIENT_ID}", "{command: touch planted}")
    path.write_text(text)
    path.chmod(mode)
    assert load_configuration(path).trusted is trusted
    world.iodcal("doctor")
    assert (world.iodcal.folder / "planted").exists() is trusted


def test_a_file_of_another_user_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.iodcal.folder / "rules.yaml"
    owner = os.getuid() or 4711
    os.chown(path, owner, -1)
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    assert "belongs to another user" in str(caught.value.faults[0])
