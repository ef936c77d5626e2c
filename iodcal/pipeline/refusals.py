"""What a carrier's no says: whether it is one, for how long, and in which words."""

from __future__ import annotations

import math
import re
from datetime import timedelta

from iodcal.domain.changes import Change
from iodcal.domain.orders import GATEWAY_ANSWERED
from iodcal.domain.structs import Fact
from iodcal.errors import CarrierError, NotNowError, OrderRefusedError

_LONGEST_WORD = 20
_DIGIT = re.compile(r"\d")


def wait_of(error: NotNowError, usual: timedelta) -> timedelta:
    """How long a carrier wants a circuit to be left alone; no plug-in's number makes that more than a day."""
    wait = error.wait
    if isinstance(wait, bool) or not isinstance(wait, int | float) or not math.isfinite(wait):
        return usual
    return min(max(timedelta(seconds=1), timedelta(seconds=min(wait, 86_400))), timedelta(days=1))


_NOT_NOW = frozenset({401, 403, 408, 425, 429})  # HTTP statuses that say nothing of the order itself


def is_refusal(error: CarrierError) -> bool:
    """True if the carrier said no, to the order or to the quote before it; False where the network, the login
    or a server at fault may be behind it, which another try may end."""
    if isinstance(error, OrderRefusedError):
        return True
    status = error.facts.get("status")
    return isinstance(status, int) and 400 <= status < 500 and status not in _NOT_NOW


def refusal_facts(change: Change, error: CarrierError) -> dict[str, Fact]:
    """What is told of `change`, of which `error` kept the order from being placed. `gist` is what was said
    without whatever may be another time or id with every answer."""
    return {
        **error.facts,
        "code": error.code,
        "circuit": change.circuit,
        "direction": str(change.direction),
        "from": str(change.old),
        "to": str(change.new),
        "gist": _gist(error),
    }


def said_of(error: CarrierError) -> str:
    """The carrier's own words, or a gateway's; nothing where none came."""
    told = error.facts.get("reason" if error.code == GATEWAY_ANSWERED else "message")
    return str(told) if told else ""


def _gist(error: CarrierError) -> str:
    words = str(error.facts.get("message") or error.facts.get("reason") or "").casefold().split()
    return " ".join("#" if len(word) > _LONGEST_WORD or _DIGIT.search(word) else word for word in words)
