"""`python -m benchmarks.learning [COMPANIES] [CIRCUITS] [WEEKS]`: how much of what is planted in generated
companies `advise` finds, how much it finds that was not, and whether following it would have hurt."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.usage.generated import Company
from tests.usage.learning import Lesson, learn


def _learnt(seed: int, circuits: int, weeks: int) -> Lesson:
    with tempfile.TemporaryDirectory() as folder:
        return learn(Company(seed, circuits, weeks), Path(folder))


def main(companies: int = 3, circuits: int = 24, weeks: int = 52) -> int:
    """Prints the figures; 1 if an aim is missed."""
    planted = found = extra = short = 0
    began = time.process_time()
    for seed in range(100, 100 + companies):
        lesson = _learnt(seed, circuits, weeks)
        planted += len(lesson.company.planted)
        found += len(lesson.company.planted & lesson.found)
        extra += len(lesson.found - lesson.company.planted)
        short += sum(lesson.short_by(one) > 0 for one in lesson.advice)
        for kind, where in sorted(lesson.company.planted - lesson.found):
            print(f"missed: {kind} of {where} (company {seed})")
        for kind, where in sorted(lesson.found - lesson.company.planted):
            print(f"not planted: {kind} of {where} (company {seed})")
    seconds = time.process_time() - began
    recall, precision = found / planted, found / max(1, found + extra)
    print(f"{companies} companies of {circuits} circuits, {weeks} weeks: {seconds:.0f} s of CPU")
    print(f"found {found} of {planted} planted: recall {recall:.1%}, precision {precision:.1%}")
    print(f"{short} pieces of advice would have made something short")
    return 0 if recall >= 0.95 and not short else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
