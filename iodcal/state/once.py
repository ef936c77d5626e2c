"""A doubt that no run's problems hold, told once and every few hours, and not with every run."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from iodcal.store.files import replace_file


class Once(Struct, frozen=True):
    """Remembers in the file at `path` what was told when."""

    path: Path
    again_after: timedelta

    def is_news(self, text: str, now: datetime) -> bool:
        """True if `text` was not told lately (`now` in UTC), or if nobody can remember."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            note = json.loads(self.path.read_bytes())
            if note["text"] == text and now - datetime.fromisoformat(note["at"]) < self.again_after:
                return False
        with contextlib.suppress(OSError):
            replace_file(self.path, json.dumps({"at": now.isoformat(), "text": text}).encode("ascii"))
        return True

    def is_over(self) -> None:
        """Forgets what was told: it would be news again."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
