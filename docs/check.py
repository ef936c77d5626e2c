"""Checks the documentation: links lead somewhere, commands and options are named, shown output and the schema
for editors are those of today.

`python docs/check.py` exits with 1 and says what is wrong; `--update` writes output blocks and schema anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import sessions

from iodcal.cli.app import COMMANDS
from iodcal.output.results import codes_table, results_tables

_ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_SHOWN = re.compile(r"(<!-- shown: (?P<command>.*?) -->\n```text\n)(?P<output>.*?)(```)", re.DOTALL)
_NOW = "2026-11-24T14:52:00Z"
# What differs from run to run, or from person to person, in what a session prints.
_CHANCE = (
    (re.compile(r"\bio[0-9A-Z]{18}\b"), "ioJ7K2M4N6P8Q3R5S7T9"),
    (re.compile(r"\bby [\w.-]+:"), "by pat:"),
)


def pages() -> list[Path]:
    """Every Markdown page of the repository that people read."""
    folders = [_ROOT.glob("*.md"), (_ROOT / "docs").glob("**/*.md"), (_ROOT / "examples").glob("**/*.md")]
    return sorted(page for folder in folders for page in folder)


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    """Links to files and anchors of this repository that lead nowhere."""
    for link, picture in _LINK.findall(page.read_text(encoding="utf-8")):
        target, _, anchor = (link or picture).partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists():
            yield f"{page.relative_to(_ROOT)}: {target} does not exist"
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            yield f"{page.relative_to(_ROOT)}: {target}#{anchor}: no such heading"


def shown_output(command: str) -> str:
    """What `command` prints in a fresh folder with the sample configuration, at a fixed time."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(_ROOT / "examples", Path(folder) / "examples")
        shutil.copytree(_ROOT / "docs" / "explanation" / "pictures", Path(folder) / "pictures")
        shutil.copy(_ROOT / "rules.yaml", folder)
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "COLUMNS": "100", "LANG": "C.UTF-8"}
        output = ""
        for part in command.split(" && "):
            done = subprocess.run(  # noqa: S603 - commands of our own pages
                [sys.executable, "-m", *part.replace("{now}", _NOW).split()],
                cwd=folder,
                env={**environment, "PYTHONPATH": str(_ROOT)},
                capture_output=True,
                text=True,
                check=False,
            )
            output = done.stdout + done.stderr
        return "\n".join(line.rstrip() for line in output.splitlines()) + "\n"


def stale_output(page: Path, *, update: bool) -> Iterator[str]:
    """Output blocks that the program would print otherwise today."""
    text = page.read_text(encoding="utf-8")
    fresh = _SHOWN.sub(lambda found: found[1] + shown_output(found["command"]) + found[4], text)
    if fresh != text and update:
        page.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        yield f"{page.relative_to(_ROOT)}: an output block is out of date; run docs/check.py --update"


def session_output(page: Path) -> list[str]:
    """What each block of a session prints in a fresh folder; nothing for blocks that have a mark."""
    some = list(sessions.blocks(page.read_text(encoding="utf-8")))
    kept = [block for block in some if not block.mark]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {
            "PATH": path,
            "HOME": folder,
            "COLUMNS": "100",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(_ROOT),
        }
        printed = iter(sessions.run(kept, inside=Path(folder), environment=environment))
        return ["" if block.mark else next(printed).replace(folder, "/home/pat") for block in some]


def stale_session(page: Path, *, update: bool) -> Iterator[str]:
    """Output below the blocks of a page that is a session, if it would be otherwise today."""
    text = page.read_text(encoding="utf-8")
    if not text.startswith(sessions.SESSION):
        return
    fresh = text
    for block, printed in reversed(list(zip(sessions.blocks(text), session_output(page), strict=True))):
        for pattern, usual in _CHANCE:
            printed = pattern.sub(usual, printed)
        lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
        if block.output is not None:
            fresh = fresh[: block.output[0]] + lines + fresh[block.output[1] :]
    if fresh != text and update:
        page.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        yield f"{page.relative_to(_ROOT)}: what its blocks print is out of date; run docs/check.py --update"


def stale_schema(*, update: bool) -> Iterator[str]:
    """The schema for editors, if the sections have changed since."""
    kept = _ROOT / "docs" / "rules.schema.json"
    arguments = [sys.executable, "-m", "iodcal", "schema"]
    fresh = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=_ROOT).stdout  # noqa: S603 - ours
    if fresh != kept.read_text(encoding="utf-8") and update:
        kept.write_text(fresh, encoding="utf-8")
    elif fresh != kept.read_text(encoding="utf-8"):
        yield "docs/rules.schema.json is out of date; run docs/check.py --update"


_MADE = re.compile(r"(<!-- made by docs/check.py: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_MAKERS = {"codes": codes_table, "results": results_tables}


def stale_tables(page: Path, *, update: bool) -> Iterator[str]:
    """Tables that are made from the code, where that says something else today."""
    text = page.read_text(encoding="utf-8")
    fresh = _MADE.sub(lambda found: f"{found[1]}{_MAKERS[found[2]]()}{found[4]}", text)
    if fresh != text and update:
        page.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        yield f"{page.relative_to(_ROOT)}: a table is out of date; run docs/check.py --update"


def unnamed_options() -> Iterator[str]:
    """Commands and long options that the reference page does not name."""
    reference = (_ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    for command in ("", *COMMANDS):
        arguments = [sys.executable, "-m", "iodcal", *command.split(), "--help"]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=_ROOT)  # noqa: S603 - ours
        for option in sorted(set(re.findall(r"--[a-z][a-z-]+", done.stdout))):
            if option not in reference:
                yield f"docs/reference/command-line.md does not name {option} of iodcal {command}"


def missing_tests(page: Path) -> Iterator[str]:
    """Tests that a page names and that are not there."""
    known = "".join(path.read_text(encoding="utf-8") for path in (_ROOT / "tests").rglob("test_*.py"))
    for test in sorted(set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8")))):
        if f"def {test}(" not in known:
            yield f"{page.relative_to(_ROOT)}: there is no test {test}"


def main() -> None:
    """All checks; the faults on stderr."""
    update = "--update" in sys.argv
    faults = [*unnamed_options(), *stale_schema(update=update)]
    for page in pages():
        faults += [*broken_links(page), *stale_output(page, update=update), *missing_tests(page)]
        faults += [*stale_session(page, update=update), *stale_tables(page, update=update)]
    for fault in faults:
        sys.stderr.write(fault + "\n")
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
