"""The state on disk: JSON for people to read as well, in a shape derived from the structs in memory.

A field of `State`, of a circuit or of a calendar is on disk as soon as it is in its struct, under its own
name (`field(name=...)` gives another). The records below leave out what the place of a value, or the rest of
it, says already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct, ValidationError, convert, field, structs, to_builtins

from iodcal import __version__
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState, SourceMemory
from iodcal.domain.circuits import Reading, Status, account_in, join_key, split_key
from iodcal.domain.events import Floating, Match, MatchedEvent, NamedCircuits, Source, Span, Timed
from iodcal.domain.orders import Order, Outcome, as_kept_order
from iodcal.store.state import Quota, State

VERSION = 3

Json: TypeAlias = dict[str, Any]
_Any = TypeVar("_Any")
_Made = TypeVar("_Made", bound=Struct)

# What a record holds in place of a value that the rest says: msgspec leaves out a default by its identity.
_IMPLIED = "\0"
_AS_CONFIRMED = Bandwidth(1)


class DamagedError(ValueError):
    """The document is not one that a state or a history was written as; the text names the place."""


class ReadingRecord(Reading, frozen=True, kw_only=True, omit_defaults=True):
    """Without `status_text` it is the usual word for the status."""

    status_text: str = _IMPLIED


class OrderRecord(Order, frozen=True, kw_only=True, omit_defaults=True):
    """The circuit is the one that the order stands under. The outcome is always said."""

    circuit_key: str = _IMPLIED
    circuit: str = _IMPLIED
    outcome: Outcome


class CircuitRecord(CircuitState, frozen=True, kw_only=True, omit_defaults=True):
    """A circuit under its account and service ID, which make its key. Without a level it is the confirmed
    bandwidth."""

    key: str = _IMPLIED
    carrier_type: str = _IMPLIED
    account: str = _IMPLIED
    level: Bandwidth | None = field(default=_AS_CONFIRMED, name="level_mbps")
    reading: ReadingRecord | None = None
    order: OrderRecord | None = None
    recent: tuple[OrderRecord, ...] = ()


class NamedRecord(NamedCircuits, frozen=True, kw_only=True):
    """Both are said, also where they are empty."""

    circuits: frozenset[str]
    sites: frozenset[str]


class EventRecord(Struct, frozen=True, omit_defaults=True):
    """An event of the source that it stands under. Its times are local ones (floating) where they have no
    offset; `minutes` is its length, unless it has an `end`. Without `rules` all that were asked took it,
    without `calendar` it is the first part of the source's label."""

    id: str
    start: datetime
    minutes: int | None = None
    end: datetime | None = None
    calendar: str = _IMPLIED
    rules: tuple[Match, ...] | None = None
    uid: str = ""
    subject: str | None = None
    all_day: bool = False
    absent: bool = False
    named: NamedRecord | None = None


class CalendarRecord(SourceMemory, frozen=True, kw_only=True, omit_defaults=True):
    """A source under its key, or under another where a place stands in several calendars."""

    source_key: str = _IMPLIED
    events: tuple[EventRecord, ...] = ()  # type: ignore[assignment] # on disk an event is another type


class StateRecord(State, frozen=True, kw_only=True):
    """Circuits by account, then service ID; quotas by base URL, then account."""

    circuits: Mapping[str, Mapping[str, CircuitRecord]]  # type: ignore[assignment] # one level more on disk
    remembered: Mapping[str, CalendarRecord] = field(name="calendars")
    quotas: Mapping[str, Mapping[str, Quota]]  # type: ignore[assignment] # JSON has no pairs for keys


def version_of(document: object) -> int:
    """The version that a state document says it has. Raises DamagedError."""
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DamagedError("Expected a version of 1 or more - at `$.version`")
    return version


def encode(state: State) -> bytes:
    """What `decode` reads back as the same state, but for `rebuilt_from`, which ends with the run that
    rebuilt it, and with what `as_kept` leaves of settled orders. In ASCII, a line for each circuit, calendar
    and problem.
    """
    return ("\n".join(_lines(document_of(state))) + "\n").encode("ascii")


