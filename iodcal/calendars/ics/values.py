"""Content lines and the values in them: times, days, lengths, texts.

What cannot be understood is a `ValueError` of its own, which says in which property and line it stands.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from msgspec import Struct

from iodcal.calendars.ics.document import Component, property_name
from iodcal.calendars.ics.vtimezone import Zones
from iodcal.calendars.ics.zones import UnknownZoneError, Zone

_PARAMETER = re.compile(r';[ \t]*([A-Za-z0-9-]+)[ \t]*=[ \t]*("[^"]*"|[^;"]*)')
_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[Tt](\d{2})(\d{2})(\d{2})?([Zz])?)?")
_LENGTH = re.compile(
    r"([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,10})S)?)?",
    re.IGNORECASE,
)
_YEAR = timedelta(days=366)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_LIST = re.compile(r"(?<!\\),")
_LONGEST_NAME = 1000
_EMAIL = re.compile(r"[^\s\"'<>:;,=]+@[^\s\"'<>:;,=]+")


class DamagedPropertyError(ValueError):
    """A property that the reader needs and cannot understand. `found` is a time or a rule, never a title."""

    def __init__(self, code: str, name: str, number: int | None, found: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.name = name
        self.number = number
        self.found = found


class Moment(Struct, frozen=True):
    """A time as it is written: a whole day, or a local time in `zone`, floating where that is None."""

    local: datetime
    zone: Zone | None = None
    day: bool = False

    def shifted(self, by: timedelta) -> Moment:
        return Moment(add(self.local, by), self.zone, day=self.day)


class Length(Struct, frozen=True):
    """A DURATION: `days` by the calendar, `exact` by the clock (RFC 5545, 3.3.6)."""

    days: timedelta
    exact: timedelta


def add(at: datetime, by: timedelta) -> datetime:
    """`at` later `by`; where years end (1 and 9999), the end."""
    try:
        return at + by
    except OverflowError:
        end = datetime.max if by > timedelta() else datetime.min  # noqa: DTZ901 - floating, as `at` may be
        return end.replace(microsecond=0, tzinfo=at.tzinfo)


class Properties:
    """The properties of one component, by name, understood when they are asked for."""

    __slots__ = ("_lines", "component", "zones")

    def __init__(self, component: Component, zones: Zones) -> None:
        self.component = component
        self.zones = zones
        self._lines: dict[str, list[tuple[int, str]]] = {}
        for number, line in component.lines:
            name = property_name(line)
            if name is None:
                if not line.strip():
                    continue
                name = ""
            self._lines.setdefault(name, []).append((number, line))

    def check_lines(self) -> None:
        """Raises DamagedPropertyError where a line is no property at all: it could be a part of any."""
        for number, _ in self._lines.get("", ()):
            raise DamagedPropertyError("ics_damaged", "?", number, "a line that is no property")

    def __contains__(self, name: str) -> bool:
        return name in self._lines

    def count(self, name: str) -> int:
        return len(self._lines.get(name, ()))

    def number(self, name: str) -> int | None:
        """The number of the property's first line."""
        lines = self._lines.get(name)
        return lines[0][0] if lines else None

    def values(self, name: str) -> Iterator[tuple[int, str]]:
        """What is written after the last colon, without blanks: for values that hold no colon."""
        for number, line in self._lines.get(name, ()):
            yield number, line.rpartition(":")[2].strip()

    def text(self, name: str) -> str:
        """A text, its escapes undone; empty where there is none."""
        lines = self._lines.get(name)
        return unescaped(_text_of(lines[0][1])) if lines else ""

    def word(self, name: str) -> str:
        """A text in capitals without blanks around it."""
        return self.text(name).strip().upper()

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a list."""
        return tuple(
            unescaped(part)
            for _, line in self._lines.get(name, ())
            for part in _LIST.split(_text_of(line))
            if part
        )

    def address(self, name: str) -> str | None:
        """The mail address of a person, whichever way it is written."""
        lines = self._lines.get(name)
        if not lines:
            return None
        line = lines[0][1]
        named = _parameters(line, _colon(line)).get("EMAIL", "").strip()
        if "@" in named:
            return named
        value = _text_of(line).strip().strip('"')
        if value[:7].casefold() == "mailto:":
            value = value[7:]
        value = value.strip().strip('"')
        if "=" in line[: line.find(":")].partition(";")[0] and (found := _EMAIL.search(line[:_LONGEST_NAME])):
            return found.group()
        return value or None

    def moment(self, name: str) -> Moment | None:
        """The one time of the property; None where it is not there."""
        lines = self._lines.get(name)
        if not lines:
            return None
        number, line = lines[0]
        if any(other != line for _, other in lines[1:]):
            raise DamagedPropertyError("ics_damaged", name, lines[1][0], "more than one")
        return self._moment(name, number, line.rpartition(":")[2], _parameters(line, line.rfind(":")))

    def moments(self, name: str) -> Iterator[tuple[Moment, Moment | Length | None]]:
        """The times of a list, each with the end or length that a period has beside it."""
        for number, line in self._lines.get(name, ()):
            parameters = _parameters(line, line.rfind(":"))
            for part in line.rpartition(":")[2].split(","):
                if part.strip():
                    start, _, end = part.partition("/")
                    try:
                        first = self._moment(name, number, start, parameters)
                        yield first, self._end(name, number, end.strip(), parameters)
                    except DamagedPropertyError:
                        if self._could_matter(start):
                            raise

    def _could_matter(self, text: str) -> bool:
        """False for a time that begins with a day more than a year from the range."""
        found, window = _TIME.match(text.strip()), self.zones.window
        try:
            day = _day(*map(int, found.groups()[:3])) if found is not None else window.start.date()
        except ValueError:
            return True
        return window.start.date() - _YEAR < day < window.end.date() + _YEAR

    def _end(self, name: str, number: int, text: str, parameters: dict[str, str]) -> Moment | Length | None:
        if not text:
            return None
        if text[:1] in "Pp+-":
            return self._length(name, number, text)
        return self._moment(name, number, text, parameters)

    def length(self, name: str) -> Length | None:
        for number, text in self.values(name):
            return self._length(name, number, text)
        return None

    def _length(self, name: str, number: int, text: str) -> Length:
        found = _LENGTH.fullmatch(text)
        if found is None or not any(found.groups()[1:]):
            raise DamagedPropertyError("ics_damaged", name, number, text[:40])
        sign = -1 if found.group(1) == "-" else 1
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
        whole = timedelta(weeks=weeks, days=days)
        return Length(sign * whole, sign * timedelta(hours=hours, minutes=minutes, seconds=seconds))

    def _moment(self, name: str, number: int, text: str, parameters: dict[str, str]) -> Moment:
        text = text.strip()
        found = _TIME.fullmatch(text)
        try:
            if found is None:
                raise ValueError
            day = _day(*map(int, found.groups()[:3]))
            if found.group(4) is None or parameters.get("VALUE", "").upper() == "DATE":
                return Moment(datetime.combine(day, time()), day=True)
            local = _at(day, *(int(part or 0) for part in found.groups()[3:6]))
        except (ValueError, OverflowError):
            raise DamagedPropertyError("ics_damaged", name, number, text[:40]) from None
        if found.group(7):
            return Moment(local, self.zones.utc)
        zone = parameters.get("TZID")
        try:
            return Moment(local, self.zones.named(zone) if zone else self.zones.default)
        except UnknownZoneError as error:
            raise DamagedPropertyError("ics_unknown_zone", name, number, error.name) from None

    @property
    def recurs(self) -> bool:
        return "RRULE" in self or "RDATE" in self

    def moment_of(self, text: str) -> Moment:
        """The time that `text` alone says. Raises ValueError."""
        return self._moment("RRULE", 0, text, {})

    def written(self, name: str) -> datetime | None:
        """The local time that is written first, whatever its zone; None where that cannot be told."""
        for _, text in self.values(name):
            found = _TIME.match(text)
            try:
                return datetime.combine(_day(*map(int, found.groups()[:3])), time()) if found else None
            except ValueError:
                return None
        return None


def unescaped(text: str) -> str:
    """A TEXT without its escapes (RFC 5545, 3.3.11)."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda found: "\n" if found.group(1) in "nN" else found.group(1), text)


