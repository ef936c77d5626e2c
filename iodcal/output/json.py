"""Results as JSON, the contract with scripts: keys may be added, none is renamed or dropped.

Each object is a `View`: a struct whose fields are the keys, in their order, and whose types are the schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeAlias

from msgspec import UNSET, Struct, UnsetType, to_builtins

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.money import Cost
from iodcal.domain.time import moment as moment  # the views import it from here
from iodcal.errors import Fault
from iodcal.exits import Exit
from iodcal.messages import CONFIGURATION
from iodcal.problems.kinds import Problem
from iodcal.problems.messages import describe
from iodcal.redaction import redact_text
from iodcal.tenant import run_label

VERSION = 1
Json: TypeAlias = dict[str, Any]
SPAN_KEYS = {"start": "from", "end": "to"}
"""The keys of a span that somebody asked for."""
_MBPS = "_mbps"


class View(Struct):
    """One JSON object. Instants are those of any zone; they are shown in UTC, to the second."""

    @classmethod
    def of(cls, source: object, /, **given: Any) -> Self:
        """The view of `source`: a field that is not `given` is its attribute of the same name; `x_mbps` is
        its bandwidth `x`, `from_mbps` and `to_mbps` the old and the new one; labels are an object."""
        taken = {name: _taken(source, name) for name in cls.__struct_fields__ if name not in given}
        return cls(**{name: value for name, value in taken.items() if value is not _MISSING}, **given)


_MISSING = object()
_ENDS = {"from": "old", "to": "new"}


def _taken(source: object, name: str) -> Any:
    if name.endswith(_MBPS) and not hasattr(source, name):
        bandwidth = name.removesuffix(_MBPS)
        return mbps(getattr(source, _ENDS.get(bandwidth, bandwidth)))
    value: Any = getattr(source, name, _MISSING)
    return dict(value) if name == "labels" else value


_FIRST_KEYS = ("version", "installation", "command", "run_id", "exit")


def dump(result: View | Json, faults: Iterable[Fault] = ()) -> str:
    """One object as text; plain ASCII, so that no title can play tricks on a terminal. `faults` are those of
    a configuration that its last good copy stood in for: they decide the exit status. A result names the
    installation of this thread's run, where that is known."""
    told: Json = _without_secrets(to_builtins(result, builtin_types=(datetime,)))
    if "command" in told:
        installation = run_label().installation
        told = ({"installation": installation} if installation is not None else {}) | told
        told = {key: told[key] for key in _FIRST_KEYS if key in told} | told
    wrong = to_builtins(fault_views(faults))
    if wrong:
        told |= {"exit": int(Exit.CONFIGURATION), "faults": wrong}
    return json.dumps(told, indent=2, ensure_ascii=True, default=_instant)


_FOREIGN = frozenset({"message", "organizer", "organizers", "remedy", "said", "status_text", "subject"})


def _without_secrets(value: Any, key: str = "") -> Any:
    """`value` without remembered secrets in what others wrote; names of ours stay as they are."""
    if isinstance(value, dict):
        return {name: _without_secrets(inner, name) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(inner, key) for inner in value]
    return redact_text(value) if isinstance(value, str) and key in _FOREIGN else value


def _instant(at: datetime) -> str:
    """UTC; or the local time of an event that begins at another instant in each zone."""
    if at.tzinfo is None:
        return at.isoformat(timespec="seconds")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def mbps(bandwidth: Bandwidth | None) -> int | None:
    """A bandwidth in whole Mbps."""
    return bandwidth.mbps if bandwidth is not None else None


def seconds(length: timedelta | None) -> int | None:
    """A length in whole seconds."""
    return None if length is None else int(length.total_seconds())


class CostView(View):
    """Money is text, so that no reader makes it a binary fraction."""

    amount: Decimal
    currency: str
    complete: bool

    @classmethod
    def maybe(cls, cost: Cost | None) -> Self | None:
        return cls.of(cost, amount=cost.rounded) if cost is not None else None


class FaultView(View):
    """What is wrong or doubtful at one place of the configuration."""

    file: str | None
    line: int | None
    path: str
    message: str


class ErrorView(View):
    code: str
    message: str
    remedy: str


class ProblemView(View):
    id: str
    kind: str
    where: str
    severity: str
    since: datetime | None
    message: str
    remedy: str


def fault_views(faults: Iterable[Fault]) -> tuple[FaultView, ...]:
    """A view of each of `faults`."""
    return tuple(FaultView.of(fault, file=str(fault.file) if fault.file else None) for fault in faults)


def problem_views(problems: Iterable[Problem]) -> tuple[ProblemView, ...]:
    """Each of `problems` in words."""
    worded = ((problem, describe(problem)) for problem in problems)
    return tuple(ProblemView.of(one, message=words.message, remedy=words.remedy) for one, words in worded)


class ResultView(View, tag_field="version", tag=VERSION, kw_only=True):
    """What every result begins with: the version of these keys, the installation where it is known, the
    command, its exit status."""

    installation: str | UnsetType = UNSET
    command: str
    exit: int


class FailedView(ResultView):
    """An exit without a result."""

    error: ErrorView
    faults: tuple[FaultView, ...]


class CheckView(ResultView):
    """What `check` prints of a configuration without faults."""

    faults: tuple[FaultView, ...]
    warnings: tuple[FaultView, ...]


class PageFileView(View):
    """A page on disk, and its size."""

    file: str
    bytes: int


class PageView(ResultView):
    """What `report --html` prints."""

    html: PageFileView


def failed_view(
    command: str,
    exit_status: int,
    *,
    code: str = "configuration",
    message: str = CONFIGURATION.message,
    remedy: str = CONFIGURATION.remedy,
    faults: Iterable[Fault] = (),
) -> FailedView:
    """The object of an exit without a result."""
    error = ErrorView(code=code, message=message, remedy=remedy)
    return FailedView(command=command, exit=exit_status, error=error, faults=fault_views(faults))


def check_view(warnings: Iterable[Fault], exit_status: int) -> CheckView:
    """The object that `check` prints of a configuration without faults."""
    return CheckView(command="check", exit=exit_status, faults=(), warnings=fault_views(warnings))


def page_view(path: Path, size: int) -> PageView:
    """The object that `report --html` prints: where the page is, and how large in bytes."""
    return PageView(command="report", exit=0, html=PageFileView(file=str(path), bytes=size))
