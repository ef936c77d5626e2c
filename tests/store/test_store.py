"""The state file: round trips, damage, versions, permissions, and writes that fail half-way."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState, Drift
from iodcal.domain.circuits import Quote
from iodcal.domain.events import NamedCircuits
from iodcal.domain.holds import Hold, Parked, Pause
from iodcal.domain.orders import Outcome, make_intent, with_end
from iodcal.domain.structs import replace
from iodcal.errors import StateError
from iodcal.store.codec import DamagedError, decode, document_of, encode
from iodcal.store.files import Access
from iodcal.store.legacy import migrate
from iodcal.store.state import State
from iodcal.store.store import StateStore
from tests.store.strategies import kept, states

GOLDEN = Path(__file__).parent / "golden" / "states" / "v1"
NOW = datetime.now(UTC).replace(microsecond=0)
CIRCUIT = CircuitState("lumen|https://api|1-A|77", "den-a", "lumen", "1-A", confirmed=Bandwidth(100))
ORDER = make_intent(
    id="1",
    circuit_key=CIRCUIT.key,
    circuit="den-a",
    old=Bandwidth(100),
    quote=Quote("q", Bandwidth(1000), NOW),
    now=NOW,
    demand="e",
    resends=0,
    run_id="1",
)
STATE = State(circuits={CIRCUIT.key: CIRCUIT})


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    return StateStore(tmp_path / "folder" / "state.json")


@given(states())
def test_a_state_comes_back_as_it_was(state: State) -> None:
    assert decode(json.loads(encode(state))) == kept(state)


def golden(name: str) -> Any:
    """A state of that name, as the present version has it."""
    return migrate(json.loads((GOLDEN / name).read_text()), name)


def test_a_state_of_the_first_version_is_kept_beside_the_new_one(store: StateStore) -> None:
    content = (GOLDEN / "v1-last.json").read_bytes()
    store.path.parent.mkdir()
    store.path.write_bytes(content)
    assert StateStore(store.path).load(read_only=True) == store.load()
    state = store.load()
    store.save(state)
    (aside,) = store.path.parent.glob("state.json.v1-*")
    assert aside.read_bytes() == content
    assert json.loads(store.path.read_text())["version"] == 3
    assert StateStore(store.path).load() == kept(state)


def test_what_others_keep_beside_it_under_a_like_name_stops_no_migration(store: StateStore) -> None:
    content = (GOLDEN / "v1-last.json").read_bytes()
    store.path.parent.mkdir()
    store.path.write_bytes(content)
    (store.path.parent / "state.json.v1-folder").mkdir()
    unreadable = store.path.parent / "state.json.v1-of-root"
    unreadable.write_bytes(content)
    unreadable.chmod(0)
    os.mkfifo(store.path.parent / "state.json.v1-pipe")
    store.save(store.load())
    assert json.loads(store.path.read_text())["version"] == 3


@pytest.mark.parametrize("circuits", [None, [], {"lumen|||1": None}, {"lumen|||1": []}])
def test_a_damaged_state_of_the_first_version_is_damaged(store: StateStore, circuits: Any) -> None:
    document = {**json.loads((GOLDEN / "v1.json").read_text()), "circuits": circuits}
    store.path.parent.mkdir()
    store.path.write_text(json.dumps(document))
    assert store.load().rebuilt_from is not None


def test_a_file_of_before_people_could_ask_for_anything_is_read_too() -> None:
    document = golden("v1.json")
    known = decode(document)
    (circuits,) = document["circuits"].values()
    for place in (document, *circuits.values()):
        for name in ("hold", "pause", "parked"):
            place.pop(name, None)
    bare = {
        key: replace(circuit_state, hold=None, pause=None) for key, circuit_state in known.circuits.items()
    }
    assert decode(document) == replace(known, pause=None, parked=None, circuits=bare)


def test_what_an_event_names_is_kept_as_keys_and_sites() -> None:
    document = golden("v1.json")
    (key, calendar), *_ = ((key, one) for key, one in document["calendars"].items() if one["events"])
    names = {"circuits": ["lumen|https://api.lumen.com|1-ABCDE|77000000001"], "sites": ["lon"]}
    assert "named" not in calendar["events"][0]
    assert decode(document).remembered[key].events[0].named is None
    calendar["events"][0]["named"] = names
    state = decode(document)
    assert state.remembered[key].events[0].named == NamedCircuits(
        frozenset(names["circuits"]), frozenset(names["sites"])
    )
    assert document_of(state)["calendars"][key]["events"][0]["named"] == names
    damages: list[Any] = [
        [],
        {"circuits": []},
        {"circuits": [1], "sites": []},
        {"circuits": "x", "sites": []},
    ]
    for damage in damages:
        calendar["events"][0]["named"] = damage
        with pytest.raises(DamagedError):
            decode(document)


@given(states(), st.data())
def test_damage_is_an_error_and_never_something_else(state: State, data: st.DataObject) -> None:
    document = document_of(state)
    name = data.draw(st.sampled_from(["circuits", "calendars", "quotas", "problems", "calendar_ids"]))
    document[name] = data.draw(st.sampled_from([None, 1, "x", [None], [1], {"a": None}, {"a": [1]}, True]))
    with pytest.raises(DamagedError):
        decode(document)


def test_there_is_no_state_before_the_first_run(store: StateStore) -> None:
    assert store.load() == State()
    assert not store.path.parent.exists()


def test_file_and_folder_are_for_their_owner_only(store: StateStore) -> None:
    store.save(STATE)
    store.history.append("run", at=NOW, run_id="1")
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.iterdir()} == {0o600}
    assert StateStore(store.path).load() == STATE


def test_nothing_is_written_where_nothing_changed(store: StateStore) -> None:
    store.save(STATE)
    before = store.path.stat().st_ino
    store.save(STATE)
    again = StateStore(store.path)
    again.save(again.load())
    assert store.path.stat().st_ino == before


@pytest.mark.parametrize("call", ["fsync", "write"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    store: StateStore, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    store.save(STATE)
    before = store.path.read_bytes()

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        if call == "fsync":
            broken.setattr(os, "fsync", fail)
        else:
            broken.setattr(Path, "replace", fail)
        with pytest.raises(StateError) as caught:
            store.save(State())
        with pytest.raises(StateError):
            StateStore(store.path).probe() if call == "fsync" else store.save(State())
    assert caught.value.code == "unwritable"
    assert store.path.read_bytes() == before
    assert [path.name for path in store.path.parent.iterdir()] == ["state.json"]


def test_what_cannot_be_saved_in_its_place_is_saved_elsewhere(
    store: StateStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.path.parent.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(elsewhere))
    real = os.open

    def refuse(path: Any, *arguments: Any) -> int:
        if Path(path).parent == store.path.parent:
            raise OSError(30, "Read-only file system")
        return real(path, *arguments)

    monkeypatch.setattr(os, "open", refuse)
    place = store.save_elsewhere(STATE)
    assert place is not None
    assert Path(place).parent == elsewhere
    monkeypatch.undo()
    assert decode(json.loads(Path(place).read_text())) == STATE


def test_a_place_that_is_full_keeps_no_half_of_the_state(
    store: StateStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store.save(STATE)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(elsewhere))
    real = os.write

    def full(descriptor: int, content: bytes) -> int:
        if Path(f"/proc/self/fd/{descriptor}").readlink().parent == store.path.parent:
            raise OSError(28, "No space left on device")
        return real(descriptor, content)

    monkeypatch.setattr(os, "write", full)
    place = store.save_elsewhere(STATE)
    assert place is not None
    assert Path(place).parent == elsewhere
    assert list(store.path.parent.glob("iodcal-state-*")) == []


def test_no_link_is_followed_to_where_a_lost_state_goes(
    store: StateStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if somebody could foresee its name: in the first place lies a link, so it goes to the second."""
    store = StateStore(store.path, lambda: NOW)
    store.save(STATE)
    second = tmp_path / "second"
    second.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(second))
    monkeypatch.setattr("secrets.token_hex", lambda _bytes: "beef")
    precious = tmp_path / "precious"
    (store.path.parent / f"iodcal-state-{NOW:%Y%m%dT%H%M%S}-beef.json").symlink_to(precious)
    place = store.save_elsewhere(STATE)
    assert place is not None
    assert Path(place).parent == second
    assert not precious.exists()


