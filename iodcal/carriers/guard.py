"""Calls to a carrier's client, which may be a plug-in: whatever it does, it is the failure of one circuit.

What comes back is a value of the right type, or one of the errors that the protocol names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

from iodcal.carriers import Carrier, OrderRequest
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Quote, Reading, Status
from iodcal.domain.structs import replace
from iodcal.errors import AnswerLostError, CarrierError, OrderError
from iodcal.foreign import ForeignError, call_foreign
from iodcal.http import Deadline, printable
from iodcal.redaction import redact_text

_Value = TypeVar("_Value")
_PLAIN = (str, int, float, type(None))


def create(plugin: Any, options: Any, context: Any, name: str) -> Carrier | CarrierError:
    """A client; an error, for each of its calls to raise, where the plug-in makes none."""
    try:
        made = call_foreign(lambda: plugin.create(options, context), CarrierError)
    except CarrierError as error:
        return error
    except ForeignError as error:
        return _failed(name, error.what)
    return made if made is not None else _failed(name, "create returned None")


def read_as_told(client: Carrier | CarrierError, name: str, service_id: str, deadline: Deadline) -> Reading:
    """See `Carrier.read`; an active circuit may lack its bandwidth. Raises CarrierError and nothing else."""
    reading = call_carrier(client, name, lambda carrier: carrier.read(service_id, deadline))
    _check(name, "read", reading, kind=Reading, fields=_READING)
    waits_for = printable(redact_text(reading.waits_for), 120)
    return replace(reading, status_text=redact_text(reading.status_text), waits_for=waits_for)


def read(client: Carrier | CarrierError, name: str, service_id: str, deadline: Deadline) -> Reading:
    """See `Carrier.read`. Raises CarrierError and nothing else."""
    reading = read_as_told(client, name, service_id, deadline)
    if reading.status is Status.ACTIVE and reading.bandwidth is None:
        # Nothing could be compared with it, and nothing would say so: the circuit would stay as it is.
        raise CarrierError("answer_wrong", what="an active circuit without a bandwidth")
    return reading


def quote(
    client: Carrier | CarrierError, name: str, service_id: str, bandwidth: Bandwidth, deadline: Deadline
) -> Quote:
    """See `Carrier.quote`. Raises CarrierError and nothing else."""
    offer = call_carrier(client, name, lambda carrier: carrier.quote(service_id, bandwidth, deadline))
    _check(name, "quote", offer, kind=Quote, fields=_QUOTE)
    if offer.bandwidth != bandwidth:
        raise CarrierError(
            "answer_wrong", what=f"a quote for {offer.bandwidth}, where {bandwidth} was asked for"
        )
    return offer


def order(client: Carrier | CarrierError, name: str, request: OrderRequest, deadline: Deadline) -> Acceptance:
    """See `Carrier.order`. Raises OrderError and nothing else: after any other fault nobody knows whether the
    order was taken."""
    try:
        acceptance = call_carrier(client, name, lambda carrier: carrier.order(request, deadline))
        _check(name, "order", acceptance, kind=Acceptance, fields=_ACCEPTANCE)
    except OrderError:
        raise
    except CarrierError as error:
        raise AnswerLostError(error.code, **error.facts) from None
    order_id = acceptance.carrier_order_id
    return replace(
        acceptance,
        carrier_order_id=order_id and redact_text(order_id),
        waits_for=redact_text(acceptance.waits_for),
    )


def clock_error(client: object) -> float | None:
    """See `Carrier.clock_error`; None where it is no number."""
    try:
        told = call_foreign(lambda: getattr(client, "clock_error", None), CarrierError)
    except (ForeignError, CarrierError):
        return None
    if not isinstance(told, (int, float)) or isinstance(told, bool) or not math.isfinite(told):
        return None
    return float(told)


def call_carrier(client: Carrier | CarrierError, name: str, call: Callable[[Carrier], _Value]) -> _Value:
    """What `call` returns. Raises CarrierError and nothing else, with facts that can be told."""
    if isinstance(client, CarrierError):
        raise client
    try:
        return call_foreign(lambda: call(client), CarrierError)
    except CarrierError as error:
        raise _plain(error, name) from None
    except ForeignError as error:
        raise _failed(name, error.what) from None


def _failed(name: str, what: str) -> CarrierError:
    return CarrierError("plugin_failed", plugin=name, what=what)


def _plain(error: CarrierError, name: str) -> CarrierError:
    """`error`, if its code and facts can be kept and told."""
    code, facts = getattr(error, "code", None), getattr(error, "facts", None)
    if type(code) is str and type(facts) is dict and all(isinstance(one, _PLAIN) for one in facts.values()):
        return error
    return _failed(name, f"{type(error).__name__} with facts that cannot be told")


_Fields: TypeAlias = Mapping[str, Callable[[object], bool]]


def _check(name: str, call: str, value: object, *, kind: type, fields: _Fields) -> None:
    """Raises CarrierError that names the first field of `value` that is not as the protocol says."""
    if not isinstance(value, kind):
        raise _failed(name, f"what {call} returned is no {kind.__name__}")
    for field, sound in fields.items():
        if not sound(getattr(value, field)):
            where = f"{field} in the {kind.__name__} that {call} returned"
            raise _failed(name, f"{where} is of another type than the protocol says")


def _is_moment(value: object) -> bool:
    return isinstance(value, datetime) and value.utcoffset() is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: object) -> bool:
    return isinstance(value, str | None)


def _is_bandwidth(value: object) -> bool:
    return isinstance(value, Bandwidth) and type(value.mbps) is int


def _is_price_or_none(value: object) -> bool:
    return value is None or (isinstance(value, Decimal) and value.is_finite() and value >= 0)


_READING: _Fields = {
    "at": _is_moment,
    "status": lambda value: isinstance(value, Status),
    "bandwidth": lambda value: value is None or _is_bandwidth(value),
    "status_text": _is_text,
    "waits_for": _is_text,
}
_QUOTE: _Fields = {
    "id": _is_text_or_none,
    "bandwidth": _is_bandwidth,
    "at": _is_moment,
    **dict.fromkeys(("price_per_hour", "price_per_day", "price_per_month"), _is_price_or_none),
    "currency": _is_text,
}
_ACCEPTANCE: _Fields = {
    "at": _is_moment,
    "carrier_order_id": _is_text_or_none,
    "done": lambda value: isinstance(value, bool),
    "waits_for": _is_text,
}
