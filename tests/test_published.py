"""What is published agrees with the code: kinds, reasons and outcomes, commands in remedies, help."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main

from iodcal.cli.app import application
from iodcal.domain.changes import Reason
from iodcal.domain.orders import Outcome
from iodcal.messages.carriers import HELD
from iodcal.problems.kinds import Kind, Problem
from iodcal.problems.messages import describe
from tests.e2e.command import ROOT, Iodcal

PAGE = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs" / "reference" / "results.md").read_text(encoding="utf-8")
APP = typer.main.get_command(application())
COMMANDS: dict[str, click.Command] = APP.commands  # type: ignore[attr-defined]
COMMON = {name for parameter in APP.params for name in parameter.opts} | {"--help"}
# "iodcal orders as soon as ..." is a sentence, not something to type.
VERBS = {
    "again",
    "asks",
    "ends",
    "finds",
    "goes",
    "had",
    "is",
    "looks",
    "needs",
    "orders",
    "reads",
    "runs",
    "tries",
    "was",
    "works",
}


def kinds_on_the_page() -> Iterator[tuple[str, str]]:
    table = PAGE.partition("## Problem kinds")[2]
    for kinds, severity in re.findall(r"^\| (`[^|]*`) \| (error|warning) \|", table, flags=re.MULTILINE):
        yield from ((kind, severity) for kind in re.findall(r"`(\w+)`", kinds))


def test_every_kind_of_problem_is_on_the_page_with_its_severity() -> None:
    assert sorted(kinds_on_the_page()) == sorted((kind, Problem(kind, "").severity) for kind in Kind)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_words_and_a_remedy(kind: Kind) -> None:
    words = describe(Problem(kind, "place", {}))
    assert words.message
    assert words.remedy


def test_every_reason_and_outcome_is_on_the_page_and_has_words() -> None:
    reasons = RESULTS.partition("Reasons for holding back: ")[2].partition("\n\n")[0]
    assert [reason for reason in Reason if f"`{reason}`" not in reasons] == []
    assert set(HELD) == set(Reason)
    outcomes = RESULTS.partition("Outcomes of orders: ")[2].partition("\n\n")[0]
    published = [outcome for outcome in Outcome if outcome is not Outcome.SENDING]
    assert [outcome for outcome in published if f"`{outcome}`" not in outcomes] == []


def typed() -> Iterator[tuple[str, str, str]]:
    """What the words of the program tell people to type: file, command, and what follows it."""
    package = ROOT / "iodcal"
    for path in sorted([*(package / "words").glob("*.py"), *(package / "problems").glob("*.py")]):
        text = re.sub(r'"\n\s+f?"', "", path.read_text(encoding="utf-8"))
        for name, rest in re.findall(r"\biodcal ([a-z]+)((?: (?:--[a-z-]+|\{\w+\}|[A-Z]+\b))*)", text):
            yield path.name, name, rest


def test_remedies_name_commands_and_options_that_exist() -> None:
    found = set(typed())
    assert {"plan", "status", "release", "resume", "forget", "hold", "sync"} <= {name for _, name, _ in found}
    for file, name, rest in found:
        if name in VERBS:
            continue
        assert name in COMMANDS, (file, name)
        own = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= own | COMMON, (file, name, rest)


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_help_fits_a_screen_and_has_an_example(tmp_path: Path, name: str | None) -> None:
    done = Iodcal(tmp_path)(*([name] if name else []), "--help", COLUMNS="80")
    lines = done.out.splitlines()
    assert done.status == 0
    assert len(lines) <= (50 if name is None else 40)
    assert max(map(len, lines)) <= 80
    assert any(re.search(r"(^  |\. )Example: iodcal ", line) for line in lines)  # in one line


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("hold", "CIRCUIT... BANDWIDTH"), ("forget", "NAME"), ("pause", "[CIRCUIT...]"), ("plan", "")],
)
def test_the_usage_of_a_command_is_the_conventional_one(tmp_path: Path, name: str, arguments: str) -> None:
    usage = Iodcal(tmp_path)(name, "--help", COLUMNS="80").out.splitlines()[0]
    assert usage == f"Usage: iodcal {name} [OPTIONS] {arguments}".rstrip()
