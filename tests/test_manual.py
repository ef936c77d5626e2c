"""The manual pages say what the parser does, and are pages that every `man` can show."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import ROOT

sys.path.insert(0, str(ROOT / "packaging"))
import manual  # type: ignore[import-not-found]

PAGES: dict[str, str] = manual.pages()
COMMANDS = dict(manual.commands())


def shown(page: str) -> str:
    """The page without roff's marks."""
    return re.sub(r"\\f[BIR]|\\&", "", PAGES[page]).replace(r"\-", "-").replace(r"\(aq", "'")


def page_of(words: tuple[str, ...]) -> str:
    return "-".join(("iodcal", *words)) + ".1"


def test_there_is_a_page_for_each_command_and_the_main_one_names_it() -> None:
    assert set(PAGES) == {"iodcal.1", *map(page_of, COMMANDS)}
    assert [words for words in COMMANDS if page_of(words).removesuffix(".1") not in shown("iodcal.1")] == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_page_has_every_option_argument_and_word_of_the_parser(words: tuple[str, ...]) -> None:
    page = shown(page_of(words))
    options = page.split(".SH OPTIONS\n")[1].split(".SH ")[0]
    for one in COMMANDS[words].params:
        if one.param_type_name == "option":
            (term,) = re.findall(rf"^.*(?<!\S){re.escape(max(one.opts, key=len))}(?!\S).*$", options, re.M)
            assert all(name in term for name in one.opts)
        assert not one.help or one.help in page
    assert COMMANDS[words].epilog.removeprefix("Example: ") in page
    assert " ".join(COMMANDS[words].help.replace("`", "").split()) in page


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_what_people_look_for(name: str) -> None:
    sections = re.findall(r"^\.SH (.*)$", PAGES[name], re.M)
    wanted = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"]
    assert [section for section in sections if section in wanted] == wanted
    for fact in ("78", "IODCAL_CONFIG", "REQUESTS_CA_BUNDLE", "/etc/iodcal/rules.yaml"):
        assert fact in shown(name)
    assert not re.search(r"\]\(|`", PAGES[name]), "a mark of Markdown is left"


CHECKERS = {
    "mandoc": ["mandoc", "-T", "lint", "-W", "warning"],
    "groff": ["groff", "-man", "-Tutf8", "-ww", "-z"],
}


@pytest.mark.parametrize("checker", CHECKERS)
def test_what_shows_pages_has_nothing_to_say_of_them(checker: str, tmp_path: Path) -> None:
    if shutil.which(checker) is None:
        pytest.skip(f"there is no {checker} here")
    manual.write(tmp_path)
    files: list[Any] = sorted((tmp_path / "man" / "man1").iterdir())
    assert len(files) == len(PAGES)
    done = subprocess.run([*CHECKERS[checker], *files], capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).splitlines()
    # A page carries its version, and no day: so that each build of it is the same.
    assert [line for line in said if "missing date" not in line] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_reads_its_completion(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    manual.write(tmp_path)
    (script,) = (
        path for path in tmp_path.rglob("*") if path.is_file() and shell in str(path.relative_to(tmp_path))
    )
    subprocess.run([shell, "-n", script], check=True)
