"""Runs the shell blocks of a page one after the other, as somebody would who follows it literally.

All blocks of a page share one shell, so that `cd` and variables last. A comment above a block marks it:
`<!-- fresh clone -->` is left out where only the output is checked (it installs, or takes a while),
`<!-- second terminal -->` runs on beside the others (one command).
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SESSION = "<!-- session -->"
_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[a-z ]+) -->\n)?```sh\n(?P<body>.*?)```\n(?:\n```text\n(?P<output>.*?)```\n)?",
    re.DOTALL,
)
_END = "=== the end of a block of the page ==="
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True)
class Block:
    """A shell block, its mark, and where the output that is shown below it stands (None: none is)."""

    body: str
    mark: str
    output: tuple[int, int] | None


def blocks(text: str) -> Iterator[Block]:
    """The shell blocks of a page, in order."""
    for found in _BLOCK.finditer(text):
        shown = found.span("output") if found["output"] is not None else None
        yield Block(found["body"], found["mark"] or "", shown)


def plain_environment() -> dict[str, str]:
    """What a person's shell has, as far as it concerns us, and pip's settings."""
    return {name: os.environ[name] for name in os.environ if name in _KEPT or name.startswith("PIP_")}


def run(some: list[Block], *, inside: Path, environment: Mapping[str, str]) -> list[str]:
    """Runs the blocks in one shell in `inside`; returns what each printed. Raises SystemExit if one fails."""
    with tempfile.TemporaryDirectory() as folder:
        script = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
        script += "".join(
            _beside(block, Path(folder))
            if block.mark == "second terminal"
            else block.body + f"echo '{_END}'\n"
            for block in some
        )
        done = subprocess.run(  # noqa: S603 - the words of our own pages
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=inside,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    printed = [part.removeprefix("\n") for part in done.stdout.split(_END)]
    if done.returncode:
        raise SystemExit(f"a block failed ({done.returncode}); what was printed:\n{done.stdout}")
    return printed[:-1]


def _beside(block: Block, folder: Path) -> str:
    """Starts the one command of `block`, waits for its first words, and lets it run on."""
    said = folder / "said"
    return f"{block.body.strip()} >{said} 2>&1 &\nuntil [ -s {said} ]; do sleep 0.1; done\necho '{_END}'\n"
