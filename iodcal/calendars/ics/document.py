"""The structure of an iCalendar text: objects and components, balanced by name, every event accounted for.

RFC 5545 wants UTF-8 and lines of 75 bytes; what servers and people save is less regular. What a component
holds is not looked at here: what nobody reads may be broken. What is not well-formed as a whole is refused,
since an event could be lost in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from iodcal.errors import CalendarError

# A CRLF text that Windows copied as text ends its lines in "\r\r\n".
_FOLD = re.compile(rb"(?:\r\r?\n|\n|\r)[ \t]")
_LINE_END = re.compile(rb"\r\r?\n|\n|\r")
_NAME = re.compile(r"[A-Za-z0-9-]+(?=[ \t]*[:;=])")
_BOUNDARY = re.compile(r"[ \t]*(BEGIN|END)[ \t]*[:;]", re.IGNORECASE)
_WELL_FORMED = re.compile(r"(BEGIN|END):([A-Za-z0-9-]+)[ \t]*", re.IGNORECASE)
_RAW_EVENT = re.compile(rb"(?:\A|[\r\n])[ \t]*BEGIN[ \t]*:[ \t]*VEVENT[ \t]*(?=[\r\n]|\Z)", re.IGNORECASE)
# RFC 5545, 7953, 9073, 9074, and what stands beside events in the files of phones.
_COMPONENTS = frozenset(
    {"VCALENDAR", "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "STANDARD", "DAYLIGHT", "VALARM"}
    | {"VAVAILABILITY", "AVAILABLE", "VRESOURCE", "VLOCATION", "PARTICIPANT", "VPOLL", "VVOTER", "VOTE"}
    | {"VCARD", "VNOTE", "VPATCH"}
)
_TIMES = frozenset({"DTSTART", "DTEND", "RRULE"})
_FORMATS = (
    (b"\x1f\x8b", "gzip data"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"\xd0\xcf\x11\xe0", "an Office document or Outlook item"),
    (b"SQLite format", "a database"),
)


class Component:
    """A component between its BEGIN and END: its lines, unfolded, and what is nested in it.

    `lines` holds (number of the unfolded line, text). A plain class: there are many thousands of them.
    """

    __slots__ = ("inner", "lines", "name", "number")

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.lines: list[tuple[int, str]] = []
        self.inner: list[Component] = []

    def walk(self, name: str) -> Iterator[Component]:
        """Every component called `name` in this one, however deep."""
        for component in self.inner:
            if component.name == name:
                yield component
            yield from component.walk(name)

    def named(self, name: str) -> Iterator[tuple[int, str]]:
        """The lines of the property `name`."""
        for number, line in self.lines:
            if property_name(line) == name:
                yield number, line


def property_name(line: str) -> str | None:
    """The property's name in upper case; None where the line has none, and could be part of any."""
    if (found := _NAME.match(line)) is not None:
        return found.group().upper()
    return None if ":" not in line and ";" not in line else "?"


def parse_document(content: bytes) -> list[Component]:
    """The VCALENDAR objects in `content`, each event of the text in one of them.

    Raises CalendarError: `not_ics`, `ics_truncated`, `ics_unbalanced`, `ics_miscounted`, `ics_free_busy`.
    """
    lines = _unfolded_lines(content)
    calendars = _objects(content, lines)
    for calendar in calendars:
        _check_object(content, calendar)
    events = sum(1 for calendar in calendars for _ in calendar.walk("VEVENT"))
    there = len(_RAW_EVENT.findall(content))
    if events < there:
        raise CalendarError("ics_miscounted", there=there, read=events)
    return calendars