def test_a_newer_state_is_left_alone(store: StateStore) -> None:
    store.save(STATE)
    document = {**json.loads(store.path.read_text()), "version": 99, "writer": "9.9"}
    store.path.write_text(json.dumps(document))
    with pytest.raises(StateError) as caught:
        store.load()
    assert (caught.value.code, caught.value.facts["writer"]) == ("too_new", "9.9")
    assert json.loads(store.path.read_text()) == document


def test_an_older_state_is_migrated_step_by_step() -> None:
    steps: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
        1: lambda old: {**old, "version": 2, "b": 1},
        2: lambda old: {**old, "version": 3, "c": 2},
    }
    assert migrate({"version": 1}, "x", steps=steps, target=3) == {"version": 3, "b": 1, "c": 2}
    with pytest.raises(DamagedError):
        migrate({"version": 1}, "x", steps={}, target=2)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\x00\xff", b"[]", b'{"version": "1"}', b'{"version": 1}', b"[" * 100_000]
)
def test_a_damaged_state_is_set_aside_and_rebuilt(store: StateStore, content: bytes) -> None:
    store.save(STATE)
    order = make_intent(
        id="a",
        circuit_key=CIRCUIT.key,
        circuit="den-a",
        old=Bandwidth(100),
        quote=Quote("q", Bandwidth(500), NOW),
        now=NOW - timedelta(minutes=1),
        demand="d",
        resends=0,
        run_id="r",
    )
    store.history.append("order", at=NOW, run_id="r", order=order)
    store.path.write_bytes(content)

    looked_at = StateStore(store.path).load(read_only=True)
    assert store.path.read_bytes() == content
    rebuilt = StateStore(store.path).load()
    assert rebuilt.rebuilt_from is not None
    again = StateStore(store.path).load()  # as after a run that died before it wrote
    assert again.rebuilt_from == rebuilt.rebuilt_from
    StateStore(store.path).save(again)
    assert Path(rebuilt.rebuilt_from).read_bytes() == content
    assert StateStore(store.path).load().rebuilt_from is None
    for state in (looked_at, rebuilt, again):
        known = state.circuits[CIRCUIT.key].order
        assert known is not None
        assert (known.outcome, known.new) == (Outcome.UNKNOWN, Bandwidth(500))
        assert state.quotas["https://api", "1-A"].used == 1


