"""Why a Microsoft login was refused: from the numbers of Entra ID to codes of ours.

The numbers only choose the hint; whether a login was refused does not depend on them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from iodcal.domain.structs import Fact
from iodcal.errors import CalendarError
from iodcal.http.answers import printable

_REFERENCE = "learn.microsoft.com/entra/identity-platform/reference-error-codes"
_LIBRARIES = "public reports in the issues of Microsoft's own login libraries"
_FEDERATION = "learn.microsoft.com/entra/workload-id/workload-identity-federation"
_CLOUDS = "learn.microsoft.com/graph/deployments"


class Refusals(Struct, frozen=True):
    """The numbers (AADSTS...) that mean one thing, and where that is said. `next_secret`: another secret of a
    list may succeed, because this one was what was wrong."""

    code: str
    numbers: tuple[int, ...]
    source: str
    next_secret: bool = False


REFUSALS = (
    Refusals("login_secret_wrong", (7000215,), _REFERENCE, next_secret=True),
    Refusals("login_secret_expired", (7000222,), _REFERENCE, next_secret=True),
    Refusals("login_secret_missing", (7000216, 7000218), _REFERENCE, next_secret=True),
    Refusals("login_certificate_unknown", (700027, 50012), _REFERENCE, next_secret=True),
    Refusals("login_certificate_expired", (1000502, 7000274, 7000277), _LIBRARIES, next_secret=True),
    Refusals("login_certificate_revoked", (7000214,), _LIBRARIES, next_secret=True),
    Refusals("login_app_unknown", (700016, 700011), _REFERENCE),
    Refusals("login_app_disabled", (70001, 7000112), _REFERENCE),
    Refusals("login_principal_missing", (7000229,), _LIBRARIES),
    Refusals("login_tenant_unknown", (90002, 50034, 51004), _REFERENCE),
    Refusals("login_tenant_blocked", (5000225,), _LIBRARIES),
    Refusals("login_cloud_wrong", (90038, 900382, 900432), _CLOUDS),
    Refusals("login_consent_missing", (65001, 650056, 650057), _REFERENCE),
    Refusals("login_scope_wrong", (70011, 1002012, 500011), _REFERENCE),
    Refusals("login_clock_wrong", (700024,), _LIBRARIES),
    Refusals("login_federation_wrong", (70021, 700211, 700212, 700213), _FEDERATION),
    Refusals("login_blocked", (53003, 530034, 530035), _REFERENCE),
    Refusals("login_throttled", (90055, 50196), _LIBRARIES),
    Refusals("login_passing", (90033,), _REFERENCE),
)
_CODES: Mapping[int, str] = {number: row.code for row in REFUSALS for number in row.numbers}

CREDENTIAL_REFUSED = frozenset(
    {"login_certificate_wrong", "login_client_refused", *(row.code for row in REFUSALS if row.next_secret)}
)
"""The codes after which another secret may succeed: those of the table, a certificate that cannot even be
sent, and a refusal of the client that gives no number, or one that nobody has seen before."""

_IN_TEXT = re.compile(r"AADSTS(\d{4,8})")


def refusal(result: Mapping[str, object], **facts: Fact) -> CalendarError:
    """The error for what the token endpoint answered in place of a token.

    Its facts are `error`, `aadsts`, `correlation_id`, `timestamp`, and `facts`.
    """
    numbers = _numbers(result)
    error = _text(result, "error")
    unnumbered = "login_client_refused" if error == "invalid_client" else "login_refused"
    known = (number for number in numbers if number in _CODES)
    number = next(known, numbers[0] if numbers else None)
    return CalendarError(
        _CODES.get(number, unnumbered) if number is not None else unnumbered,
        error=error,
        aadsts="no AADSTS number" if number is None else f"AADSTS{number}",
        correlation_id=_text(result, "correlation_id"),
        timestamp=_text(result, "timestamp"),
        **facts,
    )


def _numbers(result: Mapping[str, object]) -> list[int]:
    given = result.get("error_codes")
    numbers = [number for number in given if type(number) is int] if isinstance(given, list) else []
    return numbers or [int(number) for number in _IN_TEXT.findall(str(result.get("error_description", "")))]


def _text(result: Mapping[str, object], name: str) -> str:
    value = result.get(name)
    return printable(value, 64) if isinstance(value, str) and value else "none given"