def document_of(state: State) -> Json:
    """The JSON document of `state`."""
    circuits: dict[str, dict[str, CircuitRecord]] = {}
    for key, circuit_state in state.circuits.items():
        account, service_id = split_key(key)
        circuits.setdefault(account, {})[service_id] = _circuit_record(circuit_state)
    quotas: dict[str, dict[str, Quota]] = {}
    for (url, account), quota in state.quotas.items():
        quotas.setdefault(url, {})[account] = quota
    remembered = {key: _calendar_record(kept, key) for key, kept in state.remembered.items()}
    record = _as(StateRecord, state, circuits=circuits, remembered=remembered, quotas=quotas)
    document = to_json(record, in_order=True)
    del document["rebuilt_from"]
    if document["shared"] is None:  # in a file
        del document["shared"]
    return {"version": VERSION, "writer": __version__, **document}


def decode(document: object) -> State:
    """The state that a document of the present version holds. Raises DamagedError."""
    record = from_json(document, StateRecord)
    circuits = {
        (key := join_key(account, service_id)): _circuit(circuit, key)
        for account, of_account in record.circuits.items()
        for service_id, circuit in of_account.items()
    }
    return _as(
        State,
        record,
        circuits=circuits,
        remembered={key: _calendar(calendar, key) for key, calendar in record.remembered.items()},
        quotas={(url, name): quota for url, of in record.quotas.items() for name, quota in of.items()},
        rebuilt_from=None,
    )


def to_json(value: object, *, in_order: bool = False) -> Any:
    """A value as plain JSON values: times in UTC with a Z, bandwidths in Mbps, money as text; `in_order` with
    sorted keys and sets."""
    return to_builtins(value, enc_hook=_plain, order="deterministic" if in_order else None)


def from_json(value: object, kind: type[_Any]) -> _Any:
    """What `to_json` made `value` of. Raises DamagedError, which names the place."""
    try:
        return convert(value, kind, dec_hook=_parsed)
    except (ValidationError, OverflowError) as error:
        raise DamagedError(str(error)) from None


def _plain(value: object) -> int:
    if isinstance(value, Bandwidth):
        return value.mbps
    raise NotImplementedError(type(value))


def _parsed(kind: type, value: object) -> Bandwidth:
    if kind is not Bandwidth:
        raise NotImplementedError(kind)
    if type(value) is not int:
        raise ValueError("Expected `int`, in Mbps")
    return Bandwidth(value)


def _as(kind: type[_Made], value: Struct, **changes: Any) -> _Made:
    """`value` as a struct of the related type `kind`, which has the same fields, with some changed."""
    return kind(**{**structs.asdict(value), **changes})


def _short(kind: type[_Made], value: Struct, usual: Mapping[str, str], **changes: Any) -> _Made:
    """`value` as a record that leaves out the texts that are as `usual`, by field."""
    implied = {name: _IMPLIED for name, text in usual.items() if getattr(value, name) == text}
    return _as(kind, value, **implied, **changes)


def _whole(kind: type[_Made], record: Struct, usual: Mapping[str, str], **changes: Any) -> _Made:
    """What `_short` made `record` of."""
    implied = {name: text for name, text in usual.items() if getattr(record, name) == _IMPLIED}
    return _as(kind, record, **implied, **changes)


def _usual_account(key: str) -> Mapping[str, str]:
    carrier_type, account = account_in(key)
    return {"carrier_type": carrier_type, "account": account}


def _usual_text(status: Status) -> Mapping[str, str]:
    """The carrier's own word for `status`, where it is the usual one."""
    return {"status_text": str(status).capitalize()}


def _circuit_record(circuit_state: CircuitState) -> CircuitRecord:
    reading, order = circuit_state.reading, circuit_state.order
    usual = {"circuit_key": circuit_state.key, "circuit": circuit_state.name}
    return _short(
        CircuitRecord,
        circuit_state,
        _usual_account(circuit_state.key),
        key=_IMPLIED,
        level=_AS_CONFIRMED if circuit_state.level == circuit_state.confirmed else circuit_state.level,
        reading=_short(ReadingRecord, reading, _usual_text(reading.status)) if reading is not None else None,
        order=_short(OrderRecord, order, usual) if order is not None else None,
        recent=tuple(_short(OrderRecord, as_kept_order(settled), usual) for settled in circuit_state.recent),
    )


