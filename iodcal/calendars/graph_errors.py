"""What Graph says when it does not give events: from statuses and codes to codes of ours.

Statuses and codes: learn.microsoft.com/graph/errors and public reports; messages are never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

from iodcal.errors import CalendarError
from iodcal.http import Answer, AnswerError
from iodcal.http.answers import printable
from iodcal.problems.kinds import Fact

_BY_CODE: Mapping[tuple[int, str], str] = {
    (400, "erroridmalformed"): "calendar_gone",
    (400, "errorinvalididmalformed"): "calendar_gone",
    (400, "errorinvalidrequest"): "request_refused",
    (404, "erroritemnotfound"): "calendar_gone",
    (404, "errorinvaliduser"): "mailbox_unusable",
    (404, "mailboxnotenabledforrestapi"): "mailbox_unsupported",
    (404, "mailboxnotsupportedforrestapi"): "mailbox_unsupported",
    (404, "request_resourcenotfound"): "mailbox_unknown",
    (404, "resourcenotfound"): "mailbox_missing",
}
_BY_STATUS: Mapping[int, str] = {
    400: "request_refused",
    401: "token_refused",
    403: "access_denied",
    404: "mailbox_not_found",
    429: "throttled",
}

MAILBOX_FAULTS = frozenset(
    {"mailbox_missing", "mailbox_not_found", "mailbox_unknown", "mailbox_unsupported", "mailbox_unusable"}
)
"""The codes where a look into the directory may tell more."""


def error_of(answer: Answer, request_id: str, **facts: Fact) -> CalendarError:
    """The error for an answer of status 400 and more.

    Its facts are `status`, `graph_code`, the ids and the date that Microsoft's support asks for, and `facts`.
    """
    codes, server_id = _told(answer)
    found = (_BY_CODE[answer.status, code] for code in codes if (answer.status, code) in _BY_CODE)
    return CalendarError(
        _blocked(codes) or next(found, None) or _by_status(answer.status),
        status=answer.status,
        graph_code=printable(codes[0], 60) if codes else "none",
        request_id=printable(answer.headers.get("request-id") or server_id or "none", 64),
        client_request_id=request_id,
        date=printable(answer.headers.get("Date", "none"), 40),
        **facts,
    )


def _blocked(codes: list[str]) -> str | None:
    return "access_denied" if "extensionerror" in codes else None


def _by_status(status: int) -> str:
    return _BY_STATUS.get(status) or ("server_fault" if status >= 500 else "status_unexpected")


def _told(answer: Answer) -> tuple[list[str], str]:
    """The error's codes, case-folded, the outermost first, and the request id in its body."""
    try:
        document = answer.json()
    except AnswerError:
        return [], ""
    error = _object(document, "error")
    codes, request_id = [], ""
    while error:
        if isinstance(code := error.get("code"), str) and code:
            codes.append(code.casefold())
        if isinstance(told := error.get("request-id"), str):
            request_id = told
        # Both spellings are documented.
        error = _object(error, "innerError") or _object(error, "innererror")
    return codes, request_id


def _object(document: object, name: str) -> dict[str, object]:
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, dict) else {}
