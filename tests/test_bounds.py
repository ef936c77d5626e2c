"""JSON of others has a bound in depth and in values, wherever it comes in; more is told by name."""

from __future__ import annotations

import json
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.bounds import MOST_LEVELS, MOST_VALUES, JsonBoundsError, load_json, read_bytes
from iodcal.calendars.graph_json import GraphJsonReader
from iodcal.carriers.api import ApiClient
from iodcal.carriers.sandbox.book import read_book
from iodcal.domain.events import Source
from iodcal.domain.localtime import Interval
from iodcal.domain.time import instant_of
from iodcal.errors import CalendarError, CarrierError, IodcalError
from iodcal.http import Deadline, Session
from iodcal.messages.errors import of_edge
from iodcal.store.files import TellOnce
from iodcal.store.lock import _signature
from tests.servers.tls import LocalServer, Reply

NESTED = b"[" * 50_000 + b"]" * 50_000
OBJECTS = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
MANY = b"[" + b"0," * 3_000_000 + b"0]"
EMPTY = b"[" + b"[]," * 2_000_000 + b"0]"
TOO_MUCH = {"nested lists": NESTED, "nested objects": OBJECTS, "numbers": MANY, "empty lists": EMPTY}
NOW = instant_of("2026-11-22T14:00:00Z")


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_goes_beyond_a_bound_is_refused_before_anything_is_built(name: str) -> None:
    content = TOO_MUCH[name]
    tracemalloc.start()
    try:
        with pytest.raises(JsonBoundsError):
            load_json(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(content) + 8_000_000, "bytes; what it spells would take many times as much"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16", "utf-32-be"])
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("[" * MOST_LEVELS + "]" * MOST_LEVELS, True),
        ("[" * (MOST_LEVELS + 1) + "]" * (MOST_LEVELS + 1), False),
        ('["]]",' * (MOST_LEVELS + 1) + "0" + "]" * (MOST_LEVELS + 1), False),
        ('{"\\"":' * (MOST_LEVELS + 1) + "0" + "}" * (MOST_LEVELS + 1), False),
        ('["\\\\",' * (MOST_LEVELS + 1) + "0" + "]" * (MOST_LEVELS + 1), False),
        (json.dumps(["[" * 1000, '"[{\\' * 1000]), True),
        (json.dumps([[{"a": [{}]}]] * 1000), True),
    ],
)
def test_the_depth_is_that_of_what_stands_outside_of_texts(text: str, kept: bool, encoding: str) -> None:
    content = text.encode(encoding)
    if kept:
        assert load_json(content) == json.loads(text)
    else:
        with pytest.raises(JsonBoundsError) as caught:
            load_json(content)
        assert (caught.value.what, caught.value.limit) == ("levels", MOST_LEVELS)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(alphabet='a[]{}",\\é'),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='a[]{}",\\'), inner),
    )
)
def test_within_the_bounds_it_is_what_the_standard_library_reads(value: object) -> None:
    for escaped in (True, False):
        content = json.dumps([[value] * 40, value], ensure_ascii=escaped).encode()
        assert load_json(content) == json.loads(content)


@pytest.mark.parametrize(
    "content", [b"", b"[", b"[" * 99, b'{"a', b"[" * 200, b'"[[', b"\xff\xfe\0\0", b"\0\0\0["]
)
def test_what_is_no_json_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_json(content)


def at_a_carrier(body: bytes, _folder: Path) -> None:
    with LocalServer(lambda _: Reply(200, body)) as server:
        ApiClient(Session(), server.url).get("/", Deadline.after(60))


def in_a_saved_answer(body: bytes, folder: Path) -> None:
    (folder / "page.json").write_bytes(body)
    source = Source("graph_json:page", "page", "page")
    GraphJsonReader(source, (folder / "page.json",)).read(Interval(NOW, NOW), Deadline.after(60))


def in_a_sandbox(body: bytes, folder: Path) -> None:
    (folder / "sandbox.json").write_bytes(body)
    read_book(folder / "sandbox.json")


@pytest.mark.parametrize("name", TOO_MUCH)
@pytest.mark.parametrize("place", [at_a_carrier, in_a_saved_answer, in_a_sandbox])
def test_it_is_told_by_name(place: Callable[[bytes, Path], None], name: str, tmp_path: Path) -> None:
    with pytest.raises((CalendarError, CarrierError)) as caught:
        place(TOO_MUCH[name], tmp_path)
    error: IodcalError = caught.value
    words = of_edge(error)
    if place is not in_a_sandbox:
        what = f"{MOST_LEVELS} levels" if "nested" in name else f"{MOST_VALUES} values"
        assert f"is JSON of more than {what}" in words.message
    assert words.remedy


def test_a_note_beside_the_state_that_is_too_deep_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "note").write_bytes(NESTED)
    assert TellOnce(tmp_path / "note").is_news("a", NOW)
    with (tmp_path / "lock").open("w+b") as lock:
        lock.write(NESTED)
        lock.flush()
        assert _signature(lock.fileno()) is None


def test_a_pipe_is_never_waited_for_for_ever(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a file but a pipe"):
        read_bytes(pipe, 100)
    with pytest.raises(OSError, match="nobody writes to the end"):
        read_bytes(pipe, 100, pipe_seconds=0.05)
    writing = os.open(pipe, os.O_RDWR)  # writes a part, and does not come to an end
    os.write(writing, b"part")
    with pytest.raises(OSError, match="nobody writes to the end"):
        read_bytes(pipe, 100, pipe_seconds=0.05)
    os.close(writing)


@pytest.mark.parametrize(("most", "content"), [(100, b"whole"), (3, b"who")])
def test_what_is_written_to_a_pipe_is_read_within_its_bound(
    tmp_path: Path, most: int, content: bytes
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"whole",))
    writer.start()
    assert read_bytes(pipe, most, pipe_seconds=60) == content
    writer.join()
