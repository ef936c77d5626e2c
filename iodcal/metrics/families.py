"""Prometheus' text format: written, and one's own text read back as far as that is needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from iodcal import __version__
from iodcal.config import Configuration
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.planning import CircuitPlan
from iodcal.metrics import families as f
from iodcal.output.text import for_label
from iodcal.problems.kinds import Kind, Problem
from iodcal.result import Report

_ESCAPES = {"\\": r"\\", '"': r"\""}
_VALUE = re.compile(r"^(?P<name>[a-z_]+)(?:\{.*\})? (?P<value>[-+.0-9e]+)$", re.MULTILINE)
_INSTALLATION = re.compile(r'[{,]installation="((?:[^"\\\n]|\\.)+)"\} ')


class Sample(Struct, frozen=True):
    """One value of a family, with the values of its labels in the family's order."""

    family: Family
    value: float
    labels: tuple[str, ...] = ()


def escape_text(value: str) -> str:
    """`value` for between a label's quotes, harmless to whoever looks at the file or at a dashboard."""
    return "".join(_ESCAPES.get(letter, letter) for letter in for_label(value))


def exposition(samples: Iterable[Sample], installation: str) -> Mapping[str, str]:
    """The text of each family that has a sample, by its name: HELP, TYPE, and a line for each sample. The
    name of the installation is a label of each: files of two in one folder of node_exporter do not clash."""
    by_family: dict[str, list[Sample]] = {}
    for sample in samples:
        by_family.setdefault(sample.family.name, []).append(sample)
    return {name: _block(of_family, installation) for name, of_family in by_family.items()}


def whole_text(blocks: Mapping[str, str]) -> str:
    """The file, families in their order, without such as are not known."""
    return "".join(blocks[family.name] for family in FAMILIES if family.name in blocks)


def blocks_of(text: str) -> dict[str, str]:
    """The text of each family in a file of ours."""
    parts = re.split(r"^(?=# HELP )", text, flags=re.MULTILINE)
    return {
        part.split(" ", 3)[2]: part for part in parts if part.startswith("# HELP ") and part.count(" ") > 3
    }


def value_in(block: str) -> float | None:
    """The value of a family without labels of its own."""
    found = _VALUE.search(block)
    try:
        return float(found["value"]) if found else None
    except ValueError:
        return None


def installation_in(block: str) -> str | None:
    """The name of the installation that wrote a family's text; None in a file of before it had one."""
    found = _INSTALLATION.search(block)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else None


