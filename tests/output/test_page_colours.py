"""The colours of the page: text can be read on each, and tiers differ in lightness, whatever an eye sees."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from tests.e2e.command import ROOT

_CSS = (ROOT / "iodcal" / "output" / "html" / "page.css").read_text(encoding="utf-8")
_LIGHT, _DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part)) for part in _CSS.split("@media", 2)[:2]
)
_THEMES = pytest.mark.parametrize("theme", [_LIGHT, _DARK], ids=["light", "dark"])


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@_THEMES
def test_text_can_be_read(theme: dict[str, str]) -> None:
    pairs = [(f"i{shade}", f"t{shade}") for shade in range(6)]
    pairs += [
        (ink, paper) for ink in ("ink", "soft", "bad", "good", "warn", "now") for paper in ("card", "paper")
    ]
    pairs += [("ink", paper) for paper in ("event-fill", "core", "lead", "bad-fill", "warn-fill")]
    pairs += [("bad", "bad-fill"), ("warn", "warn-fill"), ("link", "card"), ("link", "paper")]
    poor = [(ink, paper) for ink, paper in pairs if contrast(theme[ink], theme[paper]) < 4.5]
    assert poor == []


@_THEMES
def test_tiers_differ_in_lightness_step_by_step(theme: dict[str, str]) -> None:
    shades = [luminance(theme[f"t{shade}"]) for shade in range(6)]
    assert shades in (sorted(shades), sorted(shades, reverse=True))
    assert all(contrast(theme[f"t{one}"], theme[f"t{other}"]) >= 1.2 for one, other in pairwise(range(6)))
