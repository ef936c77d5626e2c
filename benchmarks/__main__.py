"""`python -m benchmarks`: every figure with its aim, each taken in this run on this machine."""

from __future__ import annotations

import sys

from benchmarks import fairness, feeds, mailboxes, month, planning, processes, quota, state

_FIRST_OUTPUT = 2.0  # times the start-up of --version
_LOAD, _SAVE = 7.0, 6.0  # 0.1.0 took 9 and more for each


def main() -> int:
    """Prints the figures; 1 if one misses its aim."""
    met = [
        *_planning(),
        *_quota(),
        *_processes(),
        *_mailboxes(),
        *_fairness(),
        *_feeds(),
        *_state(),
        *_month(),
    ]
    return 0 if all(met) else 1


def _planning() -> list[bool]:
    load, half = planning.Load(100_000, 50, 20), planning.Load(50_000, 50, 20)
    seconds, changes = planning.measure_alone(load)
    half_seconds, _ = planning.measure_alone(half)
    size = f"{load.events:,} events x {load.rules} rules x {load.circuits} circuits, {changes} changes"
    return [
        _line(f"planning {size}", seconds, 3, "s of CPU"),
        _line("planning twice the events", seconds / half_seconds, 2.3, "times the time"),
        _line("planning, peak memory", planning.peak_memory(load), 300, "MiB"),
    ]


def _quota() -> list[bool]:
    many, one = quota.Fleet(500, 25, 24), quota.Fleet(500, 1, 1200)
    (seconds, left_out), (seconds_of_one, left_out_of_one) = quota.measure(many), quota.measure(one)
    what = "planning 500 circuits x 7 days"
    return [
        _line(f"{what}, 25 accounts of 24 ({left_out} changes left out)", seconds, 1, "s of CPU"),
        _line(f"{what}, 1 account of 1200 ({left_out_of_one} left out)", seconds_of_one, 1, "s of CPU"),
    ]


def _processes() -> list[bool]:
    start, quiet = processes.start_up(), processes.quiet_sync()
    first = processes.first_output()
    worst = max(first, key=lambda command: first[command].ratio)
    missed = [command for command, compared in first.items() if compared.ratio > _FIRST_OUTPUT]
    if missed:
        print(f"first output later than {_FIRST_OUTPUT:g} times iodcal --version: {', '.join(missed)}")
    return [
        _line(f"iodcal --version ({start.ours:.3f} s of CPU)", start.ratio, 1.1, "x import typer"),
        _line(
            f"first output of {len(first)} commands, {worst} being last ({first[worst].ours:.3f} s of CPU)",
            *(first[worst].ratio, _FIRST_OUTPUT, "x iodcal --version"),
        ),
        _line(f"a quiet sync ({quiet.ours:.3f} s of CPU)", quiet.ratio, 1.6, "x the shortest script"),
    ]


def _mailboxes() -> list[bool]:
    seconds, bound = mailboxes.read_many()
    return [_line(f"200 mailboxes behind 50 ms ({seconds:.2f} s)", seconds / bound, 1.5, "x 200/8 x 50 ms")]


def _fairness() -> list[bool]:
    lines = [("90 of 100 mailboxes answering 504", fairness.outage(), 1.5)]
    for count, failing in ((60, 16), (40, 8), (200, 100)):
        lines.append((f"{failing} of {count} mailboxes hanging", fairness.hanging(count, failing), 2.0))
    met = []
    for what, trouble, most in lines:
        met.append(_line(f"{what}, requests", trouble.requests, most, "x the mailboxes"))
        met.append(_line(f"{what}, late events of the others", trouble.late, 0, "events"))
    return met


def _feeds() -> list[bool]:
    single, series = feeds.of_single_events(), feeds.of_series()
    bare = "x icalendar's bare parse"
    return [
        _line(f"a feed of 20,000 events ({single.seconds:.2f} s of CPU)", single.time, 1.5, bare),
        _line("its memory", single.memory, 1.5, bare),
        _line(f"a feed of 2,000 series of Exchange's ({series.seconds:.2f} s of CPU)", series.time, 10, bare),
        _line("their memory", series.memory, 1.5, bare),
    ]


def _state() -> list[bool]:
    load, save = state.measure()
    return [
        _line("loading a state of 500 circuits and 200 mailboxes", load, _LOAD, "x json.loads"),
        _line("saving it", save, _SAVE, "x json.dumps"),
    ]


def _month() -> list[bool]:
    seconds, found = month.measure()
    money = found.money
    assert money.simulated is not None
    assert money.optimum
    size = f"{found.runs:,} runs, {len(found.circuits)} circuits, {month.EVENTS} events"
    return [
        _line(f"a simulated month ({size})", seconds, 60, "s of CPU"),
        _line("its late events", len(found.late), 0, "events"),
        _line("its double orders", found.doubles, 0, "orders"),
        _line("its cost", float(money.simulated / money.optimum), 1.01, "x the optimum"),
    ]


def _line(what: str, figure: float, aim: float, unit: str) -> bool:
    met = figure <= aim
    print(f"{what}: {figure:.2f} {unit} (aim: at most {aim:g}) {'' if met else 'MISSED'}".rstrip())
    return met


if __name__ == "__main__":
    sys.exit(main())
