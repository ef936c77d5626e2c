"""What every command says, letter by letter, as text, JSON, CSV and HTML: people and scripts go by it.

Each file of `tests/e2e/golden` is a session: `$` lines that are played in a copy of `tests/e2e/corpus`,
each with what it printed. `IODCAL_UPDATE_GOLDEN=1 pytest tests/e2e/test_goldens.py` writes the answers anew.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Done, Iodcal

HERE = Path(__file__).parent
SESSIONS = sorted((HERE / "golden").glob("*.txt"))
ENVIRONMENT = {"COLUMNS": "80", "SUDO_USER": "pat", "SUDO_UID": "1000"}

# What differs between two plays: ids drawn by chance, and the machine's clock.
_BY_CHANCE = (
    (re.compile(r"\bio[A-Z2-7]{18}\b"), "ioEXTERNALID"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "RUNID"),
    # Files are read by the machine's clock, and log lines written.
    (re.compile(r"\b20(?!26-11-2)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\.\d{3}\+00:00)"), "CLOCK"),
    (re.compile(r'(?<=datetime="CLOCK">)[^<]*</time>, [^<]*'), "CLOCK</time>"),
    (re.compile(r"(?<!be )\bread (now|in \d+ \w+|\d+ \w+ ago)"), "read THEN"),
)
# What differs with the machine's clock, of the commands that have no other.
_OF_THE_CLOCK = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "INSTANT"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d( \w{3}( \d{4})?)? \d\d:\d\d( M[SD]T)?"), "TIME"),
    (re.compile(r"\b\d+ (days|h|min|minutes|s)\b"), "LENGTH"),
)


class Session:
    """A folder with a copy of the corpus, and the steps that a session may have."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(HERE / "corpus", folder)
        self._iodcal = Iodcal(folder, ENVIRONMENT)

    def play(self, line: str) -> str:
        """Does one step; what it said, where it is a command."""
        words = shlex.split(line)
        given: dict[str, str] = {}
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            given[name] = value
        match words:
            case ["iodcal", *arguments]:
                return self._said(self._iodcal(*arguments, **given), live=given.pop("CLOCK", "") == "real")
            case ["edit", name, old, new]:
                self._edit(name, old, new)
            case ["copy", name, other]:
                shutil.copyfile(self._iodcal.folder / name, self._iodcal.folder / other)
            case ["remove", name]:
                (self._iodcal.folder / name).unlink()
            case ["sandbox", name, changes]:
                self._switch(name, json.loads(changes))
            case ["show", name]:
                return self._normal((self._iodcal.folder / name).read_text(encoding="utf-8"), live=False)
            case _:
                raise AssertionError(f"no step of a session: {line}")
        return ""

    def _edit(self, name: str, old: str, new: str) -> None:
        path = self._iodcal.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text, (name, old)
        path.write_text(text.replace(old, new), encoding="utf-8")

    def _switch(self, name: str, changes: Mapping[str, Any]) -> None:
        path = self._iodcal.folder / name
        document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(json.dumps({**document, **changes}), encoding="utf-8")

    def _said(self, done: Done, *, live: bool) -> str:
        parts = [self._normal(done.out, live=live)]
        if done.err:
            parts.append(f"[stderr]\n{self._normal(done.err, live=live)}")
        if done.status:
            parts.append(f"[status {done.status}]\n")
        return "".join(parts)

    def _normal(self, text: str, *, live: bool) -> str:
        """`text` without what differs from play to play; no line of it looks like a step."""
        text = text.replace(str(self._iodcal.folder), "FOLDER")
        if text.startswith("{\n"):
            text = dense(json.loads(text)) + "\n"
        text = text.replace(pwd.getpwuid(os.getuid()).pw_name, "ACCOUNT")
        for pattern, name in (*_BY_CHANCE, *(_OF_THE_CLOCK if live else ())):
            text = pattern.sub(name, text)
        lines = (line.rstrip() for line in text.splitlines())
        return "".join(f"  {line}\n" if line else "\n" for line in lines)


def dense(value: Any, indent: str = "") -> str:
    """JSON whose small objects and lists take one line; the order of keys is kept."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + len(indent) <= 110 or not isinstance(value, dict | list):
        return line
    further = indent + "  "
    if isinstance(value, list):
        parts, (left, right) = [dense(one, further) for one in value], "[]"
    else:
        parts = [f"{json.dumps(key)}: {dense(one, further)}" for key, one in value.items()]
        left, right = "{}"
    return f"{left}\n{further}" + f",\n{further}".join(parts) + f"\n{indent}{right}"


def steps(text: str) -> Iterator[str]:
    """The headings, remarks and steps of a session, without what was answered."""
    return (line for line in text.splitlines() if line.startswith(("$ ", "#")))


@pytest.mark.parametrize("path", SESSIONS, ids=[path.stem for path in SESSIONS])
def test_a_session(path: Path, tmp_path: Path) -> None:
    session, wanted = Session(tmp_path / "company"), path.read_text(encoding="utf-8")
    played = []
    for line in steps(wanted):
        played.append(line + "\n")
        if line.startswith("$ "):
            played.append(session.play(line.removeprefix("$ ")))
    if os.environ.get("IODCAL_UPDATE_GOLDEN"):
        path.write_text("".join(played), encoding="utf-8")
    assert "".join(played) == path.read_text(encoding="utf-8")
