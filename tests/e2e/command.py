"""Runs `iodcal` as a process of its own, in a folder of its own, with an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.e2e.fork_server import PYTHON, Forked, can_fork, fork_command
from tests.e2e.fork_server import ROOT as ROOT

Process = subprocess.Popen[str] | Forked


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Iodcal:
    """The command in `folder`; `environment` is all it gets besides a path and a home. Where it is not to be
    `forked`, each command starts a Python of its own."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    forked: bool = True

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def start(self, *arguments: str, **more: str) -> Process:
        """Starts the command and does not wait; `more` is added to its environment."""
        return self.run(arguments, environment=self.around(**more))

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        streams: tuple[int, int, int] = (subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE),
        new_session: bool = False,
    ) -> Process:
        """Starts the command with just this `environment`, with `streams` as stdin, stdout and stderr."""
        if self.forked and can_fork(environment):
            return fork_command(
                arguments,
                folder=self.folder,
                environment=environment,
                streams=streams,
                new_session=new_session,
            )
        stdin, stdout, stderr = streams
        return subprocess.Popen(
            [sys.executable, "-m", "iodcal", *arguments],
            cwd=self.folder,
            env=environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            start_new_session=new_session,
        )

    def __call__(self, *arguments: str, **more: str) -> Done:
        """Runs the command to its end; `more` is added to its environment."""
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=120)
        return Done(process.wait(), out, err)

    def copied_to(self, folder: Path) -> Iodcal:
        """The same in `folder`, with all that it did so far; its records name the new place."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        for path in (*folder.glob("state/*.json*"), *folder.glob("sandbox.json")):
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(str(self.folder), str(folder)), encoding="utf-8")
        return replace(self, folder=folder)

    @property
    def state(self) -> Any:
        """What the state file says, wherever the tests' configurations put it."""
        return json.loads((self.folder / "state" / "state.json").read_text(encoding="utf-8"))

    @property
    def circuit_states(self) -> dict[str, Any]:
        """What the state file says of each circuit, by its key."""
        accounts = self.state["circuits"].items()
        return {f"{account}|{id_}": known for account, own in accounts for id_, known in own.items()}

    @property
    def history(self) -> list[Any]:
        path = self.folder / "state" / "history.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def around(self, **more: str) -> dict[str, str]:
        """Its environment."""
        own = {
            **PYTHON,
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
        }
        measured = {name: value for name, value in os.environ.items() if name.startswith("COV")}
        return {**measured, **own, **self.environment, **more}
