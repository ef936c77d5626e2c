"""Secrets that went out, so that nothing which comes back, or is told of it, repeats one.

Kept for the whole process: a server may answer with what another thread sent, and a traceback with either.
"""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

MASK = "***"
_SHORTEST = 6  # shorter ones are nobody's secret, and words of honest texts

_known: set[str] = set()


def remember(*secrets: str) -> None:
    """From now on `masked` leaves each of `secrets` out, and each line of those that have several."""
    for secret in secrets:
        for part in (secret, *secret.splitlines()):
            if len(part.strip()) >= _SHORTEST:
                _known.update(_spellings(part.strip()))


def masked(text: str) -> str:
    """`text` without the secrets that are remembered, however JSON or an address would spell them."""
    for secret in sorted(_known.copy(), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def masked_bytes(content: bytes) -> bytes:
    """As `masked`, for what may be no text."""
    return masked(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _spellings(secret: str) -> set[str]:
    return {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote_plus(secret, safe="")}