def test_an_intent_that_another_order_followed_is_not_open_in_a_rebuilt_state(store: StateStore) -> None:
    """It never got into the state, and so never left."""
    store.path.parent.mkdir()
    for id_, outcome in (("a", Outcome.SENDING), ("b", Outcome.SENDING), ("b", Outcome.CONFIRMED)):
        store.history.append("order", at=NOW, run_id="r", order=replace(ORDER, id=id_, outcome=outcome))
    store.path.write_text("{")
    known = store.load().circuits[CIRCUIT.key]
    assert (known.order, [order.id for order in known.recent]) == (None, ["b"])


def test_a_rebuilt_state_knows_what_was_confirmed(store: StateStore) -> None:
    order = make_intent(
        id="a",
        circuit_key=CIRCUIT.key,
        circuit="den-a",
        old=Bandwidth(100),
        quote=Quote("q", Bandwidth(500), NOW),
        now=NOW,
        demand="d",
        resends=0,
        run_id="r",
    )
    for outcome in (Outcome.SENDING, Outcome.ACCEPTED, Outcome.CONFIRMED):
        store.path.parent.mkdir(exist_ok=True)
        store.history.append("order", at=NOW, run_id="r", order=replace(with_end(order, outcome, NOW)))
    store.path.write_bytes(b"")
    circuit_state = store.load().circuits[CIRCUIT.key]
    assert (circuit_state.confirmed, circuit_state.order) == (Bandwidth(500), None)


def test_a_symbolic_link_is_not_followed(store: StateStore, tmp_path: Path) -> None:
    store.path.parent.mkdir()
    precious = tmp_path / "precious.json"
    precious.write_text("{}")
    store.path.symlink_to(precious)
    for use in (store.load, store.probe, lambda: store.save(STATE)):
        with pytest.raises(StateError) as caught:
            use()
        assert caught.value.code == "symlink"
    assert precious.read_text() == "{}"


