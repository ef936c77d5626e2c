"""The kinds of value that stand in the configuration, each with its own words for what is wrong."""

from __future__ import annotations

import difflib
import grp
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from iodcal.config.document import DecimalNumber, WholeNumber
from iodcal.config.forms import ANY_NUMBER, ONE_OR_MORE, Json, Scalar
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import ChangeLimit
from iodcal.domain.durations import format_duration, parse_duration
from iodcal.domain.text_match import Keyword, Pattern

_Word = TypeVar("_Word", bound=StrEnum)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST = timedelta(days=366)  # farther calendars cannot sensibly be read
_MOST_IN_MONTH = 23  # a month of 31 days has no more weekdays
_PRICE = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


def suggest_nearest(word: str, known: Iterable[str]) -> str:
    """` (did you mean X?)`, or nothing where no known word is near."""
    close = closest_word(word, known)
    return f"; did you mean {close}?" if close else ""


def closest_word(word: str, known: Iterable[str]) -> str | None:
    """The known word that is nearest to `word`, if any is near."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def parse_text(value: object) -> str:
    """A text; an unquoted number only if nothing is lost by taking it for one."""
    if isinstance(value, str):
        if not value.strip():
            raise ValueError("an empty text says nothing")
        return value
    if isinstance(value, WholeNumber) and str(int(value)) == value.source:
        return value.source
    if isinstance(value, (WholeNumber, DecimalNumber)):
        raise ValueError(f"{value.source} is a number whose digits would be lost: put it in quotes")
    raise ValueError(f"a text is wanted, not {kind_of(value)}")


def _web_page(value: object) -> str:
    """The address of a page that people open."""
    text = parse_text(value)
    if not re.fullmatch(r"https?://[!-~]+", text):
        raise ValueError(f"{text!r} is not the address of a page, such as https://wiki.example/iodcal")
    return text


def kind_of(value: object) -> str:
    """What `value` is, in YAML's words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, (int, float)):
        return f"the number {getattr(value, 'source', value)}"
    return repr(value if len(str(value)) <= 60 else f"{str(value)[:60]}...")


def parse_rate(value: object) -> Bandwidth:
    """A bandwidth. Raises ValueError."""
    if isinstance(value, Bandwidth):
        return value
    if not isinstance(value, str):
        raise ValueError(f"a bandwidth such as 100 Mbps is wanted, not {kind_of(value)}")
    return Bandwidth.parse(value)


def parse_price(value: object) -> Decimal:
    """A price per hour, digit for digit as it is written. Raises ValueError."""
    if isinstance(value, Decimal):
        return value
    source = value if isinstance(value, str) else getattr(value, "source", None)
    if source is None or isinstance(value, bool):
        raise ValueError(f"a price per hour such as 0.46 is wanted, not {kind_of(value)}")
    if _PRICE.fullmatch(source.strip()) is None:
        why = "it is negative" if source.strip().startswith("-") else "below 1000000, at most six decimals"
        raise ValueError(f"{source!r} is not a price per hour such as 0.46 ({why})")
    return Decimal(source.strip())


def _currency(value: object) -> str:
    if not isinstance(value, str) or _CURRENCY.fullmatch(value) is None:
        raise ValueError(f"a currency is three capital letters such as USD, not {kind_of(value)}")
    return value


def _group(value: object) -> int:
    name = parse_text(value)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ValueError(f"there is no group {name} on this host") from None


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"a duration such as 30m is wanted, not {kind_of(value)}")
    return parse_duration(value)


def _bounded(value: timedelta) -> timedelta:
    if value > _LONGEST:
        raise ValueError(f"this must be at most {format_duration(_LONGEST)}")
    return value


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("this must be more than 0m")
    return value


def _change_limit(value: object) -> ChangeLimit:
    return value if isinstance(value, ChangeLimit) else ChangeLimit.parse(parse_text(value))


def _zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    name = parse_text(value)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = suggest_nearest(name, _zones())
        raise ValueError(f"{name!r} is not a time zone such as America/Denver{known}") from None


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _clock(value: object) -> time | None:
    """A time of day; None is 24:00."""
    if isinstance(value, str) and value == "24:00":
        return None
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"a time of day such as 07:30 is wanted, not {kind_of(value)}")
    return time(int(found[1]), int(found[2]))