class LineNumbers:
    """Where in the file an unfolded line begins; worked out when it is first asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._starts: list[int] | None = None

    def of(self, number: int) -> int:
        """The line of the file, from 1, on which the unfolded line `number` (from 0) begins."""
        if self._starts is None:
            lines = enumerate(_LINE_END.split(self._content), 1)
            self._starts = [at for at, line in lines if at == 1 or line[:1] not in (b" ", b"\t")]
        return self._starts[number]


def _unfolded_lines(content: bytes) -> Sequence[str]:
    """Lines are joined before they are decoded: some writers fold in the middle of a letter."""
    lines = _LINE_END.split(_FOLD.sub(b"", content.removeprefix(b"\xef\xbb\xbf")))
    return [_decoded(line) for line in lines]


def _decoded(line: bytes) -> str:
    """A line as UTF-8, or, where it is not, in the encoding that Windows and the web mean by Latin-1: a
    keyword with an accent is to be found in it."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def _objects(content: bytes, lines: Sequence[str]) -> list[Component]:
    calendars: list[Component] = []
    open_: list[Component] = []
    for number, line in enumerate(lines):
        first = line[:1]
        if first not in "BbEe \t" or _BOUNDARY.match(line) is None:
            if open_:
                if line:
                    open_[-1].lines.append((number, line))
            elif line.strip():
                _refuse_outside(content, calendars, number)
            continue
        # Blanks before the first line are somebody's copying; before others they may be a fold gone wrong.
        mark = _WELL_FORMED.fullmatch(line if open_ else line.strip())
        try:
            if mark is None:
                raise _unbalanced(content, number, line)
            _enter_or_leave(
                content,
                number,
                mark=mark.group(1).upper(),
                name=mark.group(2).upper(),
                open_=open_,
                calendars=calendars,
            )
        except CalendarError:
            if open_ and number == len(lines) - 1:
                raise CalendarError("ics_truncated") from None
            raise
    if open_ or not calendars:
        raise CalendarError("ics_truncated") if open_ else _not_ics(content)
    return calendars


def _enter_or_leave(
    content: bytes,
    number: int,
    *,
    mark: str,
    name: str,
    open_: list[Component],
    calendars: list[Component],
) -> None:
    if mark == "END":
        if not open_ or open_[-1].name != name:
            raise _unbalanced(content, number, f"END:{name}") if open_ or calendars else _not_ics(content)
        open_.pop()
        return
    component = Component(name, number)
    if not open_:
        if name != "VCALENDAR":
            raise _unbalanced(content, number, f"BEGIN:{name}") if calendars else _not_ics(content)
        calendars.append(component)
    elif name == "VCALENDAR" or (name == "VEVENT" and any(outer.name == name for outer in open_)):
        raise _unbalanced(content, number, f"BEGIN:{name}")
    else:
        open_[-1].inner.append(component)
    open_.append(component)


def _refuse_outside(content: bytes, calendars: Sequence[Component], number: int) -> None:
    if not calendars:
        raise _not_ics(content)
    raise CalendarError("ics_outside", line=LineNumbers(content).of(number))


def _unbalanced(content: bytes, number: int, found: str) -> CalendarError:
    return CalendarError("ics_unbalanced", line=LineNumbers(content).of(number), found=found.strip()[:40])


def _not_ics(content: bytes) -> CalendarError:
    for start, named in _FORMATS:
        if content.startswith(start):
            return CalendarError("not_ics", first_words=named, what=f"is {named}")
    text = content[:400].decode(errors="replace").strip().removeprefix("\ufeff")
    shown = "".join(character for character in text[:200] if character.isprintable())[:80]
    if not shown:
        return CalendarError("not_ics", first_words="nothing at all", what="is empty")
    return CalendarError("not_ics", first_words=shown, what=f'begins "{shown}"')


def _check_object(content: bytes, calendar: Component) -> None:
    """An event whose BEGIN was lost, or is spelt wrong, is told by the times that it leaves behind."""
    unknown = [calendar, *(inner for inner in calendar.inner if not _is_known(inner.name))]
    for component in unknown:
        for number, line in component.lines:
            if property_name(line) in _TIMES:
                raise _unbalanced(content, number, property_name(line) or "")
    if any(calendar.walk("VFREEBUSY")) and not any(calendar.walk("VEVENT")):
        raise CalendarError("ics_free_busy")  # an empty calendar would be something else


def _is_known(name: str) -> bool:
    return name in _COMPONENTS or name.startswith("X-")
