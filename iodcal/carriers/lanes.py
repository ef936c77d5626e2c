"""Calls to carriers, in lanes: one client, one thread, one call at a time. A slow call is overtaken.

A carrier is asked in one lane, so that it is asked gently. Where an answer takes its time, whoever waits
behind it goes on in another lane, with a client of its own; a call that does not even come back when its time
is over is left behind with its lane. Only the calls run in threads: what follows from an answer is done by
whoever calls `wait`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from msgspec import Struct, field

from iodcal.http import Deadline
from iodcal.signals import stop_wanted
from iodcal.tenant import thread_of_run

_SLOW = 1.0  # seconds: from then on nobody waits behind a call
_MOST_LANES = 8  # at one carrier
_GRACE = 1.0  # seconds after its deadline in which a call may still come back
_AFTER_STOP = 8.0  # seconds: the most that an order under way is waited for once the run is to end
_MANY = 8  # readings that fail alike, one after another
_PROBE = 15.0  # seconds, for the one that finds out whether the carrier answers anybody
TIMEOUT = "timeout"  # what counts as a reading's fault where no answer came in time
_STEP = 0.1  # seconds between two looks at calls that take long, and at signals


class GiveUp(Protocol):
    """What is done where no answer came in time; `begun` is true if the call was begun."""

    def __call__(self, *, begun: bool) -> None: ...


class Job(Struct, eq=False):
    """One call for one circuit. `work` is done in a lane, with its client, and within the deadline that
    `deadline` names as it begins; `then` gets what it returns, and may return the job that follows at once in
    the same lane. `given_up` is called instead where no answer came in time.
    `binding` is an order: what becomes of it is waited for even where the run is to end. Of a `reading`
    `fault` says by which fault of the carrier, if any, its answer failed; it is called with that once
    the carrier is not asked any more."""

    carrier: str
    work: Callable[[Any, Deadline], Any]
    then: Callable[[Any], Job | None]
    given_up: GiveUp
    deadline: Callable[[], Deadline]
    urgent: bool = False
    reading: bool = False
    fault: Callable[[Any], str | None] = lambda _answer: None
    spare: Callable[[int], None] = lambda _failed: None
    binding: bool = False


class _Lane(Struct, eq=False):
    """A client and its thread. `since` is when `job` began on the monotonic clock, `seconds` how long it may
    take."""

    client: Any = None
    inbox: SimpleQueue[tuple[Job, Deadline] | None] = field(default_factory=SimpleQueue)
    running: bool = False
    job: Job | None = None
    since: float = 0.0
    seconds: float = 0.0

    def busy_for(self, seconds: float) -> bool:
        return self.job is not None and time.monotonic() - self.since > seconds


class _Breaker(Struct):
    """A circuit breaker of one carrier's readings. After `_MANY` that fail alike in a row it is half open:
    one `probe`, and nothing beside it. Where that fails alike, the breaker is `open` for the rest of the run;
    else it is closed for good."""

    code: str | None = None
    failed: int = 0
    half_open: bool = False
    probe: Job | None = None
    open: bool = False
    closed: bool = False

    def note(self, job: Job, code: str | None) -> None:
        """Takes down how a reading ended: `code` is the carrier's fault, None where it answered."""
        self.failed = self.failed + 1 if code is not None and code == self.code else int(code is not None)
        self.code = code
        if self.probe is job:
            self.probe, self.half_open = None, False
            self.open, self.closed = self.failed > _MANY, self.failed <= _MANY
        elif self.half_open and code is None:
            self.half_open, self.closed, self.probe = False, True, None
        elif self.failed >= _MANY and not (self.closed or self.open):
            self.half_open = True


