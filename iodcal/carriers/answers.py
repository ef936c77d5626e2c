"""What a carrier's answer says: whether it is a no, or not now, and the fields of an object in it."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.money import check_price
from iodcal.errors import CarrierError
from iodcal.http import Answer, AnswerError, printable

_TOO_MANY = 429
_STATES = ("state", "status", "orderState", "orderStatus", "statusCode")
_YES = ("success", "accepted")
_NO = frozenset({"rejected", "failed", "failure", "declined", "denied", "cancelled", "canceled"})
_NO_ERROR: tuple[object, ...] = (None, False, "", [], {}, 0)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_ITEMS = ("productOrderItem", "orderItem", "order", "orderRequest", "result", "response", "data")


def document_of(answer: Answer) -> object:
    try:
        document: object = answer.json()
    except AnswerError:
        return None
    return document


def first_error(answer: Answer) -> list[str]:
    """What the first of an answer's `errors` says, as in RFC 9457's problem details."""
    document = document_of(answer)
    errors = document.get("errors") if isinstance(document, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return []
    words = [first.get(name) for name in ("detail", "message", "pointer", "parameter", "header")]
    return [word for word in words if isinstance(word, str) and word.strip()]


def gateway_code(answer: Answer) -> str | None:
    """The code in the envelope of an Apigee gateway before the carrier, `fault.detail.errorcode`; empty
    where that names none, None where the answer is in no such envelope."""
    document = document_of(answer)
    fault = document.get("fault") if isinstance(document, dict) else None
    if not isinstance(fault, dict):
        return None
    detail = fault.get("detail")
    return str(detail.get("errorcode", "")) if isinstance(detail, dict) else ""


_APIGEE_LIMIT = "policies.ratelimit."  # with 429, and by default with 500
# Azure API Management: a quota is refused with 403.
_LIMIT_WORDS = re.compile(r"\bout of call volume quota\b|\brate limit is exceeded\b")
_SECONDS_TOLD = re.compile(r"\btry again in (\d{1,6}) seconds\b")
_SPAN_TOLD = re.compile(r"\breplenished in (?:(\d{1,3})\.)?(\d\d):(\d\d):(\d\d)\b")


def is_limit(answer: Answer) -> bool:
    """True where a gateway, or the carrier, takes no request now: nothing was passed on."""
    if answer.status == _TOO_MANY or (gateway_code(answer) or "").startswith(_APIGEE_LIMIT):
        return True
    return answer.status == 403 and _LIMIT_WORDS.search(all_text(answer)) is not None


def wait_told(answer: Answer) -> float | None:
    """The seconds after which an answer lets us try again, by its header or its text; None where it does not
    say."""
    from iodcal.http import retry_after

    told = retry_after(answer)
    if told is not None:
        return told
    text = all_text(answer)
    if (seconds := _SECONDS_TOLD.search(text)) is not None:
        return float(seconds[1])
    if (span := _SPAN_TOLD.search(text)) is None:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in span.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + rest)


def all_text(answer: Answer) -> str:
    """Everything that an answer says, in lower case, for looking for a phrase."""
    return answer.body[:65536].decode("utf-8", errors="replace").casefold()


def says_no(document: object, *, of_many: bool = False) -> bool:
    """True if the body of a yes says that the order, or an item of it, was rejected or has failed. An answer
    `of_many` statuses (207) is looked through for one at any place."""
    if isinstance(document, list):
        return of_many and any(says_no(entry, of_many=True) for entry in document[:50])
    if not isinstance(document, dict):
        return False
    if any(document.get(name) is False for name in _YES):
        return True
    if any(_is_no(document.get(name)) for name in _STATES):
        return True
    inner = [document.get(name) for name in (document if of_many else _ITEMS)]
    entries = [entry for one in inner for entry in (one if isinstance(one, list) else [one])]
    return any(says_no(entry, of_many=of_many) for entry in entries if isinstance(entry, dict))


def _is_no(state: object) -> bool:
    if isinstance(state, int) and not isinstance(state, bool):
        return 400 <= state < 500
    if not isinstance(state, str):
        return False
    words = [word.casefold() for word in _WORD.findall(state)]
    return not _NO.isdisjoint(words) or re.fullmatch(r"4\d\d", state.strip(), re.ASCII) is not None


def names_errors(document: object) -> bool:
    """True if the body of a yes names errors, whatever else it says: then nobody knows."""
    if not isinstance(document, dict):
        return False
    return any(document.get(name) not in _NO_ERROR for name in ("error", "errors", "fault", "exception"))


_MOST_MBPS = 10_000_000
_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a flag",
    int: "a number",
    float: "a number",
    type(None): "nothing",
}


class AnswerObject:
    """An object in a carrier's answer. `where` names it in errors, such as `the reading of port-1`.

    What is missing, or of another kind than its reader wants, raises CarrierError (`answer_wrong`), which
    says which field of which answer, and never shows its value.
    """

    def __init__(self, document: object, where: str) -> None:
        self._where = where
        if not isinstance(document, dict):
            raise CarrierError("answer_wrong", what=f"{where} is no object but {_kind(document)}")
        self._fields: dict[str, Any] = document

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def text(self, name: str) -> str:
        """A text that is not empty, without control characters, of at most 200 characters."""
        value = self._fields.get(name)
        if not isinstance(value, str) or not (shown := printable(value, 200)):
            raise self.wrong(name, "a text")
        return shown

    def text_or(self, name: str, otherwise: str = "") -> str:
        """As `text`; `otherwise` where there is nothing, or an empty text."""
        return otherwise if self._fields.get(name) in (None, "") else self.text(name)

    def bandwidth(self, name: str) -> Bandwidth:
        """A whole number of Mbps."""
        value = self._fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MOST_MBPS:
            raise self.wrong(name, "a whole number of Mbps")
        return Bandwidth(value)

    def flag(self, name: str, *, otherwise: bool = False) -> bool:
        """True or false; `otherwise` where there is nothing."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return otherwise if value is None else value

    def number(self, name: str) -> int:
        """A whole number that is not negative."""
        value = self._fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.wrong(name, "a whole number")
        return value

    def amount(self, name: str) -> Decimal:
        """An amount of money, written as a number or as a text."""
        value = self._fields.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and len(str(value)) < 40:
            try:
                amount = Decimal(str(value))
                check_price(amount)
            except (InvalidOperation, ValueError):
                raise self.wrong(name, "an amount") from None
            return amount
        raise self.wrong(name, "an amount")

    def object(self, name: str) -> AnswerObject:
        """An object within this one."""
        return AnswerObject(self._fields.get(name), f"{name} in {self._where}")

    def objects(self, name: str) -> list[AnswerObject]:
        """A list of objects."""
        value = self._fields.get(name)
        if not isinstance(value, list):
            raise self.wrong(name, "a list")
        return [AnswerObject(one, f"{name}[{at}] in {self._where}") for at, one in enumerate(value)]

    def wrong(self, name: str, wanted: str) -> CarrierError:
        """The error for a field that is not what is `wanted`, to be raised."""
        found = _kind(self._fields.get(name))
        return CarrierError(
            "answer_wrong", what=f"{name} in {self._where}: {found}, where {wanted} is wanted"
        )


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "something else")
