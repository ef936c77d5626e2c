"""What Graph says when it does not give events: from statuses and codes to codes of ours.

Messages are looked at in one place: only they tell a refusal of the application from one of the mailbox.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping

from iodcal.bounds import load_json
from iodcal.domain.structs import Fact
from iodcal.errors import CalendarError, PassingError
from iodcal.http import Answer, AnswerError, error_text
from iodcal.http.answers import printable

# Statuses and codes: learn.microsoft.com/graph/errors, the pages of the resources, and public reports.
_BY_CODE: Mapping[tuple[int, str], str] = {
    (400, "erroridmalformed"): "calendar_gone",
    (400, "errorinvalididmalformed"): "calendar_gone",
    (400, "errorinvalidrequest"): "request_refused",
    (401, "organizationfromtenantguidnotfound"): "tenant_without_exchange",
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
# Codes of a 429 that mean the application, and those that have been seen for it and for a single mailbox.
_OF_APPLICATION = frozenset({"toomanyrequests"})
_OF_EITHER = frozenset({"activitylimitreached", "applicationthrottled", "tenantthrottled"})
_NAMES_APPLICATION = re.compile(r"\b(?:app|application|tenant|organi[sz]ation)\b")
_PASSING = frozenset({429, 500, 502, 503, 504})

MAILBOX_FAULTS = frozenset(
    {"mailbox_missing", "mailbox_not_found", "mailbox_unknown", "mailbox_unsupported", "mailbox_unusable"}
)
"""The codes where a look into the directory may tell more."""

_CLAIMS = re.compile(r'\bclaims="([^"]{1,4000})"')


def error_of(answer: Answer, request_id: str, application: str = "microsoft365") -> CalendarError:
    """The error for an answer of status 400 and more.

    Its facts are `status`, `graph_code`, and the ids and the date that Microsoft's support asks for. It is a
    PassingError where another try may end better; one that refuses the whole `application` names it.
    """
    codes, server_id = _told(answer)
    server_id = answer.headers.get("request-id") or server_id
    facts: dict[str, Fact] = {
        "status": answer.status,
        "graph_code": printable(codes[0], 60) if codes else "none",
        "request_id": printable(server_id or "none", 64),
        "client_request_id": request_id,
        "date": printable(answer.headers.get("Date", "none"), 40),
    }
    code = _code(answer, codes, foreign=not server_id and not _is_json(answer))
    if code == "answered_in_between":
        facts["host"] = answer.url.split("/")[2]
    if answer.status not in _PASSING:
        return CalendarError(code, **facts)
    from iodcal.http.retries import retry_after

    sure = _refuses_application(answer, codes) if answer.status == 429 else False
    shared = application if sure is not False else None
    return PassingError(code, facts, wait=retry_after(answer), shared=shared, sure=bool(sure))


def _refuses_application(answer: Answer, codes: list[str]) -> bool | None:
    """Whether a 429 refuses the application, not the mailbox alone; None where it may be either: the limit of
    requests side by side in one mailbox has the code of the application's, with a message about mailboxes."""
    message = error_text(answer).casefold()
    if "mailbox" in message:
        return False
    if not _OF_APPLICATION.isdisjoint(codes) or _NAMES_APPLICATION.search(message):
        return True
    return False if _OF_EITHER.isdisjoint(codes) else None


def claims_asked(answer: Answer) -> str | None:
    """The claims (JSON) that a 401 wants a new token to have; None where it asks for none.

    learn.microsoft.com/entra/identity-platform/claims-challenge
    """
    challenge = answer.headers.get("WWW-Authenticate", "")
    found = _CLAIMS.search(challenge)
    if "insufficient_claims" not in challenge or found is None:
        return None
    text = found[1] + "=" * (-len(found[1]) % 4)
    try:
        claims = load_json(base64.urlsafe_b64decode(text))
    except ValueError:
        return None
    return json.dumps(claims) if isinstance(claims, dict) else None


def _code(answer: Answer, codes: list[str], *, foreign: bool) -> str:
    status = answer.status
    if status >= 500:
        return "server_fault"  # an outage may come as `extensionError`, too, and is none of access
    if foreign and status in (401, 403, 404, 407):
        return "answered_in_between"  # Graph's own answers are JSON and have an id
    if "extensionerror" in codes and status != 429:
        return "access_denied"
    if status == 401 and "insufficient_claims" in answer.headers.get("WWW-Authenticate", ""):
        return "claims_required"
    found = (_BY_CODE[status, code] for code in codes if (status, code) in _BY_CODE)
    return next(found, None) or _BY_STATUS.get(status) or "status_unexpected"


def _is_json(answer: Answer) -> bool:
    try:
        answer.json()
    except AnswerError:
        return False
    return True


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
