"""Calls to a carrier's client, which may be a plug-in: whatever it does, it is the failure of one circuit.

What comes back is a value of the right type, or one of the errors that the protocol names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from iodcal.carriers import Carrier, OrderRequest
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Quote, Reading, Status
from iodcal.domain.structs import replace
from iodcal.errors import AnswerLostError, CarrierError, OrderError
from iodcal.foreign import ForeignError, call_foreign
from iodcal.http import Deadline, printable

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


def read(client: Carrier | CarrierError, name: str, service_id: str, deadline: Deadline) -> Reading:
    """See `Carrier.read`. Raises CarrierError and nothing else."""
    reading = _call(client, name, lambda carrier: carrier.read(service_id, deadline))
    _check(name, "read", sound=_is_reading(reading))
    if reading.status is Status.ACTIVE and reading.bandwidth is None:
        # Nothing could be compared with it, and nothing would say so: the circuit would stay as it is.
        raise CarrierError("answer_wrong", what="an active circuit without a bandwidth")
    return replace(reading, waits_for=printable(reading.waits_for, 120)) if reading.waits_for else reading


def quote(
    client: Carrier | CarrierError, name: str, service_id: str, bandwidth: Bandwidth, deadline: Deadline
) -> Quote:
    """See `Carrier.quote`. Raises CarrierError and nothing else."""
    offer = _call(client, name, lambda carrier: carrier.quote(service_id, bandwidth, deadline))
    _check(name, "quote", sound=_is_quote(offer))
    if offer.bandwidth != bandwidth:
        raise CarrierError(
            "answer_wrong", what=f"a quote for {offer.bandwidth}, where {bandwidth} was asked for"
        )
    return offer


def order(client: Carrier | CarrierError, name: str, request: OrderRequest, deadline: Deadline) -> Acceptance:
    """See `Carrier.order`. Raises OrderError and nothing else: after any other fault nobody knows whether the
    order was taken."""
    try:
        acceptance = _call(client, name, lambda carrier: carrier.order(request, deadline))
        _check(name, "order", sound=_is_acceptance(acceptance))
    except OrderError:
        raise
    except CarrierError as error:
        raise AnswerLostError(error.code, **error.facts) from None
    return acceptance


def clock_error(client: object) -> float | None:
    """See `Carrier.clock_error`; None where it is no number."""
    try:
        told = call_foreign(lambda: getattr(client, "clock_error", None), CarrierError)
    except (ForeignError, CarrierError):
        return None
    if not isinstance(told, (int, float)) or isinstance(told, bool) or not math.isfinite(told):
        return None
    return float(told)


def _call(client: Carrier | CarrierError, name: str, call: Callable[[Carrier], _Value]) -> _Value:
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


def _check(name: str, call: str, *, sound: bool) -> None:
    if not sound:
        raise _failed(name, f"what {call} returned is of another type than the protocol says")


def _is_moment(value: object) -> bool:
    return isinstance(value, datetime) and value.utcoffset() is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_bandwidth(value: object) -> bool:
    return isinstance(value, Bandwidth) and type(value.mbps) is int


def _is_reading(value: object) -> bool:
    return (
        isinstance(value, Reading)
        and _is_moment(value.at)
        and isinstance(value.status, Status)
        and (value.bandwidth is None or _is_bandwidth(value.bandwidth))
        and _is_text(value.status_text)
        and _is_text(value.waits_for)
    )


def _is_quote(value: object) -> bool:
    return (
        isinstance(value, Quote)
        and isinstance(value.id, (str, type(None)))
        and _is_bandwidth(value.bandwidth)
        and _is_moment(value.at)
        and all(
            price is None or _is_price(price)
            for price in (value.price_per_hour, value.price_per_day, value.price_per_month)
        )
        and _is_text(value.currency)
    )


def _is_price(value: object) -> bool:
    return isinstance(value, Decimal) and value.is_finite() and value >= 0


def _is_acceptance(value: object) -> bool:
    return (
        isinstance(value, Acceptance)
        and _is_moment(value.at)
        and isinstance(value.carrier_order_id, (str, type(None)))
        and isinstance(value.done, bool)
        and _is_text(value.waits_for)
    )
