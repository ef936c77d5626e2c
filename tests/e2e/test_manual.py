"""`iodcal help`, and what `--help` shows."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from iodcal.cli.app import COMMANDS, GROUPS
from iodcal.cli.manual import pages
from tests.e2e.command import ROOT, Iodcal
from tests.e2e.terminal import Terminal

SCREEN = 50  # lines


@pytest.fixture
def iodcal(tmp_path: Path) -> Iodcal:
    return Iodcal(tmp_path, {"COLUMNS": "80"})


def test_it_shows_the_page_as_it_is_written(iodcal: Iodcal) -> None:
    page = (ROOT / "docs" / "how-to" / "two-in-the-morning.md").read_text(encoding="utf-8")
    assert iodcal("help", "2am").out == iodcal("help", "two-in-the-morning").out == page


def test_without_a_topic_it_lists_every_page(iodcal: Iodcal) -> None:
    done = iodcal("help")
    assert [name for name in pages() if f"  {name} " not in done.out] == []
    assert "  two-in-the-morning       It is 2 a.m. and it is red\n" in done.out


def test_a_command_is_a_topic(iodcal: Iodcal) -> None:
    done = iodcal("help", "hold")
    assert (done.status, done.out) == (0, iodcal("hold", "--help").out)


def test_a_topic_that_is_not_there(iodcal: Iodcal) -> None:
    done = iodcal("help", "quoat")
    assert (done.status, done.out) == (2, "")
    assert "There is no page quoat. Did you mean quota?" in done.err


@pytest.mark.skipif(shutil.which("less") is None and shutil.which("more") is None, reason="needs a pager")
def test_on_a_terminal_it_is_laid_out(iodcal: Iodcal) -> None:
    with Terminal(iodcal, "help", "2am") as terminal:
        terminal.talk([("It is 2 a.m. and it is red", "q")])
        assert terminal.end() == 0
    assert "](../" not in terminal.text


def test_the_wheel_brings_every_folder_of_pages() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {page.parent.relative_to(ROOT).as_posix() for page in pages().values()} == set(
        wheel["force-include"]
    )


def test_commands_stand_in_groups(iodcal: Iodcal) -> None:
    lines = iodcal("--help").out.splitlines()
    titles = [line.removesuffix(":") for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Options", *GROUPS]
    assert [
        line.split()[0] for line in lines if line.startswith("  ") and line.split()[0] in COMMANDS
    ] == list(COMMANDS)
    assert "Documentation: iodcal help" in lines[-1]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_help_fits_a_screen(iodcal: Iodcal, command: str) -> None:
    shown = iodcal(*command.split(), "--help").out.splitlines()
    assert len(shown) <= SCREEN
    assert max(map(len, shown)) <= 80
