"""Looks the locked packages up in an advisory database, where this machine reaches one.

Exits with 1 if any of them has a known vulnerability; says so where nothing could be looked up.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_LOCK = Path(__file__).parent.parent / "requirements.lock"


def look_up() -> list[dict[str, Any]] | None:
    """What is known of each locked package; None where no database answered."""
    command = ["pip-audit", "--requirement", str(_LOCK), "--require-hashes", "--format", "json"]
    command += ["--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return packages


def main() -> int:
    """One line, and one more for each vulnerability."""
    packages = look_up() or []
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        sys.stdout.write("audit: no advisory database was reached, nothing was looked up\n")
        return 0
    known = [(package, fault) for package in audited for fault in package["vulns"]]
    for package, fault in known:
        sys.stdout.write(f"audit: {package['name']} {package['version']}: {fault['id']}\n")
    sys.stdout.write(f"audit: {len(audited)} packages looked up, {len(known)} vulnerabilities\n")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
