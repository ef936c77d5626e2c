"""What scripts read of a result."""

from __future__ import annotations

import json
from typing import Any

from iodcal.output.json import View, dump


def plain(view: View) -> Any:
    """The object that `view` is printed as."""
    return json.loads(dump(view))
