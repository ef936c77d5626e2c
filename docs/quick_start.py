"""Runs both Quick start blocks of the README and the tutorial, each in a fresh copy of the repository, as a
newcomer would.

Exits with 1, showing what was printed, if a block fails or leaves nothing to see.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import sessions
from sessions import Block

_ROOT = Path(__file__).parent.parent
_TUTORIAL = _ROOT / "docs" / "tutorial" / "first-change.md"


def quick_start_blocks(readme: str) -> list[Block]:
    """The shell blocks of the section *Quick start*, in order."""
    section = readme.split("\n## Quick start", 1)[1].split("\n## ", 1)[0]
    return list(sessions.blocks(section))


def printed_by(some: list[Block], *, inside: Path) -> str:
    """Runs the blocks in a fresh copy of what git tracks. Raises SystemExit if one fails."""
    subprocess.run(["git", "clone", "--quiet", str(_ROOT), str(inside)], check=True)  # noqa: S603, S607 - git
    return "".join(sessions.run(some, inside=inside, environment=sessions.plain_environment()))


def require(wanted: str, printed: str, what: str) -> None:
    """Raises SystemExit where `wanted` was not printed."""
    if wanted not in printed:
        raise SystemExit(f"{what} printed no {wanted!r}:\n{printed}")


def main() -> None:
    """Both blocks and the tutorial, one after the other."""
    first, second = quick_start_blocks((_ROOT / "README.md").read_text(encoding="utf-8"))[:2]
    tutorial = list(sessions.blocks(_TUTORIAL.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        require("den-a", printed_by([first], inside=Path(folder) / "main-job"), "the first block")
        require("lon-a", printed_by(tutorial, inside=Path(folder) / "tutorial"), "the tutorial")
        tested = printed_by([second], inside=Path(folder) / "tests")
        require(" passed", tested, "the second block")
        sys.stdout.write(tested.splitlines()[-1] + "\n")
    sys.stdout.write("both Quick start blocks and the tutorial work in a fresh clone\n")


if __name__ == "__main__":
    main()
