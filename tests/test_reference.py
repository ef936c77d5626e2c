"""What scripts and people may rely on stands in the reference, and nothing else does."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from iodcal.cli.app import COMMANDS, application
from iodcal.doctor import Area
from iodcal.domain.changes import Reason
from iodcal.domain.orders import Outcome
from iodcal.exits import Exit
from iodcal.notify import NoticeKind
from iodcal.problems.kinds import Kind, Problem
from tests.e2e.command import ROOT

DOCS = ROOT / "docs"
COMMAND_LINE = DOCS / "reference" / "command-line.md"
RESULTS = DOCS / "reference" / "results.md"


def section(page: Path, heading: str = "") -> str:
    """What stands below a heading of the second order, or before the first one."""
    text = page.read_text(encoding="utf-8")
    after = text.split(f"\n## {heading}\n", 1)[1] if heading else text
    return after.split("\n## ", 1)[0]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of the rows of its tables, without the headings."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def first_cells(text: str) -> set[str]:
    """All that stands in backquotes in the first cells of its tables."""
    return {name for cells in rows(text) for name in re.findall(r"`([^`]+)`", cells[0])}


def listed(text: str, label: str) -> set[str]:
    """What stands in backquotes in the paragraph that begins with `label`, but for what is in brackets."""
    paragraph = text.split(f"\n{label}", 1)[1].split("\n\n", 1)[0]
    return set(re.findall(r"`([a-z_]+)`", re.sub(r"\([^()]*(\([^()]*\)[^()]*)*\)", "", paragraph)))


def test_every_problem_kind_with_its_severity() -> None:
    told = {
        kind: cells[1]
        for cells in rows(section(COMMAND_LINE, "Problem kinds"))
        for kind in re.findall(r"`([^`]+)`", cells[0])
    }
    assert told == {str(kind): str(Problem(kind, "").severity) for kind in Kind}


def test_every_exit_status() -> None:
    told = [cells[0] for cells in rows(section(COMMAND_LINE, "Exit status"))][1:]
    assert sorted(map(int, told)) == sorted(Exit)


def test_every_reason_for_holding_back() -> None:
    assert listed(section(RESULTS, "JSON"), "Reasons for holding back:") == set(Reason)


def test_every_outcome() -> None:
    assert listed(section(RESULTS, "JSON"), "Outcomes of orders:") == set(Outcome)


def test_every_command() -> None:
    told = {name.split()[1] for name in first_cells(section(COMMAND_LINE)) if name.startswith("iodcal ")}
    assert told == set(COMMANDS)


def test_every_area_of_doctor() -> None:
    told = {cells[0] for cells in rows(section(COMMAND_LINE, "doctor"))} - {"area"}
    assert told == set(Area)


def test_every_kind_of_notice() -> None:
    assert first_cells(section(DOCS / "how-to" / "notices.md")) == set(NoticeKind)


def variables() -> Iterator[str]:
    """The names of environment variables that the program asks for."""
    for path in sorted((ROOT / "iodcal").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            called = ast.unparse(node.func)
            if re.search(r"(^|\.)environ(ment)?\.get$|^user_folder$", called):
                yield str(node.args[0].value)


@pytest.fixture(scope="module")
def environment_page() -> tuple[set[str], set[str]]:
    """What our own code reads, and what libraries read, as the page has it."""
    text = (DOCS / "reference" / "environment.md").read_text(encoding="utf-8")
    ours, theirs = text.split("\nRead by the libraries", 1)
    return first_cells(ours), first_cells(theirs)


def test_every_environment_variable(environment_page: tuple[set[str], set[str]]) -> None:
    found = set(variables())
    assert {"IODCAL_CONFIG", "XDG_STATE_HOME", "SUDO_USER"} <= found
    ours, theirs = environment_page
    assert ours == {name for name in found if name.upper() not in theirs}


def test_every_page_stands_in_the_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = [str(page.relative_to(DOCS)) for page in DOCS.glob("*/*.md")]
    assert len(pages) > 20
    assert [page for page in pages if f"({page})" not in index] == []


NAMES = "|".join(COMMANDS)
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def command_lines(text: str) -> Iterator[str]:
    """What is said of iodcal's commands, in blocks and in backquotes, from the options before the name on."""
    joined = text.replace("\\\n", " ")
    for found in re.finditer(rf"iodcal((?: --config \S+| -v)* (?:{NAMES})\b[^;|#&>`\n]*)", joined):
        yield found[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_line_can_be_parsed(page: Path) -> None:
    """`--help` behind the command keeps it from running; options are parsed all the same."""
    text = page.read_text(encoding="utf-8")
    told = re.findall(r"```(?:sh|cron)\n.*?```|(?<!`)`[^`\n]+`(?!`)", text, re.DOTALL)
    for line in (line for part in told for line in command_lines(part)):
        assert parsed(line) == "", f"iodcal{line}"


@cache
def parsed(line: str) -> str:
    """What is wrong with a command line; empty where nothing is. Many pages name the same ones."""
    before, name, after = re.split(rf" ({NAMES})\b", line, maxsplit=1)
    done = CliRunner().invoke(application(), [*shlex.split(before), name, "--help", *shlex.split(after)])
    fine = done.exit_code == 0 or "requires an argument" in done.output  # an option that is only named
    return "" if fine else done.output


def relaxed(schema: Any) -> Any:
    """The schema for excerpts: nothing need be there, but what is there must be right."""
    if isinstance(schema, list):
        return [relaxed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    less = {key: relaxed(value) for key, value in schema.items() if key != "required"}
    return {key: value for key, value in less.items() if key != "oneOf" or any(value)}


@pytest.fixture(scope="module")
def excerpts() -> jsonschema.Draft202012Validator:
    """What judges excerpts of a configuration."""
    schema = relaxed(json.loads((DOCS / "rules.schema.json").read_text(encoding="utf-8")))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_excerpt_of_a_configuration_fits_the_schema(
    page: Path, excerpts: jsonschema.Draft202012Validator
) -> None:
    text = page.read_text(encoding="utf-8")
    for excerpt in re.findall(r"^ *```yaml\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
        document = yaml.safe_load(excerpt.replace(", ...}", "}"))
        whole = {"rules": document} if isinstance(document, list) else document
        if whole is not None:
            excerpts.validate(json.loads(json.dumps(whole, default=str)))


def test_every_module_that_the_architecture_names_is_there() -> None:
    package = ROOT / "iodcal"
    parts = {path.relative_to(package).parts[0].removesuffix(".py") for path in package.rglob("*.py")}
    text = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    named = {name.removeprefix("iodcal.") for name in re.findall(r"`((?:\w+\.)+\w+)`", text)}
    modules = {name for name in named if name.split(".")[0] in parts}
    assert len(modules) > 50
    files = {name: package.joinpath(*name.split(".")) for name in modules}
    gone = {name for name, path in files.items() if not (path.with_suffix(".py").is_file() or path.is_dir())}
    assert not gone
