"""The conditions of a rule: a row for each key of `match`, and `Conditions`, which holds what a rule gives.

The loader reads the keys by the rows, matching judges by them, and explaining shows the very judgement: so
none can drift from another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import time, timedelta
from enum import Enum, auto
from functools import cache, partial
from typing import Any

from msgspec import Struct

from iodcal.domain.events import Event, Span, Timed
from iodcal.domain.judges import (
    AT_LOCATION,
    ATTENDEES,
    FLAG,
    HAS_KEYWORD,
    HAS_NO_KEYWORD,
    HAS_PATTERN,
    IN_CATEGORY,
    IS_SHOWN_AS,
    LENGTH,
    OF_SENSITIVITY,
    ON_BUSINESS_DAYS,
    ON_DAYS,
    ORGANIZED_BY,
    WITHIN,
    Condition,
    Input,
    Judge,
    Search,
    Start,
    find_weekday,
)
from iodcal.domain.structs import replace
from iodcal.domain.text_match import Keyword, Pattern, SearchBudget
from iodcal.domain.workdays import Place


class ValueKind(Enum):
    """What stands at a key of `match`."""

    KEYWORDS = auto()
    PATTERN = auto()
    TEXTS = auto()
    ORGANIZERS = auto()
    FLAG = auto()
    COUNT = auto()
    LENGTH = auto()
    POSITIVE_LENGTH = auto()
    DAYS = auto()
    BUSINESS_DAYS = auto()
    HOLIDAYS = auto()
    START_OF_DAY = auto()
    END_OF_DAY = auto()


class Row(Struct, frozen=True):
    """A key of `match`: its name, what stands there, what it means in one line, and how it judges; None where
    it only bears on another key's condition."""

    key: str
    kind: ValueKind
    meaning: str
    judge: Judge | None


def _row(kind: ValueKind, judge: Judge | None, meaning: str, *, key: str = "") -> Mapping[str, Any]:
    return {"row": Row(key, kind, meaning, judge)}