def _minutes(clock: time) -> str:
    return clock.isoformat("minutes")


def _clock_before_midnight(value: object) -> time:
    found = _clock(value)
    if found is None:
        raise ValueError("24:00 ends a day and cannot begin one: write 00:00")
    return found


def _days(value: object) -> frozenset[int]:
    entries = value if isinstance(value, list) else str(value).split(",") if isinstance(value, str) else None
    if not entries:
        raise ValueError(f"days such as mon-fri or [sat, sun] are wanted, not {kind_of(value)}")
    return frozenset(day for entry in entries for day in _day_range(entry))


def _business_days(value: object) -> frozenset[int]:
    """Numbers of business days in a month: 1 is the first, -1 the last."""
    numbers: list[Any] = value if isinstance(value, list) else [value]
    if not numbers:
        raise ValueError("an empty list says nothing")
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= abs(number) <= _MOST_IN_MONTH:
            raise ValueError(
                f"{kind_of(number)} is no business day of a month: 1 is the first, -1 the last, "
                f"up to {_MOST_IN_MONTH}"
            )
    return frozenset(int(number) for number in numbers)


def either(one: str, other: str, *, true: str) -> Scalar:
    """One of two words, of which one means `true`."""

    def check(value: object) -> bool:
        if value not in (one, other):
            raise ValueError(f"{kind_of(value)} is not one of {one}, {other}")
        return value == true

    words = {chosen == true: chosen for chosen in (one, other)}
    return Scalar(check, {"enum": [one, other]}, words.__getitem__)


def _day_range(entry: object) -> Iterable[int]:
    names = str(entry).strip().casefold().split("-") if isinstance(entry, str) else []
    numbers = [DAYS.index(name.strip()[:3]) for name in names if name.strip()[:3] in DAYS and name.strip()]
    if not names or len(numbers) != len(names) or len(names) > 2:
        raise ValueError(f"{kind_of(entry)} is no day: use {', '.join(DAYS)}, or a range such as mon-fri")
    first, last = numbers[0], numbers[-1]
    return ((first + step) % 7 for step in range((last - first) % 7 + 1))


def _keyword(value: object) -> Keyword:
    return value if isinstance(value, Keyword) else Keyword(parse_text(value))


def _pattern(value: object) -> Pattern:
    return value if isinstance(value, Pattern) else Pattern(parse_text(value))


def _organizer(value: object) -> str:
    entry = parse_text(value).strip().casefold()
    if entry.startswith("/o="):  # a place in Exchange's own directory
        return entry
    local, at, domain = entry.rpartition("@")
    if not at or not domain or " " in entry or "@" in local:
        raise ValueError(f"{entry!r} is neither an address nor a @domain")
    return entry


