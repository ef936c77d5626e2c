"""The schema for editors, the loader, the samples and the reference page say the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from iodcal.config.document import parse_document, shown_path
from iodcal.config.json_schema import configuration_schema
from iodcal.config.load import load_configuration_copy
from iodcal.config.plugins import OURS
from iodcal.domain.durations import parse_duration
from iodcal.errors import ConfigurationError
from tests.e2e.command import ROOT, Iodcal

SCHEMA = configuration_schema(OURS)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FULL = (ROOT / "tests" / "config" / "full.yaml").read_bytes()
SAMPLES = [ROOT / "rules.yaml", ROOT / "examples" / "lumen.yaml", ROOT / "tests" / "config" / "full.yaml"]
Place = tuple[str | int, ...]


def value_of(content: bytes) -> Any:
    """The sample as plain JSON values, new each time."""
    return json.loads(json.dumps(parse_document(Path("rules.yaml"), content, {}).value))


def faults_of(document: Any) -> set[tuple[str, str]]:
    """What is wrong with it, as key path and message."""
    try:
        load_configuration_copy(json.dumps(document).encode(), ROOT / "rules.yaml", trusted=True)
    except ConfigurationError as error:
        return {(fault.path, fault.message) for fault in error.faults}
    return set()


def loads(document: Any) -> bool:
    return not faults_of(document)


def keys_in(value: Any, place: Place = ()) -> Iterator[Place]:
    """The place of every key in `value`, names of calendars and the like left out."""
    named = len(place) == 1 and place[0] in ("sites", "calendars", "carriers", "baselines", "circuits")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not named:
                yield (*place, key)
            yield from keys_in(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from keys_in(inner, (*place, number))


def with_change(place: Place, change: str) -> Any:
    """The full sample, with the key at `place` misspelt, or its value a list of nothing that fits."""
    document = value_of(FULL)
    holder = document
    for part in place[:-1]:
        holder = holder[part]
    if change == "misspelt":
        holder[f"{place[-1]}x"] = holder.pop(place[-1])
    else:
        holder[place[-1]] = [{"no": "such value"}]
    return document


PLACES = list(keys_in(value_of(FULL)))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_sample_fits(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(value_of(path.read_bytes()))] == []


@pytest.mark.parametrize("path", SAMPLES[:2], ids=lambda path: path.name)
def test_a_sample_names_the_schema(path: Path) -> None:
    found = re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text(encoding="utf-8"))
    assert found is not None
    assert (path.parent / found[1]).resolve() == ROOT / "docs" / "rules.schema.json"


def test_the_file_in_the_repository_is_what_the_command_prints() -> None:
    """After a change: iodcal schema > docs/rules.schema.json"""
    kept = json.loads((ROOT / "docs" / "rules.schema.json").read_text(encoding="utf-8"))
    assert kept == SCHEMA


def test_the_command_prints_it(iodcal: Iodcal) -> None:
    done = iodcal("schema")
    assert (done.status, done.err) == (0, "")
    jsonschema.Draft202012Validator(done.json).validate(value_of(FULL))


@pytest.mark.parametrize("change", ["misspelt", "wrong"])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_editor_and_loader_refuse_the_same(place: Place, change: str) -> None:
    document = with_change(place, change)
    assert not loads(document)
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize("change", ["misspelt", "wrong"])
@pytest.mark.parametrize(
    "place",
    [
        place for place in PLACES if place not in {("version",), ("rules",)}
    ],  # the first is checked before all else
    ids=lambda place: ".".join(map(str, place)),
)
def test_a_fault_hides_no_other_and_makes_none(place: Place, change: str) -> None:
    spoiled, whole = with_change(place, change), value_of(FULL)
    alone, holder = faults_of(spoiled), shown_path(place[:-1])
    assert all(path.startswith(holder or str(place[0])) for path, _ in alone)
    nowhere = {"name": "Nowhere", "calendars": ["nowhere"], "circuits": ["den-z"], "bandwidth": "highest"}
    for document in (spoiled, whole):
        document["rules"].append(nowhere)
    beside = {path for path, _ in faults_of(whole)}
    assert beside == {"rules[7].calendars[0]", "rules[7].circuits[0]"}
    if place in {("calendars",), ("circuits",)}:
        beside = {path for path in beside if str(place[0]) not in path}  # nobody can tell which there are
    assert {path for path, _ in faults_of(spoiled) - alone} == beside


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("settings", "lead", "1h30m"),
        ("settings", "lead", "0m"),
        ("settings", "organizers", "@contoso.example"),
        ("settings", "subjects", "hide"),
        ("microsoft365", "client_secret", [{"env": "A"}, {"file": "b", "expires": "2027-01-31"}]),
        ("microsoft365", "client_secret", "literal"),
        ("microsoft365", "must_not_read", "ceo@contoso.example"),
        ("microsoft365", "cloud", "${CLOUD:-china}"),
        ("circuits", "den-a", {"service_id": "7", "tiers": "100Mbps", "baseline": {"off_peak": "100 mbps"}}),
        ("carriers", "lab", {"type": "sandbox", "file": "a", "starts_at": "${RATE:-1 Gbps}"}),
    ],
)
def test_editor_and_loader_take_the_same(section: str, key: str, value: Any) -> None:
    document = value_of(FULL)
    document[section][key] = value
    if section == "circuits":
        document["rules"] = [{"name": "r", "calendars": ["noc"], "circuits": "all", "bandwidth": "highest"}]
    assert loads(document)
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


@pytest.mark.parametrize(
    "secret",
    [
        {"env": "A", "file": "b"},
        {"expires": "2027-01-31"},
        {"env": "A", "expires": "31.1.2027"},
        {"vault": "A"},
        [],
    ],
)
def test_editor_and_loader_refuse_the_same_secrets(secret: Any) -> None:
    document = value_of(FULL)
    document["microsoft365"]["client_secret"] = secret
    assert not loads(document)
    assert not VALIDATOR.is_valid(document)


def properties_of(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for inner in schema.values():
            yield from properties_of(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from properties_of(inner)


def test_every_key_has_a_description() -> None:
    told = [(key, value) for key, value in properties_of(SCHEMA) if "not" not in value]
    assert len(told) > 100
    assert [key for key, value in told if not value.get("description")] == []


def test_every_key_stands_on_a_page() -> None:
    names = ("configuration.md", "carriers.md", "sandbox.md", "calendars.md")
    pages = "".join((ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") for name in names)
    keys = {key for key, _ in properties_of(SCHEMA)}
    assert sorted(key for key in keys if not re.search(rf"`[^`]*\b{key}\b[^`]*`", pages)) == []


def test_the_page_names_the_defaults_of_settings() -> None:
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    section = page.partition("\n## settings\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|", section, flags=re.MULTILINE)
    shown: dict[str, str] = {}
    for keys, defaults in rows:
        shown |= dict(zip(re.findall(r"`(\w+)`", keys), defaults.replace("`", "").split(", "), strict=False))
    wanted = SCHEMA["$defs"]["SettingsSection"]["properties"]
    assert set(shown) == set(wanted)
    known = {key: str(value["default"]) for key, value in wanted.items() if "default" in value}
    assert {key: as_length(shown[key]) for key in known} == {
        key: as_length(text) for key, text in known.items()
    }


def as_length(text: str) -> timedelta | str:
    """72h and 3d are the same."""
    try:
        return parse_duration(text)
    except ValueError:
        return text


def test_a_plugin_that_is_not_installed_is_not_refused() -> None:
    document = value_of(FULL)
    document["carriers"]["acme"] = {"type": "acme", "anything": 1}
    assert VALIDATOR.is_valid(document)


def completed(iodcal: Iodcal, words: str) -> list[str]:
    number = str(len(words.split(" ")) - 1)
    done = iodcal(_IODCAL_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=number)
    assert (done.status, done.err) == (0, "")
    return done.out.split()


def test_the_shell_completes(iodcal: Iodcal) -> None:
    iodcal.write("rules.yaml", FULL.decode())
    iodcal.write("broken.yaml", "circuits: [")
    assert completed(iodcal, "iodcal sch") == ["schema"]
    assert "--window" in completed(iodcal, "iodcal plan --")
    assert completed(iodcal, "iodcal plan --circuit den") == ["den-a"]
    assert completed(iodcal, "iodcal plan --circuit ") == ["den-a", "lon-a"]
    assert completed(iodcal, "iodcal plan --config broken.yaml --circuit ") == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("iodcal hold lon", ["lon-a"]),
        ("iodcal release den-a l", ["lon-a"]),
        ("iodcal explain d", ["den-a"]),
        ("iodcal pause ", ["den-a", "lon-a"]),
        ("iodcal resume d", ["den-a"]),
        ("iodcal report --circuit l", ["lon-a"]),
        ("iodcal --config other.yaml status --circuit ", ["tok-a"]),
        ("iodcal explain --calendar no", ["noc"]),
        ("iodcal help two", ["two-in-the-morning"]),
    ],
)
def test_names_complete_wherever_one_is_typed(iodcal: Iodcal, words: str, found: list[str]) -> None:
    iodcal.write("rules.yaml", FULL.decode())
    iodcal.write("other.yaml", "circuits: {tok-a: {}}")
    assert completed(iodcal, words) == found


def test_zsh_and_fish_complete_as_well(iodcal: Iodcal) -> None:
    iodcal.write("rules.yaml", FULL.decode())
    typed = {"_TYPER_COMPLETE_ARGS": "iodcal hold lon"}
    zsh = iodcal(_IODCAL_COMPLETE="complete_zsh", **typed)
    fish = iodcal(_IODCAL_COMPLETE="complete_fish", _TYPER_COMPLETE_FISH_ACTION="get-args", **typed)
    assert "lon-a" in zsh.out
    assert fish.out.split() == ["lon-a"]
    assert "den-a" not in zsh.out + fish.out


@pytest.mark.parametrize("words", ["iodcal pl", "iodcal plan --circuit "])
def test_completion_imports_nothing_heavy(tmp_path: Path, words: str) -> None:
    (tmp_path / "rules.yaml").write_bytes(FULL)
    code = (
        "import sys, atexit; atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr));"
        "import iodcal.cli.boundary as b; b.run_command([])"
    )
    asked = {"_IODCAL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), **asked},
        check=False,
    )
    assert done.stdout.split() in (["plan"], ["den-a", "lon-a"])
    heavy = ("msal", "requests", "icalendar", "pydantic", "rich.console", "iodcal.config.schema")
    assert [name for name in heavy if f"'{name}'" in done.stderr] == []
