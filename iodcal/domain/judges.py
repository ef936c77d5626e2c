"""How a condition judges: what it looks at, when that is accepted, and how both are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from functools import partial
from typing import Any

from msgspec import Struct

from iodcal.domain.durations import format_duration
from iodcal.domain.events import SHOWN_AS
from iodcal.domain.text_match import Keyword, SearchBudget, TooSlowError, normalise_text
from iodcal.domain.workdays import DayInMonth, Holidays, business_day, weekday_of

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
        return Day(self.at.date(), holiday=self.at.date() in self.holidays)


class Search(Struct, frozen=True):
    """A subject to be searched, and what the searches of a run may cost."""

    subject: str
    budget: SearchBudget


class Input(Enum):
    """What a condition looks at: an event, the length of its time, its local start (`Start`), a `Search`."""

    EVENT = auto()
    LENGTH = auto()
    START = auto()
    SEARCH = auto()


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
            return Finding(
                self.key, holds=False, found="a subject that the expression takes too long on", wanted=wanted
            )
        return Finding(
            self.key,
            holds=holds,
            found=None if hidden and judge.personal else judge.show(seen),
            wanted=wanted,
        )


def address_in(address: str | None, entries: Iterable[str]) -> bool:
    """True if `address`, or its `@domain`, is among the case-folded `entries`.

    Exchange gives some senders of the tenant itself by their place in its directory (`/o=...`): such an
    address stands for any domain.
    """
    if not address:
        return False
    folded = address.casefold()
    if folded.startswith("/o="):
        return any(entry == folded or entry.startswith("@") for entry in entries)
    return folded in entries or "@" + folded.rpartition("@")[2] in entries


def _any_in(keywords: Iterable[Keyword], text: str) -> bool:
    normal = normalise_text(text)
    return any(keyword.is_in(normal) for keyword in keywords)


def _shares_any(wanted: Iterable[str], found: Iterable[str]) -> bool:
    return not {normalise_text(text) for text in wanted}.isdisjoint(normalise_text(text) for text in found)


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
    return ", ".join(f'"{keyword.text}"{" or its plural" * keyword.plurals}' for keyword in keywords)


def _true_or_false(flag: bool) -> str:  # noqa: FBT001 - its only argument, and it is passed as a function
    return "true" if flag else "false"


def _length(value: timedelta) -> str:
    return f"-{format_duration(-value)}" if value < timedelta() else format_duration(value)


def find_weekday(start: Start, *, as_sunday: bool) -> tuple[Day, int]:
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
HAS_KEYWORD = _SUBJECT(accepts=_any_in, describe=_keyword_texts)
HAS_NO_KEYWORD = _SUBJECT(accepts=lambda wanted, seen: not _any_in(wanted, seen), describe=_keyword_texts)
HAS_PATTERN = Judge(
    Input.SEARCH,
    lambda search: search,
    accepts=lambda pattern, search: pattern.search(search.subject, search.budget) is not None,
    describe=lambda pattern: pattern.text,
    show=lambda search: search.subject,
    personal=True,
)
AT_LOCATION = _EVENT(
    lambda event: event.locations,
    accepts=lambda wanted, seen: any(_any_in(wanted, location) for location in seen),
    describe=_keyword_texts,
    show=_joined,
    personal=True,
)
IN_CATEGORY = _EVENT(
    lambda event: event.categories, accepts=_shares_any, describe=_joined, show=_joined, personal=True
)
ORGANIZED_BY = _EVENT(
    lambda event: event.organizer or "",
    accepts=lambda wanted, seen: address_in(seen, wanted),
    describe=_joined,
    personal=True,
)
IS_SHOWN_AS = _EVENT(lambda event: event.show_as, accepts=_is_shown_as, describe=_folded)
OF_SENSITIVITY = _EVENT(lambda event: event.sensitivity, accepts=_is_among, describe=_folded)
FLAG = partial(_EVENT, accepts=bool.__eq__, describe=_true_or_false, show=_true_or_false)
ATTENDEES = _EVENT(
    lambda event: event.attendees or 0, accepts=lambda least, seen: seen >= least, describe=str
)
LENGTH = partial(Judge, Input.LENGTH, lambda length: length, describe=format_duration, show=_length)
ON_DAYS = partial(
    Judge,
    Input.START,
    accepts=lambda days, seen: seen[1] in days,
    describe=lambda days: ", ".join(_DAYS[day] for day in sorted(days)),
    show=_show_weekday,
)
ON_BUSINESS_DAYS = _START(
    lambda start: (start.day, business_day(start.at.date(), start.holidays)),
    accepts=lambda days, seen: seen[1] is not None and not days.isdisjoint(seen[1]),
    describe=lambda days: ", ".join(str(day) for day in sorted(days)),
    show=_show_business_day,
)
WITHIN = _START(
    lambda start: start.at.time(), accepts=_is_within, describe=_show_bounds, show=lambda at: f"{at:%H:%M}"
)
