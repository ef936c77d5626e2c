"""YAML 1.2, interpolation, and secrets."""

from __future__ import annotations

import sys
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from iodcal.config.document import parse_document
from iodcal.config.fields import PositiveLength
from iodcal.config.forms import Section
from iodcal.config.parse import section_of
from iodcal.config.schema import PeakSection
from iodcal.config.secrets import Secret
from iodcal.errors import ConfigurationError, SecretError


def value(text: str, **environment: str) -> Any:
    return parse_document(Path("x.yaml"), f"key: {text}\n".encode(), environment).value["key"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18:30", "18:30"), ("on", "on"), ("no", "no"), ("yes", "yes"), ("off", "off"), ("Y", "Y"),
        ("true", True), ("False", False), ("~", None), ("", None), ("null", None),
        ("12", 12), ("-7", -7), ("0o17", 15), ("0x1f", 31), ("1_000", "1_000"), ("017", 17),
        ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("2026-11-24", "2026-11-24"), ("1:30:00", "1:30:00"),
        ("'12'", "12"), ('"true"', "true"), ("!!str 12", "12"), ("[1, a]", [1, "a"]), ("{a: 1}", {"a": 1}),
        ("|\n  two\n  lines", "two\nlines\n"),
    ],
    ids=str,
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert isinstance(found, bool) is isinstance(expected, bool)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${HOST}", "den"), ("a-${HOST}-b", "a-den-b"), ("${EMPTY}", ""), ("${EMPTY:-x}", "x"), ("${NONE:-x}", "x"),
        ("${NONE:-}", ""), ("$${HOST}", "${HOST}"), ("$HOST", "$HOST"), ("'${HOST}'", "den"), ("${HOST:-x}", "den"),
    ],
)  # fmt: skip
def test_variables_are_filled_in(text: str, expected: str) -> None:
    assert value(text, HOST="den", EMPTY="") == expected


def test_anchors_and_merges_work() -> None:
    text = "x-base: &base {a: 1, b: 2}\none: {<<: *base, b: 3}\ntwo: {<<: [*base, {c: 4}]}\n"
    found = parse_document(Path("x"), text.encode(), {}).value
    assert found["one"] == {"a": 1, "b": 3}
    assert found["two"] == {"a": 1, "b": 2, "c": 4}
    with pytest.raises(ConfigurationError):
        parse_document(Path("x"), b"one: {<<: 1}\n", {})


@pytest.mark.parametrize(
    ("days", "expected"),
    [("mon-fri", "01234"), ("sat,sun", "56"), (["mon", "wed"], "02"), ("fri-mon", "0456"), ("Monday", "0")],
    ids=str,
)
def test_days(days: object, expected: str) -> None:
    peak = section_of(PeakSection, {"days": days, "from": "7:30", "to": "24:00", "bandwidth": "1 Gbps"})
    assert "".join(map(str, sorted(peak.days))) == expected
    assert (peak.start, peak.end) == (time(7, 30), None)


@pytest.mark.parametrize(
    "change", [{"from": "24:00"}, {"days": []}, {"days": 5}, {"days": "mon-"}, {"to": 18}]
)
def test_what_is_no_peak(change: dict[str, object]) -> None:
    given = {"days": "mon", "from": "07:30", "to": "18:30", "bandwidth": "1 Gbps"}
    with pytest.raises(ValueError, match=r"wanted|24:00|no day"):
        section_of(PeakSection, {**given, **change})


def resolve(given: object, folder: Path, *, trusted: bool = True) -> str:
    return Secret.parse(given, trusted=trusted).resolve(folder).reveal()


def test_secrets_of_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", " 007\n")
    (tmp_path / "file").write_text("from file\r\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    command = f"{sys.executable} -c \"print('from command')\""
    assert resolve({"env": "A_SECRET"}, tmp_path) == " 007"
    assert resolve({"file": "file"}, tmp_path) == "from file"
    assert resolve({"credential": "file"}, tmp_path) == "from file"
    assert resolve({"command": command}, tmp_path) == "from command"
    assert resolve("literal", tmp_path) == "literal"
    several = [{"env": "NOT_SET"}, {"file": "file"}, "literal"]
    assert resolve(several, tmp_path) == "from file"
    assert [one.reveal() for one in Secret.parse(several).candidates(tmp_path)] == ["from file", "literal"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"env": "NOT_SET"}, "secret_env_missing"),
        ({"env": "EMPTY"}, "secret_empty"),
        ({"file": "gone"}, "secret_unreadable"),
        ({"file": "binary"}, "secret_unreadable"),
        ({"credential": "x"}, "secret_no_credentials"),
        ({"command": "/bin/false"}, "secret_command_failed"),
        ({"command": "/does/not/exist"}, "secret_command_failed"),
        ({"command": "'"}, "secret_command_failed"),
        ([{"env": "NOT_SET"}, {"file": "gone"}], "secret_unreadable"),
    ],
    ids=str,
)
def test_secrets_that_do_not_resolve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: object, code: str
) -> None:
    monkeypatch.setenv("EMPTY", "\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SecretError) as caught:
        resolve(given, tmp_path)
    assert caught.value.code == code


def test_a_command_is_not_run_from_a_file_that_others_can_write(tmp_path: Path) -> None:
    with pytest.raises(SecretError) as caught:
        resolve({"command": "/bin/true"}, tmp_path, trusted=False)
    assert caught.value.code == "secret_command_untrusted"


@pytest.mark.parametrize(
    "given", [{}, {"env": ""}, {"env": "A", "file": "b"}, {"vault": "x"}, 7, [], "", None], ids=str
)
def test_what_is_no_secret(given: object) -> None:
    with pytest.raises(ValueError, match="secret"):
        Secret.parse(given)


def test_a_secret_never_shows_itself(tmp_path: Path) -> None:
    secret = Secret.parse(["hunter2", {"env": "NAME"}])
    shown = (
        f"{secret!r} {secret} {secret.references!r} {secret.resolve(tmp_path)!r} {secret.resolve(tmp_path)}"
    )
    assert "hunter2" not in shown
    assert "env NAME" in shown


def test_values_that_are_values_already_pass() -> None:
    class One(Section, frozen=True):
        length: PositiveLength

    assert section_of(One, {"length": section_of(One, {"length": "5m"}).length}).length.seconds == 300
