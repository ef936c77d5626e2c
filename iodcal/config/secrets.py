"""Secrets: references in the configuration, resolved as late as can be, opaque once resolved."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from iodcal.bounds import read_bytes
from iodcal.domain.structs import Opaque
from iodcal.errors import SecretError
from iodcal.paths import expanded
from iodcal.redaction import remember_secrets

_KINDS = ("env", "file", "credential", "command")
_NAMES = {
    "env": re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}"),
    "file": re.compile(r"(?!.*[a-z]://|-----BEGIN)[^\0-\x1f]{1,1024}", re.IGNORECASE),
    "credential": re.compile(r"[\w.@-][\w.@: -]{0,127}"),
    "command": re.compile(r"(?![a-z]+://|-----BEGIN)[^\0]+", re.IGNORECASE),
}
_MEANT = {
    "env": "env is the name of an environment variable",
    "file": "file is a path",
    "credential": "credential is the name of a credential",
    "command": "command is a programme and its words",
}
_COMMAND_SECONDS = 20
_PIPE_SECONDS = 5.0
_MOST_BYTES = 1024 * 1024


# As JSON Schema, for editors; `_reference` decides.
_SHAPE: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {
            "type": "object",
            "properties": {
                "env": {"type": "string", "description": "An environment variable."},
                "file": {"type": "string", "description": "A file that holds it."},
                "credential": {"type": "string", "description": "A credential of systemd (LoadCredential=)."},
                "command": {"type": "string", "description": "A command that prints it; no shell."},
                "expires": {
                    "type": "string",
                    "pattern": r"^\d{4}-\d{2}-\d{2}$",
                    "description": "The last day on which it is good: iodcal doctor warns 30 days before.",
                },
            },
            "oneOf": [{"required": [kind]} for kind in _KINDS],
            "additionalProperties": False,
        },
    ]
}


class SecretValue(Opaque, frozen=True):
    """A resolved secret; only `reveal` shows it. From then on redaction knows it, whoever gets it."""

    _text: str

    def reveal(self) -> str:
        remember_secrets(self._text)
        return self._text

    def peek(self) -> str:
        """The text, without telling redaction: for a value that may turn out to be no secret, as a path is
        none. Whoever finds that it is one calls `reveal`."""
        return self._text

    def __repr__(self) -> str:
        return "SecretValue(***)"


class Reference(Opaque, frozen=True):
    """One place where a secret is: `kind` is env, file, credential, command or literal; `expires` is the
    last day on which it is good, None where nobody said."""

    kind: str
    name: str
    expires: date | None = None

    @property
    def shown(self) -> str:
        """The reference in words, without the secret. A command's words may hold one: only a digest of them
        tells one command from another."""
        match self.kind:
            case "literal":
                return "a literal"
            case "command":
                return f"command #{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"
            case _:
                return f"{self.kind} {self.name}"

    def __repr__(self) -> str:
        return f"Reference({self.shown})"

    def resolve(self, directory: Path, *, trusted: bool) -> SecretValue:
        """The secret. `trusted` says that nobody but the caller can have written the configuration.

        Raises SecretError.
        """
        text = self._text(directory, trusted=trusted)
        if text.endswith("\n"):
            text = text.removesuffix("\n").removesuffix("\r")
        if not text:
            raise SecretError("secret_empty", reference=self.shown)
        return SecretValue(text)

    def _text(self, directory: Path, *, trusted: bool) -> str:
        match self.kind:
            case "env":
                return self._of_environment()
            case "file":
                return self._of_file(directory / expanded(self.name))
            case "credential":
                folder = os.environ.get("CREDENTIALS_DIRECTORY")
                if not folder:
                    raise SecretError("secret_no_credentials", reference=self.shown)
                return self._of_file(Path(folder) / self.name)
            case "command":
                return self._of_command(directory, trusted=trusted)
            case _:
                return self.name

    def _of_environment(self) -> str:
        text = os.environ.get(self.name)
        if text is None:
            raise SecretError("secret_env_missing", reference=self.shown)
        return text

    def _of_file(self, path: Path) -> str:
        try:
            return read_bytes(path, _MOST_BYTES, pipe_seconds=_PIPE_SECONDS).decode("utf-8")
        except OSError as error:
            raise SecretError("secret_unreadable", reference=self.shown, reason=error.strerror) from None
        except UnicodeDecodeError:
            raise SecretError("secret_unreadable", reference=self.shown, reason="not UTF-8 text") from None

    def _of_command(self, directory: Path, *, trusted: bool) -> str:
        if not trusted:
            raise SecretError("secret_command_untrusted", reference="command")
        try:
            done = subprocess.run(  # noqa: S603 - the user's own command, no shell, from a file only they write
                shlex.split(self.name),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_COMMAND_SECONDS,
                check=True,
            )
            return done.stdout.decode("utf-8")
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            reason = type(error).__name__
            raise SecretError("secret_command_failed", reference="command", reason=reason) from None


class Secret(Opaque, frozen=True):
    """A secret as the configuration refers to it: `{env: NAME}`, `{file: path}`, `{credential: name}`,
    `{command: "..."}`, a list of these, or a literal. `trusted` is put in by the loader."""

    SHAPE: ClassVar[dict[str, Any]] = {"anyOf": [_SHAPE, {"type": "array", "items": _SHAPE, "minItems": 1}]}

    references: tuple[Reference, ...]
    trusted: bool = True

    @property
    def literal(self) -> bool:
        """True if the secret itself stands in the configuration."""
        return any(reference.kind == "literal" for reference in self.references)

    @property
    def shown(self) -> str:
        """The references in words, without any secret."""
        return ", ".join(reference.shown for reference in self.references)

    def __repr__(self) -> str:
        return f"Secret({self.shown})"

    def resolve(self, directory: Path) -> SecretValue:
        """The first that resolves; relative paths start at `directory`. Raises SecretError."""
        return next(self.candidates(directory))

    def candidates(self, directory: Path) -> Iterator[SecretValue]:
        """Each that resolves, in turn. Raises SecretError once none is left and none was found."""
        found, failure = False, SecretError("secret_empty", reference=self.shown)
        for reference in self.references:
            try:
                value = reference.resolve(directory, trusted=self.trusted)
            except SecretError as error:
                failure = error
                continue
            found = True
            yield value
        if not found:
            raise failure

    @classmethod
    def parse(cls, value: object, *, trusted: bool = True) -> Secret:
        """Reads what stands in the configuration. Raises ValueError, which never names the value."""
        entries = value if isinstance(value, list) else [value]
        if not entries:
            raise ValueError("an empty list names no secret")
        return cls(tuple(_reference(entry) for entry in entries), trusted=trusted)


def _reference(entry: object) -> Reference:
    if isinstance(entry, str) and entry:
        return Reference("literal", entry)
    if isinstance(entry, dict):
        places = {kind: name for kind, name in entry.items() if kind != "expires"}
        kind, name = next(iter(places.items()), ("", None))
        if len(places) == 1 and kind in _KINDS and isinstance(name, str) and name:
            _check_name(kind, name)
            return Reference(kind, name, _expires(entry.get("expires")))
    raise ValueError(
        "a secret is {env: NAME}, {file: path}, {credential: name}, {command: ...}, a list of these, "
        "or a quoted text"
    )


def _check_name(kind: str, name: str) -> None:
    """Raises ValueError for what is no name of that kind: it may be the secret itself, in the wrong place,
    and must not be shown as a name."""
    if _NAMES[kind].fullmatch(name) is None:
        raise ValueError(f"{_MEANT[kind]} (what stands there is not shown: it may be the secret itself)")


def _expires(day: object) -> date | None:
    if day is None:
        return None
    try:
        return date.fromisoformat(day if isinstance(day, str) else "")
    except ValueError:
        raise ValueError("expires is a day such as 2027-01-31: the last one on which it is good") from None