def _day(year: int, month: int, day: int) -> date:
    # Some programs write the year 0 for "never"; Python's first is 1.
    return date(max(year, 1), month, day)


def _at(day: date, hour: int, minute: int, second: int) -> datetime:
    """A leap second counts as the one before it, and 24:00 as the next day's midnight."""
    if (hour, minute, second) == (24, 0, 0):
        return datetime.combine(day, time()) + timedelta(days=1)
    return datetime.combine(day, time(hour, minute, min(second, 59) if second == 60 else second))


def _parameters(line: str, end: int) -> dict[str, str]:
    """The parameters in `line` before `end`, where its value begins. Without quotes they may hold colons:
    `TZID=tzone://Microsoft/Custom`."""
    if ";" not in line[:end]:
        return {}
    found = _PARAMETER.findall(line[:end])
    return {name.upper(): value.strip().strip('"') for name, value in found}


def _colon(line: str) -> int:
    """Where the value begins: at the first colon outside quotes, else after the last quote, else anywhere."""
    if '"' not in line:
        return line.find(":")
    quoted = False
    for at, letter in enumerate(line):
        if letter == '"':
            quoted = not quoted
        elif letter == ":" and not quoted:
            return at
    after = line.find(":", line.rfind('"'))
    return after if after >= 0 else line.find(":")


def _text_of(line: str) -> str:
    """What stands after the colon, decoded where an old writer encoded it (vCalendar 1.0)."""
    at = _colon(line)
    value = line[at + 1 :]
    if "QUOTED-PRINTABLE" in line[:at].upper():
        charset = _parameters(line, at).get("CHARSET", "utf-8")
        try:
            return quopri.decodestring(value.encode()).decode(charset, errors="replace")
        except LookupError:
            return value
    return value
