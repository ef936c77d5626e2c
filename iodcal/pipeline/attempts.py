"""All sources read side by side, try by try, as the schedule has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct, field

from iodcal.calendars import CalendarReader, LoggingIn, Shareable
from iodcal.concurrency import side_by_side
from iodcal.domain.events import CalendarReading, Source
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError
from iodcal.http import Deadline
from iodcal.pipeline.schedule import AttemptQueue, Turn, in_turn
from iodcal.signals import raise_if_stopping

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

WORKERS = 32
_STEP = 0.2  # seconds, between which Python looks for signals

_Result = TypeVar("_Result")


class Earlier(Struct, frozen=True):
    """What earlier runs learnt of all sources: those that failed in the last one, by `Source.key`, and for
    how many seconds still each throttled application is to be left alone."""

    failed_sources: frozenset[str] = frozenset()
    waits: Mapping[str, float] = field(default_factory=dict)


def read_all(
    readers: Sequence[CalendarReader],
    span: Interval,
    deadline: Deadline,
    earlier: Earlier = Earlier(),  # noqa: B008 - it never changes
) -> dict[Source, CalendarReading | CalendarError]:
    """What each source holds over `span` (UTC), or why it cannot be read, in the readers' order."""
    answers = attempt_all(readers, lambda reader, limit: reader.read(span, limit), deadline, earlier)
    return {source: heard(answer, source) for source, answer in answers.items()}


def heard(answer: CalendarReading | CalendarError, source: Source) -> CalendarReading | CalendarError:
    """What was read of a place, as `source` has it."""
    return answer.heard_by(source) if isinstance(answer, CalendarReading) else answer


def what_is_read(reader: CalendarReader) -> Hashable:
    """Equal for readers that would read the same: one of them does so for all."""
    manner = reader.manner if isinstance(reader, Shareable) else ("of", reader.source.calendar)
    return (reader.source.key, manner)


def attempt_all(
    readers: Sequence[CalendarReader],
    attempt: Callable[[CalendarReader, Deadline], _Result],
    deadline: Deadline,
    earlier: Earlier = Earlier(),  # noqa: B008 - it never changes
) -> dict[Source, _Result | CalendarError]:
    """What `attempt` makes of each reader, tried again where that may help, by source, in the readers' order.
    A place that stands in several calendars is tried once for all of them.

    `attempt` gets the deadline of that one try. It raises CalendarError.
    """
    alike: defaultdict[Hashable, list[CalendarReader]] = defaultdict(list)
    for reader in readers:
        alike[what_is_read(reader)].append(reader)
    asked = {str(number): together for number, together in enumerate(alike.values())}
    by_key = {key: together[0] for key, together in asked.items()}
    named = [(key, reader.group, getattr(reader, "shared", None)) for key, reader in by_key.items()]
    failed = (key for key, reader in by_key.items() if reader.source.key in earlier.failed_sources)
    groups = {group for _, group, _ in named}
    now = deadline.clock()
    queue = AttemptQueue(in_turn(named, frozenset(failed)), now, deadline.at, WORKERS)
    for shared, seconds in earlier.waits.items():
        queue.rest(shared, now + seconds)
    logins = {
        reader.shared: reader
        for reader in by_key.values()
        if isinstance(reader, LoggingIn) and reader.shared in queue.shared
    }
    tries = _Tries(queue, by_key, attempt, deadline)
    if len(groups) <= 1:
        tries.run(None, logins)
    else:
        with side_by_side(min(WORKERS, len(groups))) as pool:
            tries.run(pool, logins)
    answers: dict[str, _Result | CalendarError] = {**tries.results, **queue.failures}
    by_source = {reader.source: answers[key] for key, together in asked.items() for reader in together}
    return {reader.source: by_source[reader.source] for reader in readers}


class _Clock:
    """The deadline's clock; a pause that was cut short counts as waited."""

    def __init__(self, deadline: Deadline) -> None:
        self._clock = deadline.clock
        self._skipped = 0.0

    def now(self) -> float:
        return self._clock() + self._skipped

    def deadline(self, seconds: float) -> Deadline:
        """So many seconds from now, by the real clock."""
        return Deadline.after(seconds, self._clock)

    def pause(self, seconds: float) -> None:
        from iodcal.http import session

        before = self._clock()
        session.sleep(seconds)
        self._skipped += max(0.0, seconds - (self._clock() - before))


class _Tries(Generic[_Result]):
    """Carries out the turns of a queue: on the threads of a pool, or one by one where there is none."""

    def __init__(
        self,
        queue: AttemptQueue,
        readers: Mapping[str, CalendarReader],
        attempt: Callable[[CalendarReader, Deadline], _Result],
        deadline: Deadline,
    ) -> None:
        self.results: dict[str, _Result] = {}
        self._queue = queue
        self._readers = readers
        self._attempt = attempt
        self._deadline = deadline
        self._clock = _Clock(deadline)
        self._running: dict[Future[Any], Callable[[Any], None]] = {}  # with what to do about its result

    def run(self, pool: Executor | None, logins: Mapping[str, LoggingIn]) -> None:
        """Logs in, where readers share a login, and then carries out turn after turn until none is left."""
        for shared, reader in logins.items():
            self._queue.hold(shared)
            self._start(pool, partial(_log_in, reader, self._deadline), partial(self._logged_in, shared))
        while True:
            raise_if_stopping()
            turn = self._queue.next_turn(self._clock.now())
            if isinstance(turn, Turn):
                limit = self._clock.deadline(turn.seconds)
                work = partial(self._try, self._readers[turn.key], limit)
                self._start(pool, work, partial(self._settle, turn.key))
            elif self._running:
                self._collect(_STEP if turn is None else min(_STEP, turn))
            elif turn is None:
                return
            else:
                self._clock.pause(turn)

    def _start(self, pool: Executor | None, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        if pool is None:
            done(work())
        else:
            self._running[pool.submit(work)] = done

    def _collect(self, seconds: float) -> None:
        from concurrent.futures import FIRST_COMPLETED, wait

        finished, _ = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED)
        for future in finished:
            self._running.pop(future)(future.result())

    def _try(self, reader: CalendarReader, limit: Deadline) -> _Result | CalendarError:
        try:
            return self._attempt(reader, limit)
        except CalendarError as error:
            if error.code == "deadline" and not self._deadline.passed:
                return CalendarError("timeout", **error.facts)  # this try's time is over, not the run's
            return error

    def _settle(self, key: str, result: _Result | CalendarError) -> None:
        if isinstance(result, CalendarError):
            self._queue.settle(key, result, self._clock.now())
        else:
            self.results[key] = result
            self._queue.settle(key, None, self._clock.now())

    def _logged_in(self, shared: str, _result: object) -> None:
        self._queue.release(shared)


def _log_in(reader: LoggingIn, deadline: Deadline) -> None:
    """A login that fails is told by each reader that meets it."""
    with suppress(CalendarError):
        reader.log_in(deadline)
