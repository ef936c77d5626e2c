"""Which source is tried next, and when: by a table, and played through without a clock or a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from math import inf

import pytest

from iodcal.errors import CalendarError, PassingError
from iodcal.pipeline.schedule import AttemptQueue, Turn, in_turn

APPLICATION = "tenant/client"
Answer = Callable[[str, int, float], tuple[float, CalendarError | None]]


def passing(
    code: str = "server_fault", *, wait: float | None = None, shared: str | None = None, sure: bool = True
) -> PassingError:
    return PassingError(code, {}, wait=wait, shared=shared, sure=sure)


class Play:
    """Plays a queue through. `answer` says of a source's try (its number, from 0 on, and when) how many
    seconds it takes and what comes of it; one that takes longer than its turn ends as a time-out."""

    def __init__(self, queue: AttemptQueue, answer: Answer, *, now: float = 0.0) -> None:
        self.tries: Counter[str] = Counter()
        self.turns: list[tuple[float, str]] = []
        self.read: dict[str, float] = {}
        self.now = now
        running: list[tuple[float, str, CalendarError | None]] = []
        while True:
            turn = queue.next_turn(self.now)
            if isinstance(turn, Turn):
                self.turns.append((self.now, turn.key))
                seconds, error = answer(turn.key, self.tries[turn.key], self.now)
                if seconds > turn.seconds:
                    seconds, error = turn.seconds, CalendarError("timeout")
                self.tries[turn.key] += 1
                running.append((self.now + seconds, turn.key, error))
                continue
            if not running and turn is None:
                break
            soonest = min((end for end, _, _ in running), default=inf)
            self.now = min(soonest, self.now + turn) if isinstance(turn, float) else soonest
            for ended in [one for one in running if one[0] <= self.now]:
                running.remove(ended)
                queue.settle(ended[1], ended[2], self.now)
                if ended[2] is None:
                    self.read[ended[1]] = self.now
        self.failures = queue.failures

    def waits(self, key: str) -> list[float]:
        """The seconds between the tries of a source that answers at once."""
        at = [now for now, tried in self.turns if tried == key]
        return [round(later - earlier, 3) for earlier, later in pairwise(at)]


def queue_of(
    count: int,
    *,
    shared: str | None = APPLICATION,
    seconds: float = 100.0,
    workers: int = 32,
    failed: frozenset[str] = frozenset(),
    group: str | None = None,
) -> AttemptQueue:
    named = [(f"s{number}", group or f"g{number}", shared) for number in range(count)]
    return AttemptQueue(in_turn(named, failed), 0.0, seconds, workers)


def always(error: CalendarError | None, seconds: float = 0.0) -> Answer:
    return lambda _key, _number, _now: (seconds, error)


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        pytest.param(passing(), [0.5, 1, 2], id="an outage: four tries, waits that grow"),
        pytest.param(passing(wait=7), [7, 7, 7], id="never less than Retry-After"),
        pytest.param(passing("throttled", wait=1), [1, 2, 4, 8, 16, 32], id="throttled: to the deadline"),
        pytest.param(passing("throttled", wait=40), [40, 40], id="throttled, and told for how long"),
        pytest.param(passing("throttled", wait=600), [], id="throttled for longer than there is time"),
        pytest.param(passing("timeout"), [0.5], id="time-outs: two tries"),
        pytest.param(CalendarError("too_slow"), [0.5], id="a time-out that a plug-in told"),
        pytest.param(CalendarError("access_denied"), [], id="a fault that stays"),
    ],
)
def test_how_often_and_when_one_source_is_tried(error: CalendarError, waits: list[float]) -> None:
    play = Play(queue_of(1), always(error))
    assert play.waits("s0") == waits
    assert play.failures == {"s0": error}


def test_every_source_has_a_first_try_before_any_has_a_second() -> None:
    play = Play(queue_of(50, workers=4, shared=None), always(passing(), 0.1))
    first = [key for _, key in play.turns[:50]]
    assert first == [f"s{number}" for number in range(50)]
    assert Counter(play.tries.values()) == {4: 50}


def test_what_failed_in_the_last_run_comes_last() -> None:
    play = Play(queue_of(6, workers=1, failed=frozenset({"s0", "s3"})), always(None, 1))
    assert [key for _, key in play.turns] == ["s1", "s2", "s4", "s5", "s0", "s3"]


def test_sources_of_one_group_are_tried_one_after_another() -> None:
    play = Play(queue_of(3, group="one mailbox"), always(None, 1))
    assert [now for now, _ in play.turns] == [0, 1, 2]


@pytest.mark.parametrize(
    ("count", "hanging", "seconds"), [(60, 16, 135.0), (40, 8, 27.0), (200, 100, 135.0), (200, 100, 27.0)]
)
def test_sources_that_hang_do_not_keep_others_from_being_read(
    count: int, hanging: int, seconds: float
) -> None:
    """Those that hang stand first in the file, which is the worst for the others."""

    def answer(key: str, _number: int, _now: float) -> tuple[float, CalendarError | None]:
        return (inf if int(key[1:]) < hanging else 0.2), None

    play = Play(queue_of(count, seconds=seconds), answer)
    assert len(play.read) == count - hanging
    assert max(play.read.values()) <= 0.6 * seconds
    assert set(play.failures) == {f"s{number}" for number in range(hanging)}
    assert play.now <= seconds


def test_where_many_fail_alike_retrying_stops() -> None:
    def answer(key: str, _number: int, _now: float) -> tuple[float, CalendarError | None]:
        return 0.1, passing() if int(key[1:]) < 90 else None

    play = Play(queue_of(100), answer)
    assert sum(play.tries.values()) <= 100 + 3
    assert (len(play.read), len(play.failures)) == (10, 90)


def test_where_a_probe_finds_the_server_well_again_all_are_tried_again() -> None:
    play = Play(queue_of(100), lambda _key, number, _now: (0.1, passing() if number == 0 else None))
    assert len(play.read) == 100
    assert Counter(play.tries.values()) == {2: 100}


def test_a_few_that_fail_alike_are_no_outage() -> None:
    play = Play(queue_of(7), always(passing()))
    assert Counter(play.tries.values()) == {4: 7}


def test_sources_with_servers_of_their_own_say_nothing_of_one_another() -> None:
    play = Play(queue_of(20, shared=None), always(passing()))
    assert Counter(play.tries.values()) == {4: 20}


def test_an_application_that_is_throttled_rests_as_a_whole() -> None:
    refused = passing("throttled", wait=10, shared=APPLICATION)
    until = 25.0
    play = Play(queue_of(100), lambda _key, _number, now: (0.1, refused if now < until else None))
    assert len(play.read) == 100
    while_refused = [key for now, key in play.turns if now < until]
    assert len(while_refused) <= 32 + 3


@pytest.mark.parametrize("wait", [10, 600])
def test_what_may_be_one_mailboxs_own_refusal_keeps_no_other_one_from_being_read(wait: float) -> None:
    refused = passing("throttled", wait=wait, shared=APPLICATION, sure=False)
    play = Play(queue_of(100, workers=1), lambda key, _number, _now: (0.1, refused if key == "s0" else None))
    assert len(play.read) == 99
    assert max(play.read.values()) < 10


def test_what_may_be_the_applications_refusal_is_so_once_a_second_mailbox_meets_it() -> None:
    refused = passing("throttled", wait=600, shared=APPLICATION, sure=False)
    play = Play(queue_of(100, workers=1), always(refused, 0.1))
    assert [key for _, key in play.turns] == ["s0", "s1"]
    assert len(play.failures) == 100
    assert len(Play(queue_of(3, workers=1, group="one"), always(refused, 0.1)).turns) == 1


def test_an_application_that_must_rest_for_longer_than_the_run_is_left_alone() -> None:
    queue = queue_of(3)
    queue.rest(APPLICATION, 100.0)
    play = Play(queue, always(None))
    assert play.turns == []
    assert {error.code for error in play.failures.values()} == {"application_throttled"}
    assert queue.shared == frozenset()


def test_an_application_that_must_rest_for_a_while_is_waited_for() -> None:
    queue = queue_of(3)
    queue.rest(APPLICATION, 40.0)
    play = Play(queue, always(None, 1))
    assert [now for now, _ in play.turns] == [40, 41, 41]


def test_a_refusal_of_the_application_that_outlasts_the_run_ends_it() -> None:
    refused = passing("throttled", wait=600, shared=APPLICATION)
    play = Play(queue_of(100), always(refused, 0.1))
    assert len(play.turns) <= 32
    assert len(play.failures) == 100


def test_nothing_is_tried_before_the_login() -> None:
    queue = queue_of(2)
    queue.hold(APPLICATION)
    assert queue.next_turn(0.0) == inf
    queue.release(APPLICATION)
    assert isinstance(queue.next_turn(0.0), Turn)


def test_what_there_is_no_time_for_is_told_as_untried() -> None:
    play = Play(queue_of(40, shared=None, seconds=2, workers=1), always(None, 0.25))
    assert len(play.read) == 8
    assert {error.code for error in play.failures.values()} == {"untried"}


def test_no_turn_outlasts_the_deadline() -> None:
    queue = queue_of(1, seconds=5)
    turn = queue.next_turn(4.0)
    assert isinstance(turn, Turn)
    assert turn.seconds <= 1
    assert queue_of(1, seconds=5).next_turn(5.0) is None
