"""What every store of a state keeps, a file or an object store: one suite for all, against real servers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.orders import Outcome, with_end
from iodcal.domain.structs import replace
from iodcal.errors import LockHeldError, StateError
from iodcal.notify.outbox import Memory, Outbox, load
from iodcal.store.files import replace_file
from iodcal.store.state import KeptStore, LastRun, State
from iodcal.store.store import StateStore
from tests.servers.object_stores import GOOD, StoreKind
from tests.shared.conftest import Prefix
from tests.store.test_store import CIRCUIT, NOW, ORDER, STATE

KEEP = timedelta(days=400)
RUN = LastRun("1", NOW, NOW, good=True, exit=0)
OPEN = State(circuits={CIRCUIT.key: replace(CIRCUIT, order=ORDER)})


class Place:
    """Where one state is; `open` makes a host's own view of it, `overwrite` damages it."""

    def __init__(self, open_: Callable[[], KeptStore], overwrite: Callable[[bytes], None]) -> None:
        self.open = open_
        self.overwrite = overwrite


@pytest.fixture(params=[None, *GOOD], ids=lambda kind: kind.name if kind is not None else "file")
def place(request: pytest.FixtureRequest, opened: Callable[[StoreKind], Prefix], tmp_path: Path) -> Place:
    if request.param is None:
        path = tmp_path / "state" / "state.json"
        return Place(lambda: StateStore(path), lambda content: replace_file(path, content))
    prefix = opened(request.param)

    def overwrite(content: bytes) -> None:
        folder = prefix.folder()
        found = folder.read("state.json")
        folder.put("state.json", content, found.version if found is not None else None)

    return Place(prefix.host, overwrite)


def written(store: KeptStore, state: State) -> None:
    """A command that keeps `state`."""
    with store.lock(command="test", wait_seconds=0):
        store.probe()
        store.load()
        store.save(state)


def told(state: State) -> State:
    """`state` without what only a shared one has."""
    return replace(state, shared=None)


def test_where_nothing_is_kept_the_state_is_an_empty_one(place: Place) -> None:
    assert place.open().load(read_only=True) == State()
    assert place.open().notices.read() is None
    assert list(place.open().history.read()) == []


def test_what_is_saved_is_loaded_by_another(place: Place) -> None:
    written(place.open(), STATE)
    assert told(place.open().load(read_only=True)) == STATE
    changed = replace(STATE, last_run=RUN)
    written(place.open(), changed)
    assert told(place.open().load(read_only=True)) == changed


def test_one_command_saves_many_times(place: Place) -> None:
    store = place.open()
    with store.lock(command="test", wait_seconds=0):
        store.load()
        store.claim()
        for number in range(3):
            assert store.may_order
            store.save(replace(STATE, last_run=replace(RUN, exit=number)))
    last = place.open().load(read_only=True).last_run
    assert last is not None
    assert last.exit == 2


def test_while_one_is_at_work_another_is_told_who_and_readers_look_on(place: Place) -> None:
    first, second = place.open(), place.open()
    with first.lock(command="sync", wait_seconds=0):
        first.load()
        first.claim()
        first.save(STATE)
        with pytest.raises(LockHeldError) as caught, second.lock(command="sync", wait_seconds=0):
            second.load()
        assert caught.value.facts["command"] == "sync"
        assert told(second.load(read_only=True)) == STATE
    written(second, OPEN)


def test_the_history_is_read_in_its_order_month_by_month(place: Place) -> None:
    store = place.open()
    with store.lock(command="test", wait_seconds=0):
        store.load()
        for number in range(3):
            store.history.append("change", at=NOW + timedelta(seconds=number), run_id="1", number=number)
    assert [line["number"] for line in place.open().history.read()] == [0, 1, 2]
    assert len(list(place.open().history.lines(NOW))) == 3


def test_a_month_that_is_over_is_set_aside_and_read_on(place: Place) -> None:
    past = datetime(2026, 10, 31, 23, tzinfo=UTC)
    store = place.open()
    with store.lock(command="test", wait_seconds=0):
        store.load()
        store.save(replace(STATE, last_run=replace(RUN, started_at=past)))
        for number in range(3):
            store.history.append("change", at=past, run_id="1", number=number)
    store = place.open()
    with store.lock(command="test", wait_seconds=0):
        store.load()
        store.history.rotate(past + timedelta(days=2), KEEP)
        store.history.append("change", at=past + timedelta(days=2), run_id="2", number=3)
    assert [line["number"] for line in place.open().history.read()] == [0, 1, 2, 3]
    assert [line["number"] for line in place.open().history.read() if line] == [0, 1, 2, 3]
    later = [line["number"] for line in place.open().history.lines(past + timedelta(days=1)) if line]
    assert later == [3]
    store = place.open()
    with store.lock(command="test", wait_seconds=0):
        store.load()
        store.history.rotate(past + KEEP + timedelta(days=40), KEEP)
    assert 0 not in [line["number"] for line in place.open().history.read()]


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"version": 3}', b"null"], ids=["empty", "torn", "bare", "null"]
)
def test_a_damaged_state_is_rebuilt_from_the_history_and_kept_aside(place: Place, content: bytes) -> None:
    store = place.open()
    with store.lock(command="test", wait_seconds=0):
        store.load()
        store.history.append("order", at=NOW, run_id="1", order=ORDER)
        store.save(OPEN)
    place.overwrite(content)
    store = place.open()
    with store.lock(command="test", wait_seconds=0):
        state = store.load()
        assert state.rebuilt_from is not None
        assert "damaged" in state.rebuilt_from
        open_order = state.circuits[CIRCUIT.key].order
        assert open_order is not None
        assert open_order.id == ORDER.id
        store.save(state)
    assert place.open().load(read_only=True).rebuilt_from is None


def test_a_newer_state_is_refused_and_left_alone(place: Place) -> None:
    written(place.open(), STATE)
    place.overwrite(json.dumps({"version": 99, "writer": "9.9"}).encode())
    store = place.open()
    with pytest.raises(StateError) as caught, store.lock(command="sync", wait_seconds=0):
        store.load()
    assert caught.value.code == "too_new"
    with pytest.raises(StateError):
        place.open().load(read_only=True)


def test_an_answer_is_kept_and_the_order_settled(place: Place) -> None:
    store = place.open()
    with store.lock(command="test", wait_seconds=0):
        store.load()
        store.claim()
        store.save(OPEN)
        done = with_end(ORDER, Outcome.REFUSED, NOW, "refused")
        circuit = replace(CIRCUIT, recent=(done,), confirmed=Bandwidth(100))
        store.save_answer(replace(OPEN, circuits={CIRCUIT.key: circuit}), done)
    kept = place.open().load(read_only=True).circuits[CIRCUIT.key]
    assert kept.order is None
    assert [one.outcome for one in kept.recent] == [Outcome.REFUSED]


def test_notices_wait(place: Place) -> None:
    written(place.open(), STATE)
    box = place.open().notices
    outbox = replace(load(box), targets={"noc": Memory(fault="it hangs")})
    with box.alone() as first:
        assert first
        assert outbox.save()
    assert load(place.open().notices).targets == outbox.targets
    assert Outbox(box, {}).save()


def test_what_cannot_be_saved_in_its_place_goes_elsewhere(place: Place) -> None:
    found = place.open().save_elsewhere(STATE)
    assert found is not None
    document: Any = json.loads(Path(found).read_text())
    assert document["version"] == 3
