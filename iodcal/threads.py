"""Reading from several servers at once, and leaving off at once where nobody waits any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from iodcal.signals import Interrupted

if TYPE_CHECKING:
    from concurrent.futures import Executor


@contextmanager
def side_by_side(most: int) -> Iterator[Executor]:
    """As many threads. For readings only: a signal ends what they do, where an order would have to be waited
    for."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=max(1, most)) as pool:
        try:
            yield pool
        except Interrupted:
            pool.shutdown(wait=False, cancel_futures=True)
            from iodcal.http import give_up

            give_up()
            raise
