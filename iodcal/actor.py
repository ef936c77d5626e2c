"""Which run this is, and on whose behalf: a timer's, or a person's, also behind sudo."""

from __future__ import annotations

import os
import pwd
import uuid
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum

from msgspec import Struct, field

_LONGEST = 64  # of a name that somebody's environment gives


class By(StrEnum):
    PERSON = "person"
    TIMER = "timer"


class Author(Struct, frozen=True):
    """Who started a run. `user` and `uid` are those of the person who called sudo, where sudo was called,
    else those of the process; None where the system does not tell."""

    by: By = field(name="kind")
    user: str | None = None
    uid: int | None = None


class Person(Struct, frozen=True):
    """Who gave a command. `name` is the person's own, `account` the one that the command ran under: the same
    without sudo."""

    name: str
    account: str


def new_run_id() -> str:
    """Names one run, in the state, the history and the log: 16 random hexadecimal digits."""
    return uuid.uuid4().hex[:16]


def real_person(environment: Mapping[str, str] = os.environ) -> Person:
    """Whoever sudo says it works for, else the owner of this process. It is a record, not a proof."""
    user, uid = _of_process()
    account = user or f"uid {uid}"
    before = _before_sudo(environment)
    return Person((before[0] if before else account)[:_LONGEST], account)


def author(environment: Mapping[str, str] = os.environ, *, terminal: bool | None = None) -> Author:
    """Who started this process. Where none of its streams is a terminal, that is a timer."""
    watched = _terminal() if terminal is None else terminal
    user, uid = _before_sudo(environment) or _of_process()
    return Author(By.PERSON if watched else By.TIMER, user, uid)


def _before_sudo(environment: Mapping[str, str]) -> tuple[str, int | None] | None:
    user, uid = environment.get("SUDO_USER", ""), environment.get("SUDO_UID", "")
    number = int(uid) if uid.isascii() and uid.isdecimal() and len(uid) <= 10 else None
    return (user, number) if user else None


def _of_process() -> tuple[str | None, int]:
    uid = os.getuid()
    with suppress(KeyError):  # an account without an entry, as containers have
        return pwd.getpwuid(uid).pw_name, uid
    return None, uid


def _terminal() -> bool:
    """True where a person sits before one of the three streams; the others may lead into a pipe or file.
    Who began a run is another question than who reads it: for that one stdin does not count."""
    return any(_is_terminal(stream) for stream in (0, 1, 2))


def _is_terminal(stream: int) -> bool:
    try:
        return os.isatty(stream)
    except OSError:
        return False
