"""Files that iodcal 0.1.0, and the versions before it, wrote: what they were read as then they are read as
for ever. Each lies beside a `.loads.json` that 0.1.0's own code made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Cause
from iodcal.domain.structs import replace
from iodcal.store.codec import DamagedError
from iodcal.store.history import CurtainUp
from iodcal.store.lines import decode_line, read_past
from iodcal.store.log import History
from iodcal.store.rebuild import rebuild
from iodcal.store.state import Quota, State
from iodcal.store.store import StateStore
from tests.store.past import NOON, history_in
from tests.store.past import fill as fill_history
from tests.store.strategies import kept

GOLDEN = Path(__file__).parent / "golden"
# What is newer than 0.1.0, with its default.
NEWER: dict[str, Any] = {
    "changed_at": [],
    "estimated": False,
    "failed": [],
    "not_before": None,
    "refused": 0,
    "refused_for": None,
    "said": "",
    "unpriced": None,
    "waits_for": "",
    "installation": None,
    "before": None,
    "name": None,
}
# What had another name in 0.1.0's code; on disk it still has that one.
RENAMED = {"preflight_checks": "curtain_ups"}
STATES = sorted(path for path in (GOLDEN / "states").glob("*/*.json") if ".loads" not in path.name)
HISTORIES = sorted((GOLDEN / "histories").glob("*.jsonl"))
REBUILT_AT = NOON + timedelta(minutes=1600)


def plain(value: object) -> Any:
    """A value as plain JSON, field by field, without the help of the codec under test."""
    match value:
        case Bandwidth():
            return {"mbps": value.mbps}
        case Cause():  # the history had a struct of its own for them
            fields = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
            assert fields.pop("remembered_since") is None
            return {**fields, "id": value.id or None}
        case CurtainUp():  # 0.1.0 knew only whether it was ready
            fields = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
            ready = fields.pop("result") == "ready"
            return {**fields, "ready": ready}
        case Quota():  # 0.1.0 did not count what was refused
            return {"day": value.day.isoformat(), "used": value.used}
        case Struct():
            fields = {
                RENAMED.get(name, name): plain(getattr(value, name)) for name in value.__struct_fields__
            }
            return {name: one for name, one in fields.items() if NEWER.get(name) != one or name not in NEWER}
        case Mapping():
            items = sorted(value.items(), key=lambda item: str(item[0]))
            return [[plain(key), plain(inside)] for key, inside in items]
        case frozenset():
            return sorted(plain(one) for one in value)
        case tuple() | list():
            return [plain(one) for one in value]
        case Enum():
            return value.value
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case _:
            return value


def loads(path: Path) -> Any:
    return json.loads(path.with_suffix(".loads.json").read_text())


@pytest.mark.parametrize("path", STATES, ids=[f"{path.parent.name}-{path.stem}" for path in STATES])
def test_a_state_of_an_earlier_version_is_read_for_ever(path: Path, tmp_path: Path) -> None:
    """It is migrated to the same state, comes back as the same from the file of today, and is kept."""
    place = tmp_path / "state.json"
    place.write_bytes(path.read_bytes())
    store = StateStore(place)
    state = store.load()
    assert plain(state) == {**plain(State()), **loads(path)}  # what is newer than the file has its default
    store.save(state)
    assert json.loads(place.read_text())["version"] == 3
    assert StateStore(place).load() == kept(state)
    (aside,) = tmp_path.glob(f"state.json.{path.parent.name}-*")
    assert aside.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("path", HISTORIES, ids=[path.stem for path in HISTORIES])
def test_a_history_of_0_1_0_is_read_for_ever(path: Path) -> None:
    history = History(path)
    expected = loads(path)
    assert plain(read_past(history)) == expected["past"]
    state = rebuild(history.read(), REBUILT_AT)
    circuits = {key: replace(one, changed_at=()) for key, one in state.circuits.items()}  # 0.1.0 had none
    rebuilt = plain(replace(state, circuits=circuits))
    assert rebuilt == {**plain(State()), **expected["rebuilt"]}


def test_lines_are_written_as_0_1_0_wrote_them(tmp_path: Path) -> None:
    history = history_in(tmp_path)
    fill_history(history)
    written = [json.loads(line) for line in history.path.read_text().splitlines()]
    golden = GOLDEN / "histories" / "01-one-of-everything.jsonl"
    assert written == [json.loads(line) for line in golden.read_text().splitlines()]


BAD: list[Any] = [None, True, 0, -1, 1.5, "", "x", [], [1], {}, {"a": 1}, "2026-11-24T12:00:00"]


def damaged(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`line` with each field damaged in every way, and with each left out."""
    for key in line:
        yield from ({**line, key: bad} for bad in BAD)
        yield {name: value for name, value in line.items() if name != key}
    for inner in ("order", "drift", "by"):
        values = line.get(inner)
        if isinstance(values, dict):
            for key in values:
                yield from ({**line, inner: {**values, key: bad}} for bad in BAD)
                yield {**line, inner: {name: value for name, value in values.items() if name != key}}
    for cause in (line.get("causes") or [])[:1]:
        for key in cause:
            yield from ({**line, "causes": [{**cause, key: bad}]} for bad in BAD)


def is_read(record: dict[str, Any]) -> bool:
    try:
        decode_line(record)
    except DamagedError:
        return False
    return True


def test_what_0_1_0_took_for_damage_is_damage() -> None:
    """A digit for each damaged line: 1 where 0.1.0 read it all the same, 0 where it took it for damage. A
    price that is a number instead of a text is now read as that price."""
    lines = (GOLDEN / "histories" / "01-one-of-everything.jsonl").read_text().splitlines()
    records = [record for line in lines for record in damaged(json.loads(line))]
    verdicts = json.loads((GOLDEN / "damaged-lines.json").read_text())
    wrong = [
        (was, record)
        for was, record in zip(verdicts, records, strict=True)
        if (was == "1" or has_price_as_number(record)) != is_read(record)
    ]
    assert wrong == []


def has_price_as_number(record: dict[str, Any]) -> bool:
    order = record.get("order")
    return isinstance(order, dict) and order.get("price_per_hour") in (0, 1.5)
