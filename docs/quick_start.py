"""Runs both Quick start blocks of the README, each in a fresh copy of the repository, as a newcomer would.

Exits with 1, showing what was printed, if a block fails or leaves nothing to see.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE")


def shell_blocks(readme: str) -> list[str]:
    """The shell blocks of the section *Quick start*, in order."""
    section = readme.split("\n## Quick start", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)


def run_block(block: str, *, inside: Path) -> str:
    """Runs `block` in a fresh copy of what git tracks; returns what it printed. Raises on failure."""
    subprocess.run(["git", "clone", "--quiet", str(_ROOT), str(inside)], check=True)  # noqa: S603, S607 - git
    environment = {name: os.environ[name] for name in os.environ if name in _KEPT or name.startswith("PIP_")}
    done = subprocess.run(  # noqa: S603 - the README's own words
        ["/bin/bash", "-euo", "pipefail", "-c", block],
        cwd=inside,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}"
        raise SystemExit(f"Quick start block failed ({done.returncode}):\n{block}\n{said}")
    return done.stdout


def main() -> None:
    """Both blocks, one after the other."""
    first, second = shell_blocks((_ROOT / "README.md").read_text(encoding="utf-8"))[:2]
    with tempfile.TemporaryDirectory() as folder:
        shown = run_block(first, inside=Path(folder) / "main-job")
        if "den-a" not in shown:
            raise SystemExit(f"the first block shows no circuit:\n{shown}")
        tested = run_block(second, inside=Path(folder) / "tests")
        if " passed" not in tested:
            raise SystemExit(f"the second block ran no test:\n{tested}")
    sys.stdout.write("both Quick start blocks work in a fresh clone\n")


if __name__ == "__main__":
    main()
