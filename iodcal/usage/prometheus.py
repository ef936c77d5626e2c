"""A Prometheus server as the witness of what circuits carried: range queries by GET, and nothing else.

https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries: at most 11,000 values a series.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from iodcal.analysis.usage import BIN, UsageSeries, series_of, start_of_bin
from iodcal.config.secrets import Secret
from iodcal.config.usage import UsageSource
from iodcal.domain.localtime import Interval
from iodcal.errors import MeasurementError
from iodcal.http import Answer, AnswerError, Deadline, HttpError, ReadingSession, error_text, host_of

_AT_ONCE = timedelta(days=30)
_MOST_BYTES = 4 * 1024 * 1024  # thirty days of one series are 0.3 MB
_EXCHANGE_SECONDS = 15.0
_FORBIDDEN = (401, 403)
_QUERY_WRONG = (400, 422)


class PrometheusReader:
    """Reads from the servers that the sources name. It can only GET; a redirect is not followed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._session = ReadingSession(max_bytes=_MOST_BYTES, exchange_seconds=_EXCHANGE_SECONDS)

    def read(self, source: UsageSource, over: Interval, deadline: Deadline) -> UsageSeries:
        """What the circuit of `source` carried during `over`. Raises MeasurementError, SecretError."""
        headers = self._headers(source)
        found = [
            None if query is None else self._averages(source, query, over, headers=headers, deadline=deadline)
            for query in (source.inbound, source.outbound)
        ]
        return series_of(over, *found)

    def _headers(self, source: UsageSource) -> dict[str, str]:
        if source.token is not None:
            return {"Authorization": f"Bearer {self._reveal(source.token)}"}
        if source.username is not None and source.password is not None:
            pair = f"{source.username}:{self._reveal(source.password)}"
            return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        return {}

    def _reveal(self, secret: Secret) -> str:
        return secret.resolve(self._directory).reveal()

    def _averages(
        self, source: UsageSource, query: str, over: Interval, *, headers: dict[str, str], deadline: Deadline
    ) -> dict[int, float]:
        """Mbps by the number of the bin. A value told at an instant is of the five minutes before it."""
        start = start_of_bin(over.start)
        found: dict[int, float] = {}
        for part in _parts(Interval(start, over.end)):
            params = {
                "query": query,
                "start": str(int((part.start + BIN).timestamp())),
                "end": str(int(part.end.timestamp())),
                "step": str(int(BIN.total_seconds())),
            }
            url = f"{source.url}/api/v1/query_range"
            try:
                answer = self._session.get(
                    url, params=params, headers=headers, deadline=deadline, retry=False
                )
            except HttpError as error:
                raise MeasurementError(error.code, **error.facts) from None
            for at, value in _values(answer):
                number = round((at - start.timestamp()) / BIN.total_seconds()) - 1
                found[number] = value / source.unit.per_mbps
        return found


def _parts(over: Interval) -> Iterator[Interval]:
    """What is asked for at once, whole bins: the last one may not be over yet."""
    start, last = over.start, start_of_bin(over.end)
    while start < last:
        end = min(start + _AT_ONCE, last)
        yield Interval(start, end)
        start = end


def _values(answer: Answer) -> list[tuple[float, float]]:
    """The values of the only series of `answer`: seconds since 1970, and what the query made. Raises
    MeasurementError."""
    host = host_of(answer.url)
    if answer.status in _FORBIDDEN:
        raise MeasurementError("usage_login", host=host, status=answer.status)
    if answer.status in _QUERY_WRONG:
        raise MeasurementError(
            "usage_query", host=host, status=answer.status, said=error_text(answer, "error")
        )
    if answer.status != 200:
        raise MeasurementError("usage_status", host=host, status=answer.status)
    try:
        document = answer.json()
        series = _series(document)
        if len(series) > 1:
            raise MeasurementError("usage_several", host=host, count=len(series))
        return [(_time(at), _number(value)) for one in series for at, value in one["values"]]
    except (AnswerError, KeyError, TypeError, ValueError, AttributeError, OverflowError):
        pass
    # Raised out here so that no chained exception carries the body along.
    raise MeasurementError("usage_not_prometheus", host=host)


def _time(value: object) -> float:
    """Seconds since 1970."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError
    return float(value)


def _number(value: object) -> float:
    """Prometheus writes values as texts, so that NaN and infinity can stand among them."""
    if not isinstance(value, str):
        raise TypeError
    return float(value)


def _series(document: Any) -> list[Any]:
    data = document["data"]
    if (
        document["status"] != "success"
        or data["resultType"] != "matrix"
        or not isinstance(data["result"], list)
    ):
        raise ValueError
    return data["result"]
