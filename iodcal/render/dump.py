"""JSON as it is printed."""

from __future__ import annotations

import json
from typing import Any


def dump(document: dict[str, Any]) -> str:
    """One object as text; plain ASCII, so that no title can play tricks on a terminal."""
    return json.dumps(document, indent=2, ensure_ascii=True)
