"""From the shape on disk to the state in memory: strict, since damage must never be read as something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Reading, Status, account_in
from iodcal.domain.events import Floating, Match, MatchedEvent, Named, Source, Span, Timed
from iodcal.domain.localtime import Interval
from iodcal.domain.money import QuotedPrice
from iodcal.domain.orders import BootTime, Order, Outcome
from iodcal.domain.standing import Drift, Foreseen, Remembered, Standing
from iodcal.domain.wishes import Hold, Parked, Pause
from iodcal.state.encode import UNSAID, all_of, calendar_in, joined_key, usual_text
from iodcal.store.state import LastRun, Quota, State, Told

_Value = TypeVar("_Value")
_Word = TypeVar("_Word", bound=StrEnum)


class DamagedError(ValueError):
    """The document is not one that `encode` wrote; the text says where."""


class Node(Struct, frozen=True):
    """A JSON object at a place in the document, read strictly."""

    values: Mapping[str, Any]
    place: str

    @classmethod
    def of(cls, value: object, place: str) -> Node:
        if not isinstance(value, dict):
            raise DamagedError(f"{place} is not an object")
        return cls(value, place)

    def raw(self, name: str, kinds: tuple[type, ...]) -> Any:
        value = self.values.get(name)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise DamagedError(f"{self.place}.{name} is not as expected")
        return value

    def text(self, name: str) -> str:
        return str(self.raw(name, (str,)))

    def texts(self, name: str) -> list[str]:
        values = list(self.raw(name, (list,)))
        if not all(isinstance(value, str) for value in values):
            raise DamagedError(f"{self.place}.{name} is not as expected")
        return values

    def flag(self, name: str) -> bool:
        return bool(self.raw(name, (bool,)))

    def number(self, name: str) -> int:
        return int(self.raw(name, (int,)))

    def time(self, name: str) -> datetime:
        return _parsed(self._time, self.text(name), f"{self.place}.{name}")

    def local_time(self, name: str) -> datetime:
        return _parsed(_naive, self.text(name), f"{self.place}.{name}")

    def after(self, start: datetime, name: str) -> datetime:
        """So many minutes after `start`."""
        length = self.number(name)
        return _parsed(lambda minutes: start + timedelta(minutes=minutes), length, f"{self.place}.{name}")

    def day(self, name: str) -> date:
        return _parsed(date.fromisoformat, self.text(name), f"{self.place}.{name}")

    def amount(self, name: str) -> Decimal:
        return _parsed(_finite, self.text(name), f"{self.place}.{name}")

    def bandwidth(self, name: str) -> Bandwidth:
        return _parsed(Bandwidth, self.number(name), f"{self.place}.{name}")

    def word(self, name: str, words: type[_Word]) -> _Word:
        return _parsed(words, self.text(name), f"{self.place}.{name}")

    def maybe(self, name: str, read: Callable[[str], _Value]) -> _Value | None:
        """What `read` makes of the value, or None where the document says null."""
        return None if self.values.get(name, self) is None else read(name)

    def given(self, name: str, read: Callable[[str], _Value], else_: _Value) -> _Value:
        """What `read` makes of the value; `else_` where the key is left out, since the rest says as much."""
        return read(name) if name in self.values else else_

    def added(self, name: str, read: Callable[[str], _Value]) -> _Value | None:
        """As `maybe`, for a key that is left out where it says nothing, or that the first files of this
        version do not have."""
        return read(name) if self.values.get(name) is not None else None

    def each(self, name: str, read: Callable[[Node], _Value]) -> tuple[_Value, ...]:
        """What `read` makes of each object of a list that is left out where it is empty."""
        return tuple(read(node) for node in self.nodes(name)) if name in self.values else ()

    def node(self, name: str) -> Node:
        return Node.of(self.values.get(name), f"{self.place}.{name}")

    def nodes(self, name: str) -> Iterator[Node]:
        for number, value in enumerate(self.raw(name, (list,))):
            yield Node.of(value, f"{self.place}.{name}[{number}]")

    def items(self, name: str) -> Iterator[tuple[str, Node]]:
        inside = self.node(name)
        for key, value in inside.values.items():
            yield key, Node.of(value, f"{inside.place}[{key!r}]")

    @staticmethod
    def _time(text: str) -> datetime:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("no offset")
        return at.astimezone(UTC)


def _parsed(parse: Callable[[Any], _Value], value: object, place: str) -> _Value:
    try:
        return parse(value)
    except (ValueError, OverflowError):
        raise DamagedError(f"{place} is not as expected") from None


def _finite(text: str) -> Decimal:
    """Raises ValueError for what is no amount of money."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError("no number") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError("no price")
    return amount


