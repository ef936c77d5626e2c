"""Words for a problem that was written down, perhaps by a later version."""

from __future__ import annotations

from collections.abc import Mapping

from iodcal.domain.problems import Fact, Kind, Problem
from iodcal.words import Words
from iodcal.words.problems import describe


def describe_recorded(id_: str, facts: Mapping[str, Fact]) -> Words:
    """What to tell of a problem by its id and facts; of a kind that is not known its id alone."""
    kind, _, place = id_.partition(":")
    try:
        return describe(Problem(Kind(kind), place, facts))
    except ValueError:
        return Words(f"{kind} {place}".rstrip(), "")
