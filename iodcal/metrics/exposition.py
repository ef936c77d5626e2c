"""Prometheus' text format: written, and one's own text read back as far as that is needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from iodcal.metrics.families import FAMILIES, Family
from iodcal.output.text import for_label

_ESCAPES = {"\\": r"\\", '"': r"\""}
_VALUE = re.compile(r"^(?P<name>[a-z_]+) (?P<value>[-+.0-9e]+)$", re.MULTILINE)


class Sample(Struct, frozen=True):
    """One value of a family, with the values of its labels in the family's order."""

    family: Family
    value: float
    labels: tuple[str, ...] = ()


def escape(value: str) -> str:
    """`value` for between a label's quotes, harmless to whoever looks at the file or at a dashboard."""
    return "".join(_ESCAPES.get(letter, letter) for letter in for_label(value))


def exposition(samples: Iterable[Sample]) -> Mapping[str, str]:
    """The text of each family that has a sample, by its name: HELP, TYPE, and a line for each sample."""
    by_family: dict[str, list[Sample]] = {}
    for sample in samples:
        by_family.setdefault(sample.family.name, []).append(sample)
    return {name: _block(of_family) for name, of_family in by_family.items()}


def whole(blocks: Mapping[str, str]) -> str:
    """The file, families in their order, without such as are not known."""
    return "".join(blocks[family.name] for family in FAMILIES if family.name in blocks)


def blocks_of(text: str) -> dict[str, str]:
    """The text of each family in a file of ours."""
    parts = re.split(r"^(?=# HELP )", text, flags=re.MULTILINE)
    return {
        part.split(" ", 3)[2]: part for part in parts if part.startswith("# HELP ") and part.count(" ") > 3
    }


def value_in(block: str) -> float | None:
    """The value of a family without labels."""
    found = _VALUE.search(block)
    try:
        return float(found["value"]) if found else None
    except ValueError:
        return None


def _block(samples: list[Sample]) -> str:
    family = samples[0].family
    lines = [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.type}"]
    lines += [f"{family.name}{_labels(sample)} {_number(sample.value)}" for sample in samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(sample: Sample) -> str:
    pairs = zip(sample.family.labels, sample.labels, strict=True)
    told = ",".join(f'{name}="{escape(value)}"' for name, value in pairs)
    return f"{{{told}}}" if told else ""


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
