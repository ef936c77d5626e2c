"""Many installations in one process: each rules file is a tenant, run by itself in a thread.

What one tenant meets, be it a broken file, a refused login or a bug, is its own result. Its name, its secrets
and its login are in its thread's context, and reach no other.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from contextvars import Context
from glob import glob
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from msgspec import Struct

from iodcal.actor import new_run_id
from iodcal.config import usual_name
from iodcal.errors import UsageError
from iodcal.exits import Exit
from iodcal.http import Deadline
from iodcal.redaction import keep_secrets_apart
from iodcal.signals import stop_wanted
from iodcal.tenant import begin_run, name_installation

JOBS = 8  # tenants at once, unless somebody says otherwise
_STEP = 0.2  # seconds between two looks at signals
_LAST_WORDS = 9.0  # seconds: the most that runs under way are waited for after a signal
_EXTENDS = re.compile(rb"^extends:[ \t]*[\"']?([^\"'\s#]+)", re.MULTILINE)
_WORST_FIRST = (
    Exit.INTERRUPTED,
    Exit.CONFIGURATION,
    Exit.FAILED,
    Exit.PROBLEM,
    Exit.LOCKED,
    Exit.CHANGES_DUE,
)

_Result = TypeVar("_Result")


class Shard(Struct, frozen=True):
    """A part of a fleet: number `index`, from 1, of `count`."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str, environment: dict[str, str]) -> Shard:
        """`2/8`; or `/8`, the number being that of a Kubernetes Indexed Job, which counts from 0. Raises
        ValueError."""
        index, _, count = text.partition("/")
        if not index and environment.get("JOB_COMPLETION_INDEX", "").isdecimal():
            index = str(int(environment["JOB_COMPLETION_INDEX"]) + 1)
        if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
            raise ValueError(f"{text!r} is no part such as 2/8, from 1/8 to 8/8; /8 in an Indexed Job")
        return cls(int(index), int(count))

    def takes(self, name: str) -> bool:
        """True if the tenant called `name` belongs here; it stays so whoever joins the fleet or leaves it."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8]) % self.count == self.index - 1


class TenantOutcome(Struct, Generic[_Result], frozen=True):
    """What became of one tenant: a `result`, or the error that ended it."""

    path: Path
    result: _Result | None = None
    error: BaseException | None = None


def find_tenants(places: Sequence[str], shard: Shard | None = None) -> tuple[Path, ...]:
    """The rules files at `places`: of a folder `*.yaml` and `*/rules.yaml`, else what a pattern fits. Files
    that others among them extend are no tenants. Raises UsageError where there are none."""
    found: dict[Path, None] = {}
    for place in places:
        folder = Path(place)
        if folder.is_dir():
            found |= dict.fromkeys((*folder.glob("*.yaml"), *folder.glob("*/rules.yaml")))
        else:
            fitting = glob(place, recursive=True)  # noqa: PTH207 - a pattern may be absolute
            found |= dict.fromkeys(map(Path, fitting or ([place] if folder.exists() else [])))
    extended = set(_extended_by(found))
    tenants = sorted(path for path in found if path.resolve() not in extended)
    if not tenants:
        raise UsageError("fleet_empty", places=", ".join(places))
    return tuple(path for path in tenants if shard is None or shard.takes(_name_in_fleet(path)))


def _name_in_fleet(path: Path) -> str:
    return f"{path.absolute().parent.name}/{path.name}"


def _extended_by(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        try:
            named = _EXTENDS.search(path.read_bytes())
        except OSError:
            continue  # told by its own run
        if named is not None:
            yield (path.parent / named[1].decode("utf-8", "replace")).resolve()


def run_tenants(
    paths: Sequence[Path], work: Callable[[Path], _Result], jobs: int = JOBS
) -> Iterator[TenantOutcome[_Result]]:
    """What `work` makes of each of `paths`, `jobs` at once, as they end. What it raises is that tenant's
    outcome. Once a signal came nothing new is begun, and what is under way gets some seconds to end."""
    waiting: SimpleQueue[Path] = SimpleQueue()
    for path in paths:
        waiting.put(path)
    done: SimpleQueue[TenantOutcome[_Result]] = SimpleQueue()

    def serve() -> None:
        while not stop_wanted():
            try:
                path = waiting.get_nowait()
            except Empty:
                return
            done.put(Context().run(_attempt, path, work))

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(min(jobs, len(paths)))]
    for thread in threads:
        thread.start()
    deadline = None
    while deadline is None or not deadline.passed:
        ended = not any(thread.is_alive() for thread in threads)
        with suppress(Empty):
            while True:
                yield done.get(timeout=0 if ended else _STEP)
        if ended:
            return
        if stop_wanted() and deadline is None:
            deadline = Deadline.after(_LAST_WORDS)


def _attempt(path: Path, work: Callable[[Path], _Result]) -> TenantOutcome[_Result]:
    keep_secrets_apart()
    begin_run(new_run_id())
    name_installation(usual_name(path))  # until the file says what it is called
    try:
        return TenantOutcome(path, work(path))
    except BaseException as error:  # noqa: BLE001 - a tenant's crash, or its end, is its own
        return TenantOutcome(path, error=error)


def worst(statuses: Iterable[int]) -> Exit:
    """The exit status of a fleet: what asks for most attention. A run that another one kept from beginning
    hides no failure."""
    given = set(statuses)
    return next((status for status in _WORST_FIRST if status in given), Exit.OK)
