"""Reading from several servers at once, and leaving off at once where nobody waits any more."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from iodcal.http import give_up
from iodcal.signals import Interrupted


@contextmanager
def side_by_side(most: int) -> Iterator[Executor]:
    """As many threads. For readings only: a signal ends what they do, where an order would have to be waited
    for."""
    with ThreadPoolExecutor(max_workers=max(1, most)) as pool:
        try:
            yield pool
        except Interrupted:
            pool.shutdown(wait=False, cancel_futures=True)
            give_up()
            raise
