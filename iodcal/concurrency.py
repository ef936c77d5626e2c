"""Reading from several servers at once, and leaving off at once where nobody waits any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from iodcal.signals import Interrupted, in_main_thread, raise_if_stopping
from iodcal.tenant import entrance_to_run

if TYPE_CHECKING:
    from concurrent.futures import Executor


_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")
_STEP = 0.2  # seconds


@contextmanager
def side_by_side(most: int) -> Iterator[Executor]:
    """As many threads. For readings only: a signal ends what they do, where an order would have to be waited
    for."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=max(1, most), initializer=entrance_to_run()) as pool:
        try:
            yield pool
        except Interrupted:
            pool.shutdown(wait=False, cancel_futures=True)
            if in_main_thread():  # others may be waiting for what became of their orders
                from iodcal.http import give_up

                give_up()
            raise


def answers(pool: Executor, ask: Callable[[_Asked], _Answer], each: Iterable[_Asked]) -> Iterator[_Answer]:
    """What `ask` says of each, in their order; all are asked at once.

    Waits in steps, between which Python looks for signals: one that comes in the moment in which it falls
    asleep over a lock does not wake it, and would be heard only with the answer.
    """
    from concurrent.futures import wait

    futures = [pool.submit(ask, one) for one in each]
    for future in futures:
        while not future.done():
            wait([future], timeout=_STEP)
            raise_if_stopping()
        yield future.result()
