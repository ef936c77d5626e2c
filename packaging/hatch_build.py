"""Puts manual pages and completions into the wheel, where pipx and the system's packages find them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualHook(BuildHookInterface[Any]):
    """Called by hatchling for each wheel; an editable one, for those who work on iodcal, has none."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Writes them and says where they go."""
        if version == "editable":
            return
        root = Path(self.root)
        sys.path[:0] = [str(root), str(root / "packaging")]
        import manual

        share = Path(self.directory) / "share"
        manual.write(share)
        build_data["shared_data"] = {str(share): "share"}