def _circuit(record: CircuitRecord, key: str) -> CircuitState:
    reading, order = record.reading, record.order
    usual = {"circuit_key": key, "circuit": record.name}
    return _whole(
        CircuitState,
        record,
        _usual_account(key),
        key=key,
        level=record.confirmed if record.level is _AS_CONFIRMED else record.level,
        reading=_whole(Reading, reading, _usual_text(reading.status)) if reading is not None else None,
        order=_whole(Order, order, usual) if order is not None else None,
        recent=tuple(_whole(Order, settled, usual) for settled in record.recent),
    )


def _calendar_record(kept: SourceMemory, key: str) -> CalendarRecord:
    all_took_it = _all_of(kept.asked)
    events = tuple(_event_record(event, kept.label, all_took_it) for event in kept.events)
    source_key = _IMPLIED if kept.source_key == key else kept.source_key
    return _as(CalendarRecord, kept, source_key=source_key, events=events)


def _calendar(record: CalendarRecord, key: str) -> SourceMemory:
    all_took_it = _all_of(record.asked)
    source_key = key if record.source_key == _IMPLIED else record.source_key
    events = tuple(_event(event, source_key, record.label, all_took_it) for event in record.events)
    return _as(SourceMemory, record, source_key=source_key, events=events)


def _calendar_in(label: str) -> str:
    """The calendar that a source labelled `label` most likely belongs to."""
    return label.partition("/")[0]


def _all_of(asked: frozenset[str] | None) -> tuple[Match, ...] | None:
    """What is known of an event that each of the rules `asked` took."""
    return tuple(Match(rule) for rule in sorted(asked)) if asked is not None else None


def _event_record(event: MatchedEvent, label: str, all_took_it: tuple[Match, ...] | None) -> EventRecord:
    span = event.span
    minutes, rest = divmod(span.end - span.start, timedelta(minutes=1))
    return EventRecord(
        id=event.id,
        start=span.start,
        minutes=None if rest else minutes,
        end=span.end if rest else None,
        calendar=_IMPLIED if event.source.calendar == _calendar_in(label) else event.source.calendar,
        rules=None if event.matches == all_took_it else event.matches,
        uid=event.uid,
        subject=event.subject,
        all_day=event.all_day,
        absent=event.absent,
        named=_as(NamedRecord, event.named) if event.named is not None else None,
    )


def _event(record: EventRecord, key: str, label: str, all_took_it: tuple[Match, ...] | None) -> MatchedEvent:
    matches = record.rules if record.rules is not None else all_took_it
    if matches is None:
        raise DamagedError(f"Object missing required field `rules` - at `$.calendars[{key!r}].events`")
    calendar = _calendar_in(label) if record.calendar == _IMPLIED else record.calendar
    return MatchedEvent(
        source=Source(key, calendar, label),
        id=record.id,
        uid=record.uid,
        span=_span(record, key),
        all_day=record.all_day,
        subject=record.subject,
        matches=matches,
        absent=record.absent,
        named=_as(NamedCircuits, record.named) if record.named is not None else None,
    )


def _span(record: EventRecord, key: str) -> Span:
    """Raises DamagedError for a length that nobody wrote."""
    start, end = record.start, record.end
    try:
        if end is None and record.minutes is not None:
            end = start + timedelta(minutes=record.minutes)
    except OverflowError:
        end = None
    if end is None or (start.tzinfo is None) != (end.tzinfo is None):
        raise DamagedError(f"Expected an end - at `$.calendars[{key!r}].events`")
    return Floating(start, end) if start.tzinfo is None else Timed(start, end)


def _lines(document: Json) -> Iterator[str]:
    for number, (name, value) in enumerate(document.items()):
        yield f"{',' if number else '{'}{json.dumps(name)}:{_spread(value, 1)}"
    yield "}"


def _spread(value: Any, indent: int) -> str:
    """A mapping of mappings with a line for each of them, so that what changed is a line."""
    if not (isinstance(value, dict) and value and all(isinstance(one, dict) for one in value.values())):
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    lines = (f"{' ' * indent}{json.dumps(key)}:{_spread(one, indent + 1)}" for key, one in value.items())
    return "{\n" + ",\n".join(lines) + "\n" + " " * (indent - 1) + "}"
