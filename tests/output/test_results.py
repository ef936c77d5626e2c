"""The JSON Schema of all results, and the page of keys and codes, against what commands really print."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from iodcal import errors
from iodcal.cli.app import COMMANDS
from iodcal.messages.errors import edge_words, failure_words
from iodcal.output.json import FailedView, dump
from iodcal.output.results import RESULTS, codes_table, results_schema, results_tables
from tests.e2e.command import ROOT, Iodcal

GOLDEN = ROOT / "tests" / "e2e" / "golden"
PAGE = ROOT / "docs" / "reference" / "results.md"
# Where a golden has what differs from play to play, a value of the type that stood there.
_PLAYED = ((re.compile(r'"(INSTANT|CLOCK)"'), '"2026-11-24T14:52:00Z"'),)


def printed_objects() -> Iterator[tuple[str, Any]]:
    """Each JSON object that a golden session shows, with the step that printed it."""
    for path in sorted(GOLDEN.glob("*.txt")):
        for step in re.split(r"^\$ ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            line, _, answer = step.partition("\n")
            if answer.startswith("  {\n") and "iodcal schema" not in line:
                for pattern, value in _PLAYED:
                    answer = pattern.sub(value, answer)
                yield f"{path.stem}: {line}", json.JSONDecoder().raw_decode(answer.lstrip())[0]


OBJECTS = {name: document for name, document in printed_objects() if "version" in document}
SCHEMA = results_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)  # that the schema is one is asked once


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_goldens_hold_results_of_every_command_that_prints_one() -> None:
    assert {document["command"] for document in OBJECTS.values()} >= set(RESULTS) - {
        "adopt",
        "advise",
        "fleet",
        "init",
        "park",
    }


@pytest.mark.parametrize("name", OBJECTS)
def test_every_golden_fits_the_schema(name: str) -> None:
    VALIDATOR.validate(OBJECTS[name])


@pytest.mark.parametrize("name", OBJECTS)
def test_every_key_of_a_golden_is_declared(name: str) -> None:
    document = OBJECTS[name]
    without = {key: value for key, value in document.items() if key != "faults"}  # any result may have them
    kinds = (*RESULTS.get(document["command"], ()), FailedView)
    assert any(_same(json.dumps(one), kind) for one in (document, without) for kind in kinds)


def _same(text: str, kind: Any) -> bool:
    try:
        shown = dump(msgspec.json.decode(text.encode(), type=kind))
    except msgspec.ValidationError:
        return False
    return bool(json.loads(shown) == json.loads(text))


@pytest.mark.parametrize(
    "document",
    [
        {"version": 1, "command": "status", "exit": 0},
        {"version": 2, "command": "check", "exit": 0, "faults": [], "warnings": []},
        {"version": 1, "command": "check", "exit": "0", "faults": [], "warnings": []},
        {"version": 1, "command": "no-command", "exit": 0},
    ],
    ids=["keys missing", "version", "type", "command"],
)
def test_what_is_no_result_does_not_fit(document: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(document)


def test_the_command_prints_it(tmp_path: Path) -> None:
    assert Iodcal(tmp_path)("schema", "--results").json == json.loads(dump(SCHEMA))


def test_every_command_that_shows_a_result_has_its_views() -> None:
    assert set(COMMANDS) - set(RESULTS) == {"schema", "help"}


def test_the_page_is_made_of_the_views() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert codes_table() in page
    assert results_tables() in page


def raised_codes(classes: set[str]) -> set[str]:
    """The codes with which the errors of `classes` are raised anywhere, as far as they are literal."""
    found = set()
    for path in (ROOT / "iodcal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in classes:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def test_every_code_that_ends_a_command_is_listed() -> None:
    own = {"UsageError", "StateError", "SetupError", "OutputError", "PlanChangedError", "LockHeldError"}
    raised = raised_codes(own)
    assert len(raised) > 40
    assert raised <= set(failure_words())


def test_every_code_of_an_edge_is_listed() -> None:
    edges = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type)
        and issubclass(kind, errors.CalendarError | errors.CarrierError | errors.SecretError)
    }
    raised = raised_codes(edges)
    assert len(raised) > 40
    assert raised <= set(edge_words())
