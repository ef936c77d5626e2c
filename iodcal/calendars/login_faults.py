"""Why a Microsoft login was refused: from the numbers of Entra ID to codes of ours.

The numbers (learn.microsoft.com/entra/identity-platform/reference-error-codes) only choose the hint; whether
a login was refused does not depend on them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from iodcal.errors import CalendarError
from iodcal.http.answers import printable
from iodcal.problems.kinds import Fact

_NUMBERS: Mapping[str, tuple[int, ...]] = {
    "login_secret_wrong": (7000215,),
    "login_secret_expired": (7000222,),
    "login_secret_missing": (7000218,),
    "login_app_unknown": (700016, 700011),
    "login_app_disabled": (70001, 7000112),
    "login_tenant_unknown": (90002, 50034, 51004),
    "login_cloud_wrong": (90038, 900382, 900432),
    "login_consent_missing": (65001, 650056, 650057),
    "login_scope_wrong": (70011, 1002012),
    "login_certificate_unknown": (700027, 50012),
    "login_clock_wrong": (700024,),
    "login_federation_wrong": (70021, 700211, 700212, 700213),
    "login_blocked": (53003, 530034),
    "login_throttled": (90055, 50196),
}
_CODES: Mapping[int, str] = {number: code for code, numbers in _NUMBERS.items() for number in numbers}

CREDENTIAL_REFUSED = frozenset(
    {
        "login_certificate_unknown",
        "login_certificate_wrong",
        "login_client_refused",
        "login_secret_expired",
        "login_secret_missing",
        "login_secret_wrong",
    }
)
"""The codes after which another secret may succeed."""

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
