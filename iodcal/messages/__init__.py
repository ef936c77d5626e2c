"""Errors, problems and findings in words, each with its remedy: facts come in, sentences come out."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from iodcal.domain.structs import Fact


class _Facts(dict[str, Fact]):
    """A missing fact leaves a gap in the text instead of raising an error about an error."""

    def __missing__(self, name: str) -> str:
        return "?"


def fill(words: Words, facts: Mapping[str, Fact]) -> Words:
    """`words` with `facts` in their places."""
    told = _Facts({name: "?" if fact is None else fact for name, fact in facts.items()})
    return Words(words.message.format_map(told), words.remedy.format_map(told))


def counted(number: int, noun: str, nouns: str = "") -> str:
    """`1 circuit`, `2 circuits`; `nouns` where the plural has more than an `s`."""
    return f"{number} {noun}" if number == 1 else f"{number} {nouns or noun + 's'}"


class Words(Struct, frozen=True):
    """`message` says what is wrong, `remedy` what to do about it. Both are one line, without a full stop
    at the end of a single sentence."""

    message: str
    remedy: str


CONFIGURATION = Words(
    "The configuration is wrong", "Correct what the faults name; iodcal check reads the file again"
)
"""Stands here since a fault of the configuration needs no other words."""
