"""A plug-in that misbehaves: in how many of so many ways is the healthy circuit beside it served?

`python -m benchmarks.misbehaviours` plays each of 14 kinds at each of 16 places by the real command.
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

from tests.e2e.command import Done, Iodcal
from tests.e2e.test_isolation import HARMLESS, RAISING, plug_in

KINDS = (*RAISING, *HARMLESS, "signals")
PLACES = (
    *("is_test", "virtual", "default_provisioning", "default_changes_per_day", "account", "create"),
    *("client.account", "clock_error", "read", "quote", "order"),
    *("sources", "readers", "group", "source", "events"),
)
_AT_ONCE = 3


def play(case: tuple[str, str]) -> tuple[tuple[str, str], bool, Done]:
    """The case, whether the healthy circuit was served, and how the run ended."""
    kind, place = case
    with tempfile.TemporaryDirectory() as folder:
        iodcal = plug_in(Iodcal(Path(folder)), Path(folder))
        done = iodcal("sync", "-o", "json", PLACE=place, HOW=kind)
    try:
        orders = {order["circuit"]: order["outcome"] for order in done.json["orders"]}
    except (ValueError, KeyError):
        orders = {}
    return case, orders.get("b") == "accepted" and "Traceback" not in done.err, done


def main() -> int:
    cases = list(product(KINDS, PLACES))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        results = list(pool.map(play, cases))
    failed = [(case, done) for case, served, done in results if not served]
    for (kind, place), done in failed:
        print(f"{kind} at {place}: status {done.status}, {done.err.strip()[-300:]}")
    print(f"{len(results) - len(failed)} of {len(results)} runs served the healthy circuit")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
