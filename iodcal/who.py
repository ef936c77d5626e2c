"""Who gave a command: the real person, also behind sudo, and the account that it ran under."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass

_LONGEST = 64


@dataclass(frozen=True, slots=True)
class Person:
    """`name` is the person's own, `account` the one that the command ran under: the same without sudo."""

    name: str
    account: str


def real_person(environment: Mapping[str, str] = os.environ) -> Person:
    """Whoever sudo says it works for, else the owner of this process. It is a record, not a proof."""
    account = _account()
    return Person((environment.get("SUDO_USER") or account)[:_LONGEST], account)


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
