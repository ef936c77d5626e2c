"""Unpacks the zipapp once, for this user, and runs what was unpacked."""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path


def unpacked() -> Path:
    """Where the packages lie; a folder that is there was renamed there whole."""
    with zipfile.ZipFile(Path(__file__).parent) as archive:
        mark = archive.read("mark").decode("ascii").strip()
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "iodcal"
        home = cache / mark
        if not home.is_dir():
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=cache))
            archive.extractall(fresh)
            with suppress(OSError):  # another command was faster
                fresh.rename(home)
        if home.stat().st_uid != os.getuid():
            raise SystemExit(f"iodcal: {home} belongs to somebody else; remove it")
        return home / "packages"


sys.path.insert(0, str(unpacked()))

from iodcal.cli import main  # noqa: E402 - it is there only now

main()
