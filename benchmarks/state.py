"""Loading and saving the state of 500 circuits and 200 mailboxes, against JSON alone on the same document."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from iodcal.store.codec import decode, document_of, encode
from tests.store.test_size import busy

_ROUNDS = 7


def measure() -> tuple[float, float]:
    """How many times the CPU time of `json.loads` loading takes, and saving that of `json.dumps`."""
    state = busy()
    content = encode(state)
    document = document_of(state)
    load = _seconds(lambda: decode(json.loads(content))) / _seconds(lambda: json.loads(content))
    save = _seconds(lambda: encode(state)) / _seconds(lambda: json.dumps(document))
    return load, save


def _seconds(work: Callable[[], object]) -> float:
    """The CPU time of the quickest of some rounds."""
    taken = []
    for _ in range(_ROUNDS):
        before = time.process_time()
        work()
        taken.append(time.process_time() - before)
    return min(taken)
