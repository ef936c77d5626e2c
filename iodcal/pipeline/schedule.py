"""Which source is tried next, and when: fair to all sources, and sparing of a server in trouble.

Decisions only: times are seconds of a monotonic clock and come as arguments; nothing here waits or reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from math import ceil, inf

from msgspec import Struct, field

from iodcal.errors import CalendarError, PassingError

_THROTTLED = "throttled"
_LOGIN = "login"
_BUDGET = 4  # what the faults of one source may cost, whatever its pages
_COSTS = {_THROTTLED: 0, "deadline": 3, "timeout": 3, "too_slow": 3}  # any other fault costs 1
_SLOW = frozenset({"deadline", "timeout", "too_slow"})
_FIRST_WAIT = 0.5
_FIRST_WAIT_THROTTLED = 1.0
_LONGEST_WAIT = 60.0
_SHORT_TRY = 10.0  # of several sources behind one server
_LONG_TRY = 30.0  # of a source with a server of its own
_LONGEST_TRY = 60.0
_MANY = 8  # sources that fail alike
_PROBES = 3


class Turn(Struct, frozen=True):
    """A try that is due: of which source, and how many seconds it may take."""

    key: str
    seconds: float


class Pending(Struct):
    """A source that is to be read. Sources of one `group` are tried one after another; those of one `shared`
    stand behind one server, and its refusals may concern them all. A lower `rank` comes first."""

    key: str
    group: str
    shared: str | None
    rank: tuple[bool, int]
    tries: int = 0
    spent: int = 0
    throttled: int = 0
    ready_at: float = 0.0
    error: CalendarError | None = None


class Breaker(Struct):
    """A circuit breaker, open: what it names may be tried again by so many probes at a time, from `until`
    on."""

    probes_at_once: int
    until: float = 0.0
    failed: int = 0
    probes: set[str] = field(default_factory=set)

    @property
    def ready_at(self) -> float:
        return inf if len(self.probes) >= self.probes_at_once else self.until


class AttemptQueue:
    """The sources that are to be read by `deadline`, by so many `workers` at once.

    Each is first tried once and shortly. Only then the failed ones have further tries, as long as their
    budget lasts and there is time. An application that is throttled rests as a whole. Where many sources of
    one server fail alike, probes find out whether it recovers; if not, the others are spared.
    """

    def __init__(self, sources: Iterable[Pending], now: float, deadline: float, workers: int) -> None:
        self._waiting = {source.key: source for source in sources}
        self._all = tuple(self._waiting.values())
        self._running: dict[str, Pending] = {}
        self._deadline = deadline
        self._workers = workers
        self._breakers: dict[tuple[str, str], Breaker] = {}
        self._recovered: set[tuple[str, str]] = set()
        rounds = ceil(len({source.group for source in self._all}) / workers) or 1
        self._fair_share = max(1.0, (deadline - now) / 2 / rounds)
        self.failures: dict[str, CalendarError] = {}

    def rest(self, shared: str, until: float) -> None:
        """Nothing behind `shared` is tried before `until`: it was throttled in an earlier run."""
        self._breakers[shared, _THROTTLED] = Breaker(1, until)
        if until >= self._deadline:
            resting = [source for source in self._waiting.values() if source.shared == shared]
            for source in resting:
                source.error = CalendarError("application_throttled")
            self._give_up(resting)

    @property
    def shared(self) -> frozenset[str | None]:
        """The servers that somebody waits for."""
        return frozenset(source.shared for source in self._waiting.values())

    def hold(self, shared: str) -> None:
        """Nothing behind `shared` is tried before `release`: a login comes first."""
        self._breakers[shared, _LOGIN] = Breaker(0)

    def release(self, shared: str) -> None:
        self._breakers.pop((shared, _LOGIN), None)

    def next_turn(self, now: float) -> Turn | float | None:
        """The try that is due now; else the seconds until one may be, infinite where that depends on a
        running one; None where all is done or running, and nothing waits."""
        if now >= self._deadline:
            self._give_up(self._waiting.values())
        if not self._waiting:
            return None
        if len(self._running) >= self._workers:
            return inf
        groups = {source.group for source in self._running.values()}
        free = [source for source in self._waiting.values() if source.group not in groups]
        at = {source.key: self._ready_at(source) for source in free}
        ready = [source for source in free if at[source.key] <= now]
        if not ready:
            soonest = min(at.values(), default=inf)
            return soonest if soonest == inf else min(soonest, self._deadline) - now
        return self._begin(min(ready, key=lambda source: (source.tries > 0, source.rank, source.tries)), now)

    def settle(self, key: str, error: CalendarError | None, now: float) -> None:
        """What came of a turn: None for a good reading."""
        source = self._running.pop(key)
        probed = self._end_probe(source, error)
        source.error = error
        if error is None:
            return
        self._waiting[key] = source
        wait = self._wait_after(source, error)
        if wait is None or now + wait >= self._deadline:
            self._give_up([source])
        else:
            source.ready_at = now + wait
        if (
            error.code == _THROTTLED
            and isinstance(error, PassingError)
            and error.shared is not None
            and (error.sure or self._refuses_others(source))
        ):
            self._rest_together(error.shared, wait or 0.0, now)
        elif source.shared is not None and self._many_fail_like(source, error):
            self._spare(source.shared, error.code, probed=probed)

    def _begin(self, source: Pending, now: float) -> Turn:
        for name in self._breakers_of(source):
            self._breakers[name].probes.add(source.key)
        longest = _LONG_TRY if source.shared is None else _SHORT_TRY
        seconds = min(longest, self._fair_share) * 2.0**source.tries
        source.tries += 1
        self._running[source.key] = self._waiting.pop(source.key)
        return Turn(source.key, min(seconds, _LONGEST_TRY, self._deadline - now))

    def _ready_at(self, source: Pending) -> float:
        breakers = [self._breakers[name] for name in self._breakers_of(source)]
        return max([source.ready_at, *(breaker.ready_at for breaker in breakers)])

    def _breakers_of(self, source: Pending) -> list[tuple[str, str]]:
        """The open breakers that `source` stands behind: the application's, and that of its last fault."""
        if source.shared is None:
            return []
        codes = {_LOGIN, _THROTTLED} | ({source.error.code} if source.error is not None else set())
        return [(source.shared, code) for code in codes if (source.shared, code) in self._breakers]

    def _end_probe(self, source: Pending, error: CalendarError | None) -> bool:
        """True if `source` was a probe; a breaker whose probe does not fail alike is closed for good."""
        probed = False
        for name, breaker in list(self._breakers.items()):
            if source.key in breaker.probes:
                breaker.probes.discard(source.key)
                probed = True
                if error is None or error.code != name[1]:
                    del self._breakers[name]
                    self._recovered.add(name)
        return probed

    def _wait_after(self, source: Pending, error: CalendarError) -> float | None:
        """Seconds from a fault to the next try, None for no other one: never less than the server asks for,
        and more from time to time."""
        if not (isinstance(error, PassingError) or error.code in _SLOW):
            return None
        source.spent += _COSTS.get(error.code, 1)
        if source.spent >= _BUDGET:
            return None
        asked = error.wait if isinstance(error, PassingError) and error.wait is not None else 0.0
        if error.code == _THROTTLED:
            grown = _FIRST_WAIT_THROTTLED * 2.0**source.throttled
            source.throttled += 1
        else:
            grown = _FIRST_WAIT * 2.0 ** (source.tries - 1)
        return max(asked, min(grown, _LONGEST_WAIT))

    def _rest_together(self, shared: str, wait: float, now: float) -> None:
        """Opens the application's breaker; what was under way when it opened does not make it rest longer."""
        breaker = self._breakers.setdefault((shared, _THROTTLED), Breaker(1))
        if breaker.until <= now:
            wait = max(wait, min(_FIRST_WAIT_THROTTLED * 2.0**breaker.failed, _LONGEST_WAIT))
            breaker.failed += 1
        breaker.until = max(breaker.until, now + wait)
        if breaker.until >= self._deadline:
            self._give_up([source for source in self._waiting.values() if source.shared == shared])

    def _refuses_others(self, source: Pending) -> bool:
        """True if nobody else stands behind the server of `source`, or somebody is refused there as it is."""
        others = [one for one in self._all if one.shared == source.shared and one.group != source.group]
        refused = (one.error for one in others)
        return not others or any(isinstance(error, PassingError) and error.shared for error in refused)

    def _many_fail_like(self, source: Pending, error: CalendarError) -> bool:
        tried = [one for one in self._all if one.shared == source.shared and one.tries]
        alike = sum(one.error is not None and one.error.code == error.code for one in tried)
        return alike >= _MANY and alike * 2 >= len(tried)

    def _spare(self, shared: str, code: str, *, probed: bool) -> None:
        """Opens the breaker of a fault that many have; after some probes in vain those that have it are given
        up."""
        if (shared, code) in self._recovered or code == _THROTTLED:
            return
        breaker = self._breakers.setdefault((shared, code), Breaker(_PROBES))
        breaker.failed += probed
        if breaker.failed >= _PROBES:
            alike = [
                one
                for one in self._waiting.values()
                if one.shared == shared and one.error is not None and one.error.code == code
            ]
            self._give_up(alike)

    def _give_up(self, sources: Iterable[Pending]) -> None:
        for source in list(sources):
            self._waiting.pop(source.key, None)
            self.failures[source.key] = source.error or CalendarError("untried")


def in_turn(
    keys: Iterable[tuple[str, str, str | None]], failed_lately: frozenset[str] = frozenset()
) -> list[Pending]:
    """The sources (key, group, shared) as a queue takes them: in their order, but those that failed in the
    last run come last."""
    number = count()
    return [Pending(key, group, shared, (key in failed_lately, next(number))) for key, group, shared in keys]
