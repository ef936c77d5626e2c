"""What circuits carried, asked of a real Prometheus, and of servers that hang, lie or refuse."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iodcal.analysis.usage import BIN
from iodcal.config.usage import UsageSource, UsageUnit
from iodcal.domain.localtime import Interval
from iodcal.errors import MeasurementError
from iodcal.http import Deadline
from iodcal.usage.prometheus import PrometheusReader
from tests.servers.prometheus import Prometheus, need_prometheus
from tests.servers.tls import LocalServer, Reply, Request

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
OVER = Interval(START, START + timedelta(hours=2))
QUERY = 'rate(ifHCInOctets{ifAlias="den-a"}[5m]) * 8'


def counters() -> Iterator[str]:
    """Octets of two interfaces, every minute from half an hour before: 80 Mbps in; from the second hour on
    400 Mbps; reset at 13:20; nothing from 12:30 to 12:45."""
    yield "# TYPE ifHCInOctets counter"
    for name, share in (("den-a", 1), ("lon-a", 2)):
        octets = 0
        for minute in range(-30, 121):
            at = START + timedelta(minutes=minute)
            octets += (80 if minute <= 60 else 400) * share * 10**6 // 8 * 60
            octets = 0 if minute == 80 else octets
            if not 30 <= minute < 45:
                yield f'ifHCInOctets_total{{ifAlias="{name}"}} {octets} {at.timestamp():.0f}'


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need_prometheus()
    with Prometheus(tmp_path_factory.mktemp("prometheus"), counters()) as server:
        yield server.url


def read(source: UsageSource, over: Interval = OVER, seconds: float = 10) -> list[float | None]:
    return list(PrometheusReader(Path()).read(source, over, Deadline.after(seconds)).mbps)


def source(url: str, query: str = QUERY.replace("Octets", "Octets_total"), **more: object) -> UsageSource:
    return UsageSource(url, query, None, **more)  # type: ignore[arg-type]  # each test names real fields


def test_a_real_server_tells_five_minutes_by_five_minutes(prometheus: str) -> None:
    found = read(source(prometheus))
    assert len(found) == 24
    assert found[0] == pytest.approx(80, rel=0.01)
    assert found[20] == pytest.approx(400, rel=0.01)
    assert max(value for value in found if value is not None) < 410  # a reset makes no spike
    assert found[8] is None  # a gap stays one
    assert found[10] == pytest.approx(80, rel=0.01)


def test_the_busier_direction_counts(prometheus: str) -> None:
    outwards = QUERY.replace("Octets", "Octets_total").replace("den-a", "lon-a")
    found = read(UsageSource(prometheus, source(prometheus).inbound, outwards))
    assert found[0] == pytest.approx(160, rel=0.01)


def test_units_are_told(prometheus: str) -> None:
    in_bytes = QUERY.replace("Octets", "Octets_total").removesuffix(" * 8")
    assert read(source(prometheus, in_bytes, unit=UsageUnit.BYTES))[0] == pytest.approx(80, rel=0.01)


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ("rate(", "usage_query", "parse error"),
        ("rate(ifHCInOctets_total[5m])", "usage_several", "2"),
        ('label_replace(ifHCInOctets_total, "ifAlias", "x", "", "")', "usage_query", "same labelset"),
    ],
)
def test_a_real_server_refuses(prometheus: str, query: str, code: str, says: str) -> None:
    with pytest.raises(MeasurementError) as caught:
        read(source(prometheus, query))
    assert caught.value.code == code
    assert says in json.dumps(dict(caught.value.facts))


def test_a_long_time_is_asked_for_in_parts(prometheus: str) -> None:
    over = Interval(START - timedelta(days=364), START + timedelta(days=1))
    found = read(source(prometheus), over, seconds=60)
    assert len(found) == 365 * 288
    assert found[364 * 288] == pytest.approx(80, rel=0.01)


def success(values: object, kind: str = "matrix", count: int = 1) -> Reply:
    series = [{"metric": {}, "values": values}] * count
    return Reply.of({"status": "success", "data": {"resultType": kind, "result": series}})


def when(minutes: int) -> float:
    return (START + timedelta(minutes=minutes)).timestamp()


HOSTILE: dict[str, tuple[Callable[[Request], Reply], str]] = {
    "html": (lambda _: Reply(200, b"<html>hello</html>"), "usage_not_prometheus"),
    "a list": (lambda _: Reply.of([1, 2]), "usage_not_prometheus"),
    "an error": (lambda _: Reply.of({"status": "error", "data": None}), "usage_not_prometheus"),
    "a vector": (lambda _: success([], kind="vector"), "usage_not_prometheus"),
    "numbers": (lambda _: success([[when(5), 5]]), "usage_not_prometheus"),
    "words": (lambda _: success([[when(5), "fast"]]), "usage_not_prometheus"),
    "no pairs": (lambda _: success([7]), "usage_not_prometheus"),
    "no time": (lambda _: success([["noon", "7"]]), "usage_not_prometheus"),
    "an endless time": (lambda _: success([[1e400, "7"]]), "usage_not_prometheus"),
    "no login": (lambda _: Reply(401), "usage_login"),
    "unprocessable": (lambda _: Reply.of({"error": "too many samples"}, 422), "usage_query"),
    "broken": (lambda _: Reply(500), "usage_status"),
    "elsewhere": (lambda _: Reply(302, headers={"Location": "http://127.0.0.1:1/"}), "redirect"),
    "huge": (lambda _: Reply(200, b"[" + b" " * 5_000_000 + b"]"), "too_large"),
    "cut off": (lambda _: Reply(200, b"{}", missing=10), "truncated"),
    "hung up": (lambda _: Reply(dropped=True), "unreachable"),
}


@pytest.mark.parametrize(("answer", "code"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_server_is_told_and_nothing_more(answer: Callable[[Request], Reply], code: str) -> None:
    with LocalServer(answer) as server, pytest.raises(MeasurementError) as caught:
        read(source(server.url))
    assert caught.value.code == code


def test_a_server_that_hangs_costs_no_more_than_the_deadline() -> None:
    closing = threading.Event()

    def hang(_: Request) -> Reply:
        closing.wait(60)
        return Reply()

    with LocalServer(hang) as server:
        with pytest.raises(MeasurementError) as caught:
            read(source(server.url), seconds=0.3)
        closing.set()
    assert caught.value.code == "deadline"


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-5"])
def test_what_is_no_rate_is_a_gap(value: str) -> None:
    with LocalServer(lambda _: success([[when(5), value], [when(10), "8e6"]])) as server:
        series = PrometheusReader(Path()).read(source(server.url), OVER, Deadline.after(10))
    assert list(series.mbps[:3]) == [None, 8.0, None]
    assert series.odd == 1


def test_it_only_gets_and_shows_its_login_to_nobody_else() -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Reply:
        seen.append(request)
        return success([])

    from iodcal.config.secrets import Secret

    with LocalServer(answer) as server:
        read(source(server.url, token=Secret.parse("very-secret-token-of-ours")))
        read(source(server.url, username="pat", password=Secret.parse("pässword")))
    assert {(one.method, one.path) for one in seen} == {("GET", "/api/v1/query_range")}
    assert [one.headers["authorization"].split()[0] for one in seen] == ["Bearer", "Basic"]
    assert seen[0].query["step"] == str(int(BIN.total_seconds()))
