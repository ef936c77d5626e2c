"""Who started a run: a person, also behind sudo, or a timer."""

from __future__ import annotations

import os
import pwd

import pytest

from iodcal.actor import Author, By, author

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize(
    ("environment", "terminal", "found"),
    [
        ({}, True, Author(By.PERSON, ME, os.getuid())),
        ({}, False, Author(By.TIMER, ME, os.getuid())),
        ({"SUDO_USER": "pat", "SUDO_UID": "1004"}, True, Author(By.PERSON, "pat", 1004)),
        ({"SUDO_USER": "pat", "SUDO_UID": "1004"}, False, Author(By.TIMER, "pat", 1004)),
        ({"SUDO_USER": "pat"}, True, Author(By.PERSON, "pat", None)),
        ({"SUDO_USER": "pat", "SUDO_UID": "-1"}, True, Author(By.PERSON, "pat", None)),
        ({"SUDO_USER": "pat", "SUDO_UID": "9" * 40}, True, Author(By.PERSON, "pat", None)),
        ({"SUDO_USER": "", "SUDO_UID": "0"}, True, Author(By.PERSON, ME, os.getuid())),
    ],
)
def test_who(environment: dict[str, str], terminal: bool, found: Author) -> None:
    assert author(environment, terminal=terminal) == found


def test_an_account_without_a_name_has_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> object:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert author({}, terminal=True) == Author(By.PERSON, None, os.getuid())


@pytest.mark.parametrize(("terminals", "by"), [((), By.TIMER), ((0,), By.PERSON), ((2,), By.PERSON)])
def test_one_stream_on_a_terminal_is_enough(
    monkeypatch: pytest.MonkeyPatch, terminals: tuple[int, ...], by: By
) -> None:
    monkeypatch.setattr(os, "isatty", lambda stream: stream in terminals)
    assert author({}).by is by


def test_a_closed_stream_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: int) -> bool:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(os, "isatty", closed)
    assert author({}).by is By.TIMER
