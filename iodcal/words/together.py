"""Words for the problems of one run beside each other: what is the same of many is told once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from iodcal.domain.problems import Kind, Problem
from iodcal.words import Words
from iodcal.words.problems import describe, own_words

_NAMED = 3  # calendars in one line; one more is no longer than "1 more"


def describe_together(problems: Iterable[Problem]) -> Iterator[tuple[Problem, Words]]:
    """`problems` in their order, with their words. Calendars that cannot be read for the very same reason, as
    where one login serves many mailboxes, are told as one: it comes with the first of them."""
    alike: dict[str | Words, list[Problem]] = {}
    for problem in problems:
        unreadable = problem.kind is Kind.CALENDAR_UNREADABLE
        alike.setdefault(own_words(problem) if unreadable else problem.id, []).append(problem)
    for same in alike.values():
        yield same[0], describe(same[0]) if len(same) == 1 else _of_calendars(same)


def _of_calendars(problems: Sequence[Problem]) -> Words:
    own = own_words(problems[0])
    places = _named([problem.where for problem in problems])
    return Words(f"The calendars {places} cannot be read: {own.message}", own.remedy)


def _named(places: Sequence[str]) -> str:
    if len(places) <= _NAMED + 1:
        return f"{', '.join(places[:-1])} and {places[-1]}"
    return f"{', '.join(places[:_NAMED])} and {len(places) - _NAMED} more"