class _Queue(Struct):
    """What waits at one carrier, and the lanes to it."""

    urgent: deque[Job] = field(default_factory=deque)
    other: deque[Job] = field(default_factory=deque)
    lanes: list[_Lane] = field(default_factory=list)
    breaker: _Breaker = field(default_factory=_Breaker)

    def take(self) -> Job | None:
        """The next job, if there is one that may begin. The probe is the last that waits: it has least in
        common with those that failed."""
        if not self.breaker.half_open:
            return (self.urgent or self.other).popleft() if self.urgent or self.other else None
        waiting = [job for job in (*self.urgent, *self.other) if not job.reading]
        if not waiting and self.breaker.probe is None:
            waiting = [job for job in (*self.urgent, *self.other) if job.reading][-1:]
            self.breaker.probe = waiting[0] if waiting else None
        if not waiting:
            return None
        (self.urgent if waiting[0] in self.urgent else self.other).remove(waiting[0])
        return waiting[0]

    def note(self, job: Job, code: str | None) -> None:
        """Takes down how `job` ended. Where the carrier answers nobody, the readings that wait are spared."""
        if not job.reading:
            return
        self.breaker.note(job, code)
        if self.breaker.open:
            for queue in (self.urgent, self.other):
                for spared in [one for one in queue if one.reading]:
                    queue.remove(spared)
                    spared.spare(self.breaker.failed)

    @property
    def stuck(self) -> bool:
        """True if every lane that there may be is slow, or a probe comes first."""
        return self.breaker.half_open or self._all_slow

    @property
    def _all_slow(self) -> bool:
        return len(self.lanes) >= _MOST_LANES and all(lane.busy_for(_SLOW) for lane in self.lanes)

    @property
    def moving(self) -> bool:
        """True if a reading is about to be answered."""
        if any(job.reading for job in (*self.urgent, *self.other)):
            return not self.stuck
        busy = (lane for lane in self.lanes if lane.job is not None and lane.job.reading)
        return any(not lane.busy_for(_SLOW) for lane in busy)


