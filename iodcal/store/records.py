"""What stands in a line of the history: encoded from the structs in memory, like the state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from iodcal.domain.changes import Cause
from iodcal.domain.circuits import Labels, labels_of
from iodcal.domain.orders import Order
from iodcal.store.codec import DamagedError, Json, from_json, to_json

_LATER = frozenset(
    {"boot", "price_per_hour", "currency", "needed_by", "said"}
)  # lines of the first versions have none
_OF_AN_ORDER = frozenset(Order.__struct_encode_fields__) - _LATER


def encode_line(kind: str, *, at: datetime, run_id: str, facts: Mapping[str, Any]) -> Json:
    """The record of one thing that happened; its times are in UTC."""
    record = {"at": to_json(at), "run_id": run_id, "kind": kind}
    return record | {name: _encode_fact(fact) for name, fact in facts.items()}


def _encode_fact(fact: Any) -> Any:
    if isinstance(fact, Order):
        return _encode_order(fact)
    if isinstance(fact, Cause):
        return _encode_cause(fact)
    if isinstance(fact, tuple | list):
        return [_encode_fact(one) for one in fact]
    return to_json(fact)


def _encode_order(order: Order) -> Json:
    """With our reference at the carrier, which people look for; without a price or word that nobody told."""
    record = {"id": order.id, "external_id": order.external_id, **to_json(order)}
    if order.price_per_hour is None:
        del record["price_per_hour"], record["currency"]
    if not order.said:
        del record["said"]
    return record


def decode_order(record: object) -> Order:
    """The order in a line. Raises DamagedError, also where something is missing that every version wrote."""
    missing = _OF_AN_ORDER - record.keys() if isinstance(record, dict) else ()
    if missing:
        raise DamagedError(f"Object missing required field `{min(missing)}` - at `$.order`")
    return from_json(record, Order)


def _encode_cause(cause: Cause) -> Json:
    """`from` and `until` are the span with lead and trail."""
    record = to_json(cause)
    asks = record.pop("asks") or {}
    del record["remembered_since"]
    return {**record, "from": asks.get("start"), "until": asks.get("end"), "labels": dict(cause.labels)}


def decode_causes(records: object) -> tuple[Cause, ...]:
    """The causes in a line. Raises DamagedError."""
    if not isinstance(records, list):
        if records:
            raise DamagedError("Expected `array` - at `$.causes`")
        return ()
    return tuple(_decode_cause(record) for record in records)


def _decode_cause(record: object) -> Cause:
    """Lines of the first versions say neither the id nor the span with lead and trail."""
    if not isinstance(record, dict):
        raise DamagedError("Expected `object` - at `$.causes[...]`")
    start, end = record.get("from"), record.get("until")
    shaped: Json = {
        "id": record["id"] if record.get("id") is not None else "",
        "asks": {"start": start, "end": end} if start is not None and end is not None else None,
        "labels": decode_labels(record.get("labels")),
        "remembered_since": None,
    }
    return from_json({**record, **shaped}, Cause)


def decode_labels(record: object) -> Labels:
    """The labels in a line; none where it has none. Raises DamagedError."""
    return labels_of(from_json(record, dict[str, str])) if record is not None else ()
