"""The section `usage`: which Prometheus server knows how much of a circuit was really used, by which queries.

It stands at the top, at carriers, in `defaults.circuit` and at circuits: each layer adds to those before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct, field

from iodcal.config.fields import Text, one_of, suggest_nearest, text_that
from iodcal.config.forms import Section
from iodcal.config.microsoft365 import SecureUrl
from iodcal.config.secrets import Secret

if TYPE_CHECKING:
    from iodcal.config.build import Builder
    from iodcal.domain.circuits import Circuit

_LONGEST_QUERY = 4000  # it travels in the address of a GET
_NAME = re.compile(r"\{([a-z_]+(?:\.[\w-]+)?)\}", re.ASCII)  # no PromQL: a matcher there needs an operator
_UNSAFE = re.compile(r"[\"'`\\\x00-\x1f]")
_NAMES = ("circuit", "service_id", "carrier", "site", "label.NAME")


class UsageUnit(StrEnum):
    """What a query answers in: bits or bytes per second."""

    BPS = "bps"
    BYTES = "Bps"
    KBPS = "kbps"
    MBPS = "Mbps"
    GBPS = "Gbps"

    @property
    def per_mbps(self) -> float:
        """What 1 Mbps is in this unit."""
        return {"bps": 1e6, "Bps": 125e3, "kbps": 1e3, "Mbps": 1.0, "Gbps": 1e-3}[self.value]


def _query(text: str) -> str:
    if len(text) > _LONGEST_QUERY:
        raise ValueError(f"a query has at most {_LONGEST_QUERY} characters: use a recording rule")
    return text


Query = Annotated[str, text_that(_query, or_number=False)]


class UsageSection(Section, frozen=True):
    url: SecureUrl | None = None
    token: Secret | None = None
    username: Text | None = None
    password: Secret | None = None
    inbound: Query | None = field(default=None, name="in")
    outbound: Query | None = field(default=None, name="out")
    unit: Annotated[UsageUnit, one_of(UsageUnit)] = UsageUnit.BPS

    def __post_init__(self) -> None:
        if self.token is not None and (self.username is not None or self.password is not None):
            raise ValueError("token and username say two logins at once: keep one")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")


class UsageSource(Struct, frozen=True):
    """Where the use of one circuit is known: the server at `url`, with a bearer `token`, or `username` and
    `password`, or without a login; and the queries, their names filled in, of which one may be missing."""

    url: str
    inbound: str | None
    outbound: str | None
    unit: UsageUnit = UsageUnit.BPS
    token: Secret | None = None
    username: str | None = None
    password: Secret | None = None


_LOGIN = ("token", "username", "password")


def merge_layers(layers: list[UsageSection]) -> UsageSection:
    """The keys of `layers`, the last one's first. A login goes to the server that it stands beside: a layer
    with a `url`, or with a login of its own, takes over none."""
    merged: dict[str, object] = {}
    for layer in layers:
        if not layer.given.isdisjoint({"url", *_LOGIN}):
            merged = {name: value for name, value in merged.items() if name not in _LOGIN}
        merged |= {name: getattr(layer, name) for name in layer.given}
    return UsageSection(**merged)  # type: ignore[arg-type]  # each is the value of the field of that name


def build_usage(builder: Builder) -> Mapping[str, UsageSource]:
    """Where the use of each circuit is known, by the circuit's name; what is wrong goes to the faults."""
    return dict(_sources(builder))


def _sources(builder: Builder) -> Iterator[tuple[str, UsageSource]]:
    file = builder.file
    for name, circuit in builder.circuits.items():
        of_carrier = builder.carrier_usage.get(circuit.carrier)
        found = (file.usage, of_carrier, file.defaults.circuit.usage, file.circuits[name].usage)
        layers = [layer for layer in found if layer is not None]
        if not layers:
            continue
        merged, path = merge_layers(layers), ("circuits", name, "usage")
        if merged.url is None or (merged.inbound is None and merged.outbound is None):
            missing = "url" if merged.url is None else "in or out"
            builder.faults.add(path, f"the use of {name} cannot be asked for: {missing} is missing")
            continue
        try:
            inbound, outbound = (_filled(one, circuit) for one in (merged.inbound, merged.outbound))
        except ValueError as error:
            builder.faults.add(path, str(error))
            continue
        yield (
            name,
            UsageSource(
                merged.url,
                inbound,
                outbound,
                unit=merged.unit,
                token=merged.token,
                username=merged.username,
                password=merged.password,
            ),
        )


def _filled(query: str | None, circuit: Circuit) -> str | None:
    """`query` with `{circuit}` and the like filled in. Raises ValueError."""
    if query is None:
        return None
    known = {"circuit": circuit.name, "service_id": circuit.service_id, "carrier": circuit.carrier}
    known |= {"site": circuit.site or ""} | {f"label.{key}": value for key, value in circuit.labels}

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        value = known.get(name)
        if not value:
            there = "has no such label" if name.startswith("label.") else "has none"
            if name not in known and not name.startswith("label."):
                there = f"is unknown{suggest_nearest(name, known)} (known here: {', '.join(_NAMES)})"
            raise ValueError(f"{{{name}}} stands in a query, and {circuit.name} {there}")
        if _UNSAFE.search(value):
            raise ValueError(f"{{{name}}} of {circuit.name} holds a quote or the like: no query can have it")
        return value

    return _NAME.sub(fill, query)
