"""The reference page holds every metric, with the words of its HELP line."""

from __future__ import annotations

import os
import re

from iodcal.metrics.families import FAMILIES
from tests.e2e.command import ROOT

PAGE = ROOT / "docs" / "reference" / "metrics.md"
TABLE = re.compile(r"<!-- metrics -->\n(.*?)<!-- /metrics -->", re.DOTALL)


def rows() -> str:
    head = "| metric | labels | meaning |\n|---|---|---|\n"
    told = (
        f"| `{family.name}` | {', '.join(f'`{label}`' for label in family.labels)} | {family.help} |\n"
        for family in FAMILIES
    )
    return head + "".join(told)


def test_the_page_lists_every_metric() -> None:
    """`IODCAL_UPDATE_GOLDEN=1 pytest tests/metrics` writes the table anew."""
    text = PAGE.read_text(encoding="utf-8")
    if os.environ.get("IODCAL_UPDATE_GOLDEN"):
        text = TABLE.sub(f"<!-- metrics -->\n{rows()}<!-- /metrics -->", text)
        PAGE.write_text(text, encoding="utf-8")
    found = TABLE.search(text)
    assert found is not None
    assert found[1] == rows()


def test_names_follow_the_convention() -> None:
    for family in FAMILIES:
        assert family.name.startswith("iodcal_")
        assert family.help.endswith((".", "; always 1.", "never."))
        assert not re.search(r"(mbps|minutes|hours|days|milliseconds|_total)$", family.name)
        assert family.name.endswith("_info") == ("always 1" in family.help)
