"""Which command was asked for is told before typer has read the arguments: only that one is prepared."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from iodcal.cli import boundary
from iodcal.cli.app import COMMANDS, application
from iodcal.cli.startup import command_in


@pytest.fixture(autouse=True)
def signals_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "install", lambda: None)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", None),
        ("status", "status"),
        ("-v -c rules.yaml status -o json", "status"),
        ("-c plan status", "status"),
        ("--config plan status", "status"),
        ("--config=plan status", "status"),
        ("-cplan status", "status"),
        ("-vqc plan status", "status"),
        ("-o json --log-format json --state park status --circuit hold", "status"),
        ("-- status", "status"),
        ("--", None),
        ("-c", None),
        ("-c status", None),
        ("statsu plan", None),
        ("- plan", None),
        ("--help plan", None),
        ("-h plan", None),
        ("-vh plan", None),
        ("-chold plan", "plan"),
        ("plan --help", "plan"),
    ],
)
def test_the_command_among_options_whose_values_look_like_one(line: str, command: str | None) -> None:
    assert command_in(line.split(), COMMANDS) == command


def test_the_options_before_a_command_that_have_a_value_are_those_of_typer() -> None:
    """Each of them is given the name of another command."""
    group = typer.main.get_command(application())
    tried = 0
    for option in group.params:
        if option.param_type_name != "option" or getattr(option, "is_flag", True):
            continue
        for name in option.opts:
            assert command_in([name, "plan", "status"], COMMANDS) == "status", name
            tried += 1
    assert tried == 7


@pytest.mark.parametrize("line", ["--help sync", "-h plan", "-vh status"])
def test_the_help_of_all_has_all_whatever_stands_behind_it(line: str) -> None:
    shown = CliRunner().invoke(application(line.split()), line.split()).stdout
    assert all(f"\n  {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize("line", ["sycn --circuit plan", "-c plan sycn", "sycn plan"])
def test_a_near_word_is_offered_whatever_the_options_say(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert boundary.run_command(line.split()) == 2
    assert "'sync'" in capsys.readouterr().err


def test_an_error_names_the_command_and_not_an_options_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert boundary.run_command(["-o", "json", "-c", "plan", "status"]) == 78
    assert '"command": "status"' in capsys.readouterr().out
