"""The conditions of a rule: a row for each key of `match`, and `Conditions`, which holds what a rule gives.

A row says what the condition looks at, when that is accepted, and how both are shown. The loader reads the
keys by it, matching judges by it, and explaining shows the very judgement: so none can drift from another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from functools import cache, partial
from typing import Any

from msgspec import Struct

from iodcal.domain.durations import format_duration
from iodcal.domain.events import SHOWN_AS, Event, Span, Timed
from iodcal.domain.keywords import Keyword, normalise
from iodcal.domain.patterns import Budget, Pattern, TooSlowError
from iodcal.domain.values import replace
from iodcal.domain.workdays import DayInMonth, Holidays, Place, business_day, weekday_of

_SHOWN = frozenset(word.casefold() for word in SHOWN_AS)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Finding(Struct, frozen=True):
    """What one condition found in an event, and what it wanted; `key` is its name in the rules file.

    `found` is None where it must not be seen, and empty where the event has nothing of the kind.
    """

    key: str
    holds: bool
    found: str | None
    wanted: str


class Day(Struct, frozen=True):
    """A local day, and whether it is a holiday there."""

    date: date
    holiday: bool

    @property
    def name(self) -> str:
        """`Friday 25 Dec, a holiday`."""
        holiday = ", a holiday" if self.holiday else ""
        return f"{self.date:%A} {self.date.day} {self.date:%b}{holiday}"


class Start(Struct, frozen=True):
    """When an event begins, `at` in local time, and the holidays that are kept there."""

    at: datetime
    holidays: Holidays

    @property
    def day(self) -> Day:
        """The day on which it begins."""
        return Day(self.at.date(), self.at.date() in self.holidays)


class Search(Struct, frozen=True):
    """A subject to be searched, and what the searches of a run may cost."""

    subject: str
    budget: Budget


class Input(Enum):
    """What a condition looks at: an event, the length of its time, its local start (`Start`), a `Search`."""

    EVENT = auto()
    LENGTH = auto()
    START = auto()
    SEARCH = auto()


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


class Judge(Struct, frozen=True):
    """How a condition judges: it `looks` at its `input`, and `accepts` what it saw (the second argument) by
    what the rule wants (the first). `describe` shows what was wanted, `show` what was seen; `personal` marks
    somebody's text, which must not be shown of a private event. `accepts` may raise TooSlowError.
    """

    input: Input
    look: Callable[[Any], Any]
    accepts: Callable[[Any, Any], bool]
    describe: Callable[[Any], str]
    show: Callable[[Any], str] = str
    personal: bool = False


class Condition(Struct, frozen=True):
    """One given condition, ready to judge."""

    key: str
    wanted: Any
    judge: Judge

    def holds(self, thing: Any) -> bool:
        """True if the condition holds for `thing`. Raises TooSlowError where a search was given up."""
        return self.judge.accepts(self.wanted, self.judge.look(thing))

    def find(self, thing: Any, *, hidden: bool = False) -> Finding:
        """The same, with what was found; not where that is `hidden` and personal."""
        judge = self.judge
        seen = judge.look(thing)
        wanted = judge.describe(self.wanted)
        try:
            holds = judge.accepts(self.wanted, seen)
        except TooSlowError:
            return Finding(self.key, False, "a subject that the expression takes too long on", wanted)
        return Finding(self.key, holds, None if hidden and judge.personal else judge.show(seen), wanted)


def address_in(address: str | None, entries: Iterable[str]) -> bool:
    """True if `address`, or its `@domain`, is among the case-folded `entries`."""
    if not address:
        return False
    folded = address.casefold()
    return folded in entries or "@" + folded.rpartition("@")[2] in entries


def _any_in(keywords: Iterable[Keyword], text: str) -> bool:
    normal = normalise(text)
    return any(keyword.is_in(normal) for keyword in keywords)


def _shares_any(wanted: Iterable[str], found: Iterable[str]) -> bool:
    return not {normalise(text) for text in wanted}.isdisjoint(normalise(text) for text in found)


def _is_shown_as(words: Iterable[str], word: str) -> bool:
    """A word that nobody has seen before counts as busy as well: better dear than too slow."""
    folded, wanted = word.casefold(), {word.casefold() for word in words}
    return folded in wanted or ("busy" in wanted and folded not in _SHOWN)


def _is_among(words: Iterable[str], word: str) -> bool:
    return word.casefold() in {word.casefold() for word in words}


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(texts)


def _folded(texts: Iterable[str]) -> str:
    return ", ".join(text.casefold() for text in texts)


def _keyword_texts(keywords: Iterable[Keyword]) -> str:
    return ", ".join(keyword.text for keyword in keywords)


def _true_or_false(flag: bool) -> str:
    return "true" if flag else "false"


def _length(value: timedelta) -> str:
    return f"-{format_duration(-value)}" if value < timedelta() else format_duration(value)


def _weekday(start: Start, *, as_sunday: bool) -> tuple[Day, int]:
    return start.day, weekday_of(start.at.date(), start.holidays, as_sunday=as_sunday)


def _show_weekday(seen: tuple[Day, int]) -> str:
    day, counts_as = seen
    return _DAYS[counts_as] if counts_as == day.date.weekday() else f"{day.name}, which counts as a Sunday"


def _show_business_day(seen: tuple[Day, DayInMonth | None]) -> str:
    day, number = seen
    if number is None:
        return f"{day.name}{',' if day.holiday else ''} is no business day"
    return f"business day {number.from_start} ({number.from_end} from the end)"


def _is_within(bounds: tuple[time | None, time | None], at: time) -> bool:
    """Half open; None is no bound. Where the last is not after the first it is that of the next day; so two
    equal ones mean any time of day."""
    first, last = bounds
    if first is None or last is None:
        return (first is None or at >= first) and (last is None or at < last)
    if first < last:
        return first <= at < last
    return at >= first or at < last


def _show_bounds(bounds: tuple[time | None, time | None]) -> str:
    first, last = bounds
    return f"{first or time():%H:%M}-{f'{last:%H:%M}' if last else '24:00'}"


_SUBJECT = partial(Judge, Input.EVENT, lambda event: event.subject, personal=True)
_EVENT = partial(Judge, Input.EVENT)
_START = partial(Judge, Input.START)
_HAS_KEYWORD = _SUBJECT(accepts=_any_in, describe=_keyword_texts)
_HAS_NO_KEYWORD = _SUBJECT(accepts=lambda wanted, seen: not _any_in(wanted, seen), describe=_keyword_texts)
_HAS_PATTERN = Judge(
    Input.SEARCH,
    lambda search: search,
    accepts=lambda pattern, search: pattern.search(search.subject, search.budget) is not None,
    describe=lambda pattern: pattern.text,
    show=lambda search: search.subject,
    personal=True,
)
_AT_LOCATION = _EVENT(
    lambda event: event.locations,
    accepts=lambda wanted, seen: any(_any_in(wanted, location) for location in seen),
    describe=_keyword_texts,
    show=_joined,
    personal=True,
)
_IN_CATEGORY = _EVENT(
    lambda event: event.categories, accepts=_shares_any, describe=_joined, show=_joined, personal=True
)
_ORGANIZED_BY = _EVENT(
    lambda event: event.organizer or "",
    accepts=lambda wanted, seen: address_in(seen, wanted),
    describe=_joined,
    personal=True,
)
_SHOWN_AS = _EVENT(lambda event: event.show_as, accepts=_is_shown_as, describe=_folded)
_OF_SENSITIVITY = _EVENT(lambda event: event.sensitivity, accepts=_is_among, describe=_folded)
_FLAG = partial(_EVENT, accepts=bool.__eq__, describe=_true_or_false, show=_true_or_false)
_ATTENDEES = _EVENT(
    lambda event: event.attendees or 0, accepts=lambda least, seen: seen >= least, describe=str
)
_LENGTH = partial(Judge, Input.LENGTH, lambda length: length, describe=format_duration, show=_length)
_ON_DAYS = partial(
    Judge,
    Input.START,
    accepts=lambda days, seen: seen[1] in days,
    describe=lambda days: ", ".join(_DAYS[day] for day in sorted(days)),
    show=_show_weekday,
)
_ON_BUSINESS_DAYS = _START(
    lambda start: (start.day, business_day(start.at.date(), start.holidays)),
    accepts=lambda days, seen: seen[1] is not None and not days.isdisjoint(seen[1]),
    describe=lambda days: ", ".join(str(day) for day in sorted(days)),
    show=_show_business_day,
)
_WITHIN = _START(
    lambda start: start.at.time(), accepts=_is_within, describe=_show_bounds, show=lambda at: f"{at:%H:%M}"
)


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
            _HAS_KEYWORD,
            "Keywords, one of which must be in the subject as whole words.",
        ),
    )
    subject_regex: Pattern | None = field(
        default=None,
        metadata=_row(ValueKind.PATTERN, _HAS_PATTERN, "A regular expression that is found in the subject."),
    )
    not_subject: tuple[Keyword, ...] = field(
        default=(),
        metadata=_row(
            ValueKind.KEYWORDS,
            _HAS_NO_KEYWORD,
            "Keywords, none of which may be in the subject.",
        ),
    )
    location: tuple[Keyword, ...] = field(
        default=(),
        metadata=_row(ValueKind.KEYWORDS, _AT_LOCATION, "Keywords, one of which must be in the location."),
    )
    categories: tuple[str, ...] = field(
        default=(), metadata=_row(ValueKind.TEXTS, _IN_CATEGORY, "It must have one of these categories.")
    )
    organizer: tuple[str, ...] = field(
        default=(),
        metadata=_row(
            ValueKind.ORGANIZERS,
            _ORGANIZED_BY,
            "Addresses or @domain entries, one of which must be its organizer's.",
        ),
    )
    show_as: tuple[str, ...] = field(
        default=(),
        metadata=_row(ValueKind.TEXTS, _SHOWN_AS, "It must show its time as one of these, such as busy."),
    )
    sensitivity: tuple[str, ...] = field(
        default=(),
        metadata=_row(ValueKind.TEXTS, _OF_SENSITIVITY, "It must be one of these, such as normal."),
    )
    online_meeting: bool | None = field(
        default=None,
        metadata=_row(
            ValueKind.FLAG,
            _FLAG(lambda event: event.online_meeting),
            "Whether it must be an online meeting, or must not.",
        ),
    )
    min_attendees: int | None = field(
        default=None,
        metadata=_row(
            ValueKind.COUNT, _ATTENDEES, "So many must be invited; a distribution list counts as one."
        ),
    )
    all_day: bool | None = field(
        default=None,
        metadata=_row(
            ValueKind.FLAG,
            _FLAG(lambda event: event.all_day),
            "Whether it must be an all-day event, or must not.",
        ),
    )
    longer_than: timedelta | None = field(
        default=None,
        metadata=_row(
            ValueKind.LENGTH,
            _LENGTH(accepts=lambda wanted, seen: seen > wanted),
            "It must be really longer.",
        ),
    )
    shorter_than: timedelta | None = field(
        default=None,
        metadata=_row(
            ValueKind.POSITIVE_LENGTH,
            _LENGTH(accepts=lambda wanted, seen: seen < wanted),
            "It must be really shorter.",
        ),
    )
    days: frozenset[int] = field(
        default_factory=frozenset,
        metadata=_row(
            ValueKind.DAYS,
            _ON_DAYS(look=partial(_weekday, as_sunday=False)),
            "It must start on one of these days, in the circuit's zone.",
        ),
    )
    start_from: time | None = field(
        default=None,
        metadata=_row(
            ValueKind.START_OF_DAY,
            _WITHIN,
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
            _ON_BUSINESS_DAYS,
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
                yield Condition(row.key, wanted, _ON_DAYS(look=partial(_weekday, as_sunday=True)))
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


def judge_event(conditions: Conditions, event: Event, budget: Budget) -> Iterator[tuple[Condition, Any]]:
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
