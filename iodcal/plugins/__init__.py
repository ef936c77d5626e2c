"""The one import for whoever writes a carrier or a calendar; docs/reference/plug-ins.md is its page.

What stands in `__all__` stays: a name may be added, none is renamed or dropped without a new major version.
`iodcal.plugins.contract` are the tests that a carrier must pass.
"""

from __future__ import annotations

from msgspec import Meta as Field

from iodcal.calendars import (
    CalendarContext,
    CalendarPlugin,
    CalendarReader,
    CalendarReading,
    Source,
    SpoiledEvent,
)
from iodcal.carriers import (
    Advising,
    Carrier,
    CarrierContext,
    CarrierPlugin,
    ListedCircuit,
    Listing,
    Offering,
    OrderRequest,
    Requiring,
)
from iodcal.carriers.answers import AnswerObject
from iodcal.carriers.api import ApiClient, TokenSource
from iodcal.carriers.tokens import Tokens
from iodcal.config.fields import Flag, PositiveLength, Rate, Rates, Text, Texts, one_of
from iodcal.config.forms import Section
from iodcal.config.microsoft365 import SecureUrl
from iodcal.config.parse import section_of
from iodcal.config.secrets import Secret
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Account, ChangeLimit, Quote, Reading, Status
from iodcal.domain.events import Event, Floating, Timed
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Billing, Tariff
from iodcal.errors import (
    AnswerLostError,
    CalendarError,
    CarrierError,
    ChangePendingError,
    NotNowError,
    OrderError,
    OrderNotSentError,
    OrderRefusedError,
    PassingError,
    QuotaExceededError,
    RefusedForGoodError,
    SecretError,
)
from iodcal.http import (
    Answer,
    AnswerError,
    Deadline,
    HttpError,
    ReadingSession,
    Session,
    error_text,
    retry_after,
)

__all__ = [
    "Acceptance",
    "Account",
    "Advising",
    "Answer",
    "AnswerError",
    "AnswerLostError",
    "AnswerObject",
    "ApiClient",
    "Bandwidth",
    "Billing",
    "CalendarContext",
    "CalendarError",
    "CalendarPlugin",
    "CalendarReader",
    "CalendarReading",
    "Carrier",
    "CarrierContext",
    "CarrierError",
    "CarrierPlugin",
    "ChangeLimit",
    "ChangePendingError",
    "Deadline",
    "Event",
    "Field",
    "Flag",
    "Floating",
    "HttpError",
    "Interval",
    "ListedCircuit",
    "Listing",
    "NotNowError",
    "Offering",
    "OrderError",
    "OrderNotSentError",
    "OrderRefusedError",
    "OrderRequest",
    "PassingError",
    "PositiveLength",
    "QuotaExceededError",
    "Quote",
    "Rate",
    "Rates",
    "Reading",
    "ReadingSession",
    "RefusedForGoodError",
    "Requiring",
    "Secret",
    "SecretError",
    "Section",
    "SecureUrl",
    "Session",
    "Source",
    "SpoiledEvent",
    "Status",
    "Tariff",
    "Text",
    "Texts",
    "Timed",
    "TokenSource",
    "Tokens",
    "error_text",
    "one_of",
    "retry_after",
    "section_of",
]