def _block(samples: list[Sample], installation: str) -> str:
    family = samples[0].family
    lines = [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.type}"]
    lines += [f"{family.name}{_labels(sample, installation)} {_number(sample.value)}" for sample in samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(sample: Sample, installation: str) -> str:
    pairs = [*zip(sample.family.labels, sample.labels, strict=True), ("installation", installation)]
    told = ",".join(f'{name}="{escape_text(value)}"' for name, value in pairs)
    return f"{{{told}}}"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


class Family(Struct, frozen=True):
    """One metric. `every_run` marks those that also a run which came to nothing brings up to date."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    every_run: bool = False
    type: str = "gauge"


_CIRCUIT = ("circuit",)

BUILD = Family("iodcal_build_info", "The version that ran last; always 1.", ("version",), every_run=True)
LAST_RUN = Family("iodcal_last_run_timestamp_seconds", "When the last sync ended.", every_run=True)
EXIT = Family(
    "iodcal_last_run_exit_status",
    "How it ended: 0 well, 3 with problems, others not carried through.",
    every_run=True,
)
DURATION = Family("iodcal_last_run_duration_seconds", "How long it took.", every_run=True)
SUCCESS = Family(
    "iodcal_last_success_timestamp_seconds",
    "When a sync last was carried through, with or without problems (exit status 0 or 3); 0 if never.",
    every_run=True,
)
EVERY = Family("iodcal_every_seconds", "The longest time between two runs, as configured.", every_run=True)
CIRCUIT = Family(
    "iodcal_circuit_info",
    "What a circuit is; always 1.",
    ("circuit", "carrier", "service_id", "site", "orders"),
)
ORDERED = Family(
    "iodcal_circuit_ordered_bits_per_second", "The open order's bandwidth, else the confirmed one.", _CIRCUIT
)
TARGET = Family("iodcal_circuit_target_bits_per_second", "The bandwidth that is asked for now.", _CIRCUIT)
OBSERVED = Family("iodcal_circuit_observed_bits_per_second", "What the carrier last showed.", _CIRCUIT)
OBSERVED_AT = Family("iodcal_circuit_observed_timestamp_seconds", "When it did.", _CIRCUIT)
OPEN = Family("iodcal_circuit_open_orders", "Orders that are not settled: 0 or 1.", _CIRCUIT)
OPEN_SINCE = Family(
    "iodcal_circuit_open_order_timestamp_seconds", "When the open order was placed.", _CIRCUIT
)
LEAD_LEFT = Family(
    "iodcal_circuit_lead_left_seconds",
    "How long before its event the last raise of the day was confirmed; negative: after it began.",
    _CIRCUIT,
)
PROBLEMS = Family("iodcal_problems", "Problems that stand, by kind.", ("kind", "severity"))
CALENDAR_READ = Family(
    "iodcal_calendar_read_timestamp_seconds", "When a calendar was last read.", ("source",)
)
REMEMBERED = Family(
    "iodcal_calendar_remembered",
    "1 where it could not be read now, and its last reading counts on.",
    ("source",),
)
QUOTA = Family(
    "iodcal_quota_changes_limit", "Changes a UTC day that an account allows.", ("carrier", "account")
)
QUOTA_LEFT = Family("iodcal_quota_changes_left", "How many of them are left today.", ("carrier", "account"))
SECRET = Family(
    "iodcal_secret_expiry_timestamp_seconds", "When a secret expires, where that is known.", ("secret",)
)

FAMILIES = (
    BUILD,
    LAST_RUN,
    EXIT,
    DURATION,
    SUCCESS,
    EVERY,
    CIRCUIT,
    ORDERED,
    TARGET,
    OBSERVED,
    OBSERVED_AT,
    OPEN,
    OPEN_SINCE,
    LEAD_LEFT,
    PROBLEMS,
    CALENDAR_READ,
    REMEMBERED,
    QUOTA,
    QUOTA_LEFT,
    SECRET,
)


_MEGA = 1_000_000


def run_samples(
    configuration: Configuration | None, status: int, ended: datetime, seconds: float, success: float
) -> Iterator[Sample]:
    """What every run brings up to date; `success` is the Unix time of the last one carried through."""
    yield Sample(f.BUILD, 1, (__version__,))
    yield Sample(f.LAST_RUN, ended.timestamp())
    yield Sample(f.EXIT, status)
    yield Sample(f.DURATION, seconds)
    yield Sample(f.SUCCESS, success)
    if configuration is not None:
        yield Sample(f.EVERY, configuration.settings.every.total_seconds())


def report_samples(report: Report, expiries: Mapping[str, datetime]) -> Iterator[Sample]:
    """What a run that was carried through knows of circuits, problems, calendars, quotas and secrets.

    `expiries` says, by the reference in words, when a secret expires (UTC).
    """
    for plan in report.plans:
        yield from _of_circuit(plan)
    yield from _of_problems(report)
    for source in report.sources:
        label = (source.source.label,)
        yield Sample(f.REMEMBERED, source.remembered, label)
        if source.read_at is not None:
            yield Sample(f.CALENDAR_READ, source.read_at.timestamp(), label)
    for account, (used, limit) in report.quotas.items():
        named = (account.carrier_type, account.number)
        yield Sample(f.QUOTA, limit, named)
        yield Sample(f.QUOTA_LEFT, max(0, limit - used), named)
    for secret, at in expiries.items():
        yield Sample(f.SECRET, at.timestamp(), (secret,))


def _of_circuit(plan: CircuitPlan) -> Iterator[Sample]:
    circuit, circuit_state = plan.circuit, plan.circuit_state
    name = (circuit.name,)
    about = (circuit.name, circuit.carrier, circuit.service_id, circuit.site or "", str(circuit.orders))
    yield Sample(f.CIRCUIT, 1, about)
    yield Sample(f.TARGET, _bits(plan.target), name)
    if circuit_state.ordered is not None:
        yield Sample(f.ORDERED, _bits(circuit_state.ordered), name)
    if circuit_state.reading is not None:
        yield Sample(f.OBSERVED_AT, circuit_state.reading.at.timestamp(), name)
        if circuit_state.reading.bandwidth is not None:
            yield Sample(f.OBSERVED, _bits(circuit_state.reading.bandwidth), name)
    yield Sample(f.OPEN, circuit_state.order is not None, name)
    if circuit_state.order is not None:
        yield Sample(f.OPEN_SINCE, circuit_state.order.created_at.timestamp(), name)
    left = [order.lead_left for order in circuit_state.recent if order.lead_left is not None]
    if left:
        yield Sample(f.LEAD_LEFT, left[-1].total_seconds(), name)


def _of_problems(report: Report) -> Iterator[Sample]:
    """Every kind, also those of which there is none: an alert must see it go away."""
    for kind in Kind:
        count = sum(problem.kind is kind for problem in report.problems)
        yield Sample(f.PROBLEMS, count, (str(kind), str(Problem(kind, "").severity)))


def _bits(bandwidth: Bandwidth) -> int:
    return bandwidth.mbps * _MEGA
