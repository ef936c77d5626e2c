"""The power goes between any two writes, and what was not forced to the disk may be there or not.

A run's file operations are recorded, with the carrier as it was at each. For every prefix of them, every
subset of what no fsync had forced yet is laid out as the disk after the cut, torn writes among them; then
iodcal runs on from there.
"""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain, combinations
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from iodcal.commands.requests import SyncRequest
from iodcal.commands.sync import sync
from iodcal.domain.orders import Outcome
from iodcal.store.lines import read_past
from iodcal.store.store import StateStore
from tests.machine.world import EVERY, HIGH, LOW, START, Company, event_of, minutes


@dataclass(frozen=True)
class Operation:
    """One change of the disk. `forces` names what an fsync forces: a file's content, or a folder's names."""

    kind: str
    path: str
    content: bytes = b""
    target: str = ""


@dataclass
class Tape:
    """The operations below `folder`, and the company as it was before each."""

    folder: str
    company: Company
    operations: list[Operation] = field(default_factory=list)
    moments: list[Company] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)

    def note(self, operation: Operation) -> None:
        self.operations.append(operation)
        self.moments.append(copy.deepcopy(self.company))


@contextmanager
def recorded(folder: Path, company: Company) -> Iterator[Tape]:
    """Records what the process does to files below `folder`."""
    tape = Tape(str(folder), company)
    real = {name: getattr(os, name) for name in ("open", "write", "fsync", "rename", "replace", "unlink")}

    def opened(path: Any, flags: int, *more: Any, **named: Any) -> int:
        new = bool(flags & os.O_CREAT) and not Path(path).exists()
        descriptor: int = real["open"](path, flags, *more, **named)
        if str(path).startswith(tape.folder):
            tape.names[descriptor] = str(path)
            if new:
                tape.note(Operation("create", str(path)))
        return descriptor

    def written(descriptor: int, content: Any) -> int:
        done: int = real["write"](descriptor, content)
        if descriptor in tape.names:
            tape.note(Operation("append", tape.names[descriptor], bytes(content[:done])))
        return done

    def forced(descriptor: int) -> None:
        tape.note(Operation("fsync", tape.names.get(descriptor, "")))

    def renamed(which: str) -> Callable[..., None]:
        def rename(source: Any, target: Any, **named: Any) -> None:
            real[which](source, target, **named)
            tape.note(Operation("rename", str(source), target=str(target)))

        return rename

    def removed(path: Any, **named: Any) -> None:
        real["unlink"](path, **named)
        tape.note(Operation("unlink", str(path)))

    with ExitStack() as stack:
        fakes = {"open": opened, "write": written, "fsync": forced, "unlink": removed}
        fakes |= {name: renamed(name) for name in ("rename", "replace")}
        for name, fake in fakes.items():
            stack.enter_context(mock.patch.object(os, name, fake))
        yield tape


def cuts(tape: Tape, before: dict[str, bytes]) -> Iterator[tuple[dict[str, bytes], Company]]:
    """Every disk that a cut may leave, with the company of that moment."""
    for length in range(len(tape.operations) + 1):
        done = tape.operations[:length]
        company = tape.moments[length] if length < len(tape.moments) else tape.company
        loose = [number for number, operation in enumerate(done) if not _is_forced(number, done)]
        loose = [number for number in loose if done[number].kind != "fsync"][-5:]
        for gone in chain.from_iterable(combinations(loose, size) for size in range(len(loose) + 1)):
            yield _disk(done, before, set(gone), torn=False), company
            if any(done[number].kind == "append" for number in gone):
                yield _disk(done, before, set(gone), torn=True), company


def _is_forced(number: int, done: list[Operation]) -> bool:
    operation = done[number]
    wanted = operation.path if operation.kind == "append" else str(Path(operation.path).parent)
    return any(later.kind == "fsync" and later.path == wanted for later in done[number + 1 :])


def _disk(done: list[Operation], before: dict[str, bytes], gone: set[int], *, torn: bool) -> dict[str, bytes]:
    files = dict(before)
    for number, operation in enumerate(done):
        if number in gone and operation.kind != "append":
            continue
        content = operation.content
        if number in gone:
            content = content[: len(content) // 2] if torn else b""
        if operation.kind == "create":
            files.setdefault(operation.path, b"")
        elif operation.kind == "append" and operation.path in files:
            files[operation.path] += content
        elif operation.kind == "rename" and operation.path in files:
            files[operation.target] = files.pop(operation.path)
        elif operation.kind == "unlink":
            files.pop(operation.path, None)
    return files


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.iterdir() if path.name != "state.json.lock"}


def run(company: Company, folder: Path, minute: float) -> None:
    now = START + minutes(minute)
    company.at(now)
    company.carrier.settle()
    asked = SyncRequest(terminal=False, now=f"{now:%Y-%m-%dT%H:%M:%SZ}")
    sync(company.configuration(), folder / "state.json", asked=asked, progress=lambda text: None)  # noqa: ARG005


def company_with_an_event() -> Company:
    """Hands from minute 60 to 120, so a window from 30 to 130."""
    company = Company()
    company.carrier.lags = True  # or a look at the carrier would tell all that the disk forgot
    event = event_of("company", "1", START + minutes(60), 60, "hands")
    company.calendars["company"].events["1"] = event
    return company


@pytest.mark.parametrize(
    ("earlier", "minute"),
    [
        pytest.param([0], 28, id="an up is ordered"),
        pytest.param([0, 28], 42, id="it is confirmed"),
        pytest.param([0, 28, 42, 128], 131, id="a down is ordered"),
    ],
)
def test_whenever_the_power_goes_everything_is_ordered_once(earlier: list[float], minute: float) -> None:
    company = company_with_an_event()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "state"
        folder.mkdir()
        for past in earlier:
            run(company, folder, past)
        before = snapshot(folder)
        with recorded(folder, company) as tape:
            run(company, folder, minute)
        assert len(tape.operations) > 10
        seen = 0
        different: list[tuple[dict[str, bytes], Company]] = []
        for cut in cuts(tape, before):
            seen += 1
            if cut in different:
                continue  # another cut has left the same disk and the same carrier
            different.append(cut)
            files, then = cut
            after_the_cut(copy.deepcopy(then), files, Path(name) / f"cut-{seen}", folder, minute)
        assert seen > 50


def after_the_cut(
    company: Company, files: dict[str, bytes], folder: Path, original: Path, minute: float
) -> None:
    """Lays out the disk, and lives on for three hours."""
    folder.mkdir()
    for path, content in files.items():
        (folder / Path(path).relative_to(original)).write_bytes(content)
    soon = {minute + 1 + EVERY * number for number in range(6)}
    for later in sorted(soon | {one for one in (66, 90, 126, 131, 136, 141, 161, 166) if one > minute}):
        run(company, folder, later)
        if 65 <= later < 120:
            assert company.carrier.lines["a"].bandwidth == HIGH
    assert company.carrier.duplicates == []
    assert {line.bandwidth for line in company.carrier.lines.values()} == {LOW}
    assert all(count == 1 for count in company.carrier.external_ids.values())
    assert len(company.carrier.taken) == 4  # up and down, on both circuits
    past = read_past(StateStore(folder / "state.json").history)
    assert [entry.order.outcome for entry in past.orders].count(Outcome.CONFIRMED) == 4