def _naive(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is not None:
        raise ValueError("has an offset")
    return at


def decode(document: object) -> State:
    """The state that a document of the present version holds. Raises DamagedError."""
    root = Node.of(document, "state")
    return State(
        circuits=dict(_circuits(root)),
        remembered={key: _remembered(key, node) for key, node in root.items("calendars")},
        calendar_ids={key: root.node("calendar_ids").text(key) for key in root.node("calendar_ids").values},
        quotas={
            (node.text("base_url"), node.text("account")): Quota(node.day("day"), node.number("used"))
            for node in root.nodes("quotas")
        },
        told={key: _told(node) for key, node in root.items("problems")},
        last_run=root.maybe("last_run", lambda name: _run(root.node(name))),
        unknown_since=root.added("unknown_since", root.time),
        pause=root.added("pause", lambda name: decode_pause(root.node(name))),
        parked=root.added("parked", lambda name: decode_parked(root.node(name))),
        looked_up_at=root.added("looked_up_at", lambda name: _times(root.node(name))) or {},
        failed_sources=frozenset(root.added("failed_sources", root.texts) or ()),
        page_sizes=root.added("page_sizes", lambda name: _numbers(root.node(name))) or {},
        throttled_until=root.added("throttled_until", lambda name: _times(root.node(name))) or {},
    )


def _times(node: Node) -> dict[str, datetime]:
    return {key: node.time(key) for key in node.values}


def _numbers(node: Node) -> dict[str, int]:
    return {key: node.number(key) for key in node.values}


def _circuits(root: Node) -> Iterator[tuple[str, Standing]]:
    for account, _ in root.items("circuits"):
        for service_id, node in root.node("circuits").items(account):
            key = joined_key(account, service_id)
            yield key, _standing(key, node)


def _run(node: Node) -> LastRun:
    return LastRun(
        node.text("run_id"),
        node.time("started_at"),
        node.time("ended_at"),
        node.flag("good"),
        node.number("exit"),
    )


def _standing(key: str, node: Node) -> Standing:
    carrier_type, account = account_in(key)
    confirmed = node.maybe("confirmed_mbps", node.bandwidth)
    return Standing(
        key=key,
        name=node.text("name"),
        carrier_type=node.given("carrier_type", node.text, carrier_type),
        account=node.given("account", node.text, account),
        off_peak=node.maybe("off_peak_mbps", node.bandwidth),
        confirmed=confirmed,
        reading=node.added("reading", lambda name: decode_reading(node.node(name))),
        order=node.added("order", lambda name: decode_order(node.node(name))),
        recent=node.each("recent_orders", lambda order: _closed(order, key, node.text("name"))),
        drift=node.added("drift", lambda name: decode_drift(node.node(name))),
        raised_for=node.added("raised_for", node.text),
        level=node.given("level_mbps", lambda name: node.maybe(name, node.bandwidth), confirmed),
        stepped_down_at=node.added("stepped_down_at", node.time),
        foreseen=node.each("foreseen", lambda seen: Foreseen(seen.time("at"), seen.bandwidth("to_mbps"))),
        curtain_ups=node.each("curtain_ups", lambda done: (done.text("event"), done.time("until"))),
        failures=node.added("failures", node.number) or 0,
        retry_at=node.added("retry_at", node.time),
        held_told=node.added("held_told", node.text),
        hold=node.added("hold", lambda name: decode_hold(node.node(name))),
        pause=node.added("pause", lambda name: decode_pause(node.node(name))),
        quotes=node.each("quotes", _quoted),
    )


def _quoted(node: Node) -> QuotedPrice:
    return QuotedPrice(
        node.bandwidth("mbps"), node.amount("per_hour"), node.text("currency"), node.time("at")
    )


def decode_hold(node: Node) -> Hold:
    return Hold(
        bandwidth=node.bandwidth("mbps"),
        since=node.time("since"),
        until=node.time("until"),
        who=node.text("who"),
        note=node.text("note"),
        exactly=node.flag("exactly"),
    )


def decode_pause(node: Node) -> Pause:
    return Pause(node.time("since"), node.time("until"), node.text("who"), node.text("note"))


def decode_parked(node: Node) -> Parked:
    return Parked(node.time("since"), node.text("who"), node.text("note"))


def decode_reading(node: Node) -> Reading:
    status = node.word("status", Status)
    return Reading(
        node.time("at"),
        status,
        node.maybe("mbps", node.bandwidth),
        node.given("status_text", node.text, usual_text(status)),
    )


def decode_drift(node: Node) -> Drift:
    return Drift(node.bandwidth("observed_mbps"), node.time("seen_at"), node.time("agreed_at"))


def decode_order(node: Node) -> Order:
    return Order(
        id=node.text("id"),
        circuit_key=node.text("circuit_key"),
        circuit=node.text("circuit"),
        old=node.bandwidth("from_mbps"),
        new=node.bandwidth("to_mbps"),
        created_at=node.time("created_at"),
        outcome=node.word("outcome", Outcome),
        quote_id=node.maybe("quote_id", node.text),
        accepted_at=node.maybe("accepted_at", node.time),
        carrier_order_id=node.maybe("carrier_order_id", node.text),
        settled_at=node.maybe("settled_at", node.time),
        resends=node.number("resends"),
        demand=node.text("demand"),
        run_id=node.text("run_id"),
        reason=node.text("reason"),
        boot=node.added("boot", lambda name: _boot(node.node(name))),
        price_per_hour=node.added("price_per_hour", node.amount),
        currency=node.added("currency", node.text),
        needed_by=node.added("needed_by", node.time),
    )


_NULL = dict.fromkeys(("quote_id", "accepted_at", "carrier_order_id", "settled_at"))


def _closed(node: Node, key: str, name: str) -> Order:
    """A settled order, as `encode` shortens it."""
    said = {**_NULL, **UNSAID, "circuit_key": key, "circuit": name, **node.values}
    return decode_order(Node(said, node.place))


def _boot(node: Node) -> BootTime:
    return BootTime(node.text("id"), float(node.raw("seconds", (int, float))))


def _remembered(key: str, node: Node) -> Remembered:
    label = node.text("label")
    asked = node.added("asked", lambda name: frozenset(node.texts(name)))
    return Remembered(
        source_key=key,
        label=label,
        read_at=node.time("read_at"),
        covers=Interval(node.time("from"), node.time("until")),
        events=node.each("events", lambda event: _event(key, label, asked, event)),
        asked=asked,
    )


def _event(source_key: str, label: str, asked: frozenset[str] | None, node: Node) -> MatchedEvent:
    return MatchedEvent(
        source=Source(source_key, node.given("calendar", node.text, calendar_in(label)), label),
        id=node.text("id"),
        uid=node.given("uid", node.text, ""),
        span=_span(node),
        all_day=node.added("all_day", node.flag) or False,
        subject=node.added("subject", node.text),
        matches=_matches(node, asked),
        absent=node.added("absent", node.flag) or False,
        named=node.added("named", lambda name: _named(node.node(name))),
    )


def _matches(node: Node, asked: frozenset[str] | None) -> tuple[Match, ...]:
    if asked is not None and "rules" not in node.values:
        return all_of(asked)
    rules = node.nodes("rules")
    return tuple(Match(rule.text("name"), rule.added("mbps", rule.bandwidth)) for rule in rules)


def _named(node: Node) -> Named:
    return Named(frozenset(node.texts("circuits")), frozenset(node.texts("sites")))


def _span(node: Node) -> Span:
    if "local_start" in node.values:
        return Floating(node.local_time("local_start"), node.local_time("local_end"))
    start = node.time("start")
    return Timed(start, node.time("end") if "end" in node.values else node.after(start, "minutes"))


def _told(node: Node) -> Told:
    stable = node.node("stable_facts").values
    return Told(
        kind=node.text("kind"),
        where=node.text("where"),
        facts=dict(node.node("facts").values),
        stable_facts=tuple(sorted(stable.items())),
        since=node.time("since"),
        told_at=node.maybe("told_at", node.time),
        over=node.given("over", node.flag, False),
    )