@dataclass(frozen=True, slots=True)
class Conditions:
    """A rule's `match`: every given condition must hold, a list holds if any of its entries does.

    Empty tuples and None are conditions that are not given. Addresses and `@domain` entries of `organizer`
    are case-folded. `days` counts Monday as 0; with `holidays_as_sunday` a holiday is one of its Sundays.
    `business_days` are numbers in the month. `compiled` are the given ones, by what they look at.
    """

    subject: tuple[Keyword, ...] = field(
        default=(),
        metadata=_row(
            ValueKind.KEYWORDS,
            HAS_KEYWORD,
            "Keywords, one of which must be in the subject as whole words.",
        ),
    )
    subject_regex: Pattern | None = field(
        default=None,
        metadata=_row(ValueKind.PATTERN, HAS_PATTERN, "A regular expression that is found in the subject."),
    )
    not_subject: tuple[Keyword, ...] = field(
        default=(),
        metadata=_row(
            ValueKind.KEYWORDS,
            HAS_NO_KEYWORD,
            "Keywords, none of which may be in the subject.",
        ),
    )
    plurals: bool | None = field(
        default=None,
        metadata=_row(
            ValueKind.FLAG,
            None,
            "Whether keywords of subject may stand in the plural, English or German.",
        ),
    )
    location: tuple[Keyword, ...] = field(
        default=(),
        metadata=_row(ValueKind.KEYWORDS, AT_LOCATION, "Keywords, one of which must be in the location."),
    )
    categories: tuple[str, ...] = field(
        default=(), metadata=_row(ValueKind.TEXTS, IN_CATEGORY, "It must have one of these categories.")
    )
    organizer: tuple[str, ...] = field(
        default=(),
        metadata=_row(
            ValueKind.ORGANIZERS,
            ORGANIZED_BY,
            "Addresses or @domain entries, one of which must be its organizer's.",
        ),
    )
    show_as: tuple[str, ...] = field(
        default=(),
        metadata=_row(ValueKind.TEXTS, IS_SHOWN_AS, "It must show its time as one of these, such as busy."),
    )
    sensitivity: tuple[str, ...] = field(
        default=(),
        metadata=_row(ValueKind.TEXTS, OF_SENSITIVITY, "It must be one of these, such as normal."),
    )
    online_meeting: bool | None = field(
        default=None,
        metadata=_row(
            ValueKind.FLAG,
            FLAG(lambda event: event.online_meeting),
            "Whether it must be an online meeting, or must not.",
        ),
    )
    min_attendees: int | None = field(
        default=None,
        metadata=_row(
            ValueKind.COUNT, ATTENDEES, "So many must be invited; a distribution list counts as one."
        ),
    )
    all_day: bool | None = field(
        default=None,
        metadata=_row(
            ValueKind.FLAG,
            FLAG(lambda event: event.all_day),
            "Whether it must be an all-day event, or must not.",
        ),
    )
    longer_than: timedelta | None = field(
        default=None,
        metadata=_row(
            ValueKind.LENGTH,
            LENGTH(accepts=lambda wanted, seen: seen > wanted),
            "It must be really longer.",
        ),
    )
    shorter_than: timedelta | None = field(
        default=None,
        metadata=_row(
            ValueKind.POSITIVE_LENGTH,
            LENGTH(accepts=lambda wanted, seen: seen < wanted),
            "It must be really shorter.",
        ),
    )
    days: frozenset[int] = field(
        default_factory=frozenset,
        metadata=_row(
            ValueKind.DAYS,
            ON_DAYS(look=partial(find_weekday, as_sunday=False)),
            "It must start on one of these days, in the circuit's zone.",
        ),
    )
    start_from: time | None = field(
        default=None,
        metadata=_row(
            ValueKind.START_OF_DAY,
            WITHIN,
            "It must start at this time of day or later, in the circuit's zone.",
            key="from",
        ),
    )
    start_to: time | None = field(
        default=None,
        metadata=_row(
            ValueKind.END_OF_DAY,
            None,
            "It must start before this time of day, in the circuit's zone.",
            key="to",
        ),
    )
    business_days: frozenset[int] = field(
        default_factory=frozenset,
        metadata=_row(
            ValueKind.BUSINESS_DAYS,
            ON_BUSINESS_DAYS,
            "It must start on such a business day of the month: 1 is the first, -1 the last.",
        ),
    )
    holidays_as_sunday: bool = field(
        default=False,
        metadata=_row(
            ValueKind.HOLIDAYS,
            None,
            "as_sunday: a holiday counts as a Sunday among days; or ignored.",
            key="holidays",
        ),
    )
    compiled: Mapping[Input, tuple[Condition, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given = tuple(self._compile())
        by_input = {look: tuple(one for one in given if one.judge.input is look) for look in Input}
        object.__setattr__(self, "compiled", by_input)

    def _compile(self) -> Iterator[Condition]:
        for name, row in rows().items():
            wanted = getattr(self, name)
            if row.judge is None:
                continue
            if name == "start_from":
                if (wanted, self.start_to) != (None, None):
                    yield Condition(self._bounds_key, (wanted, self.start_to), row.judge)
            elif name == "days" and wanted and self.holidays_as_sunday:
                yield Condition(row.key, wanted, ON_DAYS(look=partial(find_weekday, as_sunday=True)))
            elif wanted is not None and wanted not in ((), frozenset()):
                yield Condition(row.key, wanted, row.judge)

    @property
    def _bounds_key(self) -> str:
        return "from" if self.start_to is None else "to" if self.start_from is None else "from, to"


@cache
def rows() -> Mapping[str, Row]:
    """The rows of the table, by the field of `Conditions` that holds what is given."""
    made = {}
    for given in fields(Conditions):
        if given.init:
            row: Row = given.metadata["row"]
            made[given.name] = row if row.key else replace(row, key=given.name)
    return made


def judge_event(
    conditions: Conditions, event: Event, budget: SearchBudget
) -> Iterator[tuple[Condition, Any]]:
    """Each condition that is the same for every circuit, with what it looks at; the slow ones last."""
    for condition in conditions.compiled[Input.EVENT]:
        yield condition, event
    # A floating span may be an hour longer or shorter where the clock changes.
    if isinstance(event.span, Timed):
        length = event.span.end - event.span.start
        for condition in conditions.compiled[Input.LENGTH]:
            yield condition, length
    for condition in conditions.compiled[Input.SEARCH]:
        yield condition, Search(event.subject, budget)


def judge_at(conditions: Conditions, span: Span, place: Place) -> Iterator[tuple[Condition, Any]]:
    """Each condition on length and local time, with what it looks at for an event at `span`, at `place`."""
    inside = span.within(place.zone)
    for condition in conditions.compiled[Input.LENGTH]:
        yield condition, inside.end - inside.start
    if conditions.compiled[Input.START]:
        start = Start(inside.start.astimezone(place.zone), place.holidays)
        for condition in conditions.compiled[Input.START]:
            yield condition, start
