"""The protocol of a shared state, step by step, against a real store behind a proxy that loses answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.orders import Outcome, with_end
from iodcal.domain.structs import replace
from iodcal.errors import FencedError, LockHeldError, StateError
from iodcal.store.state import Claim, LastRun, State
from tests.servers.object_stores import BAD, GOOD, StoreKind
from tests.servers.store_proxy import Answer, Loss
from tests.shared.conftest import HostClock, Prefix
from tests.store.test_store import CIRCUIT, NOW, ORDER, STATE

if TYPE_CHECKING:  # there may be no obstore
    from iodcal.store.objects import ObjectFolder

RUN = LastRun("1", NOW, NOW, good=True, exit=0)
OPEN = State(circuits={CIRCUIT.key: replace(CIRCUIT, order=ORDER)})
DONE = with_end(ORDER, Outcome.REFUSED, NOW, "refused")
SETTLED = State(circuits={CIRCUIT.key: replace(CIRCUIT, recent=(DONE,))})
LATE = timedelta(minutes=10)


@pytest.fixture
def used(prefix: Prefix) -> Prefix:
    """A prefix that a run has used before."""
    store = prefix.host()
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        store.save(replace(STATE, last_run=RUN))
    prefix.proxy.forget()
    return prefix


def kept(prefix: Prefix) -> State:
    state: State = prefix.host().load(read_only=True)
    return replace(state, shared=None)


def claim_in(prefix: Prefix) -> Claim | None:
    shared = prefix.host().load(read_only=True).shared
    return shared.claim if shared is not None else None


def content(folder: ObjectFolder, name: str) -> bytes:
    found = folder.read(name)
    assert found is not None
    return found.content


def is_settled(state: State) -> bool:
    circuit = state.circuits[CIRCUIT.key]
    outcomes = [(order.id, order.outcome) for order in circuit.recent]
    return circuit.order is None and outcomes == [(ORDER.id, Outcome.REFUSED)]


# P1


@pytest.mark.parametrize(
    "remains", ["history/2026-11/x.json", "history-2026-10.jsonl", "notices.json", "in-use.json"]
)
def test_p1_a_state_that_is_missing_is_damage_if_runs_have_been_here(prefix: Prefix, remains: str) -> None:
    prefix.folder().put(remains, b"{}\n", None)
    state = prefix.host().load(read_only=True)
    assert state.rebuilt_from == f"{prefix.url}state.json"
    if not remains.startswith("history"):
        assert state.unknown_since is not None  # nothing is ordered until lost_answer_grace has passed


def test_p1_what_was_ordered_is_rebuilt_where_the_state_was_deleted(used: Prefix) -> None:
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        store.history.append("order", at=NOW, run_id="1", order=ORDER)
        store.save(OPEN)
    used.folder().delete(["state.json"])
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        state = store.load()
        assert state.rebuilt_from is not None
        assert [order.outcome for order in state.circuits[CIRCUIT.key].all_orders] == [Outcome.UNKNOWN]


# P2


def test_p2_a_write_in_the_place_of_a_version_that_is_gone_is_refused(used: Prefix) -> None:
    first, second = used.host(), used.host()
    with first.lock(command="sync", wait_seconds=0), second.lock(command="sync", wait_seconds=0):
        first.load()
        second.load()
        first.save(replace(STATE, last_run=replace(RUN, exit=1)))
        with pytest.raises(FencedError):
            second.save(replace(STATE, last_run=replace(RUN, exit=3)))
        with pytest.raises(FencedError):
            second.save(replace(STATE, last_run=replace(RUN, exit=0)))
    assert kept(used).last_run == replace(RUN, exit=1)


# P3


def test_p3_a_claim_says_whose_it_is_and_until_when_and_ends(used: Prefix) -> None:
    first, clock = used.host(), HostClock()
    with first.lock(command="sync", wait_seconds=0):
        first.load()
        first.claim()
        second = used.host(clock)
        with pytest.raises(LockHeldError) as caught, second.lock(command="sync", wait_seconds=0):
            second.load()
        assert str(caught.value.facts["until"]) > str(caught.value.facts["since"])
        assert caught.value.facts["host"]
    with second.lock(command="sync", wait_seconds=0):
        second.load()


def test_p3_a_run_that_died_keeps_others_out_until_its_claim_ends(used: Prefix) -> None:
    first, clock = used.host(), HostClock()
    (never_left := first.lock(command="sync", wait_seconds=0)).__enter__()
    first.load()
    first.claim()
    second = used.host(clock)
    with second.lock(command="sync", wait_seconds=300):
        second.load()
    assert 200 <= clock.passed <= 275  # the rest of it passed by itself
    assert never_left


def test_p3_a_run_that_takes_over_says_so_in_the_history(used: Prefix) -> None:
    first = used.host()
    first._lasts = timedelta(seconds=-1)
    (never_left := first.lock(command="sync", wait_seconds=0)).__enter__()
    first.load()
    first.claim()
    second = used.host()
    with second.lock(command="sync", wait_seconds=0):
        second.load()
        second.claim()
    assert [line["kind"] for line in used.host().history.read()] == ["takeover"]
    assert never_left


def test_p3_a_quiet_run_reads_once_and_writes_once(used: Prefix) -> None:
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        store.save(replace(STATE, last_run=replace(RUN, exit=3)))
        store.history.rotate(NOW, timedelta(days=400))
    assert used.proxy.methods() == ["GET", "PUT"]


def test_p3_a_quiet_run_that_is_refused_is_quiet(used: Prefix) -> None:
    first, second = used.host(), used.host()
    with first.lock(command="sync", wait_seconds=0), second.lock(command="sync", wait_seconds=0):
        first.load()
        second.load()
        first.save(replace(STATE, last_run=replace(RUN, exit=1)))
        with pytest.raises(FencedError) as caught:
            second.save(replace(STATE, last_run=replace(RUN, exit=3)))
    assert caught.value.facts["quiet"] is True


def test_p3_of_two_that_want_to_claim_at_once_the_second_hears_of_the_first(used: Prefix) -> None:
    first, second = used.host(), used.host()
    with first.lock(command="sync", wait_seconds=0), second.lock(command="sync", wait_seconds=0):
        first.load()
        second.load()
        first.claim()
        with pytest.raises(LockHeldError):
            second.history.append("change", at=NOW, run_id="2")
        with pytest.raises(FencedError):
            second.claim()
        assert not second.may_order
    assert list(used.host().history.read()) == []


# P4


def test_p4_an_order_may_leave_only_within_the_claim_by_both_clocks(used: Prefix) -> None:
    clock = HostClock()
    store = used.host(clock)
    assert not store.may_order
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        assert not store.may_order
        store.claim()
        assert store.may_order
        clock.passed = 269
        assert store.may_order
        clock.passed = 271
        assert not store.may_order
        clock.ahead = -LATE  # the wall clock was set back
        assert not store.may_order
        clock.passed, clock.ahead = 0, LATE
        assert not store.may_order
        clock.ahead = timedelta()
        assert store.may_order
    assert not store.may_order


# P5


@pytest.mark.parametrize("loss", ["closed", "502"])
@pytest.mark.parametrize("number", range(1, 7))
def test_p5_a_write_whose_answer_is_lost_is_read_back(used: Prefix, number: int, loss: Loss) -> None:
    used.proxy.loses[number] = loss
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        store.history.append("order", at=NOW, run_id="1", order=ORDER)
        store.save(OPEN)
        store.history.append("order", at=NOW, run_id="1", order=DONE)
        store.save_answer(SETTLED, DONE)
        assert store.may_order
    assert is_settled(kept(used))
    assert [line["order"]["outcome"] for line in used.host().history.read()] == ["sending", "refused"]
    assert claim_in(used) is None


@pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.name)
def test_p5_every_good_store_says_what_a_lost_write_came_to(
    opened: Callable[[StoreKind], Prefix], kind: StoreKind
) -> None:
    prefix = opened(kind)
    folder = prefix.folder()
    folder._sleep = lambda _seconds: None
    prefix.proxy.loses.update({1: "closed", 3: "502", 5: "closed"})
    first = folder.put("x", b"1", None)
    second = folder.put("x", b"2", first)
    third = folder.put("x", b"3", second)
    assert content(folder, "x") == b"3"
    assert prefix.proxy.puts == 3
    prefix.proxy.loses[5] = "502"
    folder.put("y", b"1", None)
    folder.put("x", b"4", third)
    assert content(folder, "x") == b"4"


def test_p5_a_write_that_was_lost_while_another_wrote_is_fenced(used: Prefix) -> None:
    first, second = used.host(), used.host()
    with first.lock(command="sync", wait_seconds=0), second.lock(command="sync", wait_seconds=0):
        first.load()
        second.load()
        second.save(replace(STATE, last_run=replace(RUN, exit=3)))
        used.proxy.loses[used.proxy.puts + 1] = "502"
        with pytest.raises(FencedError):
            first.save(replace(STATE, last_run=replace(RUN, exit=1)))
    assert kept(used).last_run == replace(RUN, exit=3)


# P6


def test_p6_the_answer_of_a_fenced_run_gets_into_the_newer_state(used: Prefix) -> None:
    first, person = used.host(), used.host()
    with first.lock(command="sync", wait_seconds=0):
        first.load()
        first.history.append("order", at=NOW, run_id="1", order=ORDER)
        first.save(OPEN)
        with person.lock(command="hold", wait_seconds=0, insist=True):
            state = person.load()
            person.save(replace(state, last_run=replace(RUN, exit=3)))
        first.save_answer(SETTLED, DONE)
        assert not first.may_order
        with pytest.raises(FencedError):
            first.save(SETTLED)
    state = kept(used)
    assert is_settled(state)
    assert state.last_run == replace(RUN, exit=3)


def test_p6_an_answer_that_only_the_history_has_is_taken_by_the_next_load(used: Prefix) -> None:
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        store.history.append("order", at=NOW, run_id="1", order=ORDER)
        store.save(OPEN)
        store.history.append("order", at=NOW, run_id="1", order=DONE)  # and then it dies
    assert is_settled(kept(used))
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        store.save(store.load())
    used.proxy.forget()
    assert is_settled(kept(used))
    assert used.proxy.methods() == ["GET"]  # nobody looks for it any more


def test_p6_an_order_that_is_no_longer_the_open_one_is_left_to_the_history(used: Prefix) -> None:
    store, other = used.host(), used.host()
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        store.history.append("order", at=NOW, run_id="1", order=ORDER)
        store.save(OPEN)
        with other.lock(command="hold", wait_seconds=0, insist=True):
            other.load()
            other.save(STATE)
        puts = used.proxy.puts
        store.save_answer(SETTLED, DONE)
        assert used.proxy.puts == puts + 1  # which was refused
    assert kept(used).circuits == STATE.circuits


# P7


def test_p7_a_store_that_is_gone_is_told_as_that(used: Prefix) -> None:
    used.proxy.gone = True
    store = used.host()
    with pytest.raises(StateError) as caught, store.lock(command="sync", wait_seconds=0):
        store.load()
    assert caught.value.code == "state_unreachable"
    assert "reason" in caught.value.facts


def test_p7_a_state_whose_store_goes_after_the_claim_is_not_saved_and_no_order_may_leave(
    used: Prefix,
) -> None:
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        store.claim()
        used.proxy.gone = True
        with pytest.raises(StateError) as caught:
            store.history.append("order", at=NOW, run_id="1", order=ORDER)
        assert caught.value.code == "state_unreachable"
        assert store.save_elsewhere(OPEN) is not None


# P8


@pytest.mark.parametrize("kind", BAD, ids=lambda kind: kind.name)
def test_p8_a_store_that_ignores_conditions_is_refused(
    opened: Callable[[StoreKind], Prefix], kind: StoreKind
) -> None:
    prefix = opened(kind)
    store = prefix.host()
    with pytest.raises(StateError) as caught, store.lock(command="sync", wait_seconds=0):
        store.load()
    assert caught.value.code == "state_store_unsafe"
    with pytest.raises(StateError) as caught:
        prefix.host().probe_store()
    assert caught.value.code == "state_store_unsafe"


def test_p8_a_state_that_was_moved_here_does_not_vouch_for_the_store(
    opened: Callable[[StoreKind], Prefix], used: Prefix
) -> None:
    bad = opened(BAD[0])
    bad.folder().put_once("state.json", content(used.folder(), "state.json"), None)
    store = bad.host()
    with pytest.raises(StateError) as caught, store.lock(command="sync", wait_seconds=0):
        store.load()
    assert caught.value.code == "state_store_unsafe"


def test_p8_the_probe_leaves_nothing_behind(used: Prefix) -> None:
    used.host().probe_store()
    objects, _ = used.folder().level()
    assert objects == ["in-use.json", "state.json"]


# P10


def test_p10_a_person_comes_before_a_run_that_does_not_end(used: Prefix) -> None:
    run, person, clock = used.host(), used.host(clock := HostClock()), clock
    with run.lock(command="sync", wait_seconds=0):
        run.load()
        run.claim()
        with person.lock(command="hold", wait_seconds=0, insist=True):
            state = person.load()
            person.save(replace(state, last_run=replace(RUN, exit=3)))
        assert 5 <= clock.passed <= 15
        with pytest.raises(FencedError):
            run.save(replace(STATE, last_run=replace(RUN, exit=1)))
        assert not run.may_order
    assert kept(used).last_run == replace(RUN, exit=3)


def test_p10_a_person_meets_runs_and_tries_again(used: Prefix) -> None:
    met = 0
    person = used.host()

    def other_run(what: str) -> None:
        nonlocal met
        if what == "PUT" and met < 4:
            met += 1
            used.proxy.watch = lambda _what: None
            store = used.host()
            with store.lock(command="sync", wait_seconds=0):
                store.load()
                store.save(replace(STATE, last_run=replace(RUN, exit=met)))
            used.proxy.watch = other_run

    used.proxy.watch = other_run
    with person.lock(command="hold", wait_seconds=0, insist=True):
        state = person.load()
        assert state.last_run == replace(RUN, exit=4)
        person.save(replace(state, last_run=replace(RUN, exit=75)))
    assert met == 4
    assert kept(used).last_run == replace(RUN, exit=75)


# P11


def test_p11_readers_need_read_permission_alone(used: Prefix) -> None:
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        store.history.append("order", at=NOW, run_id="1", order=ORDER)
        store.save(OPEN)
    used.proxy.read_only = True
    used.proxy.forget()
    reader = used.host()
    assert reader.load(read_only=True).circuits == OPEN.circuits
    assert len(list(reader.history.read())) == 1
    assert reader.notices.read() is None
    reader.refuse_stranger()
    assert set(used.proxy.methods()) == {"GET"}


def test_p11_without_permission_to_write_nothing_is_ordered(used: Prefix) -> None:
    used.proxy.read_only = True
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        with pytest.raises(StateError) as caught:
            store.claim()
        assert caught.value.code == "state_denied"
        assert not store.may_order


# The clock


@pytest.mark.parametrize("ahead", [LATE, -LATE])
def test_a_host_whose_clock_is_wrong_claims_nothing(used: Prefix, ahead: timedelta) -> None:
    store = used.host(HostClock(ahead))
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        with pytest.raises(StateError) as caught:
            store.claim()
    assert caught.value.code == "state_clock"
    assert (caught.value.facts["minutes"], caught.value.facts["direction"]) == (
        10,
        "ahead of" if ahead > timedelta() else "behind",
    )
    assert claim_in(used) is None


def test_a_host_whose_clock_is_ahead_breaks_no_claim(used: Prefix) -> None:
    first, second = used.host(), used.host(HostClock(LATE))
    with first.lock(command="sync", wait_seconds=0):
        first.load()
        first.claim()
        with second.lock(command="sync", wait_seconds=0):
            second.load()
            with pytest.raises(StateError) as caught:
                second.claim()
            assert caught.value.code == "state_clock"
        first.save(OPEN)
        assert first.may_order
    assert kept(used).circuits == OPEN.circuits


# History


def test_a_month_is_put_together_once_and_doubles_are_dropped(used: Prefix) -> None:
    past = NOW - timedelta(days=40)
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        for number in range(20):
            store.history.append("change", at=past, run_id="1", number=number)
        store.save(replace(STATE, last_run=replace(RUN, started_at=past)))
    folder = used.folder()
    names = folder.names("history/")
    texts: dict[str, bytes] = dict(folder.read_all(names))
    one, two = used.host(), used.host()
    one.load(read_only=True)
    two.load(read_only=True)
    one.history.rotate(NOW, timedelta(days=400))
    for name in names[:5]:  # as if they could not be deleted
        folder.put(name, texts[name], None)
    two.history.rotate(NOW, timedelta(days=400))
    assert [line["number"] for line in used.host().history.read()] == list(range(20))
    objects, _ = folder.level()
    assert [name for name in objects if name.startswith("history-")] == [f"history-{past:%Y-%m}.jsonl"]
    late: dict[str, Any] = {"number": 20}
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        store.history.append("change", at=past, run_id="9", **late)
    two.history.rotate(NOW, timedelta(days=400))
    assert [line["number"] for line in used.host().history.read()] == list(range(21))


def test_what_others_keep_among_the_history_is_neither_read_nor_deleted(used: Prefix) -> None:
    past = NOW - timedelta(days=40)
    folder, store = used.folder(), used.host()
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        store.history.append("change", at=past, run_id="1", number=1)
    names = [f"history/{past:%Y-%m}/{name}" for name in ("0.json", "notes.txt", "below/20261001T000000.json")]
    for name in names:
        folder.put(name, b'{"kind": "note"}', None)  # without the end of a line
    other = used.host()
    assert [line["number"] for line in other.history.read()] == [1]
    other.history.rotate(NOW, timedelta(days=400))
    assert [line["number"] for line in used.host().history.read()] == [1]
    assert folder.names("history/") == sorted(names)


def test_for_an_answer_only_the_young_part_of_the_history_is_listed_and_read(used: Prefix) -> None:
    folder, store = used.folder(), used.host()
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        for number in range(30):
            at = NOW.replace(minute=0, second=0) - timedelta(minutes=30 - number)
            store.history.append("change", at=at, run_id="1", number=number)
    since = NOW.replace(minute=0, second=0) - timedelta(minutes=3)
    used.proxy.forget()
    found = [line["number"] for line in used.host().history.read_since(since)]
    assert found == [26, 27, 28, 29]
    asked = [one.name for one in used.proxy.seen if "/history/" in one.name]
    assert len(asked) == 4
    assert folder.names(f"history/{NOW:%Y-%m}/", after="9") == []


def test_a_confirmed_bandwidth_survives_a_file_that_was_moved_here(prefix: Prefix, tmp_path: Path) -> None:
    from iodcal.store.store import StateStore

    file = StateStore(tmp_path / "state.json")
    known = State(circuits={CIRCUIT.key: replace(CIRCUIT, confirmed=Bandwidth(500))})
    file.save(known)
    prefix.folder().put("state.json", (tmp_path / "state.json").read_bytes(), None)
    store = prefix.host()
    with store.lock(command="sync", wait_seconds=0):
        state = store.load()
        assert state.circuits == known.circuits
        store.save(replace(state, last_run=RUN))
    (tmp_path / "state.json").write_bytes(content(prefix.folder(), "state.json"))
    assert StateStore(tmp_path / "state.json").load() == replace(known, last_run=RUN)


# What a store may answer in the middle of a run


def _xml(status: int, code: str) -> Answer:
    return status, [("Content-Type", "application/xml")], f"<Error><Code>{code}</Code></Error>".encode()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_xml(503, "SlowDown"), "state_unreachable"),
        (_xml(429, "TooManyRequests"), "state_unreachable"),
        (_xml(500, "InternalError"), "state_unreachable"),
        (_xml(409, "ConditionalRequestConflict"), "state_unreachable"),
        (_xml(403, "AccessDenied"), "state_denied"),
        (_xml(401, "ExpiredToken"), "state_denied"),
        (_xml(301, "PermanentRedirect"), "state_unreachable"),
        ((307, [("Location", "http://127.0.0.1:9/elsewhere")], b""), "state_unreachable"),
    ],
    ids=["503", "429", "500", "409", "403", "401", "301", "307"],
)
def test_a_store_that_refuses_in_the_middle_of_a_run_stops_its_orders(
    used: Prefix, answer: Answer, expected: str
) -> None:
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        state = store.load()
        store.claim()
        used.proxy.instead = lambda _method, _name: answer
        with pytest.raises(StateError) as caught:
            store.save(replace(state, circuits=OPEN.circuits))
        assert caught.value.code == expected
        assert "\n" not in str(caught.value.facts["reason"])
        used.proxy.instead = lambda _method, _name: None
    assert kept(used).circuits == STATE.circuits


@pytest.mark.parametrize("status", [429, 503])
def test_a_store_that_is_slow_for_a_moment_is_asked_again(used: Prefix, status: int) -> None:
    left = [2]

    def instead(_method: str, _name: str) -> Answer | None:
        left[0] -= 1
        return _xml(status, "SlowDown") if left[0] >= 0 else None

    used.proxy.instead = instead
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        state = store.load()
        left[0] = 1
        store.save(replace(state, circuits=OPEN.circuits))
    assert kept(used).circuits == OPEN.circuits


def test_an_answer_that_ends_in_the_middle_is_no_state(used: Prefix) -> None:
    used.proxy.cuts = 1
    assert kept(used).circuits == STATE.circuits
    used.proxy.cuts = 100
    with pytest.raises(StateError) as caught:
        used.host().load(read_only=True)
    assert caught.value.code == "state_unreachable"


def test_a_write_that_won_and_is_said_to_be_refused_counts_as_written(used: Prefix) -> None:
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        state = store.load()
        used.proxy.twice = True
        store.save(replace(state, circuits=OPEN.circuits))
    assert kept(used).circuits == OPEN.circuits


def test_a_stale_answer_that_there_is_no_state_makes_no_new_one(used: Prefix) -> None:
    """As a store that is only eventually consistent may give; S3, Azure and GCS are not."""
    missing = _xml(404, "NoSuchKey")
    used.proxy.instead = lambda method, name: (
        missing if method == "GET" and name.endswith("/state.json") else None
    )
    store = used.host()
    with store.lock(command="sync", wait_seconds=0):
        state = store.load()
        with pytest.raises((FencedError, LockHeldError)):
            store.claim()
        assert not store.may_order
        assert state.rebuilt_from is not None
    used.proxy.instead = lambda _method, _name: None
    assert kept(used).circuits == STATE.circuits


def test_a_host_that_slept_orders_nothing_though_its_wall_clock_was_set_back(used: Prefix) -> None:
    clock = HostClock()
    store = used.host(clock)
    with store.lock(command="sync", wait_seconds=0):
        store.load()
        store.claim()
        assert store.may_order
        clock.passed += 600
        clock.ahead -= timedelta(seconds=600)
        assert not store.may_order