class Lanes:
    """The lanes to all carriers. `make` makes a client by the carrier's name; it is called in the client's
    thread, and raises nothing. Carriers that answer at once, as simulated ones do, need no threads."""

    def __init__(self, make: Callable[[str], Any], *, threads: bool = True) -> None:
        self._make = make
        self._threads = threads
        self._queues: dict[str, _Queue] = {}
        self._done: SimpleQueue[tuple[_Lane, Job, Any]] = SimpleQueue()
        self._stopped_at: float | None = None

    @property
    def clients(self) -> Iterator[Any]:
        """Every client that was made."""
        lanes = (lane for queue in self._queues.values() for lane in queue.lanes)
        return (lane.client for lane in lanes if lane.client is not None)

    def client(self, carrier: str) -> Any:
        """The carrier's first client, made here where there is none yet."""
        lanes = self._queue(carrier).lanes
        if not lanes:
            lanes.append(_Lane())
        if lanes[0].client is None:
            lanes[0].client = self._make(carrier)
        return lanes[0].client

    def adopt(self, other: Lanes, carriers: Iterable[str]) -> None:
        """Goes on with the clients that `other` has for `carriers`."""
        for carrier in carriers:
            lanes = other._queue(carrier).lanes
            self._queue(carrier).lanes += [_Lane(lane.client) for lane in lanes if lane.job is None]

    def submit(self, job: Job) -> None:
        """Queues `job`: urgent ones before the others, else in the order in which they come."""
        queue = self._queue(job.carrier)
        if job.reading and queue.breaker.open:
            job.spare(queue.breaker.failed)
            return
        (queue.urgent if job.urgent else queue.other).append(job)
        self._dispatch(queue)

    def moving_readings(self, carriers: Iterable[str]) -> bool:
        """True if a reading at one of `carriers` is about to be answered: it is neither slow, nor stuck
        behind slow calls."""
        return any(self._queue(carrier).moving for carrier in carriers)

    @property
    def outstanding(self) -> bool:
        """True if anything is queued or under way."""
        return any(
            queue.urgent or queue.other or any(lane.job for lane in queue.lanes)
            for queue in self._queues.values()
        )

    def wait(self) -> None:
        """Waits for the next answer and does what follows from it, or for a moment. Once a signal came,
        nothing new is begun, and only orders that are under way are waited for."""
        try:
            lane, job, answer = self._done.get(timeout=_STEP)
        except Empty:
            pass
        else:
            self._settle(lane, job, answer)
        if stop_wanted():
            self._stop()
        for queue in self._queues.values():
            self._leave_behind(queue)
            self._dispatch(queue)

    def drop_queued(self) -> None:
        """Forgets what was not begun."""
        for queue in self._queues.values():
            queue.urgent.clear()
            queue.other.clear()

    def close(self) -> None:
        """Ends the threads of idle lanes; their clients are kept."""
        for queue in self._queues.values():
            for lane in queue.lanes:
                if lane.running and lane.job is None:
                    lane.inbox.put(None)
                    lane.running = False

    def _queue(self, carrier: str) -> _Queue:
        return self._queues.setdefault(carrier, _Queue())

    def _settle(self, lane: _Lane, job: Job, answer: Any) -> None:
        if lane.job is not job:
            return  # it came after it was given up
        lane.job = None
        self._queue(job.carrier).note(job, job.fault(answer))
        following = job.then(answer)
        if following is not None:
            self._begin(lane, following)

    def _dispatch(self, queue: _Queue) -> None:
        """Gives what waits to idle lanes. Where all are busy with slow calls there is one more lane."""
        while queue.urgent or queue.other:
            lane = next((lane for lane in queue.lanes if lane.job is None), None)
            if lane is None:
                if len(queue.lanes) >= _MOST_LANES or not all(lane.busy_for(_SLOW) for lane in queue.lanes):
                    return
                lane = _Lane()
                queue.lanes.append(lane)
            job = queue.take()
            if job is None:
                return
            self._begin(lane, job)

    def _begin(self, lane: _Lane, job: Job) -> None:
        deadline = job.deadline()
        queue = self._queue(job.carrier)
        if queue.breaker.probe is job:
            deadline = deadline.or_after(_PROBE)
        if deadline.passed:
            if queue.breaker.probe is job:
                queue.note(job, TIMEOUT)
            job.given_up(begun=False)
            return
        lane.job, lane.since, lane.seconds = job, time.monotonic(), deadline.left
        if not self._threads:
            self._call(lane, job, deadline)
            return
        if not lane.running:
            lane.running = True
            thread_of_run(self._work, lane).start()
        lane.inbox.put((job, deadline))

    def _work(self, lane: _Lane) -> None:
        while (handed_over := lane.inbox.get()) is not None:
            self._call(lane, *handed_over)

    def _call(self, lane: _Lane, job: Job, deadline: Deadline) -> None:
        if lane.client is None:
            lane.client = self._make(job.carrier)
        self._done.put((lane, job, job.work(lane.client, deadline)))

    def _leave_behind(self, queue: _Queue) -> None:
        """Gives up the calls that did not come back in their time, each with its lane and its client."""
        for lane in [lane for lane in queue.lanes if lane.busy_for(lane.seconds + _GRACE)]:
            queue.lanes.remove(lane)
            job, lane.job = lane.job, None
            lane.inbox.put(None)
            if job is not None:
                queue.note(job, TIMEOUT)
                job.given_up(begun=True)

    def _stop(self) -> None:
        now = time.monotonic()
        self._stopped_at = self._stopped_at or now
        self.drop_queued()
        for queue in self._queues.values():
            for lane in list(queue.lanes):
                if lane.job is None or (lane.job.binding and now - self._stopped_at < _AFTER_STOP):
                    continue
                queue.lanes.remove(lane)
                job, lane.job = lane.job, None
                lane.inbox.put(None)
                if job.binding:
                    job.given_up(begun=True)