def test_a_symbolic_link_at_the_history_is_not_followed(store: StateStore, tmp_path: Path) -> None:
    store.path.parent.mkdir()
    precious = tmp_path / "precious.txt"
    precious.write_text("precious")
    store.history.path.symlink_to(precious)
    with pytest.raises(StateError) as caught:
        store.history.append("run", at=NOW, run_id="1")
    assert caught.value.code == "unwritable"
    assert precious.read_text() == "precious"


def test_what_is_no_file_is_no_state(store: StateStore) -> None:
    store.path.mkdir(parents=True)
    with pytest.raises(StateError) as caught:
        store.load()
    assert caught.value.code == "unreadable"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError) as caught:
        StateStore(tmp_path / "file" / "state.json").probe()
    assert caught.value.code == "unwritable"


def test_a_torn_last_line_of_the_history_is_closed_and_skipped(store: StateStore) -> None:
    store.save(STATE)
    store.history.append("run", at=NOW, run_id="1")
    with store.history.path.open("a") as file:
        file.write('{"kind": "tor')
    store.history.append("run", at=NOW, run_id="2", subject="line\nbreak")
    assert [record["run_id"] for record in store.history.read()] == ["1", "2"]
    assert len(store.history.path.read_text().splitlines()) == 3


def test_a_group_may_look_at_state_and_history(tmp_path: Path) -> None:
    mine = os.getgid()
    store = StateStore(tmp_path / "folder" / "state.json", access=Access(mine))
    store.save(STATE)
    store.history.append("run", at=NOW, run_id="1")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.iterdir()}
    assert modes == {"state.json": 0o640, "history.jsonl": 0o640}
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o750
    assert {path.stat().st_gid for path in store.path.parent.iterdir()} == {mine}


def test_a_month_that_is_over_is_set_aside_and_deleted_when_it_is_old_enough(store: StateStore) -> None:
    store.save(STATE)
    keep, months = timedelta(days=90), [datetime(2026, month, 20, 12, tzinfo=UTC) for month in (7, 8, 11, 12)]
    for at in months:
        store.history.rotate(at, keep)
        store.history.append("run", at=at, run_id=f"{at:%m}")
    names = sorted(path.name for path in store.path.parent.glob("history*"))
    assert names == ["history-2026-11.jsonl", "history.jsonl"]  # August ended more than 90 days before
    assert [record["run_id"] for record in store.history.read()] == ["11", "12"]
    store.history.rotate(datetime(2027, 1, 1, tzinfo=UTC), timedelta(days=400))
    assert [record["run_id"] for record in store.history.read()] == ["11", "12"]


def test_history_that_begins_with_nonsense_is_still_rotated(store: StateStore) -> None:
    store.save(STATE)
    store.history.path.write_text('{"at": "yesterday"}\n')
    store.history.append("run", at=datetime(2026, 7, 1, tzinfo=UTC), run_id="1")
    store.history.rotate(datetime(2026, 8, 1, tzinfo=UTC), timedelta(days=400))
    assert store.history.path.with_name("history-2026-07.jsonl").exists()


def test_where_the_history_is_gone_too_an_order_may_have_gone_out_just_before(store: StateStore) -> None:
    store.save(STATE)
    store.path.write_text("{")
    rebuilt = StateStore(store.path, lambda: NOW).load()
    assert (rebuilt.unknown_since, rebuilt.circuits) == (NOW, {})
    store.history.append("run", at=NOW, run_id="1")
    store.path.write_text("{")
    assert store.load().unknown_since is None