def true_or_false(value: object) -> bool:
    """A truth value. Raises ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f"true or false is wanted, not {kind_of(value)}")
    return value


def whole_number(least: int, most: int) -> Scalar:
    """A whole number from `least` to `most`."""

    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"a whole number is wanted, not {kind_of(value)}")
        if not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most} is wanted, not {kind_of(value)}")
        return int(value)

    return Scalar(check, {"type": "integer", "minimum": least, "maximum": most}, int)


def text_that(check: Callable[[str], str], *, or_number: bool = True) -> Scalar:
    """A text that `check` takes, or refuses with ValueError; `or_number` tells an editor that an unquoted
    number may stand for it."""
    looks = _TEXT if or_number else {**_TEXT, "type": "string"}
    return Scalar(lambda value: check(parse_text(value)), looks)


def one_of(words: type[_Word]) -> Scalar:
    """One of `words`."""

    def check(value: object) -> _Word:
        try:
            return words(str(value))
        except ValueError:
            allowed = ", ".join(words)
            raise ValueError(
                f"{kind_of(value)} is not one of {allowed}{suggest_nearest(str(value), words)}"
            ) from None

    return Scalar(check, {"anyOf": [{"enum": list(words)}, FILLED_IN]})


def text_shape(pattern: str = "", *, example: str = "") -> Json:
    """What a text looks like where it is written: of this `pattern`, or one that `${NAME}` fills in."""
    made: Json = {"type": "string"}
    if pattern:
        made["pattern"] = rf"^(?:{pattern})$|{FILLED_IN['pattern']}"
    if example:
        made["examples"] = [example]
    return made


def one_or_list(entry: Json, *, least: int = 1) -> Json:
    """What a list of `least` entries or more looks like, or its single entry."""
    several = {"type": "array", "items": entry} | ({"minItems": least} if least else {})
    return {"anyOf": [entry, several]}


def _length(example: str, *checks: Callable[[timedelta], timedelta]) -> Scalar:
    def read(value: object) -> timedelta:
        length = _duration(value)
        for check in checks:
            length = check(length)
        return length

    return Scalar(read, text_shape(_LENGTH, example=example), format_duration)


FILLED_IN: Json = {"type": "string", "pattern": r"\$\{"}  # any text may be filled in from the environment
_TEXT: Json = {"type": ["string", "integer"], "minLength": 1}
_RATE = r"\s*[0-9]+(\.[0-9]{1,3})?\s*[MmGg][Bb][Pp][Ss]\s*"
_LENGTH = r"\s*(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?\s*"
_CLOCK = "([01]?[0-9]|2[0-3]):[0-5][0-9]"
_BUSINESS_DAY: Json = {
    "type": "integer",
    "minimum": -_MOST_IN_MONTH,
    "maximum": _MOST_IN_MONTH,
    "not": {"const": 0},
}

# A rule's bandwidth may also be a word.
WANTED = text_shape(f"{_RATE}|highest|from_event", example="highest")

Text = Annotated[str, Scalar(parse_text, _TEXT)]
WebPage = Annotated[str, Scalar(_web_page, text_shape("https?://.+", example="https://wiki.example/iodcal"))]
Flag = Annotated[bool, Scalar(true_or_false, {"type": "boolean"}, bool)]
Rate = Annotated[Bandwidth, Scalar(parse_rate, text_shape(_RATE, example="100 Mbps"))]
Price = Annotated[Decimal, Scalar(parse_price, {"type": ["number", "string"], "examples": [0.46]})]
Prices = Mapping[Rate, Price]
Currency = Annotated[str, Scalar(_currency, text_shape("[A-Z]{3}", example="USD"))]
Length = Annotated[timedelta, _length("30m", _bounded)]
PositiveLength = Annotated[timedelta, _length("1h30m", _bounded, _positive)]
LongLength = Annotated[timedelta, _length("400d", _positive)]
GroupId = Annotated[int, Scalar(_group, _TEXT)]
Zone = Annotated[ZoneInfo, Scalar(_zone, text_shape(example="America/Denver"))]
StartOfDay = Annotated[time, Scalar(_clock_before_midnight, text_shape(_CLOCK, example="07:30"), _minutes)]
EndOfDay = Annotated[time | None, Scalar(_clock, text_shape(f"{_CLOCK}|24:00", example="18:30"))]
Days = Annotated[
    frozenset[int], Scalar(_days, one_or_list({"type": "string", "examples": ["mon-fri", "sat"]}))
]
BusinessDays = Annotated[frozenset[int], Scalar(_business_days, one_or_list(_BUSINESS_DAY))]
HolidaysAsSunday = Annotated[bool, either("as_sunday", "ignored", true="as_sunday")]
_LIMIT = r"\s*[0-9]+\s+([Ii][Nn]\s+([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?|[Aa]\s+[Mm][Oo][Nn][Tt][Hh])\s*"
ChangeLimits = Annotated[
    tuple[Annotated[ChangeLimit, Scalar(_change_limit, text_shape(_LIMIT, example="100 a month"))], ...],
    ANY_NUMBER,
]
Texts = Annotated[tuple[Text, ...], ONE_OR_MORE]
Keywords = Annotated[tuple[Annotated[Keyword, Scalar(_keyword, _TEXT)], ...], ONE_OR_MORE]
PatternField = Annotated[Pattern, Scalar(_pattern, text_shape())]
_ORGANIZER: Json = {"type": "string", "pattern": rf"@|^/[oO]=|{FILLED_IN['pattern']}"}
Organizer = Annotated[str, Scalar(_organizer, _ORGANIZER)]
OrganizerList = Annotated[tuple[Organizer, ...], ONE_OR_MORE]
Rates = Annotated[tuple[Rate, ...], ONE_OR_MORE]
