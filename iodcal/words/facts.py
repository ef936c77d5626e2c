"""Facts into words: a template filled in, whatever is missing."""

from __future__ import annotations

from collections.abc import Mapping

from iodcal.problems.kinds import Fact
from iodcal.words import Words


class _Facts(dict[str, Fact]):
    """A missing fact leaves a gap in the text instead of raising an error about an error."""

    def __missing__(self, name: str) -> str:
        return "?"


def fill(words: Words, facts: Mapping[str, Fact]) -> Words:
    """`words` with `facts` in their places."""
    told = _Facts({name: "?" if fact is None else fact for name, fact in facts.items()})
    return Words(words.message.format_map(told), words.remedy.format_map(told))