def test_what_a_reading_changed_is_rebuilt_in_its_order(store: StateStore) -> None:
    order = replace(ORDER, outcome=Outcome.CONFIRMED)
    drift = Drift(Bandwidth(500), NOW, NOW)
    facts = {"circuit": "den-a", "key": CIRCUIT.key, "off_peak_mbps": Bandwidth(100)}
    store.save(STATE)
    store.history.append("order", at=NOW, run_id="1", order=order)
    store.history.append("reading", at=NOW, run_id="2", confirmed_mbps=order.new, drift=drift, **facts)
    store.path.write_text("{")
    (circuit_state,) = store.load().circuits.values()
    assert (circuit_state.confirmed, circuit_state.drift, circuit_state.off_peak) == (
        order.new,
        drift,
        Bandwidth(100),
    )
    store.history.append("reading", at=NOW, run_id="3", confirmed_mbps=Bandwidth(500), drift=None, **facts)
    store.path.write_text("{")
    (circuit_state,) = store.load().circuits.values()
    assert (circuit_state.confirmed, circuit_state.drift) == (Bandwidth(500), None)


def test_a_clock_that_was_set_back_loses_no_month(store: StateStore) -> None:
    store.save(STATE)
    keep = timedelta(days=400)
    for run, (month, day) in enumerate([(10, 20), (11, 20), (10, 21), (11, 21), (10, 22), (12, 1)]):
        at = datetime(2026, month, day, tzinfo=UTC)
        store.history.rotate(at, keep)
        store.history.append("run", at=at, run_id=str(run))
    store.history.rotate(datetime(2027, 1, 1, tzinfo=UTC), keep)
    assert sorted(record["run_id"] for record in store.history.read()) == ["0", "1", "2", "3", "4", "5"]


def test_where_there_is_no_other_place_either_that_is_the_answer(
    store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("tempfile.gettempdir", none)
    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(Path, "cwd", none)
    assert store.save_elsewhere(STATE) is None


def test_a_note_of_what_was_told_may_hold_nonsense(store: StateStore) -> None:
    store.path.parent.mkdir()
    store.path.with_name("state.json.lock.told").write_bytes(b"\xff\xfe")
    assert [store.tell_once("held"), store.tell_once("held")] == [True, False]


WISH = {"since": NOW, "who": "pat", "note": "why"}
PAUSE = Pause(NOW, NOW + timedelta(hours=1), "pat", "why")
HOLD = Hold(Bandwidth(500), NOW, NOW + timedelta(hours=2), "pat", "why", exactly=True)


def test_what_people_asked_for_is_rebuilt(store: StateStore) -> None:
    def note(kind: str, key: str | None = None, **facts: object) -> None:
        circuit = "den-a" if key else None
        store.history.append(kind, at=NOW, run_id="1", key=key, circuit=circuit, **{**WISH, **facts})

    def rebuilt() -> State:
        store.path.write_text("{")
        return store.load()

    store.save(STATE)
    note("hold", CIRCUIT.key, until=HOLD.until, mbps=500, exactly=True)
    note("pause", CIRCUIT.key, until=PAUSE.until)
    note("pause", until=PAUSE.until)
    note("park")
    note("hold", "lab||1|2", until=HOLD.until, mbps="500")  # makes no sense
    state = rebuilt()
    circuit_state = state.circuits[CIRCUIT.key]
    assert (circuit_state.hold, circuit_state.pause, state.pause) == (HOLD, PAUSE, PAUSE)
    assert state.parked == Parked(NOW, "pat", "why")
    assert list(state.circuits) == [CIRCUIT.key]
    note("release", CIRCUIT.key)
    note("resume", CIRCUIT.key)
    state = rebuilt()
    assert (state.circuits[CIRCUIT.key].hold, state.circuits[CIRCUIT.key].pause) == (None, None)
    assert state.parked is not None
    note("pause", CIRCUIT.key, until=PAUSE.until)
    note("resume")
    state = rebuilt()
    assert (state.circuits[CIRCUIT.key].pause, state.pause, state.parked) == (None, None, None)


def test_a_circuit_that_was_forgotten_stays_forgotten_but_its_orders_count(store: StateStore) -> None:
    store.save(STATE)
    store.history.append("order", at=NOW, run_id="1", order=replace(ORDER, outcome=Outcome.ACCEPTED))
    store.history.append("forget", at=NOW, run_id="2", key=ORDER.circuit_key, circuit="den-a", who="pat")
    store.path.write_text("{")
    state = store.load()
    assert state.circuits == {}
    assert [quota.used for quota in state.quotas.values()] == [1]
