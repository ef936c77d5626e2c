"""Templates of a webhook's body: JSON in which `$name` stands for a value of the notice.

A value is put in as JSON, quotes and escapes included, so that no title can end a string and begin a key.
"""

from __future__ import annotations

import json
import os
import re
import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from iodcal.domain.time import moment
from iodcal.notify import Notice, NoticeKind

NAMES = (
    "at",
    "change",
    "circuits",
    "host",
    "id",
    "installation",
    "kind",
    "remedy",
    "run_id",
    "severity",
    "text",
    "title",
)


class Template(Struct, frozen=True):
    """A template that has been tried: whatever is put in, JSON comes out."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Template:
        """Raises ValueError for a name that nothing stands for, or where no JSON would come out."""
        template = string.Template(text)
        if not template.is_valid():
            line = _line_of_dollar(text)
            raise ValueError(f"a $ stands alone (line {line}): write $$ for a dollar")
        try:
            names = template.get_identifiers()
            unknown = [name for name in names if name not in NAMES]
            if unknown:
                raise ValueError(f"${unknown[0]} stands for nothing (known here: {', '.join(NAMES)})")
            cls(text).fill(_SAMPLE)
        except json.JSONDecodeError as error:
            message = f"no JSON comes of it: {error.msg} (line {error.lineno}); values bring their own quotes"
            raise ValueError(message) from None
        return cls(text)

    def fill(self, notice: Notice) -> Any:
        """The document for `notice`."""
        quoted = {name: json.dumps(value) for name, value in values_of(notice).items()}
        return json.loads(string.Template(self.text).substitute(quoted))


def _line_of_dollar(text: str) -> int:
    """The line of the first `$` that begins no name."""
    found = re.search(r"(?<!\$)(?:\$\$)*\$(?![\w{$])", text, re.ASCII)
    return text.count("\n", 0, found.end()) + 1 if found else 1


def values_of(notice: Notice) -> Mapping[str, Any]:
    """What a webhook is told, by the names that a template may use."""
    return {
        "at": moment(notice.at),
        "change": asdict(notice.change) if notice.change is not None else None,
        "circuits": list(notice.circuits),
        "host": os.uname().nodename,
        "id": notice.id,
        "installation": notice.installation,
        "kind": str(notice.kind),
        "remedy": notice.remedy,
        "run_id": notice.run_id,
        "severity": notice.severity,
        "text": notice.text,
        "title": notice.title,
    }


_SAMPLE = Notice(
    NoticeKind.PROBLEM,
    "clock:clock",
    severity="error",
    title='a "title"',
    text="a text",
    at=datetime(2026, 1, 1, tzinfo=UTC),
    run_id="0" * 16,
)
